import { PostgresAdapter, sql } from 'kysely';
import type { Trx } from './connect.ts';
import type { Database } from './schema.ts';

/**
 * Keeps others from changing a row, and from adding rows that refer to it, until the transaction ends. With SQLite, whose
 * transactions write one at a time, that is so anyway.
 */
export async function lockRow(trx: Trx, table: keyof Database, id: number): Promise<void> {
  if (!(trx.getExecutor().adapter instanceof PostgresAdapter)) return;
  await sql`select 1 from ${sql.table(table)} where id = ${id} for update`.execute(trx);
}
