import { Type } from 'typebox';
import { grantsIn, principalOf, scopeOf, type Access } from '../accounts/access.ts';
import { audited } from '../accounts/audit.ts';
import { permissionsAt } from '../accounts/grants.ts';
import { usersById } from '../accounts/present.ts';
import { findScope } from '../accounts/scopes.ts';
import { findApplication } from '../inventory/applications/store.ts';
import { resourceColumns, resourceTypes } from '../inventory/resource.ts';
import type { Bus } from '../platform/bus.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { invalid, notFound } from '../platform/errors.ts';
import { onePage, PageQuery } from '../platform/http/pagination.ts';
import { Id, idParam, noContent, Nullable, OneOf } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import { operationCodes } from './operations.ts';
import { mayHaveDefaultSteps, planSteps } from './default-steps.ts';
import {
  Pipeline,
  PipelineRelation,
  presentPipeline,
  presentStep,
  presentSteps,
  Step,
  waitingPolicies,
} from './present.ts';
import {
  addStep,
  changeStep,
  checkCommand,
  linkStep,
  mostCommandBytes,
  mostSteps,
  newStep,
  removeStep,
  runners,
} from './steps.ts';
import {
  deletePipeline,
  findPipeline,
  findStep,
  insertPipeline,
  insertStep,
  listPipelines,
  listPipelinesOf,
  stepsOf,
  updatePipeline,
  type PipelineRow,
} from './store.ts';

const name = Type.String({ minLength: 1, maxLength: 60 });
const max_parallel_actions = Type.Optional(
  Type.Integer({ minimum: 0, maximum: 10, description: '0 means no limit.' }),
);
const trigger_when = Type.Optional(
  Nullable(Type.Object({}, { description: 'Taken for the sake of existing clients; it changes nothing.' })),
);
const stepFields = {
  name: Type.Optional(Nullable(Type.String({ maxLength: 60 }))),
  description: Type.Optional(Nullable(Type.String({ maxLength: 255 }))),
  type: Type.Optional(Type.String({ maxLength: 20 })),
  command: Type.String({
    minLength: 1,
    maxLength: mostCommandBytes,
    description: 'A script for the shell. An exit code other than 0 fails the step.',
  }),
  runner: Type.Optional(OneOf(runners)),
  run_as_user: Type.Optional(Type.String({ maxLength: 60, pattern: '^([a-z_][a-z0-9_-]*)?$' })),
  after_activation: Type.Optional(
    Type.Boolean({ description: 'In a deploy pipeline: to run once the new release is live.' }),
  ),
  timeout_seconds: Type.Optional(
    Nullable(
      Type.Integer({
        minimum: 1,
        maximum: 86_400,
        description: 'The step is ended then; an hour if left out.',
      }),
    ),
  ),
};
const StepCreate = Type.Object(stepFields, { title: 'StepCreate' });
const StepUpdate = Type.Object(
  {
    ...stepFields,
    trigger_after: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 16_777_214,
        description: 'Moves it behind the step of that order; 0 makes it the first.',
      }),
    ),
  },
  { title: 'StepUpdate' },
);
const options = {
  max_parallel_actions,
  when_waiting: Type.Optional(
    OneOf(
      waitingPolicies,
      'Whether a new action queues behind those that wait for a place, or replaces them.',
    ),
  ),
  timeout_seconds: Type.Optional(
    Nullable(
      Type.Integer({
        minimum: 1,
        maximum: 604_800,
        description: 'A whole action is ended then; a day if left out.',
      }),
    ),
  ),
  default_steps: Type.Optional(
    Type.Boolean({
      description:
        'Of a deploy pipeline of an application, and true for those if left out: Hookline fetches the source into a release, activates it and removes old ones. With false the pipeline does what its steps do.',
    }),
  ),
};
const PipelineCreate = Type.Object(
  {
    name,
    operation: OneOf(operationCodes),
    ...options,
    trigger_when,
    steps: Type.Optional(Type.Array(StepCreate, { maxItems: mostSteps })),
  },
  { title: 'PipelineCreate' },
);
const PipelineUpdate = Type.Object(
  { name: Type.Optional(name), ...options, trigger_when },
  { title: 'PipelineUpdate' },
);

export function pipelineRoutes(app: HttpApp, context: { db: Db; clock: Clock; bus: Bus }): void {
  const { db, clock, bus } = context;
  const present = async (row: PipelineRow, scope: { projectId: number; organizationId: number }) => {
    const own = await stepsOf(db, row.id);
    const application =
      row.resource_type === 'application' ? await findApplication(db, row.resource_id) : undefined;
    const users = await usersById(db, [row.created_by]);
    const steps = presentSteps(row, planSteps(row, application ?? null, own));
    return { ...presentPipeline(row, scope, users), steps };
  };
  const checkDefaultSteps = (wanted: boolean | undefined, resourceType: string, operation: string) => {
    if (!wanted || mayHaveDefaultSteps(resourceType, operation)) return;
    const message = 'are for the deploy pipelines of applications';
    throw invalid([{ field: 'default_steps', message }]);
  };
  const resourceParams = Type.Object({ resource_type: OneOf(resourceTypes), resource_id: Id });

  app.route({
    method: 'POST',
    url: '/pipelines/:resource_type/:resource_id',
    config: { access: { permission: 'pipeline:create', on: 'named-in-address' } },
    schema: {
      operationId: 'addPipeline',
      summary: 'Create a pipeline, with its steps if they are known',
      description:
        'Its steps run in their order, one after another on each target. With `max_parallel_actions` the actions beyond that number wait, first in first out.',
      params: resourceParams,
      body: PipelineCreate,
      response: { 201: Pipeline },
    },
    handler: async (request, reply) => {
      const scope = scopeOf(request);
      const { body, params } = request;
      checkDefaultSteps(body.default_steps, params.resource_type, body.operation);
      body.steps?.forEach((step, index) => checkCommand(step.command, `steps.${index}.command`));
      const now = clock.now();
      const row = await audited(context, request, asObject, async (trx) => {
        const pipeline = await insertPipeline(trx, {
          ...resourceColumns(params.resource_type, params.resource_id),
          environment_id: scope.environmentId,
          name: body.name,
          operation: body.operation,
          max_parallel_actions: body.max_parallel_actions ?? 0,
          when_waiting: body.when_waiting ?? 'queue',
          timeout_seconds: body.timeout_seconds ?? null,
          default_steps:
            (body.default_steps ?? mayHaveDefaultSteps(params.resource_type, body.operation)) ? 1 : 0,
          trigger_when: null,
          created_by: principalOf(request).userId,
          created_at: now,
          updated_at: now,
        });
        for (const [index, step] of (body.steps ?? []).entries()) {
          await insertStep(trx, newStep(pipeline.id, step, index + 1, now));
        }
        return pipeline;
      });
      bus.publish('definitions');
      return reply.status(201).send(await present(row, scope));
    },
  });

  app.route({
    method: 'GET',
    url: '/pipelines/:resource_type/:resource_id',
    config: { access: { permission: 'pipeline:read', on: 'named-in-address' } },
    schema: {
      operationId: 'listPipelinesByResourceType',
      summary: 'List the pipelines of a resource',
      params: resourceParams,
      querystring: PageQuery,
      response: { 200: Type.Array(PipelineRelation) },
    },
    handler: async (request, reply) => {
      const resource = { type: request.params.resource_type, id: request.params.resource_id };
      const rows = await onePage(request, reply, (page) => listPipelines(db, resource, page));
      const users = await usersById(
        db,
        rows.map((row) => row.created_by),
      );
      return rows.map((row) => presentPipeline(row, scopeOf(request), users));
    },
  });

  app.route({
    method: 'GET',
    url: '/environments/:environment_id/pipelines',
    config: { access: { permission: 'pipeline:read', on: 'environment', param: 'environment_id' } },
    schema: {
      operationId: 'listEnvironmentPipelines',
      summary: 'List the pipelines of all applications and servers of an environment',
      params: idParam('environment_id'),
      querystring: Type.Object({
        ...PageQuery.properties,
        'filter[name]': Type.Optional(Type.String({ maxLength: 60, description: 'A part of the name.' })),
      }),
      response: { 200: Type.Array(PipelineRelation) },
    },
    handler: async (request, reply) => {
      const scope = scopeOf(request);
      const filter = { environmentId: scope.environmentId, name: request.query['filter[name]'] };
      const rows = await onePage(request, reply, (page) => listPipelinesOf(db, filter, page));
      const users = await usersById(
        db,
        rows.map((row) => row.created_by),
      );
      return rows.map((row) => presentPipeline(row, scope, users));
    },
  });

  const params = idParam('pipeline_id');
  const needs = (permission: 'pipeline:read' | 'pipeline:update' | 'pipeline:delete') => ({
    access: { permission, on: 'pipeline', param: 'pipeline_id' } satisfies Access,
  });
  const existing = async (id: number): Promise<PipelineRow> => {
    const row = await findPipeline(db, id);
    if (!row) throw notFound('The pipeline');
    return row;
  };

  app.route({
    method: 'GET',
    url: '/pipelines/:pipeline_id',
    config: needs('pipeline:read'),
    schema: { operationId: 'getPipeline', summary: 'Read a pipeline', params, response: { 200: Pipeline } },
    handler: async (request) => present(await existing(request.params.pipeline_id), scopeOf(request)),
  });

  app.route({
    method: 'PUT',
    url: '/pipelines/:pipeline_id',
    config: needs('pipeline:update'),
    schema: {
      operationId: 'updatePipeline',
      summary: 'Change a pipeline; fields that are left out are kept',
      params,
      body: PipelineUpdate,
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await existing(request.params.pipeline_id);
      const { body } = request;
      checkDefaultSteps(body.default_steps, row.resource_type, row.operation);
      const changed = body.name ?? row.name;
      await audited(context, request, { ...asObject(row), name: changed }, (trx) =>
        updatePipeline(trx, row.id, {
          name: body.name,
          max_parallel_actions: body.max_parallel_actions,
          when_waiting: body.when_waiting,
          timeout_seconds: body.timeout_seconds,
          default_steps: body.default_steps === undefined ? undefined : body.default_steps ? 1 : 0,
          updated_at: clock.now(),
        }),
      );
      bus.publish('definitions');
      bus.publish('actions');
      return reply.status(204).send(null);
    },
  });

  app.route({
    method: 'DELETE',
    url: '/pipelines/:pipeline_id',
    config: needs('pipeline:delete'),
    schema: {
      operationId: 'deletePipeline',
      summary: 'Delete a pipeline with its steps and hooks; its actions stay',
      params,
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await existing(request.params.pipeline_id);
      await audited(context, request, asObject(row), (trx) => deletePipeline(trx, row.id));
      bus.publish('definitions');
      bus.publish('actions');
      return reply.status(204).send(null);
    },
  });

  app.route({
    method: 'POST',
    url: '/pipelines/:pipeline_id/steps',
    config: needs('pipeline:update'),
    schema: {
      operationId: 'addPipelineStep',
      summary: 'Append a step to a pipeline',
      description: 'An action that has started already keeps the steps it began with.',
      params,
      body: StepCreate,
      response: { 201: Step },
    },
    handler: async (request, reply) => {
      checkCommand(request.body.command, 'command');
      const row = await existing(request.params.pipeline_id);
      const step = await audited(context, request, asObject(row), (trx) =>
        addStep({ trx, clock }, row.id, request.body),
      );
      return reply.status(201).send(presentStep(step));
    },
  });

  // Below zero are the default steps, which get an answer of their own.
  const stepParams = Type.Object({ pipeline_id: Id, step_id: Type.Integer() });
  const checkIsOwn = (stepId: number) => {
    if (stepId > 0) return;
    const message =
      'names a default step, which cannot be changed, linked or taken out; default_steps of the pipeline switches all of them';
    throw invalid([{ field: 'step_id', message }]);
  };

  app.route({
    method: 'PUT',
    url: '/pipelines/:pipeline_id/steps/:step_id',
    config: needs('pipeline:update'),
    schema: {
      operationId: 'updatePipelineStep',
      summary: 'Change a step, or move it',
      params: stepParams,
      body: StepUpdate,
      response: noContent,
    },
    handler: async (request, reply) => {
      checkIsOwn(request.params.step_id);
      checkCommand(request.body.command, 'command');
      const row = await existing(request.params.pipeline_id);
      const ids = { pipelineId: row.id, stepId: request.params.step_id };
      const input = { ...request.body, triggerAfter: request.body.trigger_after };
      await audited(context, request, asObject(row), (trx) => changeStep({ trx, clock }, ids, input));
      return reply.status(204).send(null);
    },
  });

  app.route({
    method: 'POST',
    url: '/pipelines/:pipeline_id/steps/:step_id/link',
    config: needs('pipeline:update'),
    schema: {
      operationId: 'linkStepToPipeline',
      summary: "Put a step back, or append a copy of another pipeline's",
      description:
        'A step that was unlinked goes to the end of its pipeline; one that is there already stays as it is.',
      params: stepParams,
      response: noContent,
    },
    handler: async (request, reply) => {
      checkIsOwn(request.params.step_id);
      const row = await existing(request.params.pipeline_id);
      const step = await findStep(db, request.params.step_id);
      // The guard has looked at the pipeline alone; the step may belong to somebody else.
      const place = step && (await findScope(db, 'pipeline', String(step.pipeline_id)));
      if (!step || !place || !permissionsAt(grantsIn(request), place).includes('pipeline:read'))
        throw notFound('The step');
      await audited(context, request, asObject(row), (trx) => linkStep({ trx, clock }, row.id, step));
      return reply.status(204).send(null);
    },
  });

  app.route({
    method: 'DELETE',
    url: '/pipelines/:pipeline_id/steps/:step_id/unlink',
    config: needs('pipeline:update'),
    schema: {
      operationId: 'unlinkStepFromPipeline',
      summary: 'Take a step out of its pipeline',
      description: 'It can be linked again until retention removes it.',
      params: stepParams,
      response: noContent,
    },
    handler: async (request, reply) => {
      checkIsOwn(request.params.step_id);
      const row = await existing(request.params.pipeline_id);
      const ids = { pipelineId: row.id, stepId: request.params.step_id };
      await audited(context, request, asObject(row), (trx) => removeStep({ trx, clock }, ids));
      return reply.status(204).send(null);
    },
  });
}

function asObject({ id, name: pipelineName }: PipelineRow) {
  return { type: 'pipeline' as const, id, name: pipelineName };
}
