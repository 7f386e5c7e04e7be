import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../src/platform/clock.ts';

/**
 * A clock that stands still until it is moved. What the program does on its own (queries, requests, shells) takes
 * real time meanwhile, which this clock does not see: wait for what a move is to cause before the next move.
 */
export type FakeClock = Clock & {
  /** Moves through every sleep that ends within `ms`, in order; each sleeper may act before the next one wakes. */
  advance(ms: number): Promise<void>;
  /** Moves at once, as a machine that was suspended does, and then wakes each sleeper that is late, once. */
  jump(ms: number): Promise<void>;
  /** How often somebody has gone to sleep so far. */
  sleeps(): number;
};

type Sleeper = { until: number; wake: () => void };

/** Real time given to whoever was woken until he sleeps again; most need far less, some never sleep again. */
const MOST_MS = 50;

export function createFakeClock(startAt: number = Date.UTC(2026, 0, 5, 9)): FakeClock {
  let now = startAt;
  let sleeps = 0;
  const sleepers = new Set<Sleeper>();

  const next = (target: number): Sleeper | undefined =>
    [...sleepers].filter(({ until }) => until <= target).sort((one, other) => one.until - other.until)[0];

  const wake = async (sleeper: Sleeper): Promise<void> => {
    const before = sleeps;
    const deadline = performance.now() + MOST_MS;
    sleeper.wake();
    do await nextTurn();
    while (sleeps === before && performance.now() < deadline);
  };

  return {
    now: () => now,
    elapsed: () => now,
    sleeps: () => sleeps,
    sleep(ms, signal) {
      sleeps++;
      // As with the real clock, who sleeps for no time at all goes on at once: a busy loop stays one.
      if (ms <= 0) return nextTurn();
      return new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const done = (): void => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', done);
          resolve();
        };
        const sleeper = { until: now + ms, wake: done };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', done, { once: true });
      });
    },
    async advance(ms) {
      const target = now + ms;
      for (let sleeper = next(target); sleeper; sleeper = next(target)) {
        now = Math.max(now, sleeper.until);
        await wake(sleeper);
      }
      now = target;
    },
    async jump(ms) {
      now += ms;
      const late = [...sleepers]
        .filter(({ until }) => until <= now)
        .sort((one, other) => one.until - other.until);
      for (const sleeper of late) if (sleepers.has(sleeper)) await wake(sleeper);
    },
  };
}
