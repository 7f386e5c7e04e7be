import type { Selectable } from 'kysely';
import type { Db, Trx } from '../platform/database/connect.ts';
import type { Database } from '../platform/database/schema.ts';

/** Where an incoming hook was registered, and as what; `incoming/install/` does it. */
export type InstallationRow = Selectable<Database['hook_installations']>;

export async function findInstallation(db: Db, hookId: number): Promise<InstallationRow | undefined> {
  return await db
    .selectFrom('hook_installations')
    .selectAll()
    .where('hook_id', '=', hookId)
    .executeTakeFirst();
}

/** By the id of the hook; those that are not installed are not in it. */
export async function installationsOfHooks(db: Db, hookIds: number[]): Promise<Map<number, InstallationRow>> {
  if (hookIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('hook_installations')
    .selectAll()
    .where('hook_id', 'in', hookIds)
    .execute();
  return new Map(rows.map((row) => [row.hook_id, row]));
}

/** In place of the one before it, if there was one. */
export async function saveInstallation(trx: Trx, installation: InstallationRow): Promise<void> {
  const { hook_id: _, ...columns } = installation;
  await trx
    .insertInto('hook_installations')
    .values(installation)
    .onConflict((conflict) => conflict.column('hook_id').doUpdateSet(columns))
    .execute();
}

/** Doing it twice does no harm. */
export async function forgetInstallation(trx: Trx, hookId: number): Promise<void> {
  await trx.deleteFrom('hook_installations').where('hook_id', '=', hookId).execute();
}

/** The names of the events, in the provider's own words. */
export function eventsOf({ events }: InstallationRow): string[] {
  // Safe: `saveInstallation` is only given a list of texts.
  return JSON.parse(events) as string[];
}
