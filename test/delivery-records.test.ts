import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { until } from './support/api-client.ts';
import type { Behaviour } from './support/behaviour.ts';
import { createTestDatabase } from './support/database.ts';
import { createApplication, createOutgoingHook, createPipeline } from './support/fixtures.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import type { InProcessApp } from './support/in-process-app.ts';
import { listAll } from './support/lists.ts';
import { startReceiver, testPem } from './support/receiver.ts';
import type { Receiver } from './support/receiver.ts';

const keptBytes = 16 * 1024;
const mask = '********';

type Timing = Record<'dns_ms' | 'connect_ms' | 'tls_ms' | 'first_byte_ms', number | null> & {
  total_ms: number;
  connection_reused: boolean;
};
type Record_ = {
  id: string;
  url: string;
  reason: string;
  ip_address: string;
  duration_ms: number;
  request_headers: Record<string, string>;
  request_body: unknown;
  response_status_code: number;
  response_headers: Record<string, string>;
  response_body: { raw: string };
  response_truncated: boolean;
  timing: Timing;
};
type Hook = { id: string; pipelineId: number };

describe('records of attempts', { timeout: 600_000 }, () => {
  const ends = new AsyncDisposableStack();
  after(() => ends.disposeAsync());
  let app: InProcessApp;

  before(async () => {
    const database = ends.adopt(await createTestDatabase('sqlite'), (made) => made.drop());
    app = ends.adopt(await startInProcessApp({ database }), (started) => started.stop());
  });

  async function receiverFor(t: TestContext, behave?: () => Behaviour): Promise<Receiver> {
    const receiver = await startReceiver({ behave });
    t.after(() => receiver.close());
    return receiver;
  }

  async function hookFor(t: TestContext, url: string, fields: object = {}): Promise<Hook> {
    const pipelineId = await createPipeline(app, await createApplication(app));
    const trigger_when = { events: ['action.completed'] };
    const id = await createOutgoingHook(app, pipelineId, url, { trigger_when, ...fields });
    t.after(() => app.api.put(`/hooks/outgoing/${id}`, { active: false }));
    return { id, pipelineId };
  }

  const begin = (hook: Hook) => app.api.post(`/pipelines/${hook.pipelineId}/actions`, {});

  /** The record of the only attempt so far, or of the last of `count`. */
  async function recorded(hook: Hook, count = 1): Promise<Record_> {
    return await until(async () => {
      const all = await listAll<{ id: string }>(app.api, `/hooks/outgoing/${hook.id}/requests`);
      return all.length === count && (await app.api.get<Record_>(`/hook-requests/${all[0]!.id}`));
    }, `attempt ${count} to be recorded`);
  }

  async function recordOf(t: TestContext, url: string, fields: object = {}): Promise<Record_> {
    const hook = await hookFor(t, url, fields);
    await begin(hook);
    return await recorded(hook);
  }

  /** Checks which parts were measured, and that they fit into the whole; `parts` names those that were. */
  function assertTiming({ timing }: Record_, parts: string[], reused = false): void {
    const { total_ms, connection_reused, ...split } = timing;
    const measured = Object.entries(split).filter(([, ms]) => ms !== null);
    assert.deepEqual(
      measured.map(([name]) => name),
      parts,
    );
    for (const [name, ms] of measured) assert.ok(ms! >= 0, `${name}: ${ms}`);
    const sum = measured.reduce((all, [, ms]) => all + ms!, 0);
    assert.ok(sum <= total_ms + 0.1, `${sum} ms of ${total_ms}`);
    assert.equal(connection_reused, reused);
  }

  test('on a fresh connection to a name: DNS, connection and first byte, and the address that was reached', async (t) => {
    const receiver = await receiverFor(t);
    const record = await recordOf(t, receiver.url.replace('127.0.0.1', 'localhost'));
    assertTiming(record, ['dns_ms', 'connect_ms', 'first_byte_ms']);
    assert.equal(record.ip_address, '127.0.0.1');
  });

  test('an address needs no DNS', async (t) => {
    const receiver = await receiverFor(t);
    const record = await recordOf(t, receiver.url);
    assertTiming(record, ['connect_ms', 'first_byte_ms']);
    assert.equal(record.ip_address, '127.0.0.1');
  });

  test('on a connection that was open: the first byte alone, and that it was open', async (t) => {
    const receiver = await receiverFor(t);
    for (const [index, url] of [receiver.url, receiver.url.replace('127.0.0.1', 'localhost')].entries()) {
      const hook = await hookFor(t, url);
      await begin(hook);
      assert.equal((await recorded(hook)).timing.connection_reused, false);
      await begin(hook);
      const second = await recorded(hook, 2);
      assertTiming(second, ['first_byte_ms'], true);
      assert.equal(second.ip_address, '127.0.0.1');
      assert.equal(receiver.connections(), index + 1);
    }
  });

  test('over TLS: the handshake too, once for each connection', async (t) => {
    const receiver = await startReceiver({ tls: { certificate: 'private-server' } });
    t.after(() => receiver.close());
    const hook = await hookFor(t, receiver.url.replace('127.0.0.1', 'localhost'), {
      tls: { ca_certificate: testPem('private-ca') },
    });
    await begin(hook);
    assertTiming(await recorded(hook), ['dns_ms', 'connect_ms', 'tls_ms', 'first_byte_ms']);
    await begin(hook);
    assertTiming(await recorded(hook, 2), ['first_byte_ms'], true);
  });

  test('the time until the first byte is that of the receiver', async (t) => {
    const receiver = await receiverFor(t, () => ({ kind: 'answer', status: 200, delayMs: 80 }));
    const { timing } = await recordOf(t, receiver.url);
    assert.ok(timing.first_byte_ms! >= 75, `${timing.first_byte_ms} ms`);
    // Opening the connection is none of it.
    assert.ok(timing.total_ms! >= timing.first_byte_ms! + timing.connect_ms!);
  });

  test('a failed handshake: the connection, and no more', async (t) => {
    const receiver = await startReceiver({ tls: { certificate: 'self-signed' } });
    t.after(() => receiver.close());
    const record = await recordOf(t, receiver.url);
    assertTiming(record, ['connect_ms']);
    assert.match(record.reason, /^TLS: /);
    assert.equal(record.ip_address, '127.0.0.1');
  });

  test('a refused connection: how long the name took, and that nothing listens', async (t) => {
    const receiver = await startReceiver();
    await receiver.close();
    const named = await recordOf(t, receiver.url.replace('127.0.0.1', 'localhost'));
    assertTiming(named, ['dns_ms']);
    assert.match(named.reason, /^The connection was refused: nothing listens at that address and port/);
    assert.match(named.ip_address, /^(127\.0\.0\.1|::1)$/);
    const literal = await recordOf(t, receiver.url);
    assertTiming(literal, []);
    assert.equal(literal.response_status_code, 0);
    assert.equal(literal.response_truncated, false);
  });

  test('a name that is not known: how long that took to learn', async (t) => {
    const record = await recordOf(t, 'http://no-such-host.invalid/');
    assertTiming(record, ['dns_ms']);
    assert.match(record.reason, /^The name of the host /);
    assert.equal(record.ip_address, '');
  });

  test('an address that the guard refuses: nothing was done', async (t) => {
    const record = await recordOf(t, 'http://10.0.0.1/');
    assertTiming(record, []);
    assert.equal(record.ip_address, '');
    assert.match(record.reason, /^10\.0\.0\.1 is a private or reserved address/);
  });

  test('no answer: everything before it', async (t) => {
    const receiver = await receiverFor(t, () => ({ kind: 'hang' }));
    const hook = await hookFor(t, receiver.url);
    await begin(hook);
    await receiver.waitFor(1);
    await app.clock.advance(15_000);
    const record = await recorded(hook);
    assertTiming(record, ['connect_ms']);
    assert.equal(record.duration_ms, 15_000);
    assert.equal(record.ip_address, '127.0.0.1');
  });

  test('a connection that is reset or closed before the answer: no first byte', async (t) => {
    for (const kind of ['reset', 'half'] as const) {
      const receiver = await receiverFor(t, () => ({ kind }));
      const record = await recordOf(t, receiver.url);
      assertTiming(record, kind === 'reset' ? ['connect_ms'] : ['connect_ms', 'first_byte_ms']);
      assert.equal(record.response_truncated, kind === 'half', 'what broke off may have gone on');
    }
  });

  /** A server of its own, which answers as `listener` does. */
  async function serve(t: TestContext, listener: RequestListener): Promise<{ url: string; port: number }> {
    const server = createServer(listener);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    t.after(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}`, port };
  }

  test('of an answer without end 16 KiB are read, and the connection is closed', async (t) => {
    const closed = Promise.withResolvers<number>();
    const chunk = Buffer.alloc(1024, 'x');
    const { url, port } = await serve(t, (request, response) => {
      request.resume();
      response.writeHead(200);
      const write = (): void => {
        while (response.write(chunk));
      };
      response.on('drain', write);
      const { socket } = request;
      socket.once('close', () => closed.resolve(socket.bytesWritten));
      write();
    });
    const sockets: Socket[] = [];
    const onConnected = (message: unknown): void => {
      const { socket } = message as { socket: Socket };
      if (socket.remotePort === port) sockets.push(socket);
    };
    subscribe('undici:client:connected', onConnected);
    t.after(() => unsubscribe('undici:client:connected', onConnected));

    const record = await recordOf(t, url);
    const written = await closed.promise;
    assert.equal(record.response_body.raw, 'x'.repeat(keptBytes));
    assert.equal(record.response_truncated, true);
    assert.match(record.reason, /^Delivered: answered 200/);
    assert.equal(sockets.length, 1);
    const [socket] = sockets;
    assert.ok(socket!.destroyed);
    // One read of a socket takes up to 64 KiB; what is written beyond that never left the buffers of the system.
    assert.ok(socket!.bytesRead <= keptBytes + 2 * 65_536, `${socket!.bytesRead} bytes were read`);
    assert.ok(written < 32 * 1024 * 1024, `${written} bytes were written`);
  });

  const lengths: [what: string, bytes: number, isChunked: boolean, isTruncated: boolean][] = [
    ['a short answer', 10, false, false],
    ['an answer of one byte less than 16 KiB', keptBytes - 1, false, false],
    ['an answer of 16 KiB', keptBytes, false, false],
    ['an answer of one byte more', keptBytes + 1, false, true],
    ['a short answer in chunks', 10, true, false],
    ['an answer in chunks of one byte more', keptBytes + 1, true, true],
    ['a long answer', 1_000_000, false, true],
  ];
  for (const [what, bytes, isChunked, isTruncated] of lengths) {
    test(`${what} is ${isTruncated ? '' : 'not '}marked as truncated`, async (t) => {
      const { url } = await serve(t, (request, response) => {
        request.resume();
        response.writeHead(200, isChunked ? {} : { 'content-length': bytes });
        response.end(Buffer.alloc(bytes, 'y'));
      });
      const record = await recordOf(t, url);
      assert.equal(record.response_truncated, isTruncated);
      assert.equal(record.response_body.raw, 'y'.repeat(Math.min(bytes, keptBytes)));
    });
  }

  test('a character that the cut divides is left out, and with it no beginning of a secret is shown', async (t) => {
    const secret = 'pässwörd-of-the-ünïon';
    const settings = { request_headers: [{ name: 'X-Api-Key', value: secret }] };
    const sent = Buffer.from(secret);
    for (let shown = 1; shown < sent.length; shown++) {
      const body = Buffer.concat([Buffer.alloc(keptBytes - shown, '.'), sent, Buffer.alloc(100, '.')]);
      const { url } = await serve(t, (request, response) => {
        request.resume();
        response.end(body);
      });
      const { response_body, response_truncated } = await recordOf(t, url, { settings });
      assert.ok(response_truncated);
      assert.match(response_body.raw, /^\.+$/, `cut after ${shown} bytes`);
    }
  });

  test('a secret is masked in URL, headers, body and answer, in whatever form it comes back', async (t) => {
    const secret = `gl+pat/"quo'ted"(!)<&>%41=${Math.random().toString(36)}`;
    const one = await createApplication(app);
    await app.api.put(`/credentials/${one.credentialId}`, {
      name: 'with much to encode',
      settings: { access_token: secret },
    });
    const json = JSON.stringify(secret).slice(1, -1);
    const lower = (text: string) => text.replaceAll(/%../g, (found) => found.toLowerCase());
    const base64 = (before: string) => Buffer.from(`${before}${secret} and more`).toString('base64');
    const forms = {
      plain: secret,
      url: encodeURIComponent(secret),
      urlInLowerCase: lower(encodeURIComponent(secret)),
      form: new URLSearchParams({ a: secret }).toString().slice(2),
      twice: encodeURIComponent(encodeURIComponent(secret)),
      everyByte: Buffer.from(secret).toString('hex').replaceAll(/../g, '%$&'),
      hex: Buffer.from(secret).toString('hex'),
      json,
      php: json.replaceAll('/', '\\/'),
      forHtml: json.replaceAll('<', '\\u003c').replaceAll('>', '\\u003e').replaceAll('&', '\\u0026'),
      html: secret
        .replaceAll('&', '&amp;')
        .replaceAll('<', '&lt;')
        .replaceAll('>', '&gt;')
        .replaceAll('"', '&quot;')
        .replaceAll("'", '&#39;'),
      base64: Buffer.from(secret).toString('base64'),
      base64url: Buffer.from(secret).toString('base64url'),
    };
    const within = ['', 'a', 'ab', 'user:'].map(base64);
    const receiver = await receiverFor(t, () => ({
      kind: 'answer',
      status: 200,
      headers: { 'x-location': `/next?${forms.urlInLowerCase}` },
      body: [...Object.values(forms), ...within].join('\n'),
    }));
    const pipelineId = await createPipeline(app, one);
    const token = '{{ application.source_provider.access_token }}';
    const id = await createOutgoingHook(app, pipelineId, `${receiver.url}/p/${token}?q=${token}`, {
      trigger_when: { events: ['action.completed'] },
      settings: {
        request_headers: [
          { name: 'X-Plain', value: `of ${token}` },
          { name: 'Content-Type', value: 'application/x-www-form-urlencoded' },
        ],
        request_body: `a=${token}&b=${token}`,
      },
    });
    await begin({ id, pipelineId });
    const record = await recorded({ id, pipelineId });
    const { pathname, search } = new URL(`${receiver.url}/p/${forms.url}?q=${forms.url}`);
    assert.equal(receiver.requests[0]?.path, pathname + search, 'it did go out');
    assert.equal(new URLSearchParams(receiver.requests[0]?.body).get('b'), secret);
    assert.equal(record.url, `${receiver.url}/p/${mask}?q=${mask}`);
    assert.equal(record.request_headers['x-plain'], `of ${mask}`);
    assert.deepEqual(record.request_body, { raw: `a=${mask}&b=${mask}` });
    assert.equal(record.response_headers['x-location'], `/next?${mask}`);
    const lines = record.response_body.raw.split('\n');
    assert.deepEqual(
      lines.slice(0, Object.keys(forms).length),
      Object.keys(forms).map(() => mask),
    );
    for (const line of lines.slice(-within.length)) {
      const [before = '', rest = ''] = line.split(mask);
      // Of four characters at the seam three may hold bits of both sides.
      assert.ok(before.length <= 8 && rest.length <= 16, line);
    }
  });
});
