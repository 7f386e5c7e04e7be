import { systemClock } from '../../src/platform/clock.ts';
import type { Clock } from '../../src/platform/clock.ts';

/**
 * A clock on which a test ends a time limit itself, once it has seen what it waits for: a sleep of exactly `ms` lasts
 * until `end` is called. All other sleeps are those of `clock`.
 */
export function timely(clock: Clock): Clock {
  return {
    ...clock,
    sleep: async (ms, signal) => {
      const limit = limits.get(ms);
      if (!limit) return await clock.sleep(ms, signal);
      // As long as no test waits; `signal` ends it when the limit was not needed.
      await Promise.race([limit, systemClock.sleep(600_000, signal)]);
    },
  };
}

const limits = new Map<number, Promise<void>>();
let last = 1_000_000;

export function timeLimit(): { ms: number; end: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  limits.set(++last, promise);
  return { ms: last, end: resolve };
}
