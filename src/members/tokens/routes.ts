import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { grantsIn, placeOf, principalOf, type Access } from '../../accounts/access.ts';
import { audited } from '../../accounts/audit.ts';
import { mustHold } from '../../accounts/grants.ts';
import { permissionsOf } from '../../accounts/permissions.ts';
import { presentToken, tokenProperties, tokenText, usersById } from '../../accounts/present.ts';
import { findRole, findRoles } from '../../accounts/roles.ts';
import { Expiry, hashToken, newToken, readExpiry } from '../../accounts/tokens.ts';
import { presentProject, ProjectRelation, usersOfPlaces } from '../../inventory/places/present.ts';
import { findOrganization, findProject } from '../../inventory/places/store.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Db } from '../../platform/database/connect.ts';
import { invalid, notFound } from '../../platform/errors.ts';
import { onePage, PageQuery } from '../../platform/http/pagination.ts';
import { Id, idParam, idRange, noContent, Nullable, OneOf, Uuid } from '../../platform/http/schemas.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import { presentRoleRelation, RoleRelation } from '../roles/present.ts';
import {
  findProjectToken,
  insertProjectToken,
  listProjectTokens,
  updateProjectToken,
  type ProjectTokenRow,
} from './store.ts';

const ApiTokenRelation = Type.Object(
  { ...tokenProperties, type: OneOf(['project_api_token']), role: Nullable(RoleRelation) },
  { title: 'ApiTokenRelation' },
);
const ApiToken = Type.Object(
  { ...ApiTokenRelation.properties, project: Nullable(ProjectRelation), token: tokenText },
  { title: 'ApiToken' },
);

const ApiTokenCreate = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 60 }),
    role_id: Type.Integer({ ...idRange, description: 'What it may do within the project.' }),
    expires_at: Expiry,
  },
  { title: 'ApiTokenCreate' },
);
const ApiTokenRotate = Type.Object({ expires_at: Expiry }, { title: 'ApiTokenRotate' });

/** The tokens of a project, for programs: they have one role there, and nothing outside. */
export function projectTokenRoutes(app: HttpApp, context: { db: Db; clock: Clock }): void {
  const { db, clock } = context;
  const url = '/projects/:project_id/tokens';
  const params = Type.Object({ project_id: Id, token_id: Uuid });
  const needs = (permission: 'token:read' | 'token:create' | 'token:update' | 'token:delete') => ({
    access: { permission, on: 'project', param: 'project_id' } satisfies Access,
  });
  const presentAll = async (rows: ProjectTokenRow[]) => {
    const roles = await findRoles(
      db,
      rows.map((row) => row.role_id),
    );
    const users = await usersById(
      db,
      roles.map((role) => role.created_by),
    );
    return rows.map((row) => {
      const role = roles.find(({ id }) => id === row.role_id);
      return {
        ...presentToken(row, clock.now()),
        type: 'project_api_token' as const,
        role: role ? presentRoleRelation(role, users) : null,
      };
    });
  };
  const present = async (row: ProjectTokenRow, token: string | null) => {
    const [relation] = await presentAll([row]);
    const project = await findProject(db, row.project_id);
    const organization = project && (await findOrganization(db, project.organization_id));
    const around = { ...(project ? { project } : {}), ...(organization ? { organization } : {}) };
    const users = await usersById(db, usersOfPlaces([around]));
    return { ...relation!, project: project ? presentProject(project, organization, users) : null, token };
  };
  const existing = async (ids: { project_id: number; token_id: string }): Promise<ProjectTokenRow> => {
    const row = await findProjectToken(db, { projectId: ids.project_id, id: ids.token_id.toLowerCase() });
    if (!row) throw notFound('The API token');
    return row;
  };
  /** Throws `invalid` for a role of another organization, and `forbidden` for one that may do more than the caller. */
  const mayGive = async (request: FastifyRequest, roleId: number): Promise<void> => {
    const place = placeOf(request);
    const role = await findRole(db, roleId);
    if (role?.organization_id !== place.organizationId) {
      throw invalid([{ field: 'role_id', message: 'names no role of this organization' }]);
    }
    mustHold(grantsIn(request), place, permissionsOf(role));
  };

  app.route({
    method: 'GET',
    url,
    config: needs('token:read'),
    schema: {
      operationId: 'listProjectApiTokens',
      summary: 'List the API tokens of a project',
      params: idParam('project_id'),
      querystring: PageQuery,
      response: { 200: Type.Array(ApiTokenRelation) },
    },
    handler: async (request, reply) => {
      const { project_id } = request.params;
      return await presentAll(
        await onePage(request, reply, (page) => listProjectTokens(db, project_id, page)),
      );
    },
  });

  app.route({
    method: 'POST',
    url,
    config: needs('token:create'),
    schema: {
      operationId: 'addProjectApiToken',
      summary: 'Create an API token for a project; its text is shown this once',
      description:
        'It has the role within the project, and goes on working when whoever made it leaves. You cannot give a permission that you do not have.',
      params: idParam('project_id'),
      body: ApiTokenCreate,
      response: { 201: ApiToken },
    },
    handler: async (request, reply) => {
      const { body } = request;
      await mayGive(request, body.role_id);
      const token = newToken('project');
      const now = clock.now();
      const expires_at = readExpiry(body.expires_at, now);
      const row = await audited(context, request, asObject, (trx) =>
        insertProjectToken(trx, {
          id: randomUUID(),
          project_id: request.params.project_id,
          role_id: body.role_id,
          name: body.name,
          token_hash: hashToken(token),
          last_used_at: null,
          expires_at,
          revoked_at: null,
          created_by: principalOf(request).userId,
          created_at: now,
          updated_at: now,
        }),
      );
      return reply.status(201).send(await present(row, token));
    },
  });

  app.route({
    method: 'GET',
    url: `${url}/:token_id`,
    config: needs('token:read'),
    schema: {
      operationId: 'getProjectApiToken',
      summary: 'Read an API token of a project, without its text',
      params,
      response: { 200: ApiToken },
    },
    handler: async (request) => present(await existing(request.params), null),
  });

  app.route({
    method: 'POST',
    url: `${url}/:token_id/rotate`,
    config: needs('token:update'),
    schema: {
      operationId: 'rotateProjectApiToken',
      summary: 'Replace the text of an API token',
      description: 'The old text stops working at once. A revoked token is not brought back.',
      params,
      body: ApiTokenRotate,
      response: { 200: ApiToken },
    },
    handler: async (request) => {
      const row = await existing(request.params);
      if (row.revoked_at !== null)
        throw invalid([{ field: 'id', message: 'names a revoked token; create a new one' }]);
      await mayGive(request, row.role_id);
      const token = newToken('project');
      const now = clock.now();
      const change = {
        token_hash: hashToken(token),
        expires_at: readExpiry(request.body.expires_at, now),
        updated_at: now,
      };
      await audited(context, request, asObject(row), (trx) => updateProjectToken(trx, row.id, change));
      return await present({ ...row, ...change }, token);
    },
  });

  app.route({
    method: 'DELETE',
    url: `${url}/:token_id/revoke`,
    config: needs('token:delete'),
    schema: {
      operationId: 'revokeProjectApiToken',
      summary: 'Revoke an API token, for good',
      description: 'It stops working at once. Its record stays.',
      params,
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await existing(request.params);
      const now = clock.now();
      if (row.revoked_at === null) {
        await audited(context, request, asObject(row), (trx) =>
          updateProjectToken(trx, row.id, { revoked_at: now, updated_at: now }),
        );
      }
      return reply.status(204).send(null);
    },
  });
}

function asObject({ id, name }: ProjectTokenRow) {
  return { type: 'token' as const, id, name };
}
