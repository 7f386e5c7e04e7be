import { unlessAborted } from '../platform/unless-aborted.ts';

/** Lets several parts of a run wait until all of them have come as far. */
export type Barrier = {
  /** Resolves with null once all have arrived; with the reason of the first that left with one; or when aborted. */
  arrive(signal: AbortSignal): Promise<string | null>;
  /** Will not arrive, or not any more: with a reason nobody passes. */
  leave(reason: string | null): void;
};

export function createBarrier(count: number): Barrier {
  let missing = count;
  const open = Promise.withResolvers<string | null>();
  const arrived = () => {
    missing--;
    if (missing <= 0) open.resolve(null);
  };
  return {
    async arrive(signal) {
      arrived();
      return await unlessAborted(open.promise, signal);
    },
    leave(reason) {
      if (reason === null) arrived();
      else open.resolve(reason);
    },
  };
}
