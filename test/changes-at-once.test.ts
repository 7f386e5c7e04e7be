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

    test('do not undo what the other did, of whatever kind the thing is', async () => {
      const idOf = async (path: string, body: object): Promise<number> =>
        (await api.post<{ id: number }>(path, body)).id;
      const permissions = ['project:read'];
      const credential = { provider_code: 'github', settings: { access_token: 'ghp_0' } };
      const things: [path: string, one: Record<string, unknown>, other: Record<string, unknown>][] = [
        [`/environments/1`, { description: 'one' }, { name: 'other' }],
        [`/organizations/1`, { name: 'One' }, { url_slug: 'other' }],
        [
          `/roles/${await idOf('/organizations/1/roles', { name: 'r', permissions })}`,
          { description: 'one' },
          { name: 'other' },
        ],
        [
          `/teams/${await idOf('/organizations/1/teams', { name: 't' })}`,
          { photo_url: 'https://example.com/one' },
          { name: 'other' },
        ],
        [
          `/pipelines/${await idOf(`/pipelines/server/${serverId}`, { name: 'q', operation: 'reload' })}`,
          { max_parallel_actions: 3 },
          { name: 'other' },
        ],
        [
          `/credentials/${await idOf('/environments/1/credentials', { name: 'c', ...credential })}`,
          { active: false },
          { name: 'other' },
        ],
      ];
      for (const [path, one, other] of things) {
        const before_ = await api.get<Record<string, unknown>>(path);
        const names = [...Object.keys(one), ...Object.keys(other)];
        const reset = Object.fromEntries(names.map((name) => [name, before_[name]]));
        for (let round = 0; round < rounds / 2; round++) {
          await api.put(path, reset);
          await both(path, one, other);
          const read = await api.get<Record<string, unknown>>(path);
          assert.deepEqual(Object.fromEntries(names.map((name) => [name, read[name]])), { ...one, ...other });
        }
      }
    });

    test('a token that is only kept is not sent to another address', async () => {
      const { id } = await api.post<{ id: number }>('/environments/1/credentials', {
        name: 'kept',
        provider_code: 'gitlab',
        settings: { access_token: 'glpat_0', api_url: 'https://git.example.com/api/v4' },
      });
      const change = (settings: object) => api.request('PUT', `/credentials/${id}`, { settings });
      const elsewhere = 'https://elsewhere.example.com/api/v4';
      const moved = await change({ api_url: elsewhere });
      assert.equal(moved.status, 422);
      assert.match(JSON.stringify(moved.body), /settings.access_token/);
      assert.equal((await change({ api_url: 'https://git.example.com/api/v4/' })).status, 204);
      assert.equal((await change({ api_url: elsewhere, access_token: 'glpat_1' })).status, 204);
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
