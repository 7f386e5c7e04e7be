import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { Client } from 'pg';
import type { TestDatabase } from './database.ts';

/** Runs one statement on a test database past the program, as a fault or an operator would. */
export async function executeSql(database: TestDatabase, statement: string): Promise<void> {
  if (database.kind === 'sqlite') {
    const file = new SqliteDatabase(join(database.env.HOOKLINE_DATA ?? '', 'hookline.db'), { timeout: 5000 });
    try {
      file.exec(statement);
    } finally {
      file.close();
    }
    return;
  }
  const client = new Client({ connectionString: database.env.DATABASE_URL });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** The rows of one query on a test database, past the program. */
export async function queryRows<Row extends Record<string, unknown>>(
  database: TestDatabase,
  query: string,
): Promise<Row[]> {
  if (database.kind === 'sqlite') {
    const file = new SqliteDatabase(join(database.env.HOOKLINE_DATA ?? '', 'hookline.db'), {
      readonly: true,
    });
    try {
      return file.prepare<[], Row>(query).all();
    } finally {
      file.close();
    }
  }
  const client = new Client({ connectionString: database.env.DATABASE_URL });
  await client.connect();
  try {
    return (await client.query<Row>(query)).rows;
  } finally {
    await client.end();
  }
}
