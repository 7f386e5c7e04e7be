import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { until } from './support/api-client.ts';
import {
  createApplication,
  createIncomingHook,
  createPipeline,
  openWorkplace,
  untilAction,
} from './support/fixtures.ts';
import type { IncomingHook, Receipt, Workplace } from './support/fixtures.ts';
import { sign } from './support/github.ts';
import { startServer } from './support/server.ts';
import type { TestServer } from './support/server.ts';

const mostBytes = 1_048_576;
const form = 'application/x-www-form-urlencoded';

type Answer = { status: number; body: Receipt };
type HookRecord = {
  outcome: string;
  reason: string;
  request_headers: Record<string, string>;
  request_body: Record<string, unknown>;
};
type Tried = {
  outcome: string;
  status_code: number;
  reason: string;
  signature: { valid: boolean; reason: string | null };
  variables: Record<string, unknown>;
};

const compressions = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
} as const;

describe('the body of a request', { timeout: 600_000 }, () => {
  const stack = new AsyncDisposableStack();
  after(() => stack.disposeAsync());
  let server: TestServer;
  let work: Workplace;
  let pipelineId: number;
  let hook: IncomingHook;

  before(async () => {
    const env = { HOOKLINE_MAX_BODY_BYTES: String(mostBytes) };
    server = stack.adopt(await startServer({ env }), (started) => started.stop());
    work = await openWorkplace(server);
    pipelineId = await createPipeline(work, await createApplication(work));
    hook = await hookWith({});
  });

  const variables = [
    { name: 'ref', default_value: 'none' },
    { name: 'who', path: 'sender.name', default_value: 'nobody' },
  ];
  const hookWith = (fields: Record<string, unknown>): Promise<IncomingHook> =>
    createIncomingHook(work, pipelineId, { settings: { variables }, ...fields });

  /** As raw bytes; with `chunked` it does not tell how many. */
  const send = (
    to: IncomingHook,
    body: Buffer,
    headers: Record<string, string>,
    { signed = body, chunked = false }: { signed?: Buffer; chunked?: boolean } = {},
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const outgoing = httpRequest(`${server.url}/api/hooks/${to.id}/trigger`, {
        method: 'POST',
        agent: false,
        headers: {
          'content-type': 'application/json',
          'x-hub-signature-256': sign(to.secret, signed),
          ...(chunked ? {} : { 'content-length': String(body.length) }),
          ...headers,
        },
      });
      outgoing.on('response', (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) as Receipt }),
        );
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  const recordOf = ({ body }: Answer) => work.api.get<HookRecord>(`/hook-requests/${body.hook_request_id}`);
  const variablesOf = async ({ body }: { body: Receipt }): Promise<Record<string, unknown>> => {
    const action = await untilAction(work, body.action_id ?? assert.fail(body.message));
    return (action.triggered_from as { hook_parsed_variables: Record<string, unknown> })
      .hook_parsed_variables;
  };
  const tryLast = (of: IncomingHook) => work.api.post<Tried>(`/hooks/incoming/${of.id}/test`, {});
  const replay = (answer: Answer) =>
    work.api.request<Receipt>('POST', `/hook-requests/${answer.body.hook_request_id}/replay`, {});

  const payload = { ref: 'main', sender: { name: 'Zoë 😀' }, filling: 'x'.repeat(2000) };
  const plain = Buffer.from(JSON.stringify(payload));

  describe('compressed', () => {
    for (const [encoding, compress] of Object.entries(compressions)) {
      for (const [what, isPlain] of [
        ['as it is sent', false],
        ['as it was before', true],
      ] as const) {
        test(`with ${encoding} and signed ${what} is taken, shown readable, tried out and run again`, async () => {
          const own = await hookWith({});
          const body = compress(plain);
          const options = { signed: isPlain ? plain : body };
          const answer = await send(own, body, { 'content-encoding': encoding }, options);
          assert.equal(answer.status, 202, answer.body.message);
          assert.deepEqual(await variablesOf(answer), { ref: 'main', who: 'Zoë 😀' });
          const record = await recordOf(answer);
          assert.deepEqual(record.request_body, payload);
          assert.equal(record.request_headers['content-encoding'], encoding);

          const tried = await tryLast(own);
          assert.equal(tried.outcome, 'accepted');
          assert.deepEqual(tried.signature, { valid: true, reason: null });
          assert.deepEqual(tried.variables, { ref: 'main', who: 'Zoë 😀' });

          const again = await replay(answer);
          assert.equal(again.status, 202, again.body.message);
          assert.notEqual(again.body.action_id, answer.body.action_id);
          assert.deepEqual(await variablesOf(again), { ref: 'main', who: 'Zoë 😀' });
          const copy = await work.api.get<HookRecord>(`/hook-requests/${again.body.hook_request_id}`);
          assert.deepEqual(copy.request_body, payload);
        });
      }

      test(`with ${encoding} and signed otherwise is refused, and nothing of it is kept`, async () => {
        const body = compress(plain);
        const options = { signed: Buffer.from('something else') };
        const answer = await send(hook, body, { 'content-encoding': encoding }, options);
        assert.equal(answer.status, 401);
        assert.match(answer.body.message, /does not match/);
        assert.deepEqual((await recordOf(answer)).request_body, {});
      });

      test(`with ${encoding} and cut off is answered 400, which is told again when it is tried out`, async () => {
        const own = await hookWith({});
        const body = compress(plain).subarray(0, -7);
        const answer = await send(own, body, { 'content-encoding': encoding });
        assert.equal(answer.status, 400);
        assert.match(answer.body.message, new RegExp(`is not the ${encoding} that it claims to be`));
        const tried = await tryLast(own);
        assert.equal(tried.status_code, 400);
        assert.equal(tried.reason, answer.body.message);
        assert.equal((await replay(answer)).body.message, answer.body.message);
      });
    }

    test('with an announcement in capitals, or in chunks of unknown length, is taken', async () => {
      const body = gzipSync(plain);
      assert.equal((await send(hook, body, { 'content-encoding': ' GZip ' })).status, 202);
      assert.equal((await send(hook, body, { 'content-encoding': 'gzip' }, { chunked: true })).status, 202);
      assert.equal((await send(hook, plain, { 'content-encoding': 'identity' })).status, 202);
    });

    test('as a form is read as the form that it was', async () => {
      const fields = Buffer.from(new URLSearchParams({ payload: plain.toString() }).toString());
      const headers = { 'content-encoding': 'gzip', 'content-type': form };
      const answer = await send(hook, gzipSync(fields), headers);
      assert.deepEqual(await variablesOf(answer), { ref: 'main', who: 'Zoë 😀' });
      // Gitea signs what is in the field.
      const gitea = await hookWith({ signature_scheme: 'gitea' });
      const signature = sign(gitea.secret, plain).replace('sha256=', '');
      const signed = await send(gitea, gzipSync(fields), { ...headers, 'x-gitea-signature': signature });
      assert.equal(signed.status, 202, signed.body.message);
    });

    for (const encoding of [
      'zstd',
      'compress',
      'gzip, gzip',
      'gzip, br',
      'aes128gcm',
      '__proto__',
      'constructor',
    ]) {
      test(`in a way that is not known (${encoding}) is answered 415, which is told again when it is tried out`, async () => {
        const own = await hookWith({});
        const answer = await send(own, gzipSync(plain), { 'content-encoding': encoding });
        assert.equal(answer.status, 415);
        assert.ok(answer.body.message.includes(encoding), answer.body.message);
        const tried = await tryLast(own);
        assert.equal(tried.status_code, 415);
        assert.equal(tried.reason, answer.body.message);
      });
    }

    test('although it claims to be so and is not, is answered 400', async () => {
      for (const encoding of Object.keys(compressions)) {
        for (const body of [plain, Buffer.alloc(0), Buffer.from([0x1f, 0x8b]), Buffer.alloc(100, 1)]) {
          const answer = await send(hook, body, { 'content-encoding': encoding });
          assert.equal(answer.status, 400, `${encoding} of ${body.length} bytes`);
        }
      }
    });
  });

  describe('too large', () => {
    const ofSize = (bytes: number) => Buffer.from(`{"ref":"${'x'.repeat(bytes - 10)}"}`);
    const wide = () => hookWith({ settings: { variables: [] } });

    for (const [encoding, compress] of Object.entries(compressions)) {
      test(`once it is uncompressed (${encoding}) is answered 413; just the limit is taken`, async () => {
        const own = await wide();
        const most = compress(ofSize(mostBytes));
        assert.equal(ofSize(mostBytes).length, mostBytes);
        assert.equal((await send(own, most, { 'content-encoding': encoding })).status, 202);
        const over = compress(ofSize(mostBytes + 1));
        const answer = await send(own, over, { 'content-encoding': encoding });
        assert.equal(answer.status, 413);
        assert.match(answer.body.message, /too large once it is uncompressed/);
        assert.equal((await recordOf(answer)).reason, answer.body.message);
        const tried = await tryLast(own);
        assert.equal(tried.status_code, 413);
        assert.equal(tried.reason, answer.body.message);
      });
    }

    test('without a length, in chunks, is answered 413; just the limit is taken', async () => {
      const own = await wide();
      assert.equal((await send(own, ofSize(mostBytes), {}, { chunked: true })).status, 202);
      const over = ofSize(mostBytes + 1);
      assert.equal((await send(own, over, {}, { chunked: true })).status, 413);
      assert.equal((await send(own, over, {})).status, 413);
    });

    test('of 100 MB made of a few kilobytes is answered 413 at once, and fills no memory', async () => {
      const huge = Buffer.alloc(100 * mostBytes, ' ');
      const bombs = { gzip: gzipSync(huge), br: brotliCompressSync(huge) };
      assert.ok(bombs.br.length < 10_000 && bombs.gzip.length < 110_000);
      const peak = peakBytes(server.pid);
      for (const [encoding, bomb] of Object.entries(bombs)) {
        for (const signed of [bomb, Buffer.from('by a stranger')]) {
          const started = performance.now();
          const answers = await Promise.all(
            Array.from({ length: 8 }, () => send(hook, bomb, { 'content-encoding': encoding }, { signed })),
          );
          for (const { status } of answers) assert.equal(status, 413);
          assert.ok(performance.now() - started < 5000, 'it took long');
        }
      }
      const grown = peakBytes(server.pid) - peak;
      assert.ok(grown < 150 * mostBytes, `the server grew by ${Math.round(grown / mostBytes)} MiB`);
      assert.equal((await send(hook, plain, {})).status, 202);
    });
  });

  describe('in a charset', () => {
    const text = '{"ref":"Zoë","sender":{"name":"Müller"}}';
    const known: [what: string, contentType: string, body: Buffer, expected: { ref: string; who: string }][] =
      [
        ['UTF-8', 'application/json; charset=UTF-8', Buffer.from(text), { ref: 'Zoë', who: 'Müller' }],
        [
          'UTF-8 in quotes',
          'application/json;charset="utf-8"',
          Buffer.from(text),
          { ref: 'Zoë', who: 'Müller' },
        ],
        [
          'UTF-8 with its mark',
          'application/json',
          Buffer.from(`\ufeff${text}`),
          { ref: 'Zoë', who: 'Müller' },
        ],
        [
          'ISO 8859-1',
          'application/json; charset=ISO-8859-1',
          Buffer.from(text, 'latin1'),
          { ref: 'Zoë', who: 'Müller' },
        ],
        [
          'Windows-1252',
          'application/json; charset=windows-1252',
          Buffer.concat([Buffer.from('{"ref":"'), Buffer.of(0x80, 0x93, 0xe9), Buffer.from('"}')]),
          { ref: '€“é', who: 'nobody' },
        ],
        [
          'Shift JIS',
          'application/vnd.x+json; charset=Shift_JIS',
          Buffer.concat([
            Buffer.from('{"ref":"'),
            Buffer.of(0x83, 0x65, 0x83, 0x58, 0x83, 0x67),
            Buffer.from('"}'),
          ]),
          { ref: 'テスト', who: 'nobody' },
        ],
        [
          'UTF-16, the lower byte first',
          'application/json; charset=utf-16le',
          Buffer.from(text, 'utf16le'),
          { ref: 'Zoë', who: 'Müller' },
        ],
        [
          'UTF-16 with its mark',
          'application/json; charset=utf-16',
          Buffer.from(`\ufeff${text}`, 'utf16le'),
          { ref: 'Zoë', who: 'Müller' },
        ],
        [
          'UTF-16, the higher byte first',
          'application/json; charset=utf-16be',
          Buffer.from(text, 'utf16le').swap16(),
          { ref: 'Zoë', who: 'Müller' },
        ],
      ];
    for (const [what, contentType, body, expected] of known) {
      test(`JSON in ${what} is read as what it says, and shown so`, async () => {
        for (const encoding of ['identity', 'gzip']) {
          const sent = encoding === 'gzip' ? gzipSync(body) : body;
          const answer = await send(hook, sent, {
            'content-type': contentType,
            'content-encoding': encoding,
          });
          assert.deepEqual(await variablesOf(answer), expected);
          assert.equal((await recordOf(answer)).request_body.ref, expected.ref);
          assert.deepEqual(await variablesOf(await replay(answer)), expected);
        }
      });
    }

    const forms: [what: string, contentType: string, body: Buffer][] = [
      [
        'with JSON in ISO 8859-1, escaped',
        `${form}; charset=iso-8859-1`,
        Buffer.from('payload=%7B%22ref%22%3A%22Zo%EB%22%7D'),
      ],
      [
        'with JSON in ISO 8859-1, as it is',
        `${form}; charset=iso-8859-1`,
        Buffer.from('payload={"ref":"Zoë"}', 'latin1'),
      ],
      ['in ISO 8859-1, escaped', `${form};charset=ISO-8859-1`, Buffer.from('ref=Zo%eb&x=1')],
      ['in ISO 8859-1, as it is', `${form};charset=latin1`, Buffer.from('x=1&ref=Zoë', 'latin1')],
      ['in UTF-8, escaped', form, Buffer.from('ref=Zo%C3%AB')],
      ['in UTF-8, as it is', form, Buffer.from('ref=Zoë')],
      ['with JSON in UTF-8', form, Buffer.from(new URLSearchParams({ payload: '{"ref":"Zoë"}' }).toString())],
    ];
    for (const [what, contentType, body] of forms) {
      test(`a form ${what} is read as what it says`, async () => {
        const answer = await send(hook, body, { 'content-type': contentType });
        assert.deepEqual(await variablesOf(answer), { ref: 'Zoë', who: 'nobody' });
      });
    }

    for (const charset of ['klingon', 'utf-7', 'x'.repeat(300), 'utf-8x']) {
      test(`that nobody knows (${charset.slice(0, 10)}) is answered 415, which names it`, async () => {
        for (const type of ['application/json', form]) {
          const answer = await send(hook, plain, { 'content-type': `${type}; charset=${charset}` });
          assert.equal(answer.status, 415);
          assert.ok(answer.body.message.includes(charset.slice(0, 40)), answer.body.message);
          assert.ok(answer.body.message.length < 200);
          assert.equal((await recordOf(answer)).outcome, 'refused');
        }
      });
    }
  });

  describe('made to do harm', () => {
    const json = async (text: string): Promise<Answer> => await send(hook, Buffer.from(text), {});

    test('with a key twice counts the last of them, in a form too', async () => {
      assert.deepEqual(
        (await variablesOf(await json('{"ref":"a","sender":{"name":"b"},"ref":"main"}'))).ref,
        'main',
      );
      const huge =
        '{"ref":"a","id":9007199254740993,"ref":"b","id":9007199254740995,"sender":1,"sender":{"name":"c"}}';
      assert.deepEqual(await variablesOf(await json(huge)), { ref: 'b', who: 'c' });
      const fields = await send(hook, Buffer.from('ref=a&ref=b'), { 'content-type': form });
      assert.equal((await variablesOf(fields)).ref, 'b');
    });

    test('nested 200,000 levels deep is answered, shown, tried out and run again without harm', async () => {
      const own = await hookWith({});
      const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
      const objects = `${'{"a":'.repeat(150_000)}1${'}'.repeat(150_000)}`;
      for (const body of [`{"ref":"main","deep":${deep}}`, `{"deep":${objects},"ref":"main"}`]) {
        const answer = await send(own, Buffer.from(body), {});
        assert.equal(answer.status, 202, answer.body.message);
        assert.equal((await variablesOf(answer)).ref, 'main');
        // What is nested so deep is shown as its text.
        assert.equal((await recordOf(answer)).request_body.raw, body);
        assert.equal((await tryLast(own)).outcome, 'accepted');
        assert.equal((await replay(answer)).status, 202);
      }
      for (const body of [
        deep,
        objects,
        '['.repeat(400_000),
        `${'['.repeat(200_000)}9007199254740993${']'.repeat(200_000)}`,
      ]) {
        const answer = await send(own, Buffer.from(body), {});
        assert.ok([202, 400].includes(answer.status), `${answer.status}: ${answer.body.message}`);
        assert.equal(
          (await work.api.request('GET', `/hook-requests/${answer.body.hook_request_id}`)).status,
          200,
        );
      }
    });

    test('nested deep where a variable or a condition looks is refused or skipped in words', async () => {
      const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
      const list = await hookWith({
        settings: {
          variables: [{ name: 'list', path: 'ref', type: 'array', transform: { lower_case: true } }],
        },
      });
      const answer = await send(list, Buffer.from(`{"ref":${deep}}`), {});
      assert.equal(answer.status, 422);
      assert.match(answer.body.message, /nested more than/);
      const conditions = [{ path: 'ref', accepted_values: ['x'], matches: ['x'], globs: ['x'] }];
      const skipping = await hookWith({ trigger_when: { conditions } });
      const skipped = await send(skipping, Buffer.from(`{"ref":${deep}}`), {});
      assert.equal(skipped.status, 200);
      assert.match(skipped.body.message, /found was \[.*a value that is nested deep/);
      assert.equal((await tryLast(skipping)).outcome, 'skipped');
    });

    test('with numbers beyond all measure is read at once', async () => {
      const started = performance.now();
      for (const number of [
        '1e400',
        '-1e400',
        '9'.repeat(500_000),
        `-0.${'0'.repeat(500_000)}1`,
        '1E+999999',
        `1e-${'9'.repeat(1000)}`,
      ]) {
        const answer = await json(`{"ref":"main","n":[${number},{"m":${number}}]}`);
        assert.equal((await variablesOf(answer)).ref, 'main', number.slice(0, 10));
        assert.equal((await recordOf(answer)).request_body.ref, 'main');
      }
      assert.ok(performance.now() - started < 10_000);
      const counting = await hookWith({ settings: { variables: [{ name: 'n', type: 'integer' }] } });
      for (const [number, shown] of [
        ['1e400', 'number Infinity'],
        ['-1e400', 'number -Infinity'],
        ['1.5', 'number 1.5'],
        ['9'.repeat(101), 'number 1e\\+101'],
      ]) {
        const answer = await send(counting, Buffer.from(`{"n":${number}}`), {});
        assert.equal(answer.status, 422);
        assert.match(answer.body.message, new RegExp(`n at n must be of type integer, but is ${shown}`));
      }
    });

    test('with __proto__ changes nothing but its own values, in JSON, in escapes and in forms', async () => {
      const hostile = [
        '{"__proto__":{"ref":"evil"},"sender":{"__proto__":{"name":"evil"}}}',
        '{"\\u005f_proto__":{"ref":"evil"},"sender":{"_\\u005fproto\\u005f_":{"name":"evil"}}}',
        '{"constructor":{"prototype":{"ref":"evil"}},"sender":{"constructor":{"prototype":{"name":"evil"}}}}',
        '{"__proto__":{"ref":"evil"},"id":9007199254740993}',
        '[{"__proto__":{"ref":"evil"}}]',
      ];
      for (const text of hostile) {
        assert.deepEqual(await variablesOf(await json(text)), { ref: 'none', who: 'nobody' }, text);
        const fields = Buffer.from(new URLSearchParams({ payload: text }).toString());
        const inForm = await send(hook, fields, { 'content-type': form });
        assert.deepEqual(await variablesOf(inForm), { ref: 'none', who: 'nobody' }, text);
      }
      for (const text of [
        '__proto__=evil&constructor=evil',
        '__proto__[ref]=evil',
        '%5F_proto__=evil',
        '__proto__.ref=evil',
      ]) {
        const answer = await send(hook, Buffer.from(text), { 'content-type': form });
        assert.deepEqual(await variablesOf(answer), { ref: 'none', who: 'nobody' }, text);
      }
      const own = await hookWith({
        settings: {
          variables: [
            { name: 'a', path: '__proto__.ref', default_value: 'none' },
            { name: 'b', path: '__proto__', default_value: 'none' },
            { name: 'c', path: 'sender.__proto__.name', default_value: 'none' },
          ],
        },
      });
      const answer = await send(own, Buffer.from(hostile[0]!), {});
      assert.deepEqual(await variablesOf(answer), { a: 'none', b: 'none', c: 'none' });
      assert.deepEqual(await variablesOf(await json('{}')), { ref: 'none', who: 'nobody' });
    });
  });

  test('is still taken after all of this', async () => {
    const answer = await send(hook, plain, {});
    assert.equal(answer.status, 202);
    const isUp = async () => (await fetch(`${server.url}/healthz`)).status === 200;
    await until(isUp, 'the server to be up');
    assert.doesNotMatch(server.output(), /"level":(50|60)/);
  });
});

/** The most memory that a process has had, where the system tells. */
function peakBytes(pid: number): number {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return 0;
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(file, 'utf8'))?.[1] ?? 0) * 1024;
}
