import type { Readable } from 'node:stream';
import type { Clock } from '../../platform/clock.ts';

/** How long the output of a step that has ended may stay open without giving anything. */
const heldOpenMs = 1000;
/** And how long it is read on in any case: what is left in a pipe is little. */
const longestReadMs = 10_000;

/** Gives what a step writes as text. `closeHeldOpen` ends that once the step itself has ended. */
export type OutputReader = {
  /** Resolves when all was given; rejects with what `onOutput` rejected with. */
  done: Promise<void>;
  closeHeldOpen(): Promise<void>;
};

export function readOutput(
  stream: Readable,
  onOutput: (text: string) => Promise<void> | void,
  clock: Clock,
): OutputReader {
  let chunks = 0;
  const read = async () => {
    const decoder = new TextDecoder();
    const iterator = stream[Symbol.asyncIterator]();
    for (;;) {
      let next: IteratorResult<Buffer>;
      try {
        next = await iterator.next();
      } catch {
        // Closed under us: by `closeHeldOpen`, or with its connection. What came before has been given.
        break;
      }
      if (next.done) break;
      chunks++;
      await onOutput(decoder.decode(next.value, { stream: true }));
    }
    const rest = decoder.decode();
    if (rest) await onOutput(rest);
  };
  const done = read();
  // Whoever waits for the step sees it; until then it must not count as unhandled.
  done.catch(() => undefined);
  return {
    done,
    closeHeldOpen: () =>
      closeHeldOpen({ stream, done, pieces: () => chunks, close: () => void stream.destroy() }, clock),
  };
}

/**
 * Waits for the end of the output of a step that has ended. Something that cannot be found (it has cleared its
 * environment) may hold it open; that is not waited for, but the output closed. `pieces` is how many have been read.
 */
export async function closeHeldOpen(
  output: { stream: Readable; done: Promise<unknown>; pieces: () => number; close: () => void },
  clock: Clock,
): Promise<void> {
  const { stream, done, pieces, close } = output;
  if (stream.closed || stream.readableEnded) return;
  const closed = new AbortController();
  stream.once('close', () => closed.abort());
  void done.then(
    () => closed.abort(),
    () => closed.abort(),
  );
  const deadline = clock.now() + longestReadMs;
  for (let seen = -1; clock.now() < deadline && (seen !== pieces() || stream.readableLength > 0);) {
    seen = pieces();
    await clock.sleep(heldOpenMs, closed.signal);
    if (closed.signal.aborted) return;
  }
  close();
}
