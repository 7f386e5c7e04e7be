import type { Answer } from './http-client.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** Waits between attempts; after the last one the delivery has failed. */
const delaysMs = [
  5 * second,
  30 * second,
  2 * minute,
  10 * minute,
  30 * minute,
  hour,
  2 * hour,
  4 * hour,
  8 * hour,
  8 * hour,
];
const jitter = 0.2;
const longestRetryAfterMs = 24 * hour;

/** What follows from an attempt. `retry` holds the wait in ms. */
export type Verdict =
  | { kind: 'delivered'; reason: string }
  | { kind: 'retry'; delayMs: number; reason: string }
  | { kind: 'rejected'; reason: string }
  | { kind: 'failed'; reason: string };

/** `attempt` counts from 1; `random` is from 0 to 1; `now` reads a `Retry-After` that is a date. */
export function judge(
  answer: Answer,
  attempt: number,
  options: { random: () => number; now: number },
): Verdict {
  if (answer.kind === 'answer') {
    const { status } = answer;
    if (status >= 200 && status < 300) return { kind: 'delivered', reason: `Delivered: answered ${status}.` };
    if (status >= 300 && status < 400) {
      return {
        kind: 'rejected',
        reason: `Answered ${status}: redirects are not followed. Put the final address in the hook.`,
      };
    }
    if (!isTemporary(answer)) return { kind: 'rejected', reason: `Rejected: answered ${status}.` };
  }
  if (answer.kind === 'no-answer' && answer.refused) return { kind: 'rejected', reason: answer.reason };
  const why = answer.kind === 'answer' ? `Answered ${answer.status}.` : answer.reason;
  const delay = delaysMs[attempt - 1];
  if (delay === undefined) return { kind: 'failed', reason: `Given up after ${attempt} attempts. ${why}` };
  const spread = delay * (1 + jitter * (2 * options.random() - 1));
  const asked = answer.kind === 'answer' ? retryAfterMs(answer.headers['retry-after'], options.now) : 0;
  return { kind: 'retry', delayMs: Math.round(Math.max(spread, asked)), reason: why };
}

function isTemporary({ status, headers }: { status: number; headers: Record<string, string> }): boolean {
  if (status === 408 || status === 425 || status === 429 || status >= 500) return true;
  // GitHub and GitLab answer 403 when a rate limit is reached.
  return status === 403 && (headers['retry-after'] !== undefined || headers['x-ratelimit-remaining'] === '0');
}

/** Seconds or a date (RFC 9110 §10.2.3); 0 when absent, unreadable or past. */
function retryAfterMs(value: string | undefined, now: number): number {
  if (value === undefined) return 0;
  const wait = /^\d+$/.test(value.trim()) ? Number(value) * second : Date.parse(value) - now;
  return Number.isNaN(wait) ? 0 : Math.min(Math.max(wait, 0), longestRetryAfterMs);
}
