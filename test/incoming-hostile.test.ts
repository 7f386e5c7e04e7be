import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { IncomingDefinition } from '../src/hooks/definition.ts';
import type { IncomingHook } from '../src/hooks/registry.ts';
import { understandPlain, type Decision } from '../src/incoming/decide.ts';
import { formField, parsePayload } from '../src/incoming/parse-payload.ts';
import { parseExactJson } from '../src/platform/exact-json.ts';

const form = 'application/x-www-form-urlencoded';
const megabytes = (count: number) => count * 1024 * 1024;

/** Runs it and fails when it took longer than whoever waits behind it can bear. */
function within<Value>(ms: number, run: () => Value): Value {
  const begun = process.threadCpuUsage();
  const value = run();
  const { user, system } = process.threadCpuUsage(begun);
  const took = (user + system) / 1000;
  assert.ok(took < ms, `took ${Math.round(took)} ms, more than ${ms} ms`);
  return value;
}

/** A hook as the accept path has it, without a secret unless told. */
function hookOf(definition: Partial<IncomingDefinition>): IncomingHook {
  const row = {
    pipeline_id: 1,
    resource_type: 'application',
    resource_id: 1,
    action_type: 'deploy',
    uuid: 'x',
  };
  const unsigned: IncomingDefinition = {
    requires_secret: false,
    secret_algorithm: null,
    secret_header_name: null,
    variables: [],
    conditions: [],
  };
  // Safe: of the row no more is looked at.
  const hook = {
    row,
    secret: null,
    previous: null,
    pipelineIds: [1],
    definition: { ...unsigned, ...definition },
  };
  return hook as unknown as IncomingHook;
}

/** Letters in no order, the same each time. */
function textOf(length: number): string {
  let state = 1;
  return Array.from({ length }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return String.fromCharCode(0x61 + (state % 26));
  }).join('');
}

type Sent = { headers?: Record<string, string>; query?: string };

function decided(
  definition: Partial<IncomingDefinition>,
  body: unknown,
  { headers = {}, query = '' }: Sent = {},
): Decision {
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const request = { headers, query, body: Buffer.from(text as string) };
  return understandPlain(hookOf(definition), { request, fault: null });
}

function payloadOf(contentType: string, body: string | Buffer): unknown {
  const parsed = parsePayload(contentType, Buffer.from(body));
  if (!parsed.ok) assert.fail(parsed.reason);
  return parsed.payload;
}

describe('bodies that are made to cost time', () => {
  test('a form of a million fields is refused, and nobody waits for it', () => {
    const body = Buffer.from('a&'.repeat(1_000_000));
    for (const type of [form, `${form}; charset=latin1`]) {
      const parsed = within(500, () => parsePayload(type, body));
      assert.deepEqual(parsed, { ok: false, status: 400, reason: 'The form has more than 10000 fields.' });
      // Looked for before a signature is known to be right.
      assert.equal(
        within(500, () => formField(type, body, 'payload')),
        null,
      );
    }
  });

  test('one large integer among millions of small ones costs no more than reading them', () => {
    const body = Buffer.from(`[${'1,'.repeat(megabytes(4))}12345678901234567890]`);
    const list = within(1200, () => payloadOf('application/json', body)) as unknown[];
    assert.equal(list.at(-1), 12_345_678_901_234_567_890n);
    assert.equal(list.length, megabytes(4) + 1);
  });

  test('a key that would reach a prototype among millions of values too', () => {
    const body = Buffer.from(`[{"__proto__":{"x":1}},${'1,'.repeat(megabytes(4))}1]`);
    const list = within(1200, () => payloadOf('application/json', body)) as object[];
    assert.deepEqual(Object.getOwnPropertyNames(list[0]), []);
  });

  test('integers, and keys that would reach a prototype, may be nested as deep as anyone likes', () => {
    const levels = 200_000;
    const deep = `${'['.repeat(levels)}12345678901234567890,{"__proto__":1}${']'.repeat(levels)}`;
    let value = payloadOf('application/json', deep);
    for (let level = 1; level < levels; level++) value = (value as unknown[])[0];
    assert.equal((value as unknown[])[0], 12_345_678_901_234_567_890n);
    assert.equal(Object.hasOwn((value as object[])[1]!, '__proto__'), false);
  });
});

describe('exact integers', () => {
  const big = '12345678901234567890';
  const cases: [text: string, value: unknown][] = [
    [big, BigInt(big)],
    [`-${big}`, -BigInt(big)],
    [`{"a":${big},"b":[1,-${big}]}`, { a: BigInt(big), b: [1, -BigInt(big)] }],
    [`["${big}",":${big}","\\"${big}","\\\\",${big}]`, [big, `:${big}`, `"${big}`, '\\', BigInt(big)]],
    [`{"${big}":${big}}`, { [big]: BigInt(big) }],
    [`{"__proto__":${big}}`, JSON.parse('{"__proto__":0}')],
    [`[${big}.0,${big}e0,1e${big.slice(0, 2)},9007199254740991,0.${big}]`, null],
    [`[${'9'.repeat(100)},${'9'.repeat(101)}]`, [BigInt('9'.repeat(100)), Number('9'.repeat(101))]],
  ];
  for (const [text, value] of cases) {
    test(`${text.slice(0, 60)} is read as it is written`, () => {
      const read = parseExactJson(text);
      if (text.startsWith('{"__proto__"')) {
        assert.deepEqual(Object.getOwnPropertyDescriptor(read, '__proto__')?.value, BigInt(big));
        assert.equal(Object.getPrototypeOf(read), Object.prototype);
      } else assert.deepEqual(read, value ?? JSON.parse(text));
    });
  }

  for (const text of [
    `{${big}:1}`,
    `{${big} : 1}`,
    `[0${big}]`,
    `[--${big}]`,
    `[+${big}]`,
    `[1 ${big}]`,
    `[${big}`,
    `x${big}`,
    `"${big}`,
  ]) {
    test(`${text} is no JSON, and the fault is told of what was sent`, () => {
      const fault = (read: () => unknown) => {
        try {
          read();
        } catch (error) {
          return String(error);
        }
        return assert.fail('was read');
      };
      assert.equal(
        fault(() => parseExactJson(text)),
        fault(() => JSON.parse(text)),
      );
    });
  }
});

describe('a signed body under another content type', () => {
  const evil = encodeURIComponent('{"ref":"refs/heads/evil"}');
  const signed = `{"ref":"refs/heads/main","message":"x&payload=${evil}&y=1"}`;

  test('is not taken apart as a form: a text within it becomes no field', () => {
    for (const start of ['', ' ', '\n', '\uFEFF']) {
      const payload = payloadOf(form, start + signed) as { ref: string };
      assert.equal(payload.ref, 'refs/heads/main');
      assert.equal(formField(form, Buffer.from(start + signed), 'payload'), null);
    }
    assert.deepEqual(payloadOf(form, `["&payload=${evil}"]`), [`&payload=${evil}`]);
    assert.deepEqual(payloadOf(form, `"&payload=${evil}"`), `&payload=${evil}`);
  });

  test('forms are still forms, in any charset', () => {
    assert.deepEqual(payloadOf(form, 'a=1&b=%7B%22&c=x+y'), { a: '1', b: '{"', c: 'x y' });
    assert.deepEqual(payloadOf(form, 'payload={"a":1}'), { a: 1 });
    assert.deepEqual(payloadOf(`${form}; charset=latin1`, 'a=%E9%+%4&%62=+'), { a: 'é% %4', b: ' ' });
  });
});

describe('a body made to cost time, and a hook that was made for it', () => {
  const items = JSON.stringify({ a: Array.from({ length: 500_000 }, (_, index) => ({ b: `x${index}` })) });
  const manyPaths = Array.from({ length: 100 }, (_, index) => `a.*.c${index}`);
  const cases: [name: string, definition: Partial<IncomingDefinition>, body: string][] = [
    [
      'a hundred variables of a hundred places in a long list',
      { variables: manyPaths.map((path, index) => ({ name: `v${index}`, path, fallback_paths: manyPaths })) },
      items,
    ],
    [
      'a hundred globs for each of many texts',
      {
        conditions: [
          { path: 'a.*.b', globs: Array.from({ length: 100 }, (_, index) => `**/${index}/**/*.{ts,js}`) },
        ],
      },
      items,
    ],
    [
      'filters with globs',
      {
        variables: Array.from({ length: 100 }, (_, index) => ({
          name: `v${index}`,
          path: `a.[b~**/${index}/**].c`,
        })),
      },
      items,
    ],
    [
      'a large list as each of a hundred variables',
      {
        variables: Array.from({ length: 100 }, (_, index) => ({
          name: `v${index}`,
          path: 'a',
          type: 'array',
        })),
      },
      items,
    ],
    [
      'a transformation of each of many texts',
      {
        variables: Array.from({ length: 100 }, (_, index) => ({
          name: `v${index}`,
          path: 'a.*.b',
          type: 'array',
          transform: { capture: `(${index})$` },
        })),
      },
      items,
    ],
    [
      'expressions that are slow on long texts',
      {
        conditions: Array.from({ length: 20 }, (_, index) => ({
          path: 'text',
          matches: [`(a.{0,${999 - index}}b|c.{0,1000}d)$`],
          not: true,
        })),
      },
      JSON.stringify({ text: `${textOf(70_000)}.` }),
    ],
  ];
  for (const [name, definition, body] of cases) {
    test(`${name}: refused after a second or two`, () => {
      const decision = within(5000, () => decided(definition, body));
      assert.equal(
        decision.outcome === 'refused' && decision.status,
        413,
        JSON.stringify(decision).slice(0, 300),
      );
      assert.match(decision.outcome === 'refused' ? decision.reason : '', /too large for this hook/);
    });
  }

  test('a push of five thousand files and a hundred globs is decided as ever', () => {
    const files = Array.from(
      { length: 4900 },
      (_, index) => `apps/service-${index % 50}/src/thing-${index}.ts`,
    );
    const globs = Array.from({ length: 99 }, (_, index) => `packages/lib-${index}/**`);
    const push = { commits: [{ added: files }] };
    const conditions = [{ path: '$changed_files', globs }];
    assert.equal(decided({ conditions }, push).outcome, 'skipped');
    assert.equal(
      decided({ conditions: [{ path: '$changed_files', globs: [...globs, 'apps/*-7/**'] }] }, push).outcome,
      'accepted',
    );
  });

  test('a sentence is no longer than one reads, however much the hook and the body hold', () => {
    const long = 'x'.repeat(400);
    const paths = Array.from({ length: 100 }, (_, index) => `${long}${index}`);
    const unmet = decided(
      {
        conditions: [
          {
            path: 'a',
            accepted_values: paths,
            matches: paths.slice(0, 20),
            globs: paths,
          },
        ],
      },
      items,
    );
    assert.equal(unmet.outcome, 'skipped');
    assert.ok(unmet.reason.length < 5000, String(unmet.reason.length));
    assert.match(unmet.reason, / or 90 more or match /);
    const missing = decided(
      {
        variables: paths.map((path, index) => ({
          name: `v${index}`,
          path,
          fallback_paths: paths,
          required: true,
        })),
      },
      {},
    );
    assert.ok(missing.reason.length < 5000, String(missing.reason.length));
  });
});

describe('what may be a token', () => {
  const secret = 'correct-horse-battery';
  const wrong = { headers: { 'x-shop': 'guess', 'x-api-key': 'guess' }, query: 'token=guess' };
  const places: [name: string, definition: Partial<IncomingDefinition>][] = [
    ['a parameter', { conditions: [{ type: 'request_query', path: 'token', accepted_values: [secret] }] }],
    ['a header', { conditions: [{ type: 'request_header', path: 'X-Api-Key', matches: [`^${secret}$`] }] }],
    ['a path', { conditions: [{ path: '$query.token', accepted_values: [secret] }] }],
    [
      'one of several paths',
      { conditions: [{ path: 'x', fallback_paths: ['$headers.x-api-key'], globs: [secret] }] },
    ],
    ['a key of the body', { conditions: [{ path: 'auth.verification_token', accepted_values: [secret] }] }],
    [
      'a variable',
      {
        variables: [{ name: 'given', path: 'x', fallback_paths: ['$query.token'] }],
        conditions: [{ type: 'variable', path: 'given', accepted_values: [secret] }],
      },
    ],
    [
      'the header that holds the secret of the hook',
      {
        requires_secret: true,
        signature_scheme: 'gitlab-token',
        secret_header_name: 'x-shop',
        conditions: [{ path: '$headers.X-Shop', accepted_values: [secret] }],
      },
    ],
  ];
  for (const [name, definition] of places) {
    test(`in ${name} is told to nobody by the condition that checks it`, () => {
      const body = { auth: { verification_token: 'guess' } };
      const decision = decided(definition, body, wrong);
      assert.equal(decision.outcome, 'skipped');
      assert.ok(!decision.reason.includes(secret), decision.reason);
      assert.ok(!decision.reason.includes('guess'), decision.reason);
      assert.match(decision.reason, / must be what the hook says, and found was "\*{8}"\.$/);
    });
  }
});

describe('a push that lists some of its files only', () => {
  const push = { total_commits_count: 30, commits: [{ modified: ['docs/a.md'] }] };
  const cases: [globs: string[], not: boolean, runs: boolean][] = [
    [['docs/**'], false, true],
    [['apps/**'], false, true],
    // None of the others is known to be under it.
    [['apps/**'], true, true],
    [['docs/**'], true, false],
  ];
  for (const [globs, not, runs] of cases) {
    test(`${runs ? 'runs' : 'does not run'} under ${not ? 'no file of' : 'any file of'} ${globs.join()}`, () => {
      const decision = decided({ conditions: [{ path: '$changed_files', globs, not }] }, push);
      assert.equal(decision.outcome, runs ? 'accepted' : 'skipped');
    });
  }
});

describe('a condition on a long list, or on a long text', () => {
  test('looks at every item of it: nothing hides behind ten thousand others', () => {
    const list = [...Array.from({ length: 20_000 }, () => 'fine'), 'forbidden'];
    const conditions = [{ path: 'list', accepted_values: ['forbidden'], not: true }];
    assert.equal(decided({ conditions }, { list }).outcome, 'skipped');
  });

  test('looks at as much of it as a variable could hold', () => {
    const definition = {
      variables: [{ name: 'text' }],
      conditions: [{ path: 'text', matches: ['^[a-z]+$'] }],
    };
    assert.equal(decided(definition, { text: `${'a'.repeat(20_000)}; reboot` }).outcome, 'skipped');
    assert.notEqual(decided(definition, { text: `${'a'.repeat(66_000)}; reboot` }).outcome, 'accepted');
  });
});
