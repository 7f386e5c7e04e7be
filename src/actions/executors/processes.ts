import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Clock } from '../../platform/clock.ts';

const run = promisify(execFile);

/** Sends a signal to a whole process group; nothing happens when it is gone. */
export function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // ESRCH: nobody left.
  }
}

export function groupIsAlive(group: number): boolean {
  return isAlive(-group);
}

/** Of a process; of a group with its number below zero. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether anything of a group runs: what has ended and waits for its new parent to notice does not. In a container whose
 * first process does not care for orphans that would be for ever.
 */
export async function groupIsRunning(group: number): Promise<boolean> {
  if (!groupIsAlive(group)) return false;
  if (process.platform !== 'linux') return true;
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const states = await Promise.all(
    names.map(async (name) => {
      const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
      // State, parent and group follow the name of the program, which stands in parentheses and may hold anything.
      const [state, , itsGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(itsGroup) === group ? state : undefined;
    }),
  );
  return states.some((state) => state !== undefined && state !== 'Z');
}

/**
 * The processes whose environment, as it was when they were started, holds `marker` (`NAME=value`). Children inherit
 * it, so this finds also those that changed their group or session, and those whose parent, our server, was killed.
 * `startedAfter`, a process id, leaves out those with a lower one, which makes the search cheap; ids rise but for the
 * rare time that the system begins anew. `except` leaves out others that cannot be meant.
 */
export async function findProcesses(
  marker: string,
  options: { startedAfter?: number; except?: ReadonlySet<number> } = {},
): Promise<number[]> {
  const all = await readEnvironments(options);
  return all.filter(({ pid, words }) => pid !== process.pid && words.includes(marker)).map(({ pid }) => pid);
}

/** The values that a variable has in the environments of all processes, each once. */
export async function findValues(name: string): Promise<string[]> {
  const all = await readEnvironments({});
  const values = all.flatMap(({ words }) => words.filter((word) => word.startsWith(`${name}=`)));
  return [...new Set(values)].map((word) => word.slice(name.length + 1));
}

type ProcessEnvironment = { pid: number; words: string[] };

async function readEnvironments(
  options: NonNullable<Parameters<typeof findProcesses>[1]>,
): Promise<ProcessEnvironment[]> {
  return process.platform === 'linux' ? await readProc(options) : await readPs();
}

async function readProc({
  startedAfter = 0,
  except,
}: NonNullable<Parameters<typeof findProcesses>[1]>): Promise<ProcessEnvironment[]> {
  const names = await readdir('/proc');
  const pids = names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid > startedAfter && !except?.has(pid));
  const all = await Promise.all(
    pids.map(async (pid) => {
      try {
        return { pid, words: (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0') };
      } catch {
        return { pid, words: [] }; // ended meanwhile, or someone else's
      }
    }),
  );
  return all.filter(({ words }) => words.length > 0);
}

async function readPs(): Promise<ProcessEnvironment[]> {
  const { stdout } = await run('ps', ['eww', '-A', '-o', 'pid=,command='], { maxBuffer: 64 * 1024 * 1024 });
  return stdout.split('\n').map((line) => ({ pid: Number.parseInt(line, 10), words: line.split(/\s+/) }));
}

/** Kills every process of a marker, again and again until none is left: a fork may slip through one look. */
export async function endProcesses(marker: string, clock: Clock): Promise<void> {
  for (let round = 0; round < 20; round++) {
    const pids = await findProcesses(marker);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Ended meanwhile.
      }
    }
    await clock.sleep(20);
  }
}
