import type { FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import { mustAlsoHave, principalOf, scopeOf, type Access } from '../accounts/access.ts';
import { audited } from '../accounts/audit.ts';
import { usersById } from '../accounts/present.ts';
import { permissionToRun } from '../pipelines/lifecycle.ts';
import { findPipeline, type PipelineRow } from '../pipelines/store.ts';
import type { Bus } from '../platform/bus.ts';
import { isoTime } from '../platform/clock.ts';
import type { Trx } from '../platform/database/connect.ts';
import { invalid, notFound } from '../platform/errors.ts';
import { bodyByParam } from '../platform/http/body-by-param.ts';
import { onePage, PageQuery } from '../platform/http/pagination.ts';
import { Id, idParam, noContent, Nullable, OneOf, Uuid } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import { changeBodies, createBodies, olderBodies } from './bodies.ts';
import { healthOfHooks } from './health.ts';
import { incomingPreviewRoute } from './incoming-preview-route.ts';
import { refusalsOfHooks } from './refusals.ts';
import { installationsOfHooks } from './installations.ts';
import { latestOfHooks } from './latest.ts';
import { EnvironmentHook, Hook, presentHook, presentLatest, RotatedSecret } from './present.ts';
import {
  changeIncomingHook,
  changeOutgoingHook,
  createIncomingHook,
  createOutgoingHook,
  rotateHookSecret,
  type HookOwner,
  type SaveContext,
} from './save.ts';
import { unknownFields } from './unknown-fields.ts';
import {
  deleteHook,
  findHook,
  incomingVariables,
  listEnvironmentHooks,
  listPipelineHooks,
  listResourceHooks,
  lockHook,
  type HookRow,
} from './store.ts';

/** The words of an address for what a row says as `in` and `out`. */
const directions = { incoming: 'in', outgoing: 'out' } as const;
const hook_type = OneOf(['incoming', 'outgoing']);
const tooMany = { 409: 'The resource has as many hooks as it may have.' };
type HookType = keyof typeof directions;

export function hookRoutes(app: HttpApp, context: SaveContext & { bus: Bus; publicUrl: () => string }): void {
  const { db, box, bus } = context;
  const presentAll = async (rows: HookRow[], projectId: number) => {
    const users = await usersById(
      db,
      rows.map((row) => row.created_by),
    );
    const publicUrl = context.publicUrl();
    const ids = rows.map(({ id }) => id);
    const health = await healthOfHooks(db, ids);
    const refusals = await refusalsOfHooks(db, ids);
    const installations = await installationsOfHooks(db, ids);
    const variables = await variablesBeside(rows);
    const now = context.clock.now();
    return rows.map((row) =>
      presentHook(row, {
        box,
        publicUrl,
        projectId,
        users,
        now,
        health: health.get(row.id),
        refusals: refusals.get(row.id),
        installation: installations.get(row.id),
        variables: variables.get(row.id) ?? [],
      }),
    );
  };
  /** What the incoming hooks beside each outgoing one extract: its templates may name that. */
  const variablesBeside = async (rows: HookRow[]): Promise<Map<number, string[]>> => {
    const known = new Map<string, Promise<{ name: string }[]>>();
    const found = new Map<number, string[]>();
    for (const row of rows.filter(({ direction }) => direction === 'out')) {
      const subject = {
        pipelineId: row.pipeline_id,
        resourceType: row.resource_type,
        resourceId: row.resource_id,
        actionType: row.action_type,
      };
      const key = JSON.stringify(subject);
      if (!known.has(key)) known.set(key, incomingVariables(db, box, subject));
      found.set(
        row.id,
        (await known.get(key)!).map((variable) => variable.name),
      );
    }
    return found;
  };
  const present = async (row: HookRow, projectId: number) => (await presentAll([row], projectId))[0]!;

  const existingPipeline = async (id: number): Promise<PipelineRow> => {
    const pipeline = await findPipeline(db, id);
    if (!pipeline) throw notFound('The pipeline');
    return pipeline;
  };
  const pipelineOwner = async (
    id: number,
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

  const mayRun = (request: FastifyRequest, resourceType: string, operation: string) => {
    const needed = permissionToRun({ resourceType, operation });
    if (needed) mustAlsoHave(request, needed);
  };

  /** Creates either kind and returns what the wire shows, the secret of an incoming one this once. */
  const create = async (request: FastifyRequest, type: HookType, owner: HookOwner, projectId: number) => {
    // Whoever may not see an application, or not stop a server, is not to have a hook do it.
    if (type === 'incoming' && owner.resourceType === 'application')
      mustAlsoHave(request, 'application:read');
    if (type === 'incoming') mayRun(request, owner.resourceType, owner.actionType);
    const { row, secret } = await audited(
      context,
      request,
      (created: { row: HookRow; secret: string }) => asObject(created.row),
      async (trx) =>
        // Safe: `bodyByParam` has validated the body as the one of this type.
        type === 'incoming'
          ? await createIncoming(trx, owner, request.body as Static<typeof createBodies.incoming>)
          : await createOutgoing(trx, owner, request.body as Static<typeof createBodies.outgoing>),
    );
    bus.publish('definitions');
    const shown = await present(row, projectId);
    const unknown = unknownFields(request.body, olderBodies[type]);
    return { ...shown, secret, warnings: [...shown.warnings, ...unknown] };
  };

  const createIncoming = (trx: Trx, owner: HookOwner, body: Static<typeof createBodies.incoming>) => {
    const { preset = null, ...given } = body;
    return createIncomingHook({ ...context, db: trx }, owner, given, preset);
  };

  const createOutgoing = (trx: Trx, owner: HookOwner, body: Static<typeof createBodies.outgoing>) => {
    const { preset = null, ...given } = body;
    return createOutgoingHook({ ...context, db: trx }, owner, given, preset);
  };

  app.route({
    method: 'POST',
    url: '/pipelines/:pipeline_id/hooks/:hook_type',
    config: { access: { permission: 'hook:create', on: 'pipeline', param: 'pipeline_id' }, errors: tooMany },
    ...bodyByParam(app, 'hook_type', createBodies),
    schema: {
      operationId: 'addPipelineHook',
      summary: 'Create an incoming or an outgoing hook',
      description:
        "An incoming hook of an application needs the permission `application:read` too, and one that starts or stops a server the permission to do that. The answer of an incoming hook holds the URL for the sender and, this once, the secret. An outgoing hook's URL, headers and body are templates.",
      params: Type.Object({ pipeline_id: Id, hook_type }),
      body: Type.Union([createBodies.incoming, createBodies.outgoing]),
      response: { 201: Hook },
    },
    handler: async (request, reply) => {
      const { userId } = principalOf(request);
      const { pipeline_id, hook_type: type } = request.params;
      const owner = await pipelineOwner(pipeline_id, request.body.action_type, userId);
      return reply.status(201).send(await create(request, type, owner, scopeOf(request).projectId));
    },
  });

  app.route({
    method: 'POST',
    url: '/hooks/:hook_type',
    config: { access: { permission: 'hook:create', on: 'named-in-body' }, errors: tooMany },
    ...bodyByParam(app, 'hook_type', olderBodies),
    schema: {
      operationId: 'addHook',
      summary: 'Create a hook in the older form, for every pipeline of a resource and operation',
      description:
        'It attaches to every pipeline of that resource and operation, also to those that are made later. `POST /pipelines/{pipeline_id}/hooks/{hook_type}` is the form of today.',
      params: Type.Object({ hook_type }),
      body: Type.Union([olderBodies.incoming, olderBodies.outgoing]),
      response: { 201: Hook },
    },
    handler: async (request, reply) => {
      const { environmentId, projectId } = scopeOf(request);
      const { body } = request;
      const owner: HookOwner = {
        environmentId,
        pipelineId: null,
        resourceType: body.resource_type,
        resourceId: body.resource_id,
        actionType: body.action_type,
        userId: principalOf(request).userId,
      };
      return reply.status(201).send(await create(request, request.params.hook_type, owner, projectId));
    },
  });

  incomingPreviewRoute(app, context);

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
      const pipeline = await existingPipeline(request.params.pipeline_id);
      const rows = await onePage(request, reply, (page) => listPipelineHooks(db, pipeline, page));
      return await presentAll(rows, scopeOf(request).projectId);
    },
  });

  app.route({
    method: 'GET',
    url: '/environments/:environment_id/hooks',
    config: { access: { permission: 'hook:read', on: 'environment', param: 'environment_id' } },
    schema: {
      operationId: 'listEnvironmentHooks',
      summary: 'List the hooks of an environment, each with the last that came of it',
      params: idParam('environment_id'),
      querystring: Type.Object({
        ...PageQuery.properties,
        hook_type: Type.Optional(hook_type),
        'filter[name]': Type.Optional(Type.String({ maxLength: 60, description: 'A part of the name.' })),
      }),
      response: { 200: Type.Array(EnvironmentHook) },
    },
    handler: async (request, reply) => {
      const { environmentId, projectId } = scopeOf(request);
      const { hook_type: type, 'filter[name]': name } = request.query;
      const direction = type && directions[type];
      const rows = await onePage(request, reply, (page) =>
        listEnvironmentHooks(db, { environmentId, direction, name }, page),
      );
      const latest = await latestOfHooks(
        db,
        rows.map(({ id }) => id),
      );
      const shown = await presentAll(rows, projectId);
      return shown.map((hook, index) => ({ ...hook, latest: presentLatest(latest.get(rows[index]!.id)) }));
    },
  });

  const ofApplication = {
    url: '/applications/:application_id/hooks',
    operationId: 'listApplicationHooks',
    summary: 'List the hooks of an application and of its pipelines',
    type: 'application',
    param: 'application_id',
  } as const;
  const ofServer = {
    url: '/servers/:server_id/hooks',
    operationId: 'listServerHooks',
    summary: 'List the hooks of a server and of its pipelines',
    type: 'server',
    param: 'server_id',
  } as const;
  for (const { url, operationId, summary, type, param } of [ofApplication, ofServer]) {
    app.route({
      method: 'GET',
      url,
      config: { access: { permission: 'hook:read', on: type, param } },
      schema: {
        operationId,
        summary,
        params: idParam(param),
        querystring: PageQuery,
        response: { 200: Type.Array(Hook) },
      },
      handler: async (request, reply) => {
        // Safe: the schema above has this one parameter.
        const id = (request.params as Record<string, number>)[param]!;
        const rows = await onePage(request, reply, (page) => listResourceHooks(db, { type, id }, page));
        return await presentAll(rows, scopeOf(request).projectId);
      },
    });
  }

  const url = '/hooks/:hook_type/:hook_id';
  const params = Type.Object({ hook_type, hook_id: Uuid });
  const needs = (permission: 'hook:read' | 'hook:update' | 'hook:delete') => ({
    access: { permission, on: 'hook', param: 'hook_id' } satisfies Access,
  });
  const existing = async (given: Static<typeof params>): Promise<HookRow> => {
    const row = await findHook(db, given.hook_id);
    if (row?.direction !== directions[given.hook_type]) throw notFound(`The ${given.hook_type} hook`);
    return row;
  };

  /** The hook as it is now: two who change it at once must not undo each other. */
  const lock = async (trx: Trx, { id, direction }: HookRow): Promise<HookRow> => {
    const row = await lockHook(trx, id);
    if (!row) throw notFound(`The ${direction === 'in' ? 'incoming' : 'outgoing'} hook`);
    return row;
  };

  app.route({
    method: 'GET',
    url,
    config: needs('hook:read'),
    schema: {
      operationId: 'getHook',
      summary: 'Read a hook',
      description: 'Its secret and the sensitive headers it sends are masked.',
      params,
      response: { 200: Hook },
    },
    handler: async (request) => present(await existing(request.params), scopeOf(request).projectId),
  });

  app.route({
    method: 'PUT',
    url,
    config: needs('hook:update'),
    ...bodyByParam(app, 'hook_type', changeBodies),
    schema: {
      operationId: 'updateHook',
      summary: 'Change a hook; what is left out is kept, the secret too',
      description:
        'The body is that of the kind of hook in the address. A header whose value is the mask keeps its value.',
      params,
      body: Type.Union([changeBodies.incoming, changeBodies.outgoing]),
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await existing(request.params);
      // Whoever can choose its secret, or do without one, can run what it runs.
      if (row.direction === 'in') mayRun(request, row.resource_type, row.action_type);
      const object = { ...asObject(row), name: request.body.name ?? row.name };
      await audited(context, request, object, async (trx) => {
        const within = { ...context, db: trx };
        const locked = await lock(trx, row);
        // Safe: `bodyByParam` has validated the body as the one of this type.
        if (row.direction === 'in')
          await changeIncomingHook(within, locked, request.body as Static<typeof changeBodies.incoming>);
        else await changeOutgoingHook(within, locked, request.body as Static<typeof changeBodies.outgoing>);
      });
      bus.publish('definitions');
      bus.publish('deliveries');
      return reply.status(204).send(null);
    },
  });

  app.route({
    method: 'POST',
    url: '/hooks/:hook_type/:hook_id/rotate-secret',
    config: { ...needs('hook:update'), errors: { 409: 'The incoming hook takes unsigned requests.' } },
    schema: {
      operationId: 'rotateHookSecret',
      summary: 'Give a hook a new secret, shown this once',
      description:
        'The old secret stays valid for the time given, so that the other side can be changed meanwhile: of an incoming hook both are accepted, an outgoing one signs with both. With 0 seconds it ends at once. An outgoing hook that does not sign yet does so from now on.',
      params,
      body: Nullable(
        Type.Object(
          {
            secret: Type.Optional(
              Type.String({ maxLength: 1000, description: 'Where the other side dictates it.' }),
            ),
            previous_valid_for_seconds: Type.Optional(
              Type.Integer({ minimum: 0, maximum: 30 * 86_400, description: 'A day if left out.' }),
            ),
          },
          { title: 'HookSecretRotation' },
        ),
      ),
      response: { 200: RotatedSecret },
    },
    handler: async (request) => {
      const row = await existing(request.params);
      if (row.direction === 'in') mayRun(request, row.resource_type, row.action_type);
      const { secret: given, previous_valid_for_seconds: validForSeconds = 86_400 } = request.body ?? {};
      const { secret, validUntil } = await audited(
        context,
        request,
        asObject(row),
        async (trx) =>
          await rotateHookSecret({ ...context, db: trx }, await lock(trx, row), {
            secret: given,
            validForSeconds,
          }),
      );
      bus.publish('definitions');
      const installation = (await installationsOfHooks(db, [row.id])).get(row.id);
      return {
        secret,
        previous_secret_valid_until: isoTime(validUntil),
        warnings: installation
          ? [
              `The webhook at ${installation.provider} has the old secret: POST /api/hooks/incoming/${row.uuid}/install brings it up to date.`,
            ]
          : [],
      };
    },
  });

  app.route({
    method: 'DELETE',
    url,
    config: needs('hook:delete'),
    schema: {
      operationId: 'deleteHook',
      summary: 'Delete a hook; the records of its requests stay',
      description:
        'The URL of an incoming hook is gone for good; what is registered for it at a provider stays there, so `uninstall` it first. What an outgoing hook has not sent yet is skipped.',
      params,
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await existing(request.params);
      await audited(context, request, asObject(row), (trx) => deleteHook(trx, row.id));
      bus.publish('definitions');
      bus.publish('deliveries');
      return reply.status(204).send(null);
    },
  });
}

function asObject({ uuid, name: hookName }: HookRow) {
  return { type: 'hook' as const, id: uuid, name: hookName };
}
