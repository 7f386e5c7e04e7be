import { randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { grantsIn, placeOf, principalOf } from '../../accounts/access.ts';
import { audited } from '../../accounts/audit.ts';
import { grantsOf, permissionsAt, reachOf } from '../../accounts/grants.ts';
import { usersById } from '../../accounts/present.ts';
import { insertMembership, insertPredefinedRoles } from '../../accounts/roles.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Db } from '../../platform/database/connect.ts';
import { lockRow } from '../../platform/database/lock-row.ts';
import { orTaken } from '../../platform/database/errors.ts';
import { AppError, notFound } from '../../platform/errors.ts';
import { onePage, PageQuery } from '../../platform/http/pagination.ts';
import { idParam, noContent } from '../../platform/http/schemas.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import { Organization, OrganizationRelation, presentOrganization, usersOfPlaces } from './present.ts';
import {
  contentsOf,
  deleteOrganization,
  findOrganization,
  insertOrganization,
  listOrganizations,
  updateOrganization,
  visibleTo,
  type OrganizationRow,
} from './store.ts';
import { mustBeEmpty } from './must-be-empty.ts';

const name = Type.String({ minLength: 1, maxLength: 60 });
const url_slug = Type.String({
  pattern: '^(?![0-9]+$)[a-z0-9]([a-z0-9-]{0,58}[a-z0-9])?$',
  description:
    'Small letters, digits and hyphens; not a number alone, since it stands for the id in addresses.',
});
const OrganizationCreate = Type.Object(
  { name, url_slug: Type.Optional(url_slug) },
  { title: 'OrganizationCreate' },
);
const OrganizationUpdate = Type.Object(
  { name: Type.Optional(name), url_slug: Type.Optional(url_slug) },
  { title: 'OrganizationUpdate' },
);

export function organizationRoutes(app: HttpApp, context: { db: Db; clock: Clock }): void {
  const { db, clock } = context;
  const params = idParam('organization_id');
  const existing = async (id: number): Promise<OrganizationRow> => {
    const row = await findOrganization(db, id);
    if (!row) throw notFound('The organization');
    return row;
  };
  const taken = 'is used by another organization';

  app.route({
    method: 'GET',
    url: '/organizations',
    config: { access: 'caller' },
    schema: {
      operationId: 'listOrganizations',
      summary: 'List the organizations you belong to',
      querystring: PageQuery,
      response: { 200: Type.Array(OrganizationRelation) },
    },
    handler: async (request, reply) => {
      const visible = visibleTo(grantsIn(request));
      const rows = await onePage(request, reply, (page) => listOrganizations(db, visible, page));
      const users = await usersById(db, usersOfPlaces(rows.map((organization) => ({ organization }))));
      return rows.map((row) => presentOrganization(row, users));
    },
  });

  app.route({
    method: 'POST',
    url: '/organizations',
    config: { access: 'caller' },
    schema: {
      operationId: 'addOrganization',
      summary: 'Create an organization; you become its owner',
      description:
        'It begins with the predefined roles and without projects. Its owner may run steps on the machine of Hookline, so founding one needs `organization:update` in an organization that is there.',
      body: OrganizationCreate,
      response: { 201: Organization },
    },
    handler: async (request, reply) => {
      const { body } = request;
      mayFound(request);
      const { userId } = principalOf(request);
      const now = clock.now();
      const create = audited(
        context,
        request,
        (row: OrganizationRow) => ({
          type: 'organization',
          id: row.id,
          name: row.name,
          place: { organizationId: row.id, projectId: null, environmentId: null },
        }),
        async (trx) => {
          const row = await insertOrganization(trx, {
            name: body.name,
            url_slug: body.url_slug ?? slugFrom(body.name),
            owner_user_id: userId,
            created_at: now,
            updated_at: now,
          });
          await insertPredefinedRoles(trx, row.id, now);
          await insertMembership(trx, { organizationId: row.id, userId, role: 'owner', now });
          return row;
        },
      );
      const row = await orTaken('url_slug', taken, create);
      const users = await usersById(db, [userId]);
      const grants = await grantsOf(db, principalOf(request));
      const place = { organizationId: row.id, projectId: null, environmentId: null };
      const current_user_permissions = permissionsAt(grants, place);
      return reply.status(201).send({ ...presentOrganization(row, users), current_user_permissions });
    },
  });

  app.route({
    method: 'GET',
    url: '/organizations/:organization_id',
    config: { access: { permission: 'organization:read', on: 'organization', param: 'organization_id' } },
    schema: {
      operationId: 'getOrganization',
      summary: 'Read an organization',
      params,
      response: { 200: Organization },
    },
    handler: async (request) => {
      const row = await existing(placeOf(request).organizationId);
      const current_user_permissions = permissionsAt(grantsIn(request), placeOf(request));
      return {
        ...presentOrganization(row, await usersById(db, [row.owner_user_id])),
        current_user_permissions,
      };
    },
  });

  app.route({
    method: 'PUT',
    url: '/organizations/:organization_id',
    config: { access: { permission: 'organization:update', on: 'organization', param: 'organization_id' } },
    schema: {
      operationId: 'updateOrganization',
      summary: 'Change an organization; fields that are left out are kept',
      params,
      body: OrganizationUpdate,
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await existing(placeOf(request).organizationId);
      const { body } = request;
      const change = audited(
        context,
        request,
        { type: 'organization', id: row.id, name: body.name ?? row.name },
        (trx) =>
          updateOrganization(trx, row.id, {
            name: body.name,
            url_slug: body.url_slug,
            updated_at: clock.now(),
          }),
      );
      await orTaken('url_slug', taken, change);
      return reply.status(204).send(null);
    },
  });

  app.route({
    method: 'DELETE',
    url: '/organizations/:organization_id',
    config: {
      access: { permission: 'organization:delete', on: 'organization', param: 'organization_id' },
      errors: { 409: 'The organization still holds projects.' },
    },
    schema: {
      operationId: 'deleteOrganization',
      summary: 'Delete an organization that has no projects',
      description: 'Takes along its teams, roles and credentials. While it has projects it is answered 409.',
      params,
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await existing(placeOf(request).organizationId);
      await audited(context, request, { type: 'organization', id: row.id, name: row.name }, async (trx) => {
        await lockRow(trx, 'organizations', row.id);
        mustBeEmpty('organization', await contentsOf(trx, { organizationId: row.id }));
        await deleteOrganization(trx, row.id);
      });
      return reply.status(204).send(null);
    },
  });
}

/** Steps without servers run as the user of Hookline itself: who may write them anywhere holds the machine. */
function mayFound(request: FastifyRequest): void {
  const { via } = principalOf(request);
  if (via === 'project_api_token')
    throw new AppError(
      'forbidden',
      'This needs the permission organization:update of a person; the API token of a project is none. Sign in.',
    );
  // A role that is given within a project or an environment says nothing about organizations.
  if (reachOf(grantsIn(request), 'organization:update').organizationIds.length > 0) return;
  throw new AppError(
    'forbidden',
    'This needs the permission organization:update in an organization that is there.',
  );
}

/** Made unlikely to be taken; whoever cares gives one. */
function slugFrom(text: string): string {
  const words = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 40)
    .replaceAll(/-+$/g, '');
  return `${words || 'organization'}-${randomBytes(3).toString('hex')}`;
}
