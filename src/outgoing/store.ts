import { sql, type Selectable } from 'kysely';
import type { Db } from '../platform/database/connect.ts';
import { listPage } from '../platform/database/listing.ts';
import type { Database } from '../platform/database/schema.ts';
import type { Listing, Page } from '../platform/http/pagination.ts';
import type { DeliveryRow } from './claim.ts';

export type AttemptRow = Selectable<Database['delivery_attempts']>;

/** A delivery with the time before which its hook sends nothing, and the earlier one of its action that it waits for. */
export type ListedDeliveryRow = DeliveryRow & { blocked_until: number | null; behind: string | null };

const withBlock = (db: Db) =>
  db
    .selectFrom('deliveries')
    .leftJoin('hook_health', 'hook_health.hook_id', 'deliveries.hook_id')
    .selectAll('deliveries')
    .select('hook_health.blocked_until')
    // Index: deliveries_order.
    .select(
      sql<string | null>`case when deliveries.status = 'pending' then (
        select earlier.event from deliveries earlier where earlier.status in ('pending', 'sending')
          and earlier.hook_id = deliveries.hook_id and earlier.action_id = deliveries.action_id
          and earlier.id < deliveries.id order by earlier.id limit 1) end`.as('behind'),
    );

export type DeliveryFilter = ({ hookId: number } | { actionId: number }) & {
  status?: DeliveryRow['status'] | undefined;
};

export async function listDeliveries(
  db: Db,
  filter: DeliveryFilter,
  page: Page,
): Promise<Listing<ListedDeliveryRow>> {
  let all = withBlock(db).orderBy('deliveries.id', 'desc');
  if (filter.status !== undefined) all = all.where('deliveries.status', '=', filter.status);
  return await listPage(
    'hookId' in filter
      ? all.where('deliveries.hook_id', '=', filter.hookId)
      : all.where('deliveries.action_id', '=', filter.actionId),
    page,
  );
}

export async function findDelivery(
  db: Db,
  hookId: number,
  uuid: string,
): Promise<ListedDeliveryRow | undefined> {
  return await withBlock(db)
    .where('deliveries.uuid', '=', uuid.toLowerCase())
    .where('deliveries.hook_id', '=', hookId)
    .executeTakeFirst();
}

/** The attempts of one delivery, the first one first. */
export async function attemptsOfDelivery(db: Db, deliveryId: number): Promise<AttemptRow[]> {
  return await db
    .selectFrom('delivery_attempts')
    .selectAll()
    .where('delivery_id', '=', deliveryId)
    .orderBy('attempt')
    .orderBy('id')
    .execute();
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
): Promise<Map<number, { delivery: ListedDeliveryRow; firstAttempt: string }>> {
  const ids = [...new Set(attempts.map((attempt) => attempt.delivery_id))];
  if (ids.length === 0) return new Map();
  const deliveries = await withBlock(db).where('deliveries.id', 'in', ids).execute();
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
