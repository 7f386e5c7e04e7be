import { Type, type Static } from 'typebox';
import {
  asObject,
  AttemptTiming,
  Delivery,
  HookRequestRelation,
  type HookRequest,
} from '../hooks/request-record.ts';
import { isoTime } from '../platform/clock.ts';
import { OneOf, Time, UuidText } from '../platform/http/schemas.ts';
import type { DeliveryRow } from './claim.ts';
import type { RecoveryProgress, RecoveryRow } from './recover.ts';
import { contents } from './redeliver.ts';
import type { AttemptRow, ListedDeliveryRow } from './store.ts';

/** What waits for its hook, or for its turn, says so: `next_attempt_at` is when it can really be tried. */
export function presentDelivery(row: ListedDeliveryRow, now: number): Static<typeof Delivery> {
  const blockedUntil = row.blocked_until ?? 0;
  const isBlocked = row.status === 'pending' && blockedUntil > Math.max(now, row.next_attempt_at);
  const isBehind = row.behind !== null;
  const block = ` Its hook sends nothing before ${isoTime(blockedUntil)}.`;
  return {
    id: row.uuid,
    hook_id: row.hook_uuid,
    action_id: row.action_id,
    event: row.event,
    status: row.status,
    reason: isBehind
      ? `Waits until ${row.behind} of the same action is settled.`
      : isBlocked
        ? row.reason + block
        : row.reason,
    attempts: row.attempts,
    next_attempt_at:
      row.status === 'pending' && !isBehind ? isoTime(isBlocked ? blockedUntil : row.next_attempt_at) : null,
    content: row.content_version === null ? 'current' : 'original',
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  };
}

export const DeliveryDetails = Type.Object(
  {
    ...Delivery.properties,
    requests: Type.Array(
      Type.Object(
        { ...HookRequestRelation.properties, timing: Type.Union([AttemptTiming, Type.Null()]) },
        { title: 'DeliveryAttempt' },
      ),
      { description: 'Its attempts, the first one first; `GET /hook-requests/{id}` has the whole of one.' },
    ),
  },
  { title: 'DeliveryDetails' },
);

export function presentDeliveryDetails(
  delivery: ListedDeliveryRow,
  attempts: AttemptRow[],
  now: number,
): Static<typeof DeliveryDetails> {
  const first = attempts[0]?.uuid ?? '';
  return {
    ...presentDelivery(delivery, now),
    requests: attempts.map((row) => ({
      ...presentAttemptRelation(row, delivery, first),
      timing: timingOf(row),
    })),
  };
}

/** Safe: only `settle.ts` writes the column. */
function timingOf({ timing }: AttemptRow): AttemptTiming | null {
  return timing === null ? null : (JSON.parse(timing) as AttemptTiming);
}

const count = (description: string) => Type.Integer({ description });

export const Recovery = Type.Object(
  {
    id: UuidText,
    hook_id: UuidText,
    status: OneOf(['running', 'completed', 'cancelled']),
    reason: Type.String(),
    since: Time,
    content: OneOf(contents),
    include_overtaken: Type.Boolean(),
    recovered: count('How many deliveries had failed in its time; all of them are looked at.'),
    left_out: count('Not sent, since a later event of the same action has arrived.'),
    not_begun: count('Not looked at yet.'),
    waiting: count('Waiting to be sent, or for their next attempt.'),
    delivered: count('Delivered.'),
    failed: count('Failed again, or rejected.'),
    skipped: count('Not sent, for the reason that each of them shows.'),
    created_at: Time,
    updated_at: Time,
  },
  { title: 'HookRecoveryProgress' },
);

export function presentRecovery(
  row: RecoveryRow,
  hookUuid: string,
  progress: RecoveryProgress,
): Static<typeof Recovery> {
  const begun = progress.waiting + progress.delivered + progress.failed + progress.skipped;
  return {
    id: row.uuid,
    hook_id: hookUuid,
    status: row.status,
    reason: row.reason,
    since: isoTime(row.since),
    content: row.content,
    include_overtaken: row.include_overtaken === 1,
    recovered: row.total,
    left_out: row.left_out,
    not_begun: row.status === 'completed' ? 0 : Math.max(0, row.total - row.left_out - begun),
    ...progress,
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
    retry_of: firstAttempt === '' || firstAttempt === row.uuid ? null : firstAttempt,
    ip_address: row.ip_address,
    url: row.url,
    outcome: isDelivered(row, delivery) ? 'delivered' : 'failed',
    reason: row.reason,
    duration_ms: row.duration_ms,
    response_status_code: row.status_code,
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.created_at),
  };
}

/** A refusal may count as delivered (`provider-quirks.ts`); it is then the last attempt. */
function isDelivered(row: AttemptRow, delivery: DeliveryRow): boolean {
  if (row.status_code >= 200 && row.status_code < 300) return true;
  return delivery.status === 'delivered' && row.attempt === delivery.attempts;
}

export function presentAttempt(
  row: AttemptRow,
  delivery: ListedDeliveryRow,
  firstAttempt: string,
  now: number,
): Static<typeof HookRequest> {
  return {
    ...presentAttemptRelation(row, delivery, firstAttempt),
    request_headers: JSON.parse(row.request_headers) as Record<string, string>,
    request_body: asObject(row.request_body),
    response_headers: JSON.parse(row.response_headers) as Record<string, string>,
    response_body: asObject(row.response_body),
    response_truncated: row.response_truncated === 1,
    timing: timingOf(row),
    hook: null,
    delivery: presentDelivery(delivery, now),
  };
}
