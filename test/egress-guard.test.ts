import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { isIP } from 'node:net';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { compileOutgoing } from '../src/hooks/compile-outgoing.ts';
import type { OutgoingDefinition } from '../src/hooks/definition.ts';
import { createHttpClient } from '../src/outgoing/http-client.ts';
import type { Answer } from '../src/outgoing/http-client.ts';
import { renderRequest } from '../src/outgoing/render.ts';
import { createEgressGuard, EgressRefused } from '../src/platform/egress-guard.ts';
import type { EgressGuard, Resolve } from '../src/platform/egress-guard.ts';
import { createFakeClock } from './support/fake-clock.ts';
import { startReceiver } from './support/receiver.ts';
import { startServer } from './support/server.ts';

const guard = createEgressGuard([]);

const refused: Record<string, string[]> = {
  'this network': ['0.0.0.0', '0.1.2.3'],
  private: ['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1', '192.168.255.255'],
  'shared address space (CGNAT)': ['100.64.0.1', '100.127.255.255'],
  loopback: ['127.0.0.1', '127.0.0.53', '127.255.255.255', '::1'],
  'link-local, clouds answer here': [
    '169.254.0.1',
    '169.254.169.254',
    '169.254.170.2',
    'fe80::1',
    'fe80::1%eth0',
    'febf::1',
  ],
  'IETF protocol assignments': ['192.0.0.1', '192.0.0.192'],
  documentation: ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1'],
  benchmarking: ['198.18.0.1', '198.19.255.255', '2001:2::1'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1'],
  reserved: ['240.0.0.1', '255.255.255.255', '100::1', '5f00::1'],
  unspecified: ['::'],
  'unique local, the clouds of IPv6 answer here': ['fc00::1', 'fd00::1', 'fd00:ec2::254', 'fdff:ffff::1'],
  'site-local (deprecated)': ['fec0::1', 'feff::1'],
  'IPv4-mapped': [
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:10.0.0.1',
    '::ffff:169.254.169.254',
    '::ffff:192.168.1.1',
    '::ffff:0.0.0.0',
  ],
  'IPv4-compatible (deprecated)': ['::127.0.0.1', '::10.0.0.1', '::7f00:1', '::a9fe:a9fe'],
  'IPv4-translated': ['::ffff:0:127.0.0.1', '::ffff:0:a00:1'],
  NAT64: [
    '64:ff9b::127.0.0.1',
    '64:ff9b::a00:1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::1',
    '64:ff9b:1::7f00:1',
    '64:ff9b:1:ffff::a00:1',
  ],
  '6to4 of a private address': ['2002:7f00:1::', '2002:a00:1::1', '2002:c0a8:101::1'],
  Teredo: ['2001::1', '2001:0:7f00:1::1'],
  ORCHID: ['2001:10::1', '2001:20::1'],
};

const reachable = [
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.1',
  '100.63.255.255',
  '100.128.0.1',
  '126.255.255.255',
  '128.0.0.1',
  '140.82.112.3',
  '169.253.255.255',
  '169.255.0.1',
  '172.15.255.255',
  '172.32.0.1',
  '192.167.255.255',
  '192.169.0.1',
  '223.255.255.255',
  '2606:4700:4700::1111',
  '2a00:1450:4001:82a::200e',
  '2620:fe::fe',
];

describe('the egress guard', () => {
  for (const [range, addresses] of Object.entries(refused)) {
    for (const address of addresses) {
      test(`refuses ${address} (${range})`, () => assert.throws(() => guard.check(address), EgressRefused));
    }
  }

  for (const address of reachable) {
    test(`lets ${address} through`, () => assert.doesNotThrow(() => guard.check(address)));
  }

  test('refuses every address of the private ranges of IPv4, however it is wrapped for IPv6', () => {
    const ranges = [
      ['10.0.0.0', 8],
      ['127.0.0.0', 8],
      ['172.16.0.0', 12],
      ['192.168.0.0', 16],
      ['169.254.0.0', 16],
      ['100.64.0.0', 10],
    ] as const;
    const addresses = fc.constantFrom(...ranges).chain(([network, bits]) =>
      fc.nat(2 ** (32 - bits) - 1).map((host) => {
        const number =
          ipaddr.IPv4.parse(network)
            .toByteArray()
            .reduce((sum, byte) => sum * 256 + byte, 0) + host;
        return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
      }),
    );
    fc.assert(
      fc.property(addresses, (address) => {
        for (const form of [address, `::ffff:${address}`, `64:ff9b::${address}`, `::${address}`]) {
          assert.throws(() => guard.check(form), EgressRefused, form);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('names the address and the setting that opens it', () => {
    assert.throws(() => guard.check('10.1.2.3'), /10\.1\.2\.3.*private.*HOOKLINE_EGRESS_ALLOW/s);
  });

  test('lets through what the operator allowed, and nothing beside it', () => {
    const opened = createEgressGuard(['10.1.0.0/16', '192.168.7.7', 'fd12::/16', '::1']);
    for (const address of ['10.1.2.3', '192.168.7.7', 'fd12::1', '::1', '::ffff:10.1.2.3']) {
      assert.doesNotThrow(() => opened.check(address), address);
    }
    for (const address of [
      '10.2.0.1',
      '192.168.7.8',
      'fd13::1',
      '127.0.0.1',
      '::ffff:10.2.0.1',
      '64:ff9b::10.2.0.1',
    ]) {
      assert.throws(() => opened.check(address), EgressRefused, address);
    }
  });

  test('the table above holds at least 60 addresses that are refused', () => {
    assert.ok(new Set(Object.values(refused).flat()).size >= 60);
  });

  test('refuses a name that leads to a private address, at the moment of connecting', async () => {
    for (const all of [true, false]) {
      const error = await lookUp(guard, 'localhost', { all }).then(() => null, identity);
      assert.ok(error instanceof EgressRefused, `all: ${all}`);
    }
    const opened = createEgressGuard(['127.0.0.0/8', '::1']);
    assert.deepEqual(await lookUp(opened, 'localhost', { all: false, family: 4 }), ['127.0.0.1']);
  });

  test('passes on that a name is not known', async () => {
    const error = await lookUp(guard, 'no-such-host.invalid').then(() => null, identity);
    assert.ok(error && !(error instanceof EgressRefused));
  });

  test('a name is refused as soon as one of its addresses is private, in whatever order they come', async () => {
    for (const addresses of [
      ['1.1.1.1', '10.0.0.1'],
      ['10.0.0.1', '1.1.1.1'],
      ['2606:4700:4700::1111', '::ffff:127.0.0.1'],
      ['1.1.1.1', '2606:4700:4700::1111', '64:ff9b::a9fe:a9fe'],
    ]) {
      for (const all of [true, false]) {
        const asked = createEgressGuard([], answering(addresses));
        await assert.rejects(lookUp(asked, 'both.example', { all }), EgressRefused, addresses.join());
      }
    }
  });

  test('what is connected to is what was checked: the very addresses, and no others', async () => {
    const addresses = ['1.1.1.1', '2606:4700:4700::1111'];
    const asked = createEgressGuard([], answering(addresses));
    assert.deepEqual(await lookUp(asked, 'public.example', { all: true }), addresses);
    assert.deepEqual(await lookUp(asked, 'public.example', { all: false }), ['1.1.1.1']);
  });

  test('a name that answers a public address first and a private one second is refused the second time', async () => {
    const rebinding = createEgressGuard([], answering(['1.1.1.1'], ['127.0.0.1']));
    assert.deepEqual(await lookUp(rebinding, 'rebind.example'), ['1.1.1.1']);
    await assert.rejects(lookUp(rebinding, 'rebind.example'), EgressRefused);
  });

  test('a name without any address is an error, and no crash', async () => {
    for (const all of [true, false]) {
      const empty = createEgressGuard([], answering([]));
      await assert.rejects(lookUp(empty, 'empty.example', { all }), { code: 'ENODATA' });
    }
  });

  test('many who ask for a name at once ask the resolver once, and each gets the answer or an error of his own', async () => {
    let asked = 0;
    const waiting: (() => void)[] = [];
    const slow: Resolve = (hostname, _options, callback) => {
      asked++;
      const error = Object.assign(new Error('no answer'), { code: 'EAI_AGAIN' });
      waiting.push(() =>
        hostname === 'good.example'
          ? callback(null, [{ address: '1.1.1.1', family: 4 }])
          : callback(error, []),
      );
    };
    const shared = createEgressGuard([], slow);
    const good = Array.from({ length: 5 }, () => lookUp(shared, 'good.example'));
    const bad = Array.from({ length: 5 }, () => lookUp(shared, 'bad.example').catch(identity));
    assert.equal(asked, 2);
    for (const answer of waiting.splice(0)) answer();
    for (const addresses of await Promise.all(good)) assert.deepEqual(addresses, ['1.1.1.1']);
    const errors = await Promise.all(bad);
    assert.equal(new Set(errors).size, 5);
    for (const error of errors) assert.equal((error as NodeJS.ErrnoException).code, 'EAI_AGAIN');

    const again = lookUp(shared, 'good.example');
    assert.equal(asked, 3, 'no answer is kept');
    for (const answer of waiting) answer();
    await again;
  });
});

/** Each gets to the guard as a URL, through the templates, the way that a hook's does. */
const literals: [host: string, address: string][] = [
  ['127.0.0.1', '127.0.0.1'],
  ['2130706433', '127.0.0.1'],
  ['017700000001', '127.0.0.1'],
  ['0x7f000001', '127.0.0.1'],
  ['0X7F000001', '127.0.0.1'],
  ['0177.0.0.1', '127.0.0.1'],
  ['0177.0.0.01', '127.0.0.1'],
  ['0x7f.1', '127.0.0.1'],
  ['0x7f.0.0.0x1', '127.0.0.1'],
  ['127.1', '127.0.0.1'],
  ['127.0.1', '127.0.0.1'],
  ['127.0.0.1.', '127.0.0.1'],
  ['0', '0.0.0.0'],
  ['0x0', '0.0.0.0'],
  ['2852039166', '169.254.169.254'],
  ['0xa9fea9fe', '169.254.169.254'],
  ['0251.0376.0251.0376', '169.254.169.254'],
  ['169.254.43518', '169.254.169.254'],
  ['10.1', '10.0.0.1'],
  ['192.168.257', '192.168.1.1'],
  ['%31%32%37.0.0.1', '127.0.0.1'],
  ['127%2e0%2e0%2e1', '127.0.0.1'],
  ['%3127.0.0.1', '127.0.0.1'],
  ['１２７.０.０.１', '127.0.0.1'],
  ['127。0。0。1', '127.0.0.1'],
  ['①②⑦.⓪.⓪.①', '127.0.0.1'],
  ['１０．１', '10.0.0.1'],
  ['127.0.0.1:8080', '127.0.0.1'],
  ['[::1]', '::1'],
  ['[0:0:0:0:0:0:0:1]', '::1'],
  ['[::]', '::'],
  ['[::ffff:127.0.0.1]', '::ffff:7f00:1'],
  ['[::ffff:7f00:1]', '::ffff:7f00:1'],
  ['[::FFFF:A9FE:A9FE]', '::ffff:a9fe:a9fe'],
  ['[::ffff:0:10.0.0.1]', '::ffff:0:a00:1'],
  ['[64:ff9b::127.0.0.1]', '64:ff9b::7f00:1'],
  ['[::127.0.0.1]', '::7f00:1'],
  ['[2002:7f00:1::]', '2002:7f00:1::'],
  ['[fe80::1]', 'fe80::1'],
  ['[fd00:ec2::254]', 'fd00:ec2::254'],
];

describe('an address written into a URL', () => {
  for (const [host, address] of literals) {
    test(`http://${host}/ is refused as ${address}, before anything is connected`, async (t) => {
      const { post, asked } = clientOf(t, answering(['1.1.1.1']));
      for (const target of [`http://${host}/`, `https://${host}/x?y#z`]) {
        const answer = await post(rendered(target));
        assert.ok(answer.kind === 'no-answer' && answer.refused, JSON.stringify(answer));
        assert.ok(answer.reason.startsWith(`${address} is a private or reserved address`), answer.reason);
        assert.equal(answer.address, '');
      }
      assert.deepEqual(asked, [], 'and no resolver is asked');
    });
  }

  test('is refused as well when it comes out of a value, in the place of the host', async (t) => {
    const { post } = clientOf(t, answering(['1.1.1.1']));
    for (const host of ['127.0.0.1', '2130706433', '0x7f.1', '[::1]']) {
      const answer = await post(rendered('http://{{ host | raw }}/', { host }));
      assert.ok(answer.kind === 'no-answer' && answer.refused, host);
    }
  });

  test('names that people use for their own machine are looked up, and refused for where they lead', async (t) => {
    const { post, asked } = clientOf(t, answering(['127.0.0.1']));
    const names = [
      'localhost',
      'LOCALHOST',
      'localhost.',
      'a.localhost',
      'ｌｏｃａｌｈｏｓｔ',
      '127.0.0.1.nip.example',
    ];
    for (const name of names) {
      const answer = await post(rendered(`http://${name}/`));
      assert.ok(answer.kind === 'no-answer' && answer.refused, name);
    }
    assert.equal(asked.length, names.length);
  });

  test('the resolver of this machine leads no name of localhost past the guard', async (t) => {
    const { post } = clientOf(t, undefined);
    for (const name of ['localhost', 'localhost.', 'a.localhost', 'b.a.localhost']) {
      const answer = await post(rendered(`http://${name}:9/`));
      assert.equal(answer.kind, 'no-answer');
      // Where such names are not known, there is nothing to refuse.
      if (answer.kind === 'no-answer' && !answer.refused) assert.match(answer.reason, /name of the host/);
    }
  });

  const impossible: Record<string, RegExp> = {
    'http://1.1.1.1@127.0.0.1/': /name or password/,
    'http://a:b@127.0.0.1/': /name or password/,
    'http://:b@127.0.0.1/': /name or password/,
    'http://1.1.1.1%40@127.0.0.1/': /name or password/,
    'http://[::1%25lo]/': /is no address/,
    'http://[::ffff:127.0.0.1%lo]/': /is no address/,
    'http://256.256.256.256/': /is no address/,
    'http://127.0.0.0x/\0': /./,
    'http://127.0.0.1.1.1/': /is no address/,
    'http://0x1ffffffff/': /is no address/,
    'http://1.1.1.1%2f@127.0.0.1/': /name or password/,
    'http://1.1.1.1 .example/': /is no address/,
    'http://1.1.1.1%00.example/': /is no address/,
    'file:///etc/passwd': /neither http nor https/,
    'gopher://127.0.0.1/': /neither http nor https/,
    'ftp://127.0.0.1/': /neither http nor https/,
  };
  for (const [target, reason] of Object.entries(impossible)) {
    test(`${JSON.stringify(target)} is never sent`, async (t) => {
      const { compiled } = compileOutgoing(definitionOf(target));
      const made = renderRequest(compiled, {});
      if (made.kind === 'impossible') {
        assert.match(made.reason, reason);
        return;
      }
      const answer = await clientOf(t, answering(['127.0.0.1'])).post(made.url);
      assert.ok(answer.kind === 'no-answer' && answer.refused, made.url);
    });
  }

  test('a host that only looks like a name beside it is where the request goes', async (t) => {
    const { post, asked } = clientOf(t, answering(['10.0.0.1']));
    for (const target of [
      'http://inner.example\\@1.1.1.1/',
      'http://inner.example#@1.1.1.1/',
      'http://inner.example?@1.1.1.1/',
      'http:\\\\inner.example/',
      'http:/inner.example/',
      'http://INNER.EXAMPLE/',
      'http://inner%2eexample/',
      'http://in\tner.exam\nple/',
    ]) {
      const answer = await post(rendered(target));
      assert.ok(answer.kind === 'no-answer' && answer.refused, target);
    }
    assert.deepEqual([...new Set(asked)], ['inner.example']);
  });
});

describe('the client behind the guard', () => {
  test('checks every new connection, and none that is open', async (t) => {
    const receiver = await startReceiver();
    t.after(() => receiver.close());
    const { post, asked } = clientOf(t, answering(['127.0.0.1']), ['127.0.0.1']);
    const url = `http://name.example:${receiver.port}/`;
    assert.equal((await post(url)).kind, 'answer');
    // Only then is the connection free again.
    await nextTurn();
    const second = await post(url);
    assert.equal(second.kind, 'answer');
    assert.ok(second.timing.connection_reused);
    assert.equal(asked.length, 1, 'the open connection leads where it was checked to lead');
    receiver.setBehaviour(() => ({ kind: 'answer', status: 200, headers: { connection: 'close' } }));
    await post(url);
    await post(url);
    await post(url);
    assert.equal(asked.length, 3, 'a new one is checked anew');
  });

  test('connects to the address that was checked; the same name is refused when it leads elsewhere at the next', async (t) => {
    const receiver = await startReceiver({
      behave: () => ({ kind: 'answer', status: 200, headers: { connection: 'close' } }),
    });
    t.after(() => receiver.close());
    const rebinding = answering(['127.0.0.1'], ['127.0.0.2'], ['127.0.0.1', '127.0.0.2'], ['127.0.0.1']);
    const { post } = clientOf(t, rebinding, ['127.0.0.1']);
    const url = `http://rebind.example:${receiver.port}/`;
    const answers = [await post(url), await post(url), await post(url), await post(url)];
    assert.deepEqual(
      answers.map(({ kind }) => kind),
      ['answer', 'no-answer', 'no-answer', 'answer'],
    );
    assert.equal(answers[0]?.address, '127.0.0.1');
    for (const refusal of answers.slice(1, 3)) {
      assert.ok(refusal.kind === 'no-answer' && refusal.refused);
      assert.match(refusal.reason, /^127\.0\.0\.2 is a private or reserved address \(loopback\)/);
    }
    assert.equal(receiver.requests.length, 2);
  });

  test('does not follow a redirect, to a private address or anywhere', async (t) => {
    const inner = await startReceiver();
    t.after(() => inner.close());
    for (const location of [inner.url, `//127.0.0.1:${inner.port}/`, 'http://169.254.169.254/', '/again']) {
      for (const status of [301, 302, 303, 307, 308]) {
        const outer = await startReceiver({
          behave: () => ({ kind: 'answer', status, headers: { location } }),
        });
        const { post } = clientOf(t, answering(['127.0.0.1']), ['127.0.0.1']);
        const answer = await post(`${outer.url}/`);
        assert.equal(answer.kind === 'answer' && answer.status, status);
        assert.equal(outer.requests.length, 1);
        await outer.close();
      }
    }
    assert.equal(inner.requests.length, 0);
  });

  const failures: [what: string, resolve: Resolve, reason: string][] = [
    ['has no address', answering([]), 'The name of the host has no address (ENODATA).'],
    ['is not known', failing('ENOTFOUND'), 'The name of the host is not known (ENOTFOUND).'],
    ['gets no answer', failing('EAI_AGAIN'), 'The name of the host could not be looked up (EAI_AGAIN).'],
    ['fails strangely', failing('EAI_FAIL'), 'The name of the host could not be looked up (EAI_FAIL).'],
    ['is too long', failing('EAI_NONAME'), 'The name of the host is not known (EAI_NONAME).'],
  ];
  for (const [what, resolve, reason] of failures) {
    test(`a name that ${what} gives a sentence, and is tried again later`, async (t) => {
      const { post } = clientOf(t, resolve);
      for (const scheme of ['http', 'https']) {
        const answer = await post(`${scheme}://name.example/`);
        assert.ok(answer.kind === 'no-answer');
        assert.equal(answer.reason, reason);
        assert.equal(answer.refused, false);
      }
    });
  }
});

test(
  'the program has threads for 32 lookups at once, where two names that hang would otherwise hold up all others',
  { skip: !existsSync('/proc/self/task') && 'needs /proc to count threads' },
  async (t) => {
    const server = await startServer();
    t.after(() => server.stop());
    // Signing in hashes a password, and with that all threads of the pool have begun.
    await server.login();
    assert.ok(readdirSync(`/proc/${server.pid}/task`).length > 64);
  },
);

const identity = (error: unknown): unknown => error;

/** Gives the addresses that the guard lets through. */
function lookUp(
  { lookup }: EgressGuard,
  hostname: string,
  options: { all?: boolean; family?: number } = { all: true },
): Promise<string[]> {
  return new Promise((resolve, reject) => {
    lookup(hostname, options, (error, found) => {
      if (error) reject(error);
      else resolve(typeof found === 'string' ? [found] : found.map(({ address }) => address));
    });
  });
}

/** A resolver that knows every name: the first time these addresses, then the next ones, the last ones for ever. */
function answering(...answers: [string[], ...string[][]]): Resolve {
  let index = 0;
  return (_hostname, _options, callback) => {
    const addresses = answers[Math.min(index++, answers.length - 1)]!;
    setImmediate(
      callback,
      null,
      addresses.map((address) => ({ address, family: isIP(address) })),
    );
  };
}

function failing(code: string): Resolve {
  return (hostname, _options, callback) => {
    const error = Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), { code });
    setImmediate(callback, error, []);
  };
}

function definitionOf(target_url: string): OutgoingDefinition {
  const nothing = { request_headers: [], request_body: null, events: [], conditions: [] };
  return { target_url, verify_ssl: true, ...nothing };
}

/** The URL that a hook with this template asks for. */
function rendered(target_url: string, values: object = {}): string {
  const { compiled, faults } = compileOutgoing(definitionOf(target_url));
  assert.deepEqual(faults, []);
  const made = renderRequest(compiled, values);
  assert.ok(made.kind === 'request', JSON.stringify(made));
  return made.url;
}

/** A client whose resolver is `resolve`, or else that of the machine; `asked` holds the names that it was asked for. */
function clientOf(t: TestContext, resolve: Resolve | undefined, allow: string[] = []) {
  const asked: string[] = [];
  const noting: Resolve | undefined =
    resolve &&
    ((hostname, options, callback) => {
      asked.push(hostname);
      resolve(hostname, options, callback);
    });
  const clock = createFakeClock();
  const client = createHttpClient({ guard: createEgressGuard(allow, noting), clock });
  t.after(() => client.close());
  const post = (url: string): Promise<Answer> => {
    const id = randomUUID();
    return client.post({
      id,
      url,
      headers: { 'webhook-id': id },
      body: '',
      verifyTls: true,
      tls: null,
      signal: new AbortController().signal,
    });
  };
  return { post, asked };
}
