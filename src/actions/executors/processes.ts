import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Clock } from '../../platform/clock.ts';
import { sharedCall } from '../../platform/shared-call.ts';

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

/** The numbers of all processes, as Linux shows them. */
const listProcesses = sharedCall(async () => {
  const pids: number[] = [];
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (pid > 0) pids.push(pid);
  }
  return pids;
});

/** What has ended and waits for its new parent to notice has state Z; in a container whose first process does not care for orphans that is for ever. */
type Stat = { state: string; group: number; startedAt: string };

/** A few numbers that the kernel has at hand: to have a thread of the pool read them would take ten times as long. */
export function readStat(pid: number): Stat | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program stands in parentheses and may hold anything. State, parent and group follow; field 22 is the 20th.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0]!, group: Number(fields[2]), startedAt: fields[19] ?? '' };
  } catch {
    return null; // ended meanwhile, or another system than Linux
  }
}

/** Whether anything of a group runs; what has ended and waits for its new parent to notice does not. */
export async function groupIsRunning(group: number): Promise<boolean> {
  if (!groupIsAlive(group)) return false;
  if (process.platform !== 'linux') return true;
  return (await listProcesses()).some((pid) => {
    const stat = readStat(pid);
    return stat?.group === group && stat.state !== 'Z';
  });
}

/**
 * The processes whose environment, as it was when they were started, holds `marker` (`NAME=value`). Children inherit
 * it, so this finds also those that changed their group or session, and those whose parent, our server, was killed.
 * `startedAfter`, a process id, leaves out those with a lower one, which makes the search cheap; ids rise but for the
 * rare time that the system begins anew. So does `groups`: process groups that are known to be somebody else's.
 */
export async function findProcesses(
  marker: string,
  options: { startedAfter?: number; groups?: ReadonlySet<number> } = {},
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
type Search = NonNullable<Parameters<typeof findProcesses>[1]>;

async function readEnvironments(search: Search): Promise<ProcessEnvironment[]> {
  return process.platform === 'linux' ? await readProc(search) : await readPs();
}

async function readProc({ startedAfter = 0, groups }: Search): Promise<ProcessEnvironment[]> {
  const isMeant = (pid: number) => {
    if (pid <= startedAfter) return false;
    if (!groups) return true;
    if (groups.has(pid)) return false;
    const stat = readStat(pid);
    return stat !== null && stat.state !== 'Z' && !groups.has(stat.group);
  };
  const all = await Promise.all(
    (await listProcesses()).filter(isMeant).map(async (pid) => {
      try {
        // By a thread of the pool: the kernel may keep whoever reads the memory of a process waiting.
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
