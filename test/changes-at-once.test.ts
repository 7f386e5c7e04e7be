import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { ApiClient } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { startServer } from './support/server.ts';
import type { TestServer } from './support/server.ts';

const rounds = 10;

for (const kind of databaseKinds) {
  describe(`two who change the same thing at once on ${kind}`, () => {
    let database: TestDatabase;
    let server: TestServer;
    let api: ApiClient;
    let serverId: number;
    let hook: string;

    before(async () => {
      database = await createTestDatabase(kind);
      server = await startServer({ database });
      api = await server.login();
      ({ id: serverId } = await api.post<{ id: number }>('/environments/1/servers', { hostname: 'a' }));
      const pipeline = await api.post<{ id: number }>(`/pipelines/server/${serverId}`, {
        name: 'p',
        operation: 'configure',
      });
      const body = { name: 'before', requires_secret: true };
      const made = await api.post<{ id: string }>(`/pipelines/${pipeline.id}/hooks/incoming`, body);
      hook = `/hooks/incoming/${made.id}`;
    });
    after(async () => {
      await server?.stop();
      await database?.drop();
    });

    const both = (path: string, one: object, other: object) =>
      Promise.all([one, other].map((body) => api.request('PUT', path, body)));

    test('do not undo what the other did', async () => {
      for (let round = 0; round < rounds; round++) {
        await api.request('PUT', hook, { name: 'before', active: true });
        await both(hook, { active: false }, { name: 'after' });
        const { name, active } = await api.get<{ name: string; active: boolean }>(hook);
        assert.deepEqual({ name, active }, { name: 'after', active: false });

        await api.request('PUT', `/servers/${serverId}`, { ssh_port: 22, ssh_user: 'root' });
        await both(`/servers/${serverId}`, { ssh_port: 23 }, { ssh_user: 'x' });
        const { ssh_port, ssh_user } = await api.get<{ ssh_port: number; ssh_user: string }>(
          `/servers/${serverId}`,
        );
        assert.deepEqual({ ssh_port, ssh_user }, { ssh_port: 23, ssh_user: 'x' });
      }
    });

    test('and rotate a secret are both given one that is accepted', async () => {
      await api.request('PUT', hook, { active: true });
      for (let round = 0; round < rounds; round++) {
        const rotate = () => api.post<{ secret: string }>(`${hook}/rotate-secret`, {});
        for (const { secret } of await Promise.all([rotate(), rotate()])) {
          const signature = `sha256=${createHmac('sha256', secret).update('{}').digest('hex')}`;
          const answer = await fetch(`${server.url}/api${hook.replace('/incoming', '')}/trigger`, {
            method: 'POST',
            body: '{}',
            headers: { 'content-type': 'application/json', 'x-hub-signature-256': signature },
          });
          await answer.body?.cancel();
          assert.equal(answer.status, 202);
        }
      }
    });
  });
}
