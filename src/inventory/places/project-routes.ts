import { Type } from 'typebox';
import { grantsIn, placeOf, principalOf } from '../../accounts/access.ts';
import { audited } from '../../accounts/audit.ts';
import { permissionsAt, reachOf } from '../../accounts/grants.ts';
import { usersById } from '../../accounts/present.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Db } from '../../platform/database/connect.ts';
import { lockRow } from '../../platform/database/lock-row.ts';
import { AppError, invalid, notFound } from '../../platform/errors.ts';
import { onePage, PageQuery } from '../../platform/http/pagination.ts';
import { idParam, idRange, noContent } from '../../platform/http/schemas.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import { presentProject, Project, ProjectRelation, usersOfPlaces } from './present.ts';
import {
  contentsOf,
  deleteProject,
  findOrganizations,
  findProject,
  insertProject,
  listProjects,
  updateProject,
  visibleTo,
  type ProjectRow,
} from './store.ts';
import { mustBeEmpty } from './must-be-empty.ts';

const name = Type.String({ minLength: 1, maxLength: 60 });
const ProjectCreate = Type.Object(
  {
    name,
    organization_id: Type.Optional(
      Type.Integer({ ...idRange, description: 'May be left out where there is only one to choose.' }),
    ),
  },
  { title: 'ProjectCreate' },
);
const OrganizationProjectCreate = Type.Object({ name }, { title: 'OrganizationProjectCreate' });
const ProjectUpdate = Type.Object({ name: Type.Optional(name) }, { title: 'ProjectUpdate' });

export function projectRoutes(app: HttpApp, context: { db: Db; clock: Clock }): void {
  const { db, clock } = context;
  const params = idParam('project_id');
  const existing = async (id: number): Promise<ProjectRow> => {
    const row = await findProject(db, id);
    if (!row) throw notFound('The project');
    return row;
  };
  const presentAll = async (rows: ProjectRow[]) => {
    const organizations = await findOrganizations(
      db,
      rows.map((row) => row.organization_id),
    );
    const places = rows.map((project) => {
      const organization = organizations.get(project.organization_id);
      return organization ? { project, organization } : { project };
    });
    const users = await usersById(db, usersOfPlaces(places));
    return rows.map((row) => presentProject(row, organizations.get(row.organization_id), users));
  };

  app.route({
    method: 'GET',
    url: '/projects',
    config: { access: 'caller' },
    schema: {
      operationId: 'listProjects',
      summary: 'List the projects you may see',
      querystring: PageQuery,
      response: { 200: Type.Array(ProjectRelation) },
    },
    handler: async (request, reply) => {
      const filter = { visible: visibleTo(grantsIn(request)), organizationId: null };
      return await presentAll(await onePage(request, reply, (page) => listProjects(db, filter, page)));
    },
  });

  app.route({
    method: 'GET',
    url: '/organizations/:organization_id/projects',
    config: { access: { permission: 'project:read', on: 'organization', param: 'organization_id' } },
    schema: {
      operationId: 'listOrganizationProjects',
      summary: 'List the projects of an organization that you may see',
      params: idParam('organization_id'),
      querystring: PageQuery,
      response: { 200: Type.Array(ProjectRelation) },
    },
    handler: async (request, reply) => {
      const { organizationId } = placeOf(request);
      const filter = { visible: visibleTo(grantsIn(request)), organizationId };
      return await presentAll(await onePage(request, reply, (page) => listProjects(db, filter, page)));
    },
  });

  const create = async (
    request: Parameters<typeof audited>[1],
    organizationId: number,
    body: { name: string },
  ) => {
    const now = clock.now();
    const created_by = principalOf(request).userId;
    const place = { organizationId, projectId: null, environmentId: null };
    const row = await audited(
      context,
      request,
      (created: ProjectRow) => ({
        type: 'project',
        id: created.id,
        name: created.name,
        place: { ...place, projectId: created.id },
      }),
      (trx) =>
        insertProject(trx, {
          organization_id: organizationId,
          name: body.name,
          created_by,
          created_at: now,
          updated_at: now,
        }),
    );
    const [presented] = await presentAll([row]);
    const current_user_permissions = permissionsAt(grantsIn(request), { ...place, projectId: row.id });
    return { ...presented!, current_user_permissions };
  };

  app.route({
    method: 'POST',
    url: '/projects',
    config: {
      access: 'caller',
      errors: { 403: 'There is no organization in which you may create projects.' },
    },
    schema: {
      operationId: 'addProject',
      summary: 'Create a project',
      description:
        'In the organization named, or else in the only one where you have the permission `project:create`.',
      body: ProjectCreate,
      response: { 201: Project },
    },
    handler: async (request, reply) => {
      const { organizationIds } = reachOf(grantsIn(request), 'project:create');
      const wanted = request.body.organization_id;
      const possible = [...new Set(organizationIds)].filter((id) => wanted === undefined || id === wanted);
      const [organizationId, ...others] = possible;
      if (organizationId === undefined) {
        if (wanted !== undefined)
          throw invalid([
            { field: 'organization_id', message: 'names no organization in which you may create projects' },
          ]);
        throw new AppError('forbidden', 'This needs the permission project:create in an organization.');
      }
      if (others.length > 0) {
        const message = `is required, since you may create projects in several: ${possible.join(', ')}`;
        throw invalid([{ field: 'organization_id', message }]);
      }
      return reply.status(201).send(await create(request, organizationId, request.body));
    },
  });

  app.route({
    method: 'POST',
    url: '/organizations/:organization_id/projects',
    config: { access: { permission: 'project:create', on: 'organization', param: 'organization_id' } },
    schema: {
      operationId: 'addOrganizationProject',
      summary: 'Create a project in an organization',
      params: idParam('organization_id'),
      body: OrganizationProjectCreate,
      response: { 201: Project },
    },
    handler: async (request, reply) =>
      reply.status(201).send(await create(request, placeOf(request).organizationId, request.body)),
  });

  app.route({
    method: 'GET',
    url: '/projects/:project_id',
    config: { access: { permission: 'project:read', on: 'project', param: 'project_id' } },
    schema: { operationId: 'getProject', summary: 'Read a project', params, response: { 200: Project } },
    handler: async (request) => {
      const [presented] = await presentAll([await existing(request.params.project_id)]);
      return {
        ...presented!,
        current_user_permissions: permissionsAt(grantsIn(request), placeOf(request)),
      };
    },
  });

  app.route({
    method: 'PUT',
    url: '/projects/:project_id',
    config: { access: { permission: 'project:update', on: 'project', param: 'project_id' } },
    schema: {
      operationId: 'updateProject',
      summary: 'Rename a project',
      params,
      body: ProjectUpdate,
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await existing(request.params.project_id);
      const changed = request.body.name ?? row.name;
      await audited(context, request, { type: 'project', id: row.id, name: changed }, (trx) =>
        updateProject(trx, row.id, { name: request.body.name, updated_at: clock.now() }),
      );
      return reply.status(204).send(null);
    },
  });

  app.route({
    method: 'DELETE',
    url: '/projects/:project_id',
    config: {
      access: { permission: 'project:delete', on: 'project', param: 'project_id' },
      errors: { 409: 'The project still holds environments.' },
    },
    schema: {
      operationId: 'deleteProject',
      summary: 'Delete a project that has no environments',
      description: 'Takes along its API tokens. While it has environments it is answered 409.',
      params,
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await existing(request.params.project_id);
      await audited(context, request, { type: 'project', id: row.id, name: row.name }, async (trx) => {
        await lockRow(trx, 'projects', row.id);
        mustBeEmpty('project', await contentsOf(trx, { projectId: row.id }));
        await deleteProject(trx, row.id);
      });
      return reply.status(204).send(null);
    },
  });
}
