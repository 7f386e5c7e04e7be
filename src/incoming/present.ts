import type { Static } from 'typebox';
import { triggerUrl } from '../hooks/present.ts';
import { asObject, type HookRequest, type HookRequestRelation } from '../hooks/request-record.ts';
import { isoTime } from '../platform/clock.ts';
import { mask } from '../platform/secret-box.ts';
import type { ReceivedRequest } from './decide.ts';
import { plainRequest } from './inflate.ts';
import { bodyText } from './parse-payload.ts';
import { answerMessage } from './trigger-answers.ts';
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
    url: triggerUrl(publicUrl, row.hook_uuid) + (row.request_query === null ? '' : `?${row.request_query}`),
    outcome: row.outcome,
    reason: row.reason,
    duration_ms: row.duration_us / 1000,
    response_status_code: row.status_code,
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.created_at),
  };
}

/**
 * The body is shown as it was before it was compressed, in the charset it claims. The header that proved it, `signatureHeader`,
 * is not shown beside it: most senders sign no time, so that who has both can send it again and run what he may not.
 */
export async function presentIncoming(
  row: HookRequestRow,
  received: ReceivedRequest,
  context: { publicUrl: string; maxBodyBytes: number; signatureHeader: string | null },
): Promise<Static<typeof HookRequest>> {
  const { publicUrl, maxBodyBytes, signatureHeader } = context;
  const { request: plain } = await plainRequest(received, maxBodyBytes);
  // Safe: `store.ts` wrote them as an object of texts.
  const headers = received.headers as Record<string, string>;
  const isProof =
    signatureHeader !== null && row.payload_id !== null && Object.hasOwn(headers, signatureHeader);
  return {
    ...presentIncomingRelation(row, publicUrl),
    request_headers: isProof ? { ...headers, [signatureHeader]: mask } : headers,
    request_body: asObject(bodyText(plain)),
    response_headers: { 'content-type': 'application/json; charset=utf-8' },
    response_body: {
      message: answerMessage(row.outcome, { reason: row.reason, actionId: row.action_id }),
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
