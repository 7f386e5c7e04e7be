import type { Clock } from '../platform/clock.ts';
import { createStreamMasker } from '../platform/mask-secrets.ts';

/** Output beyond this is dropped, with a notice; the script goes on. */
const mostBytes = 10 * 1024 * 1024;
/** One row of the log holds at most this much. */
const rowCharacters = 64 * 1024;
/** What comes so soon after the last that was stored is stored together: a transaction costs more than its rows. */
const joinMs = 10;
/** Once there is this much it is not waited for more. */
const joinCharacters = 512 * 1024;
/** When more than this waits to be stored, the script's output is not read on until it is. */
const mostWaitingCharacters = 1024 * 1024;

/** Takes the output of one step as it comes and stores it: masked, capped, the first line at once. */
export type StepOutput = {
  write(text: string): Promise<void>;
  /** Stores the rest. */
  end(): Promise<void>;
};

/** `store` is called with some rows at a time. */
export function createStepOutput(options: {
  secrets: string[];
  clock: Clock;
  store: (rows: string[]) => Promise<void>;
}): StepOutput {
  const { clock, store } = options;
  const masker = createStreamMasker(options.secrets);
  /** The pieces of each row, joined when it is stored: a text that has grown piece by piece is dear to stringify. */
  let waiting: { pieces: string[]; characters: number }[] = [];
  let waitingCharacters = 0;
  let storedBytes = 0;
  let capped = false;
  /** Somebody waits until all is stored. */
  let isAwaited = false;
  let pause = new AbortController();
  let storing: Promise<void> | null = null;
  let failure: unknown = null;

  const isEnough = () => isAwaited || waitingCharacters >= joinCharacters;
  const take = (): string[] => {
    const rows = waiting.map(({ pieces }) => pieces.join(''));
    waiting = [];
    waitingCharacters = 0;
    return rows;
  };
  const drain = async () => {
    try {
      while (waiting.length > 0) {
        await store(take());
        if (isEnough()) continue;
        pause = new AbortController();
        await clock.sleep(joinMs, pause.signal);
      }
    } catch (error) {
      failure = error;
      take();
    }
    // In the same moment in which there was nothing left: what comes now begins anew.
    storing = null;
  };
  const flush = () => {
    if (isEnough()) pause.abort(null);
    if (waiting.length > 0) storing ??= drain();
  };
  const untilStored = async () => {
    isAwaited = true;
    flush();
    await storing;
    isAwaited = false;
  };

  const add = (text: string) => {
    for (const piece of inRows(text)) {
      const last = waiting.at(-1);
      if (last && last.characters + piece.length <= rowCharacters) {
        last.pieces.push(piece);
        last.characters += piece.length;
      } else {
        waiting.push({ pieces: [piece], characters: piece.length });
      }
      waitingCharacters += piece.length;
    }
  };
  const addUpToCap = (text: string) => {
    if (capped || text === '') return;
    const bytes = Buffer.byteLength(text);
    capped = storedBytes + bytes > mostBytes;
    if (capped) {
      add(
        Buffer.from(text)
          .subarray(0, mostBytes - storedBytes)
          .toString('utf8'),
      );
      add(`\n[hookline] output beyond ${mostBytes / 1024 / 1024} MiB is not kept\n`);
    } else {
      add(text);
    }
    storedBytes += bytes;
  };

  return {
    async write(text) {
      if (capped) return;
      // NUL cannot be stored as text in PostgreSQL.
      addUpToCap(masker.push(text.replaceAll('\0', '\uFFFD')));
      flush();
      if (waitingCharacters > mostWaitingCharacters) await untilStored();
      if (failure) throw failure;
    },
    async end() {
      addUpToCap(masker.end());
      await untilStored();
      if (failure) throw failure;
    },
  };
}

function inRows(text: string): string[] {
  const rows: string[] = [];
  for (let from = 0; from < text.length;) {
    let to = Math.min(from + rowCharacters, text.length);
    // Not between the halves of a character.
    if (to < text.length && (text.codePointAt(to - 1) ?? 0) > 0xffff) to--;
    rows.push(text.slice(from, to));
    from = to;
  }
  return rows;
}
