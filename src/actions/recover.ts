import type { Connection, Trx } from '../platform/database/connect.ts';
import { liveNodes } from '../platform/node-lease.ts';
import type { EventWriter } from './events.ts';
import type { LocalExecutor } from './executors/local.ts';
import { statusCode } from './status.ts';
import { isActive, type ActionRow } from './store.ts';
import { appendToStream, stepChanged, takeNumbers, targetChanged } from './stream.ts';
import { transition } from './transition.ts';

const nodeEnded =
  'The node that ran it ended, or was cut off, before it was done. It was not run again; start it anew if it should be.';

const failedHere = 'Hookline itself failed while it ran; the log says how. It was not run again.';

/**
 * Fails the actions of nodes whose lease has lapsed, and those that this node holds but no longer runs: an action is
 * never run twice by itself. First whatever still runs of them on this machine is ended, so that nothing goes on
 * after its action is said to have failed. Returns how many.
 */
export async function failAbandonedActions(
  context: { connection: Connection; writer: EventWriter; local: LocalExecutor },
  options: { now: number; nodeId: string; running: number[]; reason?: string },
): Promise<number> {
  const { connection, writer, local } = context;
  const { now, nodeId, running, reason } = options;
  const orphans = await connection.db
    .selectFrom('actions')
    .select(['id', 'run_id', 'claimed_by', 'cancelled_by'])
    .where('claimed_by', 'is not', null)
    .where((eb) =>
      eb.or([
        // With SQLite this node lives however late it is to say so, as after the machine was suspended.
        eb.and([eb('claimed_by', '!=', nodeId), eb('claimed_by', 'not in', liveNodes(connection.db, now))]),
        eb.and([eb('claimed_by', '=', nodeId), eb('id', 'not in', running.length > 0 ? running : [0])]),
      ]),
    )
    .execute();
  for (const { id, run_id, claimed_by, cancelled_by } of orphans) {
    if (run_id) await local.endRun(run_id);
    await connection.db.transaction().execute(async (trx) => {
      const found = reason ?? (claimed_by === nodeId ? failedHere : nodeEnded);
      const why = cancelled_by ? `${cancelled_by} ${found}` : found;
      const failed = await transition(writer, trx, id, 'failed', { now, reason: why, heldBy: claimed_by! });
      if (!failed) return;
      await endWhatRemains(trx, failed, { now, reason: why });
    });
  }
  return orphans.length;
}

/** The steps and targets of an action that has failed from outside: what ran has failed with it, the rest is skipped. */
async function endWhatRemains(trx: Trx, { id }: ActionRow, { now, reason }: { now: number; reason: string }) {
  const at = { updated_at: now, completed_at: now };
  const failed = { ...at, status: 'failed', reason_code: statusCode('failed'), reason };
  const skipped = {
    ...at,
    status: 'skipped',
    reason_code: statusCode('skipped'),
    reason: 'Skipped: the action had failed.',
  };
  const steps = trx.updateTable('action_steps').where('action_id', '=', id);
  const ended = await steps.where('status', '=', 'in-progress').set(failed).returningAll().execute();
  const left = await steps.where('status', '=', 'pending').set(skipped).returningAll().execute();
  const targets = await trx
    .updateTable('action_targets')
    .where('action_id', '=', id)
    .where('status', '=', 'in-progress')
    .set(failed)
    .returningAll()
    .execute();
  const events = [...ended.map(stepChanged), ...left.map(stepChanged), ...targets.map(targetChanged)];
  if (events.length === 0) return;
  const last = await takeNumbers(trx, id, events.length);
  await appendToStream(trx, { actionId: id, last, now }, events);
}

/**
 * At its start a node ends what still runs on its machine of actions that have ended, or that a dead node held: another
 * node may have failed such an action without being able to reach this machine. Runs that this database does not know
 * belong to another installation and are left alone.
 */
export async function endOrphanedRuns(
  { connection: { db }, local }: { connection: Connection; local: LocalExecutor },
  { now, running }: { now: number; running: string[] },
): Promise<void> {
  const found = (await local.findRuns()).filter((runId) => !running.includes(runId));
  if (found.length === 0) return;
  const known = await db
    .selectFrom('actions')
    .select(['run_id', 'claimed_by'])
    .where('run_id', 'in', found)
    .execute();
  const live = new Set((await liveNodes(db, now).execute()).map(({ id }) => id));
  for (const { run_id, claimed_by } of known) {
    if (run_id && (claimed_by === null || !live.has(claimed_by))) await local.endRun(run_id);
  }
}

/** Fails what waits for a place in a pipeline that was deleted: no place will ever come. */
export async function failActionsWithoutPipeline(
  { connection: { db }, writer }: { connection: Connection; writer: EventWriter },
  now: number,
): Promise<void> {
  const waiting = await db
    .selectFrom('actions')
    .select('id')
    .where(isActive)
    .where('status', '=', 'waiting')
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('pipelines').select('pipelines.id').whereRef('pipelines.id', '=', 'actions.pipeline_id'),
        ),
      ),
    )
    .limit(500)
    .execute();
  for (const { id } of waiting) {
    await db
      .transaction()
      .execute((trx) => transition(writer, trx, id, 'failed', { now, reason: pipelineDeleted }));
  }
}

export const pipelineDeleted = 'Its pipeline was deleted before it could start.';
