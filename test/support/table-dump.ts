import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { Client } from 'pg';
import type { TestDatabase } from './database.ts';

/**
 * Every row of every table, its values as text after the table's name; bytes as Latin-1. Without the tables and columns
 * named in `except`.
 */
export async function dumpTables(database: TestDatabase, except: readonly string[] = []): Promise<string> {
  const rows = database.kind === 'sqlite' ? dumpSqlite(database) : await dumpPostgres(database);
  const valuesOf = (row: Record<string, unknown>) =>
    Object.entries(row).flatMap(([column, value]) => (except.includes(column) ? [] : [String(value)]));
  // Not as JSON, whose escapes would hide what is searched for.
  return rows
    .filter(([table]) => !except.includes(table))
    .map(([table, row]) => `${table} ${valuesOf(row).join(' ')}`)
    .join('\n');
}

function dumpSqlite({ env }: TestDatabase): [string, Record<string, unknown>][] {
  const file = new SqliteDatabase(join(env.HOOKLINE_DATA ?? '', 'hookline.db'), { readonly: true });
  try {
    const tables = file
      .prepare<[], string>(`select name from sqlite_master where type = 'table'`)
      .pluck()
      .all();
    return tables.flatMap((table) =>
      file
        .prepare<[], Record<string, unknown>>(`select * from "${table}"`)
        .all()
        .map((row): [string, Record<string, unknown>] => [table, bytesOf(row)]),
    );
  } finally {
    file.close();
  }
}

async function dumpPostgres({ env }: TestDatabase): Promise<[string, Record<string, unknown>][]> {
  const client = new Client({ connectionString: env.DATABASE_URL });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select tablename as name from pg_tables where schemaname = 'public'`,
    );
    const all: [string, Record<string, unknown>][] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<Record<string, unknown>>(`select * from "${name}"`);
      all.push(...rows.map((row): [string, Record<string, unknown>] => [name, bytesOf(row)]));
    }
    return all;
  } finally {
    await client.end();
  }
}

function bytesOf(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [
      column,
      value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
    ]),
  );
}
