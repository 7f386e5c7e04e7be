import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from './api-client.ts';
import { killWithUs } from './watchdog.ts';

/* A shell into which somebody copies the blocks of a document, one after another. */

export type BlockRun = { stdout: string; stderr: string };

export type DocumentShell = {
  /** Where the reader is: what a document writes lies here. */
  folder: string;
  /**
   * Runs a block to its end; what it sets is there for the next. Throws with all that it printed when a command of it fails
   * that should not, or `curl` is answered 4xx or 5xx.
   */
  run(block: { at: string; script: string; status?: number | null; exit?: number }): Promise<BlockRun>;
  /** Starts a block that goes on; `printed` settles once it has printed something that `matches` takes. */
  start(block: { at: string; script: string }): Promise<{
    printed(matches: (text: string) => boolean): Promise<void>;
  }>;
  /** Ends the shell and what goes on in it. */
  stop(): Promise<void>;
};

const repository = join(import.meta.dirname, '..', '..');

/** `PATH` has `hookline`, `npx hookline` and the Node of the project, and nothing of the reader's own set-up is read. */
export async function openDocumentShell(options: {
  folder: string;
  env: Record<string, string>;
}): Promise<DocumentShell> {
  const { folder } = options;
  const tools = join(folder, '.tools');
  const own = join(folder, '.home');
  await mkdir(tools, { recursive: true });
  await mkdir(own, { recursive: true });
  const node = process.execPath;
  const main = join(repository, 'src', 'main.mjs');
  await writeProgram(join(tools, 'hookline'), `exec "${node}" "${main}" "$@"`);
  await writeProgram(join(tools, 'npx'), `[ "$1" = hookline ] || exit 127; shift; exec hookline "$@"`);
  await writeProgram(join(tools, 'node'), `exec "${node}" "$@"`);
  const hasCurl = (process.env['PATH'] ?? '').split(':').some((place) => existsSync(join(place, 'curl')));
  if (!hasCurl)
    await writeProgram(
      join(tools, 'curl'),
      `exec "${node}" "${join(repository, 'test/support/curl.mjs')}" "$@"`,
    );

  const shell = spawn('bash', ['--noprofile', '--norc', '-s'], {
    cwd: folder,
    env: {
      PATH: `${tools}:${process.env['PATH']}`,
      HOME: own,
      LANG: 'C.UTF-8',
      EDITOR: 'true',
      ...options.env,
    },
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const { stdin, stderr, pid } = shell;
  if (!stdin || !stderr || pid === undefined) throw new Error('there is no bash');
  const forget = killWithUs(pid);
  let complaints = '';
  stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const exited = once(shell, 'exit').then(([code]) => code as number | null);
  // Safe: the fourth of `stdio` is a pipe.
  const signs = createInterface({ input: shell.stdio[3] as Readable })[Symbol.asyncIterator]();
  const say = (line: string) => stdin.write(`${line}\n`);
  let count = 0;

  say('set -eo pipefail');
  say(`curl() {
    local status="${folder}/.status" mine="${folder}/.status.$BASHPID" result=0
    command curl --max-time 60 -w "%{stderr}\\n%{http_code}" "$@" 2>"$mine" || result=$?
    tail -n 1 "$mine" >"$status"
    sed '$d' "$mine" >&2
    rm "$mine"
    [ $result -eq 0 ] || return $result
    case $(cat "$status") in "\${_expected:-none}") return 0 ;; [45]??) echo "curl was answered $(cat "$status")" >&2; return 22 ;; esac
  }`);

  async function write(script: string): Promise<string> {
    const path = join(folder, `.block-${++count}`);
    await writeFile(path, script);
    return path;
  }
  const read = async (path: string): Promise<BlockRun> => ({
    stdout: await readFile(`${path}.out`, 'utf8').catch(() => ''),
    stderr: await readFile(`${path}.err`, 'utf8').catch(() => ''),
  });
  const told = (at: string, what: string, { stdout, stderr }: BlockRun) =>
    new Error(`${at}: ${what}\n${stdout}${stderr}${complaints}`);

  return {
    folder,
    async run({ at, script, status = null, exit = 0 }) {
      const path = await write(script);
      say(`_expected=${status ?? 'none'}`);
      if (exit !== 0) say('set +e');
      say(`. '${path}' </dev/null >'${path}.out' 2>'${path}.err'`);
      say('echo "$?" >&3');
      if (exit !== 0) say('set -e');
      const sign = await Promise.race([signs.next(), exited]);
      const run = await read(path);
      if (typeof sign !== 'object' || sign === null || sign.done === true) {
        const code = typeof sign === 'number' ? sign : await exited;
        throw told(at, `ended with ${code}`, run);
      }
      if (Number(sign.value) !== exit) throw told(at, `ended with ${sign.value}, not with ${exit}`, run);
      if (status !== null) {
        const last = (await readFile(join(folder, '.status'), 'utf8').catch(() => '')).trim();
        if (last !== String(status)) throw told(at, `curl was answered ${last}, not ${status}`, run);
      }
      return run;
    },
    async start({ at, script }) {
      const path = await write(script);
      say(`{ . '${path}'; } </dev/null >'${path}.out' 2>'${path}.err' &`);
      return {
        printed: async (matches) => {
          const seen = async () => matches((await read(path)).stdout);
          await until(seen, `what ${at} prints`).catch(async (error: unknown) => {
            throw told(at, String(error), await read(path));
          });
        },
      };
    },
    async stop() {
      // What goes on in the background is of its group.
      const end = (signal: NodeJS.Signals) => {
        try {
          process.kill(-pid, signal);
        } catch {
          // All of it has ended meanwhile.
        }
      };
      stdin.end();
      await Promise.race([exited, delay(1000, undefined, { ref: false })]);
      end('SIGTERM');
      const timer = setTimeout(() => end('SIGKILL'), 5_000);
      await exited;
      clearTimeout(timer);
      end('SIGKILL');
      forget();
    },
  };
}

async function writeProgram(path: string, script: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}
