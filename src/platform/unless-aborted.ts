/** Waits for `promise`, or until `signal` aborts, which resolves with null; listens to the signal no longer than that. */
export async function unlessAborted<Result>(
  promise: Promise<Result>,
  signal: AbortSignal,
): Promise<Result | null> {
  if (signal.aborted) return null;
  const { promise: aborted, resolve } = Promise.withResolvers<null>();
  const stop = () => resolve(null);
  signal.addEventListener('abort', stop, { once: true });
  return await Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', stop));
}
