import type { Clock } from '../platform/clock.ts';

export type Deadline = {
  /** Aborted when the time is over. */
  controller: AbortController;
  hasPassed(): boolean;
  /** Must be called when what it was for has ended. */
  end(): void;
};

/** Deadlines that are all equally long, so that the first begun ends first: one sleep serves any number of them. */
export function createDeadlines(clock: Clock, timeoutMs: number): { begin(): Deadline; stop(): void } {
  const open = new Set<{ at: number; passed: boolean; controller: AbortController }>();
  const stopping = new AbortController();
  let isWatching = false;

  const watch = async () => {
    isWatching = true;
    for (;;) {
      const [first] = open;
      if (!first || stopping.signal.aborted) break;
      await clock.sleep(first.at - clock.now(), stopping.signal);
      const now = clock.now();
      for (const one of open) {
        if (one.at > now) break;
        one.passed = true;
        open.delete(one);
        one.controller.abort();
      }
    }
    isWatching = false;
  };

  return {
    begin() {
      const one = { at: clock.now() + timeoutMs, passed: false, controller: new AbortController() };
      open.add(one);
      if (!isWatching) void watch();
      return { controller: one.controller, hasPassed: () => one.passed, end: () => void open.delete(one) };
    },
    stop: () => stopping.abort(),
  };
}
