import { setImmediate } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Bus, Topic } from './bus.ts';
import type { Clock } from './clock.ts';

const wakeUp = new Error('woken');

/** How long a loop that failed waits before it looks again. */
const afterFailureMs = 1000;

export type WorkerLoop = {
  /** Has it look again at once, as a signal on its topic does. */
  wake(): void;
  stop(): Promise<void>;
};

/**
 * Runs `turn` when the topic is published, when the time it returned has come, and at least every `pollMs`
 * (which finds what a lost signal missed). `turn` returns `'again'` when there may be more to do at once, else
 * the time in ms since 1970 at which it next wants to look, or null. It must be safe to repeat at any point.
 */
export function startWorkerLoop(options: {
  name: string;
  topic: Topic;
  pollMs: number;
  bus: Bus;
  clock: Clock;
  log: Logger;
  turn: (signal: AbortSignal) => Promise<'again' | number | null>;
}): WorkerLoop {
  const { clock, log } = options;
  const stopping = new AbortController();
  let woken = false;
  let wake = new AbortController();
  let isAsleep = false;
  const lookAgain = () => {
    woken = true;
    // Without a reason given, each abort would make an error with its stack.
    if (isAsleep) wake.abort(wakeUp);
  };
  const unsubscribe = options.bus.subscribe(options.topic, lookAgain);

  const running = (async () => {
    while (!stopping.signal.aborted) {
      woken = false;
      let next: 'again' | number | null;
      try {
        next = await options.turn(stopping.signal);
      } catch (error) {
        log.error({ err: error, loop: options.name }, 'worker loop failed; looking again shortly');
        next = clock.now() + afterFailureMs;
      }
      if (next === 'again' || woken || stopping.signal.aborted) {
        // With SQLite a turn is all microtasks: timers, signals and requests must come in between.
        await setImmediate();
        continue;
      }
      wake = new AbortController();
      const untilNext = next === null ? options.pollMs : Math.max(0, next - clock.now());
      isAsleep = true;
      await clock.sleep(Math.min(options.pollMs, untilNext), wake.signal);
      isAsleep = false;
    }
  })();

  return {
    wake: lookAgain,
    async stop() {
      stopping.abort();
      wake.abort(wakeUp);
      unsubscribe();
      await running;
    },
  };
}
