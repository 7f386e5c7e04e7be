import { setTimeout as delay } from 'node:timers/promises';
import { after, describe, test } from 'node:test';
import { failAtRandom } from './support/delivery-ledger.ts';
import { prepareDeliveries } from './support/delivery-scene.ts';
import type { DeliveryScene } from './support/delivery-scene.ts';
import { steps } from './support/event-writer.ts';

const ACTIONS = 300;
const HOOKS_EACH = 2;

for (const { kind, nodeCount, kills, factor } of [
  { kind: 'sqlite', nodeCount: 1, kills: 4, factor: 40 },
  // Slower, since a lease of 15 s must not lapse because the machine is busy.
  { kind: 'postgres', nodeCount: 3, kills: 6, factor: 20 },
] as const) {
  describe(`while nodes are killed and the receiver misbehaves, on ${kind}`, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());

    test(`the events of each hook and action come in order and none is missing (nodes: ${nodeCount})`, async (t) => {
      const behave = failAtRandom([
        { share: 0.1, behaviour: { kind: 'answer', status: 500 } },
        { share: 0.04, behaviour: { kind: 'answer', status: 429, headers: { 'retry-after': '3' } } },
        { share: 0.05, behaviour: { kind: 'reset' } },
        { share: 0.02, behaviour: { kind: 'hang' } },
        { share: 0.2, behaviour: { kind: 'answer', status: 200, delayMs: 20 } },
      ]);
      const options = { pipelineCount: 4, hooksEach: HOOKS_EACH, factor, behave };
      const scene = await prepareDeliveries(kind, ends, options);
      for (let index = 1; index < nodeCount; index++) await scene.start(index);

      const leastRequests = ACTIONS * HOOKS_EACH * steps.length;
      const killing = (async () => {
        for (let kill = 0; kill < kills; kill++) {
          await scene.untilCount(((kill + Math.random()) / kills) * leastRequests);
          const index = Math.floor(Math.random() * nodeCount);
          await scene.kill(index);
          await delay(Math.random() * 300);
          await scene.start(index);
        }
      })();
      const [actions] = await Promise.all([writeAtRandom(scene, ACTIONS), killing]);
      await scene.untilOver();

      const { ledger } = scene;
      t.diagnostic(`${ledger.count()} requests, ${ledger.repeats.length} of them again after an answer`);
      await scene.assertComplete(actions);
    });
  });
}

type WrittenAction = Parameters<DeliveryScene['assertComplete']>[0][number];

/** Begins actions and takes them on bit by bit, in changing order; returns them once all are completed. */
async function writeAtRandom({ events, pipelines }: DeliveryScene, count: number): Promise<WrittenAction[]> {
  const all: WrittenAction[] = [];
  const open: { id: number; to: 'in-progress' | 'completed' }[] = [];
  while (all.length < count || open.length > 0) {
    if (all.length < count && (open.length === 0 || Math.random() < 0.4)) {
      const pipeline = pipelines[Math.floor(Math.random() * pipelines.length)]!;
      const [id] = await events.begin([pipeline]);
      all.push({ id: id!, pipeline });
      open.push({ id: id!, to: 'in-progress' });
    } else {
      const index = Math.floor(Math.random() * Math.min(open.length, 20));
      const { id, to } = open[index]!;
      await events.advance([id], to);
      if (to === 'completed') open.splice(index, 1);
      else open[index] = { id, to: 'completed' };
    }
    await delay(Math.random() * 10);
  }
  return all;
}
