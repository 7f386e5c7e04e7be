import { randomBytes } from 'node:crypto';
import { Type } from 'typebox';
import { grantsIn, placeOf, principalOf } from '../../accounts/access.ts';
import { audited } from '../../accounts/audit.ts';
import { grantsOf, permissionsAt, reachOf } from '../../accounts/grants.ts';
import { usersById } from '../../accounts/present.ts';
import { insertMembership, insertPredefinedRoles } from '../../accounts/roles.ts';
import { teamsOfEnvironment } from '../../accounts/teams.ts';
import type { Bus } from '../../platform/bus.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Db } from '../../platform/database/connect.ts';
import { orTaken } from '../../platform/database/errors.ts';
import { AppError, invalid, notFound } from '../../platform/errors.ts';
import { onePage, PageQuery } from '../../platform/http/pagination.ts';
import { idParam, idRange, noContent, Nullable, OneOf } from '../../platform/http/schemas.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import {
  Environment,
  EnvironmentRelation,
  environmentTypes,
  Organization,
  OrganizationRelation,
  presentEnvironment,
  presentEnvironmentRelation,
  presentOrganization,
  presentProject,
  Project,
  ProjectRelation,
  usersOfPlaces,
} from './present.ts';
import {
  contentsOf,
  deleteEnvironment,
  deleteOrganization,
  deleteProject,
  findOrganization,
  findOrganizations,
  findPlace,
  findProject,
  insertEnvironment,
  insertOrganization,
  insertProject,
  listEnvironments,
  listOrganizations,
  listProjects,
  updateEnvironment,
  updateOrganization,
  updateProject,
  visibleTo,
  type EnvironmentRow,
  type OrganizationRow,
  type ProjectRow,
} from './store.ts';

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
const environmentFields = {
  type: OneOf(environmentTypes),
  name,
  description: Type.Optional(Nullable(Type.String({ maxLength: 500 }))),
};
const EnvironmentCreate = Type.Object(environmentFields, { title: 'EnvironmentCreate' });
const EnvironmentUpdate = Type.Partial(Type.Object(environmentFields), { title: 'EnvironmentUpdate' });

export function placeRoutes(app: HttpApp, context: { db: Db; clock: Clock; bus: Bus }): void {
  organizationRoutes(app, context);
  projectRoutes(app, context);
  environmentRoutes(app, context);
}

function organizationRoutes(app: HttpApp, context: { db: Db; clock: Clock }): void {
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
    config: { access: 'user' },
    schema: {
      operationId: 'addOrganization',
      summary: 'Create an organization; you become its owner',
      description: 'It begins with the predefined roles and without projects.',
      body: OrganizationCreate,
      response: { 201: Organization },
    },
    handler: async (request, reply) => {
      const { body } = request;
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
            name: body.name ?? row.name,
            url_slug: body.url_slug ?? row.url_slug,
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
        mustBeEmpty('organization', await contentsOf(trx, { organizationId: row.id }));
        await deleteOrganization(trx, row.id);
      });
      return reply.status(204).send(null);
    },
  });
}

function projectRoutes(app: HttpApp, context: { db: Db; clock: Clock }): void {
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
        updateProject(trx, row.id, { name: changed, updated_at: clock.now() }),
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
        mustBeEmpty('project', await contentsOf(trx, { projectId: row.id }));
        await deleteProject(trx, row.id);
      });
      return reply.status(204).send(null);
    },
  });
}

function environmentRoutes(app: HttpApp, context: { db: Db; clock: Clock; bus: Bus }): void {
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
            type: body.type ?? row.type,
            name: body.name ?? row.name,
            description: body.description === undefined ? row.description : body.description,
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
        mustBeEmpty('environment', await contentsOf(trx, { environmentId: row.id }));
        await deleteEnvironment(trx, row.id);
      });
      bus.publish('definitions');
      return reply.status(204).send(null);
    },
  });
}

function mustBeEmpty(kind: string, contents: string[]): void {
  if (contents.length === 0) return;
  throw new AppError('conflict', `This ${kind} still holds ${contents.join(', ')}. Delete them first.`);
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
