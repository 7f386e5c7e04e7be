import { sql } from 'kysely';
import { systemClock } from '../clock.ts';
import { ConfigFault } from '../config-fault.ts';
import { AppError } from '../errors.ts';
import { sealedPrefix, type SecretBox } from '../secret-box.ts';
import type { Db } from './connect.ts';
import { sealedColumns } from './sealed-columns.ts';

type Column = (typeof sealedColumns)[number];

/** How many values a column holds under one key. */
export type SealedCount = { column: string; keyId: string; count: number };

export type ResealResult = {
  /** By column, e.g. `hooks.secret_sealed`; a column of which nothing was to do counts 0. */
  changed: { column: string; count: number }[];
  /** What could not be opened and was left as it is, e.g. `hooks.secret_sealed of id 7`. */
  broken: string[];
};

/** One transaction holds the write lock of SQLite, for which a serving process waits, so it is short. */
const batchRows = 50;
const pauseMs = 5;
/** Each pass finds only what was changed during the one before it, so that a few are enough by far. */
const mostPasses = 50;

/**
 * Seals every value again that is not sealed with the current key, in batches, while others may read and write: a value
 * that was changed meanwhile is left to the next pass. Returns after a whole pass that found nothing more to do. Each
 * batch stands by itself, so it may be interrupted anywhere and called again. Throws ConfigFault when it finds no end.
 */
export async function reseal(db: Db, box: SecretBox): Promise<ResealResult> {
  const changed = new Map(sealedColumns.map((column) => [nameOf(column), 0]));
  const broken = new Set<string>();
  for (let pass = 1; ; pass++) {
    let found = 0;
    for (const column of sealedColumns) {
      const result = await resealColumn(db, box, column, broken);
      found += result.found;
      changed.set(nameOf(column), changed.get(nameOf(column))! + result.changed);
    }
    if (found === 0) break;
    if (pass === mostPasses) {
      throw new ConfigFault(
        'A running server goes on sealing secrets with another key than the first one given here. Give it the same keys in the same order, restart it, and run this again.',
      );
    }
  }
  return {
    changed: [...changed].map(([column, count]) => ({ column, count })),
    broken: [...broken],
  };
}

async function resealColumn(
  db: Db,
  box: SecretBox,
  column: Column,
  broken: Set<string>,
): Promise<{ found: number; changed: number }> {
  const { purpose } = column;
  const prefix = sealedPrefix(box.keyIds()[0]);
  let found = 0;
  let changed = 0;
  for (let after: Key | null = null; ;) {
    const rows: SealedRow[] = await nextRows(db, column, prefix, after);
    after = rows.at(-1)?.key ?? null;
    if (after === null) return { found, changed };
    const replacements = rows.flatMap(({ key, sealed }) => {
      try {
        return [{ key, old: sealed, replacement: box.seal(box.open(sealed, purpose), purpose) }];
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        broken.add(`${nameOf(column)} of ${column.key} ${key}`);
        return [];
      }
    });
    found += replacements.length;
    changed += await replace(db, column, replacements);
    await systemClock.sleep(pauseMs);
  }
}

type Key = number | string;
type SealedRow = { key: Key; sealed: string };

async function nextRows(db: Db, column: Column, prefix: string, after: Key | null): Promise<SealedRow[]> {
  const { table, key, sealed } = refs(column);
  // Not by LIKE: a key id may hold its wildcard.
  const query = sql<SealedRow>`
    select ${key} as key, ${sealed} as sealed from ${table}
    where substr(${sealed}, 1, ${sql.lit(prefix.length)}) <> ${prefix}
    ${after === null ? sql`` : sql`and ${key} > ${after}`}
    order by ${key} limit ${sql.lit(batchRows)}`;
  return (await query.execute(db)).rows;
}

/** Compares and sets: what another process has written since we read it stays. */
async function replace(
  db: Db,
  column: Column,
  rows: { key: Key; old: string; replacement: string }[],
): Promise<number> {
  const { table, key, sealed } = refs(column);
  return await db.transaction().execute(async (trx) => {
    let changed = 0;
    for (const row of rows) {
      const query = sql`
        update ${table} set ${sealed} = ${row.replacement} where ${key} = ${row.key} and ${sealed} = ${row.old}`;
      changed += Number((await query.execute(trx)).numAffectedRows ?? 0n);
    }
    return changed;
  });
}

/** How many values each key has sealed, by column; `unknown` stands for values of no known form. */
export async function countSealed(db: Db): Promise<SealedCount[]> {
  const counts: SealedCount[] = [];
  for (const column of sealedColumns) {
    const { table, sealed } = refs(column);
    const { rows } = await sql<{ prefix: string; count: number }>`
      select substr(${sealed}, 1, ${sql.lit(sealedPrefix('........').length)}) as prefix, count(*) as count
      from ${table} where ${sealed} is not null group by 1 order by 1`.execute(db);
    counts.push(
      ...rows.map(({ prefix, count }) => ({
        column: nameOf(column),
        keyId: /^v1\.([\w-]{8})\.$/.exec(prefix)?.[1] ?? 'unknown',
        count,
      })),
    );
  }
  return counts;
}

function refs({ table, key, column }: Column) {
  return { table: sql.table(table), key: sql.ref(key), sealed: sql.ref(column) };
}

function nameOf({ table, column }: Column): string {
  return `${table}.${column}`;
}
