import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { connectBeside, type Db } from '../src/platform/database/connect.ts';
import { sealedColumns } from '../src/platform/database/sealed-columns.ts';
import { countSealed, reseal } from '../src/platform/database/reseal.ts';
import { watchKeyFile } from '../src/platform/key-file.ts';
import { createSecretBox, keyId, parseKey } from '../src/platform/secret-box.ts';
import { until } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { DatabaseKind, TestDatabase } from './support/database.ts';
import { executeSql } from './support/execute-sql.ts';
import {
  createApplication,
  createIncomingHook,
  createOutgoingHook,
  createPipeline,
  openWorkplace,
  sendSigned,
  untilAction,
} from './support/fixtures.ts';
import type { IncomingHook, TestApplication, Workplace } from './support/fixtures.ts';
import { pushPayload } from './support/github.ts';
import { startReceiver } from './support/receiver.ts';
import type { Receiver } from './support/receiver.ts';
import { runCommand, startCommand } from './support/run-command.ts';
import { startServer } from './support/server.ts';
import type { TestServer } from './support/server.ts';

const push = pushPayload();

describe('`secrets rotate` with a key file', () => {
  test('seals everything with a new key while signed requests and deliveries go on, and a restart needs the new key alone', async (t) => {
    const { database, keyFile, keyIds } = await dataFolder(t);
    const server = await serve(t, database);
    const site = await buildSite(t, await openWorkplace(server));
    const [before] = keyIds();
    assert.deepEqual(await keysInUse(database), [before]);

    const traffic = startTraffic(site);
    await traffic.untilSent(5);
    const rotation = await runCommand(database.env, ['secrets', 'rotate']);
    assert.equal(rotation.code, 0, rotation.output);
    await traffic.untilSent(5);
    const hookMadeDuring = await traffic.stop();

    const [after, ...older] = keyIds();
    assert.notEqual(after, before);
    assert.deepEqual(older, [before]);
    assert.match(rotation.output, new RegExp(`hooks\\.secret_sealed: [1-9]\\d* sealed again`));
    for (const column of ['credentials.settings', 'servers.private_key', 'variables.value'])
      assert.match(rotation.output, new RegExp(`${column}_sealed: 1 sealed again`));
    assert.ok(rotation.output.includes(`Every secret is sealed with key ${after}.`), rotation.output);
    assert.deepEqual(await keysInUse(database), [after]);
    await site.works(hookMadeDuring);
    await site.works(await createIncomingHook(site.workplace, site.pipelineId));
    assert.deepEqual(await keysInUse(database), [after]);

    // Where the old key is gone, only what was sealed anew can be read.
    passAMinute(keyFile);
    const forgetting = await runCommand(database.env, ['secrets', 'forget-old']);
    assert.equal(forgetting.code, 0, forgetting.output);
    assert.deepEqual(keyIds(), [after]);
    await site.works(hookMadeDuring);
    await server.stop();
    const restarted = await serve(t, database);
    await (await site.movedTo(restarted)).works(hookMadeDuring);
  });

  test('survives kill -9 at any moment: the server starts, and the next run goes on with the same key', async (t) => {
    const { database, keyIds, box } = await dataFolder(t);
    const server = await serve(t, database);
    await buildSite(t, await openWorkplace(server));
    await server.stop();
    const values = 3000;
    await beside(database, async (db) => insertVariables(db, box(), values));
    const [before] = keyIds();

    const command = startCommand(database.env, ['secrets', 'rotate']);
    await until(async () => {
      const counts = await beside(database, countSealed);
      return counts.some(({ column, keyId }) => column === 'variables.value_sealed' && keyId !== before);
    }, 'the first variables to be sealed again');
    command.kill9();
    assert.equal((await command.ended).signal, 'SIGKILL');
    const [after] = keyIds();
    assert.notEqual(after, before);
    assert.deepEqual(new Set(await keysInUse(database)), new Set([before, after]));

    const restarted = await serve(t, database);
    const forgetting = await runCommand(database.env, ['secrets', 'forget-old']);
    assert.equal(forgetting.code, 1);
    assert.match(
      forgetting.output,
      new RegExp(`Key ${before} is still needed by variables\\.value_sealed \\(\\d+\\)`),
    );
    const again = await runCommand(database.env, ['secrets', 'rotate']);
    assert.equal(again.code, 0, again.output);
    assert.match(again.output, /An earlier rotation .* going on with it/);
    assert.deepEqual(keyIds(), [after, before]);
    assert.deepEqual(await keysInUse(database), [after]);
    await beside(database, async (db) => {
      const rows = await db.selectFrom('variables').select(['key', 'value_sealed']).execute();
      const opened = rows.map(({ key, value_sealed }) => [key, box().open(value_sealed, 'variable')]);
      const made = opened.filter(([key]) => key?.startsWith('MADE_'));
      assert.equal(made.length, values);
      for (const [key, value] of made) assert.equal(value, `value of ${key}`);
    });
    await restarted.stop();
  });

  test('never writes over what is changed at the same moment', async (t) => {
    const { database } = await dataFolder(t);
    const server = await serve(t, database);
    const site = await buildSite(t, await openWorkplace(server));
    await keepWriting(site, async () => {
      for (let round = 0; round < 3; round++) {
        const { code, output } = await runCommand(database.env, ['secrets', 'rotate']);
        assert.equal(code, 0, output);
      }
    });
  });

  test('names what it cannot open, leaves that as it is and does all the rest', async (t) => {
    const { database, keyIds } = await dataFolder(t);
    const server = await serve(t, database);
    const site = await buildSite(t, await openWorkplace(server));
    const [before] = keyIds();
    await executeSql(database, `update servers set private_key_sealed = 'v1.${before}.AAAA.AAAA'`);
    const { code, output } = await runCommand(database.env, ['secrets', 'rotate']);
    assert.equal(code, 1);
    assert.match(output, /could not be opened.*servers\.private_key_sealed of id 1\b/);
    assert.deepEqual(new Set(await keysInUse(database)), new Set(keyIds()));
    await executeSql(database, 'delete from servers');
    await site.works(site.hook);
    assert.equal((await runCommand(database.env, ['secrets', 'rotate'])).code, 0);
    assert.deepEqual(await keysInUse(database), [keyIds()[0]]);
  });

  test('leaves nothing of the old ciphertexts in the files of the database', async (t) => {
    const { database, keyIds } = await dataFolder(t);
    const server = await serve(t, database);
    await buildSite(t, await openWorkplace(server));
    const [before] = keyIds();
    const filesHold = (text: string) =>
      ['hookline.db', 'hookline.db-wal'].filter((name) =>
        readFileSync(join(database.env.HOOKLINE_DATA ?? '', name), 'latin1').includes(text),
      );
    assert.notDeepEqual(filesHold(`v1.${before}.`), []);
    assert.equal((await runCommand(database.env, ['secrets', 'rotate'])).code, 0);
    assert.deepEqual(filesHold(`v1.${before}.`), []);
  });

  test('makes neither a key nor a database where there is none', async (t) => {
    const database = await createTestDatabase('sqlite');
    t.after(() => database.drop());
    for (const args of [['rotate'], ['status'], ['forget-old']]) {
      const { code, output } = await runCommand(database.env, ['secrets', ...args]);
      assert.equal(code, 1);
      assert.match(output, /There is no key file .* Set HOOKLINE_DATA/);
    }
    const { code, output } = await runCommand(
      { ...database.env, HOOKLINE_SECRET_KEY: randomBytes(32).toString('hex') },
      ['secrets', 'rotate'],
    );
    assert.equal(code, 1);
    assert.match(output, /hookline\.db cannot be opened/);
  });
});

test('`secrets forget-old` keeps a key that a secret needs, and one that was in use a moment ago', async (t) => {
  const { database, keyFile, keyIds, box } = await dataFolder(t);
  const server = await serve(t, database);
  await buildSite(t, await openWorkplace(server));
  const forget = () => runCommand(database.env, ['secrets', 'forget-old']);
  assert.match((await forget()).output, /no old one to forget/);

  const [before] = keyIds();
  const stale = box().seal('late', 'variable');
  assert.equal((await runCommand(database.env, ['secrets', 'rotate'])).code, 0);
  const early = await forget();
  assert.equal(early.code, 1);
  assert.match(early.output, /less than a minute ago.*Run this again in \d+ s/);

  passAMinute(keyFile);
  await executeSql(database, `update variables set value_sealed = '${stale}'`);
  const needed = await forget();
  assert.equal(needed.code, 1);
  assert.match(
    needed.output,
    new RegExp(`Key ${before} is still needed by variables\\.value_sealed \\(1\\)`),
  );
  const status = await runCommand(database.env, ['secrets', 'status']);
  assert.match(status.output, new RegExp(`${before}  opens only; secrets: 1`));
  assert.equal(keyIds().length, 2);

  assert.equal((await runCommand(database.env, ['secrets', 'rotate'])).code, 0);
  assert.equal(keyIds().length, 3);
  passAMinute(keyFile);
  const forgotten = await forget();
  assert.equal(forgotten.code, 0, forgotten.output);
  assert.equal(keyIds().length, 1);
  assert.ok(!keyIds().includes(before!));
});

for (const kind of databaseKinds) {
  describe(`keys from the environment, on ${kind}`, () => {
    test('a new key is brought in behind the old one, put before it, used for everything, and then alone', async (t) => {
      const { database, old, fresh, withKeys } = await keysFor(t, kind);
      const first = await serve(t, database, withKeys(old));
      const site = await buildSite(t, await openWorkplace(first));
      await first.stop();
      const second = await serve(t, database, withKeys(old, fresh));
      await second.stop();

      const third = await serve(t, database, withKeys(fresh, old));
      const moved = await site.movedTo(third);
      const traffic = startTraffic(moved);
      await traffic.untilSent(3);
      const rotation = await runCommand(withKeys(fresh, old), ['secrets', 'rotate']);
      assert.equal(rotation.code, 0, rotation.output);
      const made = await traffic.stop();
      assert.match(rotation.output, new RegExp(`Sealing with key ${idOf(fresh)}`));
      assert.match(rotation.output, new RegExp(`take ${idOf(old)} out of HOOKLINE_SECRET_KEY`));
      assert.deepEqual(await keysInUse(database), [idOf(fresh)]);
      const forgetting = await runCommand(withKeys(fresh, old), ['secrets', 'forget-old']);
      assert.match(forgetting.output, new RegExp(`No secret needs ${idOf(old)}`));
      await third.stop();

      const fourth = await serve(t, database, withKeys(fresh));
      await (await moved.movedTo(fourth)).works(made);
      const again = await runCommand(withKeys(fresh), ['secrets', 'rotate']);
      assert.equal(again.code, 0, again.output);
      assert.match(again.output, /holds one key, .* none to rotate from/);
    });

    test('a value that is changed between the look at it and its turn is left to the next pass', async (t) => {
      const { database, old, fresh, withKeys } = await keysFor(t, kind);
      const server = await serve(t, database, withKeys(old));
      await buildSite(t, await openWorkplace(server));
      await server.stop();
      const oldBox = createSecretBox(() => [keyOf(old)]);
      await beside(database, async (db) => {
        const value_sealed = oldBox.seal('changed meanwhile', 'variable');
        // Each column has one batch here.
        const turn = sealedColumns.findIndex(({ table }) => table === 'variables') + 1;
        const change = () => db.updateTable('variables').set({ value_sealed }).execute();
        const result = await reseal(
          beforeTransaction(db, turn, change),
          createSecretBox(() => [keyOf(fresh), keyOf(old)]),
        );
        assert.deepEqual(result.broken, []);
        const row = await db.selectFrom('variables').select('value_sealed').executeTakeFirstOrThrow();
        const freshBox = createSecretBox(() => [keyOf(fresh)]);
        assert.equal(freshBox.open(row.value_sealed, 'variable'), 'changed meanwhile');
      });
      assert.deepEqual(await keysInUse(database), [idOf(fresh)]);
    });

    test('a wrong key refuses to start, and so does the new one alone while secrets need the old', async (t) => {
      const { database, old, fresh, withKeys } = await keysFor(t, kind);
      const server = await serve(t, database, withKeys(old));
      const { application } = await buildSite(t, await openWorkplace(server));
      await server.stop();
      const refused = async (env: Record<string, string>, pattern: RegExp) => {
        await assert.rejects(startServer({ database, env }), (error: Error) => {
          assert.match(error.message, pattern);
          assert.doesNotMatch(error.message, /\bat .*\.ts:\d+/);
          return true;
        });
      };
      const wrong = new RegExp(
        `sealed with key ${idOf(old)}, but the key given is ${idOf(fresh)}.*Put the right key`,
      );
      await refused(withKeys(fresh), wrong);
      const rotation = await runCommand(withKeys(fresh), ['secrets', 'rotate']);
      assert.equal(rotation.code, 1);
      assert.match(rotation.output, wrong);

      assert.equal((await runCommand(withKeys(fresh, old), ['secrets', 'rotate'])).code, 0);
      const late = await serve(t, database, withKeys(old, fresh));
      const api = (await openWorkplace(late)).api;
      await api.post(`/variables/application/${application.id}`, { key: 'LATE', value: 'hunter22' });
      await late.stop();
      await refused(
        withKeys(fresh),
        new RegExp(
          `1 secret of this database was sealed with key ${idOf(old)}.*Add that key after the current one`,
        ),
      );
      assert.equal((await runCommand(withKeys(fresh, old), ['secrets', 'rotate'])).code, 0);
      await (await serve(t, database, withKeys(fresh))).stop();
    });
  });
}

test('two nodes that are restarted one after the other read what either has sealed', async (t) => {
  const { database, old, fresh, withKeys } = await keysFor(t, 'postgres');
  const [one, two] = await Promise.all([
    serve(t, database, withKeys(old, fresh)),
    serve(t, database, withKeys(old, fresh)),
  ]);
  const site = await buildSite(t, await openWorkplace(one!));
  await one!.stop();
  const renewed = await serve(t, database, withKeys(fresh, old));
  const onNew = await site.movedTo(renewed);
  const onOld = await site.movedTo(two!);
  await onOld.works(await createIncomingHook(onNew.workplace, site.pipelineId));
  await onNew.works(await createIncomingHook(onOld.workplace, site.pipelineId));
  assert.deepEqual(new Set(await keysInUse(database)), new Set([idOf(old), idOf(fresh)]));
});

type Site = {
  workplace: Workplace;
  application: TestApplication;
  pipelineId: number;
  hook: IncomingHook;
  /** Triggers a hook, and asserts that its action has the variable and that the outgoing hook tells of it with its token. */
  works(hook: IncomingHook): Promise<void>;
  movedTo(server: TestServer): Promise<Site>;
};

/** One value at least in every sealed column, all of them in use. */
async function buildSite(t: TestContext, workplace: Workplace): Promise<Site> {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const application = await createApplication(workplace);
  const { api, environmentId } = workplace;
  await api.post(`/variables/application/${application.id}`, {
    key: 'GREETING',
    value: 'from the variable',
  });
  await api.post(`/environments/${environmentId}/servers`, {
    hostname: 'one',
    ip_address: '192.0.2.1',
  });
  const pipelineId = await createPipeline(workplace, application, ['test "$GREETING" = "from the variable"']);
  const hook = await createIncomingHook(workplace, pipelineId);
  await createOutgoingHook(workplace, pipelineId, `${receiver.url}/{{ action.id }}`, {
    settings: {
      request_headers: [
        { name: 'Authorization', value: 'Bearer {{ application.source_provider.access_token }}' },
        { name: 'X-Api-Key', value: 'key-of-the-receiver' },
      ],
    },
    trigger_when: { events: ['action.completed'] },
  });
  return siteOf(workplace, { application, pipelineId, hook, receiver });
}

type Built = { application: TestApplication; pipelineId: number; hook: IncomingHook; receiver: Receiver };

function siteOf(workplace: Workplace, built: Built): Site {
  const { application, receiver } = built;
  return {
    workplace,
    ...built,
    async works(hook) {
      const receipt = await sendSigned(workplace, hook, push);
      assert.equal(receipt.status, 202, receipt.body.message);
      const action = await untilAction(workplace, receipt.body.action_id ?? assert.fail('no action'));
      assert.equal(action.status, 'completed', action.status_reason_human_readable);
      const [told] = await receiver.waitFor(({ path }) => path === `/${action.id}`);
      assert.equal(told.headers.authorization, `Bearer ${application.accessToken}`);
      assert.equal(told.headers['x-api-key'], 'key-of-the-receiver');
    },
    async movedTo(server) {
      return siteOf(await openWorkplace(server), built);
    },
  };
}

/** While `work` is done, a variable is changed again and again, and must always be what was written last. */
async function keepWriting({ workplace: { api }, application }: Site, work: () => Promise<void>) {
  const variable = await api.post<{ id: number }>(`/variables/application/${application.id}`, {
    key: 'COUNTER',
    value: '0',
  });
  let written = 0;
  let working = true;
  const writing = (async () => {
    while (working) {
      written++;
      await api.put(`/variables/${variable.id}`, { key: 'COUNTER', value: String(written) });
      const { value } = await api.get<{ value: string }>(`/variables/${variable.id}`);
      assert.equal(value, String(written));
    }
  })();
  await work().finally(() => (working = false));
  await writing;
  assert.ok(written > 3);
}

/** Triggers the site's hook and new ones, one after the other, until stopped; a refused request fails the test. */
function startTraffic({ workplace, pipelineId, hook }: Site) {
  let sent = 0;
  let stopped = false;
  let made = hook;
  const running = (async () => {
    while (!stopped) {
      made = await createIncomingHook(workplace, pipelineId, { name: randomUUID() });
      for (const one of [hook, made]) {
        const { status, body } = await sendSigned(workplace, one, push);
        assert.equal(status, 202, body.message);
        sent++;
      }
      // A resource has a bounded number of hooks.
      if (!stopped && sent > 100) await workplace.api.delete(`/hooks/incoming/${made.id}`);
    }
  })();
  running.catch(() => undefined);
  return {
    async untilSent(more: number) {
      const wanted = sent + more;
      await Promise.race([
        until(async () => sent >= wanted, `${more} more requests to be accepted`),
        running.then(() => assert.fail('the traffic ended')),
      ]);
    },
    /** Returns the hook that was made last. */
    async stop(): Promise<IncomingHook> {
      stopped = true;
      await running;
      return made;
    },
  };
}

async function dataFolder(t: TestContext) {
  const database = await createTestDatabase('sqlite');
  t.after(() => database.drop());
  const keyFile = join(database.env.HOOKLINE_DATA ?? '', 'secret.key');
  const box = () => createSecretBox(watchKeyFile(keyFile));
  return { database, keyFile, box, keyIds: (): string[] => box().keyIds() };
}

async function keysFor(t: TestContext, kind: DatabaseKind) {
  const database = await createTestDatabase(kind);
  t.after(() => database.drop());
  const [old, fresh] = [randomBytes(32).toString('base64'), randomBytes(32).toString('hex')];
  const withKeys = (...keys: string[]) => ({ ...database.env, HOOKLINE_SECRET_KEY: keys.join(',') });
  return { database, old, fresh, withKeys };
}

function keyOf(text: string): Buffer {
  return parseKey(text) ?? assert.fail('no key');
}

function idOf(text: string): string {
  return keyId(keyOf(text));
}

/** The database, with somebody who does something just before the transaction with this number. */
function beforeTransaction(db: Db, number: number, work: () => Promise<unknown>): Db {
  let times = 0;
  return new Proxy(db, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== 'transaction') return typeof value === 'function' ? value.bind(target) : value;
      return () => ({
        async execute(inner: Parameters<ReturnType<Db['transaction']>['execute']>[0]) {
          if (++times === number) await work();
          return await target.transaction().execute(inner);
        },
      });
    },
  });
}

async function serve(t: TestContext, database: TestDatabase, env: Record<string, string> = {}) {
  const server = await startServer({ database, env });
  t.after(() => server.stop());
  return server;
}

async function beside<Result>({ env }: TestDatabase, work: (db: Db) => Promise<Result>): Promise<Result> {
  const connection = await connectBeside({
    databaseUrl: env.DATABASE_URL ?? null,
    dataDirectory: env.HOOKLINE_DATA ?? '',
  });
  try {
    return await work(connection.db);
  } finally {
    await connection.close();
  }
}

/** The ids of all keys that some value in the database was sealed with. */
async function keysInUse(database: TestDatabase): Promise<string[]> {
  const counts = await beside(database, countSealed);
  return [...new Set(counts.map(({ keyId }) => keyId))];
}

async function insertVariables(db: Db, box: ReturnType<typeof createSecretBox>, count: number) {
  const { resource_id } = await db.selectFrom('variables').select('resource_id').executeTakeFirstOrThrow();
  const rows = Array.from({ length: count }, (_, index) => ({
    resource_type: 'application',
    resource_id,
    application_id: resource_id,
    server_id: null,
    key: `MADE_${index}`,
    type: 'variable',
    target: 'os-env-var',
    description: null,
    value_sealed: box.seal(`value of MADE_${index}`, 'variable'),
    hidden: 0 as const,
    created_by: 1,
    created_at: 0,
    updated_at: 0,
  }));
  for (let from = 0; from < count; from += 500) {
    await db
      .insertInto('variables')
      .values(rows.slice(from, from + 500))
      .execute();
  }
}

/** As far as the key file can tell. */
function passAMinute(keyFile: string): void {
  const then = new Date(Date.now() - 61_000);
  utimesSync(keyFile, then, then);
}
