import type { FastifyRequest } from 'fastify';
import { mustAlsoHave, principalOf } from '../accounts/access.ts';
import { audited } from '../accounts/audit.ts';
import { findUser } from '../accounts/store.ts';
import { findServers } from '../inventory/servers/store.ts';
import { isLifecycle, permissionToRun } from '../pipelines/lifecycle.ts';
import type { PipelineRow } from '../pipelines/store.ts';
import type { Bus } from '../platform/bus.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { AppError, invalid } from '../platform/errors.ts';
import type { EventWriter } from './events.ts';
import type { ActionRow } from './store.ts';
import { createActions } from './transition.ts';
import type { ActionParameters, TriggeredFrom } from './trigger.ts';

type Context = { db: Db; writer: EventWriter; clock: Clock; bus: Bus };

type Start = {
  pipeline: PipelineRow;
  place: { organizationId: number; projectId: number };
  parameters: ActionParameters;
  triggerComment?: string | null;
  /** What a hook had found for an action that is done again. */
  variables?: TriggeredFrom['hook_parsed_variables'];
  retryOf?: number | null;
};

/**
 * Creates an action because somebody called for it, rather than a hook. Throws `invalid` for servers of another
 * environment, and `forbidden` for what the caller may not do to a server.
 */
export async function startAction(
  context: Context,
  request: FastifyRequest,
  { pipeline, place, parameters, triggerComment = null, variables = null, retryOf = null }: Start,
): Promise<ActionRow> {
  const { db, writer, clock, bus } = context;
  const needed = permissionToRun({ resourceType: pipeline.resource_type, operation: pipeline.operation });
  if (needed) mustAlsoHave(request, needed);
  await checkServers(db, pipeline, parameters.servers ?? []);
  const triggeredFrom = {
    ...(await describeCaller(db, request)),
    hook_parsed_variables: variables,
  };
  const action = await audited(
    context,
    request,
    ({ id }: ActionRow) => ({ type: 'action', id, name: pipeline.name }),
    async (trx) => {
      const [created] = await createActions(writer, trx, [
        {
          organization_id: place.organizationId,
          project_id: place.projectId,
          environment_id: pipeline.environment_id,
          pipeline_id: pipeline.id,
          resource_type: pipeline.resource_type,
          resource_id: pipeline.resource_id,
          type: pipeline.operation,
          trigger_comment: triggerComment,
          retry_of: retryOf,
          triggered_from: JSON.stringify(triggeredFrom),
          parameters: JSON.stringify(parameters),
          created_at: clock.now(),
        },
      ]);
      return created!;
    },
  );
  bus.publish('actions');
  bus.publish('deliveries');
  return action;
}

async function checkServers(db: Db, pipeline: PipelineRow, ids: number[]): Promise<void> {
  const { environment_id: environmentId, resource_id: own } = pipeline;
  const isOfServer =
    isLifecycle(pipeline.resource_type, pipeline.operation) && pipeline.is_auto_generated === 1;
  if (isOfServer && ids.some((id) => id !== own)) {
    throw invalid([
      { field: 'servers', message: `must be left out: this pipeline acts on its own server, ${own}` },
    ]);
  }
  const servers = await findServers(db, ids);
  const faults = ids.flatMap((id, index) =>
    servers.some((server) => server.id === id && server.environment_id === environmentId)
      ? []
      : [{ field: `servers.${index}`, message: `names no server of this environment: ${id}` }],
  );
  if (faults.length > 0) throw invalid(faults);
}

/** Who calls, as an action tells it. */
export async function describeCaller(db: Db, request: FastifyRequest): Promise<TriggeredFrom> {
  const principal = principalOf(request);
  const user = await findUser(db, principal.userId);
  const isProject = principal.via === 'project_api_token';
  return {
    origin: request.headers['user-agent']?.slice(0, 200) ?? null,
    trigger_type: 'manual',
    name: isProject ? `API token "${principal.tokenName}"` : (user?.name ?? ''),
    email: isProject ? null : (user?.email ?? null),
    ip_address: request.ip,
    user_id: isProject ? null : principal.userId,
    hook_id: null,
    hook_request_id: null,
    hook_parsed_variables: null,
  };
}

/** The pipeline that a call means which names a resource and an operation. */
export function choosePipeline(
  pipelines: PipelineRow[],
  wanted: { id: number | undefined; operation: string; owner: string },
): PipelineRow {
  const [first, ...others] = pipelines;
  if (wanted.id !== undefined) {
    const named = pipelines.find(({ id }) => id === wanted.id);
    if (named) return named;
    throw invalid([
      { field: 'pipeline_id', message: `names no ${wanted.operation} pipeline of the ${wanted.owner}` },
    ]);
  }
  if (!first) {
    throw new AppError(
      'conflict',
      `The ${wanted.owner} has no ${wanted.operation} pipeline. Create one first.`,
    );
  }
  if (others.length === 0) return first;
  const ids = pipelines.map(({ id }) => id).join(', ');
  throw invalid([{ field: 'pipeline_id', message: `is required, since there are several: ${ids}` }]);
}
