import { Type, type Static } from 'typebox';
import { presentUser, UserRelation, usersById, type UserLookup } from '../../accounts/present.ts';
import { findRoles } from '../../accounts/roles.ts';
import { presentTeam, TeamRelation, type TeamRow } from '../../accounts/teams.ts';
import {
  EnvironmentRelation,
  OrganizationRelation,
  presentEnvironmentRelation,
  presentOrganization,
  presentProject,
  ProjectRelation,
  usersOfPlaces,
} from '../../inventory/places/present.ts';
import {
  findOrganizations,
  findPlaces,
  findProject,
  type OrganizationRow,
  type ProjectRow,
} from '../../inventory/places/store.ts';
import { isoTime } from '../../platform/clock.ts';
import type { Db } from '../../platform/database/connect.ts';
import { Nullable, Time } from '../../platform/http/schemas.ts';
import { presentRoleRelation, RoleRelation } from '../roles/present.ts';
import { findTeams, usersOf, type MemberRow, type TeamLinkRow } from './store.ts';

export const Team = Type.Object(
  {
    ...TeamRelation.properties,
    users: Type.Array(UserRelation, { description: 'The first hundred; `/teams/{id}/members` lists all.' }),
    organization: Nullable(OrganizationRelation),
  },
  { title: 'Team' },
);

export async function presentWholeTeam(
  db: Db,
  row: TeamRow,
  organization: OrganizationRow | undefined,
): Promise<Static<typeof Team>> {
  const members = await usersOf(db, row.id);
  const users = await usersById(db, [row.created_by, organization?.owner_user_id ?? null]);
  return {
    ...presentTeam(row, users),
    users: members.map(presentUser),
    organization: organization ? presentOrganization(organization, users) : null,
  };
}

export const MemberRelation = Type.Object(
  { user: Nullable(UserRelation), created_at: Time, updated_at: Time },
  { title: 'MemberRelation' },
);

export const Member = Type.Object({ ...MemberRelation.properties, team: TeamRelation }, { title: 'Member' });

export function presentMember(row: MemberRow, users: UserLookup): Static<typeof MemberRelation> {
  return {
    user: users(row.user_id),
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  };
}

/** The role of a team in a place. */
export const TeamMembership = Type.Object(
  {
    team: Nullable(TeamRelation),
    role: Nullable(RoleRelation),
    organization: Nullable(OrganizationRelation),
    project: Nullable(ProjectRelation),
    environment: Nullable(EnvironmentRelation),
    created_at: Time,
    updated_at: Time,
  },
  { title: 'TeamMembership' },
);

/** Several roles of teams, with the place of each. */
export async function presentMemberships(
  db: Db,
  rows: TeamLinkRow[],
): Promise<Static<typeof TeamMembership>[]> {
  const teams = await findTeams(
    db,
    rows.map((row) => row.team_id),
  );
  const roles = await findRoles(
    db,
    rows.map((row) => row.role_id),
  );
  const organizations = await findOrganizations(
    db,
    rows.map((row) => row.organization_id),
  );
  const places = await findPlaces(
    db,
    rows.flatMap((row) => row.environment_id ?? []),
  );
  const projects = new Map<number, ProjectRow>();
  for (const id of new Set(rows.flatMap((row) => row.project_id ?? []))) {
    const project = await findProject(db, id);
    if (project) projects.set(id, project);
  }
  const users = await usersById(db, [
    ...teams.map((team) => team.created_by),
    ...roles.map((role) => role.created_by),
    ...usersOfPlaces([...organizations.values()].map((organization) => ({ organization }))),
    ...usersOfPlaces([...projects.values()].map((project) => ({ project }))),
    ...usersOfPlaces(places.values()),
  ]);
  return rows.map((row) => {
    const team = teams.find(({ id }) => id === row.team_id);
    const role = roles.find(({ id }) => id === row.role_id);
    const organization = organizations.get(row.organization_id);
    const place = row.environment_id === null ? undefined : places.get(row.environment_id);
    const project = place?.project ?? projects.get(row.project_id ?? 0);
    return {
      team: team ? presentTeam(team, users) : null,
      role: role ? presentRoleRelation(role, users) : null,
      organization: organization ? presentOrganization(organization, users) : null,
      project: project ? presentProject(project, organization, users) : null,
      environment: place ? presentEnvironmentRelation(place.environment, place, users) : null,
      created_at: isoTime(row.created_at),
      updated_at: isoTime(row.updated_at),
    };
  });
}
