import { Type, type Static } from 'typebox';
import { principalOf, scopeOf, type Access } from '../accounts/access.ts';
import { presentUser } from '../accounts/present.ts';
import { findUser } from '../accounts/store.ts';
import { resourceTypes } from '../inventory/resource.ts';
import { operationCodes } from '../pipelines/operations.ts';
import { findPipeline, type PipelineRow } from '../pipelines/store.ts';
import { invalid, notFound } from '../platform/errors.ts';
import { linkPages, PageQuery, readPage } from '../platform/http/pagination.ts';
import { Id, idParam, Nullable, OneOf } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import {
  eventNames,
  HookVariable,
  IncomingCondition,
  OutgoingCondition,
  RequestBody,
  RequestHeader,
  secretAlgorithms,
} from './definition.ts';
import { Hook, presentHook } from './present.ts';
import {
  changeIncomingHook,
  changeOutgoingHook,
  createIncomingHook,
  createOutgoingHook,
  type HookOwner,
  type SaveContext,
} from './save.ts';
import { deleteHook, findHook, listPipelineHooks, listResourceHooks, type HookRow } from './store.ts';

const name = Type.String({ minLength: 1, maxLength: 60 });
const active = Type.Optional(Type.Boolean());
const action_type = Type.Optional(OneOf(operationCodes));

const incoming = {
  active,
  action_type,
  requires_secret: Type.Optional(Type.Boolean()),
  secret: Type.Optional(Type.String({ maxLength: 1000 })),
  secret_algorithm: Type.Optional(Nullable(OneOf(secretAlgorithms))),
  secret_header_name: Type.Optional(Nullable(Type.String({ pattern: '^[A-Za-z0-9-]+$', maxLength: 64 }))),
  settings: Type.Optional(
    Nullable(Type.Object({ variables: Type.Optional(Type.Array(HookVariable, { maxItems: 100 })) })),
  ),
  trigger_when: Type.Optional(
    Nullable(Type.Object({ conditions: Type.Optional(Type.Array(IncomingCondition, { maxItems: 50 })) })),
  ),
};
const target_url = Type.String({ minLength: 1, maxLength: 4000 });
const outgoing = {
  active,
  action_type,
  verify_ssl: Type.Optional(Type.Boolean()),
  settings: Type.Optional(
    Nullable(
      Type.Object({
        request_headers: Type.Optional(Type.Array(RequestHeader, { maxItems: 50 })),
        request_body: Type.Optional(Nullable(RequestBody)),
      }),
    ),
  ),
  trigger_when: Type.Optional(
    Nullable(
      Type.Object({
        events: Type.Optional(Type.Array(OneOf(eventNames), { minItems: 1, maxItems: 10 })),
        conditions: Type.Optional(Type.Array(OutgoingCondition, { maxItems: 50 })),
      }),
    ),
  ),
};
const olderForm = {
  resource_type: OneOf(resourceTypes),
  resource_id: Id,
  action_type: OneOf(operationCodes),
};
const IncomingBody = Type.Object({ name, ...incoming });
const OutgoingBody = Type.Object({ name, target_url, ...outgoing });

export function hookRoutes(app: HttpApp, context: SaveContext & { publicUrl: () => string }): void {
  const { db, box, bus } = context;
  const present = async (row: HookRow, projectId: number) => {
    const user = await findUser(db, row.created_by);
    const hook = presentHook(row, { box, publicUrl: context.publicUrl(), projectId });
    return { ...hook, created_by_user: user ? presentUser(user) : null };
  };
  const presentRow = (projectId: number) => (row: HookRow) =>
    presentHook(row, { box, publicUrl: context.publicUrl(), projectId });

  const existingPipeline = async (id: string): Promise<PipelineRow> => {
    const pipeline = await findPipeline(db, Number(id));
    if (!pipeline) throw notFound('The pipeline');
    return pipeline;
  };
  const pipelineOwner = async (
    id: string,
    actionType: string | undefined,
    userId: number,
  ): Promise<HookOwner> => {
    const pipeline = await existingPipeline(id);
    if (actionType !== undefined && actionType !== pipeline.operation) {
      const message = `must be the operation of the pipeline, ${pipeline.operation}, or be left out`;
      throw invalid([{ field: 'action_type', message }]);
    }
    return {
      environmentId: pipeline.environment_id,
      pipelineId: pipeline.id,
      resourceType: pipeline.resource_type === 'server' ? 'server' : 'application',
      resourceId: pipeline.resource_id,
      actionType: pipeline.operation,
      userId,
    };
  };

  const onPipeline = { access: { permission: 'hook:create', on: 'pipeline', param: 'pipeline_id' } } as const;
  const inBody = { access: { permission: 'hook:create', on: 'named-in-body' } } as const;

  app.route({
    method: 'POST',
    url: '/pipelines/:pipeline_id/hooks/incoming',
    config: onPipeline,
    schema: {
      operationId: 'addPipelineIncomingHook',
      summary: 'Create an incoming hook; its URL and secret are in the answer, the secret this once',
      params: idParam('pipeline_id'),
      body: IncomingBody,
      response: { 201: Hook },
    },
    handler: async (request, reply) => {
      const { userId } = principalOf(request);
      const owner = await pipelineOwner(request.params.pipeline_id, request.body.action_type, userId);
      const { row, secret } = await createIncomingHook(context, owner, request.body);
      return reply.status(201).send({ ...(await present(row, scopeOf(request).projectId)), secret });
    },
  });

  app.route({
    method: 'POST',
    url: '/pipelines/:pipeline_id/hooks/outgoing',
    config: onPipeline,
    schema: {
      operationId: 'addPipelineOutgoingHook',
      summary: 'Create an outgoing hook',
      params: idParam('pipeline_id'),
      body: OutgoingBody,
      response: { 201: Hook },
    },
    handler: async (request, reply) => {
      const { userId } = principalOf(request);
      const owner = await pipelineOwner(request.params.pipeline_id, request.body.action_type, userId);
      const row = await createOutgoingHook(context, owner, request.body);
      return reply.status(201).send(await present(row, scopeOf(request).projectId));
    },
  });

  const resourceOwner = (
    body: { resource_type: HookOwner['resourceType']; resource_id: number; action_type: string },
    environmentId: number,
    userId: number,
  ): HookOwner => ({
    environmentId,
    pipelineId: null,
    resourceType: body.resource_type,
    resourceId: body.resource_id,
    actionType: body.action_type,
    userId,
  });

  app.route({
    method: 'POST',
    url: '/hooks/incoming',
    config: inBody,
    schema: {
      operationId: 'addIncomingHook',
      summary: 'Create an incoming hook in the older form, for every pipeline of a resource and operation',
      body: Type.Object({ ...IncomingBody.properties, ...olderForm }),
      response: { 201: Hook },
    },
    handler: async (request, reply) => {
      const { environmentId, projectId } = scopeOf(request);
      const owner = resourceOwner(request.body, environmentId, principalOf(request).userId);
      const { row, secret } = await createIncomingHook(context, owner, request.body);
      return reply.status(201).send({ ...(await present(row, projectId)), secret });
    },
  });

  app.route({
    method: 'POST',
    url: '/hooks/outgoing',
    config: inBody,
    schema: {
      operationId: 'addOutgoingHook',
      summary: 'Create an outgoing hook in the older form, for every pipeline of a resource and operation',
      body: Type.Object({ ...OutgoingBody.properties, ...olderForm }),
      response: { 201: Hook },
    },
    handler: async (request, reply) => {
      const { environmentId, projectId } = scopeOf(request);
      const owner = resourceOwner(request.body, environmentId, principalOf(request).userId);
      const row = await createOutgoingHook(context, owner, request.body);
      return reply.status(201).send(await present(row, projectId));
    },
  });

  app.route({
    method: 'GET',
    url: '/pipelines/:pipeline_id/hooks',
    config: { access: { permission: 'hook:read', on: 'pipeline', param: 'pipeline_id' } },
    schema: {
      operationId: 'listPipelineHooks',
      summary: 'List the hooks of a pipeline, both directions and both forms',
      params: idParam('pipeline_id'),
      querystring: PageQuery,
      response: { 200: Type.Array(Hook) },
    },
    handler: async (request, reply) => {
      const page = readPage(request.query);
      const pipeline = await existingPipeline(request.params.pipeline_id);
      const { rows, total } = await listPipelineHooks(db, pipeline, page);
      linkPages(request, reply, page, total);
      return rows.map(presentRow(scopeOf(request).projectId));
    },
  });

  for (const type of resourceTypes) {
    const label = type === 'application' ? 'Application' : 'Server';
    app.route({
      method: 'GET',
      url: `/${type}s/:resource_id/hooks`,
      config: { access: { permission: 'hook:read', on: type, param: 'resource_id' } },
      schema: {
        operationId: `list${label}Hooks`,
        summary: `List the hooks of a${type === 'application' ? 'n' : ''} ${type} and of its pipelines`,
        params: idParam('resource_id'),
        querystring: PageQuery,
        response: { 200: Type.Array(Hook) },
      },
      handler: async (request, reply) => {
        const page = readPage(request.query);
        const { rows, total } = await listResourceHooks(
          db,
          { type, id: Number(request.params.resource_id) },
          page,
        );
        linkPages(request, reply, page, total);
        return rows.map(presentRow(scopeOf(request).projectId));
      },
    });
  }

  const directions = [
    { address: 'incoming', direction: 'in', label: 'Incoming' },
    { address: 'outgoing', direction: 'out', label: 'Outgoing' },
  ] as const;
  for (const { address, direction, label } of directions) {
    const url = `/hooks/${address}/:hook_id`;
    const params = idParam('hook_id');
    const needs = (permission: 'hook:read' | 'hook:update' | 'hook:delete') => ({
      access: { permission, on: 'hook', param: 'hook_id' } satisfies Access,
    });
    const existing = async (uuid: string): Promise<HookRow> => {
      const row = await findHook(db, uuid);
      if (row?.direction !== direction) throw notFound(`The ${address} hook`);
      return row;
    };

    app.route({
      method: 'GET',
      url,
      config: needs('hook:read'),
      schema: {
        operationId: `get${label}Hook`,
        summary: `Read an ${address} hook`,
        params,
        response: { 200: Hook },
      },
      handler: async (request) => present(await existing(request.params.hook_id), scopeOf(request).projectId),
    });

    app.route({
      method: 'DELETE',
      url,
      config: needs('hook:delete'),
      schema: {
        operationId: `delete${label}Hook`,
        summary: `Delete an ${address} hook; the records of its requests stay`,
        params,
        response: { 204: Type.Null() },
      },
      handler: async (request, reply) => {
        await deleteHook(db, (await existing(request.params.hook_id)).id);
        bus.publish('definitions');
        bus.publish('deliveries');
        return reply.status(204).send(null);
      },
    });

    const body =
      direction === 'in'
        ? Type.Object({ ...incoming, name: Type.Optional(name) })
        : Type.Object({ ...outgoing, name: Type.Optional(name), target_url: Type.Optional(target_url) });
    app.route({
      method: 'PUT',
      url,
      config: needs('hook:update'),
      schema: {
        operationId: `update${label}Hook`,
        summary: `Change an ${address} hook; what is left out is kept, the secret too`,
        params,
        body,
        response: { 204: Type.Null() },
      },
      handler: async (request, reply) => {
        const row = await existing(request.params.hook_id);
        // Safe: the schema above is the one of this direction.
        if (direction === 'in')
          await changeIncomingHook(context, row, request.body as Static<typeof IncomingBody>);
        else await changeOutgoingHook(context, row, request.body as Static<typeof OutgoingBody>);
        return reply.status(204).send(null);
      },
    });
  }
}
