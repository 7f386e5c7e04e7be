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
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
}

/**
 * The processes whose environment, as it was when they were started, holds `marker` (`NAME=value`). Children inherit
 * it, so this finds also those that changed their group or session, and those whose parent, our server, was killed.
 */
export async function findProcesses(marker: string): Promise<number[]> {
  return process.platform === 'linux' ? await findInProc(marker) : await findWithPs(marker);
}

async function findInProc(marker: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      try {
        const environment = await readFile(`/proc/${pid}/environ`, 'utf8');
        return environment.split('\0').includes(marker) ? pid : null;
      } catch {
        return null; // ended meanwhile, or someone else's
      }
    }),
  );
  return found.filter((pid) => pid !== null && pid !== process.pid) as number[];
}

async function findWithPs(marker: string): Promise<number[]> {
  const { stdout } = await run('ps', ['eww', '-A', '-o', 'pid=,command='], { maxBuffer: 64 * 1024 * 1024 });
  return stdout
    .split('\n')
    .filter((line) => line.split(/\s+/).includes(marker))
    .map((line) => Number.parseInt(line, 10))
    .filter((pid) => pid !== process.pid);
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
