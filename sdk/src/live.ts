import { follow, type FollowOptions } from './follow.ts';
import type { Action, Delivery, HookRequestRelation } from './generated/types.gen.ts';

/** A request to an incoming hook, and what came of it. */
export type RequestHappened = {
  id: string;
  hook_id: string;
  /** Null when the hook is gone. */
  hook_name: string | null;
  pipeline_id: number | null;
  outcome: Exclude<HookRequestRelation['outcome'], 'delivered' | 'failed'>;
  reason: string;
  response_status_code: number;
  action_id: number | null;
  /** The request that this one repeats because somebody asked for it. */
  retry_of: string | null;
  ip_address: string;
  request_bytes: number;
  duration_ms: number;
  at: string;
};

/** An action that was created, or has taken another status. */
export type ActionHappened = {
  id: number;
  pipeline_id: number | null;
  pipeline_name: string | null;
  resource_type: string;
  resource_id: number;
  type: string;
  type_human_readable: string;
  retry_of: number | null;
  status: Action['status'];
  status_reason_code: string;
  status_reason_human_readable: string;
  started_at: string | null;
  completed_at: string | null;
  at: string;
};

/** A delivery that was planned, tried, or ended without a try. */
export type DeliveryHappened = {
  id: string;
  hook_id: string;
  hook_name: string | null;
  pipeline_id: number | null;
  action_id: number;
  event: string;
  /** After an attempt, `pending` means that there will be another. */
  status: Delivery['status'];
  reason: string;
  /** Which attempt this was, from 1; null when nothing was tried. */
  attempt: number | null;
  /** Of the attempt: its record, see `getHookRequest`. */
  request_id: string | null;
  url: string | null;
  /** Null when there was no answer. */
  response_status_code: number | null;
  duration_ms: number | null;
  at: string;
};

/** What happens in an environment; `id` is where to go on from. */
export type EnvironmentEvent =
  | { id: string; type: 'request'; data: RequestHappened }
  | { id: string; type: 'action'; data: ActionHappened }
  | { id: string; type: 'delivery'; data: DeliveryHappened };

type LiveOptions = FollowOptions & {
  /** Only what follows the event of this id. */
  after?: string;
  /** Also what happened from then on; without it and `after` only what happens now. */
  since?: Date | string;
  /** False to end once everything up to now was told. */
  follow?: boolean;
};

export type EnvironmentEventOptions = LiveOptions & { kinds?: EnvironmentEvent['type'][] };

/**
 * Everything that happens in an environment, live: requests of incoming hooks, actions, deliveries of outgoing hooks. A
 * stream that drops is taken up again after the last event, nothing twice and nothing left out. Throws a HooklineError when
 * the server refuses it.
 */
export async function* environmentEvents(
  environmentId: number,
  options: EnvironmentEventOptions = {},
): AsyncGenerator<EnvironmentEvent, void, undefined> {
  const { kinds } = options;
  yield* live<EnvironmentEvent>(
    { url: '/environments/{environment_id}/events', path: { environment_id: environmentId } },
    options,
    kinds ? { kinds: kinds.join(',') } : {},
  );
}

/** A delivery as it goes out. */
export type CopiedDelivery = {
  id: string;
  hook_id: string;
  hook_name: string;
  action_id: number;
  event: string;
  /** Null when nothing is sent, for the `reason`. */
  request: { method: 'POST'; url: string; headers: Record<string, string>; body: string } | null;
  /** What the body names and the event does not have. */
  missing: string[];
  reason: string | null;
  created_at: string;
};

/** What an outgoing hook sends, or does not; `id` is where to go on from. */
export type HookDelivery = { id: string; type: 'delivery' | 'skipped'; data: CopiedDelivery };

/**
 * A copy of each delivery of an outgoing hook, as it is sent: for developing its receiver. Goes on after a drop as
 * `environmentEvents` does.
 */
export async function* hookDeliveries(
  hookId: string,
  options: LiveOptions = {},
): AsyncGenerator<HookDelivery, void, undefined> {
  yield* live<HookDelivery>({ url: '/hooks/outgoing/{hook_id}/listen', path: { hook_id: hookId } }, options);
}

async function* live<Event extends { id: string; type: string; data: unknown }>(
  address: { url: string; path: Record<string, unknown> },
  options: LiveOptions,
  query: Record<string, unknown> = {},
): AsyncGenerator<Event, void, undefined> {
  const { since, after } = options;
  const asked = {
    ...query,
    ...(since === undefined ? {} : { since: new Date(since).toISOString() }),
    ...(options.follow === undefined ? {} : { follow: options.follow }),
  };
  for await (const message of follow({ ...address, query: asked }, { ...options, lastId: after })) {
    if (message.event === 'ping') continue;
    // Safe: the server's document describes these.
    yield { id: message.id, type: message.event, data: JSON.parse(message.data) } as Event;
  }
}
