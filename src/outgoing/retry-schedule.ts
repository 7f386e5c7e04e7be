import type { Answer } from './http-client.ts';
import { countsAsDelivered, passes, rateLimitMs } from './provider-quirks.ts';

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

/** What an attempt tells about the receiver, beyond the one delivery; see `breaker.ts`. */
export type Sign =
  /** It took the request. */
  | { kind: 'good' }
  /** It is there, and does not want this request. */
  | { kind: 'refused' }
  /** Nothing usable came. */
  | { kind: 'failing' }
  /** It asks for no more requests for that long. */
  | { kind: 'limited'; waitMs: number }
  /** It will never want any again. */
  | { kind: 'gone' };

/** What follows from an attempt. `retry` holds the wait in ms. */
export type Verdict = { reason: string; sign: Sign } & (
  | { kind: 'delivered' }
  | { kind: 'retry'; delayMs: number }
  | { kind: 'rejected' }
  | { kind: 'failed' }
);

/** `attempt` counts from 1; `random` is from 0 to 1; `now` reads a `Retry-After` that is a date. */
export function judge(
  answer: Answer,
  attempt: number,
  options: { url: string; random: () => number; now: number },
): Verdict {
  if (answer.kind === 'answer') {
    const { status } = answer;
    if (status >= 200 && status < 300)
      return { kind: 'delivered', sign: { kind: 'good' }, reason: `Delivered: answered ${status}.` };
    const excuse = countsAsDelivered(options.url, answer);
    if (excuse !== null)
      return {
        kind: 'delivered',
        sign: { kind: 'good' },
        reason: `Delivered: answered ${status}, ${excuse}.`,
      };
    if (status >= 300 && status < 400) {
      return {
        kind: 'rejected',
        sign: { kind: 'refused' },
        reason: `Answered ${status}: redirects are not followed. Put the final address in the hook.`,
      };
    }
    if (status === 410)
      return {
        kind: 'rejected',
        sign: { kind: 'gone' },
        reason: 'Rejected: answered 410, which says that nothing is wanted any more.',
      };
    if (!isTemporary(answer) && !passes(options.url, answer))
      return {
        kind: 'rejected',
        sign: { kind: 'refused' },
        reason: `Rejected: answered ${status}${complaintOf(answer)}.`,
      };
  }
  if (answer.kind === 'no-answer' && answer.refused)
    return { kind: 'rejected', sign: { kind: 'refused' }, reason: answer.reason };
  const asked =
    answer.kind === 'answer' ? Math.min(waitAskedMs(answer, options.now), longestRetryAfterMs) : 0;
  const isLimit = answer.kind === 'answer' && (answer.status === 429 || answer.status === 403) && asked > 0;
  const sign: Sign = isLimit ? { kind: 'limited', waitMs: asked } : { kind: 'failing' };
  const why = answer.kind === 'answer' ? `Answered ${answer.status}.` : answer.reason;
  const delay = delaysMs[attempt - 1];
  if (delay === undefined)
    return { kind: 'failed', sign, reason: `Given up after ${attempt} attempts. ${why}` };
  const spread = delay * (1 + jitter * (2 * options.random() - 1));
  const note = asked > spread ? ` It asks to wait ${Math.ceil(asked / second)} s.` : '';
  return { kind: 'retry', delayMs: Math.round(Math.max(spread, asked)), sign, reason: why + note };
}

/** What the receiver says is wrong, in short, where its JSON has it in a usual place. */
function complaintOf({ body }: Answered): string {
  try {
    const { message, error } = JSON.parse(body) as { message?: unknown; error?: unknown };
    const inner = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
    const text = [message, inner].find((one) => typeof one === 'string' && one !== '');
    return text === undefined
      ? ''
      : `: ${String(text).replaceAll(/\s+/g, ' ').slice(0, 200).replace(/\.$/, '')}`;
  } catch {
    return '';
  }
}

export type Answered = Extract<Answer, { kind: 'answer' }>;

/** Whether an answer says that the same request may succeed later. */
export function isTemporary(answer: Answered): boolean {
  const { status, headers } = answer;
  if (status === 408 || status === 425 || status === 429 || status >= 500) return true;
  // GitHub and GitLab answer 403 when a rate limit is reached.
  return status === 403 && (headers['retry-after'] !== undefined || headers['x-ratelimit-remaining'] === '0');
}

/** How long the receiver asks to wait, in ms: the longest of what it says. */
export function waitAskedMs(answer: Answered, now: number): number {
  const isLimit = answer.status === 429 || answer.status === 403;
  return Math.max(retryAfterMs(answer.headers['retry-after'], now), isLimit ? rateLimitMs(answer, now) : 0);
}

/** Seconds or a date (RFC 9110 §10.2.3); 0 when absent, unreadable or past. */
function retryAfterMs(value: string | undefined, now: number): number {
  if (value === undefined) return 0;
  const text = value.trim();
  const wait = /^\d+(\.\d+)?$/.test(text) ? Number(text) * second : Date.parse(text) - now;
  return Number.isNaN(wait) ? 0 : Math.max(wait, 0);
}
