import type { Static } from 'typebox';
import {
  asObject,
  type Delivery,
  type HookRequest,
  type HookRequestRelation,
} from '../hooks/request-record.ts';
import { isoTime } from '../platform/clock.ts';
import type { DeliveryRow } from './claim.ts';
import type { AttemptRow } from './store.ts';

export function presentDelivery(row: DeliveryRow): Static<typeof Delivery> {
  return {
    id: row.uuid,
    hook_id: row.hook_uuid,
    action_id: row.action_id,
    event: row.event,
    status: row.status,
    reason: row.reason,
    attempts: row.attempts,
    next_attempt_at: row.status === 'pending' ? isoTime(row.next_attempt_at) : null,
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  };
}

/** `retry_of` names the first attempt of the delivery. */
export function presentAttemptRelation(
  row: AttemptRow,
  delivery: DeliveryRow,
  firstAttempt: string,
): Static<typeof HookRequestRelation> {
  return {
    id: row.uuid,
    hook_id: delivery.hook_uuid,
    action_id: delivery.action_id,
    retry_of: firstAttempt === row.uuid ? null : firstAttempt,
    ip_address: row.ip_address,
    url: row.url,
    outcome: row.status_code >= 200 && row.status_code < 300 ? 'delivered' : 'failed',
    reason: row.reason,
    duration_ms: row.duration_ms,
    response_status_code: row.status_code,
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.created_at),
  };
}

export function presentAttempt(
  row: AttemptRow,
  delivery: DeliveryRow,
  firstAttempt: string,
): Static<typeof HookRequest> {
  return {
    ...presentAttemptRelation(row, delivery, firstAttempt),
    request_headers: JSON.parse(row.request_headers) as Record<string, string>,
    request_body: asObject(row.request_body),
    response_headers: JSON.parse(row.response_headers) as Record<string, string>,
    response_body: asObject(row.response_body),
    hook: null,
    delivery: presentDelivery(delivery),
  };
}
