import type { Insertable, Selectable, Updateable } from 'kysely';
import type { Db, Trx } from '../../platform/database/connect.ts';
import { listPage } from '../../platform/database/listing.ts';
import type { Database } from '../../platform/database/schema.ts';
import type { Listing, Page } from '../../platform/http/pagination.ts';

export type ServerRow = Selectable<Database['servers']>;

/** Null when the environment has a server of that hostname already. */
export async function insertServer(
  db: Db,
  server: Insertable<Database['servers']>,
): Promise<ServerRow | null> {
  const row = await db
    .insertInto('servers')
    .values(server)
    .onConflict((conflict) => conflict.columns(['environment_id', 'hostname']).doNothing())
    .returningAll()
    .executeTakeFirst();
  return row ?? null;
}

export async function findServer(db: Db | Trx, id: number): Promise<ServerRow | undefined> {
  return await db.selectFrom('servers').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function findServers(db: Db | Trx, ids: number[]): Promise<ServerRow[]> {
  if (ids.length === 0) return [];
  return await db.selectFrom('servers').selectAll().where('id', 'in', ids).orderBy('id').execute();
}

export async function listServers(db: Db, environmentId: number, page: Page): Promise<Listing<ServerRow>> {
  const all = db
    .selectFrom('servers')
    .where('environment_id', '=', environmentId)
    .selectAll()
    .orderBy('id', 'desc');
  return await listPage(all, page);
}

export async function updateServer(
  db: Db,
  id: number,
  change: Updateable<Database['servers']>,
): Promise<void> {
  await db.updateTable('servers').set(change).where('id', '=', id).execute();
}

/** Writes the row as it is, so that others who do the same wait for this transaction, on both databases. */
export async function lockServer(trx: Trx, id: number): Promise<ServerRow | undefined> {
  return await trx
    .updateTable('servers')
    .set((eb) => ({ status: eb.ref('status') }))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
}

/** Takes along its variables, pipelines and hooks. */
export async function deleteServer(db: Db, id: number): Promise<void> {
  await db.deleteFrom('servers').where('id', '=', id).execute();
}

/** What a test of the connection has found. */
export async function noteConnection(
  db: Db,
  id: number,
  found: { status: 'ok' | 'failed'; message: string; now: number },
): Promise<void> {
  await db
    .updateTable('servers')
    .set({
      connection_status: found.status,
      connection_message: found.message,
      connection_checked_at: found.now,
    })
    .where('id', '=', id)
    .execute();
}

/** Stores the host key of a server that has none; returns the one that it has then, or null when it is gone. */
export async function pinHostKey(db: Db, id: number, hostKey: string): Promise<string | null> {
  await db
    .updateTable('servers')
    .set({ host_key: hostKey })
    .where('id', '=', id)
    .where('host_key', 'is', null)
    .execute();
  return (await findServer(db, id))?.host_key ?? null;
}
