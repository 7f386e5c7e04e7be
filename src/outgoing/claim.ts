import { sql, type Selectable } from 'kysely';
import type { Connection } from '../platform/database/connect.ts';
import type { Database } from '../platform/database/schema.ts';
import { liveNodes } from '../platform/node-lease.ts';

export type DeliveryRow = Selectable<Database['deliveries']>;

/** The partial indexes `deliveries_due` and `deliveries_order` are used only when their condition stands in the query as it does there. */
const isOpen = (table: string) => sql<boolean>`${sql.ref(`${table}.status`)} in ('pending', 'sending')`;

/**
 * Takes up to `limit` deliveries that are due, oldest first, leaving out the hooks in `exceptHookIds`. Of one hook and
 * action only the first open one can be taken: that is the order of events. Index: deliveries_due, then one probe of
 * deliveries_order per row.
 */
export async function claimDeliveries(
  { db, dialect }: Connection,
  options: { nodeId: string; now: number; limit: number; exceptHookIds: number[] },
): Promise<DeliveryRow[]> {
  return await db.transaction().execute(async (trx) => {
    let due = trx
      .selectFrom('deliveries as d')
      .select('d.id')
      .where(isOpen('d'))
      .where('d.status', '=', 'pending')
      .where('d.next_attempt_at', '<=', options.now)
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('deliveries as earlier')
              .select('earlier.id')
              .whereRef('earlier.hook_id', '=', 'd.hook_id')
              .whereRef('earlier.action_id', '=', 'd.action_id')
              .whereRef('earlier.id', '<', 'd.id')
              .where(isOpen('earlier')),
          ),
        ),
      )
      .orderBy('d.next_attempt_at')
      .orderBy('d.id')
      .limit(options.limit);
    if (options.exceptHookIds.length > 0) due = due.where('d.hook_id', 'not in', options.exceptHookIds);
    // SQLite has one writer at a time; in PostgreSQL another node may look at the same moment.
    if (dialect === 'postgres') due = due.forUpdate('d').skipLocked();
    const ids = (await due.execute()).map(({ id }) => id);
    if (ids.length === 0) return [];
    const claimed = await trx
      .updateTable('deliveries')
      .set({ status: 'sending', claimed_by: options.nodeId, updated_at: options.now })
      .where('id', 'in', ids)
      .returningAll()
      .execute();
    return claimed.sort((a, b) => a.id - b.id);
  });
}

/** Whether any delivery is due now, be it claimable or behind another. */
export async function isAnyDue({ db }: Connection, now: number): Promise<boolean> {
  const row = await db
    .selectFrom('deliveries as d')
    .select('d.id')
    .where(isOpen('d'))
    .where('d.status', '=', 'pending')
    .where('d.next_attempt_at', '<=', now)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** When the next delivery becomes due after `now`, in ms since 1970, or null. Those due already wait for a place or their turn. */
export async function nextDueAt({ db }: Connection, now: number): Promise<number | null> {
  const row = await db
    .selectFrom('deliveries as d')
    .select('d.next_attempt_at')
    .where(isOpen('d'))
    .where('d.status', '=', 'pending')
    .where('d.next_attempt_at', '>', now)
    .orderBy('d.next_attempt_at')
    .limit(1)
    .executeTakeFirst();
  return row?.next_attempt_at ?? null;
}

/**
 * Gives back what a dead node was sending, and what this node no longer is (it could not write the result). It may
 * have arrived, so it goes out again under the same `webhook-id`.
 */
export async function releaseAbandonedDeliveries(
  { db }: Connection,
  options: { now: number; nodeId: string; underWay: number[] },
): Promise<void> {
  const { now, nodeId, underWay } = options;
  await db
    .updateTable('deliveries as d')
    .set({
      status: 'pending',
      claimed_by: null,
      next_attempt_at: now,
      updated_at: now,
      reason: 'The node that was sending it ended; sending it again.',
    })
    .where(isOpen('d'))
    .where('d.status', '=', 'sending')
    .where((eb) =>
      eb.or([
        eb('d.claimed_by', 'not in', liveNodes(db, now)),
        eb.and([eb('d.claimed_by', '=', nodeId), eb('d.id', 'not in', underWay.length > 0 ? underWay : [0])]),
      ]),
    )
    .execute();
}
