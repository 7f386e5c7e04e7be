import { Type } from 'typebox';
import { Nullable, Time, Unused, UuidText } from '../platform/http/schemas.ts';

/* The record of a request is shown the same way in both directions. */

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

const body = 'The JSON object; a body that is none is the text `raw` in one.';

export const HookRequest = Type.Object(
  {
    ...HookRequestRelation.properties,
    request_headers: Type.Record(Type.String(), Type.String()),
    request_body: Type.Unknown({ description: body }),
    response_headers: Type.Record(Type.String(), Type.String()),
    response_body: Type.Unknown({ description: body }),
    hook: Unused,
    delivery: Nullable(Delivery),
  },
  { title: 'HookRequest' },
);

/** The reference shows bodies as objects; what is none is shown as its text under `raw`. */
export function asObject(text: string): object {
  if (text === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Not JSON: a form, a text, or a body that was cut.
  }
  return { raw: text };
}
