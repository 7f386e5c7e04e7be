import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import { scopeOf } from '../accounts/access.ts';
import { audited } from '../accounts/audit.ts';
import type { Permission } from '../accounts/permissions.ts';
import { lifecyclePipeline, type LifecycleOperation } from '../pipelines/lifecycle.ts';
import { operationLabel } from '../pipelines/operations.ts';
import { findPipeline, pipelinesFor, type PipelineRow } from '../pipelines/store.ts';
import type { Bus } from '../platform/bus.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { AppError, invalid, notFound } from '../platform/errors.ts';
import { parseExactJson } from '../platform/exact-json.ts';
import { Id, idParam, noContent, Nullable, OneOf } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import type { EventWriter } from './events.ts';
import { actionListRoutes } from './list-routes.ts';
import { cancelAction } from './cancel.ts';
import { logRoutes } from './log-routes.ts';
import { Action, actionIdHeader, presentAction } from './present.ts';
import { releaseRoutes, rollbackParameters } from './releases/routes.ts';
import { choosePipeline, describeCaller, startAction } from './start-action.ts';
import { findAction, type ActionRow } from './store.ts';
import type { ActionParameters, TriggeredFrom } from './trigger.ts';

const what = {
  servers: Type.Optional(
    Type.Array(Id, { maxItems: 100, description: 'Instead of those that the resource is linked to.' }),
  ),
  source_type: Type.Optional(OneOf(['branch', 'tag', 'commit'])),
  source_ref: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
};

const PipelineActionCreate = Type.Object(
  {
    ...what,
    variables: Type.Optional(
      Type.Record(Type.String(), Type.String({ maxLength: 8192 }), {
        maxProperties: 50,
        description: 'What a hook would find: the steps get each as `HOOKLINE_VAR_<NAME>`, in upper case.',
      }),
    ),
    trigger_comment: Type.Optional(Type.String({ maxLength: 1000 })),
  },
  { title: 'PipelineActionCreate' },
);
const DeploymentCreate = Type.Object(
  { ...what, type: OneOf(['deploy', 'redeploy', 'rollback']), pipeline_id: Type.Optional(Id) },
  { title: 'DeploymentCreate' },
);

export function actionRoutes(
  app: HttpApp,
  context: { db: Db; writer: EventWriter; clock: Clock; bus: Bus },
): void {
  const { db } = context;
  const publicUrl = () => context.writer.publicUrl();
  actionListRoutes(app, { db, publicUrl });
  logRoutes(app, { db });
  releaseRoutes(app, { ...context, created: (reply, row) => created(reply, row) });
  /** The answer with the action itself, which names it in the header too. */
  const created = async (reply: FastifyReply, row: ActionRow): Promise<FastifyReply> =>
    reply
      .status(201)
      .header(actionIdHeader, String(row.id))
      .send(await presentAction(db, publicUrl(), row));

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
      description:
        'What is left out is decided by the pipeline: the default branch of the application, and the servers it is linked to.',
      params: idParam('pipeline_id'),
      body: Nullable(PipelineActionCreate),
      response: { 201: Action },
    },
    handler: async (request, reply) => {
      const body = request.body ?? {};
      const pipeline = await findPipeline(db, request.params.pipeline_id);
      if (!pipeline) throw notFound('The pipeline');
      const { variables = {} } = body;
      checkVariables(variables);
      const row = await startAction(context, request, {
        pipeline,
        place: scopeOf(request),
        parameters: parametersOf(body),
        variables: Object.keys(variables).length > 0 ? variables : null,
        triggerComment: body.trigger_comment ?? null,
      });
      return await created(reply, row);
    },
  });

  app.route({
    method: 'POST',
    url: '/applications/:application_id/deployments',
    config: {
      access: { permission: 'application:deploy', on: 'application', param: 'application_id' },
      startsAction: true,
      errors: { 409: 'There is no deploy pipeline, or nothing to redeploy.' },
    },
    schema: {
      operationId: 'addApplicationDeployment',
      summary: 'Deploy an application with its deploy pipeline',
      description:
        '`redeploy` does again what the last deployment that completed did, `rollback` makes the release before the live one live again. An application with several deploy pipelines needs `pipeline_id`.',
      params: idParam('application_id'),
      body: DeploymentCreate,
      response: noContent,
    },
    handler: async (request, reply) => {
      const { body } = request;
      const resource = { type: 'application', id: request.params.application_id };
      const operation = 'deploy';
      const pipeline = choosePipeline(await pipelinesFor(db, resource, operation), {
        id: body.pipeline_id,
        operation,
        owner: 'application',
      });
      const asked = await parametersToDeploy(body, pipeline);
      return await started(
        reply,
        startAction(context, request, { pipeline, place: scopeOf(request), ...asked }),
      );
    },
  });

  const parametersToDeploy = async (
    body: Static<typeof DeploymentCreate>,
    pipeline: PipelineRow,
  ): Promise<ReturnType<typeof whatItDid> | { parameters: ActionParameters }> => {
    switch (body.type) {
      case 'deploy':
        return { parameters: parametersOf(body) };
      case 'redeploy': {
        const last = await lastOf(db, pipeline);
        return { ...last, parameters: { ...last.parameters, deployment_type: 'redeploy' } };
      }
      case 'rollback':
        return { parameters: await rollbackParameters(db, pipeline, { servers: body.servers }) };
      default:
        return body.type satisfies never;
    }
  };

  for (const { path, operation, operationId, permission, summary } of serverCalls) {
    app.route({
      method: 'POST',
      url: `/servers/:server_id/${path}`,
      config: { access: { permission, on: 'server', param: 'server_id' }, startsAction: true },
      schema: {
        operationId,
        summary,
        description: `Runs the server's ${operation} pipeline on the machine of Hookline; with several, the oldest. Outgoing hooks report what comes of it.`,
        params: idParam('server_id'),
        response: noContent,
      },
      handler: async (request, reply) => {
        const resource = { type: 'server', id: request.params.server_id };
        let [pipeline] = await pipelinesFor(db, resource, operation);
        if (!pipeline) {
          const now = context.clock.now();
          const asObject = ({ id, name }: PipelineRow) => ({ type: 'pipeline' as const, id, name });
          pipeline = await audited(context, request, asObject, (trx) =>
            lifecyclePipeline(trx, resource.id, operation, now),
          );
          context.bus.publish('definitions');
        }
        const start = { pipeline, place: scopeOf(request), parameters: parametersOf({}) };
        return await started(reply, startAction(context, request, start));
      },
    });
  }

  app.route({
    method: 'POST',
    url: '/actions/:action_id/retry',
    config: {
      access: { permission: 'action:retry', on: 'action', param: 'action_id' },
      startsAction: true,
      errors: { 409: 'The action has not ended, or its pipeline is gone.' },
    },
    schema: {
      operationId: 'retryAction',
      summary: 'Run an action again, as a new one',
      description:
        'With the same source, servers and hook variables, and with the steps that the pipeline has now. An action that has not ended yet is answered 409.',
      params: idParam('action_id'),
      response: { 201: Action },
    },
    handler: async (request, reply) => {
      const row = await retry(request, await existing(request.params.action_id));
      return await created(reply, row);
    },
  });

  const retry = async (request: FastifyRequest, old: ActionRow): Promise<ActionRow> => {
    if (old.completed_at === null) {
      throw new AppError(
        'conflict',
        `Action ${old.id} is ${old.status}; only one that has ended can be retried.`,
      );
    }
    const pipeline = old.pipeline_id === null ? undefined : await findPipeline(db, old.pipeline_id);
    if (!pipeline) throw new AppError('conflict', `The pipeline of action ${old.id} no longer exists.`);
    return await startAction(context, request, {
      pipeline,
      place: scopeOf(request),
      ...whatItDid(old),
      triggerComment: old.trigger_comment,
      retryOf: old.id,
    });
  };
  const existing = async (id: number): Promise<ActionRow> => {
    const row = await findAction(db, id);
    if (!row) throw notFound('The action');
    return row;
  };

  app.route({
    method: 'GET',
    url: '/actions/:action_id',
    config: { access: { permission: 'action:read', on: 'action', param: 'action_id' } },
    schema: {
      operationId: 'getAction',
      summary: 'Read an action with its targets and steps',
      description:
        'A target is a place where the steps run: a server, or the machine of Hookline. The output of a step is read by its target and order.',
      params: idParam('action_id'),
      response: { 200: Action },
    },
    handler: async (request) => presentAction(db, publicUrl(), await existing(request.params.action_id)),
  });

  app.route({
    method: 'POST',
    url: '/actions/:action_id/cancel',
    config: {
      access: { permission: 'action:cancel', on: 'action', param: 'action_id' },
      errors: { 409: 'The action has ended already.' },
    },
    schema: {
      operationId: 'cancelAction',
      summary: 'End an action',
      description:
        'One that waits has failed when the answer comes. Of one that runs the processes are ended first, all of them: TERM, and KILL ten seconds later; it has failed when that is done.',
      params: idParam('action_id'),
      response: { 200: Action },
    },
    handler: async (request) => {
      const row = await existing(request.params.action_id);
      const { name } = await describeCaller(db, request);
      const object = { type: 'action' as const, id: row.id, name: operationLabel(row.type) };
      const by = `Cancelled by ${name}.`;
      await audited(context, request, object, (trx) =>
        cancelAction(context.writer, trx, row, { by, now: context.clock.now() }),
      );
      context.bus.publish('stream', row.id);
      context.bus.publish('actions');
      context.bus.publish('deliveries');
      return await presentAction(db, publicUrl(), await existing(row.id));
    },
  });
}

/** The calls that act on a whole server. */
const serverCalls: readonly {
  path: string;
  operation: LifecycleOperation;
  operationId: string;
  permission: Permission;
  summary: string;
}[] = [
  {
    path: 'start',
    operation: 'start',
    operationId: 'startServer',
    permission: 'server:start',
    summary: 'Switch a server on',
  },
  {
    path: 'stop',
    operation: 'stop',
    operationId: 'stopServer',
    permission: 'server:stop',
    summary: 'Switch a server off',
  },
  {
    path: 'restart',
    operation: 'restart',
    operationId: 'restartServer',
    permission: 'server:restart',
    summary: 'Restart a server',
  },
  {
    path: 'get-status',
    operation: 'get_status',
    operationId: 'getStatusServer',
    permission: 'server:restart',
    summary: 'Look whether a server is running',
  },
];

/** The answer without a body that names the action in a header. */
async function started(reply: FastifyReply, action: Promise<ActionRow>): Promise<FastifyReply> {
  const { id } = await action;
  return reply.status(204).header(actionIdHeader, String(id)).send(null);
}

function parametersOf(given: {
  servers?: number[];
  source_type?: 'branch' | 'tag' | 'commit';
  source_ref?: string;
}): ActionParameters {
  const servers = given.servers ?? [];
  return {
    source_type: given.source_type ?? null,
    source_ref: given.source_ref ?? null,
    commit_hash: given.source_type === 'commit' ? (given.source_ref ?? null) : null,
    servers: servers.length > 0 ? servers : null,
  };
}

function checkVariables(variables: Record<string, string>): void {
  const names = Object.keys(variables);
  const faults = names.flatMap((name, index) => {
    const field = `variables.${name}`;
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,59}$/.test(name))
      return [{ field, message: 'must be of letters, digits and _, and begin with no digit' }];
    const first = names.findIndex((one) => one.toUpperCase() === name.toUpperCase());
    const message = `is the same as "${names[first]}": in a step both are HOOKLINE_VAR_${name.toUpperCase()}`;
    return first === index ? [] : [{ field, message }];
  });
  if (faults.length > 0) throw invalid(faults);
}

async function lastOf(db: Db, pipeline: PipelineRow) {
  const completed = await db
    .selectFrom('actions')
    .select(['parameters', 'triggered_from'])
    .where('pipeline_id', '=', pipeline.id)
    .where('status', '=', 'completed')
    .orderBy('id', 'desc')
    .limit(100)
    .execute();
  // A rollback has deployed nothing.
  const last = completed.find(({ parameters }) => !('rollback_to' in JSON.parse(parameters)));
  if (!last) throw new AppError('conflict', 'No deployment of this pipeline has completed yet.');
  return whatItDid(last);
}

/** What an action was told to do, for another one to do the same. */
function whatItDid(action: Pick<ActionRow, 'parameters' | 'triggered_from'>) {
  // Safe, both: only actions write the columns.
  const parameters = JSON.parse(action.parameters) as ActionParameters;
  const { hook_parsed_variables: variables } = parseExactJson(action.triggered_from) as TriggeredFrom;
  return { parameters, variables };
}
