import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { CliFault } from '../../src/cli/client/fault.ts';
import type { Io } from '../../src/cli/client/io.ts';
import { runProgram } from '../../src/cli/program.ts';

export type CliEnd = {
  code: number;
  stdout: string;
  stderr: string;
  /** Of standard output. */
  json<T = unknown>(): T;
};

type RunOptions = {
  /** What stands on standard input. */
  input?: string;
  /** What the person answers, question by question; without them there is no terminal to ask on. */
  answers?: string[];
  /** A terminal of this many columns. */
  columns?: number;
  env?: Record<string, string>;
  signal?: AbortSignal;
  now?: () => number;
  /** Called before a question is answered. */
  onAsk?: () => Promise<unknown>;
  /** Sees standard output as it comes. */
  onOutput?: (stdout: string) => void;
  /** The same of standard error. */
  onErrors?: (stderr: string) => void;
  /** What the person types while the command goes on. */
  typed?: AsyncIterable<string>;
};

export type Cli = {
  /** Where its profiles are: `XDG_CONFIG_HOME`. */
  folder: string;
  env: Record<string, string>;
  /** Runs the program in this process: `run(['apps', 'list'])`. */
  run(words: string[], options?: RunOptions): Promise<CliEnd>;
  /** The same, which throws with all that was said unless it ends with 0. */
  succeed(words: string[], options?: RunOptions): Promise<CliEnd>;
};

/** The command line with a home of its own, which goes away with the test. `env` is what it finds set. */
export function openCli(t: Pick<TestContext, 'after'>, env: Record<string, string> = {}): Cli {
  const folder = mkdtempSync(join(tmpdir(), 'hookline-cli-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const own = { PATH: process.env['PATH'] ?? '', HOME: folder, XDG_CONFIG_HOME: folder, ...env };
  const run: Cli['run'] = async (words, options = {}) => {
    let stdout = '';
    let stderr = '';
    const answers = options.answers ? [...options.answers] : null;
    const io: Io = {
      env: { ...own, ...options.env },
      stdout: (text) => {
        stdout += text;
        options.onOutput?.(stdout);
      },
      stderr: (text) => {
        stderr += text;
        options.onErrors?.(stderr);
      },
      isTerminal: options.columns !== undefined,
      isErrorTerminal: options.columns !== undefined,
      columns: () => options.columns ?? 80,
      now: options.now ?? Date.now,
      ask: async (question) => {
        stderr += question;
        await options.onAsk?.();
        const answer = answers?.shift();
        if (answer === undefined)
          throw new CliFault(`There is no terminal to ask on: "${question}"`, 'usage');
        return answer;
      },
      typed: options.typed && (() => options.typed!),
      readInput: async () => options.input ?? '',
      signal: options.signal ?? new AbortController().signal,
    };
    const code = await runProgram(words, io);
    // The one cast: a test says what it expects, and its assertions are the check.
    return { code, stdout, stderr, json: <T>() => JSON.parse(stdout) as T };
  };
  return {
    folder,
    env: own,
    run,
    succeed: async (words, options) => {
      const end = await run(words, options);
      if (end.code !== 0)
        throw new Error(`hookline ${words.join(' ')} ended with ${end.code}:\n${end.stdout}${end.stderr}`);
      return end;
    },
  };
}

/** A world in which nobody listens, to look at the commands themselves. */
export function silentIo(): Io {
  return {
    env: {},
    stdout: () => undefined,
    stderr: () => undefined,
    isTerminal: false,
    isErrorTerminal: false,
    columns: () => 200,
    now: Date.now,
    ask: async () => '',
    readInput: async () => '',
    signal: new AbortController().signal,
  };
}
