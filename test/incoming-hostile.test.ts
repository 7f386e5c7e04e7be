import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { HookVariable, IncomingCondition, IncomingDefinition } from '../src/hooks/definition.ts';
import { incomingDefinition, type IncomingInput } from '../src/hooks/define-incoming.ts';
import { incomingPresets } from '../src/hooks/incoming-presets.ts';
import type { IncomingHook } from '../src/hooks/registry.ts';
import { signatureSchemeNames } from '../src/hooks/signature-schemes.ts';
import { unmetCondition } from '../src/incoming/conditions.ts';
import { decide, understandPlain, type Decision } from '../src/incoming/decide.ts';
import { extractVariables } from '../src/incoming/extract.ts';
import { inflateBody } from '../src/incoming/inflate.ts';
import { formField, parsePayload } from '../src/incoming/parse-payload.ts';
import { readPath } from '../src/incoming/paths.ts';
import { longStep } from '../src/platform/effort.ts';
import { AppError } from '../src/platform/errors.ts';
import { parseExactJson } from '../src/platform/exact-json.ts';
import { createApiClient } from './support/api-client.ts';
import { createApplication, createIncomingHook, createPipeline, openWorkplace } from './support/fixtures.ts';
import type { Receipt, Workplace } from './support/fixtures.ts';
import { sendAs, signAs } from './support/incoming-senders.ts';
import { startReceiver } from './support/receiver.ts';
import type { Receiver } from './support/receiver.ts';
import { startServer } from './support/server.ts';
import type { TestServer } from './support/server.ts';

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

  test('millions of empty objects, which would take a gigabyte of memory, are refused', () => {
    const parsed = within(500, () =>
      parsePayload('application/json', Buffer.from(`[${'{},'.repeat(4_000_000)}1]`)),
    );
    assert.equal(!parsed.ok && parsed.status, 413);
    const commits = Array.from({ length: 40_000 }, (_, id) => ({
      id,
      text: 'x'.repeat(200),
      author: {},
      added: [],
    }));
    assert.equal(parsePayload('application/json', Buffer.from(JSON.stringify(commits))).ok, true);
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

  test('every item that is looked at counts', () => {
    let spent = 0;
    const effort = { spend: (weight: number) => void (spent += weight) };
    const payload = { list: Array.from({ length: 1000 }, () => ({ name: 'x'.repeat(160) })) };
    const source = { payload, headers: {}, query: {}, isForm: false, effort };
    const least = (weight: number, look: () => unknown) => {
      spent = 0;
      look();
      assert.ok(spent >= weight, `${spent} are fewer than ${weight}`);
    };
    least(1000, () => readPath(source, 'list.*.none'));
    least(1000, () => readPath(source, 'list.[name=y].name'));
    least(10_000, () => readPath(source, 'list.[name~y*].name'));
    const variable: HookVariable = { name: 'names', path: 'list.*.name', type: 'array' };
    least(10_000, () => extractVariables([{ ...variable, transform: { capture: 'y' } }], source));
    // All of it is walked through to see how large it is.
    least(longStep, () => extractVariables([{ ...variable, path: 'list' }], source));
    const conditions: IncomingCondition[] = [{ path: 'list.*.name', matches: ['y', 'z'] }];
    least(20_000, () => unmetCondition({ conditions, variables: [] }, source, {}));
  });

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

describe('a definition made to cost time or memory', () => {
  const input = (fields: IncomingInput) => () => incomingDefinition({ name: 'x', ...fields }, null);
  const slowToCompile = (which: number) => `(?i)${which}${'[a-\\x{10ffff}]'.repeat(30)}`;
  const cases: [name: string, fields: IncomingInput, field: string][] = [
    [
      'hundreds of expressions that are slow to compile',
      {
        trigger_when: {
          conditions: Array.from({ length: 25 }, (_, index) => ({
            path: 'a',
            matches: Array.from({ length: 20 }, (_value, which) => slowToCompile(index * 20 + which)),
          })),
        },
      },
      'settings',
    ],
    [
      'hundreds of thousands of characters',
      {
        settings: {
          variables: Array.from({ length: 100 }, (_, index) => ({
            name: `v${index}`,
            fallback_paths: Array.from({ length: 10 }, () => 'x'.repeat(400)),
          })),
        },
      },
      'settings',
    ],
    [
      'a default that no step could be given',
      { settings: { variables: [{ name: 'v', type: 'array', default_value: ['x'.repeat(70_000)] }] } },
      'settings.variables.0.default_value',
    ],
  ];
  for (const [name, fields, field] of cases) {
    test(`${name}: refused within a second or two`, () => {
      assert.throws(
        () => within(3000, input(fields)),
        (error) => error instanceof AppError && error.fields?.[0]?.field === field,
      );
    });
  }

  test('a number that is not exact is no accepted value: given as a text it would be met', () => {
    // oxlint-disable-next-line no-loss-of-precision
    const conditions = [{ path: 'id', accepted_values: [12345678901234567890] }];
    assert.throws(input({ trigger_when: { conditions } }), /invalid/);
    const asText = [{ path: 'id', accepted_values: ['12345678901234567890'] }];
    assert.equal(decided({ conditions: asText }, '{"id":12345678901234567890}').outcome, 'accepted');
  });

  test('what looks like the changed files, in capitals, is a fault rather than nothing', () => {
    const conditions = [{ path: '$CHANGED_FILES', globs: ['a'] }];
    assert.throws(input({ trigger_when: { conditions } }), /invalid/);
  });
});

describe('compressed bodies of strangers', () => {
  const most = 25 * 1024 * 1024;
  const stranger = { by: 'one', isVerified: false };

  test('are inflated to a hundred times their size at most; those of a known sender to the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(megabytes(24)));
    assert.equal((await inflateBody('gzip', bomb, most, stranger)).ok, false);
    assert.equal((await inflateBody('gzip', bomb, most, { by: 'one', isVerified: true })).ok, true);
    const usual = gzipSync(Buffer.from(textOf(100_000).repeat(40)));
    assert.equal((await inflateBody('gzip', usual, most, stranger)).ok, true);
  });

  test('for one hook, however many, keep none of another waiting in vain', async () => {
    const body = gzipSync(Buffer.alloc(megabytes(1)));
    const flood = Array.from({ length: 150 }, () =>
      inflateBody('gzip', body, most, stranger).then(String, String),
    );
    let inflated = 0;
    for (const one of flood) void one.then((result) => (inflated += result === '[object Object]' ? 1 : 0));
    const other = await inflateBody('gzip', gzipSync('{}'), most, { by: 'other', isVerified: false });
    assert.equal(other.ok, true);
    assert.ok(inflated < 10, `${inflated} were before it`);
    const results = await Promise.all(flood);
    assert.equal(results.filter((result) => result.includes('wait to be read')).length, 49);
  });

  test('a signed text that is said to be compressed with brotli, which has no mark, is not taken for it', async () => {
    const secret = 'correct-horse-battery';
    const hook = {
      ...hookOf({ requires_secret: true, signature_scheme: 'github' }),
      secret,
    };
    hook.row.active = 1;
    const body = Buffer.from('[1]');
    const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
    const headers = { 'x-hub-signature-256': signature, 'content-encoding': 'br' };
    const decision = await decide(hook, { headers, query: '', body }, Date.now(), most);
    assert.equal(decision.status, 400);
    assert.match(decision.reason, /is a text, and not the br/);
  });
});

describe('on a server', () => {
  let server: TestServer;
  let workplace: Workplace;
  let pipelineId: number;
  before(async () => {
    server = await startServer();
    workplace = await openWorkplace(server);
    pipelineId = await createPipeline(workplace, await createApplication(workplace));
  });
  after(async () => {
    const output = server?.output() ?? '';
    await server?.stop();
    assert.doesNotMatch(output, /^\s+at .*\(.*:\d+:\d+\)$/m, 'a stack was written to the log');
  });

  const hookWith = (fields: Record<string, unknown>) => createIncomingHook(workplace, pipelineId, fields);
  const post = async (
    hook: { id: string },
    body: string | Buffer,
    headers: Record<string, string> = {},
    query = '',
  ) =>
    await createApiClient(server.url).request<Receipt>(
      'POST',
      `/hooks/${hook.id}/trigger${query}`,
      body,
      headers,
    );
  const recordOf = async ({ hook_request_id }: Receipt) =>
    await workplace.api.get<{ url: string; request_headers: Record<string, string>; request_body: unknown }>(
      `/hook-requests/${hook_request_id}`,
    );

  test('a stranger who guesses the token that a condition checks is not told it', async () => {
    const conditions = [{ type: 'request_query', path: 'token', accepted_values: ['correct-horse-battery'] }];
    const hook = await hookWith({ requires_secret: false, trigger_when: { conditions } });
    const { status, body } = await post(hook, '{}', {}, '?token=guess');
    assert.equal(status, 200);
    assert.doesNotMatch(JSON.stringify(body), /correct-horse/);
    assert.equal((await post(hook, '{}', {}, '?token=correct-horse-battery')).status, 202);
  });

  for (const scheme of ['standard-webhooks', 'gitlab-signed', 'stripe', 'slack'] as const) {
    test(`a request of ${scheme} that was caught is no other one with headers that nobody has signed`, async () => {
      const own = scheme === 'stripe' || scheme === 'slack' ? 'whsec_the-secret-of-a-sender' : null;
      const hook = await hookWith({ signature_scheme: scheme, ...(own === null ? {} : { secret: own }) });
      const secret = own ?? hook.secret;
      const body = Buffer.from(JSON.stringify({ id: `evt_${randomUUID()}`, event_id: randomUUID() }));
      const signed = signAs(scheme, { secret, body, headers: {}, seconds: Math.floor(Date.now() / 1000) });
      const first = await post(hook, body, signed);
      assert.equal(first.status, 202, JSON.stringify(first.body));
      for (const name of ['x-gitea-delivery', 'x-github-delivery', 'idempotency-key', 'x-request-uuid']) {
        const again = await post(hook, body, { ...signed, [name]: randomUUID() });
        assert.equal(again.body.action_id, first.body.action_id, name);
      }
    });
  }

  test('whoever may read a record does not see there what would let him send the request again', async () => {
    const hook = await hookWith({ signature_scheme: 'github' });
    const { body } = await sendAs('github', server, hook, { body: '{"a":1}' });
    const record = await recordOf(body);
    assert.deepEqual(record.request_body, { a: 1 });
    assert.equal(record.request_headers['x-hub-signature-256'], '********');
    const tried = await workplace.api.post<{ signature: { valid: boolean } }>(
      `/hooks/incoming/${hook.id}/test`,
      {
        hook_request_id: body.hook_request_id,
      },
    );
    assert.equal(tried.signature.valid, true);
  });

  test('the secret of a hook is in no record, wherever a sender has put it', async () => {
    const hook = await hookWith({ signature_scheme: 'github' });
    const sent = [
      await post(hook, '{}', { 'x-hub-signature-256': `sha256=${hook.secret}` }),
      await post(hook, '{}', { 'x-shop': `is ${hook.secret}!` }, `?sig=${hook.secret}`),
      await sendAs(
        'github',
        server,
        hook,
        { body: '{}', headers: { 'x-shop': hook.secret } },
        { query: `?s=${hook.secret}` },
      ),
    ];
    for (const { body } of sent) {
      const { url, request_headers } = await recordOf(body);
      assert.doesNotMatch(JSON.stringify({ url, request_headers }), new RegExp(hook.secret));
    }
  });

  test('a recorded request is not run again with a mask in place of a token', async () => {
    const variables = [{ name: 'key', path: '$query.token' }];
    const hook = await hookWith({ requires_secret: false, settings: { variables } });
    const { body } = await post(hook, '{}', {}, '?token=abc');
    const replayed = await workplace.api.request<{ message: string }>(
      'POST',
      `/hook-requests/${body.hook_request_id}/replay`,
      {},
    );
    assert.equal(replayed.status, 409);
    assert.match(replayed.body.message, /\$query\.token, which may be a token and was not kept/);
  });

  test('a body nested as deep as anyone likes is recorded, shown and tried out', async () => {
    const hook = await hookWith({
      requires_secret: false,
      trigger_when: { conditions: [{ path: 'a', exists: true }] },
    });
    const levels = 1_000_000;
    const { status, body } = await post(hook, `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`);
    assert.equal(status, 202);
    const { request_body } = await recordOf(body);
    assert.deepEqual(Object.keys(request_body as object), ['raw']);
    const tried = await workplace.api.request('POST', `/hooks/incoming/${hook.id}/test`, {});
    assert.equal(tried.status, 200);
  });

  test('what fifty conditions find in a large body is tried out within an answer that one can read', async () => {
    const conditions = Array.from({ length: 50 }, () => ({ path: 'list', accepted_values: ['x'] }));
    const hook = await hookWith({ requires_secret: false, trigger_when: { conditions } });
    const body = { list: Array.from({ length: 60_000 }, () => 'some item') };
    const tried = await workplace.api.request('POST', `/hooks/incoming/${hook.id}/test`, { body });
    assert.equal(tried.status, 200);
    assert.ok(JSON.stringify(tried.body).length < 2_000_000);
  });

  test('the secret before the last rotation is none of another scheme', async () => {
    // As base64 it is nothing at all: a key that everybody has.
    const before = '????????????????';
    const hook = await hookWith({ secret: before });
    const path = `/hooks/incoming/${hook.id}`;
    const { secret } = await workplace.api.post<{ secret: string }>(`${path}/rotate-secret`, {
      secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
    });
    await workplace.api.put(path, { signature_scheme: 'standard-webhooks' });
    const forged = await sendAs(
      'standard-webhooks',
      server,
      { id: hook.id, secret: 'whsec_' },
      { body: '{}' },
    );
    assert.equal(forged.status, 401);
    const right = await sendAs('standard-webhooks', server, { id: hook.id, secret }, { body: '{}' });
    assert.equal(right.status, 202);
  });

  const forms: [name: string, fields: Record<string, unknown>][] = [
    ...incomingPresets.map((preset): [string, Record<string, unknown>] => [
      `the preset ${preset}`,
      { preset },
    ]),
    ...signatureSchemeNames.map((scheme): [string, Record<string, unknown>] => [
      `the scheme ${scheme}`,
      { signature_scheme: scheme },
    ]),
    ['no signature', { requires_secret: false }],
    ['a preset without a signature', { preset: 'github', requires_secret: false }],
    [
      'all events and several branches',
      {
        preset: 'bitbucket',
        trigger_when: { events: ['push', 'tag', 'pull_request'], branches: ['main', 'x/*'] },
      },
    ],
  ];
  for (const [name, fields] of forms) {
    test(`a hook of ${name} is the same after its own answer was sent back`, async () => {
      const { name: _, ...rest } = { name: 'in', ...fields };
      const { id } = await workplace.api.post<{ id: string }>(`/pipelines/${pipelineId}/hooks/incoming`, {
        name: 'in',
        ...rest,
      });
      const path = `/hooks/incoming/${id}`;
      const { updated_at: _before, ...shown } = await workplace.api.get<Record<string, unknown>>(path);
      await workplace.api.put(path, shown);
      const { updated_at: _after, ...again } = await workplace.api.get<Record<string, unknown>>(path);
      assert.deepEqual(again, shown);
    });
  }

  describe('a provider that answers what nobody expects', () => {
    let provider: Receiver;
    let hook: { id: string };
    before(async () => {
      provider = await startReceiver();
      const credential = await workplace.api.post<{ id: number }>(
        `/environments/${workplace.environmentId}/credentials`,
        { name: 'odd', provider_code: 'github', settings: { access_token: 'x', api_url: provider.url } },
      );
      const application = await createApplication(workplace, { credential_id: credential.id });
      hook = await createIncomingHook(workplace, await createPipeline(workplace, application), {
        signature_scheme: 'github',
      });
    });
    after(() => provider?.close());

    const install = async (status: number, body: string, headers: Record<string, string> = {}) => {
      const all = { 'content-type': 'application/json', ...headers };
      provider.setBehaviour(() => ({ kind: 'answer', status, headers: all, body }));
      const from = provider.requests.length;
      const answer = await workplace.api.request<{ message: string }>(
        'POST',
        `/hooks/incoming/${hook.id}/install`,
        {},
      );
      const asked = provider.requests.slice(from).map(({ method, path }) => `${method} ${path}`);
      return { ...answer, asked };
    };

    test('with hundreds of thousands of webhooks is not asked for more of them', async () => {
      const link = `<${provider.url}/api/v3/repos/octocat/hello-world/hooks?page=2>; rel="next"`;
      const list = JSON.stringify(Array.from({ length: 300_000 }, (_, id) => ({ id })));
      const { status, body, asked } = await install(200, list, { link });
      assert.equal(status, 503, JSON.stringify(body));
      assert.match(body.message, /list of webhooks does not end/);
      assert.equal(asked.length, 1);
    });

    test('leads to no other address with an id that is none', async () => {
      const config = { url: `http://x/api/hooks/${hook.id}/trigger` };
      for (const id of ['..', '.', 'a/b', 'x'.repeat(100_000), '\r\n', '']) {
        const { status, asked } = await install(200, JSON.stringify([{ id, config }]));
        // The list is understood, and the answer to the creation, which is the same, is not.
        assert.equal(status, 409, id);
        assert.deepEqual(asked.map((one) => one.replace(/\?.*/, '')).sort(), [
          'GET /api/v3/repos/octocat/hello-world/hooks',
          'POST /api/v3/repos/octocat/hello-world/hooks',
        ]);
      }
    });

    test('asks for no longer a wait than any has a limit for', async () => {
      for (const after of ['999999999999999999999', 'Fri, 31 Dec 9999 23:59:59 GMT']) {
        const { status, headers } = await install(429, '{}', { 'retry-after': after });
        assert.equal(status, 429);
        assert.equal(headers.get('retry-after'), '3600');
      }
    });
  });
});
