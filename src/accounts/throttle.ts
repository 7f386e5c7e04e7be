import type { Clock } from '../platform/clock.ts';
import { AppError } from '../platform/errors.ts';

const failuresAllowed = 10;
const windowMs = 15 * 60_000;
/** Above this many keys the oldest are forgotten: memory stays bounded under an attack from many addresses. */
const mostKeys = 50_000;

/** Counts sign-ins per address and per account; those that succeed are taken off again. */
export type Throttle = {
  /** Counts an attempt. Throws `too_many` with the seconds to wait when one of the keys has failed too often. */
  begin(keys: string[]): void;
  /** What was counted was no guess; an account that was reached is forgiven its earlier failures. */
  succeeded(keys: string[]): void;
};

export function createThrottle(clock: Clock): Throttle {
  const attempts = new Map<string, { count: number; until: number }>();
  const live = (key: string) => {
    const entry = attempts.get(key);
    return entry && entry.until > clock.now() ? entry : { count: 0, until: clock.now() + windowMs };
  };
  return {
    begin(keys) {
      for (const key of keys) {
        const { count, until } = live(key);
        if (count < failuresAllowed) continue;
        throw new AppError('too_many', 'Too many failed attempts to sign in. Wait before the next one.', {
          retryAfterSeconds: Math.ceil((until - clock.now()) / 1000),
        });
      }
      // Counted before the password is checked: guesses sent all at once must not all pass.
      for (const key of keys) {
        const { count, until } = live(key);
        attempts.delete(key);
        attempts.set(key, { count: count + 1, until });
      }
      for (const key of attempts.keys()) {
        if (attempts.size <= mostKeys) break;
        attempts.delete(key);
      }
    },
    succeeded(keys) {
      for (const key of keys) {
        const entry = attempts.get(key);
        if (key.startsWith('account ') || !entry || entry.count <= 1) attempts.delete(key);
        else attempts.set(key, { ...entry, count: entry.count - 1 });
      }
    },
  };
}
