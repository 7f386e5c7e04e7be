import { sql, type Selectable } from 'kysely';
import { compileByCount } from '../platform/database/compiled-query.ts';
import type { Db, Trx } from '../platform/database/connect.ts';
import type { Database } from '../platform/database/schema.ts';
import { isoTime } from '../platform/clock.ts';
import type { ActionRow, ActionStepRow, TargetRow } from './store.ts';

/*
 * Everything that can be watched of an action is a row of one stream: output and changes of status, numbered without a
 * gap by `seq`. Whoever adds to it has first written the row of the action, and so holds its lock until the
 * commit: what has a lower number is always visible earlier, and a reader needs no more than the last number it saw.
 */

/** Rows that are read at a time: 1 MiB at most, as a row holds at most 64 KiB. */
export const pageRows = 16;

export type StreamEvent = {
  seq: number;
  type: 'log' | 'action' | 'target' | 'step';
  stepId: number | null;
  content: string;
  createdAt: number;
};

export type NewStreamEvent = Pick<StreamEvent, 'type' | 'content'> & { stepId?: number };

/** `last` is the number of the last of them, as the row of the action has it. Returns them as they will be read. */
export async function appendToStream(
  trx: Trx,
  { actionId, last, now }: { actionId: number; last: number; now: number },
  events: NewStreamEvent[],
): Promise<StreamEvent[]> {
  const numbered = events.map(({ type, content, stepId = null }, index) => {
    const seq = last - events.length + 1 + index;
    return { seq, type, stepId, content, createdAt: now };
  });
  await insertRows(
    trx,
    numbered.map(({ seq, type, stepId, content }) => {
      return { action_id: actionId, seq, type, step_id: stepId, content, created_at: now };
    }),
  );
  return numbered;
}

const insertRows = compileByCount<Omit<Selectable<Database['action_stream']>, 'id'>, unknown>(
  ['action_id', 'seq', 'type', 'step_id', 'content', 'created_at'],
  (trx, rows) => trx.insertInto('action_stream').values(rows),
);

/** Takes `count` numbers and returns the last one. */
export async function takeNumbers(trx: Trx, actionId: number, count: number): Promise<number> {
  const [row] = await advance(trx, [{ count, id: actionId }]);
  return row!.last_seq;
}

const advance = compileByCount<{ count: number; id: number }, { last_seq: number }>(
  ['count', 'id'],
  (trx, [row]) =>
    trx
      .updateTable('actions')
      .set({ last_seq: sql`last_seq + ${row!.count}` })
      .where('id', '=', row!.id)
      .returning('last_seq'),
);

/** What comes after `after`, oldest first. Index: action_stream_seq. */
export async function readStream(
  db: Db,
  actionId: number,
  { after, limit }: { after: number; limit: number },
): Promise<StreamEvent[]> {
  const rows = await db
    .selectFrom('action_stream')
    .select(['seq', 'type', 'step_id', 'content', 'created_at'])
    .where('action_id', '=', actionId)
    .where('seq', '>', after)
    .orderBy('seq')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    seq: row.seq,
    type: row.type,
    stepId: row.step_id,
    content: row.content,
    createdAt: row.created_at,
  }));
}

/** The whole output of a step, as it was stored: capped and masked. Index: action_stream_step. */
export async function readLog(db: Db, stepId: number): Promise<string> {
  const rows = await db
    .selectFrom('action_stream')
    .select('content')
    .where('step_id', '=', stepId)
    .orderBy('seq')
    .execute();
  return rows.map(({ content }) => content).join('');
}

export function actionChanged(action: ActionRow): NewStreamEvent {
  return { type: 'action', content: JSON.stringify({ id: action.id, ...statusOfRow(action) }) };
}

export function targetChanged(target: TargetRow): NewStreamEvent {
  const { hostname } = JSON.parse(target.resource_data) as { hostname: string };
  const content = { id: target.id, resource_id: target.resource_id, hostname, ...statusOfRow(target) };
  return { type: 'target', content: JSON.stringify(content) };
}

export function stepChanged(step: ActionStepRow): NewStreamEvent {
  const { id, target_id, step_order: order, name, exit_code } = step;
  const content = { id, target_id, order, name, exit_code, ...statusOfRow(step) };
  return { type: 'step', content: JSON.stringify(content) };
}

function statusOfRow(
  row: Pick<ActionRow, 'status' | 'reason_code' | 'reason' | 'started_at' | 'completed_at' | 'updated_at'>,
) {
  return {
    status: row.status,
    status_reason_code: row.reason_code,
    status_reason_human_readable: row.reason,
    started_at: isoTime(row.started_at),
    completed_at: isoTime(row.completed_at),
    updated_at: isoTime(row.updated_at),
  };
}

/** The output of a step after an event of its stream. Index: action_stream_step. */
export async function readLogPage(
  db: Db,
  stepId: number,
  { after, limit }: { after: number; limit: number },
): Promise<{ seq: number; content: string }[]> {
  return await db
    .selectFrom('action_stream')
    .select(['seq', 'content'])
    .where('step_id', '=', stepId)
    .where('seq', '>', after)
    .orderBy('seq')
    .limit(limit)
    .execute();
}
