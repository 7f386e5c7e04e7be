import { sql } from 'kysely';
import type { Db } from '../platform/database/connect.ts';

const batch = 2000;

/** Removes output and events from before `olderThan`; the actions themselves stay. */
export async function pruneRuns(db: Db, olderThan: number): Promise<void> {
  for (const table of ['step_logs', 'action_events'] as const) {
    for (;;) {
      const { numDeletedRows } = await db
        .deleteFrom(table)
        .where(
          'id',
          'in',
          sql<number>`(select id from (select id, created_at from ${sql.table(table)} order by id limit ${batch}) as oldest where created_at < ${olderThan})`,
        )
        .executeTakeFirstOrThrow();
      if (numDeletedRows < batch) break;
    }
  }
}
