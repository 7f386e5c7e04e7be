import { sql, type ExpressionBuilder, type Insertable, type Selectable, type Updateable } from 'kysely';
import type { Scope } from '../../accounts/scopes.ts';
import type { TeamRow } from '../../accounts/teams.ts';
import type { UserRow } from '../../accounts/store.ts';
import type { Db, Trx } from '../../platform/database/connect.ts';
import { listPage } from '../../platform/database/listing.ts';
import type { Database } from '../../platform/database/schema.ts';
import type { Listing, Page } from '../../platform/http/pagination.ts';

export type TeamLinkRow = Selectable<Database['team_links']>;
export type MemberRow = Selectable<Database['team_members']>;

export async function findTeam(db: Db | Trx, id: number): Promise<TeamRow | undefined> {
  return await db.selectFrom('teams').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function findTeams(db: Db, ids: readonly number[]): Promise<TeamRow[]> {
  if (ids.length === 0) return [];
  return await db
    .selectFrom('teams')
    .selectAll()
    .where('id', 'in', [...new Set(ids)])
    .execute();
}

export async function listTeams(db: Db, organizationId: number, page: Page): Promise<Listing<TeamRow>> {
  const all = db
    .selectFrom('teams')
    .where('organization_id', '=', organizationId)
    .selectAll()
    .orderBy('id', 'desc');
  return await listPage(all, page);
}

export async function insertTeam(trx: Trx, team: Insertable<Database['teams']>): Promise<TeamRow> {
  return await trx.insertInto('teams').values(team).returningAll().executeTakeFirstOrThrow();
}

export async function updateTeam(trx: Trx, id: number, change: Updateable<Database['teams']>): Promise<void> {
  await trx.updateTable('teams').set(change).where('id', '=', id).execute();
}

/** Takes along its members, invitations and roles. */
export async function deleteTeam(trx: Trx, id: number): Promise<void> {
  await trx.deleteFrom('teams').where('id', '=', id).execute();
}

/** False when the user was a member already. */
export async function insertMember(
  trx: Trx,
  member: { teamId: number; userId: number; now: number },
): Promise<boolean> {
  const row = await trx
    .insertInto('team_members')
    .values({
      team_id: member.teamId,
      user_id: member.userId,
      created_at: member.now,
      updated_at: member.now,
    })
    .onConflict((conflict) => conflict.columns(['team_id', 'user_id']).doNothing())
    .returning('team_id')
    .executeTakeFirst();
  return row !== undefined;
}

export async function listMembers(db: Db, teamId: number, page: Page): Promise<Listing<MemberRow>> {
  const all = db
    .selectFrom('team_members')
    .where('team_id', '=', teamId)
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('user_id', 'desc');
  return await listPage(all, page);
}

/** The accounts of a team, at most 100 of them. */
export async function usersOf(db: Db, teamId: number): Promise<UserRow[]> {
  return await db
    .selectFrom('users')
    .innerJoin('team_members', 'team_members.user_id', 'users.id')
    .where('team_members.team_id', '=', teamId)
    .selectAll('users')
    .orderBy('users.id')
    .limit(100)
    .execute();
}

export async function findMember(
  db: Db | Trx,
  member: { teamId: number; userId: number },
): Promise<MemberRow | undefined> {
  return await db
    .selectFrom('team_members')
    .selectAll()
    .where('team_id', '=', member.teamId)
    .where('user_id', '=', member.userId)
    .executeTakeFirst();
}

export async function deleteMember(trx: Trx, member: { teamId: number; userId: number }): Promise<void> {
  await trx
    .deleteFrom('team_members')
    .where('team_id', '=', member.teamId)
    .where('user_id', '=', member.userId)
    .execute();
}

/** Every place where a team has a role. */
export async function linksOfTeam(db: Db | Trx, teamId: number): Promise<TeamLinkRow[]> {
  return await db.selectFrom('team_links').selectAll().where('team_id', '=', teamId).execute();
}

export async function listLinks(
  db: Db,
  filter: { teamId: number } | { place: Scope },
  page: Page,
): Promise<Listing<TeamLinkRow>> {
  const all = db.selectFrom('team_links').selectAll().orderBy('id', 'desc');
  if ('teamId' in filter) return await listPage(all.where('team_id', '=', filter.teamId), page);
  return await listPage(
    all.where(isThere(filter.place)).where('organization_id', '=', filter.place.organizationId),
    page,
  );
}

/** Gives a team a role in a place; the one it had there is replaced. */
export async function linkTeam(
  trx: Trx,
  link: { teamId: number; place: Scope; roleId: number; now: number },
): Promise<void> {
  const [[, project_id], [, environment_id]] = linkColumns(link.place);
  await trx
    .insertInto('team_links')
    .values({
      team_id: link.teamId,
      organization_id: link.place.organizationId,
      project_id,
      environment_id,
      role_id: link.roleId,
      created_at: link.now,
      updated_at: link.now,
    })
    // Index: team_links_place. Two who do this at once leave one role behind.
    .onConflict((conflict) =>
      conflict
        .expression(sql`team_id, coalesce(project_id, 0), coalesce(environment_id, 0)`)
        .doUpdateSet({ role_id: link.roleId, updated_at: link.now }),
    )
    .execute();
}

/** False when the team had no role there. */
export async function unlinkTeam(trx: Trx, link: { teamId: number; place: Scope }): Promise<boolean> {
  const { numDeletedRows } = await trx
    .deleteFrom('team_links')
    .where('team_id', '=', link.teamId)
    .where('organization_id', '=', link.place.organizationId)
    .where(isThere(link.place))
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

function isThere(place: Scope) {
  return (eb: ExpressionBuilder<Database, 'team_links'>) =>
    // PostgreSQL compares with null by `is` alone, and with nothing else by it.
    eb.and(linkColumns(place).map(([name, value]) => eb(name, value === null ? 'is' : '=', value)));
}

/** A link names the innermost place alone: an environment's has no project. */
function linkColumns({
  projectId,
  environmentId,
}: Scope): [['project_id', number | null], ['environment_id', number | null]] {
  return [
    ['project_id', environmentId === null ? projectId : null],
    ['environment_id', environmentId],
  ];
}
