import { sql, type Updateable } from 'kysely';
import type { Trx } from '../platform/database/connect.ts';
import type { Database } from '../platform/database/schema.ts';
import { writeEvents, type EventWriter } from './events.ts';
import { noteServerStatus } from './server-status.ts';
import { failRelease } from './releases/store.ts';
import { defaultReason, statusCode, type ActionStatus, type ReasonCode } from './status.ts';
import { insertActions, type ActionRow } from './store.ts';
import { actionChanged, appendToStream, type NewStreamEvent } from './stream.ts';

/** The statuses an action can come from; anything else means that somebody else was faster. */
const comesFrom: Record<Exclude<ActionStatus, 'pending'>, ActionStatus[]> = {
  waiting: ['pending'],
  queued: ['pending', 'waiting'],
  skipped: ['pending', 'waiting', 'queued'],
  'in-progress': ['queued'],
  completed: ['in-progress'],
  failed: ['pending', 'waiting', 'queued', 'in-progress'],
};

export type NewAction = Omit<
  ActionRow,
  | 'id'
  | 'status'
  | 'reason_code'
  | 'reason'
  | 'claimed_by'
  | 'run_id'
  | 'action_data'
  | 'cancelled_by'
  | 'last_seq'
  | 'started_at'
  | 'completed_at'
  | 'updated_at'
>;

/** Creates actions as `pending`, each with its `action.created` event, and returns them in the order given. */
export async function createActions(
  writer: EventWriter,
  trx: Trx,
  inputs: NewAction[],
): Promise<ActionRow[]> {
  if (inputs.length === 0) return [];
  const rows = await insertActions(
    trx,
    inputs.map((input) => ({
      ...input,
      status: 'pending',
      reason_code: statusCode('pending'),
      reason: defaultReason('pending'),
      claimed_by: null,
      run_id: null,
      action_data: null,
      cancelled_by: null,
      last_seq: 0,
      started_at: null,
      completed_at: null,
      updated_at: input.created_at,
    })),
  );
  await writeEvents(writer, trx, rows, inputs[0]!.created_at);
  return rows;
}

/**
 * The only way in which the status of an action changes: the row and its event in one transaction. Returns the new
 * row, or null when the action is no longer in a status it could come from, or (with `heldBy`) no longer that node's.
 */
export async function transition(
  writer: EventWriter,
  trx: Trx,
  id: number,
  to: Exclude<ActionStatus, 'pending'>,
  options: {
    now: number;
    reason?: string;
    reasonCode?: ReasonCode;
    heldBy?: string;
    /** Only from one of these. */
    from?: readonly ActionStatus[];
    /** A status that it takes on its way, in the same moment: with its event, as if it had been written. */
    through?: 'queued';
    /** What is to be seen in the stream before it. */
    before?: NewStreamEvent[];
    change?: Pick<Updateable<Database['actions']>, 'claimed_by' | 'run_id' | 'action_data'>;
  },
): Promise<ActionRow | null> {
  const { now, heldBy, through, before = [] } = options;
  let query = trx
    .updateTable('actions')
    .set({
      ...statusColumns(to, options),
      updated_at: now,
      last_seq: sql`last_seq + ${before.length + (through ? 2 : 1)}`,
      ...(to === 'in-progress' ? { started_at: now } : {}),
      ...(isEnd(to) ? { completed_at: now, claimed_by: null } : {}),
      ...options.change,
    })
    .where('id', '=', id)
    .where('status', 'in', options.from ?? comesFrom[through ?? to]);
  if (heldBy !== undefined) query = query.where('claimed_by', '=', heldBy);
  const row = await query.returningAll().executeTakeFirst();
  if (!row) return null;
  const passed: ActionRow[] = through ? [{ ...row, ...statusColumns(through), started_at: null }] : [];
  const changed = [...passed, row].map(actionChanged);
  await appendToStream(trx, { actionId: id, last: row.last_seq, now }, [...before, ...changed]);
  if (to === 'failed') await failRelease(trx, id, now);
  await noteServerStatus(trx, row, to);
  for (const one of [...passed, row]) await writeEvents(writer, trx, [one], now);
  return row;
}

function statusColumns(
  status: ActionStatus,
  { reason, reasonCode }: { reason?: string; reasonCode?: ReasonCode } = {},
) {
  return {
    status,
    reason_code: reasonCode ?? statusCode(status),
    reason: reason ?? defaultReason(status),
  };
}

function isEnd(status: ActionStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'skipped';
}
