import { AppError } from '../errors.ts';

/** More than this many waiting is answered 503 at once: the sender retries, and memory stays bounded. */
const mostWaiting = 10_000;
const batchSize = 128;

/**
 * Lets items that arrive in the same turn of the event loop share one transaction, and so one fsync; an item that
 * comes alone waits for nothing. `commit` stores a batch and returns one result per item, in order. When a batch
 * fails, its items are committed one by one, so that one bad item cannot take others with it.
 */
export function createGroupCommit<Item, Result>(
  commit: (items: Item[]) => Promise<Result[]>,
  options: { concurrency: number },
): (item: Item) => Promise<Result> {
  type Waiting = { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void };
  let waiting: Waiting[] = [];
  let running = 0;
  let scheduled = false;

  const schedule = () => {
    if (scheduled || running >= options.concurrency || waiting.length === 0) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      const batch = waiting.slice(0, batchSize);
      waiting = waiting.slice(batchSize);
      running++;
      void settle(batch).finally(() => {
        running--;
        schedule();
      });
      schedule();
    });
  };

  const settle = async (batch: Waiting[]) => {
    try {
      const results = await commit(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, index) => resolve(results[index]!));
    } catch (error) {
      if (batch.length === 1) return batch[0]!.reject(error);
      for (const one of batch) await settle([one]);
    }
  };

  return (item) =>
    new Promise((resolve, reject) => {
      if (waiting.length >= mostWaiting) {
        reject(
          new AppError('unavailable', 'Too many requests wait to be stored. Nothing was kept; send it again.', {
            retryAfterSeconds: 5,
          }),
        );
        return;
      }
      waiting.push({ item, resolve, reject });
      schedule();
    });
}
