import type { Insertable, Updateable } from 'kysely';
import type { RoleRow } from '../../accounts/roles.ts';
import type { Db, Trx } from '../../platform/database/connect.ts';
import { listPage } from '../../platform/database/listing.ts';
import type { Database } from '../../platform/database/schema.ts';
import type { Listing, Page } from '../../platform/http/pagination.ts';

export async function listRoles(db: Db, organizationId: number, page: Page): Promise<Listing<RoleRow>> {
  const all = db
    .selectFrom('roles')
    .where('organization_id', '=', organizationId)
    .selectAll()
    .orderBy('id', 'desc');
  return await listPage(all, page);
}

export async function insertRole(trx: Trx, role: Insertable<Database['roles']>): Promise<RoleRow> {
  return await trx.insertInto('roles').values(role).returningAll().executeTakeFirstOrThrow();
}

export async function updateRole(trx: Trx, id: number, change: Updateable<Database['roles']>): Promise<void> {
  await trx.updateTable('roles').set(change).where('id', '=', id).execute();
}

/** Takes along the revoked tokens that had it: they can do nothing any more. */
export async function deleteRole(trx: Trx, id: number): Promise<void> {
  await trx
    .deleteFrom('project_api_tokens')
    .where('role_id', '=', id)
    .where('revoked_at', 'is not', null)
    .execute();
  await trx.deleteFrom('roles').where('id', '=', id).execute();
}

/** The first few that hold a role. A revoked token holds nothing. */
export async function holdersOf(trx: Trx, roleId: number): Promise<string[]> {
  const teams = await trx
    .selectFrom('team_links')
    .innerJoin('teams', 'teams.id', 'team_links.team_id')
    .select('teams.name')
    .distinct()
    .where('team_links.role_id', '=', roleId)
    .limit(5)
    .execute();
  const tokens = await trx
    .selectFrom('project_api_tokens')
    .select('name')
    .where('role_id', '=', roleId)
    .where('revoked_at', 'is', null)
    .limit(5)
    .execute();
  return [...teams.map(({ name }) => `team "${name}"`), ...tokens.map(({ name }) => `API token "${name}"`)];
}
