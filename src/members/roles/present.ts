import { Type, type Static } from 'typebox';
import { permissionsOf } from '../../accounts/permissions.ts';
import { UserRelation, type UserLookup } from '../../accounts/present.ts';
import type { RoleRow } from '../../accounts/roles.ts';
import { OrganizationRelation, presentOrganization } from '../../inventory/places/present.ts';
import type { OrganizationRow } from '../../inventory/places/store.ts';
import { isoTime } from '../../platform/clock.ts';
import { Nullable, Time, Unused } from '../../platform/http/schemas.ts';

export const RoleRelation = Type.Object(
  {
    id: Type.Integer(),
    name: Type.String(),
    description: Type.String(),
    is_predefined: Type.Boolean(),
    permissions: Type.Array(Type.String()),
    created_by_user: Nullable(UserRelation),
    created_at: Time,
    updated_at: Time,
  },
  { title: 'RoleRelation' },
);

export const Role = Type.Object(
  {
    ...RoleRelation.properties,
    parent: Unused,
    organization: Nullable(OrganizationRelation),
  },
  { title: 'Role' },
);

export function presentRoleRelation(row: RoleRow, users: UserLookup): Static<typeof RoleRelation> {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    is_predefined: row.key !== null,
    permissions: [...permissionsOf(row)],
    created_by_user: users(row.created_by),
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  };
}

export function presentRole(
  row: RoleRow,
  { organization, users }: { organization: OrganizationRow | undefined; users: UserLookup },
): Static<typeof Role> {
  return {
    ...presentRoleRelation(row, users),
    parent: null,
    organization: organization ? presentOrganization(organization, users) : null,
  };
}
