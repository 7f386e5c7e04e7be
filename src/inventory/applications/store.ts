import { sql, type Insertable, type Selectable, type Updateable } from 'kysely';
import type { Db, Trx } from '../../platform/database/connect.ts';
import { holdsText } from '../../platform/database/holds-text.ts';
import { listPage } from '../../platform/database/listing.ts';
import type { Database } from '../../platform/database/schema.ts';
import type { Listing, Page } from '../../platform/http/pagination.ts';
import type { ServerRow } from '../servers/store.ts';

export type ApplicationRow = Selectable<Database['applications']>;

/** Null when the environment has an application of that name already. */
export async function insertApplication(
  db: Db,
  application: Insertable<Database['applications']>,
): Promise<ApplicationRow | null> {
  const row = await db
    .insertInto('applications')
    .values(application)
    .onConflict((conflict) => conflict.columns(['environment_id', 'name']).doNothing())
    .returningAll()
    .executeTakeFirst();
  return row ?? null;
}

export async function findApplication(db: Db | Trx, id: number): Promise<ApplicationRow | undefined> {
  return await db.selectFrom('applications').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function findApplications(db: Db, ids: number[]): Promise<ApplicationRow[]> {
  if (ids.length === 0) return [];
  return await db
    .selectFrom('applications')
    .selectAll()
    .where('id', 'in', [...new Set(ids)])
    .execute();
}

export async function nameIsTaken(
  db: Db,
  environmentId: number,
  name: string,
  exceptId: number,
): Promise<boolean> {
  const row = await db
    .selectFrom('applications')
    .select('id')
    .where('environment_id', '=', environmentId)
    .where('name', '=', name)
    .where('id', '!=', exceptId)
    .executeTakeFirst();
  return row !== undefined;
}

/** `name` is a part of the name, in whatever case. */
export async function listApplications(
  db: Db,
  filter: { environmentId: number; name: string | undefined },
  page: Page,
): Promise<Listing<ApplicationRow>> {
  let found = db
    .selectFrom('applications')
    .where('environment_id', '=', filter.environmentId)
    .selectAll()
    .orderBy('id', 'desc');
  const { name } = filter;
  if (name !== undefined) found = found.where(holdsText(sql.ref('name'), name));
  return await listPage(found, page);
}

export async function updateApplication(
  db: Db,
  id: number,
  change: Updateable<Database['applications']>,
): Promise<void> {
  await db.updateTable('applications').set(change).where('id', '=', id).execute();
}

/** Takes along its variables, pipelines and hooks; the records of what ran stay. */
export async function deleteApplication(db: Db, id: number): Promise<void> {
  await db.deleteFrom('applications').where('id', '=', id).execute();
}

/** The servers that an application runs on, in the order of their ids. */
export async function linkedServers(db: Db | Trx, applicationId: number): Promise<ServerRow[]> {
  return await db
    .selectFrom('servers')
    .innerJoin('application_servers', 'application_servers.server_id', 'servers.id')
    .where('application_servers.application_id', '=', applicationId)
    .selectAll('servers')
    .orderBy('servers.id')
    .execute();
}

/** The applications that run on a server, in the order of their ids. */
export async function linkedApplications(db: Db | Trx, serverId: number): Promise<ApplicationRow[]> {
  return await db
    .selectFrom('applications')
    .innerJoin('application_servers', 'application_servers.application_id', 'applications.id')
    .where('application_servers.server_id', '=', serverId)
    .selectAll('applications')
    .orderBy('applications.id')
    .execute();
}

/** Doing it twice does no harm. */
export async function linkServer(trx: Trx, link: { applicationId: number; serverId: number }): Promise<void> {
  await trx
    .insertInto('application_servers')
    .values({ application_id: link.applicationId, server_id: link.serverId })
    .onConflict((conflict) => conflict.columns(['application_id', 'server_id']).doNothing())
    .execute();
}

/** False when they were not linked. */
export async function unlinkServer(
  trx: Trx,
  link: { applicationId: number; serverId: number },
): Promise<boolean> {
  const { numDeletedRows } = await trx
    .deleteFrom('application_servers')
    .where('application_id', '=', link.applicationId)
    .where('server_id', '=', link.serverId)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}
