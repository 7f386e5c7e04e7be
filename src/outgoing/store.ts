import type { Selectable } from 'kysely';
import type { Db, Trx } from '../platform/database/connect.ts';
import { listPage } from '../platform/database/listing.ts';
import type { Database } from '../platform/database/schema.ts';
import type { Listing, Page } from '../platform/http/pagination.ts';
import type { DeliveryRow } from './claim.ts';

export type AttemptRow = Selectable<Database['delivery_attempts']>;

export async function listDeliveries(
  db: Db,
  filter: { hookId: number } | { actionId: number },
  page: Page,
): Promise<Listing<DeliveryRow>> {
  const all = db.selectFrom('deliveries').selectAll().orderBy('id', 'desc');
  return await listPage(
    'hookId' in filter
      ? all.where('hook_id', '=', filter.hookId)
      : all.where('action_id', '=', filter.actionId),
    page,
  );
}

export async function listAttempts(db: Db, hookId: number, page: Page): Promise<Listing<AttemptRow>> {
  const all = db
    .selectFrom('delivery_attempts')
    .where('hook_id', '=', hookId)
    .selectAll()
    .orderBy('id', 'desc');
  return await listPage(all, page);
}

export async function findAttempt(db: Db, uuid: string): Promise<AttemptRow | undefined> {
  return await db
    .selectFrom('delivery_attempts')
    .selectAll()
    .where('uuid', '=', uuid.toLowerCase())
    .executeTakeFirst();
}

/** The deliveries of several attempts, each with the id of its first attempt, by delivery id. */
export async function deliveriesOf(
  db: Db,
  attempts: AttemptRow[],
): Promise<Map<number, { delivery: DeliveryRow; firstAttempt: string }>> {
  const ids = [...new Set(attempts.map((attempt) => attempt.delivery_id))];
  if (ids.length === 0) return new Map();
  const deliveries = await db.selectFrom('deliveries').selectAll().where('id', 'in', ids).execute();
  const firsts = await db
    .selectFrom('delivery_attempts')
    .select(['delivery_id', 'uuid'])
    .where('delivery_id', 'in', ids)
    .where('attempt', '=', 1)
    .execute();
  return new Map(
    deliveries.map((delivery) => {
      const first = firsts.find(({ delivery_id }) => delivery_id === delivery.id);
      return [delivery.id, { delivery, firstAttempt: first?.uuid ?? '' }];
    }),
  );
}

/** Has a delivery that has ended sent again; false when it has not ended. */
export async function reopenDelivery(trx: Trx, id: number, now: number): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('deliveries')
    .set({ status: 'pending', next_attempt_at: now, updated_at: now, reason: 'To be sent again, as asked.' })
    .where('id', '=', id)
    .where('status', 'not in', ['pending', 'sending'])
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Has all deliveries of a hook sent again that failed or were rejected since a time; returns how many. */
export async function reopenFailed(
  trx: Trx,
  options: { hookId: number; since: number; now: number },
): Promise<number> {
  const { numUpdatedRows } = await trx
    .updateTable('deliveries')
    .set({
      status: 'pending',
      next_attempt_at: options.now,
      updated_at: options.now,
      reason: 'To be sent again, as asked.',
    })
    .where('hook_id', '=', options.hookId)
    .where('status', 'in', ['failed', 'rejected'])
    .where('created_at', '>=', options.since)
    .executeTakeFirst();
  return Number(numUpdatedRows);
}
