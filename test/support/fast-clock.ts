import { systemClock } from '../../src/platform/clock.ts';
import type { Clock } from '../../src/platform/clock.ts';

/** When it agreed with the real clock, in ms since 1970, and how much faster it runs. */
export type FastTime = { since: number; factor: number };

/** A clock that runs fast, and alike in every process that is given the same numbers: retries then pass quickly. */
export function createFastClock({ since, factor }: FastTime): Clock {
  return {
    now: () => Math.floor(since + (Date.now() - since) * factor),
    elapsed: () => systemClock.elapsed() * factor,
    sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
  };
}
