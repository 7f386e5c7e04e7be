import { isIP } from 'node:net';
import { Type, type Static } from 'typebox';
import { healthOfHooks, type HookHealthRow } from '../hooks/health.ts';
import { eventNames, type EventName } from '../hooks/definition.ts';
import { loadSending, type SendingHook } from '../hooks/registry.ts';
import { findHook, type HookRow } from '../hooks/store.ts';
import { previewRequest } from '../outgoing/deliver.ts';
import { EgressRefused, type EgressGuard } from '../platform/egress-guard.ts';
import { planDeliveries, type EventContext, type PlannedDelivery } from '../outgoing/subscribe.ts';
import { isoTime, type Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { AppError, invalid, notFound } from '../platform/errors.ts';
import { parseExactJson } from '../platform/exact-json.ts';
import { Id, Nullable, OneOf, uuidParam } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import type { SecretBox } from '../platform/secret-box.ts';
import { buildContext, type EventWriter } from './events.ts';
import { defaultReason, eventsOf, statusCode, statusOf, type ActionStatus } from './status.ts';
import type { ActionRow } from './store.ts';

export const OutgoingPreview = Type.Object(
  {
    action_id: Type.Integer(),
    event: OneOf(eventNames),
    would_send: Type.Boolean(),
    reason: Type.String({ description: 'Why it would not be sent, or that it would.' }),
    request: Nullable(
      Type.Object(
        {
          method: OneOf(['POST']),
          url: Type.String(),
          headers: Type.Record(Type.String(), Type.String()),
          body: Type.String(),
        },
        { title: 'PreviewedRequest' },
      ),
    ),
    missing: Type.Array(Type.String(), { description: 'What the body names and the event does not have.' }),
  },
  { title: 'OutgoingHookPreview' },
);

export type TryOutContext = {
  db: Db;
  box: SecretBox;
  clock: Clock;
  writer: EventWriter;
  guard: EgressGuard;
  userAgent: string;
};

/** What an outgoing hook would send about a past action. Nothing is sent. */
export function outgoingTestRoute(app: HttpApp, context: TryOutContext): void {
  const { db, box } = context;
  app.route({
    method: 'POST',
    url: '/hooks/outgoing/:hook_id/test',
    config: {
      access: { permission: 'hook:read', on: 'hook', param: 'hook_id' },
      errors: { 409: 'No action has run yet that the hook could tell of.' },
    },
    schema: {
      operationId: 'testOutgoingHook',
      summary: 'Try an outgoing hook out: what it would send about a past action',
      description:
        'Without an action the last one of its pipeline is taken, without an event the one of the status that the action has. An event that it has had shows what was told then. Secrets are masked; nothing is sent.',
      params: uuidParam('hook_id'),
      body: Nullable(
        Type.Object(
          { action_id: Type.Optional(Id), event: Type.Optional(OneOf(eventNames)) },
          { title: 'OutgoingHookPreviewRequest' },
        ),
      ),
      response: { 200: OutgoingPreview },
    },
    handler: async (request) => {
      const row = await findHook(db, request.params.hook_id);
      if (row?.direction !== 'out') throw notFound('The outgoing hook');
      const { action_id, event: wanted } = request.body ?? {};
      const action = await findAction(db, row, action_id);
      if (!action) {
        if (action_id === undefined)
          throw new AppError(
            'conflict',
            'No action has run yet that this hook could tell of. Run its pipeline first.',
          );
        throw invalid([{ field: 'action_id', message: 'names no action of the environment of this hook' }]);
      }
      const hook = await loadSending(db, box, row.id);
      if (!hook) throw notFound('The outgoing hook');
      return (await tryOut(context, hook, action, wanted)).preview;
    },
  });
}

/** What a hook, stored or not, would send about an event of a past action, and what its templates then see. */
export async function tryOut(
  { db, clock, writer, guard, userAgent }: Omit<TryOutContext, 'box'>,
  hook: SendingHook,
  action: ActionRow,
  wanted: EventName | undefined,
): Promise<{ preview: Static<typeof OutgoingPreview>; values: EventContext }> {
  const event = wanted ?? eventFor(hook, action);
  const values = await toldOf(db, writer, action, event);
  if (event === 'hook.disabled') {
    const { uuid: id, name, pipeline_id } = hook.row;
    values['disabled_hook'] = {
      id,
      name,
      pipeline_id,
      reason: 'Nothing is wrong: this only tries it out.',
    };
  }
  const [planned] = await planDeliveries([hook], [event], () => Promise.resolve(values));
  const sample = { userAgent, now: clock.now() };
  const preview = previewRequest(sample, hook, {
    values,
    event,
    id: '00000000-0000-0000-0000-000000000000',
  });
  const health = (await healthOfHooks(db, [hook.row.id])).get(hook.row.id);
  const obstacle =
    strangerOf(hook.row, action) ??
    (planned ? obstacleOf(planned) : `The hook does not ask for ${event}.`) ??
    blockOf(health, clock.now());
  const isPossible = preview.kind === 'request';
  const refusal = isPossible ? refusalOf(preview.url, guard) : null;
  const shown = {
    action_id: action.id,
    event,
    would_send: isPossible && obstacle === null && refusal === null,
    reason: isPossible ? (obstacle ?? refusal ?? 'It would be sent.') : preview.reason,
    request: isPossible
      ? { method: 'POST' as const, url: preview.url, headers: preview.headers, body: preview.body }
      : null,
    missing: isPossible ? preview.missing : [],
  };
  return { preview: shown, values };
}

/** The event of the status that the action has, by the name under which the hook asks for it. */
function eventFor({ definition: { events } }: SendingHook, action: ActionRow): EventName {
  const names = eventsOf(statusOf(action));
  const asked = names.find((name) => events.includes(name));
  return asked ?? (events.every((name) => name === 'hook.disabled') ? 'hook.disabled' : names[0]!);
}

const statusOfEvent: Partial<Record<EventName, ActionStatus>> = {
  'action.created': 'pending',
  'action.queued': 'queued',
  'action.started': 'in-progress',
  'action.completed': 'completed',
  'action.failed': 'failed',
  'action.skipped': 'skipped',
};

/**
 * What the event told, or would tell: of a status that the action has had what was told then, if it was kept; of one that it
 * has never had, as if it had.
 */
export async function toldOf(
  db: Db,
  writer: EventWriter,
  action: ActionRow,
  event: EventName,
): Promise<EventContext> {
  const status = statusOfEvent[event];
  if (status === undefined || status === action.status) return await buildContext(writer, db, action, event);
  const kept = await db
    .selectFrom('action_events')
    .select('context')
    .where('action_id', '=', action.id)
    .where('status', '=', status)
    .where('context', 'is not', null)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  // Safe: only `actions/events.ts` writes contexts of these statuses.
  if (kept?.context) return { ...(parseExactJson(kept.context) as EventContext), event };
  const asIf = { ...action, status, reason_code: statusCode(status), reason: defaultReason(status) };
  return await buildContext(writer, db, asIf, event);
}

/** Why the hook never hears of this action, if so. */
function strangerOf(hook: HookRow, action: ActionRow): string | null {
  const isOwn =
    hook.pipeline_id === null
      ? action.type === hook.action_type &&
        action.resource_type === hook.resource_type &&
        action.resource_id === hook.resource_id
      : action.pipeline_id === hook.pipeline_id;
  return isOwn ? null : `Action ${action.id} is of another pipeline than those that this hook tells of.`;
}

function blockOf(health: HookHealthRow | undefined, now: number): string | null {
  const until = health?.blocked_until ?? 0;
  if (until <= now) return null;
  return `It would be sent, but not before ${isoTime(until)}: ${health?.reason}`;
}

function obstacleOf({ status, reason }: PlannedDelivery): string | null {
  return status === 'pending' ? null : reason;
}

/** Why an address that is written out as such would be refused; a name is looked up at sending alone. */
function refusalOf(url: string, guard: EgressGuard): string | null {
  const host = URL.parse(url)?.hostname.replaceAll(/^\[|\]$/g, '') ?? '';
  if (isIP(host) === 0) return null;
  try {
    guard.check(host);
    return null;
  } catch (error) {
    if (!(error instanceof EgressRefused)) throw error;
    return error.message;
  }
}

/** The action asked for, if it is of the hook's environment, or the last one that the hook is there for. */
export async function findAction(
  db: Db,
  hook: HookRow,
  id: number | undefined,
): Promise<ActionRow | undefined> {
  let found = db.selectFrom('actions').selectAll().where('environment_id', '=', hook.environment_id);
  if (id !== undefined) return await found.where('id', '=', id).executeTakeFirst();
  found =
    hook.pipeline_id === null
      ? found
          .where('resource_type', '=', hook.resource_type)
          .where('resource_id', '=', hook.resource_id)
          .where('type', '=', hook.action_type)
      : found.where('pipeline_id', '=', hook.pipeline_id);
  return await found.orderBy('id', 'desc').limit(1).executeTakeFirst();
}
