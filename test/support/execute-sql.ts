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
