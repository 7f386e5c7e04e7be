import { Type, type Static } from 'typebox';
import { UserRelation } from '../accounts/present.ts';
import { isoTime } from '../platform/clock.ts';
import { Nullable, Time } from '../platform/http/schemas.ts';
import { operationLabel } from './operations.ts';
import type { PipelineRow, StepRow } from './store.ts';

export const Step = Type.Object({
  id: Type.Integer(),
  name: Nullable(Type.String()),
  description: Nullable(Type.String()),
  type: Type.String(),
  run_as_user: Type.String(),
  command: Type.String(),
  runner: Type.String(),
  script_id: Type.Integer(),
  pipeline_id: Type.Integer(),
  trigger_order: Type.Integer(),
  is_auto_generated: Type.Boolean(),
  is_default_step: Type.Boolean(),
  created_at: Time,
  updated_at: Time,
});

export function presentStep(row: StepRow): Static<typeof Step> {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    type: row.type,
    run_as_user: row.run_as_user,
    command: row.command,
    runner: row.runner,
    script_id: row.id,
    pipeline_id: row.pipeline_id,
    trigger_order: row.trigger_order,
    is_auto_generated: false,
    is_default_step: false,
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  };
}

export const PipelineRelation = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  environment_id: Type.Integer(),
  project_id: Type.Integer(),
  organization_id: Type.Integer(),
  resource_type: Type.String(),
  resource_type_human_readable: Type.String(),
  resource_id: Type.Integer(),
  operation: Type.String(),
  operation_human_readable: Type.String(),
  max_parallel_actions: Type.Integer(),
  trigger_when: Type.Null(),
  created_by_user: Nullable(UserRelation),
  created_at: Time,
  updated_at: Time,
});

export const Pipeline = Type.Object({ ...PipelineRelation.properties, steps: Type.Array(Step) });

export function presentPipeline(
  row: PipelineRow,
  scope: { projectId: number; organizationId: number },
): Static<typeof PipelineRelation> {
  return {
    id: row.id,
    name: row.name,
    environment_id: row.environment_id,
    project_id: scope.projectId,
    organization_id: scope.organizationId,
    resource_type: row.resource_type,
    resource_type_human_readable: humanReadable(row.resource_type),
    resource_id: row.resource_id,
    operation: row.operation,
    operation_human_readable: operationLabel(row.operation),
    max_parallel_actions: row.max_parallel_actions,
    trigger_when: null,
    created_by_user: null,
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  };
}

export function humanReadable(resourceType: string): string {
  return resourceType.charAt(0).toUpperCase() + resourceType.slice(1);
}
