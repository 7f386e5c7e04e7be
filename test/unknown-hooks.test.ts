import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { KyselyPlugin } from 'kysely';
import { createHookRegistry, type HookRegistry } from '../src/hooks/registry.ts';
import { createBus } from '../src/platform/bus.ts';
import { systemClock } from '../src/platform/clock.ts';
import { connect, type Connection, type Db } from '../src/platform/database/connect.ts';
import { createSecretBox } from '../src/platform/secret-box.ts';
import { openKeys, readConfig, type Config } from '../src/config.ts';
import { createTestDatabase, databaseKinds, type TestDatabase } from './support/database.ts';
import { createApplication, createIncomingHook, createPipeline, openWorkplace } from './support/fixtures.ts';
import { startServer } from './support/server.ts';

for (const kind of databaseKinds) {
  describe(`who asks for hooks that do not exist (${kind})`, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let hooks: string[];
    let config: Config;
    let connection: Connection;
    let queries = 0;
    const counting: KyselyPlugin = {
      transformQuery: ({ node }) => node,
      transformResult: async ({ result }) => {
        queries++;
        return result;
      },
    };

    before(async () => {
      const database: TestDatabase = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
      const server = await startServer({ database });
      try {
        const work = await openWorkplace(server);
        const pipeline = await createPipeline(work, await createApplication(work));
        hooks = [
          (await createIncomingHook(work, pipeline)).id,
          (await createIncomingHook(work, pipeline)).id,
        ];
      } finally {
        await server.stop();
      }
      ({ config } = readConfig(database.env));
      connection = ends.adopt(await connect(config), (made) => made.close());
    });

    const open = (): { registry: HookRegistry; bus: ReturnType<typeof createBus> } => {
      const bus = createBus();
      const registry = createHookRegistry({
        // Safe: the same database, whose queries are counted.
        db: connection.db.withPlugin(counting) as Db,
        box: createSecretBox(openKeys(config)),
        bus,
        clock: systemClock,
        isShared: false,
      });
      queries = 0;
      return { registry, bus };
    };
    const guess = (registry: HookRegistry, count: number) =>
      Promise.all(Array.from({ length: count }, () => registry.incoming(randomUUID())));

    test('share their queries, so that the database is asked a few times, whatever comes', async () => {
      const { registry } = open();
      const found = await Promise.all([guess(registry, 5000), registry.incoming(hooks[0]!)]);
      assert.ok(found[0].every((hook) => hook === null));
      assert.equal(found[1]?.row.uuid, hooks[0]);
      assert.ok(queries <= 45, `${queries} queries`);
    });

    test('have no hook forgotten, and what they ask for again is known', async () => {
      const { registry } = open();
      await registry.incoming(hooks[0]!);
      const asked = randomUUID();
      assert.equal(registry.knownIncoming(asked), undefined);
      for (let round = 0; round < 3; round++) await guess(registry, 5000);
      assert.equal(await registry.incoming(asked), null);
      assert.equal(registry.knownIncoming(asked), null);
      const before = queries;
      assert.equal((await registry.incoming(hooks[0]!))?.row.uuid, hooks[0]);
      assert.equal(registry.knownIncoming(hooks[0]!)?.row.uuid, hooks[0]);
      assert.equal(queries, before);
    });

    test('more than ten thousand at once are told that it is not possible now', async () => {
      const { registry } = open();
      const answers = await Promise.allSettled(
        Array.from({ length: 10_001 }, () => registry.incoming(randomUUID())),
      );
      const refused = answers.filter(({ status }) => status === 'rejected');
      assert.equal(refused.length, 1);
      assert.equal((await registry.incoming(hooks[1]!))?.row.uuid, hooks[1]);
    });

    test('find what was made since they asked', async () => {
      const { registry, bus } = open();
      const { uuid, ...row } = await connection.db
        .selectFrom('hooks')
        .selectAll()
        .where('uuid', '=', hooks[1]!)
        .executeTakeFirstOrThrow();
      await connection.db.deleteFrom('hooks').where('uuid', '=', uuid).execute();
      assert.equal(await registry.incoming(uuid), null);
      await connection.db
        .insertInto('hooks')
        .values({ uuid, ...row })
        .execute();
      bus.publish('definitions');
      assert.equal((await registry.incoming(uuid))?.row.uuid, uuid);
    });
  });
}
