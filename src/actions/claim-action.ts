import { randomUUID } from 'node:crypto';
import type { PlannedStep } from '../pipelines/default-steps.ts';
import { findPipeline } from '../pipelines/store.ts';
import type { Trx } from '../platform/database/connect.ts';
import type { SecretBox } from '../platform/secret-box.ts';
import type { EventWriter } from './events.ts';
import type { Deployment } from './releases/deployment.ts';
import { planAction } from './releases/plan-action.ts';
import type { TargetData } from './resolve-targets.ts';
import { defaultReason, statusCode } from './status.ts';
import type { ActionRow, ActionStepRow, TargetRow } from './store.ts';
import { appendToStream, stepChanged, takeNumbers, targetChanged } from './stream.ts';
import { transition } from './transition.ts';

/** An action that this node has claimed, with the snapshot of what it runs. */
export type ClaimedAction = {
  action: ActionRow;
  runId: string;
  targets: { row: TargetRow; steps: ActionStepRow[] }[];
  /** Of the whole action. */
  timeoutSeconds: number;
  /** Set where the default steps of a deployment run. */
  deployment: Deployment | null;
};

const dayInSeconds = 86_400;
const stepSeconds = 3600;

/** Queued and started in one go, with both events; the targets and steps are written down as they are now. */
export async function claimAction(
  { writer, box }: { writer: EventWriter; box: SecretBox },
  trx: Trx,
  id: number,
  resolved: TargetData[],
  { now, nodeId }: { now: number; nodeId: string },
): Promise<ClaimedAction[]> {
  const runId = randomUUID();
  const action = await transition(writer, trx, id, 'in-progress', {
    now,
    through: 'queued',
    change: { claimed_by: nodeId, run_id: runId },
  });
  const pipeline =
    action && action.pipeline_id !== null ? await findPipeline(trx, action.pipeline_id) : undefined;
  if (!action || !pipeline) return [];
  const { steps, deployment } = await planAction({ trx, box }, action, pipeline, now);
  const targets: ClaimedAction['targets'] = [];
  for (const target of resolved) {
    const { max_parallel_actions: _, ...shown } = target;
    const row = await trx
      .insertInto('action_targets')
      .values({
        action_id: action.id,
        resource_type: 'server',
        resource_id: target.id,
        resource_data: JSON.stringify(shown),
        status: 'in-progress',
        reason_code: statusCode('in-progress'),
        reason: defaultReason('in-progress'),
        started_at: now,
        completed_at: null,
        created_at: now,
        updated_at: now,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    targets.push({ row, steps: await insertSteps(trx, row, steps, now) });
  }
  const events = targets.flatMap(({ row, steps: [first] }) => [
    targetChanged(row),
    ...(first ? [stepChanged(first)] : []),
  ]);
  const last = await takeNumbers(trx, action.id, events.length);
  await appendToStream(trx, { actionId: action.id, last, now }, events);
  const timeoutSeconds = pipeline.timeout_seconds ?? dayInSeconds;
  return [{ action: { ...action, last_seq: last }, runId, targets, timeoutSeconds, deployment }];
}

async function insertSteps(
  trx: Trx,
  target: TargetRow,
  steps: PlannedStep[],
  now: number,
): Promise<ActionStepRow[]> {
  if (steps.length === 0) return [];
  const rows = await trx
    .insertInto('action_steps')
    .values(
      steps.map((step, index) => {
        // The first begins at once, so it is not written again to say so.
        const status = index === 0 ? ('in-progress' as const) : ('pending' as const);
        return {
          action_id: target.action_id,
          target_id: target.id,
          step_order: index + 1,
          name: step.name,
          description: step.description,
          kind: step.kind,
          command: step.command,
          run_as_user: step.runAsUser,
          timeout_seconds: step.timeoutSeconds ?? stepSeconds,
          status,
          reason_code: statusCode(status),
          reason: index === 0 ? defaultReason('in-progress') : 'Waiting for the steps before it.',
          exit_code: null,
          started_at: index === 0 ? now : null,
          completed_at: null,
          created_at: now,
          updated_at: now,
        };
      }),
    )
    .returningAll()
    .execute();
  return rows.sort((a, b) => a.step_order - b.step_order);
}
