import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import pino from 'pino';
import { createBodyReader } from '../src/incoming/read-body.ts';
import { createHttpApp, type HttpApp } from '../src/platform/http/server.ts';
import { until } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import { createFakeClock } from './support/fake-clock.ts';
import { createApplication, createIncomingHook, createPipeline, sendSigned } from './support/fixtures.ts';
import { sign } from './support/github.ts';
import { startInProcessApp, type InProcessApp } from './support/in-process-app.ts';

const second = 1000;
const mebibyte = 1024 ** 2;

for (const kind of databaseKinds) {
  describe(`a sender that drips (${kind})`, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let app: InProcessApp;
    let pipeline: number;

    before(async () => {
      const database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
      app = ends.adopt(await startInProcessApp({ database, env: { HOOKLINE_ROLE: 'api' } }), (started) =>
        started.stop(),
      );
      pipeline = await createPipeline(app, await createApplication(app));
    });

    /** Opens a connection and sends this much; the server has begun to read the body when it resolves. */
    async function begin(hook: { id: string }, headers: string, start: string): Promise<Socket> {
      const { hostname, port } = new URL(app.url);
      // Whoever still looks after the bodies of an earlier test finds none and ends.
      await app.clock.advance(second);
      const slept = app.clock.sleeps();
      const socket = connect(Number(port), hostname);
      const head = `POST /api/hooks/${hook.id}/trigger HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;
      socket.write(`${head}${headers}\r\n\r\n${start}`);
      await until(async () => app.clock.sleeps() > slept, 'the body to be awaited');
      return socket;
    }

    const announced = ['Content-Length: 100', '{"a":'] as const;
    const chunked = ['Transfer-Encoding: chunked', '5\r\n{"a":\r\n'] as const;
    for (const [what, [length, start]] of Object.entries({ announced, chunked })) {
      test(`is cut after 30 seconds with a 408 that says so, as does the record (${what})`, async () => {
        const hook = await createIncomingHook(app, pipeline);
        const signature = `X-Hub-Signature-256: sha256=${'0'.repeat(64)}`;
        const socket = await begin(hook, `${signature}\r\n${length}`, start);
        const answered = text(socket);
        await app.clock.advance(31 * second);
        const [head, body] = (await answered).split('\r\n\r\n') as [string, string];
        assert.match(head, /^HTTP\/1\.1 408 /);
        assert.match(head, /content-type: application\/json/i);
        assert.match(head, /x-request-id: [0-9a-f-]{36}/i);
        const { message, errors, hook_request_id } = JSON.parse(body) as Record<string, string | null>;
        assert.equal(message, 'The body did not arrive within 30 seconds.');
        assert.equal(errors, null);
        type Record_ = { outcome: string; reason: string; response_status_code: number };
        const record = await app.api.get<Record_>(`/hook-requests/${hook_request_id}`);
        assert.deepEqual([record.outcome, record.response_status_code], ['refused', 408]);
        assert.equal(record.reason, message);
      });
    }

    test('that is done in time is taken', async () => {
      const hook = await createIncomingHook(app, pipeline);
      const body = '{"ref":"main"}';
      const signature = `X-Hub-Signature-256: ${sign(hook.secret, body)}`;
      const socket = await begin(
        hook,
        `${signature}\r\nConnection: close\r\nContent-Length: ${body.length}`,
        body.slice(0, 5),
      );
      const answered = text(socket);
      await app.clock.advance(29 * second);
      socket.write(body.slice(5));
      assert.match(await answered, /^HTTP\/1\.1 202 /);
    });

    test('and goes away leaves no record and no trace in the log', async () => {
      const hook = await createIncomingHook(app, pipeline);
      const signature = `X-Hub-Signature-256: sha256=${'0'.repeat(64)}`;
      const socket = await begin(hook, `${signature}\r\n${announced[0]}`, announced[1]);
      socket.destroy();
      await once(socket, 'close');
      assert.equal((await sendSigned(app, hook, '{}')).status, 202);
      const records = await app.api.get<unknown[]>(`/hooks/incoming/${hook.id}/requests`);
      assert.equal(records.length, 1);
      assert.equal(app.log(), '');
    });
  });
}

describe('bodies that are being received', { timeout: 600_000 }, () => {
  /** A request whose body the test writes. */
  function arriving(length: number | null) {
    const headers = length === null ? { 'transfer-encoding': 'chunked' } : { 'content-length': `${length}` };
    const body = new PassThrough({ highWaterMark: 512 * mebibyte });
    const response = new EventEmitter();
    // Safe: this much of them is used.
    const request = Object.assign(body, { headers }) as unknown as IncomingMessage;
    return { body, response: response as unknown as ServerResponse, request };
  }
  function open(maxBodyBytes = 25 * mebibyte) {
    const clock = createFakeClock();
    const read = createBodyReader({ clock, maxBodyBytes });
    const receive = (length: number | null) => {
      const { body, request, response } = arriving(length);
      const read_ = read(request, response).then(
        (bytes) => bytes.length,
        (error: { code: string }) => error.code,
      );
      return { body, done: read_, answer: () => response.emit('close') };
    };
    return { clock, receive };
  }
  const megabytes = (count: number) => Buffer.alloc(count * mebibyte);

  test('take room as they arrive, not as they announce, and give it back when they are answered', async () => {
    const { receive } = open();
    const slow = Array.from({ length: 500 }, () => receive(25 * mebibyte));
    for (const { body } of slow) body.write('{');
    const whole = Array.from({ length: 10 }, () => receive(null));
    for (const { body } of whole) body.end(megabytes(25));
    assert.deepEqual(await Promise.all(whole.map(({ done }) => done)), Array(10).fill(25 * mebibyte));
    assert.equal(await receive(10 * mebibyte).done, 'unavailable');
    const late = receive(null);
    late.body.write(megabytes(10));
    assert.equal(await late.done, 'unavailable');
    for (const { answer } of [...whole, late]) answer();
    const again = receive(25 * mebibyte);
    again.body.end(megabytes(25));
    assert.equal(await again.done, 25 * mebibyte);
  });

  test('give their room back also when they are cut, and when their sender goes away', async () => {
    const { clock, receive } = open();
    const cut = Array.from({ length: 10 }, () => receive(null));
    for (const { body } of cut) body.write(megabytes(24));
    await clock.advance(31 * second);
    assert.deepEqual(await Promise.all(cut.map(({ done }) => done)), Array(10).fill('timed_out'));
    for (const { answer } of cut) answer();
    const gone = Array.from({ length: 10 }, () => receive(null));
    for (const { body } of gone) body.write(megabytes(24));
    for (const { body } of gone) body.destroy();
    assert.deepEqual(await Promise.all(gone.map(({ done }) => done)), Array(10).fill('bad_request'));
    for (const { answer } of gone) answer();
    const next = Array.from({ length: 10 }, () => receive(null));
    for (const { body } of next) body.end(megabytes(25));
    assert.deepEqual(await Promise.all(next.map(({ done }) => done)), Array(10).fill(25 * mebibyte));
  });

  test('beyond the limit are refused, those that announce it at once', async () => {
    const { receive } = open(10);
    assert.equal(await receive(11).done, 'too_large');
    const chunked = receive(null);
    chunked.body.write('x'.repeat(11));
    assert.equal(await chunked.done, 'too_large');
    const fitting = receive(10);
    fitting.body.end('x'.repeat(10));
    assert.equal(await fitting.done, 10);
  });

  test('larger than all may be has the place to itself, if it was announced', async () => {
    const { receive } = open(300 * mebibyte);
    const large = receive(257 * mebibyte);
    large.body.end(megabytes(257));
    assert.equal(await large.done, 257 * mebibyte);
    large.answer();
    const beside = receive(null);
    beside.body.write('{');
    assert.equal(await receive(257 * mebibyte).done, 'unavailable');
  });

  test('are a thousand at most: the slowest makes room for the next', async () => {
    const { clock, receive } = open();
    const slow = Array.from({ length: 1000 }, () => receive(100));
    for (const { body } of slow) body.write('{');
    assert.equal(await receive(100).done, 'unavailable', 'none of them has had its second');
    await clock.advance(second);
    const next = receive(2);
    next.body.end('{}');
    assert.equal(await slow[0]!.done, 'timed_out');
    assert.equal(await next.done, 2);
    for (const { body } of slow.slice(1)) body.end();
    assert.deepEqual(new Set(await Promise.all(slow.slice(1).map(({ done }) => done))), new Set([1]));
  });
});

describe('what never becomes a request', { timeout: 600_000 }, () => {
  const apps: HttpApp[] = [];
  /** One that waits for heads no longer than 0.2 s, and for whole requests no longer than this. */
  async function start(wholeMs: number): Promise<HttpApp> {
    const app = createHttpApp({
      log: pino({ level: 'silent' }),
      trustProxy: false,
      patience: { headersMs: 200, wholeMs, everyMs: 20 },
    });
    apps.push(app);
    app.post('/', async () => ({ done: true }));
    await app.listen({ host: '127.0.0.1', port: 0 });
    return app;
  }
  let app: HttpApp;
  before(async () => {
    app = await start(600_000);
  });
  after(() => Promise.all(apps.map((one) => one.close())));

  // Safe: it listens on a port.
  const open = (at = app) => connect((at.server.address() as AddressInfo).port, '127.0.0.1');
  const answerTo = async (
    sent: string,
    at = app,
  ): Promise<{ status: number; message: string; head: string }> => {
    const socket = open(at);
    socket.write(sent);
    const [head, body] = (await text(socket)).split('\r\n\r\n') as [string, string];
    const { message } = JSON.parse(body) as { message: string };
    return { status: Number(/^HTTP\/1\.1 (\d+) /.exec(head)?.[1]), message, head };
  };
  const head = 'POST / HTTP/1.1\r\nHost: x\r\n';

  test('is cut with a 408 in the form of every error: half a head, half a body', async () => {
    const halfABody = `${head}Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{`;
    for (const answer of [await answerTo(head), await answerTo(halfABody, await start(400))]) {
      assert.equal(answer.status, 408);
      assert.equal(answer.message, 'The request did not arrive in time.');
      assert.match(answer.head, /x-request-id: [0-9a-f-]{36}/);
    }
  });

  test('a connection on which nothing comes is closed', async () => {
    const socket = open();
    socket.resume();
    await once(socket, 'close');
  });

  test('is answered 400 and 431 in that form too', async () => {
    assert.equal((await answerTo('no HTTP at all\r\n\r\n')).status, 400);
    assert.equal((await answerTo(`${head}X-Long: ${'x'.repeat(20_000)}\r\n\r\n`)).status, 431);
  });

  test('a connection that is kept between requests is not', async () => {
    const socket = open();
    const request = `${head}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
    try {
      socket.write(request);
      await once(socket, 'data');
      // Another that opens after it is cut while this one waits.
      await answerTo(head);
      socket.write(request);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      assert.match(answer.toString(), /^HTTP\/1\.1 200 /);
    } finally {
      socket.destroy();
    }
  });
});
