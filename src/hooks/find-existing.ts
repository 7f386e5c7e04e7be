import { compileByCount } from '../platform/database/compiled-query.ts';
import type { Db } from '../platform/database/connect.ts';
import { AppError } from '../platform/errors.ts';

const mostInQuery = 128;
const mostWaiting = 10_000;

const findUuids = compileByCount<{ uuid: string }, { uuid: string }>(['uuid'], (db, rows) =>
  db
    .selectFrom('hooks')
    .select('uuid')
    .where(
      'uuid',
      'in',
      rows.map(({ uuid }) => uuid),
    ),
);

/**
 * Whether there is a hook of this id. Anyone can ask for ids without end: all that are asked for while one query is under
 * way share the next one. Throws `unavailable` when too many wait.
 */
export function createExistence(db: Db): (uuid: string) => Promise<boolean> {
  let waiting = new Map<string, PromiseWithResolvers<boolean>>();
  let isAsking = false;

  const ask = async () => {
    isAsking = true;
    // What is asked for in this turn of the event loop comes along.
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.size > 0) {
      const batch = [...waiting].slice(0, mostInQuery);
      for (const [uuid] of batch) waiting.delete(uuid);
      try {
        const found = await findUuids(db, padded(batch.map(([uuid]) => uuid)));
        const uuids = new Set(found.map(({ uuid }) => uuid));
        for (const [uuid, { resolve }] of batch) resolve(uuids.has(uuid));
      } catch (error) {
        for (const [, { reject }] of batch) reject(error);
      }
    }
    isAsking = false;
  };

  return async (uuid) => {
    let one = waiting.get(uuid);
    if (!one) {
      if (waiting.size >= mostWaiting)
        throw new AppError('unavailable', 'Too many unknown addresses are asked for. Send it again.', {
          retryAfterSeconds: 5,
        });
      one = Promise.withResolvers();
      waiting.set(uuid, one);
      if (!isAsking) void ask();
    }
    return await one.promise;
  };
}

/** To the next power of two, so that there are few texts of the query to keep. */
function padded(uuids: string[]): { uuid: string }[] {
  const size = 2 ** Math.ceil(Math.log2(uuids.length));
  return Array.from({ length: size }, (_, index) => ({ uuid: uuids[Math.min(index, uuids.length - 1)]! }));
}
