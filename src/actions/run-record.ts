import type { Clock } from '../platform/clock.ts';
import { compileByCount } from '../platform/database/compiled-query.ts';
import type { Connection, Trx } from '../platform/database/connect.ts';
import type { EventWriter } from './events.ts';
import { activateRelease, markRemoved, setReleaseCommit } from './releases/store.ts';
import type { Commit, Deployment } from './releases/deployment.ts';
import { defaultReason, statusCode, type ActionStatus } from './status.ts';
import { createStepOutput, type StepOutput } from './step-output.ts';
import type { ActionRow, ActionStepRow, TargetRow } from './store.ts';
import { appendToStream, stepChanged, takeNumbers, targetChanged } from './stream.ts';
import type { NewStreamEvent, StreamEvent } from './stream.ts';
import { transition } from './transition.ts';

/** The node no longer holds the action: its lease lapsed, and another node has said what became of it. */
export class ActionLost extends Error {
  override name = 'ActionLost';
}

/** Everything that a running action writes. Each write asks whether the node still holds the action, else throws ActionLost. */
export type RunRecord = {
  openOutput(step: ActionStepRow, secrets: string[]): StepOutput;
  /** Also marks the next step as begun. */
  completeStep(step: ActionStepRow, next: ActionStepRow): Promise<void>;
  failTarget(
    target: TargetRow,
    step: ActionStepRow,
    rest: ActionStepRow[],
    failure: { exitCode: number | null; reason: string },
  ): Promise<void>;
  /** The target did nothing wrong, but what remains is not to be done. */
  skipTarget(target: TargetRow, rest: ActionStepRow[], reason: string): Promise<void>;
  /** `last` is the step that was the last to run, if there was one. */
  completeTarget(target: TargetRow, last: ActionStepRow | null): Promise<void>;
  setCommit(deployment: Deployment, commit: Commit): Promise<void>;
  activateRelease(applicationId: number, name: string): Promise<void>;
  markRemoved(applicationId: number, kept: string[]): Promise<void>;
  endAction(status: 'completed' | 'failed', reason: string): Promise<void>;
};

/** How long a write is tried again that the database did not take; by then the lease of the node has lapsed. */
const retryForMs = 12_000;
const retryEveryMs = 250;
/** Of so much at once the disk is not left to the end of the action, which waits for it. */
const muchCharacters = 256 * 1024;
/** Writes that wait go into one transaction, up to so many. */
const mostTogether = 64;

/**
 * Whether a power cut may undo a write, together with all after it. It would fail the action in any case; what has gone
 * live, and how it has ended, is to be known even then.
 */
type Keeping = 'at the latest with the end' | 'at once';

/** The number of the last event of the stream, and those that were added to it, as far as they are known. */
type Written = { last: number; events: StreamEvent[] };

/** Changes rows and returns what is to be seen of that in the stream. */
type Write = (trx: Trx, now: number) => Promise<NewStreamEvent[]>;

/** Called after each commit, with what it has added to the stream of the action as far as that is known here. */
export type OnWritten = (actionId: number, events: StreamEvent[]) => void;

/** `signal` ends the trying again. `targets` tells how many there are. */
export function createRunRecord(
  context: {
    connection: Connection;
    writer: EventWriter;
    clock: Clock;
    onWritten: OnWritten;
  },
  action: ActionRow,
  { nodeId, signal, targets }: { nodeId: string; signal: AbortSignal; targets: number },
): RunRecord {
  const { connection, writer, clock } = context;
  const waiting: {
    write: Write;
    keeping: Keeping;
    resolve: () => void;
    reject: (error: unknown) => void;
  }[] = [];
  let draining: Promise<void> | null = null;
  let known = action.last_seq;
  /** The end of the only target: the action ends with it, so one transaction, and one wait for the disk, is for both. */
  const withEnd: { write: Write }[] = [];

  /** One after another, so that the order of the stream is that of the writes, whatever the pool does. */
  const write = (work: Write, keeping: Keeping = 'at the latest with the end'): Promise<void> => {
    const done = Promise.withResolvers<void>();
    waiting.push({ write: work, keeping, ...done });
    draining ??= drain();
    return done.promise;
  };
  const drain = async () => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, mostTogether);
      try {
        const isLater = batch.every(({ keeping }) => keeping !== 'at once');
        await commit((trx) => writeTogether(trx, batch), isLater);
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    // In the same moment in which there was nothing left: what comes now begins anew.
    draining = null;
  };
  const endTarget = async (work: Write): Promise<void> => {
    if (targets > 1) return await write(work);
    withEnd.push({ write: work });
  };
  /** The number of the last event, if the node still holds the action; the row is locked from then on. */
  const hold = async (trx: Trx): Promise<number | null> => {
    const [held] = await lockHeld(trx, [{ id: action.id, claimed_by: nodeId }]);
    return held?.last_seq ?? null;
  };
  const writeTogether = async (trx: Trx, batch: { write: Write }[]): Promise<Written> => {
    const held = await hold(trx);
    if (held === null) throw new ActionLost(`Action ${action.id} is no longer held by this node.`);
    // Nobody else adds to the stream of an action that runs: the commit whose answer was lost had come through.
    if (held > known) return { last: held, events: [] };
    const now = clock.now();
    const events = await eventsOf(trx, batch, now);
    if (events.length === 0) return { last: held, events: [] };
    const last = await takeNumbers(trx, action.id, events.length);
    return { last, events: await appendToStream(trx, { actionId: action.id, last, now }, events) };
  };
  const eventsOf = async (trx: Trx, batch: { write: Write }[], now: number): Promise<NewStreamEvent[]> => {
    const events: NewStreamEvent[] = [];
    for (const one of batch) events.push(...(await one.write(trx, now)));
    return events;
  };
  const commit = async (work: (trx: Trx) => Promise<Written>, isLater: boolean) => {
    const { last, events } = await untilTaken(work, isLater);
    known = last;
    if (events.reduce((sum, { content }) => sum + content.length, 0) > muchCharacters) connection.syncSoon();
    context.onWritten(action.id, events);
  };
  const untilTaken = async (work: (trx: Trx) => Promise<Written>, isLater: boolean): Promise<Written> => {
    const deadline = clock.elapsed() + retryForMs;
    for (;;) {
      try {
        return await (isLater
          ? connection.transactionSyncedLater(work)
          : connection.transactionSyncedAside(work));
      } catch (error) {
        if (error instanceof ActionLost || signal.aborted || clock.elapsed() > deadline) throw error;
        await clock.sleep(retryEveryMs, signal);
      }
    }
  };

  return {
    openOutput: (step, secrets) =>
      createStepOutput({
        secrets,
        clock,
        store: (rows) =>
          write(async () => rows.map((content) => ({ type: 'log', stepId: step.id, content }))),
      }),
    completeStep: (step, next) =>
      write(async (trx, now) => [
        stepChanged(await setStep(trx, step.id, 'completed', { now, exitCode: 0 })),
        stepChanged(await setStep(trx, next.id, 'in-progress', { now })),
      ]),
    failTarget: (target, step, rest, { exitCode, reason }) =>
      endTarget(async (trx, now) => {
        const failed = stepChanged(await setStep(trx, step.id, 'failed', { now, reason, exitCode }));
        const skipped = await skipSteps(trx, rest, `Skipped: step ${step.step_order} failed.`, now);
        return [failed, ...skipped, targetChanged(await setTarget(trx, target.id, 'failed', reason, now))];
      }),
    skipTarget: (target, rest, reason) =>
      write(async (trx, now) => [
        ...(await skipSteps(trx, rest, reason, now)),
        targetChanged(await setTarget(trx, target.id, 'skipped', reason, now)),
      ]),
    completeTarget: (target, last) =>
      endTarget(async (trx, now) => [
        ...(last ? [stepChanged(await setStep(trx, last.id, 'completed', { now, exitCode: 0 }))] : []),
        targetChanged(await setTarget(trx, target.id, 'completed', 'Completed.', now)),
      ]),
    setCommit: (deployment, commit) =>
      write(async (trx, now) => {
        await setReleaseCommit(trx, action.id, commit, now);
        const action_data = JSON.stringify({ ...deployment, commit });
        await trx.updateTable('actions').set({ action_data }).where('id', '=', action.id).execute();
        return [];
      }),
    activateRelease: (applicationId, name) =>
      write(async (trx, now) => {
        await activateRelease(trx, applicationId, name, now);
        return [];
      }, 'at once'),
    markRemoved: (applicationId, kept) =>
      write(async (trx, now) => {
        await markRemoved(trx, { applicationId, actionId: action.id }, kept, now);
        return [];
      }),
    endAction: async (status, reason) => {
      // What was written before must be in the stream before.
      while (draining) await draining;
      await commit(async (trx) => {
        // Let go of already: by the commit whose answer was lost, or by whoever has said what became of it.
        if (withEnd.length > 0 && (await hold(trx)) === null) return { last: known, events: [] };
        const now = clock.now();
        const before = await eventsOf(trx, withEnd, now);
        const row = await transition(writer, trx, action.id, status, { now, reason, heldBy: nodeId, before });
        return { last: row?.last_seq ?? known, events: [] };
      }, false);
    },
  };
}

const lockHeld = compileByCount<{ id: number; claimed_by: string }, { last_seq: number }>(
  ['id', 'claimed_by'],
  (trx, [row]) =>
    trx
      .updateTable('actions')
      .set((eb) => ({ last_seq: eb.ref('last_seq') }))
      .where('id', '=', row!.id)
      .where('claimed_by', '=', row!.claimed_by)
      .returning('last_seq'),
);

async function skipSteps(
  trx: Trx,
  steps: ActionStepRow[],
  reason: string,
  now: number,
): Promise<NewStreamEvent[]> {
  const events: NewStreamEvent[] = [];
  for (const { id } of steps) events.push(stepChanged(await setStep(trx, id, 'skipped', { now, reason })));
  return events;
}

async function setStep(
  trx: Trx,
  id: number,
  status: ActionStatus,
  options: { now: number; reason?: string; exitCode?: number | null },
): Promise<ActionStepRow> {
  const { now } = options;
  return await trx
    .updateTable('action_steps')
    .set({
      status,
      reason_code: statusCode(status),
      reason: options.reason ?? defaultReason(status),
      updated_at: now,
      ...(status === 'in-progress' ? { started_at: now } : { completed_at: now }),
      ...(options.exitCode === undefined ? {} : { exit_code: options.exitCode }),
    })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

async function setTarget(
  trx: Trx,
  id: number,
  status: ActionStatus,
  reason: string,
  now: number,
): Promise<TargetRow> {
  return await trx
    .updateTable('action_targets')
    .set({ status, reason_code: statusCode(status), reason, completed_at: now, updated_at: now })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
}
