import type { Clock } from '../platform/clock.ts';

export type Deadline = {
  hasPassed(): boolean;
  /** Must be called when what it was for has ended. */
  end(): void;
};

/** Deadlines that are all equally long, so that the first begun ends first: one sleep serves any number of them. */
export function createDeadlines(
  clock: Clock,
  timeoutMs: number,
): { begin(onPassed: () => void): Deadline; stop(): void } {
  const open = new Set<{ at: number; passed: boolean; onPassed: () => void }>();
  const stopping = new AbortController();
  let isWatching = false;

  const watch = async () => {
    isWatching = true;
    for (;;) {
      const [first] = open;
      if (!first || stopping.signal.aborted) break;
      await clock.sleep(first.at - clock.elapsed(), stopping.signal);
      const now = clock.elapsed();
      for (const one of open) {
        if (one.at > now) break;
        one.passed = true;
        open.delete(one);
        one.onPassed();
      }
    }
    isWatching = false;
  };

  return {
    begin(onPassed) {
      const one = { at: clock.elapsed() + timeoutMs, passed: false, onPassed };
      open.add(one);
      if (!isWatching) void watch();
      return { hasPassed: () => one.passed, end: () => void open.delete(one) };
    },
    stop: () => stopping.abort(),
  };
}
