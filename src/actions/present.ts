import { Type, type Static } from 'typebox';
import { UserRelation, usersById } from '../accounts/present.ts';
import { ApplicationRelation, presentApplicationRelation } from '../inventory/applications/present.ts';
import { findApplications } from '../inventory/applications/store.ts';
import {
  EnvironmentRelation,
  OrganizationRelation,
  presentEnvironmentRelation,
  presentOrganization,
  presentProject,
  ProjectRelation,
  usersOfPlaces,
} from '../inventory/places/present.ts';
import { findPlaces } from '../inventory/places/store.ts';
import { knownResourceTypes } from '../inventory/resource.ts';
import { presentServerRelation, ProvisionInput, ServerRelation } from '../inventory/servers/present.ts';
import { findServers } from '../inventory/servers/store.ts';
import { operationCodes, operationLabel, type Operation } from '../pipelines/operations.ts';
import { humanReadable } from '../pipelines/present.ts';
import { isoTime } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { parseExactJson } from '../platform/exact-json.ts';
import { alwaysEmpty, Nullable, OneOf, Time, Unused, UuidText } from '../platform/http/schemas.ts';
import { actionUrl } from './events.ts';
import { ActionDeploymentData, presentActionData } from './releases/present.ts';
import { actionStatuses, reasonCodes, statusLabel, statusOf, type ReasonCode } from './status.ts';
import { actionStepsOf, targetsOf, type ActionRow, type ActionStepRow, type TargetRow } from './store.ts';
import type { TriggeredFrom } from './trigger.ts';

/** Names the action that a call has started. */
export const actionIdHeader = 'x-devopness-action-id';

const Status = {
  status: OneOf(actionStatuses),
  status_human_readable: Type.String(),
  status_reason_code: OneOf(reasonCodes),
  status_reason_human_readable: Type.String(),
};
const Times = {
  started_at: Nullable(Time),
  completed_at: Nullable(Time),
  created_at: Time,
  updated_at: Time,
};

const ActionStep = Type.Object(
  {
    id: Type.Integer(),
    action_id: Type.Integer(),
    action_target_id: Type.Integer(),
    name: Nullable(Type.String()),
    description: Nullable(Type.String()),
    order: Type.Integer(),
    exit_code: Nullable(Type.Integer()),
    ...Status,
    ...Times,
  },
  { title: 'ActionStep' },
);

const TargetData = Type.Object(
  {
    id: Type.Integer(),
    hostname: Type.String(),
    ip_address: Nullable(Type.String()),
    ssh_port: Type.Integer(),
    provider_name: Type.String(),
    provider_name_human_readable: Type.String(),
    os_version_code: Unused,
    provision_input: ProvisionInput,
  },
  { title: 'ActionTargetData', description: 'What the target was when the action started.' },
);

export const StepLog = Type.Object(
  {
    target: TargetData,
    step: Type.Object(
      {
        order: Type.Integer(),
        started_at: Nullable(Time),
        completed_at: Nullable(Time),
        output: Nullable(Type.String({ description: 'Null while the step has not begun.' })),
      },
      { title: 'StepOutput' },
    ),
    updated_at: Time,
  },
  { title: 'StepLog' },
);

const ActionTarget = Type.Object(
  {
    id: Type.Integer(),
    resource_type: Type.String(),
    resource_type_human_readable: Type.String(),
    resource_id: Type.Integer(),
    ...Status,
    total_steps: Type.Integer(),
    current_step: Nullable(ActionStep),
    steps: Type.Array(ActionStep),
    resource_data: TargetData,
    ...Times,
  },
  { title: 'ActionTarget' },
);

const ActionTrigger = Type.Object(
  {
    origin: Nullable(Type.String({ description: 'The user agent that called.' })),
    trigger_type: OneOf(['hook', 'manual']),
    name: Type.String({ description: 'Of the person, the token or the hook.' }),
    email: Nullable(Type.String()),
    ip_address: Type.String(),
    user_id: Nullable(Type.Integer()),
    hook_id: Nullable(UuidText),
    hook_request_id: Nullable(UuidText),
    hook_parsed_variables: Nullable(
      Type.Record(
        Type.String(),
        Type.Unknown({ description: 'A text, a number, a boolean, a list or null.' }),
        {
          description:
            'What the variables of the hook have found in the request, or what was given by hand, by their names.',
        },
      ),
    ),
  },
  { title: 'ActionTrigger', description: 'Who or what started the action.' },
);

const ActionResource = Type.Object(
  {
    id: Type.Integer(),
    type: OneOf(knownResourceTypes),
    type_human_readable: Type.String(),
    data: Type.Union([ApplicationRelation, ServerRelation, Type.Null()], {
      description: 'As it is now; null when it was deleted.',
    }),
  },
  { title: 'ActionResource' },
);

const ActionSummary = Type.Object(
  {
    targets: Type.Object(
      {
        count: Type.Integer(),
        pending: Type.Integer(),
        in_progress: Type.Integer(),
        completed: Type.Integer(),
        failed: Type.Integer(),
      },
      { title: 'TargetCounts' },
    ),
  },
  { title: 'ActionSummary' },
);

export const ActionRelation = Type.Object(
  {
    id: Type.Integer(),
    pipeline_id: Nullable(Type.Integer({ description: 'Null when the pipeline was deleted.' })),
    retry_of: Nullable(Type.Integer({ description: 'The action that this one runs again.' })),
    ...Status,
    type: OneOf(operationCodes),
    type_human_readable: Type.String(),
    url_web_permalink: Type.String({ format: 'uri', description: 'The page of the action.' }),
    trigger_comment: Nullable(Type.String()),
    action_data: Nullable(ActionDeploymentData),
    triggered_from: ActionTrigger,
    resource: ActionResource,
    summary: ActionSummary,
    organization: Nullable(OrganizationRelation),
    project: Nullable(ProjectRelation),
    environment: Nullable(EnvironmentRelation),
    ...Times,
  },
  { title: 'ActionRelation' },
);

export const Action = Type.Object(
  {
    ...ActionRelation.properties,
    parent: Unused,
    children: Type.Array(Type.Unknown(), { description: alwaysEmpty }),
    triggered_by_user: Nullable(UserRelation),
    targets: Type.Array(ActionTarget),
    hook_requests: Type.Object({ incoming: Unused, outgoing: Unused }),
  },
  { title: 'Action' },
);

/** Several actions with a fixed number of queries, whatever their number. */
export async function presentActions(
  db: Db,
  publicUrl: string,
  rows: ActionRow[],
): Promise<Static<typeof ActionRelation>[]> {
  const places = await findPlaces(
    db,
    rows.map((row) => row.environment_id),
  );
  const targets = await targetsOf(
    db,
    rows.map((row) => row.id),
  );
  const resourceIds = (type: string) =>
    rows.filter((row) => row.resource_type === type).map((row) => row.resource_id);
  const applications = await findApplications(db, resourceIds('application'));
  const servers = await findServers(db, resourceIds('server'));
  const users = await usersById(db, usersOfPlaces(places.values()));

  return rows.map((row) => {
    const place = places.get(row.environment_id);
    const application = applications.find(({ id }) => id === row.resource_id);
    const server = servers.find(({ id }) => id === row.resource_id);
    const data =
      row.resource_type === 'application'
        ? application && presentApplicationRelation(application, row.project_id)
        : server && presentServerRelation(server);
    return {
      id: row.id,
      pipeline_id: row.pipeline_id,
      retry_of: row.retry_of,
      ...status(row),
      // Safe, here and below: only the schema's values are written.
      type: row.type as Operation,
      type_human_readable: operationLabel(row.type),
      url_web_permalink: actionUrl(publicUrl, row.id),
      trigger_comment: row.trigger_comment,
      action_data: presentActionData(row),
      // Safe: only `create.ts` and the accept path write this column.
      triggered_from: parseExactJson(row.triggered_from) as TriggeredFrom,
      resource: {
        id: row.resource_id,
        type: row.resource_type as (typeof knownResourceTypes)[number],
        type_human_readable: humanReadable(row.resource_type),
        data: data ?? null,
      },
      summary: summarize(targets.filter((target) => target.action_id === row.id)),
      organization: place ? presentOrganization(place.organization, users) : null,
      project: place ? presentProject(place.project, place.organization, users) : null,
      environment: place ? presentEnvironmentRelation(place.environment, place, users) : null,
      ...times(row),
    };
  });
}

export async function presentAction(
  db: Db,
  publicUrl: string,
  row: ActionRow,
): Promise<Static<typeof Action>> {
  const [relation] = await presentActions(db, publicUrl, [row]);
  const targets = await targetsOf(db, [row.id]);
  const steps = await actionStepsOf(
    db,
    targets.map(({ id }) => id),
  );
  const userId = relation!.triggered_from.user_id;
  return {
    ...relation!,
    parent: null,
    children: [],
    triggered_by_user: (await usersById(db, [userId]))(userId),
    targets: targets.map((target) =>
      presentTarget(
        target,
        steps.filter((step) => step.target_id === target.id),
      ),
    ),
    hook_requests: { incoming: null, outgoing: null },
  };
}

function presentTarget(row: TargetRow, steps: ActionStepRow[]): Static<typeof ActionTarget> {
  const current =
    steps.find((step) => step.status === 'in-progress' || step.status === 'failed') ?? steps.at(-1);
  return {
    id: row.id,
    resource_type: row.resource_type,
    resource_type_human_readable: humanReadable(row.resource_type),
    resource_id: row.resource_id,
    ...status(row),
    total_steps: steps.length,
    current_step: current ? presentActionStep(current) : null,
    steps: steps.map(presentActionStep),
    resource_data: presentTargetData(row),
    ...times(row),
  };
}

export function presentTargetData(row: TargetRow): Static<typeof TargetData> {
  return {
    // Safe: only `claim-action.ts` writes the column.
    ...(JSON.parse(row.resource_data) as {
      id: number;
      hostname: string;
      ip_address: string | null;
      ssh_port: number;
    }),
    provider_name: 'self-hosted',
    provider_name_human_readable: 'Self-hosted',
    os_version_code: null,
    provision_input: { cloud_service_code: 'self-hosted-custom' },
  };
}

function presentActionStep(row: ActionStepRow): Static<typeof ActionStep> {
  return {
    id: row.id,
    action_id: row.action_id,
    action_target_id: row.target_id,
    name: row.name,
    description: row.description,
    order: row.step_order,
    exit_code: row.exit_code,
    ...status(row),
    ...times(row),
  };
}

function summarize(targets: TargetRow[]) {
  const count = (wanted: string) => targets.filter((target) => target.status === wanted).length;
  return {
    targets: {
      count: targets.length,
      pending: count('pending'),
      in_progress: count('in-progress'),
      completed: count('completed'),
      failed: count('failed'),
    },
  };
}

function status(row: { status: string; reason_code: string; reason: string }) {
  return {
    status: statusOf(row),
    status_human_readable: statusLabel(row.status),
    status_reason_code: row.reason_code as ReasonCode,
    status_reason_human_readable: row.reason,
  };
}

function times(row: Pick<ActionRow, 'started_at' | 'completed_at' | 'created_at' | 'updated_at'>) {
  return {
    started_at: isoTime(row.started_at),
    completed_at: isoTime(row.completed_at),
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  };
}
