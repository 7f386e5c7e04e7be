import type { Logger } from 'pino';
import type { Bus } from '../platform/bus.ts';
import type { NodeLease } from '../platform/node-lease.ts';
import { startWorkerLoop, type WorkerLoop } from '../platform/worker-loop.ts';
import {
  claimDeliveries,
  isAnyDue,
  nextDueAt,
  releaseAbandonedDeliveries,
  type DeliveryRow,
} from './claim.ts';
import { deliver, failedHere, type DeliverContext } from './deliver.ts';
import { createSettler } from './settle.ts';

const mostPerHook = 4;
const mostPerNode = 64;
const pollMs = 1000;
/** How long a delivery whose result cannot be written is kept from being claimed again. */
const unsettledMs = 5000;
/** How long a stop waits for what is due to be sent. */
const drainMs = 5000;

/** Sends what is due: claim, deliver, settle. Nothing waits for a slow receiver but its own hook. */
export function startDeliveryWorker(
  context: DeliverContext & { bus: Bus; log: Logger; lease: NodeLease },
): WorkerLoop {
  const { connection, clock, log, bus, lease } = context;
  const settle = createSettler(connection);
  const stopping = new AbortController();
  const underWay = new Map<number, { hookId: number; done: Promise<void> }>();

  const start = (delivery: DeliveryRow, nodeId: string) => {
    const done = send(delivery, nodeId).finally(() => {
      underWay.delete(delivery.id);
      bus.publish('deliveries');
    });
    underWay.set(delivery.id, { hookId: delivery.hook_id, done });
  };

  /** Whatever goes wrong on our side costs the delivery an attempt: it must not be claimed again at once, for ever. */
  const send = async (delivery: DeliveryRow, nodeId: string): Promise<void> => {
    try {
      await settle(await deliver(context, delivery, nodeId, stopping.signal));
    } catch (error) {
      // Stopped: the lease ends, and the delivery is sent again by whoever finds it.
      if (stopping.signal.aborted) return;
      log.error({ err: error, delivery: delivery.uuid }, 'a delivery failed on our side');
      try {
        await settle(failedHere(delivery, nodeId, { random: context.random, now: clock.now() }));
      } catch (again) {
        log.error({ err: again, delivery: delivery.uuid }, 'a delivery could not be settled');
        await clock.sleep(unsettledMs, stopping.signal);
      }
    }
  };

  const loop = startWorkerLoop({
    name: 'deliveries',
    topic: 'deliveries',
    pollMs,
    bus,
    clock,
    log,
    turn: async () => {
      const now = clock.now();
      const nodeId = lease.id();
      await releaseAbandonedDeliveries(connection, { now, nodeId, underWay: [...underWay.keys()] });
      const perHook = new Map<number, number>();
      for (const { hookId } of underWay.values()) perHook.set(hookId, (perHook.get(hookId) ?? 0) + 1);
      const busy = [...perHook].filter(([, count]) => count >= mostPerHook).map(([hookId]) => hookId);
      // So few that even if all were of the busiest hook that still takes some, it would not exceed its places.
      const busiest = Math.max(0, ...[...perHook.values()].filter((count) => count < mostPerHook));
      const limit = Math.min(mostPerHook - busiest, mostPerNode - underWay.size);
      if (limit <= 0) return null;
      const claimed = await claimDeliveries(connection, { nodeId, now, limit, exceptHookIds: busy });
      for (const delivery of claimed) start(delivery, nodeId);
      return claimed.length === limit ? 'again' : await nextDueAt(connection, now);
    },
  });

  return {
    async stop() {
      // What the end of the actions has caused should be told now rather than at the next start.
      const deadline = clock.now() + drainMs;
      while (clock.now() < deadline && (underWay.size > 0 || (await isAnyDue(connection, clock.now())))) {
        await clock.sleep(20);
      }
      await loop.stop();
      // A turn that was claiming at that very moment, which nothing above could see, has only now begun to send.
      const sent = new AbortController();
      const all = Promise.allSettled([...underWay.values()].map(({ done }) => done));
      void all.then(() => sent.abort());
      await clock.sleep(Math.max(0, deadline - clock.now()), sent.signal);
      stopping.abort();
      await all;
    },
  };
}
