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
      const done = new AbortController();
      const aborted = new Promise<null>((resolve) => {
        if (signal.aborted) return resolve(null);
        signal.addEventListener('abort', () => resolve(null), { once: true, signal: done.signal });
      });
      return await Promise.race([open.promise, aborted]).finally(() => done.abort());
    },
    leave(reason) {
      if (reason === null) arrived();
      else open.resolve(reason);
    },
  };
}
