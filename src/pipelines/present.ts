import { Type, type Static } from 'typebox';
import { UserRelation, type UserLookup } from '../accounts/present.ts';
import { resourceTypes, type ResourceType } from '../inventory/resource.ts';
import { isoTime } from '../platform/clock.ts';
import { Nullable, OneOf, Time, Unused } from '../platform/http/schemas.ts';
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
    is_auto_generated: Type.Boolean(),
    is_default_step: Type.Boolean(),
    created_at: Time,
    updated_at: Time,
  },
  { title: 'Step' },
);

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
    is_auto_generated: false,
    is_default_step: false,
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  };
}

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
