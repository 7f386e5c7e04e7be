import { sql } from 'kysely';
import type { Db } from '../platform/database/connect.ts';

const batch = 2000;

/** Removes deliveries that ended before `olderThan`, with their attempts. One that is still open stays. */
export async function pruneDeliveries(db: Db, olderThan: number): Promise<void> {
  for (;;) {
    const { numDeletedRows } = await db
      .deleteFrom('deliveries')
      .where('status', 'not in', ['pending', 'sending'])
      .where(
        'id',
        'in',
        sql<number>`(select id from (select id, created_at from deliveries order by id limit ${batch}) as oldest where created_at < ${olderThan})`,
      )
      .executeTakeFirstOrThrow();
    if (numDeletedRows < batch) return;
  }
}
