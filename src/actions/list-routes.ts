import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import { grantsIn } from '../accounts/access.ts';
import { reachOf } from '../accounts/grants.ts';
import { knownResourceTypes } from '../inventory/resource.ts';
import { operationCodes } from '../pipelines/operations.ts';
import type { Db } from '../platform/database/connect.ts';
import { invalid } from '../platform/errors.ts';
import { onePage, PageQuery } from '../platform/http/pagination.ts';
import { Id, idParam, idRange, OneOf } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import { ActionRelation, presentActions } from './present.ts';
import { actionStatuses } from './status.ts';
import { listActions, type ActionFilter } from './store.ts';

const only = (what: string) =>
  Type.Integer({ ...idRange, description: `Only those of the ${what} with this id.` });
const time = (description: string) => Type.String({ format: 'date-time', maxLength: 40, description });
const filters = {
  status: Type.Optional(OneOf(actionStatuses, 'Only those with this status.')),
  operation: Type.Optional(OneOf(operationCodes, 'Only those that do this.')),
  resource_type: Type.Optional(OneOf(knownResourceTypes, 'Only those of this kind of resource.')),
  resource_id: Type.Optional(only('resource')),
  environment_id: Type.Optional(only('environment')),
  project_id: Type.Optional(only('project')),
  organization_id: Type.Optional(only('organization')),
  pipeline_id: Type.Optional(only('pipeline')),
  trigger_type: Type.Optional(
    OneOf(['hook', 'manual'], 'Only those that a hook, or a person or a token, has started.'),
  ),
  created_from: Type.Optional(time('Only those made at this time or later.')),
  created_to: Type.Optional(time('Only those made at this time or earlier.')),
  search: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description:
        'Only those with this text in the name of the resource, the reason, the comment, the branch or commit, or the name of who or what started them; and the one with this id.',
    }),
  ),
};
type FilterName = keyof typeof filters;
// Safe: the keys of the very table.
const filterNames = Object.keys(filters) as FilterName[];

/** Each filter under its plain name, and as `filter[name]`, the way the reference's clients write it. */
const Query = Type.Object({
  ...PageQuery.properties,
  ...filters,
  ...(Object.fromEntries(filterNames.map((name) => [`filter[${name}]`, filters[name]])) as unknown as {
    [Name in FilterName as `filter[${Name}]`]: (typeof filters)[Name];
  }),
});

function readFilter(query: Static<typeof Query>): ActionFilter {
  const given = <Name extends FilterName>(name: Name) => query[name] ?? query[`filter[${name}]`];
  const timeOf = (name: 'created_from' | 'created_to') => {
    const text = given(name);
    if (text === undefined) return undefined;
    const at = Date.parse(text);
    if (Number.isNaN(at)) throw invalid([{ field: name, message: 'must be a time in ISO 8601' }]);
    return at;
  };
  const filter = {
    status: given('status'),
    operation: given('operation'),
    resourceType: given('resource_type'),
    resourceId: given('resource_id'),
    environmentId: given('environment_id'),
    projectId: given('project_id'),
    organizationId: given('organization_id'),
    pipelineId: given('pipeline_id'),
    triggerType: given('trigger_type'),
    createdFrom: timeOf('created_from'),
    createdTo: timeOf('created_to'),
    search: given('search'),
  };
  // Safe: what is left out filters nothing.
  return Object.fromEntries(
    Object.entries(filter).filter(([, value]) => value !== undefined),
  ) as ActionFilter;
}

/** The same list from every side: all, of a place, of a pipeline, of a resource, of a target. */
export function actionListRoutes(app: HttpApp, { db, publicUrl }: { db: Db; publicUrl: () => string }): void {
  /** What the address says cannot be widened by the query. */
  const send = async (
    request: FastifyRequest & { query: Static<typeof Query> },
    reply: FastifyReply,
    fixed: ActionFilter,
  ) => {
    const asked = readFilter(request.query);
    const isContradiction = Object.entries(asked).some(
      ([name, value]) => name in fixed && fixed[name as keyof ActionFilter] !== value,
    );
    const rows = await onePage(request, reply, async (page) =>
      isContradiction ? { rows: [], total: 0 } : await listActions(db, { ...asked, ...fixed }, page),
    );
    return await presentActions(db, publicUrl(), rows);
  };
  const response = { 200: Type.Array(ActionRelation) };

  app.route({
    method: 'GET',
    url: '/actions',
    config: { access: 'caller' },
    schema: {
      operationId: 'listActions',
      summary: 'List the actions of everything you may see',
      querystring: Query,
      response,
    },
    handler: (request, reply) => send(request, reply, { reach: reachOf(grantsIn(request), 'action:read') }),
  });

  app.route({
    method: 'GET',
    url: '/environments/:environment_id/actions',
    config: { access: { permission: 'action:read', on: 'environment', param: 'environment_id' } },
    schema: {
      operationId: 'listEnvironmentActions',
      summary: 'List the actions of an environment',
      params: idParam('environment_id'),
      querystring: Query,
      response,
    },
    handler: (request, reply) => send(request, reply, { environmentId: request.params.environment_id }),
  });

  app.route({
    method: 'GET',
    url: '/environments/:environment_id/actions/:resource_type',
    config: { access: { permission: 'action:read', on: 'environment', param: 'environment_id' } },
    schema: {
      operationId: 'listEnvironmentActionsByResourceType',
      summary: 'List the actions of an environment that concern one kind of resource',
      params: Type.Object({ environment_id: Id, resource_type: OneOf(knownResourceTypes) }),
      querystring: Query,
      response,
    },
    handler: (request, reply) =>
      send(request, reply, {
        environmentId: request.params.environment_id,
        resourceType: request.params.resource_type,
      }),
  });

  app.route({
    method: 'GET',
    url: '/projects/:project_id/actions/:resource_type',
    config: { access: { permission: 'action:read', on: 'project', param: 'project_id' } },
    schema: {
      operationId: 'listProjectActionsByResourceType',
      summary: 'List the actions of a project that concern one kind of resource',
      params: Type.Object({ project_id: Id, resource_type: OneOf(knownResourceTypes) }),
      querystring: Query,
      response,
    },
    handler: (request, reply) =>
      send(request, reply, {
        projectId: request.params.project_id,
        resourceType: request.params.resource_type,
      }),
  });

  app.route({
    method: 'GET',
    url: '/pipelines/:pipeline_id/actions',
    config: { access: { permission: 'action:read', on: 'pipeline', param: 'pipeline_id' } },
    schema: {
      operationId: 'listPipelineActions',
      summary: 'List the actions of a pipeline',
      params: idParam('pipeline_id'),
      querystring: Query,
      response,
    },
    handler: (request, reply) => send(request, reply, { pipelineId: request.params.pipeline_id }),
  });

  // The guard knows what there is; of other kinds nothing can be found.
  const params = Type.Object({ resource_type: OneOf(knownResourceTypes), resource_id: Id });

  app.route({
    method: 'GET',
    url: '/actions/:resource_type/:resource_id',
    config: { access: { permission: 'action:read', on: 'named-in-address' } },
    schema: {
      operationId: 'listActionsByResourceType',
      summary: 'List the actions of an application or a server',
      params,
      querystring: Query,
      response,
    },
    handler: (request, reply) =>
      send(request, reply, {
        resourceType: request.params.resource_type,
        resourceId: request.params.resource_id,
      }),
  });

  app.route({
    method: 'GET',
    url: '/actions/targets/:resource_type/:resource_id',
    config: { access: { permission: 'action:read', on: 'named-in-address' } },
    schema: {
      operationId: 'listActionsByTargetResourceType',
      summary: 'List the actions that ran on a server',
      params,
      querystring: Query,
      response,
    },
    handler: (request, reply) =>
      send(request, reply, {
        // A target lies in the environment of its action, so the permission there is the one needed.
        target: { type: request.params.resource_type, id: request.params.resource_id },
      }),
  });
}
