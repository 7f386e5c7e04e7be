import { Worker } from 'node:worker_threads';

/** How often the log is carried over into the database file. */
const everyMs = 500;
/** Above this many pages (of 4 KiB) readers and writers are made to wait for a moment, so that the log starts anew. */
const mostPages = 32_768;

/** Checkpoints the SQLite file from a thread with a connection of its own. `stop` ends after a last checkpoint. */
export function startCheckpointer(
  file: string,
  onFault: (message: string) => void,
): { stop(): Promise<void> } {
  const worker = new Worker(new URL('./sqlite-checkpoint-thread.mjs', import.meta.url), {
    workerData: { file, everyMs, mostPages },
    env: {},
  });
  worker.on('message', onFault);
  worker.on('error', (error) => onFault(String(error)));
  worker.unref();
  return {
    async stop() {
      if (worker.threadId < 0) return;
      const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
      worker.ref();
      worker.postMessage('stop');
      await ended;
    },
  };
}
