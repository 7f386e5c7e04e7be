import { after, describe, test } from 'node:test';
import { failAtRandom } from './support/delivery-ledger.ts';
import { prepareDeliveries } from './support/delivery-scene.ts';
import { steps } from './support/event-writer.ts';

const PIPELINES = 32;
const PER_TRANSACTION = 250;

for (const { kind, actionCount } of [
  { kind: 'sqlite', actionCount: 2000 },
  { kind: 'postgres', actionCount: 1000 },
] as const) {
  const eventCount = actionCount * steps.length;

  describe(
    `${eventCount} events, every fifth request failed, the worker killed twice (${kind})`,
    { timeout: 600_000 },
    () => {
      const ends = new AsyncDisposableStack();
      after(() => ends.disposeAsync());

      test('every event arrives, in order per action, none missing', async (t) => {
        const behave = failAtRandom([{ share: 0.2, behaviour: { kind: 'answer', status: 500 } }]);
        const options = { pipelineCount: PIPELINES, hooksEach: 1, factor: 40, behave };
        const scene = await prepareDeliveries(kind, ends, options);
        const { ledger, events, pipelines } = scene;
        await scene.kill(0);

        const inTurn = Array.from({ length: actionCount }, (_, index) => pipelines[index % PIPELINES]!);
        const ids: number[] = [];
        for (const some of chunksOf(inTurn)) ids.push(...(await events.begin(some)));
        let delivering = 0;
        const deliver = async (until: () => Promise<void>) => {
          const from = performance.now();
          await scene.start(0);
          await until();
          delivering += performance.now() - from;
        };
        await deliver(() => scene.untilCount(eventCount / 4));
        await scene.kill(0);
        for (const some of chunksOf(ids)) await events.advance(some, 'in-progress');
        await deliver(() => scene.untilCount(ledger.count() + eventCount / 4));
        await scene.kill(0);
        for (const some of chunksOf(ids)) await events.advance(some, 'completed');
        await deliver(() => scene.untilOver());

        const perSecond = Math.round(eventCount / (delivering / 1000));
        t.diagnostic(
          `${perSecond} events/s with starts and retries; ${ledger.count()} requests, ${ledger.repeats.length} of them again after an answer`,
        );
        await scene.assertComplete(ids.map((id, index) => ({ id, pipeline: inTurn[index]! })));
      });
    },
  );
}

function chunksOf<Item>(items: readonly Item[]): Item[][] {
  return Array.from({ length: Math.ceil(items.length / PER_TRANSACTION) }, (_, index) =>
    items.slice(index * PER_TRANSACTION, (index + 1) * PER_TRANSACTION),
  );
}
