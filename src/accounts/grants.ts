import { sql } from 'kysely';
import type { Db } from '../platform/database/connect.ts';
import { AppError } from '../platform/errors.ts';
import type { Principal } from './authenticate.ts';
import { permissionsOf, type Permission } from './permissions.ts';
import type { Scope } from './scopes.ts';

/**
 * What somebody may do in one place and everywhere below it: an environment, else (with `environmentId` null) a
 * project, else (with both null) a whole organization.
 */
export type Grant = Scope & { permissions: readonly Permission[] };

type Row = Scope & { key: string | null; permissions: string | null };

/** Everything that the caller has been granted: by its own membership and by its teams, or as a project's token. */
export async function grantsOf(db: Db, principal: Principal): Promise<Grant[]> {
  const query =
    principal.via === 'project_api_token'
      ? sql<Row>`select p.organization_id as "organizationId", p.id as "projectId", null as "environmentId", r.key, r.permissions
          from project_api_tokens t join roles r on r.id = t.role_id join projects p on p.id = t.project_id
          where t.id = ${principal.tokenId}`
      : sql<Row>`select m.organization_id as "organizationId", null as "projectId", null as "environmentId", r.key, r.permissions
          from memberships m join roles r on r.organization_id = m.organization_id and r.key = m.role
          where m.user_id = ${principal.userId}
        union all
        select l.organization_id, coalesce(l.project_id, e.project_id), l.environment_id, r.key, r.permissions
          from team_members x join team_links l on l.team_id = x.team_id join roles r on r.id = l.role_id
          left join environments e on e.id = l.environment_id
          where x.user_id = ${principal.userId}`;
  const { rows } = await query.execute(db);
  const grants = rows.map(({ organizationId, projectId, environmentId, ...role }) => ({
    organizationId,
    projectId,
    environmentId,
    permissions: permissionsOf(role),
  }));
  // A role that this version knows nothing of does not even make the places above it visible.
  return grants.filter((grant) => grant.permissions.length > 0);
}

/**
 * The permissions in one place. Whoever has a role somewhere below it may see the place itself, and nothing else of
 * it. Empty when the place is none of the caller's business.
 */
export function permissionsAt(grants: readonly Grant[], place: Scope): Permission[] {
  const granted = new Set<Permission>();
  for (const grant of grants) {
    if (covers(grant, place)) grant.permissions.forEach((permission) => granted.add(permission));
    else if (covers(place, grant)) onTheWay(place).forEach((permission) => granted.add(permission));
  }
  return [...granted];
}

/** Every permission that the grants give in any place. */
export function permissionsAnywhere(grants: readonly Grant[]): ReadonlySet<Permission> {
  return new Set(grants.flatMap((grant) => [...grant.permissions, ...onTheWayTo(grant)]));
}

/** What may be seen of the places above a grant. */
function onTheWayTo({ projectId, environmentId }: Grant): Permission[] {
  if (environmentId !== null) return ['organization:read', 'project:read', 'environment:read'];
  return projectId !== null ? ['organization:read', 'project:read'] : [];
}

/** True when `inner` is the same place as `outer` or lies within it. */
function covers(outer: Scope, inner: Scope): boolean {
  return (
    outer.organizationId === inner.organizationId &&
    (outer.projectId === null || outer.projectId === inner.projectId) &&
    (outer.environmentId === null || outer.environmentId === inner.environmentId)
  );
}

function onTheWay({ projectId }: Scope): Permission[] {
  return projectId === null ? ['organization:read', 'project:read'] : ['project:read', 'environment:read'];
}

/** The places where somebody has a permission; rows within any of them may be shown. */
export type Reach = { organizationIds: number[]; projectIds: number[]; environmentIds: number[] };

export function reachOf(grants: readonly Grant[], permission: Permission): Reach {
  const reach: Reach = { organizationIds: [], projectIds: [], environmentIds: [] };
  for (const grant of grants) {
    if (!grant.permissions.includes(permission)) continue;
    if (grant.environmentId !== null) reach.environmentIds.push(grant.environmentId);
    else if (grant.projectId !== null) reach.projectIds.push(grant.projectId);
    else reach.organizationIds.push(grant.organizationId);
  }
  return reach;
}

/** `in ()` is no SQL; no row has id 0. */
export function idsIn(ids: readonly number[]): number[] {
  return ids.length > 0 ? [...ids] : [0];
}

/**
 * Nobody gives away more than they have: throws `forbidden`, naming what the caller lacks in the place, when a role,
 * a token or a membership would carry it.
 */
export function mustHold(grants: readonly Grant[], place: Scope, given: readonly Permission[]): void {
  const held = permissionsAt(grants, place);
  const lacking = given.filter((permission) => !held.includes(permission));
  if (lacking.length === 0) return;
  throw new AppError(
    'forbidden',
    `You cannot give what you do not have there yourself: ${lacking.slice(0, 5).join(', ')}${lacking.length > 5 ? ' …' : ''}.`,
  );
}
