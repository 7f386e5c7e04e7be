import { PostgresAdapter, sql, type RawBuilder } from 'kysely';
import type { Db } from './connect.ts';

/** A field, named by its path, of a column that holds a JSON object, as text; null when it is not there. */
export function jsonText(db: Db, column: string, ...path: string[]): RawBuilder<string | null> {
  const isPostgres = db.getExecutor().adapter instanceof PostgresAdapter;
  return isPostgres
    ? sql`(${sql.ref(column)}::json #>> ${sql.lit(`{${path.join(',')}}`)})`
    : sql`(${sql.ref(column)} ->> ${sql.lit(`$.${path.join('.')}`)})`;
}
