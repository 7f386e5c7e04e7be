import { CompiledQuery, type Compilable } from 'kysely';
import type { Db } from './connect.ts';

/**
 * A query over `n` rows, whose text is built once for each `n` and then run with other values. Building the text of
 * an insert of fifty rows costs Kysely more than running it costs SQLite, so the accept path uses this.
 *
 * `build` gets the rows to fill in and must use each of their values once, row by row, in the order of `columns`.
 */
export function compileByCount<Row extends object, Result>(
  columns: readonly (keyof Row & string)[],
  build: (db: Db, rows: Row[]) => Compilable<Result>,
): (db: Db, rows: Row[]) => Promise<Result[]> {
  // By database: the text is not the same for both.
  const byDatabase = new WeakMap<object, Map<number, string>>();
  return async (db, rows) => {
    if (rows.length === 0) return [];
    const database = db.getExecutor().adapter;
    const texts = byDatabase.get(database) ?? new Map<number, string>();
    byDatabase.set(database, texts);
    let text = texts.get(rows.length);
    if (text === undefined) {
      const compiled = build(db, rows.map((row) => pick(row, columns)) as Row[]).compile();
      if (compiled.parameters.length !== rows.length * columns.length) {
        throw new Error('compileByCount: the query does not use each value once');
      }
      // No more of it than that: it holds the values it was built with.
      text = compiled.sql;
      texts.set(rows.length, text);
    }
    const parameters = rows.flatMap((row) => columns.map((column) => row[column]));
    const { rows: results } = await db.executeQuery<Result>(CompiledQuery.raw(text, parameters));
    return results;
  };
}

function pick<Row extends object>(row: Row, columns: readonly (keyof Row & string)[]): object {
  return Object.fromEntries(columns.map((column) => [column, row[column]]));
}
