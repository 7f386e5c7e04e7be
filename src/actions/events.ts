import type { HookRegistry } from '../hooks/registry.ts';
import { findApplication } from '../inventory/applications/store.ts';
import { parseRepository } from '../inventory/applications/repository.ts';
import { sourceProviders, type SourceProviderCode } from '../inventory/credentials/source-provider.ts';
import { findCredential } from '../inventory/credentials/store.ts';
import { findPlace } from '../inventory/places/store.ts';
import { findServer } from '../inventory/servers/store.ts';
import {
  insertDeliveries,
  planDeliveries,
  type EventContext,
  type PlannedDelivery,
} from '../outgoing/subscribe.ts';
import { operationLabel } from '../pipelines/operations.ts';
import { findPipeline } from '../pipelines/store.ts';
import { isoTime } from '../platform/clock.ts';
import { compileByCount } from '../platform/database/compiled-query.ts';
import type { Db, Trx } from '../platform/database/connect.ts';
import { parseExactJson } from '../platform/exact-json.ts';
import { withoutNulls } from '../platform/without-nulls.ts';
import { deploymentOf, type Deployment } from './releases/deployment.ts';
import { eventsOf, statusLabel, statusOf } from './status.ts';
import type { ActionParameters, TriggeredFrom } from './trigger.ts';
import type { ActionRow } from './store.ts';

export type EventWriter = { registry: HookRegistry; publicUrl: () => string };

/**
 * Writes the events of statuses that actions have just taken, with the deliveries they cause: in the transaction of
 * the change, so that neither exists without the other (DESIGN §1.2). One event per action, and none is written that
 * no hook has asked for.
 */
export async function writeEvents(
  writer: EventWriter,
  trx: Trx,
  actions: ActionRow[],
  now: number,
): Promise<void> {
  const rows: { action: ActionRow; planned: PlannedDelivery[]; context: EventContext | null }[] = [];
  for (const action of actions) {
    const names = eventsOf(statusOf(action));
    const hooks = action.pipeline_id === null ? [] : await writer.registry.outgoing(trx, pipelineOf(action));
    if (hooks.length === 0) continue;
    let built: Promise<EventContext> | null = null;
    const context = () => (built ??= buildContext(writer, trx, action, names[0]!));
    const planned = await planDeliveries(hooks, names, context);
    if (planned.length === 0) continue;
    const isNeeded = planned.some(({ status }) => status !== 'skipped');
    rows.push({ action, planned, context: isNeeded ? await context() : null });
  }
  if (rows.length === 0) return;
  const written = await insertEvents(
    trx,
    rows.map(({ action, context }) => ({
      action_id: action.id,
      status: action.status,
      context: context ? JSON.stringify(context) : null,
      created_at: now,
    })),
  );
  const eventIds = new Map(written.map((event) => [event.action_id, event.id]));
  await insertDeliveries(
    trx,
    rows.flatMap(({ action, planned }) => {
      const eventId = eventIds.get(action.id)!;
      const of = { eventId, actionId: action.id, environmentId: action.environment_id };
      return planned.map((one) => ({ ...one, of }));
    }),
    now,
  );
}

const insertEvents = compileByCount<
  { action_id: number; status: string; context: string | null; created_at: number },
  { id: number; action_id: number }
>(['action_id', 'status', 'context', 'created_at'], (trx, rows) =>
  trx.insertInto('action_events').values(rows).returning(['id', 'action_id']),
);

function pipelineOf(action: ActionRow) {
  return {
    pipelineId: action.pipeline_id ?? 0,
    resourceType: action.resource_type,
    resourceId: action.resource_id,
    type: action.type,
  };
}

/** The page of an action, which commit statuses link to. */
export function actionUrl(publicUrl: string, id: number): string {
  return `${publicUrl}/actions/${id}`;
}

/** What templates may use about an action, as it is at this moment. What is not there is left out. */
export async function buildContext(
  { registry, publicUrl }: Pick<EventWriter, 'registry' | 'publicUrl'>,
  trx: Db | Trx,
  action: ActionRow,
  event: string,
): Promise<EventContext> {
  const isApplication = action.resource_type === 'application';
  // The status of a server changes with its actions, so it is read each time.
  const server = isApplication ? undefined : await findServer(trx, action.resource_id);
  const surroundings = await registry.derived(
    `surroundings ${action.environment_id} ${action.pipeline_id} ${isApplication ? action.resource_id : ''}`,
    () => surroundingsOf(trx, action),
  );
  const triggered = parseExactJson(action.triggered_from) as TriggeredFrom;
  const parameters = JSON.parse(action.parameters) as ActionParameters;
  const deployment = deploymentOf(action);
  const context = {
    event,
    action: {
      id: action.id,
      pipeline_id: action.pipeline_id,
      type: action.type,
      type_human_readable: operationLabel(action.type),
      status: action.status,
      status_human_readable: statusLabel(action.status),
      status_reason_code: action.reason_code,
      status_reason_human_readable: action.reason,
      url_web_permalink: actionUrl(publicUrl(), action.id),
      trigger_comment: action.trigger_comment,
      retry_of: action.retry_of,
      triggered_from: triggered,
      parameters,
      commit: commitOf(parameters, deployment),
      release: deployment ? { name: deployment.release_name } : null,
      created_at: isoTime(action.created_at),
      started_at: isoTime(action.started_at),
      completed_at: isoTime(action.completed_at),
      updated_at: isoTime(action.updated_at),
    },
    ...surroundings,
    server: server
      ? { id: server.id, hostname: server.hostname, ip_address: server.ip_address, status: server.status }
      : null,
  };
  // Safe: the form stays, only nulls go.
  return withoutNulls(context) as EventContext;
}

/**
 * The commit that an action is about, and the branch or tag by its short name; null what nobody said. The hash of a
 * branch is known once its source was fetched.
 */
function commitOf({ source_type, source_ref, commit_hash }: ActionParameters, deployment: Deployment | null) {
  const isCommit = source_type === 'commit';
  const commit = deployment?.commit ?? null;
  return {
    hash: commit?.hash ?? commit_hash ?? (isCommit ? source_ref : null),
    ref: isCommit ? null : (source_ref?.replace(/^refs\/(heads|tags)\//, '') ?? null),
    message: commit?.message ?? null,
    author_name: commit?.author_name ?? null,
  };
}

/** What stands around an action, and changes only when a definition does. */
async function surroundingsOf(trx: Db | Trx, action: ActionRow): Promise<Record<string, unknown>> {
  const place = await findPlace(trx, action.environment_id);
  const pipeline = action.pipeline_id === null ? undefined : await findPipeline(trx, action.pipeline_id);
  const isApplication = action.resource_type === 'application';
  return {
    application: isApplication ? await applicationContext(trx, action.resource_id) : null,
    pipeline: pipeline ? { id: pipeline.id, name: pipeline.name, operation: pipeline.operation } : null,
    environment: place
      ? { id: place.environment.id, name: place.environment.name, type: place.environment.type }
      : null,
    project: place ? { id: place.project.id, name: place.project.name } : null,
  };
}

async function applicationContext(trx: Db | Trx, id: number): Promise<Record<string, unknown> | null> {
  const application = await findApplication(trx, id);
  if (!application) return null;
  const repository = parseRepository(application.repository);
  const credential =
    application.credential_id === null ? undefined : await findCredential(trx, application.credential_id);
  const provider = credential ? sourceProviders[credential.provider_code as SourceProviderCode] : null;
  return {
    id: application.id,
    name: application.name,
    repository: application.repository,
    repository_owner: repository?.owner ?? null,
    repository_name: repository?.name ?? null,
    default_branch: application.default_branch,
    // The access token is added at sending and never stored here.
    source_provider: credential ? { code: credential.provider_code, name: provider?.name } : null,
  };
}
