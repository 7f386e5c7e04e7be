import type { Selectable } from 'kysely';
import type { Db, Trx } from '../platform/database/connect.ts';
import type { Database } from '../platform/database/schema.ts';
import { predefinedRoles, roleKeys, type RoleKey } from './permissions.ts';

export type RoleRow = Selectable<Database['roles']>;

/** Each organization has its own rows of the predefined roles, so that one permission check serves all roles. */
export async function insertPredefinedRoles(trx: Trx, organizationId: number, now: number): Promise<void> {
  await trx
    .insertInto('roles')
    .values(
      roleKeys.map((key) => ({
        organization_id: organizationId,
        key,
        name: key,
        description: predefinedRoles[key].description,
        permissions: null,
        created_by: null,
        created_at: now,
        updated_at: now,
      })),
    )
    .execute();
}

/** Makes somebody a member of an organization directly, without a team. */
export async function insertMembership(
  trx: Trx,
  membership: { organizationId: number; userId: number; role: RoleKey; now: number },
): Promise<void> {
  await trx
    .insertInto('memberships')
    .values({
      organization_id: membership.organizationId,
      user_id: membership.userId,
      role: membership.role,
      created_at: membership.now,
    })
    .execute();
}

export async function findRole(db: Db | Trx, id: number): Promise<RoleRow | undefined> {
  return await db.selectFrom('roles').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function findRoles(db: Db | Trx, ids: readonly number[]): Promise<RoleRow[]> {
  if (ids.length === 0) return [];
  return await db
    .selectFrom('roles')
    .selectAll()
    .where('id', 'in', [...new Set(ids)])
    .execute();
}
