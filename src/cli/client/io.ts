import { stripVTControlCharacters } from 'node:util';
import { CliFault } from './fault.ts';

/** What a command has of the world around it; a test gives its own. */
export type Io = {
  env: Record<string, string | undefined>;
  stdout: (text: string) => void;
  stderr: (text: string) => void;
  /** Whether a person sees what is written there. */
  isTerminal: boolean;
  isErrorTerminal: boolean;
  /** Of the terminal, in characters. */
  columns: () => number;
  now: () => number;
  /** Asks the person. Throws a CliFault where there is none. */
  ask: (question: string, options?: { hidden?: boolean }) => Promise<string>;
  /** The lines that a person types while the command goes on; not there without a terminal. */
  typed?: ((signal: AbortSignal) => AsyncIterable<string>) | undefined;
  /** Everything on standard input. */
  readInput: () => Promise<string>;
  /** Aborted by ctrl-C. */
  signal: AbortSignal;
};

/** The world of a real process. Ctrl-C is only listened to once a command has looked at `signal`. */
export function processIo(): Io {
  let controller: AbortController | null = null;
  let isGuarded = false;
  const write = (stream: NodeJS.WriteStream, text: string) => {
    if (!isGuarded) endWithReader(() => controller);
    isGuarded = true;
    stream.write(text);
  };
  const io: Io = {
    env: process.env,
    stdout: (text) => write(process.stdout, text),
    stderr: (text) => write(process.stderr, text),
    isTerminal: process.stdout.isTTY,
    isErrorTerminal: process.stderr.isTTY,
    columns: () => process.stdout.columns || 80,
    now: () => Date.now(),
    ask: (question, options) => askOnTerminal(question, options?.hidden ?? false, io.signal),
    typed: process.stdin.isTTY && process.stderr.isTTY ? typedLines : undefined,
    readInput: async () => {
      const { text } = await import('node:stream/consumers');
      return await text(process.stdin);
    },
    get signal() {
      return (controller ??= listenForInterrupts()).signal;
    },
  };
  return io;
}

function listenForInterrupts(): AbortController {
  const controller = new AbortController();
  const interrupt = () => {
    // The second one does not wait for anything.
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt).on('SIGHUP', interrupt);
  return controller;
}

/** `hookline … | head`, or a terminal that was closed: who reads has had enough. What a command has to put in order, it may. */
function endWithReader(running: () => AbortController | null): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
      const controller = running();
      if (!controller) process.exit(0);
      if (controller.signal.aborted) return;
      controller.abort();
      process.once('exit', () => (process.exitCode = 0));
      setTimeout(() => process.exit(0), tidyMs).unref();
    });
}

/** How long a command has to put things in order that nobody reads any more. */
const tidyMs = 3000;

async function askOnTerminal(question: string, hidden: boolean, signal: AbortSignal): Promise<string> {
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new CliFault(
      `There is no terminal to ask on: "${stripVTControlCharacters(question).trim()}"`,
      'usage',
    );
  const { createInterface } = await import('node:readline/promises');
  const { Writable } = await import('node:stream');
  let silent = false;
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (!silent) process.stderr.write(chunk);
      done();
    },
  });
  const reader = createInterface({ input: process.stdin, output, terminal: true });
  const { promise: ended, reject } = Promise.withResolvers<never>();
  let isAnswered = false;
  reader.on('close', () => reject(new CliFault('Interrupted.', 'interrupted')));
  // In raw mode ctrl-C is a key like others.
  reader.on('SIGINT', () => reader.close());
  try {
    const answer = reader.question(question, { signal });
    silent = hidden;
    const text = await Promise.race([answer, ended]);
    isAnswered = true;
    return text;
  } finally {
    reader.close();
    if (hidden || !isAnswered) process.stderr.write('\n');
  }
}

async function* typedLines(signal: AbortSignal): AsyncGenerator<string, void, undefined> {
  const { createInterface } = await import('node:readline');
  const reader = createInterface({ input: process.stdin });
  signal.addEventListener('abort', () => reader.close(), { once: true });
  try {
    if (!signal.aborted) yield* reader;
  } finally {
    reader.close();
    process.stdin.unref();
  }
}

/** Text of a stranger without what a terminal would take as a command; on one line. */
export function plain(text: string): string {
  return (
    stripVTControlCharacters(text)
      .replace(/[\t\n\r\u2028\u2029]+/g, ' ')
      // eslint-disable-next-line no-control-regex
      .replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '')
  );
}
