import { Type, type Static } from 'typebox';
import { UserRelation, type UserLookup } from '../../accounts/present.ts';
import { presentTeam, TeamRelation, type TeamRow } from '../../accounts/teams.ts';
import { isoTime } from '../../platform/clock.ts';
import { alwaysEmpty, Nullable, OneOf, Time, Unused } from '../../platform/http/schemas.ts';
import type { EnvironmentRow, OrganizationRow, Place, ProjectRow } from './store.ts';

const Timestamps = { created_at: Time, updated_at: Time };
const Permissions = {
  current_user_permissions: Type.Array(Type.String(), { description: 'What you may do there.' }),
};

export const OrganizationRelation = Type.Object(
  {
    id: Type.Integer(),
    name: Type.String(),
    url_slug: Type.String(),
    owner: Nullable(UserRelation),
    ...Timestamps,
  },
  { title: 'OrganizationRelation' },
);

export const Organization = Type.Object(
  { ...OrganizationRelation.properties, ...Permissions },
  { title: 'Organization' },
);

export function presentOrganization(
  row: OrganizationRow,
  users: UserLookup,
): Static<typeof OrganizationRelation> {
  return {
    id: row.id,
    name: row.name,
    url_slug: row.url_slug,
    owner: users(row.owner_user_id),
    ...times(row),
  };
}

export const ProjectRelation = Type.Object(
  {
    id: Type.Integer(),
    user_id: Type.Integer({ description: 'Who created it.' }),
    name: Type.String(),
    logo_url: Nullable(Type.String()),
    os_users: Type.Array(Type.Object({ name: Type.String() }), { description: alwaysEmpty }),
    organization: Nullable(OrganizationRelation),
    created_by_user: Nullable(UserRelation),
    ...Timestamps,
  },
  { title: 'ProjectRelation' },
);

export const Project = Type.Object({ ...ProjectRelation.properties, ...Permissions }, { title: 'Project' });

export function presentProject(
  row: ProjectRow,
  organization: OrganizationRow | undefined,
  users: UserLookup,
): Static<typeof ProjectRelation> {
  return {
    id: row.id,
    user_id: row.created_by,
    name: row.name,
    logo_url: null,
    os_users: [],
    organization: organization ? presentOrganization(organization, users) : null,
    created_by_user: users(row.created_by),
    ...times(row),
  };
}

export const environmentTypes = ['development', 'production', 'staging'] as const;
type EnvironmentType = (typeof environmentTypes)[number];

const environmentProperties = {
  id: Type.Integer(),
  type: OneOf(environmentTypes),
  type_human_readable: Type.String(),
  name: Type.String(),
  description: Nullable(Type.String()),
  ...Timestamps,
};

export const EnvironmentRelation = Type.Object(
  {
    ...environmentProperties,
    archived_at: Unused,
    project: Nullable(ProjectRelation),
  },
  { title: 'EnvironmentRelation' },
);

export const Environment = Type.Object(
  {
    ...environmentProperties,
    is_archived: Type.Boolean(),
    teams: Type.Array(TeamRelation, { description: 'Those that have a role on this very environment.' }),
    created_by_user: Nullable(UserRelation),
    ...Permissions,
  },
  { title: 'Environment' },
);

function environmentFields(row: EnvironmentRow) {
  return {
    id: row.id,
    // Safe: only the schema's values are written.
    type: row.type as EnvironmentType,
    type_human_readable: row.type.charAt(0).toUpperCase() + row.type.slice(1),
    name: row.name,
    description: row.description,
    ...times(row),
  };
}

export function presentEnvironmentRelation(
  row: EnvironmentRow,
  place: Pick<Place, 'project' | 'organization'>,
  users: UserLookup,
): Static<typeof EnvironmentRelation> {
  return {
    ...environmentFields(row),
    archived_at: null,
    project: presentProject(place.project, place.organization, users),
  };
}

export function presentEnvironment(
  row: EnvironmentRow,
  { granted, teams, users }: { granted: readonly string[]; teams: TeamRow[]; users: UserLookup },
): Static<typeof Environment> {
  return {
    ...environmentFields(row),
    is_archived: false,
    teams: teams.map((team) => presentTeam(team, users)),
    created_by_user: users(row.created_by),
    current_user_permissions: [...granted],
  };
}

function times(row: { created_at: number; updated_at: number }) {
  return { created_at: isoTime(row.created_at), updated_at: isoTime(row.updated_at) };
}

/** Whose names an answer about these places shows. */
export function usersOfPlaces(places: Iterable<Partial<Place>>): number[] {
  return [...places].flatMap(({ organization, project, environment }) => [
    ...(organization ? [organization.owner_user_id] : []),
    ...(project ? [project.created_by] : []),
    ...(environment ? [environment.created_by] : []),
  ]);
}
