import type { IncomingHook } from '../hooks/registry.ts';
import type { Clock } from '../platform/clock.ts';
import { AppError } from '../platform/errors.ts';
import { networkOf } from '../platform/network-of.ts';
import { createTokenBuckets } from '../platform/rate-limit.ts';
import type { Decision } from './decide.ts';
import type { RefusalCounter } from './refusal-counter.ts';

/** How many requests that could not be verified one address may send, and all addresses together. */
const ofOne = { burst: 1000, perSecond: 50 };
const ofAll = { burst: 10_000, perSecond: 1000 };

export const refusalMessage = 'Too many requests that could not be verified. Slow down.';

/** Bounds what those can cause who know no secret. Requests that verify pass by it. */
export type UnverifiedLimit = {
  /** Takes one request from what the address may send. Throws `too_many`, which is counted as a refusal of the hook. */
  take(hook: IncomingHook | null, ipAddress: string): void;
  /** For how many seconds the address, or all together, have used up what they may send; 0 when they have not. */
  wait(ipAddress: string): number;
};

export function createUnverifiedLimit(clock: Clock, refusals: RefusalCounter): UnverifiedLimit {
  const addresses = createTokenBuckets(clock);
  const all = createTokenBuckets(clock);
  return {
    take(hook, ipAddress) {
      // What one address sends beyond its own allowance takes nothing from the others.
      const wait = addresses.take(networkOf(ipAddress), ofOne) || all.take('all', ofAll);
      if (wait === 0) return;
      if (hook) refusals.count(hook.row.id);
      throw new AppError('too_many', refusalMessage, { retryAfterSeconds: wait });
    },
    wait: (ipAddress) => addresses.wait(networkOf(ipAddress), ofOne) || all.wait('all', ofAll),
  };
}

/**
 * Whether anyone who knows a hook's address can cause this: what was refused before it was verified, and of a hook that
 * takes unsigned requests all that runs nothing.
 */
export function isCausedByAnyone({ definition }: IncomingHook, decision: Decision): boolean {
  if (decision.outcome === 'accepted') return false;
  return !definition.requires_secret || (decision.outcome === 'refused' && !decision.verified);
}
