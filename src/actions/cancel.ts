import type { Db, Trx } from '../platform/database/connect.ts';
import { AppError } from '../platform/errors.ts';
import type { EventWriter } from './events.ts';
import type { ActionRow } from './store.ts';
import { transition } from './transition.ts';

/**
 * Ends an action for somebody: at once while it waits; while it runs, by asking the node that runs it, which ends its
 * processes first. `by` is a sentence, `Cancelled by …`. Throws `conflict` for one that has ended.
 */
export async function cancelAction(
  writer: EventWriter,
  trx: Trx,
  action: Pick<ActionRow, 'id'>,
  { by, now }: { by: string; now: number },
): Promise<void> {
  const waits = ['pending', 'waiting', 'queued'] as const;
  if (await transition(writer, trx, action.id, 'failed', { now, reason: by, from: waits })) return;
  const { numUpdatedRows: running } = await trx
    .updateTable('actions')
    .set((eb) => ({ cancelled_by: eb.fn.coalesce('cancelled_by', eb.val(by)) }))
    .where('id', '=', action.id)
    .where('status', '=', 'in-progress')
    .executeTakeFirstOrThrow();
  if (running > 0n) return;
  throw new AppError('conflict', `Action ${action.id} has ended already; there is nothing to cancel.`);
}

/** Those of some running actions whose end somebody asked for. */
export async function cancelledActions(
  db: Db,
  ids: number[],
): Promise<{ id: number; cancelled_by: string }[]> {
  if (ids.length === 0) return [];
  const rows = await db
    .selectFrom('actions')
    .select(['id', 'cancelled_by'])
    .where('id', 'in', ids)
    .where('cancelled_by', 'is not', null)
    .execute();
  return rows.map(({ id, cancelled_by }) => ({ id, cancelled_by: cancelled_by! }));
}
