import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { testPostgresUrl } from './postgres.ts';

export type DatabaseKind = 'sqlite' | 'postgres';

/** For suites that promise the same of both databases: `for (const kind of databaseKinds) …`. */
export const databaseKinds: readonly DatabaseKind[] = ['sqlite', 'postgres'];

export type TestDatabase = {
  kind: DatabaseKind;
  /** What the program needs in its environment to use it: HOOKLINE_DATA, and for postgres DATABASE_URL
   * and HOOKLINE_SECRET_KEY. */
  env: Record<string, string>;
  /** Removes the folder and the database, connected clients or not. Safe to call twice. */
  drop(): Promise<void>;
};

/** Makes an empty database of its own: a new temp folder and, for postgres, a new database. */
export async function createTestDatabase(kind: DatabaseKind): Promise<TestDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'hookline-data-'));
  const removeFolder = () => rm(folder, { recursive: true, force: true, maxRetries: 3 });
  if (kind === 'sqlite') return { kind, env: { HOOKLINE_DATA: folder }, drop: removeFolder };

  const name = `hookline_${randomBytes(8).toString('hex')}`;
  try {
    await administer(`CREATE DATABASE ${name}`);
  } catch (error) {
    await removeFolder();
    throw error;
  }
  const url = new URL(await testPostgresUrl());
  url.pathname = `/${name}`;
  const env = {
    HOOKLINE_DATA: folder,
    DATABASE_URL: url.href,
    HOOKLINE_SECRET_KEY: randomBytes(32).toString('base64'),
  };
  const drop = async () => {
    await removeFolder();
    await administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  };
  return { kind, env, drop };
}

async function administer(statement: string): Promise<void> {
  const client = new Client({ connectionString: await testPostgresUrl() });
  try {
    await client.connect();
    await client.query(statement);
  } finally {
    await client.end();
  }
}
