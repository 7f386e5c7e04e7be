import { Type, type Static } from 'typebox';
import { principalOf, scopeOf } from '../accounts/access.ts';
import { operationCodes } from '../pipelines/operations.ts';
import type { Bus } from '../platform/bus.ts';
import { isoTime, type Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { notFound } from '../platform/errors.ts';
import { linkPages, PageQuery, readPage } from '../platform/http/pagination.ts';
import { Id, idParam, Nullable, OneOf, Time } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import type { EventWriter } from './events.ts';
import { Action, ActionRelation, actionIdHeader, presentAction, presentActions } from './present.ts';
import { runByHand } from './run-by-hand.ts';
import { actionStatuses } from './status.ts';
import {
  actionStepsOf,
  environmentsOfUser,
  findAction,
  listActions,
  readLog,
  targetsOf,
  type ActionFilter,
} from './store.ts';

const Query = Type.Object({
  ...PageQuery.properties,
  status: Type.Optional(OneOf(actionStatuses)),
  action_type: Type.Optional(OneOf(operationCodes)),
});

const StepLog = Type.Object({
  order: Type.Integer(),
  started_at: Nullable(Time),
  completed_at: Nullable(Time),
  output: Nullable(Type.String()),
});

export function actionRoutes(
  app: HttpApp,
  context: { db: Db; writer: EventWriter; clock: Clock; bus: Bus },
): void {
  const { db, writer } = context;
  const publicUrl = () => writer.publicUrl();

  app.route({
    method: 'POST',
    url: '/pipelines/:pipeline_id/actions',
    config: {
      access: { permission: 'pipeline:run', on: 'pipeline', param: 'pipeline_id' },
      startsAction: true,
    },
    schema: {
      operationId: 'addPipelineAction',
      summary: 'Run a pipeline by hand',
      params: idParam('pipeline_id'),
      body: Nullable(
        Type.Object({
          servers: Type.Optional(Type.Array(Id, { maxItems: 100 })),
          source_type: Type.Optional(OneOf(['branch', 'tag', 'commit'])),
          source_ref: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
          trigger_comment: Type.Optional(Type.String({ maxLength: 1000 })),
        }),
      ),
      response: { 201: Action },
    },
    handler: async (request, reply) => {
      const { organizationId, projectId } = scopeOf(request);
      const body = request.body ?? {};
      const servers = body.servers ?? [];
      const row = await runByHand(context, {
        pipelineId: Number(request.params.pipeline_id),
        organizationId,
        projectId,
        userId: principalOf(request).userId,
        ipAddress: request.ip,
        origin: request.headers['user-agent']?.slice(0, 200) ?? null,
        triggerComment: body.trigger_comment ?? null,
        parameters: {
          source_type: body.source_type ?? null,
          source_ref: body.source_ref ?? null,
          commit_hash: body.source_type === 'commit' ? (body.source_ref ?? null) : null,
          servers: servers.length > 0 ? servers : null,
        },
      });
      return reply
        .status(201)
        .header(actionIdHeader, String(row.id))
        .send(await presentAction(db, publicUrl(), row));
    },
  });

  const lists = [
    {
      url: '/environments/:environment_id/actions',
      operationId: 'listEnvironmentActions',
      on: 'environment',
      param: 'environment_id',
      filter: (id: number): ActionFilter => ({ environmentId: id }),
    },
    {
      url: '/pipelines/:pipeline_id/actions',
      operationId: 'listPipelineActions',
      on: 'pipeline',
      param: 'pipeline_id',
      filter: (id: number): ActionFilter => ({ pipelineId: id }),
    },
  ] as const;
  for (const { url, operationId, on, param, filter } of lists) {
    app.route({
      method: 'GET',
      url,
      config: { access: { permission: 'action:read', on, param } },
      schema: {
        operationId,
        summary: `List the actions of a${/^[aeiou]/.test(on) ? 'n' : ''} ${on}`,
        params: Type.Record(Type.String(), Type.String()),
        querystring: Query,
        response: { 200: Type.Array(ActionRelation) },
      },
      handler: async (request, reply) => {
        const page = readPage(request.query);
        const wanted = { ...filter(Number(request.params[param])), ...queryFilter(request.query) };
        const { rows, total } = await listActions(db, wanted, page);
        linkPages(request, reply, page, total);
        return await presentActions(db, publicUrl(), rows);
      },
    });
  }

  app.route({
    method: 'GET',
    url: '/actions',
    config: { access: 'user' },
    schema: {
      operationId: 'listActions',
      summary: 'List the actions of all your environments',
      querystring: Query,
      response: { 200: Type.Array(ActionRelation) },
    },
    handler: async (request, reply) => {
      const page = readPage(request.query);
      const environmentIds = await environmentsOfUser(db, principalOf(request).userId);
      const { rows, total } = await listActions(db, { environmentIds, ...queryFilter(request.query) }, page);
      linkPages(request, reply, page, total);
      return await presentActions(db, publicUrl(), rows);
    },
  });

  app.route({
    method: 'GET',
    url: '/actions/:action_id',
    config: { access: { permission: 'action:read', on: 'action', param: 'action_id' } },
    schema: {
      operationId: 'getAction',
      summary: 'Read an action with its targets and steps',
      params: idParam('action_id'),
      response: { 200: Action },
    },
    handler: async (request) => {
      const row = await findAction(db, Number(request.params.action_id));
      if (!row) throw notFound('The action');
      return await presentAction(db, publicUrl(), row);
    },
  });

  app.route({
    method: 'GET',
    url: '/actions/:action_id/targets/:target_id/steps/:order/logs',
    config: { access: { permission: 'action:read', on: 'action', param: 'action_id' } },
    schema: {
      operationId: 'getActionLog',
      summary: 'Read the output of a step',
      params: Type.Object({ action_id: Type.String(), target_id: Type.String(), order: Type.String() }),
      response: { 200: StepLog },
    },
    handler: async (request) => {
      const { action_id, target_id, order } = request.params;
      const target = (await targetsOf(db, [Number(action_id)])).find(({ id }) => id === Number(target_id));
      const steps = target ? await actionStepsOf(db, [target.id]) : [];
      const step = steps.find(({ step_order }) => step_order === Number(order));
      if (!step) throw notFound('The step');
      return {
        order: step.step_order,
        started_at: isoTime(step.started_at),
        completed_at: isoTime(step.completed_at),
        output: step.started_at === null ? null : await readLog(db, step.id),
      };
    },
  });
}

function queryFilter(query: Static<typeof Query>): ActionFilter {
  return {
    ...(query.status ? { status: query.status } : {}),
    ...(query.action_type ? { type: query.action_type } : {}),
  };
}
