import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { createApiClient, login } from './api-client.ts';
import type { ApiClient } from './api-client.ts';
import { createTestDatabase } from './database.ts';
import type { TestDatabase } from './database.ts';
import { killWithUs } from './watchdog.ts';

const REPOSITORY = join(import.meta.dirname, '..', '..');
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;

const DEFAULT_ENV = {
  PORT: '0',
  HOOKLINE_HOST: '127.0.0.1',
  HOOKLINE_ADMIN_EMAIL: 'admin@example.com',
  HOOKLINE_ADMIN_PASSWORD: 'correct-horse-battery',
  HOOKLINE_EGRESS_ALLOW: '127.0.0.0/8,::1/128',
  HOOKLINE_LOG_LEVEL: 'warn',
  // A test that stops a server does not wait for what it runs, unless it is about that.
  HOOKLINE_DRAIN_SECONDS: '0',
};

export type ServerOptions = {
  /** Stays the caller's to drop. Without it the server gets a fresh sqlite, which `stop` drops. */
  database?: TestDatabase;
  /** Wins over the defaults and the database's. Nothing but PATH and HOME comes from this process. */
  env?: Record<string, string>;
  /** Aborting kills the server with SIGKILL, while it starts or later. */
  signal?: AbortSignal;
  /** The script to run instead of src/main.mjs; relative to the repository. */
  program?: string;
};

export type TestServer = {
  /** `http://host:port`, without a slash at the end. */
  url: string;
  pid: number;
  /** Everything written so far to standard output and standard error. */
  output(): string;
  /** Settles once the process has ended and its output has been read. */
  exited: Promise<ServerExit>;
  /** SIGTERM, and SIGKILL after 10 s. Safe to call twice, and after `kill9`. */
  stop(): Promise<void>;
  /** SIGKILL, as a power cut would; the database stays, also one of its own, until `stop`. */
  kill9(): Promise<void>;
  /** A client with a fresh access token of the administrator. */
  login(): Promise<ApiClient>;
};

export type ServerExit = { code: number | null; signal: NodeJS.Signals | null };

/**
 * Runs the real program, `src/main.mjs serve`, and returns once it listens. Throws with all of its output
 * when it ends before, or has not said where it listens within 60 s. It dies with this process.
 */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const database = options.database ?? (await createTestDatabase('sqlite'));
  const dropOwn = async () => (options.database ? undefined : database.drop());
  const env = { ...DEFAULT_ENV, ...database.env, ...options.env };
  try {
    const { child, url, exited, output } = await launch(options, env);
    const end = async (signal: NodeJS.Signals) => {
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(timer);
    };
    return {
      url,
      pid: child.pid,
      output,
      exited,
      stop: async () => {
        await end('SIGTERM');
        await dropOwn();
      },
      kill9: () => end('SIGKILL'),
      login: async () => {
        const tokens = await login(url, env.HOOKLINE_ADMIN_EMAIL, env.HOOKLINE_ADMIN_PASSWORD);
        return createApiClient(url, tokens.access_token);
      },
    };
  } catch (error) {
    await dropOwn();
    throw error;
  }
}

type ServerProcess = ChildProcessByStdio<null, Readable, Readable> & { pid: number };
type Launched = { child: ServerProcess; url: string; exited: Promise<ServerExit>; output(): string };

async function launch(options: ServerOptions, env: Record<string, string>): Promise<Launched> {
  options.signal?.throwIfAborted();
  const child = spawn(process.execPath, [options.program ?? 'src/main.mjs', 'serve'], {
    cwd: REPOSITORY,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (!hasPid(child)) throw (await once(child, 'error'))[0];
  const keepAlive = killWithUs(child.pid);
  const kill = () => child.kill('SIGKILL');
  options.signal?.addEventListener('abort', kill, { once: true });

  let output = '';
  let stdout = '';
  const listening = Promise.withResolvers<string>();
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    stdout += text;
    // The space after it: a chunk may end in the middle of the port.
    const url = /listening on (http:\/\/\S+)\s/.exec(stdout)?.[1];
    if (url) listening.resolve(url.replace(/\/$/, ''));
  });
  const exited = untilEnded(child).finally(() => {
    keepAlive();
    options.signal?.removeEventListener('abort', kill);
  });

  const timer = setTimeout(kill, START_TIMEOUT_MS);
  const first = await Promise.race([listening.promise, exited]);
  clearTimeout(timer);
  if (typeof first === 'string') return { child, url: first, exited, output: () => output };
  options.signal?.throwIfAborted();
  throw new Error(`the server ended (${first.code ?? first.signal}) before it listened:\n${output}`);
}

function hasPid(child: ChildProcessByStdio<null, Readable, Readable>): child is ServerProcess {
  return child.pid !== undefined;
}

async function untilEnded(child: ServerProcess): Promise<ServerExit> {
  const closed = once(child, 'close');
  const [code, signal] = (await once(child, 'exit')) as [ServerExit['code'], ServerExit['signal']];
  // A killed server's own children may hold its output open: give what is on the way a moment, no more.
  const timer = setTimeout(() => {
    child.stdout.destroy();
    child.stderr.destroy();
  }, 500);
  await closed;
  clearTimeout(timer);
  return { code, signal };
}

/**
 * For a server whose program is TypeScript: where a test run keeps what it has stripped of its types. One that is killed
 * writes nothing there, so it must not have a folder of its own.
 */
export const compiledFolder = process.env.NODE_COMPILE_CACHE ?? join(tmpdir(), 'hookline-test-compiled');
