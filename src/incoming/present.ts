import { zstdDecompressSync } from 'node:zlib';
import type { Static } from 'typebox';
import { triggerUrl } from '../hooks/present.ts';
import { asObject, type HookRequest, type HookRequestRelation } from '../hooks/request-record.ts';
import { isoTime } from '../platform/clock.ts';
import type { HookRequestRow } from './store.ts';

export function presentIncomingRelation(
  row: HookRequestRow,
  context: { publicUrl: string; actionId: number | null },
): Static<typeof HookRequestRelation> {
  return {
    id: row.uuid,
    hook_id: row.hook_uuid,
    action_id: context.actionId,
    retry_of: null,
    ip_address: row.ip_address,
    url: triggerUrl(context.publicUrl, row.hook_uuid),
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
  context: { publicUrl: string; actionId: number | null },
): Static<typeof HookRequest> {
  return {
    ...presentIncomingRelation(row, context),
    request_headers: JSON.parse(row.request_headers) as Record<string, string>,
    request_body: row.request_body === null ? {} : asObject(zstdDecompressSync(row.request_body).toString('utf8')),
    response_headers: { 'content-type': 'application/json; charset=utf-8' },
    response_body: {
      message: row.reason,
      errors: row.errors === null ? null : (JSON.parse(row.errors) as unknown),
      action_id: context.actionId,
      hook_request_id: row.uuid,
    },
    hook: null,
    delivery: null,
  };
}
