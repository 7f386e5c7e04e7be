import { findUser } from '../accounts/store.ts';
import { findServers } from '../inventory/servers/store.ts';
import { findPipeline } from '../pipelines/store.ts';
import type { Bus } from '../platform/bus.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { invalid, notFound } from '../platform/errors.ts';
import type { EventWriter } from './events.ts';
import type { ActionRow } from './store.ts';
import { createActions } from './transition.ts';
import type { ActionParameters, TriggeredFrom } from './trigger.ts';

export type ManualRun = {
  pipelineId: number;
  organizationId: number;
  projectId: number;
  userId: number;
  ipAddress: string;
  origin: string | null;
  triggerComment: string | null;
  parameters: ActionParameters;
};

/** Creates an action without a hook. Throws `not_found`, or `invalid` for servers of another environment. */
export async function runByHand(
  { db, writer, clock, bus }: { db: Db; writer: EventWriter; clock: Clock; bus: Bus },
  input: ManualRun,
): Promise<ActionRow> {
  const pipeline = await findPipeline(db, input.pipelineId);
  if (!pipeline) throw notFound('The pipeline');
  const servers = await findServers(db, input.parameters.servers ?? []);
  const faults = (input.parameters.servers ?? []).flatMap((id, index) => {
    const known = servers.some(
      (server) => server.id === id && server.environment_id === pipeline.environment_id,
    );
    return known
      ? []
      : [{ field: `servers.${index}`, message: `names no server of this environment: ${id}` }];
  });
  if (faults.length > 0) throw invalid(faults);

  const user = await findUser(db, input.userId);
  const triggeredFrom: TriggeredFrom = {
    origin: input.origin,
    trigger_type: 'manual',
    name: user?.name ?? '',
    email: user?.email ?? null,
    ip_address: input.ipAddress,
    user_id: input.userId,
    hook_id: null,
    hook_request_id: null,
    hook_parsed_variables: null,
  };
  const [action] = await db.transaction().execute((trx) =>
    createActions(writer, trx, [
      {
        organization_id: input.organizationId,
        project_id: input.projectId,
        environment_id: pipeline.environment_id,
        pipeline_id: pipeline.id,
        resource_type: pipeline.resource_type,
        resource_id: pipeline.resource_id,
        type: pipeline.operation,
        trigger_comment: input.triggerComment,
        retry_of: null,
        triggered_from: JSON.stringify(triggeredFrom),
        parameters: JSON.stringify(input.parameters),
        created_at: clock.now(),
      },
    ]),
  );
  bus.publish('actions');
  bus.publish('deliveries');
  return action!;
}
