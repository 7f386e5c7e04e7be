import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import SqliteDatabase from 'better-sqlite3';
import pino from 'pino';
import { Agent, request } from 'undici';
import type { EventWriter } from '../src/actions/events.ts';
import { createActions, transition, type NewAction } from '../src/actions/transition.ts';
import { createHookRegistry } from '../src/hooks/registry.ts';
import { createOutgoingHook } from '../src/hooks/save.ts';
import { sealSettings } from '../src/inventory/credentials/source-provider.ts';
import { hashPassword } from '../src/accounts/passwords.ts';
import { firstStart } from '../src/inventory/first-start.ts';
import { startDeliveryWorker } from '../src/outgoing/delivery-worker.ts';
import { createHttpClient } from '../src/outgoing/http-client.ts';
import { createBus } from '../src/platform/bus.ts';
import { systemClock as clock } from '../src/platform/clock.ts';
import { connect } from '../src/platform/database/connect.ts';
import { migrate } from '../src/platform/database/migrate.ts';
import { createEgressGuard } from '../src/platform/egress-guard.ts';
import { takeNodeLease } from '../src/platform/node-lease.ts';
import { createSecretBox } from '../src/platform/secret-box.ts';

/*
 * Deliveries per second from the status change to the recorded 2xx (SQLite, templates as of a GitHub commit status, a
 * receiver in a process of its own), beside a bare undici loop that sends the same requests in the same run; the time from
 * a status change to the receiver on an idle node; how a healthy receiver fares beside bad ones; and the same with
 * millions of past deliveries in the database.
 *
 *   node bench/deliver.ts [--events 20000] [--hooks 16] [--past 5000000]
 */

const events = option('--events', 20_000);
const hookCount = option('--hooks', 16);
const past = option('--past', 5_000_000);
const rounds = 3;
/** Changes that share a transaction, as requests that arrive together do. */
const group = 32;
/** Changes that may wait to be delivered before more are made. */
const mostOutstanding = 1000;
const changes = ['queued', 'in-progress', 'completed'] as const;

const seen = new WeakMap<object, { id: number; count: number }>();
const keys = [Buffer.alloc(32, 7)] as const;
const receiver = await startReceiver();
try {
  const node = await startNode();
  const rates: { ours: number; bare: number; single: number }[] = [];
  await deliver(node, events / 4); // warm-up
  for (let round = 0; round < rounds; round++) {
    const ours = await deliver(node, events);
    const bare = await bareLoop(node.sample, events, 64);
    const single = await bareLoop(node.sample, events, 1);
    rates.push({ ours, bare, single });
    console.error(
      `round ${round + 1}: ${Math.round(ours)}/s; bare undici ${Math.round(bare)}/s, one at a time ${Math.round(single)}/s`,
    );
  }
  const ours = middle(rates.map((rate) => rate.ours));
  const of = (what: 'bare' | 'single') => {
    const rate = middle(rates.map((one) => one[what]));
    return `${(ours / rate).toFixed(2)} of ${Math.round(rate)}/s`;
  };
  print(
    `recorded deliveries, ${hookCount} hooks`,
    `${Math.round(ours)}/s → of bare undici with 64 requests at a time ${of('bare')}, with one at a time ${of('single')}`,
  );

  const idle = await latencies(node, 200);
  print('status change to receiver, idle', `p50 ${percentile(idle, 50)} ms, p99 ${percentile(idle, 99)} ms`);
  // The same changes of the same pipelines both times; only the bad hooks are added.
  const others = node.pipelines.slice(1, 4);
  const alone = await latencies(node, 500, 5, others);
  await addBadHooks(node);
  const beside = await latencies(node, 500, 5, others);
  const factor = (Number(percentile(beside, 99)) / Number(percentile(alone, 99))).toFixed(2);
  print('healthy receiver alone', `p50 ${percentile(alone, 50)} ms, p99 ${percentile(alone, 99)} ms`);
  print(
    'beside one that never answers, a slow and a flapping one',
    `p50 ${percentile(beside, 50)} ms, p99 ${percentile(beside, 99)} ms → ${factor} times`,
  );
  await node.stop();

  if (past > 0) {
    const empty = await startNode();
    await deliver(empty, events / 4);
    const full = await startNode(past);
    await deliver(full, events / 4);
    const pairs: { small: number; large: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      pairs.push({ small: await deliver(empty, events), large: await deliver(full, events) });
    }
    const small = middle(pairs.map((pair) => pair.small));
    const large = middle(pairs.map((pair) => pair.large));
    print(
      `with ${past} past deliveries (${full.sizeMb} MB)`,
      `${Math.round(large)}/s → ${(large / small).toFixed(2)} of an empty database, ${Math.round(small)}/s`,
    );
    await empty.stop();
    await full.stop();
  }
} finally {
  receiver.stop();
}

type Node = Awaited<ReturnType<typeof startNode>>;

async function startNode(pastDeliveries = 0) {
  const directory = await mkdtemp(join(tmpdir(), 'hookline-bench-'));
  const options = { databaseUrl: null, dataDirectory: directory };
  const log = pino({ level: 'error' });
  const box = createSecretBox(() => keys);
  const first = await connect(options);
  await migrate(first);
  await firstStart(
    { db: first.db, clock, hashPassword },
    { email: 'a@localhost', password: 'bench-password' },
  );
  await first.close();
  const sizeMb = pastDeliveries > 0 ? fill(join(directory, 'hookline.db'), pastDeliveries) : 0;

  const connection = await connect(options);
  const { db } = connection;
  const bus = createBus();
  const registry = createHookRegistry({ db, box, bus, clock, isShared: false });
  const writer: EventWriter = { registry, publicUrl: () => 'http://localhost:8080' };
  const now = clock.now();
  const { id: credentialId } = await db
    .insertInto('credentials')
    .values({
      organization_id: 1,
      environment_id: null,
      name: 'host',
      provider_code: 'github',
      provider_type: 'source_provider',
      active: 1,
      settings_sealed: sealSettings(box, {
        access_token: 'ghp_0123456789abcdefghij',
        api_url: `${receiver.url}/well`,
      }),
      created_by: 1,
      created_at: now,
      updated_at: now,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  const pipelines: NewAction[] = [];
  for (let index = 0; index < hookCount; index++) pipelines.push(await addPipeline(index));

  async function addPipeline(index: number): Promise<NewAction> {
    const common = { environment_id: 1, created_by: 1, created_at: now, updated_at: now };
    const { id: applicationId } = await db
      .insertInto('applications')
      .values({
        ...common,
        credential_id: credentialId,
        name: `shop-${index}`,
        repository: 'acme/shop',
        default_branch: 'main',
        programming_language: 'none',
        engine_version: '',
        framework: 'none',
        root_directory: null,
        deployments_keep: 5,
        install_dependencies_command: null,
        build_command: null,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    const resource = {
      resource_type: 'application',
      resource_id: applicationId,
      application_id: applicationId,
      server_id: null,
    } as const;
    const { id: pipelineId } = await db
      .insertInto('pipelines')
      .values({
        ...common,
        ...resource,
        name: 'deploy',
        operation: 'deploy',
        max_parallel_actions: 0,
        trigger_when: null,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    return {
      organization_id: 1,
      project_id: 1,
      environment_id: 1,
      pipeline_id: pipelineId,
      resource_type: 'application',
      resource_id: applicationId,
      type: 'deploy',
      trigger_comment: null,
      retry_of: null,
      triggered_from: JSON.stringify({
        origin: null,
        trigger_type: 'hook',
        name: 'push',
        email: null,
        ip_address: '140.82.115.1',
        user_id: null,
        hook_id: randomUUID(),
        hook_request_id: randomUUID(),
        hook_parsed_variables: { commit_hash: '6dcb09b5b57875f334f61aebed695e2e4193db5e' },
      }),
      parameters: JSON.stringify({
        source_type: 'branch',
        source_ref: 'main',
        commit_hash: '6dcb09b5b57875f334f61aebed695e2e4193db5e',
        servers: null,
      }),
      created_at: now,
    };
  }

  /** A commit status for each change, whose address names the action and the status so that its arrival can be found. */
  async function addHook(pipeline: NewAction, url: string): Promise<void> {
    const trackable = `${url}/repos/{{ application.repository_owner }}/{{ application.repository_name }}/statuses/{{ action.commit.hash }}?{{ action.id }}={{ action.status }}`;
    await createOutgoingHook(
      { db, clock, box },
      {
        environmentId: 1,
        pipelineId: pipeline.pipeline_id,
        resourceType: 'application',
        resourceId: pipeline.resource_id,
        actionType: 'deploy',
        userId: 1,
      },
      { target_url: trackable, trigger_when: { events: ['action.status_changed'] } },
      'github-commit-status',
    );
  }
  for (const pipeline of pipelines) await addHook(pipeline, `${receiver.url}/well`);

  const lease = await takeNodeLease({ connection, clock, log });
  const client = createHttpClient({ guard: createEgressGuard(['127.0.0.0/8']), clock });
  const worker = startDeliveryWorker({
    connection,
    clock,
    box,
    registry,
    client,
    bus,
    log,
    lease,
    random: Math.random,
    userAgent: 'Hookline/bench',
  });
  return {
    connection,
    writer,
    bus,
    pipelines,
    addHook,
    sizeMb,
    sample: {
      url: `${receiver.url}/well/repos/acme/shop/statuses/6dcb09b5b57875f334f61aebed695e2e4193db5e`,
      headers: {
        'user-agent': 'Hookline/bench',
        accept: 'application/vnd.github+json',
        authorization: 'Bearer ghp_0123456789abcdefghij',
        'x-github-api-version': '2022-11-28',
        'content-type': 'application/json',
        'webhook-id': randomUUID(),
        'webhook-timestamp': '1790000000',
      },
      body: JSON.stringify({
        state: 'success',
        target_url: 'http://localhost:8080/actions/123456',
        description: 'Completed.',
        context: 'hookline/Production/deploy',
      }),
    },
    async stop() {
      await worker.stop();
      await client.close();
      await lease.stop();
      await connection.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Makes `count` changes and waits until each is recorded as delivered. Returns how many a second. */
async function deliver({ connection, writer, bus, pipelines }: Node, count: number): Promise<number> {
  const { db } = connection;
  const actionCount = Math.ceil(count / changes.length);
  const actions: number[] = [];
  for (let from = 0; from < actionCount; from += group) {
    const size = Math.min(group, actionCount - from);
    const inputs = Array.from({ length: size }, (_, index) => pipelines[(from + index) % pipelines.length]!);
    actions.push(
      ...(await db.transaction().execute((trx) => createActions(writer, trx, inputs))).map(({ id }) => id),
    );
  }
  let delivered = await countDelivered(db);
  const goal = delivered + actionCount * changes.length;
  const startedAt = performance.now();
  let made = delivered;
  // Groups of actions go through their three changes one after the other, as they do in life.
  for (let from = 0; from < actionCount; from += group) {
    for (const status of changes) {
      const some = actions.slice(from, from + group);
      await connection.transactionSyncedAside(async (trx) => {
        for (const id of some) await transition(writer, trx, id, status, { now: clock.now() });
      });
      made += some.length;
      bus.publish('deliveries');
      while (made - delivered > mostOutstanding) {
        await delay(2);
        delivered = await countDelivered(db);
      }
    }
  }
  while (delivered < goal) {
    await delay(5);
    delivered = await countDelivered(db);
  }
  return (actionCount * changes.length) / ((performance.now() - startedAt) / 1000);
}

/** From the highest id on that was seen before: counting all would cost more than delivering. */
async function countDelivered(db: Node['connection']['db']): Promise<number> {
  const known = seen.get(db) ?? { id: 0, count: 0 };
  const { count, id } = await db
    .selectFrom('delivery_attempts')
    .select((eb) => [eb.fn.countAll<number>().as('count'), eb.fn.max('id').as('id')])
    .where('id', '>', known.id)
    .where('status_code', '=', 200)
    .executeTakeFirstOrThrow();
  const next = { id: id ?? known.id, count: known.count + count };
  seen.set(db, next);
  return next.count;
}

/** `lanes` requests at the same time: a node sends up to 64. */
async function bareLoop(
  { url, headers, body }: Node['sample'],
  count: number,
  lanes: number,
): Promise<number> {
  const dispatcher = new Agent();
  const startedAt = performance.now();
  let left = count;
  const lane = async () => {
    while (left-- > 0) {
      const response = await request(url, { method: 'POST', headers, body, dispatcher });
      await response.body.text();
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const rate = count / ((performance.now() - startedAt) / 1000);
  await dispatcher.close();
  return rate;
}

/** From just before the change is written to its arrival, in ms, one change at a time. */
async function latencies(
  node: Node,
  count: number,
  everyMs = 10,
  beside: NewAction[] = [],
): Promise<number[]> {
  const { connection, writer, bus, pipelines } = node;
  const input = pipelines[0]!;
  await fetch(`${receiver.url}/arrivals`);
  const begun = new Map<string, number>();
  for (let index = 0; index < count; index++) {
    const [action] = await connection.db
      .transaction()
      .execute((trx) => createActions(writer, trx, [input, ...beside]));
    await delay(everyMs);
    const at = performance.timeOrigin + performance.now();
    await connection.db.transaction().execute(async (trx) => {
      const now = clock.now();
      for (let offset = 0; offset <= beside.length; offset++)
        await transition(writer, trx, action!.id + offset, 'queued', { now });
    });
    bus.publish('deliveries');
    begun.set(`?${action!.id}=queued`, at);
  }
  await delay(500);
  const arrivals = (await (await fetch(`${receiver.url}/arrivals`)).json()) as Record<string, number>;
  const found: number[] = [];
  for (const [path, at] of Object.entries(arrivals)) {
    const begunAt = begun.get(path.slice(path.indexOf('?')));
    if (begunAt !== undefined) found.push(at - begunAt);
  }
  if (found.length !== count) throw new Error(`${count - found.length} of ${count} did not arrive`);
  return found.sort((a, b) => a - b);
}

/** Pipelines whose hooks' receivers never answer, answer late, and fail by turns. */
async function addBadHooks(node: Node): Promise<void> {
  const [never, slow, flapping] = node.pipelines.slice(1, 4);
  await node.addHook(never!, `${receiver.url}/never`);
  await node.addHook(slow!, `${receiver.url}/slow`);
  await node.addHook(flapping!, `${receiver.url}/flapping`);
  node.bus.publish('definitions');
}

/** Copies of one delivered event, of other hooks and actions, until there are `rows`. Returns the size in MB. */
function fill(file: string, rows: number): number {
  const database = new SqliteDatabase(file);
  database.pragma('synchronous = OFF');
  database.pragma('cache_size = -400000');
  const numbers = `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${rows})`;
  database.exec(`begin;
    insert into deliveries (uuid, hook_id, hook_uuid, environment_id, action_id, event_id, event, status, reason, attempts,
        next_attempt_at, created_at, updated_at)
      ${numbers} select printf('01900000-0000-7000-8000-%012x', i), i % ${hookCount} + 1, 'x', 1, i / 3 + 1000000, i,
        'action.completed', 'delivered', 'Delivered: answered 200.', 1, 0, 0, 0 from n;
    insert into delivery_attempts (uuid, delivery_id, hook_id, attempt, url, request_headers, request_body, status_code,
        response_headers, response_body, ip_address, reason, duration_ms, created_at)
      ${numbers} select printf('01900000-0000-7000-8000-%012x', i), i, i % ${hookCount} + 1, 1, 'https://api.example.com/x',
        '{}', '{"state":"success"}', 200, '{}', '{}', '192.0.2.1', 'Delivered: answered 200.', 3, 0 from n;
    commit;`);
  database.pragma('wal_checkpoint(TRUNCATE)');
  const { size } = database
    .prepare('select page_count * page_size as size from pragma_page_count(), pragma_page_size()')
    .get() as { size: number };
  database.close();
  return Math.round(size / 1024 / 1024);
}

async function startReceiver(): Promise<{ url: string; stop(): void }> {
  const child = spawn(process.execPath, ['bench/deliver-receiver.ts'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise<string>((resolve) =>
    child.stdout.on('data', (chunk: Buffer) => {
      const found = /listening on (\S+)/.exec(chunk.toString());
      if (found) resolve(found[1]!);
    }),
  );
  return { url, stop: () => void child.kill() };
}

function option(name: string, fallback: number): number {
  const index = process.argv.indexOf(name);
  return index < 0 ? fallback : Number(process.argv[index + 1]);
}

function middle(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** Of sorted values. */
function percentile(values: number[], percent: number): string {
  return values[Math.min(values.length - 1, Math.floor((values.length * percent) / 100))]!.toFixed(1);
}

function print(what: string, figures: string): void {
  console.log(`${what}\n  ${figures}`);
}
