import type { Clock } from './clock.ts';
import { AppError } from './errors.ts';

/** Above this many keys those that have not been seen longest are forgotten. */
const mostKeys = 10_000;

/** `burst` at once, and `perSecond` after that. */
export type Rate = { burst: number; perSecond: number };

export type TokenBuckets = {
  /** Takes one from the bucket of `key`; returns the seconds to wait when it is empty, else 0. */
  take(key: string | number, rate: Rate): number;
  /** What `take` would return now, taking nothing. */
  wait(key: string | number, rate: Rate): number;
};

/** A token bucket for each key, by the clock that goes on evenly when the machine's time is set. */
export function createTokenBuckets(clock: Clock): TokenBuckets {
  const buckets = new Map<string | number, { tokens: number; at: number }>();
  const tokensOf = (key: string | number, { burst, perSecond }: Rate, now: number): number => {
    const last = buckets.get(key);
    return last ? Math.min(burst, last.tokens + ((now - last.at) / 1000) * perSecond) : burst;
  };
  return {
    take(key, rate) {
      const now = clock.elapsed();
      const tokens = tokensOf(key, rate, now);
      const wait = secondsUntilOne(tokens, rate);
      buckets.delete(key);
      buckets.set(key, { tokens: wait > 0 ? tokens : tokens - 1, at: now });
      for (const oldest of buckets.keys()) {
        if (buckets.size <= mostKeys) break;
        buckets.delete(oldest);
      }
      return wait;
    },
    wait: (key, rate) => secondsUntilOne(tokensOf(key, rate, clock.elapsed()), rate),
  };
}

function secondsUntilOne(tokens: number, { perSecond }: Rate): number {
  return tokens >= 1 ? 0 : Math.max(1, Math.ceil((1 - tokens) / perSecond));
}

export type RateLimit = {
  /** Throws `too_many` with the seconds to wait. */
  take(key: string): void;
};

/** Buckets that all have the same rate. */
export function createRateLimit(clock: Clock, { message, ...rate }: Rate & { message: string }): RateLimit {
  const buckets = createTokenBuckets(clock);
  return {
    take(key) {
      const retryAfterSeconds = buckets.take(key, rate);
      if (retryAfterSeconds > 0) throw new AppError('too_many', message, { retryAfterSeconds });
    },
  };
}
