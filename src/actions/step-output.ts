import { createStreamMasker } from '../platform/mask-secrets.ts';

/** Output beyond this is dropped, with a notice; the script goes on. */
const mostBytes = 10 * 1024 * 1024;
/** One row of the log holds at most this much. */
const rowCharacters = 64 * 1024;
/** When more than this waits to be stored, the script's output is not read on until it is. */
const mostWaitingCharacters = 1024 * 1024;

/** Takes the output of one step as it comes and stores it: masked, capped, the first line at once. */
export type StepOutput = {
  write(text: string): Promise<void>;
  /** Stores the rest. */
  end(): Promise<void>;
};

/** `store` is called with one piece at a time; pieces that arrive meanwhile are joined into the next. */
export function createStepOutput(options: {
  secrets: string[];
  store: (content: string) => Promise<void>;
}): StepOutput {
  const masker = createStreamMasker(options.secrets);
  let waiting = '';
  let storedBytes = 0;
  let capped = false;
  let storing: Promise<void> | null = null;
  let failure: unknown = null;

  const drain = async () => {
    while (waiting !== '') {
      const piece = waiting.slice(0, rowCharacters);
      waiting = waiting.slice(rowCharacters);
      await options.store(piece);
    }
  };
  const flush = (): Promise<void> =>
    (storing ??= drain()
      .catch((error: unknown) => {
        failure = error;
        waiting = '';
      })
      .finally(() => {
        storing = null;
      }));

  const add = (text: string) => {
    if (capped || text === '') return;
    const bytes = Buffer.byteLength(text);
    if (storedBytes + bytes > mostBytes) {
      waiting += Buffer.from(text)
        .subarray(0, mostBytes - storedBytes)
        .toString('utf8');
      waiting += `\n[hookline] output beyond ${mostBytes / 1024 / 1024} MiB is not kept\n`;
      capped = true;
    } else {
      waiting += text;
    }
    storedBytes += bytes;
  };

  return {
    async write(text) {
      if (capped) return;
      // NUL cannot be stored as text in PostgreSQL.
      add(masker.push(text.replaceAll('\0', '\uFFFD')));
      const stored = flush();
      if (waiting.length > mostWaitingCharacters) await stored;
      if (failure) throw failure;
    },
    async end() {
      add(masker.end());
      await flush();
      if (failure) throw failure;
    },
  };
}
