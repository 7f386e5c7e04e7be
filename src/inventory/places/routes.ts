import { Type } from 'typebox';
import { permissionsIn, principalOf } from '../../accounts/access.ts';
import { findUser } from '../../accounts/store.ts';
import { presentUser } from '../../accounts/present.ts';
import type { Db } from '../../platform/database/connect.ts';
import { notFound } from '../../platform/errors.ts';
import { linkPages, PageQuery, readPage } from '../../platform/http/pagination.ts';
import { idParam } from '../../platform/http/schemas.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import {
  Environment,
  EnvironmentRelation,
  Organization,
  OrganizationRelation,
  presentEnvironment,
  presentEnvironmentRelation,
  presentOrganization,
  presentProject,
  Project,
  ProjectRelation,
} from './present.ts';
import {
  findOrganization,
  findPlace,
  findProject,
  listEnvironments,
  listOrganizations,
  listProjects,
} from './store.ts';

/** Organizations, projects and environments: reading only, in this version. A fresh installation has one of each. */
export function placeRoutes(app: HttpApp, { db }: { db: Db }): void {
  app.route({
    method: 'GET',
    url: '/organizations',
    config: { access: 'user' },
    schema: {
      operationId: 'listOrganizations',
      summary: 'List the organizations you belong to',
      querystring: PageQuery,
      response: { 200: Type.Array(OrganizationRelation) },
    },
    handler: async (request, reply) => {
      const page = readPage(request.query);
      const { rows, total } = await listOrganizations(db, principalOf(request).userId, page);
      linkPages(request, reply, page, total);
      return rows.map((row) => presentOrganization(row));
    },
  });

  app.route({
    method: 'GET',
    url: '/organizations/:organization_id',
    config: { access: { permission: 'organization:read', on: 'organization', param: 'organization_id' } },
    schema: {
      operationId: 'getOrganization',
      summary: 'Read an organization',
      params: idParam('organization_id'),
      response: { 200: Organization },
    },
    handler: async (request) => {
      const row = await findOrganization(db, Number(request.params.organization_id));
      if (!row) throw notFound('The organization');
      const owner = await findUser(db, row.owner_user_id);
      const granted = await permissionsIn(db, principalOf(request), { organizationId: row.id });
      return {
        ...presentOrganization(row),
        owner: owner ? presentUser(owner) : null,
        current_user_permissions: [...granted],
      };
    },
  });

  app.route({
    method: 'GET',
    url: '/projects',
    config: { access: 'user' },
    schema: {
      operationId: 'listProjects',
      summary: 'List the projects you may see',
      querystring: PageQuery,
      response: { 200: Type.Array(ProjectRelation) },
    },
    handler: async (request, reply) => {
      const page = readPage(request.query);
      const filter = { userId: principalOf(request).userId, organizationId: null };
      const { rows, total } = await listProjects(db, filter, page);
      linkPages(request, reply, page, total);
      return rows.map((row) => presentProject(row, undefined));
    },
  });

  app.route({
    method: 'GET',
    url: '/organizations/:organization_id/projects',
    config: { access: { permission: 'project:read', on: 'organization', param: 'organization_id' } },
    schema: {
      operationId: 'listOrganizationProjects',
      summary: 'List the projects of an organization',
      params: idParam('organization_id'),
      querystring: PageQuery,
      response: { 200: Type.Array(ProjectRelation) },
    },
    handler: async (request, reply) => {
      const page = readPage(request.query);
      const organizationId = Number(request.params.organization_id);
      const filter = { userId: principalOf(request).userId, organizationId };
      const { rows, total } = await listProjects(db, filter, page);
      linkPages(request, reply, page, total);
      return rows.map((row) => presentProject(row, undefined));
    },
  });

  app.route({
    method: 'GET',
    url: '/projects/:project_id',
    config: { access: { permission: 'project:read', on: 'project', param: 'project_id' } },
    schema: {
      operationId: 'getProject',
      summary: 'Read a project',
      params: idParam('project_id'),
      response: { 200: Project },
    },
    handler: async (request) => {
      const row = await findProject(db, Number(request.params.project_id));
      if (!row) throw notFound('The project');
      const organization = await findOrganization(db, row.organization_id);
      const granted = await permissionsIn(db, principalOf(request), { organizationId: row.organization_id });
      return { ...presentProject(row, organization), current_user_permissions: [...granted] };
    },
  });

  app.route({
    method: 'GET',
    url: '/projects/:project_id/environments',
    config: { access: { permission: 'environment:read', on: 'project', param: 'project_id' } },
    schema: {
      operationId: 'listProjectEnvironments',
      summary: 'List the environments of a project',
      params: idParam('project_id'),
      querystring: PageQuery,
      response: { 200: Type.Array(EnvironmentRelation) },
    },
    handler: async (request, reply) => {
      const page = readPage(request.query);
      const { rows, total } = await listEnvironments(db, Number(request.params.project_id), page);
      linkPages(request, reply, page, total);
      return rows.map((row) => presentEnvironmentRelation(row));
    },
  });

  app.route({
    method: 'GET',
    url: '/environments/:environment_id',
    config: { access: { permission: 'environment:read', on: 'environment', param: 'environment_id' } },
    schema: {
      operationId: 'getEnvironment',
      summary: 'Read an environment',
      params: idParam('environment_id'),
      response: { 200: Environment },
    },
    handler: async (request) => {
      const place = await findPlace(db, Number(request.params.environment_id));
      if (!place) throw notFound('The environment');
      const granted = await permissionsIn(db, principalOf(request), {
        organizationId: place.organization.id,
      });
      return presentEnvironment(place.environment, granted);
    },
  });
}
