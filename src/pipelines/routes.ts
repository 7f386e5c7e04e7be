import { Type } from 'typebox';
import { principalOf, scopeOf, type Access } from '../accounts/access.ts';
import { resourceColumns, resourceTypes } from '../inventory/resource.ts';
import type { Bus } from '../platform/bus.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { notFound } from '../platform/errors.ts';
import { linkPages, PageQuery, readPage } from '../platform/http/pagination.ts';
import { idParam, Nullable, OneOf } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import { operationCodes } from './operations.ts';
import { Pipeline, PipelineRelation, presentPipeline, presentStep, Step } from './present.ts';
import {
  addStep,
  changeStep,
  checkCommand,
  mostCommandBytes,
  mostSteps,
  removeStep,
  runners,
} from './steps.ts';
import {
  deletePipeline,
  findPipeline,
  insertPipeline,
  insertStep,
  listPipelines,
  stepsOf,
  updatePipeline,
  type PipelineRow,
} from './store.ts';

const name = Type.String({ minLength: 1, maxLength: 60 });
const max_parallel_actions = Type.Optional(
  Type.Integer({ minimum: 0, maximum: 10, description: '0 means no limit.' }),
);
const trigger_when = Type.Optional(Nullable(Type.Object({})));
const StepBody = Type.Object({
  name: Type.Optional(Nullable(Type.String({ maxLength: 60 }))),
  description: Type.Optional(Nullable(Type.String({ maxLength: 255 }))),
  type: Type.Optional(Type.String({ maxLength: 20 })),
  command: Type.String({ minLength: 1, maxLength: mostCommandBytes }),
  runner: Type.Optional(OneOf(runners)),
  run_as_user: Type.Optional(Type.String({ maxLength: 60, pattern: '^([a-z_][a-z0-9_-]*)?$' })),
});
const CreateBody = Type.Object({
  name,
  operation: OneOf(operationCodes),
  max_parallel_actions,
  trigger_when,
  steps: Type.Optional(Type.Array(StepBody, { maxItems: mostSteps })),
});

export function pipelineRoutes(app: HttpApp, context: { db: Db; clock: Clock; bus: Bus }): void {
  const { db, clock, bus } = context;
  const resourceParams = Type.Object({ resource_type: OneOf(resourceTypes), resource_id: Type.String() });

  app.route({
    method: 'POST',
    url: '/pipelines/:resource_type/:resource_id',
    config: { access: { permission: 'pipeline:create', on: 'named-in-address' } },
    schema: {
      operationId: 'addPipeline',
      summary: 'Create a pipeline, with its steps if they are known',
      params: resourceParams,
      body: CreateBody,
      response: { 201: Pipeline },
    },
    handler: async (request, reply) => {
      const scope = scopeOf(request);
      const { body, params } = request;
      body.steps?.forEach((step, index) => checkCommand(step.command, `steps.${index}.command`));
      const now = clock.now();
      const created = await db.transaction().execute(async (trx) => {
        const pipeline = await insertPipeline(trx, {
          ...resourceColumns(params.resource_type, Number(params.resource_id)),
          environment_id: scope.environmentId,
          name: body.name,
          operation: body.operation,
          max_parallel_actions: body.max_parallel_actions ?? 0,
          trigger_when: null,
          created_by: principalOf(request).userId,
          created_at: now,
          updated_at: now,
        });
        for (const [index, step] of (body.steps ?? []).entries()) {
          await insertStep(trx, {
            pipeline_id: pipeline.id,
            name: step.name ?? null,
            description: step.description ?? null,
            type: step.type ?? 'command',
            command: step.command,
            runner: step.runner ?? 'custom',
            run_as_user: step.run_as_user ?? '',
            trigger_order: index + 1,
            created_at: now,
            updated_at: now,
          });
        }
        return { pipeline, steps: await stepsOf(trx, pipeline.id) };
      });
      bus.publish('definitions');
      return reply
        .status(201)
        .send({ ...presentPipeline(created.pipeline, scope), steps: created.steps.map(presentStep) });
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
      const page = readPage(request.query);
      const resource = { type: request.params.resource_type, id: Number(request.params.resource_id) };
      const { rows, total } = await listPipelines(db, resource, page);
      linkPages(request, reply, page, total);
      return rows.map((row) => presentPipeline(row, scopeOf(request)));
    },
  });

  const params = idParam('pipeline_id');
  const needs = (permission: 'pipeline:read' | 'pipeline:update' | 'pipeline:delete') => ({
    access: { permission, on: 'pipeline', param: 'pipeline_id' } satisfies Access,
  });
  const existing = async (id: string): Promise<PipelineRow> => {
    const row = await findPipeline(db, Number(id));
    if (!row) throw notFound('The pipeline');
    return row;
  };

  app.route({
    method: 'GET',
    url: '/pipelines/:pipeline_id',
    config: needs('pipeline:read'),
    schema: { operationId: 'getPipeline', summary: 'Read a pipeline', params, response: { 200: Pipeline } },
    handler: async (request) => {
      const row = await existing(request.params.pipeline_id);
      const steps = await stepsOf(db, row.id);
      return { ...presentPipeline(row, scopeOf(request)), steps: steps.map(presentStep) };
    },
  });

  app.route({
    method: 'PUT',
    url: '/pipelines/:pipeline_id',
    config: needs('pipeline:update'),
    schema: {
      operationId: 'updatePipeline',
      summary: 'Change a pipeline; fields that are left out are kept',
      params,
      body: Type.Object({ name: Type.Optional(name), max_parallel_actions, trigger_when }),
      response: { 204: Type.Null() },
    },
    handler: async (request, reply) => {
      const row = await existing(request.params.pipeline_id);
      await updatePipeline(db, row.id, {
        name: request.body.name ?? row.name,
        max_parallel_actions: request.body.max_parallel_actions ?? row.max_parallel_actions,
        updated_at: clock.now(),
      });
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
      response: { 204: Type.Null() },
    },
    handler: async (request, reply) => {
      await deletePipeline(db, (await existing(request.params.pipeline_id)).id);
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
      params,
      body: StepBody,
      response: { 201: Step },
    },
    handler: async (request, reply) => {
      checkCommand(request.body.command, 'command');
      const row = await existing(request.params.pipeline_id);
      return reply.status(201).send(presentStep(await addStep(context, row.id, request.body)));
    },
  });

  const stepParams = Type.Object({ pipeline_id: Type.String(), step_id: Type.String() });

  app.route({
    method: 'PUT',
    url: '/pipelines/:pipeline_id/steps/:step_id',
    config: needs('pipeline:update'),
    schema: {
      operationId: 'updatePipelineStep',
      summary: 'Change a step, or move it',
      params: stepParams,
      body: Type.Object({
        ...StepBody.properties,
        trigger_after: Type.Optional(
          Type.Integer({
            minimum: 0,
            maximum: 16_777_214,
            description: 'Moves it behind the step of that order.',
          }),
        ),
      }),
      response: { 204: Type.Null() },
    },
    handler: async (request, reply) => {
      checkCommand(request.body.command, 'command');
      const ids = { pipelineId: Number(request.params.pipeline_id), stepId: Number(request.params.step_id) };
      await changeStep(context, ids, { ...request.body, triggerAfter: request.body.trigger_after });
      return reply.status(204).send(null);
    },
  });

  app.route({
    method: 'DELETE',
    url: '/pipelines/:pipeline_id/steps/:step_id/unlink',
    config: needs('pipeline:update'),
    schema: {
      operationId: 'unlinkStepFromPipeline',
      summary: 'Remove a step from its pipeline',
      params: stepParams,
      response: { 204: Type.Null() },
    },
    handler: async (request, reply) => {
      const ids = { pipelineId: Number(request.params.pipeline_id), stepId: Number(request.params.step_id) };
      await removeStep(context, ids);
      return reply.status(204).send(null);
    },
  });
}
