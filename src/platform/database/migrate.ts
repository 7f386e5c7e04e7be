import { sql } from 'kysely';
import { ConfigFault } from '../config-fault.ts';
import type { Connection, Db } from './connect.ts';
import * as firstStorey from './migrations/0001-first-storey.ts';
import * as teams from './migrations/0002-teams.ts';
import * as deliveries from './migrations/0003-deliveries.ts';
import * as incoming from './migrations/0004-incoming.ts';
import * as refusedRequests from './migrations/0005-refused-requests.ts';
import * as deployments from './migrations/0006-deployments.ts';
import * as overview from './migrations/0007-overview.ts';
import * as live from './migrations/0008-live.ts';

export type MigrationContext = { dialect: 'sqlite' | 'postgres' };

type Migration = { name: string; up: (db: Db, context: MigrationContext) => Promise<void> };

/** Forward only, in this order, each once. Add a row; never change one that has been released. */
const migrations: readonly Migration[] = [
  { name: '0001-first-storey', up: firstStorey.up },
  { name: '0002-teams', up: teams.up },
  { name: '0003-deliveries', up: deliveries.up },
  { name: '0004-incoming', up: incoming.up },
  { name: '0005-refused-requests', up: refusedRequests.up },
  { name: '0006-deployments', up: deployments.up },
  { name: '0007-overview', up: overview.up },
  { name: '0008-live', up: live.up },
];

/** An arbitrary number that names "Hookline migrates" among PostgreSQL's advisory locks. */
const migrationLock = 4_866_542;

/**
 * Brings the database to the newest form and returns the names of the migrations it ran. Each runs in a transaction;
 * nodes that start together wait for each other. Throws when the database is newer than the program.
 */
export async function migrate({ db, dialect }: Connection): Promise<string[]> {
  return await db.transaction().execute(async (trx) => {
    if (dialect === 'postgres') {
      // Another node's migration may take as long as it needs.
      await sql`set local lock_timeout = 0`.execute(trx);
      await sql`select pg_advisory_xact_lock(${migrationLock})`.execute(trx);
    }
    // Even `if not exists` fails when two nodes do it at once, so it comes after the lock.
    await sql`create table if not exists migrations (name text primary key, applied_at bigint not null)`.execute(
      trx,
    );
    const { rows } = await sql<{ name: string }>`select name from migrations`.execute(trx);
    const applied = new Set(rows.map((row) => row.name));
    const unknown = [...applied].filter((name) => !migrations.some((migration) => migration.name === name));
    if (unknown.length > 0) {
      throw new ConfigFault(
        `The database was migrated by a newer Hookline (${unknown.join(', ')}). Start that version, or restore a backup made before it.`,
      );
    }
    const done: string[] = [];
    for (const migration of migrations.filter(({ name }) => !applied.has(name))) {
      await migration.up(trx, { dialect });
      await sql`insert into migrations (name, applied_at) values (${migration.name}, ${Date.now()})`.execute(
        trx,
      );
      done.push(migration.name);
    }
    return done;
  });
}

/** True when every migration of this program has run; `/readyz` asks. */
export async function isMigrated({ db }: Pick<Connection, 'db'>): Promise<boolean> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from migrations`.execute(db);
  return Number(rows[0]?.count) === migrations.length;
}
