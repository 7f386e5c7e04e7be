import { AppError } from '../errors.ts';

/** More than this waiting is answered 503 at once: the sender retries, and memory stays bounded. */
const mostWaiting = 10_000;
const mostWaitingBytes = 256 * 1024 * 1024;
const mostInBatch = 128;
const mostBytesInBatch = 4 * 1024 * 1024;

/**
 * Lets items that arrive in the same turn of the event loop share one transaction, and so one fsync; an item that
 * comes alone waits for nothing. `commit` stores a batch and returns one result per item, in order. When a batch
 * fails, its items are committed one by one, so that one bad item cannot take others with it.
 */
export function createGroupCommit<Item, Result>(
  commit: (items: Item[]) => Promise<Result[]>,
  options: {
    concurrency: number;
    /** What an item weighs in bytes; nothing, if left out. */
    bytesOf?: (item: Item) => number;
  },
): (item: Item) => Promise<Result> {
  const bytesOf = options.bytesOf ?? (() => 0);
  type Waiting = { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void };
  let waiting: Waiting[] = [];
  let waitingBytes = 0;
  let running = 0;
  let scheduled = false;

  const schedule = () => {
    if (scheduled || running >= options.concurrency || waiting.length === 0) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      const batch = takeBatch();
      running++;
      void settle(batch).finally(() => {
        running--;
        schedule();
      });
      schedule();
    });
  };

  /** At least one, however heavy. */
  const takeBatch = (): Waiting[] => {
    let bytes = 0;
    let count = 0;
    while (count < waiting.length && count < mostInBatch) {
      bytes += bytesOf(waiting[count]!.item);
      if (count > 0 && bytes > mostBytesInBatch) break;
      count++;
    }
    const batch = waiting.slice(0, count);
    waiting = waiting.slice(count);
    for (const { item } of batch) waitingBytes -= bytesOf(item);
    return batch;
  };

  const settle = async (batch: Waiting[]) => {
    try {
      const results = await commit(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, index) => resolve(results[index]!));
    } catch (error) {
      // An AppError is an answer for all of them; anything else may be the fault of one.
      if (batch.length === 1 || error instanceof AppError)
        return batch.forEach(({ reject }) => reject(error));
      for (const one of batch) await settle([one]);
    }
  };

  return (item) =>
    new Promise((resolve, reject) => {
      if (waiting.length >= mostWaiting || waitingBytes >= mostWaitingBytes) {
        reject(
          new AppError(
            'unavailable',
            'Too many requests wait to be stored. Nothing was kept; send it again.',
            {
              retryAfterSeconds: 5,
            },
          ),
        );
        return;
      }
      waitingBytes += bytesOf(item);
      waiting.push({ item, resolve, reject });
      schedule();
    });
}
