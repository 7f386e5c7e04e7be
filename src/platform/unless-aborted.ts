/** Waits for `promise`, or until `signal` aborts, which resolves with null; listens to the signal no longer than that. */
export async function unlessAborted<Result>(
  promise: Promise<Result>,
  signal: AbortSignal,
): Promise<Result | null> {
  if (signal.aborted) return null;
  const done = new AbortController();
  const aborted = new Promise<null>((resolve) => {
    signal.addEventListener('abort', () => resolve(null), { once: true, signal: done.signal });
  });
  return await Promise.race([promise, aborted]).finally(() => done.abort());
}
