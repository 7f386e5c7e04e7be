import { sql } from 'kysely';
import type { Db } from '../platform/database/connect.ts';

const batch = 2000;

/** Removes records of requests from before `olderThan`, in small batches so that nobody waits long. */
export async function pruneRequests(db: Db, olderThan: number): Promise<void> {
  for (const table of ['hook_requests', 'request_payloads'] as const) {
    for (;;) {
      const { numDeletedRows } = await db
        .deleteFrom(table)
        .where(
          'id',
          'in',
          // Ids rise with time, so the oldest rows are at the beginning of the table.
          sql<number>`(select id from (select id, created_at from ${sql.table(table)} order by id limit ${batch}) as oldest where created_at < ${olderThan})`,
        )
        .executeTakeFirstOrThrow();
      if (numDeletedRows < batch) break;
    }
  }
}

/** Anyone can cause refused requests, so only the last hundred of a hook are kept. */
export async function pruneRefused(db: Db, hookId: number): Promise<void> {
  await sql`delete from hook_requests where hook_id = ${hookId} and outcome = 'refused' and id <= (
    select id from hook_requests where hook_id = ${hookId} and outcome = 'refused' order by id desc limit 1 offset 100)`.execute(
    db,
  );
}
