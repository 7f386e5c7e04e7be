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
    const forged = { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` };
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
      socket.write(`${head}\r\nX-Hub-Signature-256: sha256=0\r\nContent-Length: ${length}\r\n\r\n{`);
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

  test('a body for a hook that does not exist is not read', async () => {
    const body = 'x'.repeat(20_000_000);
    const url = `${server.url}/api/hooks/00000000-0000-4000-8000-000000000000/trigger`;
    const answer = await fetch(url, { method: 'POST', body }).catch(() => null);
    // Depending on who is faster, the sender sees the answer or that the connection ended under it.
    assert.ok(answer === null || answer.status === 404);
  });
});
