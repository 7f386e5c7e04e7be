import { mustHold, permissionsAt, type Grant } from '../../accounts/grants.ts';
import { permissionsOf } from '../../accounts/permissions.ts';
import { findRoles } from '../../accounts/roles.ts';
import { findPlaces } from '../../inventory/places/store.ts';
import type { Db } from '../../platform/database/connect.ts';
import { linksOfTeam } from '../teams/store.ts';

/** Throws `forbidden`, naming what is lacking, when a team may do more anywhere than somebody with these grants. */
export async function mustHoldAllOf(db: Db, teamId: number, grants: readonly Grant[]): Promise<void> {
  const links = await linksOfTeam(db, teamId);
  const roles = await findRoles(
    db,
    links.map((link) => link.role_id),
  );
  const places = await findPlaces(
    db,
    links.flatMap((link) => link.environment_id ?? []),
  );
  for (const link of links) {
    const role = roles.find(({ id }) => id === link.role_id);
    const place = {
      organizationId: link.organization_id,
      projectId: link.project_id ?? places.get(link.environment_id ?? 0)?.project.id ?? null,
      environmentId: link.environment_id,
    };
    if (role) mustHold(grants, place, permissionsOf(role));
  }
}

/** Whether somebody with these grants may invite to a team of the organization. */
export function mayInvite(organizationId: number, grants: readonly Grant[]): boolean {
  const place = { organizationId, projectId: null, environmentId: null };
  return permissionsAt(grants, place).includes('team:update');
}
