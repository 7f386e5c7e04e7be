import { sql, type RawBuilder } from 'kysely';
import type { Db } from './connect.ts';
import type { Database } from './schema.ts';

const batch = 2000;

/**
 * Removes the rows of a table from before `olderThan` (ms since 1970), but for those that `keep` holds for. In small
 * batches, so that nobody waits long for the database.
 */
export async function pruneOlderThan(
  db: Db,
  table: keyof Database,
  olderThan: number,
  keep: RawBuilder<unknown> = sql`1 = 0`,
): Promise<void> {
  for (;;) {
    // Ids rise with time, so the oldest rows are at the beginning of the table.
    const { numAffectedRows = 0n } = await sql`delete from ${sql.table(table)} where not (${keep}) and id in (
      select id from (select id, created_at from ${sql.table(table)} order by id limit ${batch}) as oldest
      where created_at < ${olderThan})`.execute(db);
    if (numAffectedRows < batch) return;
  }
}
