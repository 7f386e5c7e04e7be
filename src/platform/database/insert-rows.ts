import { CompiledQuery } from 'kysely';
import type { Connection, Trx } from './connect.ts';
import type { Database } from './schema.ts';

/**
 * Inserts many rows in one statement, whose text is made once per number of rows. For the hot paths: there Kysely spends
 * more time on writing such a statement than the database on running it. Each row holds the values of `columns`, in order.
 */
export function createRowInserter<Table extends keyof Database>(
  dialect: Connection['dialect'],
  table: Table,
  columns: readonly (keyof Database[Table] & string)[],
  returning: string | null = null,
): (trx: Trx, rows: readonly (readonly unknown[])[]) => Promise<unknown[]> {
  const texts = new Map<number, string>();
  const textFor = (count: number): string => {
    const known = texts.get(count);
    if (known) return known;
    let place = 0;
    const one = () => `(${columns.map(() => (dialect === 'postgres' ? `$${++place}` : '?')).join(', ')})`;
    const text =
      `insert into ${table} (${columns.join(', ')}) values ${Array.from({ length: count }, one).join(', ')}` +
      (returning === null ? '' : ` returning ${returning}`);
    texts.set(count, text);
    return text;
  };
  return async (trx, rows) => {
    if (rows.length === 0) return [];
    const result = await trx.executeQuery<unknown>(CompiledQuery.raw(textFor(rows.length), rows.flat()));
    return result.rows;
  };
}
