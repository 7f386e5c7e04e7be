import type { Logger } from 'pino';
import type { Clock } from './clock.ts';

/** Does `work` at once and then again and again; a failure is logged and does not end it. */
export function startSchedule(
  options: { name: string; everyMs: number; clock: Clock; log: Logger },
  work: () => Promise<void>,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const running = (async () => {
    while (!stopping.signal.aborted) {
      try {
        await work();
      } catch (error) {
        options.log.error({ err: error }, `${options.name} failed; trying again later`);
      }
      await options.clock.sleep(options.everyMs, stopping.signal);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
