import type { Clock } from '../platform/clock.ts';
import { AppError } from '../platform/errors.ts';

const failuresAllowed = 10;
const windowMs = 15 * 60_000;
/** Above this many keys the oldest are forgotten: memory stays bounded under an attack from many addresses. */
const mostKeys = 50_000;

/** Counts failed sign-ins per address and per account. */
export type Throttle = {
  /** Throws `too_many` with the seconds to wait when one of the keys has failed too often. */
  check(keys: string[]): void;
  failed(keys: string[]): void;
  succeeded(keys: string[]): void;
};

export function createThrottle(clock: Clock): Throttle {
  const failures = new Map<string, { count: number; until: number }>();
  return {
    check(keys) {
      for (const key of keys) {
        const entry = failures.get(key);
        if (!entry || entry.count < failuresAllowed || entry.until <= clock.now()) continue;
        throw new AppError('too_many', 'Too many failed attempts to sign in. Wait before the next one.', {
          retryAfterSeconds: Math.ceil((entry.until - clock.now()) / 1000),
        });
      }
    },
    failed(keys) {
      for (const key of keys) {
        const entry = failures.get(key);
        const live = entry && entry.until > clock.now() ? entry : { count: 0, until: clock.now() + windowMs };
        failures.delete(key);
        failures.set(key, { count: live.count + 1, until: live.until });
      }
      for (const key of failures.keys()) {
        if (failures.size <= mostKeys) break;
        failures.delete(key);
      }
    },
    succeeded(keys) {
      for (const key of keys) if (key.startsWith('account ')) failures.delete(key);
    },
  };
}
