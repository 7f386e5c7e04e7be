import type { HookHealthRow } from '../hooks/health.ts';
import type { Sign } from './retry-schedule.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const failuresToOpen = 5;
const firstWaitMs = 30 * second;
const longestWaitMs = hour;
const disableAfterMs = 5 * day;
/** A hook that is rarely used must have failed this often, too. */
const attemptsToDisable = 10;
/** Longer than an attempt can take: should the node that probes die, another probes then. */
export const probeMs = minute;

/** How a hook has been doing since its last success; a hook that is well has none. */
export type Health = Omit<HookHealthRow, 'hook_id' | 'updated_at'>;

const well: Health = {
  state: 'closed',
  failures_in_a_row: 0,
  failed_attempts: 0,
  failing_since: null,
  openings: 0,
  blocked_until: null,
  reason: '',
};

/**
 * The health of a hook after one more attempt, null when all is well and no pause is asked for, and why the hook is to be switched off, if it is.
 * After 5 failures in a row the breaker opens for 30 s, doubling to an hour; then one delivery probes (`claim.ts`).
 */
export function afterAttempt(
  health: Health | null,
  { sign, reason, isProbe, now }: { sign: Sign; reason: string; isProbe: boolean; now: number },
): { health: Health | null; disable: string | null } {
  // What was under way when the receiver asked for a pause does not end the pause.
  const pausedUntil =
    health?.state === 'closed' && (health.blocked_until ?? 0) > now ? health.blocked_until : null;
  if (sign.kind === 'good') {
    const paused =
      health && pausedUntil ? { ...well, blocked_until: pausedUntil, reason: health.reason } : null;
    return { health: paused, disable: null };
  }
  if (sign.kind === 'gone') return { health: null, disable: 'The receiver answered 410 Gone.' };
  const before = health ?? well;
  const since = before.failing_since ?? now;
  const count = before.failed_attempts + 1;
  const next: Health = { ...before, failing_since: since, failed_attempts: count, reason };
  if (now - since >= disableAfterMs && count >= attemptsToDisable) {
    const from = new Date(since).toISOString();
    return {
      health: null,
      disable: `Nothing was delivered in ${count} attempts since ${from}, the last because: ${reason}`,
    };
  }
  switch (sign.kind) {
    case 'refused':
      return {
        health: { ...next, state: 'closed', failures_in_a_row: 0, openings: 0, blocked_until: pausedUntil },
        disable: null,
      };
    case 'limited': {
      const until = Math.max(pausedUntil ?? 0, now + sign.waitMs);
      return {
        health: { ...next, state: 'closed', failures_in_a_row: 0, blocked_until: until },
        disable: null,
      };
    }
    case 'failing': {
      const failed = { ...next, failures_in_a_row: before.failures_in_a_row + 1 };
      const opens = isProbe || (before.state === 'closed' && failed.failures_in_a_row >= failuresToOpen);
      // What was under way when the breaker opened does not make it wait longer.
      if (!opens) return { health: failed, disable: null };
      const openings = before.openings + 1;
      const waitMs = Math.min(firstWaitMs * 2 ** (openings - 1), longestWaitMs);
      const blocked_until = Math.max(pausedUntil ?? 0, now + waitMs);
      return { health: { ...failed, state: 'open', openings, blocked_until }, disable: null };
    }
    default:
      return sign satisfies never;
  }
}
