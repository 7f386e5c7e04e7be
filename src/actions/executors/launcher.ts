import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, constants, mkdirSync, mkdtempSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import type { Clock } from '../../platform/clock.ts';
import { lostGraceMs, searchPath } from './executor.ts';
import { isAlive } from './processes.ts';

const run = promisify(execFile);

/** Pipes are made so many at a time. */
const pipesAtOnce = 16;
/** How often it is looked whether what waits for a program is still there. */
const lookMs = 1000;

const sayingWhy = 'its output says why';
const wasEnded = 'the program that starts it was ended from outside';

/*
 * A small bash that starts programs. To start one, a process copies the tables of its whole memory, which takes a server
 * of Node several milliseconds in which it does nothing else (`docs/decisions/0007-a-launcher-starts-local-steps.md`).
 *
 * It reads four lines for each program: a number, the named pipe for its output, a file of bash that becomes the program,
 * and the file in which to record its process group (`process-groups.ts`). For each, one subshell waits: it tells the
 * process id, then the exit code. A program has a process group of its own.
 * When standard input ends, since Hookline has ended in whatever way, it ends all of them.
 */
const launcher = `exec 3>&1 >/dev/null
set -m
hookline_start() {
  local id=$1 output=$2 setup=$3 group=$4 pid='' code=0 watcher=$BASHPID what=ended stat=''
  trap : TERM
  trap 'what=failed' USR1
  set -m
  # For both: to open it for writing alone would wait for a reader, for ever when Hookline has ended meanwhile.
  exec 4<>"$output"
  { ( . "$setup"; kill -USR1 "$watcher" ) 2>&1 4>&- & } >"$output"
  exec 4>&-
  pid=$!
  set +m
  if [ -r "/proc/$pid/stat" ]; then
    IFS= read -r stat <"/proc/$pid/stat"
    # The name of the program stands in parentheses and may hold anything; field 22 is the 20th behind it.
    stat=(\${stat##*) })
  fi
  printf '%s %s' "$pid" "\${stat[19]}" >"$group"
  echo "started $id $pid $watcher" >&3
  while wait "$pid"; code=$?; kill -0 "$pid"; do
    [ "$what" = failed ] && continue
    kill -TERM -- "-$pid"
    sleep ${lostGraceMs / 1000}
    kill -KILL -- "-$pid"
  done
  echo "$what $id $code" >&3
}
while IFS= read -r id && IFS= read -r output && IFS= read -r setup && IFS= read -r group; do
  hookline_start "$id" "$output" "$setup" "$group" </dev/null &
done
running=$(jobs -pr)
[ -z "$running" ] || kill -TERM $running
rm -rf "$HOOKLINE_PIPES"
# Unless another start has put something there meanwhile.
rmdir "\${HOOKLINE_PIPES%/*}"
`;

type Launched = {
  /** Of the program, and of its process group. */
  pid: number;
  /** Standard output and error in one, in their order. */
  output: Readable;
  /**
   * The code, 128 and more for a signal; null when whatever waited for it was ended from outside. Rejects with
   * CannotLaunch when the shell did not become the program; its output says why.
   */
  exited: Promise<number | null>;
};

/** A program could not be started. */
export class CannotLaunch extends Error {
  override name = 'CannotLaunch';
}

export type Launcher = {
  /**
   * Starts what `setup` becomes: bash that ends in `exec`, with nothing in its environment but what it exports, and
   * whose standard input is empty. `group` is where its process group is recorded; the caller removes it.
   */
  launch(setup: string, group: string): Promise<Launched>;
  /** The process groups that are known, by their leaders: programs that run, and what waits for them. */
  known(): ReadonlySet<number>;
};

/** Puts its pipes below `directory`. Starts with the first program; ends with this process. */
export function createLauncher({ directory, clock }: { directory: string; clock: Clock }): Launcher {
  const launches = new Map<string, Launch>();
  const known = new Set<number>();
  let number = 0;
  let shell: Shell | null = null;
  let isLooking = false;

  const startShell = (): Shell => {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const pipes = mkdtempSync(join(directory, 'pipes-'));
    const child = spawn('/bin/bash', ['--noprofile', '--norc', '-c', launcher, 'hookline-launcher'], {
      cwd: '/',
      env: { PATH: searchPath, HOOKLINE_PIPES: pipes },
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const started: Shell = { child, directory: pipes, pipes: createPipes(pipes) };
    const isGone = (cause?: Error) => {
      if (shell === started) shell = null;
      // What has begun tells its end itself.
      for (const launch of launches.values()) {
        if (launch.shell === started && launch.watcher === null) launch.fail(cause?.message ?? wasEnded);
      }
    };
    child.once('error', isGone);
    child.once('exit', () => isGone());
    child.stdin!.on('error', () => undefined);
    onLines(child.stdout!, (line) => {
      const [what, id = '', first = '', second = ''] = line.split(' ');
      const launch = launches.get(id);
      if (what === 'started') launch?.started(Number(first), Number(second));
      else if (what === 'ended') launch?.ended(Number(first));
      else launch?.fail(sayingWhy);
    });
    return started;
  };

  /** The folder may be gone: systemd, say, empties memory when somebody has signed out. Another shell has another one. */
  const takePipe = async (isSecondTry = false): Promise<{ used: Shell; pipe: Pipe }> => {
    const used = (shell ??= startShell());
    try {
      return { used, pipe: await used.pipes.take() };
    } catch (cause) {
      if (shell === used) shell = null;
      if (!isSecondTry) return await takePipe(true);
      throw new CannotLaunch(`no pipe for its output can be made: ${(cause as Error).message}`, { cause });
    }
  };

  /** A program that waits can be ended by anything that its user runs. */
  const look = async () => {
    if (isLooking) return;
    isLooking = true;
    while (launches.size > 0) {
      await clock.sleep(lookMs);
      for (const launch of launches.values()) {
        if (launch.watcher === null || isAlive(launch.watcher)) continue;
        // What it said last may not have been read yet.
        if (launch.isGone) launch.ended(null);
        launch.isGone = true;
      }
    }
    isLooking = false;
  };

  return {
    known: () => known,
    async launch(setup, group) {
      const { used, pipe } = await takePipe();
      const id = String(++number);
      // Beside the pipes, which go with the shell: it holds variables.
      const file = join(used.directory, `${id}.setup`);
      const started = Promise.withResolvers<number>();
      const exited = Promise.withResolvers<number | null>();
      // Whoever waits for them sees it.
      for (const { promise } of [started, exited]) promise.catch(() => undefined);
      const end = () => {
        launches.delete(id);
        if (launch.pid !== null) known.delete(launch.pid);
        if (launch.watcher !== null) known.delete(launch.watcher);
        if (launches.size === 0) keepAlive(used.child, false);
        pipe.closeWriting();
        remove(file);
      };
      const launch: Launch = {
        shell: used,
        watcher: null,
        pid: null,
        isGone: false,
        started(pid, watcher) {
          launch.watcher = watcher;
          launch.pid = pid;
          known.add(pid).add(watcher);
          started.resolve(pid);
        },
        ended(code) {
          end();
          exited.resolve(code);
        },
        fail(why) {
          end();
          started.reject(new CannotLaunch(why));
          exited.reject(new CannotLaunch(why));
        },
      };
      launches.set(id, launch);
      keepAlive(used.child, true);
      void look();
      try {
        writeFileSync(file, setup, { mode: 0o600 });
        used.child.stdin!.write([id, pipe.path, file, group, ''].join('\n'));
        return { pid: await started.promise, output: pipe.output, exited: exited.promise };
      } catch (cause) {
        const failure = cause instanceof CannotLaunch ? cause : new CannotLaunch(String(cause), { cause });
        launch.fail(failure.message);
        pipe.output.destroy();
        throw failure;
      }
    },
  };
}

type Shell = { child: ChildProcess; directory: string; pipes: Pipes };

type Launch = {
  shell: Shell;
  /** The process that waits for it, once it has begun. */
  watcher: number | null;
  pid: number | null;
  /** It was not there any more when it was last looked. */
  isGone: boolean;
  started(pid: number, watcher: number): void;
  ended(code: number | null): void;
  fail(why: string): void;
};

/** Named pipes: real ones, which can be opened by name as well (`/dev/stderr`), other than the sockets Node makes. */
type Pipes = { take(): Promise<Pipe> };
type Pipe = {
  path: string;
  output: Readable;
  /** Until then the pipe has no end, whether or not the program has opened it. */
  closeWriting(): void;
};

function createPipes(directory: string): Pipes {
  const free: string[] = [];
  let made = 0;
  let making: Promise<void> | null = null;
  const make = async () => {
    const paths = Array.from({ length: pipesAtOnce }, () => join(directory, String(++made)));
    await run('mkfifo', ['-m', '600', ...paths]);
    free.push(...paths);
  };
  return {
    async take() {
      while (free.length === 0) await (making ??= make().finally(() => (making = null)));
      const path = free.pop()!;
      const output = new Socket({
        fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK),
        readable: true,
        writable: false,
      });
      let writing: number | null = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
      let isEmpty = false;
      output.once('end', () => (isEmpty = true));
      output.once('close', () => {
        // Whoever still holds it open must not write into what another program says.
        if (isEmpty) free.push(path);
        else remove(path);
      });
      return {
        path,
        output,
        closeWriting() {
          if (writing !== null) closeSync(writing);
          writing = null;
        },
      };
    },
  };
}

function remove(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // It could not be written, or is gone with the shell.
  }
}

function onLines(stream: Readable, take: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) take(line);
  });
}

/** Whether this process waits for the shell before it ends. */
function keepAlive(child: ChildProcess, wanted: boolean): void {
  // Safe: pipes that are made for a child are sockets.
  for (const part of [child, child.stdin as Socket, child.stdout as Socket]) {
    if (wanted) part.ref();
    else part.unref();
  }
}
