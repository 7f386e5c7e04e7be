import assert from 'node:assert/strict';
import { join } from 'node:path';
import { until } from './api-client.ts';
import type { Behaviour } from './behaviour.ts';
import { createTestDatabase } from './database.ts';
import type { DatabaseKind } from './database.ts';
import { startLedger, targetOf } from './delivery-ledger.ts';
import type { DeliveryLedger } from './delivery-ledger.ts';
import { everyChange, openEvents, steps } from './event-writer.ts';
import type { EventPipeline, TestEvents } from './event-writer.ts';
import { createFastClock } from './fast-clock.ts';
import { createApplication, createOutgoingHook, createPipeline, openWorkplace } from './fixtures.ts';
import { compiledFolder, startServer } from './server.ts';
import type { TestServer } from './server.ts';

const DEADLINE_MS = 150_000;

type ScenePipeline = EventPipeline & { hooks: string[] };

/** Nodes in processes of their own, whose clocks run fast, a receiver that keeps the books, and whoever writes the events. */
export type DeliveryScene = {
  ledger: DeliveryLedger;
  events: TestEvents;
  pipelines: ScenePipeline[];
  /** Stops a node in good order. */
  stop(index: number): Promise<void>;
  /** Kills a node with SIGKILL. */
  kill(index: number): Promise<void>;
  /** Starts it again, or the first time. */
  start(index: number): Promise<void>;
  untilCount(requests: number): Promise<void>;
  /** Until every delivery has ended. */
  untilOver(): Promise<void>;
  /** That each hook was told every step of these actions of its pipeline, under one id each, in order, and nothing else. */
  assertComplete(actions: { id: number; pipeline: ScenePipeline }[]): Promise<void>;
};

/** Leaves one node running. */
export async function prepareDeliveries(
  kind: DatabaseKind,
  ends: AsyncDisposableStack,
  options: {
    pipelineCount: number;
    hooksEach: number;
    /** How much faster the clock of the nodes runs. */
    factor: number;
    behave: (path: string) => Behaviour;
  },
): Promise<DeliveryScene> {
  const time = { since: Date.now(), factor: options.factor };
  const database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
  const ledger = ends.adopt(await startLedger(options.behave), ({ receiver }) => receiver.close());
  const nodes: TestServer[] = [];
  const killedAt: number[] = [];
  const folder = database.env.HOOKLINE_DATA ?? '';
  const start = async (index: number): Promise<void> => {
    const env = {
      TEST_FAST_TIME: JSON.stringify(time),
      HOOKLINE_DATA: kind === 'postgres' ? join(folder, `node-${index}`) : folder,
      // A node starts quickly.
      NODE_COMPILE_CACHE: compiledFolder,
    };
    const program = 'test/support/delivery-node.ts';
    nodes[index] = ends.adopt(await startServer({ database, program, env }), (node) => node.stop());
  };

  await start(0);
  const work = await openWorkplace(nodes[0]!);
  const application = await createApplication(work);
  const pipelines: ScenePipeline[] = [];
  for (let index = 0; index < options.pipelineCount; index++) {
    const id = await createPipeline(work, application);
    const hooks = Array.from({ length: options.hooksEach }, (_, which) => `${index}-${which}`);
    for (const name of hooks)
      await createOutgoingHook(work, id, targetOf(ledger.receiver, name), everyChange);
    pipelines.push({ id, applicationId: application.id, hooks });
  }
  const events = ends.adopt(await openEvents(database, createFastClock(time), work), (opened) =>
    opened.close(),
  );

  return {
    ledger,
    events,
    pipelines,
    start,
    stop: (index) => nodes[index]!.stop(),
    async kill(index) {
      killedAt.push(Date.now());
      await nodes[index]!.kill9();
    },
    async untilCount(requests) {
      await until(async () => ledger.count() >= requests, `${requests} requests`, DEADLINE_MS);
    },
    async untilOver() {
      const isOver = async () => (await countOpen(events)) === 0;
      await until(isOver, 'every delivery to have ended', DEADLINE_MS);
    },
    async assertComplete(actions) {
      const paths = actions.flatMap(({ id, pipeline }) =>
        pipeline.hooks.flatMap((name) => steps.map((step) => `/${name}/${id}/${step}`)),
      );
      assert.deepEqual(ledger.faults.slice(0, 20), []);
      const missing = paths.filter((path) => !ledger.ids.has(path));
      assert.deepEqual(missing.slice(0, 20), [], `${missing.length} are missing`);
      const deliveries = await events.db.selectFrom('deliveries').select(['uuid', 'status']).execute();
      assert.deepEqual([...new Set(deliveries.map(({ status }) => status))], ['delivered']);
      assert.equal(deliveries.length, paths.length);
      const came = new Set([...ledger.ids.values()].map((ids) => [...ids].join(' and ')));
      const unknown = deliveries.filter(({ uuid }) => !came.has(uuid));
      assert.deepEqual(unknown.slice(0, 20), [], 'each event came under the id of its delivery');
      assert.equal(came.size, paths.length, 'and under no other');
      const late = await givenUp(events);
      const unexplained = ledger.repeats.filter(
        ({ id, answeredAt, at }) =>
          !late.has(id) && !killedAt.some((killed) => killed <= at && killed >= answeredAt - 1000),
      );
      assert.deepEqual(unexplained, [], 'what was answered came again only when a node was killed');
    },
  };
}

async function countOpen({ db }: TestEvents): Promise<number> {
  const { count } = await db
    .selectFrom('deliveries')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('status', 'in', ['pending', 'sending'])
    .executeTakeFirstOrThrow();
  return count;
}

/** Those of which an attempt was given up: 15 s of a fast clock may be over before a busy machine has read the answer. */
async function givenUp({ db }: TestEvents): Promise<Set<string>> {
  const rows = await db
    .selectFrom('delivery_attempts')
    .innerJoin('deliveries', 'deliveries.id', 'delivery_attempts.delivery_id')
    .select('deliveries.uuid')
    .where('delivery_attempts.reason', '=', 'No answer within 15 s.')
    .execute();
  return new Set(rows.map(({ uuid }) => uuid));
}
