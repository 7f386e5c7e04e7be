import { Type } from 'typebox';
import { grantsIn, placeOf, principalOf } from '../../accounts/access.ts';
import { audited } from '../../accounts/audit.ts';
import { permissionsAt } from '../../accounts/grants.ts';
import { usersById } from '../../accounts/present.ts';
import { teamsOfEnvironment } from '../../accounts/teams.ts';
import type { Bus } from '../../platform/bus.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Db } from '../../platform/database/connect.ts';
import { lockRow } from '../../platform/database/lock-row.ts';
import { notFound } from '../../platform/errors.ts';
import { onePage, PageQuery } from '../../platform/http/pagination.ts';
import { idParam, noContent, Nullable, OneOf } from '../../platform/http/schemas.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import {
  Environment,
  EnvironmentRelation,
  environmentTypes,
  presentEnvironment,
  presentEnvironmentRelation,
  usersOfPlaces,
} from './present.ts';
import {
  contentsOf,
  deleteEnvironment,
  findOrganization,
  findPlace,
  findProject,
  insertEnvironment,
  listEnvironments,
  updateEnvironment,
  visibleTo,
  type EnvironmentRow,
} from './store.ts';
import { mustBeEmpty } from './must-be-empty.ts';

const name = Type.String({ minLength: 1, maxLength: 60 });
const environmentFields = {
  type: OneOf(environmentTypes),
  name,
  description: Type.Optional(Nullable(Type.String({ maxLength: 500 }))),
};
const EnvironmentCreate = Type.Object(environmentFields, { title: 'EnvironmentCreate' });
const EnvironmentUpdate = Type.Partial(Type.Object(environmentFields), { title: 'EnvironmentUpdate' });

export function environmentRoutes(app: HttpApp, context: { db: Db; clock: Clock; bus: Bus }): void {
  const { db, clock, bus } = context;
  const params = idParam('environment_id');
  const existing = async (id: number): Promise<EnvironmentRow> => {
    const place = await findPlace(db, id);
    if (!place) throw notFound('The environment');
    return place.environment;
  };
  const present = async (row: EnvironmentRow, granted: readonly string[]) => {
    const teams = granted.includes('team:read') ? await teamsOfEnvironment(db, row.id) : [];
    const users = await usersById(db, [row.created_by, ...teams.map((team) => team.created_by)]);
    return presentEnvironment(row, { granted, teams, users });
  };

  app.route({
    method: 'GET',
    url: '/projects/:project_id/environments',
    config: { access: { permission: 'environment:read', on: 'project', param: 'project_id' } },
    schema: {
      operationId: 'listProjectEnvironments',
      summary: 'List the environments of a project that you may see',
      params: idParam('project_id'),
      querystring: PageQuery,
      response: { 200: Type.Array(EnvironmentRelation) },
    },
    handler: async (request, reply) => {
      const project = await findProject(db, request.params.project_id);
      const organization = project && (await findOrganization(db, project.organization_id));
      if (!project || !organization) throw notFound('The project');
      const filter = {
        visible: visibleTo(grantsIn(request)),
        project: { id: project.id, organizationId: organization.id },
      };
      const rows = await onePage(request, reply, (page) => listEnvironments(db, filter, page));
      const users = await usersById(db, usersOfPlaces([{ project, organization }]));
      return rows.map((row) => presentEnvironmentRelation(row, { project, organization }, users));
    },
  });

  app.route({
    method: 'POST',
    url: '/projects/:project_id/environments',
    config: { access: { permission: 'environment:create', on: 'project', param: 'project_id' } },
    schema: {
      operationId: 'addProjectEnvironment',
      summary: 'Create an environment in a project',
      params: idParam('project_id'),
      body: EnvironmentCreate,
      response: { 201: Environment },
    },
    handler: async (request, reply) => {
      const { body } = request;
      const project_id = request.params.project_id;
      const place = placeOf(request);
      const now = clock.now();
      const row = await audited(
        context,
        request,
        (created: EnvironmentRow) => ({
          type: 'environment',
          id: created.id,
          name: created.name,
          place: { ...place, environmentId: created.id },
        }),
        (trx) =>
          insertEnvironment(trx, {
            project_id,
            type: body.type,
            name: body.name,
            description: body.description ?? null,
            created_by: principalOf(request).userId,
            created_at: now,
            updated_at: now,
          }),
      );
      const granted = permissionsAt(grantsIn(request), { ...place, environmentId: row.id });
      return reply.status(201).send(await present(row, granted));
    },
  });

  app.route({
    method: 'GET',
    url: '/environments/:environment_id',
    config: { access: { permission: 'environment:read', on: 'environment', param: 'environment_id' } },
    schema: {
      operationId: 'getEnvironment',
      summary: 'Read an environment',
      params,
      response: { 200: Environment },
    },
    handler: async (request) =>
      present(
        await existing(request.params.environment_id),
        permissionsAt(grantsIn(request), placeOf(request)),
      ),
  });

  app.route({
    method: 'PUT',
    url: '/environments/:environment_id',
    config: { access: { permission: 'environment:update', on: 'environment', param: 'environment_id' } },
    schema: {
      operationId: 'updateEnvironment',
      summary: 'Change an environment; fields that are left out are kept',
      params,
      body: EnvironmentUpdate,
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await existing(request.params.environment_id);
      const { body } = request;
      await audited(
        context,
        request,
        { type: 'environment', id: row.id, name: body.name ?? row.name },
        (trx) =>
          updateEnvironment(trx, row.id, {
            type: body.type,
            name: body.name,
            description: body.description,
            updated_at: clock.now(),
          }),
      );
      return reply.status(204).send(null);
    },
  });

  app.route({
    method: 'DELETE',
    url: '/environments/:environment_id',
    config: {
      access: { permission: 'environment:delete', on: 'environment', param: 'environment_id' },
      errors: { 409: 'The environment still holds applications or servers.' },
    },
    schema: {
      operationId: 'deleteEnvironment',
      summary: 'Delete an environment that has no applications and servers',
      description:
        'Takes along its own credentials. While it has applications or servers it is answered 409. The records of what ran stay until retention removes them.',
      params,
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await existing(request.params.environment_id);
      await audited(context, request, { type: 'environment', id: row.id, name: row.name }, async (trx) => {
        await lockRow(trx, 'environments', row.id);
        mustBeEmpty('environment', await contentsOf(trx, { environmentId: row.id }));
        await deleteEnvironment(trx, row.id);
      });
      bus.publish('definitions');
      return reply.status(204).send(null);
    },
  });
}
