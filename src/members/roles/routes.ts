import { Type, type Static } from 'typebox';
import { grantsIn, placeOf, principalOf, type Access } from '../../accounts/access.ts';
import { audited } from '../../accounts/audit.ts';
import { mustHold } from '../../accounts/grants.ts';
import { permissions, permissionTable, requiredFor, type Permission } from '../../accounts/permissions.ts';
import { usersById } from '../../accounts/present.ts';
import { findRole, type RoleRow } from '../../accounts/roles.ts';
import { findOrganization } from '../../inventory/places/store.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Db } from '../../platform/database/connect.ts';
import { orTaken } from '../../platform/database/errors.ts';
import { AppError, invalid, notFound } from '../../platform/errors.ts';
import { onePage, PageQuery } from '../../platform/http/pagination.ts';
import { idParam, noContent, OneOf } from '../../platform/http/schemas.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import { presentRole, presentRoleRelation, Role, RoleRelation } from './present.ts';
import { deleteRole, holdersOf, insertRole, listRoles, updateRole } from './store.ts';

const PermissionGroup = Type.Object(
  {
    resource_type: Type.String(),
    human_readable: Type.String(),
    permissions: Type.Array(
      Type.Object(
        {
          name: Type.String({ description: 'The verb.' }),
          permission: Type.String({ description: 'What a role lists: `resource:verb`.' }),
          human_readable: Type.String(),
          hint: Type.String({ description: 'What it allows.' }),
          required_permissions: Type.Array(Type.String(), {
            description: 'A role with this permission must hold these as well.',
          }),
        },
        { title: 'Permission' },
      ),
    ),
  },
  { title: 'PermissionGroup' },
);

const fields = {
  name: Type.String({ minLength: 1, maxLength: 60 }),
  description: Type.Optional(Type.String({ maxLength: 500 })),
  permissions: Type.Array(OneOf(permissions), { minItems: 1, maxItems: permissions.length }),
};
const RoleCreate = Type.Object(fields, { title: 'RoleCreate' });
const RoleUpdate = Type.Partial(Type.Object(fields), { title: 'RoleUpdate' });
const taken = 'is the name of another role of this organization';

export function roleRoutes(app: HttpApp, context: { db: Db; clock: Clock }): void {
  const { db, clock } = context;
  const present = async (row: RoleRow): Promise<Static<typeof Role>> => {
    const organization = await findOrganization(db, row.organization_id);
    const users = await usersById(db, [row.created_by, organization?.owner_user_id ?? null]);
    return presentRole(row, { organization, users });
  };

  // The second address is the reference's own.
  for (const [url, operationId] of [
    ['/permissions', 'listPermissions'],
    ['/static/permissions', 'listStaticPermissions'],
  ] as const) {
    app.route({
      method: 'GET',
      url,
      config: { access: 'caller' },
      schema: {
        operationId,
        summary: 'List every permission that a role can hold',
        description: 'Grouped by what they are about, and the same for everybody.',
        response: { 200: Type.Array(PermissionGroup) },
      },
      handler: () => permissionGroups(),
    });
  }

  app.route({
    method: 'GET',
    url: '/organizations/:organization_id/roles',
    config: { access: { permission: 'role:read', on: 'organization', param: 'organization_id' } },
    schema: {
      operationId: 'listOrganizationRoles',
      summary: 'List the roles of an organization, the predefined ones too',
      params: idParam('organization_id'),
      querystring: PageQuery,
      response: { 200: Type.Array(RoleRelation) },
    },
    handler: async (request, reply) => {
      const { organizationId } = placeOf(request);
      const rows = await onePage(request, reply, (page) => listRoles(db, organizationId, page));
      const users = await usersById(
        db,
        rows.map((row) => row.created_by),
      );
      return rows.map((row) => presentRoleRelation(row, users));
    },
  });

  app.route({
    method: 'POST',
    url: '/organizations/:organization_id/roles',
    config: { access: { permission: 'role:create', on: 'organization', param: 'organization_id' } },
    schema: {
      operationId: 'addOrganizationRole',
      summary: 'Create a role',
      description:
        'Whoever may change something must also be able to read it. You cannot give a permission that you do not have.',
      params: idParam('organization_id'),
      body: RoleCreate,
      response: { 201: Role },
    },
    handler: async (request, reply) => {
      const { body } = request;
      const place = placeOf(request);
      const permissionsGiven = checkPermissions(body.permissions);
      mustHold(grantsIn(request), place, permissionsGiven);
      const now = clock.now();
      const create = audited(context, request, asObject, (trx) =>
        insertRole(trx, {
          organization_id: place.organizationId,
          key: null,
          name: body.name,
          description: body.description ?? '',
          permissions: JSON.stringify(permissionsGiven),
          created_by: principalOf(request).userId,
          created_at: now,
          updated_at: now,
        }),
      );
      return reply.status(201).send(await present(await orTaken('name', taken, create)));
    },
  });

  const params = idParam('role_id');
  const needs = (permission: 'role:read' | 'role:update' | 'role:delete') => ({
    access: { permission, on: 'role', param: 'role_id' } satisfies Access,
  });
  const existing = async (id: number): Promise<RoleRow> => {
    const row = await findRole(db, id);
    if (!row) throw notFound('The role');
    return row;
  };

  app.route({
    method: 'GET',
    url: '/roles/:role_id',
    config: needs('role:read'),
    schema: { operationId: 'getRole', summary: 'Read a role', params, response: { 200: Role } },
    handler: async (request) => present(await existing(request.params.role_id)),
  });

  app.route({
    method: 'PUT',
    url: '/roles/:role_id',
    config: { ...needs('role:update'), errors: { 409: 'The role is predefined.' } },
    schema: {
      operationId: 'updateRole',
      summary: 'Change a role; fields that are left out are kept',
      description: 'It changes at once for everybody who has it. A predefined role is answered 409.',
      params,
      body: RoleUpdate,
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await existing(request.params.role_id);
      mustBeCustom(row);
      const { body } = request;
      const given = body.permissions ? checkPermissions(body.permissions) : null;
      if (given) mustHold(grantsIn(request), placeOf(request), given);
      const change = audited(context, request, { ...asObject(row), name: body.name ?? row.name }, (trx) =>
        updateRole(trx, row.id, {
          name: body.name,
          description: body.description,
          ...(given ? { permissions: JSON.stringify(given) } : {}),
          updated_at: clock.now(),
        }),
      );
      await orTaken('name', taken, change);
      return reply.status(204).send(null);
    },
  });

  app.route({
    method: 'DELETE',
    url: '/roles/:role_id',
    config: { ...needs('role:delete'), errors: { 409: 'The role is predefined, or somebody has it.' } },
    schema: {
      operationId: 'deleteRole',
      summary: 'Delete a role that nobody has',
      description:
        'While teams or API tokens have it, and for a predefined role, it is answered 409. Revoked tokens that had it are deleted along.',
      params,
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await existing(request.params.role_id);
      mustBeCustom(row);
      await audited(context, request, asObject(row), async (trx) => {
        const holders = await holdersOf(trx, row.id);
        if (holders.length > 0) {
          throw new AppError(
            'conflict',
            `This role is held by ${holders.join(', ')}. Give the teams another and revoke the tokens first.`,
          );
        }
        await deleteRole(trx, row.id);
      });
      return reply.status(204).send(null);
    },
  });
}

function asObject({ id, name }: RoleRow) {
  return { type: 'role' as const, id, name };
}

function mustBeCustom(row: RoleRow): void {
  if (row.key !== null)
    throw new AppError(
      'conflict',
      `The role ${row.name} is predefined and stays as it is. Create one of your own.`,
    );
}

/** Throws `invalid` where what a permission needs is missing. */
function checkPermissions(given: Permission[]): Permission[] {
  const faults = given.flatMap((permission, index) =>
    requiredFor(permission)
      .filter((required) => !given.includes(required))
      .map((required) => ({ field: `permissions.${index}`, message: `needs ${required} as well` })),
  );
  if (faults.length > 0) throw invalid(faults);
  return [...new Set(given)];
}

function permissionGroups(): Static<typeof PermissionGroup>[] {
  return Object.entries(permissionTable).map(([resource_type, { label, verbs }]) => ({
    resource_type,
    human_readable: label,
    permissions: Object.entries(verbs).map(([verb, hint]) => {
      // Safe: built from the very table that the type is made of.
      const permission = `${resource_type}:${verb}` as Permission;
      return {
        name: verb,
        permission,
        human_readable: verb.charAt(0).toUpperCase() + verb.slice(1),
        hint,
        required_permissions: requiredFor(permission),
      };
    }),
  }));
}
