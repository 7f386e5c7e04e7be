import type { Static } from 'typebox';
import { triggerUrl } from '../hooks/present.ts';
import { asObject, type HookRequest, type HookRequestRelation } from '../hooks/request-record.ts';
import { isoTime } from '../platform/clock.ts';
import type { HookRequestRow } from './store.ts';

export function presentIncomingRelation(
  row: HookRequestRow,
  publicUrl: string,
): Static<typeof HookRequestRelation> {
  return {
    id: row.uuid,
    hook_id: row.hook_uuid,
    action_id: row.action_id,
    retry_of: row.retry_of,
    ip_address: row.ip_address,
    url: triggerUrl(publicUrl, row.hook_uuid),
    outcome: row.outcome,
    reason: row.reason,
    duration_ms: row.duration_us / 1000,
    response_status_code: row.status_code,
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.created_at),
  };
}

export function presentIncoming(
  row: HookRequestRow,
  payload: { headers: string; body: Buffer },
  publicUrl: string,
): Static<typeof HookRequest> {
  return {
    ...presentIncomingRelation(row, publicUrl),
    request_headers: JSON.parse(payload.headers) as Record<string, string>,
    request_body: asObject(payload.body.toString('utf8')),
    response_headers: { 'content-type': 'application/json; charset=utf-8' },
    response_body: {
      message: row.reason,
      errors: row.errors === null ? null : (JSON.parse(row.errors) as unknown),
      action_id: row.action_id,
      hook_request_id: row.uuid,
    },
    response_truncated: false,
    timing: null,
    hook: null,
    delivery: null,
  };
}
