import { setImmediate } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Bus } from '../platform/bus.ts';
import type { NodeLease } from '../platform/node-lease.ts';
import { startWorkerLoop, type WorkerLoop } from '../platform/worker-loop.ts';
import {
  claimDeliveries,
  giveBack,
  isAnyDue,
  releaseAbandonedDeliveries,
  type ClaimedDelivery,
} from './claim.ts';
import { deliver, failedHere, type DeliverContext } from './deliver.ts';
import { createHookPlaces } from './hook-places.ts';
import { createSettler, type Settled, type Settlement } from './settle.ts';

/** Requests under way, but for those that have waited longer than `slowMs`: many dead receivers must not use them all up. */
const mostPerNode = 64;
const mostSlowPerNode = 1024;
const slowMs = 1000;
/** Claimed in all, slow requests apart, those included that wait for a place of their hook. */
const mostClaimed = 512;
/** A receiver that answers sooner is worth claiming ahead for. */
const quickMs = 100;
const mostGatherTurns = 8;
const enoughEnded = 32;
/** What has ended and is not written is sent again after a crash, so no more is begun beyond this. */
const mostEnded = 256;
const pollMs = 1000;
/** How long a stop waits for what is due to be sent. */
const drainMs = 5000;
/** How long it then waits for answers to what was sent last. */
const lastAnswerMs = 1000;

/**
 * Sends what is due: claim, deliver, settle. Nothing waits for a slow receiver but its own hook. What ended since the last
 * turn is written in one transaction.
 */
export function startDeliveryWorker(
  context: DeliverContext & { bus: Bus; log: Logger; lease: NodeLease },
): WorkerLoop {
  const { connection, clock, log, bus, lease } = context;
  const settle = createSettler(connection, context.box);
  const stopping = new AbortController();
  /** Ends what is being sent under the lease of now. */
  let holding = new AbortController();
  const places = createHookPlaces();
  const underWay = new Map<number, { startedAt: number; isSlow: boolean; done: Promise<void> }>();
  let slow = 0;
  let ended: Ended[] = [];
  let releasedAt = Number.NEGATIVE_INFINITY;

  const send = async (claimed: ClaimedDelivery, nodeId: string): Promise<void> => {
    const startedAt = { real: performance.now(), elapsed: clock.elapsed() };
    const { signal } = holding;
    const one = underWay.get(claimed.row.id);
    let settlement: Settlement | null = null;
    try {
      settlement = await deliver(context, claimed, nodeId, signal);
    } catch (error) {
      // The lease has ended, or does so now that we stop: it is sent again by whoever finds it.
      if (signal.aborted) return;
      log.error({ err: error, delivery: claimed.row.uuid }, 'a delivery failed on our side');
      // It costs an attempt: it must not be claimed again at once, for ever.
      settlement = failedHere(claimed, nodeId, { random: context.random, now: clock.now() });
    } finally {
      // A receiver goes by real time, also where the clock runs fast; where it stands still none is slow.
      const tookMs = Math.min(performance.now() - startedAt.real, clock.elapsed() - startedAt.elapsed);
      const wasQuick = settlement?.status === 'delivered' && tookMs < quickMs;
      places.ended(claimed, { wasQuick });
      if (one?.isSlow) slow--;
      // After a lost lease it may be under way anew.
      if (underWay.get(claimed.row.id) === one) underWay.delete(claimed.row.id);
    }
    ended.push({ claimed, settlement });
    pump();
    loop.wake();
  };

  /** Begins as many of those claimed as there are places. */
  const pump = () => {
    while (
      !stopping.signal.aborted &&
      ended.length < mostEnded &&
      underWay.size < mostSlowPerNode &&
      underWay.size - slow < mostPerNode
    ) {
      const claimed = places.next();
      if (!claimed) return;
      const { id, claimed_by } = claimed.row;
      if (!lease.holds(claimed_by!)) {
        places.ended(claimed, { wasQuick: false });
        continue;
      }
      const one = { startedAt: clock.elapsed(), isSlow: false, done: Promise.resolve() };
      underWay.set(id, one);
      one.done = send(claimed, claimed_by!);
    }
  };

  // Another node may send it, and then what comes after it; nothing of ours may arrive later than that.
  lease.onLost(() => {
    places.drop();
    holding.abort();
    holding = new AbortController();
  });
  lease.onRegained(() => loop.wake());

  /** From the oldest on; the rest is younger still. */
  const findSlow = (now: number) => {
    for (const one of underWay.values()) {
      if (now - one.startedAt < slowMs) return;
      if (!one.isSlow) slow++;
      one.isSlow = true;
    }
  };

  /**
   * A turn costs much the same for one delivery as for many. While answers come in, a few more are awaited; when none do,
   * these turns of the event loop are over in microseconds.
   */
  const gather = async (): Promise<void> => {
    for (let turn = 0; turn < mostGatherTurns && ended.length < enoughEnded && underWay.size > 0; turn++)
      await setImmediate();
  };

  const settleEnded = async (): Promise<void> => {
    const batch = ended;
    if (batch.length === 0) return;
    ended = [];
    let settled: Settled;
    try {
      settled = await settle(batch.map(({ settlement }) => settlement));
    } catch (error) {
      settled = await settleOneByOne(batch, error);
    }
    for (const hook of settled.disabled) log.warn(hook, 'an outgoing hook was switched off');
    if (settled.disabled.length > 0) bus.publish('definitions');
    const dropped = [...settled.blocked].flatMap((hookId) => places.drop(hookId));
    dropped.push(...places.dropSurplus());
    if (dropped.length > 0) {
      const ids = dropped.map(({ row }) => row.id);
      await giveBack(connection, { ids, nodeId: lease.id(), now: clock.now() });
    }
  };

  /** One that cannot be written must not keep the others from it: its place takes a record that says so. */
  const settleOneByOne = async (batch: Ended[], cause: unknown): Promise<Settled> => {
    const all: Settled = { blocked: new Set(), disabled: [] };
    const kept: Ended[] = [];
    for (const one of batch) {
      const { claimed, settlement } = one;
      const instead = failedHere(claimed, settlement.nodeId, { random: context.random, now: clock.now() });
      const settled = await settle([settlement])
        .catch((error: unknown) => {
          log.error(
            { err: error, delivery: claimed.row.uuid },
            'the result of a delivery could not be written',
          );
          return settle([instead]);
        })
        .catch(() => null);
      if (!settled) kept.push(one);
      for (const hookId of settled?.blocked ?? []) all.blocked.add(hookId);
      all.disabled.push(...(settled?.disabled ?? []));
    }
    ended = [...kept, ...ended];
    if (kept.length === batch.length) throw cause;
    return all;
  };

  const loop = startWorkerLoop({
    name: 'deliveries',
    topic: 'deliveries',
    pollMs,
    bus,
    clock,
    log,
    turn: async () => {
      await gather();
      await settleEnded();
      const now = clock.now();
      const nodeId = lease.id();
      if (!lease.holds(nodeId)) return null;
      findSlow(clock.elapsed());
      const waiting = places.waiting();
      if (now - releasedAt >= pollMs) {
        const ids = [...underWay.keys(), ...[...ended, ...waiting.map((claimed) => ({ claimed }))].map(idOf)];
        await releaseAbandonedDeliveries(connection, { now, nodeId, underWay: ids });
        places.forgetIdle();
        releasedAt = now;
      }
      const claimedNow = underWay.size + waiting.length;
      const most = Math.min(mostClaimed - (claimedNow - slow), mostSlowPerNode - claimedNow);
      const { claimed, nextAt } = await claimDeliveries(connection, {
        nodeId,
        now,
        placesOf: places.free,
        heldOf: places.held,
        most,
      });
      for (const one of claimed) places.add(one);
      pump();
      if (nextAt === null || nextAt > now) return nextAt;
      // What is left waits for places, unless this turn took something and may find more.
      return claimed.length > 0 ? 'again' : null;
    },
  });

  return {
    wake: loop.wake,
    async stop() {
      // What the end of the actions has caused should be told now rather than at the next start.
      const deadline = clock.now() + drainMs;
      const isBusy = async () =>
        underWay.size > 0 || ended.length > 0 || (await isAnyDue(connection, clock.now()).catch(() => false));
      while (clock.now() < deadline && (await isBusy())) await clock.sleep(20);
      await loop.stop();
      // A turn that was claiming at that very moment, which nothing above could see, has only now begun to send.
      while (clock.now() < deadline && underWay.size > 0) await clock.sleep(20);
      stopping.abort();
      // Nothing begins any more. Whoever was asked last may still answer, or would be asked the same again.
      const lastAnswerBy = clock.now() + lastAnswerMs;
      while (clock.now() < lastAnswerBy && underWay.size > 0) await clock.sleep(20);
      holding.abort();
      await Promise.allSettled([...underWay.values()].map(({ done }) => done));
      await settleEnded().catch((error: unknown) =>
        log.error({ err: error }, 'deliveries were left unsettled'),
      );
      const ids = places.drop().map(({ row }) => row.id);
      await giveBack(connection, { ids, nodeId: lease.id(), now: clock.now() }).catch((error: unknown) =>
        log.error({ err: error }, 'deliveries were not given back'),
      );
    },
  };
}

/** Sent, or not, and not yet written down. */
type Ended = { claimed: ClaimedDelivery; settlement: Settlement };

function idOf({ claimed }: { claimed: ClaimedDelivery }): number {
  return claimed.row.id;
}
