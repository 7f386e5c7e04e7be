import { Type, type Static } from 'typebox';
import { UserRelation } from '../../accounts/present.ts';
import { isoTime } from '../../platform/clock.ts';
import { Nullable, Time } from '../../platform/http/schemas.ts';
import type { EnvironmentRow, OrganizationRow, Place, ProjectRow } from './store.ts';

const Timestamps = { created_at: Time, updated_at: Time };
const Permissions = { current_user_permissions: Type.Array(Type.String()) };

export const OrganizationRelation = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  url_slug: Type.String(),
  owner: Nullable(UserRelation),
  ...Timestamps,
});

export const Organization = Type.Object({ ...OrganizationRelation.properties, ...Permissions });

export function presentOrganization(row: OrganizationRow): Static<typeof OrganizationRelation> {
  return { id: row.id, name: row.name, url_slug: row.url_slug, owner: null, ...times(row) };
}

export const ProjectRelation = Type.Object({
  id: Type.Integer(),
  user_id: Type.Integer(),
  name: Type.String(),
  logo_url: Nullable(Type.String()),
  os_users: Type.Array(Type.Unknown()),
  organization: Nullable(OrganizationRelation),
  created_by_user: Nullable(UserRelation),
  ...Timestamps,
});

export const Project = Type.Object({ ...ProjectRelation.properties, ...Permissions });

export function presentProject(
  row: ProjectRow,
  organization: OrganizationRow | undefined,
): Static<typeof ProjectRelation> {
  return {
    id: row.id,
    user_id: row.created_by,
    name: row.name,
    logo_url: null,
    os_users: [],
    organization: organization ? presentOrganization(organization) : null,
    created_by_user: null,
    ...times(row),
  };
}

const environmentTypes = ['development', 'production', 'staging'];

const environmentProperties = {
  id: Type.Integer(),
  type: Type.Unsafe<string>({ type: 'string', enum: environmentTypes }),
  type_human_readable: Type.String(),
  name: Type.String(),
  description: Nullable(Type.String()),
  ...Timestamps,
};

export const EnvironmentRelation = Type.Object({
  ...environmentProperties,
  archived_at: Nullable(Time),
  project: Nullable(ProjectRelation),
});

export const Environment = Type.Object({
  ...environmentProperties,
  is_archived: Type.Boolean(),
  teams: Type.Array(Type.Unknown()),
  created_by_user: Nullable(UserRelation),
  ...Permissions,
});

function environmentFields(row: EnvironmentRow) {
  return {
    id: row.id,
    type: row.type,
    type_human_readable: row.type.charAt(0).toUpperCase() + row.type.slice(1),
    name: row.name,
    description: row.description,
    ...times(row),
  };
}

/** Without its place the project is left null, as in lists below a project that the caller already knows. */
export function presentEnvironmentRelation(
  row: EnvironmentRow,
  place?: Place,
): Static<typeof EnvironmentRelation> {
  return {
    ...environmentFields(row),
    archived_at: null,
    project: place ? presentProject(place.project, place.organization) : null,
  };
}

export function presentEnvironment(
  row: EnvironmentRow,
  granted: readonly string[],
): Static<typeof Environment> {
  return {
    ...environmentFields(row),
    is_archived: false,
    teams: [],
    created_by_user: null,
    current_user_permissions: [...granted],
  };
}

function times(row: { created_at: number; updated_at: number }) {
  return { created_at: isoTime(row.created_at), updated_at: isoTime(row.updated_at) };
}
