import type { Clock } from './clock.ts';
import { AppError } from './errors.ts';

/** Above this many keys those that have not been seen longest are forgotten. */
const mostKeys = 10_000;

export type RateLimit = {
  /** Throws `too_many` with the seconds to wait. */
  take(key: string): void;
};

/** A token bucket for each key: `burst` at once, and `perSecond` after that. */
export function createRateLimit(
  clock: Clock,
  { burst, perSecond, message }: { burst: number; perSecond: number; message: string },
): RateLimit {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return {
    take(key) {
      const now = clock.now();
      const last = buckets.get(key) ?? { tokens: burst, at: now };
      const tokens = Math.min(burst, last.tokens + ((now - last.at) / 1000) * perSecond);
      buckets.delete(key);
      if (tokens < 1) {
        buckets.set(key, { tokens, at: now });
        const retryAfterSeconds = Math.max(1, Math.ceil((1 - tokens) / perSecond));
        throw new AppError('too_many', message, { retryAfterSeconds });
      }
      buckets.set(key, { tokens: tokens - 1, at: now });
      for (const oldest of buckets.keys()) {
        if (buckets.size <= mostKeys) break;
        buckets.delete(oldest);
      }
    },
  };
}
