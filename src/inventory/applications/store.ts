import type { Insertable, Selectable, Updateable } from 'kysely';
import type { Db, Trx } from '../../platform/database/connect.ts';
import { listPage } from '../../platform/database/listing.ts';
import type { Database } from '../../platform/database/schema.ts';
import type { Listing, Page } from '../../platform/http/pagination.ts';

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

export async function listApplications(
  db: Db,
  environmentId: number,
  page: Page,
): Promise<Listing<ApplicationRow>> {
  const all = db
    .selectFrom('applications')
    .where('environment_id', '=', environmentId)
    .selectAll()
    .orderBy('id', 'desc');
  return await listPage(all, page);
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
