import type { Bus } from '../platform/bus.ts';
import type { NodeLease } from '../platform/node-lease.ts';
import { startWorkerLoop } from '../platform/worker-loop.ts';
import { cancelledActions } from './cancel.ts';
import { endOrphanedRuns, failAbandonedActions, failActionsWithoutPipeline } from './recover.ts';
import { runAction, type RunContext } from './run-action.ts';
import { RunEnded } from './run-ended.ts';
import { ActionLost } from './run-record.ts';
import type { ClaimedAction } from './claim-action.ts';
import { ClaimFailed, takeNext } from './take-next.ts';
import { transition } from './transition.ts';

const pollMs = 1000;
/** How often an action that cannot be claimed is tried; the first times it may be the database's fault. */
const claimTries = 3;
const notStartable = 'It could not be started, by a fault of Hookline; the log says how.';
/** How long after its start a node looks for processes that an earlier one left on its machine. */
const orphanWatchMs = 30_000;

const stopped = 'Hookline was stopped while it ran. It was not run again; start it anew if it should be.';

export type ActionWorker = {
  /** Has it look again at once. */
  wake(): void;
  /**
   * Begins nothing new and waits until what runs has ended, `drainMs` at most; what still runs then is ended and failed
   * with the reason. What waits stays for another node, or for the next start.
   */
  stop(): Promise<void>;
};

type Running = { done: Promise<void>; abort: AbortController; runId: string; nodeId: string };

/** Runs what is accepted: claim, run, settle. */
export function startActionWorker(
  context: RunContext & { bus: Bus; lease: NodeLease; maxRunning: number; drainMs: number },
): ActionWorker {
  const { clock, log, bus, lease } = context;
  const running = new Map<number, Running>();
  let isDraining = false;

  const start = (claimed: ClaimedAction, nodeId: string) => {
    const { action, runId } = claimed;
    const abort = new AbortController();
    const done = runAction(context, claimed, nodeId, abort.signal)
      .catch((error: unknown) => {
        abort.abort(new RunEnded(null));
        if (error instanceof ActionLost) log.warn({ action: action.id }, error.message);
        else log.error({ err: error, action: action.id }, 'an action could not be run to its end');
      })
      .finally(() => {
        running.delete(action.id);
        bus.publish('actions');
        bus.publish('deliveries');
      });
    running.set(action.id, { done, abort, runId, nodeId });
    context.onWritten(action.id, []);
  };

  const failures = new Map<number, number>();
  /** An action that cannot even be claimed, time and again, is failed: it must not stand in the way of all others. */
  const takeOrSetAside = async (nodeId: string, places: number): ReturnType<typeof takeNext> => {
    try {
      return await takeNext(context, { nodeId, places });
    } catch (error) {
      if (!(error instanceof ClaimFailed)) throw error;
      const { actionId } = error;
      failures.set(actionId, (failures.get(actionId) ?? 0) + 1);
      if (failures.get(actionId)! < claimTries) throw error;
      log.error({ err: error, action: actionId }, 'an action cannot be started');
      await context.connection.db
        .transaction()
        .execute((trx) =>
          transition(context.writer, trx, actionId, 'failed', { now: clock.now(), reason: notStartable }),
        );
      failures.delete(actionId);
      return { claimed: [], more: true };
    }
  };

  lease.onLost(() => {
    for (const { abort } of running.values()) abort.abort(new RunEnded(null));
  });

  lease.onRegained(() => loop.wake());

  const startedAt = clock.now();
  let sweptAt = 0;
  const loop = startWorkerLoop({
    name: 'actions',
    topic: 'actions',
    pollMs,
    bus,
    clock,
    log,
    turn: async () => {
      const now = clock.now();
      const nodeId = lease.id();
      // What is claimed under a lease that has lapsed is failed as soon as there is another, without having run.
      if (!lease.holds(nodeId)) return null;
      const failed = await failAbandonedActions(context, { now, nodeId, running: [...running.keys()] });
      if (failed > 0) bus.publish('deliveries');
      for (const { id, cancelled_by } of await cancelledActions(context.connection.db, [...running.keys()])) {
        running.get(id)?.abort.abort(new RunEnded(cancelled_by));
      }
      // Looks at every waiting action and every process, so not in every turn.
      if (now - sweptAt >= pollMs) {
        await failActionsWithoutPipeline(context, now);
        // For a while, since at first the lease of the process before this one may still stand.
        const runIds = [...running.values()].map(({ runId }) => runId);
        if (now - startedAt < orphanWatchMs) await endOrphanedRuns(context, { now, running: runIds });
        sweptAt = now;
      }
      const places = context.maxRunning - running.size;
      if (places <= 0 || isDraining) return null;
      const { claimed, more } = await takeOrSetAside(nodeId, places);
      for (const one of claimed) start(one, nodeId);
      if (claimed.length > 0) bus.publish('deliveries');
      return more ? 'again' : null;
    },
  });

  return {
    wake: loop.wake,
    async stop() {
      isDraining = true;
      const drained = new AbortController();
      const settled = () => Promise.allSettled([...running.values()].map(({ done }) => done));
      if (running.size > 0) log.info({ running: running.size }, 'waiting for what runs to end');
      await Promise.race([
        settled().then(() => drained.abort()),
        clock.sleep(context.drainMs, drained.signal),
      ]);
      await loop.stop();
      for (const { abort } of running.values()) abort.abort(new RunEnded(stopped));
      const nodeIds = new Set([...running.values()].map(({ nodeId }) => nodeId));
      await settled();
      for (const nodeId of nodeIds) {
        // What could not even write its end.
        await failAbandonedActions(context, { now: clock.now(), nodeId, running: [], reason: stopped });
      }
      bus.publish('deliveries');
    },
  };
}
