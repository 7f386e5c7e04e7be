import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { pino } from 'pino';
import { callers, permissionMatrix } from '../scripts/permission-matrix.ts';
import type { Caller, MatrixRow } from '../scripts/permission-matrix.ts';
import { permissionPage } from '../scripts/permission-table.ts';
import { guardRoutes } from '../src/accounts/access.ts';
import { createHttpApp } from '../src/platform/http/server.ts';
import { createApiClient } from './support/api-client.ts';
import type { ApiAnswer, ApiClient } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { startFakeProvider } from './support/fake-provider.ts';
import type { FakeProvider } from './support/fake-provider.ts';
import { bodies, preparations } from './support/permission-calls.ts';
import type { Call } from './support/permission-calls.ts';
import { buildWorld, inDays } from './support/permission-world.ts';
import type { World } from './support/permission-world.ts';
import { startServer } from './support/server.ts';
import type { TestServer } from './support/server.ts';
import { dumpTables } from './support/table-dump.ts';

type Refusal = { message: string; errors: { field: string; message: string }[] | null };

const matrix = await permissionMatrix();

test('a route that does not declare its access is refused when it is registered', () => {
  const app = createHttpApp({ log: pino({ level: 'silent' }), trustProxy: false });
  guardRoutes(app, {} as never);
  assert.throws(
    () => app.get('/forgotten', async () => 'open to all'),
    /GET \/forgotten does not declare its access/,
  );
  assert.doesNotThrow(() => app.get('/open', { config: { access: 'public' } }, async () => 'open to all'));
});

test('every registered route is in the matrix once, with its access and an answer for every caller', () => {
  assert.ok(matrix.length > 100);
  assert.equal(new Set(matrix.map(({ operationId }) => operationId)).size, matrix.length);
  for (const { operationId, access, answers } of matrix) {
    assert.match(operationId, /^[a-z][A-Za-z]+$/);
    assert.ok(access, operationId);
    assert.deepEqual(Object.keys(answers), [...callers]);
  }
});

test('docs/permissions.md is what the program says', async () => {
  assert.equal(await readFile('docs/permissions.md', 'utf8'), await permissionPage());
});

for (const kind of databaseKinds) {
  describe(`permissions on ${kind}`, () => {
    let database: TestDatabase;
    let server: TestServer;
    let world: World;
    let provider: FakeProvider;

    before(async () => {
      database = await createTestDatabase(kind);
      server = await startServer({ database, env: { HOOKLINE_REQUESTS_PER_MINUTE: '1000000' } });
      provider = await startFakeProvider('github');
      world = await buildWorld(server, database, provider.apiUrl);
    });
    after(async () => {
      await server?.stop();
      await database?.drop();
      await provider?.close();
    });

    const clientsOf = (caller: Caller): ApiClient[] => {
      switch (caller) {
        case 'other project':
          return [world.otherProject];
        case 'no token':
          return [createApiClient(server.url)];
        case 'revoked':
        case 'expired':
          return world[caller];
        default:
          return [world[caller].api];
      }
    };
    const personOf = (caller: Caller) =>
      caller === 'admin' || caller === 'developer' || caller === 'viewer' || caller === 'stranger'
        ? world[caller]
        : world.owner;
    const send = (row: MatrixRow, client: ApiClient, call: Call): Promise<ApiAnswer<Refusal>> => {
      const ids = { ...world.ids, ...call.path };
      const path = row.path
        .replace('/api', '')
        .replaceAll(/\{(\w+)\}/g, (_, name: string) =>
          encodeURIComponent(ids[name] ?? assert.fail(`no object for ${name} of ${row.path}`)),
        );
      const body = call.body ?? bodies[row.operationId]?.(world);
      return client.request<Refusal>(row.method, `${path}${call.query ?? ''}`, body);
    };
    const asText = (answer: ApiAnswer<unknown>) => `${answer.status} ${JSON.stringify(answer.body)}`;

    test('every call that the matrix refuses is refused so, names what is missing, and changes nothing', async () => {
      // What a request leaves behind whoever sends it, and what the program does by itself.
      const except = ['sessions', 'nodes', 'last_used_at'];
      const rows = async () => (await dumpTables(database, except)).split('\n').sort();
      const before = await rows();
      for (const row of matrix) {
        for (const caller of callers) {
          const expected = row.answers[caller];
          if (expected === 'ok') continue;
          for (const client of clientsOf(caller)) {
            const answer = await send(row, client, {});
            assert.equal(answer.status, expected, `${row.operationId} as ${caller}: ${asText(answer)}`);
            if (expected === 403 && row.permission !== null)
              assert.ok(answer.body.message.includes(row.permission), asText(answer));
            assert.equal(answer.body.errors, null);
            if (row.method !== 'GET') continue;
            const head = await send({ ...row, method: 'HEAD' }, client, {});
            assert.equal(head.status, expected, `HEAD of ${row.operationId} as ${caller}`);
          }
        }
      }
      assert.deepEqual(await rows(), before);
    });

    test('someone else’s object and one that does not exist are answered in the same words', async () => {
      const nothing = Object.fromEntries(
        Object.entries(world.ids).map(([name, id]) => {
          if (name === 'hook_type' || name.endsWith('resource_type') || name === 'child_type')
            return [name, id];
          return [name, typeof id === 'number' ? 987_654_321 : '11111111-1111-4111-8111-111111111111'];
        }),
      );
      for (const row of matrix) {
        const { access } = row;
        if (typeof access !== 'object') continue;
        const wordsFor = async (ids: World['ids']) => {
          const body = bodies[row.operationId]?.({ ...world, ids });
          const { status, body: refusal } = await send(row, world.stranger.api, { path: ids, body });
          const id = 'param' in access ? ids[access.param] : ids['resource_id'];
          return { status, message: refusal.message.replace(String(id), 'ID'), errors: refusal.errors };
        };
        assert.deepEqual(await wordsFor(world.ids), await wordsFor(nothing), row.operationId);
      }
    });

    test('what belongs to a person is nobody else’s, not even an owner’s', async () => {
      const { api } = world.viewer;
      const mine = { name: 'mine', expires_at: inDays(1) };
      const { id, token } = await api.post<{ id: string; token: string }>(
        '/users/personal-access-tokens',
        mine,
      );
      const path = `/users/personal-access-tokens/${id}`;
      for (const [method, address, body] of [
        ['GET', path, undefined],
        ['POST', `${path}/rotate`, { expires_at: inDays(9) }],
        ['DELETE', `${path}/revoke`, undefined],
        ['PUT', `/users/${world.viewer.id}`, { name: 'Renamed' }],
        [
          'PUT',
          `/users/${world.viewer.id}`,
          { password: 'taken over', current_password: 'correct-horse-battery' },
        ],
      ] as const)
        assert.equal((await world.api.request(method, address, body)).status, 404, address);
      const client = createApiClient(server.url, token);
      assert.notEqual((await client.get<{ name: string }>('/users/me')).name, 'Renamed');
      const listed = await world.api.get<{ id: string }[]>('/users/personal-access-tokens?per_page=100');
      assert.ok(!listed.some((one) => one.id === id));
    });

    for (const caller of callers) {
      test(`every call that the matrix allows is allowed: ${callerName(caller)}`, async () => {
        for (const row of matrix) {
          if (row.answers[caller] !== 'ok') continue;
          for (const client of clientsOf(caller)) {
            const call = (await preparations[row.operationId]?.(world, personOf(caller))) ?? {};
            const answer = await send(row, call.api ?? client, call);
            assert.ok(
              answer.status >= 200 && answer.status < 300,
              `${row.operationId} as ${caller}: ${asText(answer)}`,
            );
            assert.ok(!asText(answer).includes(world.secret), row.operationId);
          }
        }
      });
    }
  });
}

function callerName(caller: Caller): string {
  return caller === 'other project' ? 'an API token of another project' : caller;
}
