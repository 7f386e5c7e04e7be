import type { EventName } from '../hooks/definition.ts';

export const actionStatuses = [
  'pending',
  'waiting',
  'skipped',
  'queued',
  'in-progress',
  'completed',
  'failed',
] as const;
export type ActionStatus = (typeof actionStatuses)[number];

/** Those of the reference that Hookline uses. */
export const reasonCodes = [
  'PENDING',
  'QUEUED',
  'IN_PROGRESS',
  'COMPLETED',
  'FAILED',
  'SKIPPED',
  'WAITING_CONCURRENCY_PIPELINE',
  'WAITING_CONCURRENCY_TARGET',
] as const;
export type ReasonCode = (typeof reasonCodes)[number];

/** The code and the label of each status; `waiting` has one reason so far. */
const statuses: Record<ActionStatus, { code: ReasonCode; label: string; reason: string }> = {
  pending: { code: 'PENDING', label: 'Pending', reason: 'Accepted, not begun yet.' },
  waiting: {
    code: 'WAITING_CONCURRENCY_PIPELINE',
    label: 'Waiting',
    reason: 'Waiting: its pipeline runs as many actions as it may at the same time.',
  },
  skipped: { code: 'SKIPPED', label: 'Skipped', reason: 'Skipped.' },
  queued: { code: 'QUEUED', label: 'Queued', reason: 'Queued: it begins at the next free place.' },
  'in-progress': { code: 'IN_PROGRESS', label: 'In progress', reason: 'Running.' },
  completed: { code: 'COMPLETED', label: 'Completed', reason: 'Completed.' },
  failed: { code: 'FAILED', label: 'Failed', reason: 'Failed.' },
};

/** Safe: only `create` and `transition` write the column, from this list. */
export function statusOf(row: { status: string }): ActionStatus {
  return row.status as ActionStatus;
}

export function statusCode(status: ActionStatus): ReasonCode {
  return statuses[status].code;
}

export function statusLabel(status: string): string {
  return Object.hasOwn(statuses, status) ? statuses[status as ActionStatus].label : status;
}

export function defaultReason(status: ActionStatus): string {
  return statuses[status].reason;
}

/** The events of a change to a status, the most particular first. */
export function eventsOf(status: ActionStatus): readonly EventName[] {
  switch (status) {
    case 'pending':
      return ['action.created'];
    case 'in-progress':
      return ['action.started', 'action.status_changed'];
    case 'completed':
      return ['action.completed', 'action.status_changed'];
    case 'failed':
      return ['action.failed', 'action.status_changed'];
    case 'queued':
      return ['action.queued', 'action.status_changed'];
    case 'skipped':
      return ['action.skipped', 'action.status_changed'];
    case 'waiting':
      return ['action.status_changed'];
    default:
      return status satisfies never;
  }
}
