import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { killWithUs } from './watchdog.ts';

const REPOSITORY = join(import.meta.dirname, '..', '..');

export type CommandEnd = { code: number | null; signal: NodeJS.Signals | null; output: string };

export type Command = { kill9(): void; ended: Promise<CommandEnd> };

/** Starts a command of the real program, e.g. `['secrets', 'status']`, with nothing but `env`, PATH and HOME. */
export function startCommand(env: Record<string, string>, args: readonly string[]): Command {
  const child = spawn(process.execPath, ['src/main.mjs', ...args], {
    cwd: REPOSITORY,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const keepAlive = child.pid === undefined ? () => undefined : killWithUs(child.pid);
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    .then(([stdout, stderr, [code, signal]]) => ({ code, signal, output: stdout + stderr }))
    .finally(keepAlive);
  return { kill9: () => void child.kill('SIGKILL'), ended };
}

/** The same, to its end. */
export async function runCommand(env: Record<string, string>, args: readonly string[]): Promise<CommandEnd> {
  return await startCommand(env, args).ended;
}
