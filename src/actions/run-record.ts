import type { Clock } from '../platform/clock.ts';
import type { Connection, Trx } from '../platform/database/connect.ts';
import type { EventWriter } from './events.ts';
import { defaultReason, statusCode, type ActionStatus } from './status.ts';
import { createStepOutput, type StepOutput } from './step-output.ts';
import { insertLog, type ActionRow, type ActionStepRow, type TargetRow } from './store.ts';
import { transition } from './transition.ts';

/** The node no longer holds the action: its lease lapsed, and another node has said what became of it. */
export class ActionLost extends Error {
  override name = 'ActionLost';
}

/** Everything that a running action writes. Each write asks whether the node still holds the action, else throws ActionLost. */
export type RunRecord = {
  openOutput(step: ActionStepRow, secrets: string[]): StepOutput;
  /** Also marks the next step as begun. */
  completeStep(step: ActionStepRow, next: ActionStepRow | null): Promise<void>;
  failTarget(
    target: TargetRow,
    step: ActionStepRow,
    rest: ActionStepRow[],
    failure: { exitCode: number | null; reason: string },
  ): Promise<void>;
  completeTarget(target: TargetRow): Promise<void>;
  endAction(status: 'completed' | 'failed', reason: string): Promise<void>;
};

export function createRunRecord(
  { connection: { db }, writer, clock }: { connection: Connection; writer: EventWriter; clock: Clock },
  action: ActionRow,
  nodeId: string,
): RunRecord {
  const write = async (work: (trx: Trx, now: number) => Promise<void>): Promise<void> => {
    await db.transaction().execute(async (trx) => {
      const held = await trx
        .selectFrom('actions')
        .select('id')
        .where('id', '=', action.id)
        .where('claimed_by', '=', nodeId)
        .executeTakeFirst();
      if (!held) throw new ActionLost(`Action ${action.id} is no longer held by this node.`);
      await work(trx, clock.now());
    });
  };

  return {
    openOutput: (step, secrets) =>
      createStepOutput({
        secrets,
        store: (content) => write((trx, now) => insertLog(trx, [{ stepId: step.id, content, now }])),
      }),
    completeStep: (step, next) =>
      write(async (trx, now) => {
        await setStep(trx, step.id, 'completed', { now, exitCode: 0 });
        if (next) await setStep(trx, next.id, 'in-progress', { now });
      }),
    failTarget: (target, step, rest, { exitCode, reason }) =>
      write(async (trx, now) => {
        await setStep(trx, step.id, 'failed', { now, reason, exitCode });
        for (const { id } of rest) {
          await setStep(trx, id, 'skipped', { now, reason: `Skipped: step ${step.step_order} failed.` });
        }
        await setTarget(trx, target.id, 'failed', reason, now);
      }),
    completeTarget: (target) =>
      write((trx, now) => setTarget(trx, target.id, 'completed', 'Completed.', now)),
    endAction: (status, reason) =>
      write(async (trx, now) => {
        await transition(writer, trx, action.id, status, { now, reason, heldBy: nodeId });
      }),
  };
}

async function setStep(
  trx: Trx,
  id: number,
  status: ActionStatus,
  options: { now: number; reason?: string; exitCode?: number | null },
): Promise<void> {
  const { now } = options;
  await trx
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
    .execute();
}

async function setTarget(
  trx: Trx,
  id: number,
  status: ActionStatus,
  reason: string,
  now: number,
): Promise<void> {
  await trx
    .updateTable('action_targets')
    .set({ status, reason_code: statusCode(status), reason, completed_at: now, updated_at: now })
    .where('id', '=', id)
    .execute();
}
