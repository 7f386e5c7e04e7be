import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import {
  createIncomingHook,
  createPipeline,
  createApplication,
  openWorkplace,
  sendSigned,
} from './support/fixtures.ts';
import { startServer, type TestServer } from './support/server.ts';

/** In form, so that its body is read. */
const notVerifying = `sha256=${'0'.repeat(64)}`;

describe('while forged requests arrive', () => {
  let server: TestServer;
  before(async () => {
    server = await startServer();
  });
  after(() => server.stop());

  test('their sender is told to wait, signed requests of the same address are taken, and little is kept', async () => {
    const work = await openWorkplace(server);
    const hook = await createIncomingHook(work, await createPipeline(work, await createApplication(work)));
    const url = `${server.url}/api/hooks/${hook.id}/trigger`;
    const forged = { 'x-hub-signature-256': notVerifying };
    const statuses = new Map<number, number>();
    let retryAfter: string | null = null;
    for (let batch = 0; batch < 30; batch++) {
      await Promise.all(
        Array.from({ length: 50 }, async () => {
          const answer = await fetch(url, { method: 'POST', headers: forged, body: '{}' });
          statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
          if (answer.status === 429) retryAfter = answer.headers.get('retry-after');
          await answer.arrayBuffer();
        }),
      );
    }
    assert.deepEqual([...statuses.keys()].sort(), [401, 429]);
    assert.match(retryAfter ?? '', /^[1-9]\d*$/);
    assert.equal((await sendSigned(server, hook, '{}')).status, 202);
  });

  test('an announced body beyond the limit is answered 413, also while others are under way', async () => {
    const work = await openWorkplace(server);
    const hook = await createIncomingHook(work, await createPipeline(work, await createApplication(work)));
    const { hostname, port } = new URL(server.url);
    const open = (length: number) => {
      const socket = connect(Number(port), hostname);
      const head = `POST /api/hooks/${hook.id}/trigger HTTP/1.1\r\nHost: x\r\nContent-Type: application/json`;
      socket.write(`${head}\r\nX-Hub-Signature-256: ${notVerifying}\r\nContent-Length: ${length}\r\n\r\n{`);
      return socket;
    };
    const [underWay, tooLarge] = [open(1000), open(400_000_000)];
    try {
      const [answer] = (await once(tooLarge, 'data')) as [Buffer];
      assert.match(answer.toString(), /^HTTP\/1\.1 413 /);
    } finally {
      underWay.destroy();
      tooLarge.destroy();
    }
  });

  test('bodies without a length beyond the limit are answered 413 side by side, and what they took is given back', async () => {
    const work = await openWorkplace(server);
    const hook = await createIncomingHook(work, await createPipeline(work, await createApplication(work)));
    // Each counts as 25 MiB, the limit: rounds of eight come to more than the 256 MiB that there are in all.
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(Array.from({ length: 8 }, () => sendWithoutEnd(server, hook, 25)));
      assert.deepEqual(answers, Array(8).fill(413));
    }
    assert.equal((await sendSigned(server, hook, '{}')).status, 202);
    assert.doesNotMatch(server.output(), /Warning/);
  });

  test('bodies without a length that fill the memory set aside are answered 503, and then there is room again', async () => {
    const roomy = await startServer({ env: { HOOKLINE_MAX_BODY_BYTES: String(1024 ** 3) } });
    try {
      const work = await openWorkplace(roomy);
      const hook = await createIncomingHook(work, await createPipeline(work, await createApplication(work)));
      assert.equal(await sendWithoutEnd(roomy, hook, 256), 503);
      assert.equal(await sendWithoutEnd(roomy, hook, 256), 503);
      assert.equal((await sendSigned(roomy, hook, '{}')).status, 202);
    } finally {
      await roomy.stop();
    }
  });

  test('a body for a hook that does not exist is not read', async () => {
    const body = 'x'.repeat(20_000_000);
    const url = `${server.url}/api/hooks/00000000-0000-4000-8000-000000000000/trigger`;
    const answer = await fetch(url, { method: 'POST', body }).catch(() => null);
    // Depending on who is faster, the sender sees the answer or that the connection ended under it.
    assert.ok(answer === null || answer.status === 404);
  });
});

/** Sends a chunked body of so many MiB and one byte, not its end; returns the status of the answer. */
async function sendWithoutEnd(server: TestServer, hook: { id: string }, mebibytes: number): Promise<number> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  const mebibyte = Buffer.from(`100000\r\n${'x'.repeat(1024 ** 2)}\r\n`);
  try {
    const answered = once(socket, 'data') as Promise<[Buffer]>;
    socket.write(
      `POST /api/hooks/${hook.id}/trigger HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`,
    );
    socket.write(`X-Hub-Signature-256: ${notVerifying}\r\nTransfer-Encoding: chunked\r\n\r\n`);
    for (let sent = 0; sent < mebibytes; sent++) socket.write(mebibyte);
    socket.write('1\r\nx\r\n');
    const [answer] = await answered;
    return Number(/^HTTP\/1\.1 (\d+) /.exec(answer.toString())?.[1]);
  } finally {
    socket.destroy();
  }
}
