import { Type, type Static } from 'typebox';
import { isDeeperThan } from '../platform/dotted-path.ts';
import { parseExactJson } from '../platform/exact-json.ts';
import { Nullable, Time, Unused, UuidText } from '../platform/http/schemas.ts';

/* The record of a request is shown the same way in both directions. */

export const deliveryStatuses = ['pending', 'sending', 'delivered', 'failed', 'rejected', 'skipped'] as const;

export const Delivery = Type.Object(
  {
    id: Type.String({ format: 'uuid', description: 'Sent as `webhook-id`, the same in every attempt.' }),
    hook_id: UuidText,
    action_id: Type.Integer(),
    event: Type.String(),
    status: Type.String({
      description: '`pending`, `sending`, `delivered`, `failed`, `rejected` or `skipped`.',
    }),
    reason: Type.String({ description: 'Why it has this status, in one sentence.' }),
    attempts: Type.Integer(),
    next_attempt_at: Nullable(Time),
    content: Type.String({
      description: '`current`, or `original` when it is sent again as it was first.',
    }),
    created_at: Time,
    updated_at: Time,
  },
  { title: 'Delivery' },
);

export const HookRequestRelation = Type.Object(
  {
    id: UuidText,
    hook_id: UuidText,
    action_id: Nullable(Type.Integer()),
    retry_of: Nullable(
      Type.String({ format: 'uuid', description: 'The first attempt of the same delivery.' }),
    ),
    ip_address: Type.String(),
    url: Type.String(),
    outcome: Type.String({
      description:
        'Of what came in: `accepted`, `skipped` or `refused`. Of what was sent: `delivered` or `failed`.',
    }),
    reason: Type.String({ description: 'What came of it, in one sentence.' }),
    duration_ms: Type.Number(),
    response_status_code: Type.Integer({ description: '0 when there was no answer.' }),
    created_at: Time,
    updated_at: Time,
  },
  { title: 'HookRequestRelation' },
);

const ms = (description: string) => Nullable(Type.Number({ description }));

/** Where the time of an attempt went, in ms. What did not happen, on a connection that was open already above all, is null. */
export const AttemptTiming = Type.Object(
  {
    dns_ms: ms('Looking the name up; null for an address, and on a connection that was open.'),
    connect_ms: ms('Until the TCP connection stood.'),
    tls_ms: ms('The TLS handshake.'),
    first_byte_ms: ms('From the request on its way to the head of the answer.'),
    total_ms: Type.Number(),
    connection_reused: Type.Boolean(),
  },
  { title: 'AttemptTiming', description: 'Of what was sent: where the time went, in ms.' },
);
export type AttemptTiming = Static<typeof AttemptTiming>;

const body = 'The JSON object; a body that is none is the text `raw` in one.';

export const HookRequest = Type.Object(
  {
    ...HookRequestRelation.properties,
    request_headers: Type.Record(Type.String(), Type.String()),
    request_body: Type.Unknown({ description: body }),
    response_headers: Type.Record(Type.String(), Type.String()),
    response_body: Type.Unknown({ description: body }),
    response_truncated: Type.Boolean({ description: 'Only the first 16 KiB of an answer are read.' }),
    timing: Nullable(AttemptTiming),
    hook: Unused,
    delivery: Nullable(Delivery),
  },
  { title: 'HookRequest' },
);

const mostLevelsShown = 1000;

/** The reference shows bodies as objects; what is none is shown as its text under `raw`. */
export function asObject(text: string): object {
  if (text === '') return {};
  try {
    const value = parseExactJson(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    // What is nested deeper could be written into no answer.
    if (isObject && !isDeeperThan(value, mostLevelsShown)) return value;
  } catch {
    // Not JSON: a form, a text, or a body that was cut.
  }
  return { raw: text };
}
