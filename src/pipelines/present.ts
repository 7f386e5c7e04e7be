import { Type, type Static } from 'typebox';
import { UserRelation, type UserLookup } from '../accounts/present.ts';
import { resourceTypes, type ResourceType } from '../inventory/resource.ts';
import { isoTime } from '../platform/clock.ts';
import { Nullable, OneOf, Time, Unused } from '../platform/http/schemas.ts';
import type { PlannedStep, StepKind } from './default-steps.ts';
import { operationCodes, operationLabel, type Operation } from './operations.ts';
import { runners, type Runner } from './steps.ts';
import type { PipelineRow, StepRow } from './store.ts';

export const Step = Type.Object(
  {
    id: Type.Integer(),
    name: Nullable(Type.String()),
    description: Nullable(Type.String()),
    type: Type.String(),
    run_as_user: Type.String(),
    command: Type.String(),
    runner: OneOf(runners),
    script_id: Type.Integer({ description: 'The same as `id`.' }),
    pipeline_id: Type.Integer(),
    trigger_order: Type.Integer({ description: 'Its position, from 1.' }),
    after_activation: Type.Boolean({
      description: 'Of a deploy pipeline: it runs once the new release is live, rather than to build it.',
    }),
    timeout_seconds: Nullable(Type.Integer({ description: 'Null for an hour.' })),
    is_auto_generated: Type.Boolean(),
    is_default_step: Type.Boolean({
      description:
        'Hookline does it by itself; it cannot be changed. Such a step has a negative id and no place in `trigger_order`.',
    }),
    created_at: Time,
    updated_at: Time,
  },
  { title: 'Step' },
);

/** The steps of a pipeline with those that Hookline adds. */
export function presentSteps(pipeline: PipelineRow, planned: PlannedStep[]): Static<typeof Step>[] {
  const last = Math.max(0, ...planned.map(({ row }) => row?.trigger_order ?? 0));
  const activation = planned.findIndex(({ kind }) => kind === 'activate');
  return planned.map(({ row, kind, name, description, command, runAsUser }, index) =>
    row
      ? presentStep(row)
      : {
          id: defaultStepIds[kind],
          name,
          description,
          type: 'default',
          run_as_user: runAsUser,
          command,
          runner: 'custom' as const,
          script_id: defaultStepIds[kind],
          pipeline_id: pipeline.id,
          trigger_order: index < activation ? 0 : last + 1,
          after_activation: index > activation,
          timeout_seconds: null,
          is_auto_generated: true,
          is_default_step: true,
          created_at: isoTime(pipeline.created_at),
          updated_at: isoTime(pipeline.updated_at),
        },
  );
}

/** They are no rows, but clients tell steps apart by their ids. */
const defaultStepIds: Record<StepKind, number> = {
  fetch: -1,
  install: -2,
  build: -3,
  command: 0,
  activate: -4,
  prune: -5,
};

export function presentStep(row: StepRow): Static<typeof Step> {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    type: row.type,
    run_as_user: row.run_as_user,
    command: row.command,
    // Safe: only the schema's values are written.
    runner: row.runner as Runner,
    script_id: row.id,
    pipeline_id: row.pipeline_id,
    trigger_order: row.trigger_order,
    after_activation: row.after_activation === 1,
    timeout_seconds: row.timeout_seconds,
    is_auto_generated: false,
    is_default_step: false,
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  };
}

export const waitingPolicies = ['queue', 'replace'] as const;
type WhenWaiting = (typeof waitingPolicies)[number];

export const PipelineRelation = Type.Object(
  {
    id: Type.Integer(),
    name: Type.String(),
    environment_id: Type.Integer(),
    project_id: Type.Integer(),
    organization_id: Type.Integer(),
    resource_type: OneOf(resourceTypes),
    resource_type_human_readable: Type.String(),
    resource_id: Type.Integer(),
    operation: OneOf(operationCodes),
    operation_human_readable: Type.String(),
    max_parallel_actions: Type.Integer({ description: '0 means no limit.' }),
    when_waiting: Type.Unsafe<WhenWaiting>({
      ...OneOf(waitingPolicies),
      description:
        'What a new action does to those that wait for a place: it queues behind them, or replaces them, and they are skipped.',
    }),
    timeout_seconds: Nullable(Type.Integer({ description: 'Of a whole action; null for a day.' })),
    default_steps: Type.Boolean({
      description: 'Whether Hookline fetches, activates and prunes releases around its own steps.',
    }),
    trigger_when: Unused,
    is_auto_generated: Type.Boolean({ description: 'It came with its resource.' }),
    created_by_user: Nullable(UserRelation),
    created_at: Time,
    updated_at: Time,
  },
  { title: 'PipelineRelation' },
);

export const Pipeline = Type.Object(
  { ...PipelineRelation.properties, steps: Type.Array(Step) },
  { title: 'Pipeline' },
);

export function presentPipeline(
  row: PipelineRow,
  scope: { projectId: number; organizationId: number },
  users: UserLookup,
): Static<typeof PipelineRelation> {
  return {
    id: row.id,
    name: row.name,
    environment_id: row.environment_id,
    project_id: scope.projectId,
    organization_id: scope.organizationId,
    // Safe, here and below: only the schema's values are written.
    resource_type: row.resource_type as ResourceType,
    resource_type_human_readable: humanReadable(row.resource_type),
    resource_id: row.resource_id,
    operation: row.operation as Operation,
    operation_human_readable: operationLabel(row.operation),
    max_parallel_actions: row.max_parallel_actions,
    when_waiting: row.when_waiting as WhenWaiting,
    timeout_seconds: row.timeout_seconds,
    default_steps: row.default_steps === 1,
    trigger_when: null,
    is_auto_generated: row.is_auto_generated === 1,
    created_by_user: users(row.created_by),
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  };
}

export function humanReadable(resourceType: string): string {
  return resourceType.charAt(0).toUpperCase() + resourceType.slice(1);
}
