import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { connect } from '../../src/platform/database/connect.ts';
import { migrate } from '../../src/platform/database/migrate.ts';
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

/**
 * Makes a database of its own with no rows: a new temp folder and, for postgres, a new database, which has been migrated
 * already unless it is to be empty.
 */
export async function createTestDatabase(
  kind: DatabaseKind,
  { isEmpty = false }: { isEmpty?: boolean } = {},
): Promise<TestDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'hookline-data-'));
  const removeFolder = () => rm(folder, { recursive: true, force: true, maxRetries: 3 });
  if (kind === 'sqlite') return { kind, env: { HOOKLINE_DATA: folder }, drop: removeFolder };

  const name = newName();
  const template = process.env.HOOKLINE_TEST_TEMPLATE;
  try {
    await administer(`CREATE DATABASE ${name}${template && !isEmpty ? ` TEMPLATE ${template}` : ''}`);
  } catch (error) {
    await removeFolder();
    throw error;
  }
  const url = await urlOf(name);
  const env = {
    HOOKLINE_DATA: folder,
    DATABASE_URL: url,
    HOOKLINE_SECRET_KEY: randomBytes(32).toString('base64'),
  };
  const drop = async () => {
    await removeFolder();
    await dropDatabase(name);
  };
  return { kind, env, drop };
}

/** Makes a PostgreSQL database in the newest form, with nothing in it: to copy it takes far less than to migrate one. */
export async function createMigrated(): Promise<{ name: string; drop(): Promise<void> }> {
  const name = newName();
  await administer(`CREATE DATABASE ${name}`);
  const connection = await connect({ databaseUrl: await urlOf(name), dataDirectory: tmpdir() });
  try {
    await migrate(connection);
  } finally {
    await connection.close();
  }
  return { name, drop: () => dropDatabase(name) };
}

const newName = () => `hookline_${randomBytes(8).toString('hex')}`;
const dropDatabase = (name: string) => administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);

async function urlOf(name: string): Promise<string> {
  const url = new URL(await testPostgresUrl());
  url.pathname = `/${name}`;
  return url.href;
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
