import { randomUUID } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { groupIsAlive, readStat, signalGroup } from './processes.ts';

/*
 * Beside each running script lies a file that names its process group. After a crash that finds what bears no run id:
 * a script may have cleared the environment of what it started.
 */

const separator = '--';

/** A file name that begins with the run id. */
export function scriptName(runId: string): string {
  return `${runId}${separator}${randomUUID()}.sh`;
}

/** Holds the process id and when it was started; the launcher writes it. */
export function groupFile(script: string): string {
  return `${script}.group`;
}

/** The ids of the runs that a file in `directory` names. */
export async function recordedRuns(directory: string): Promise<string[]> {
  return (await groupFiles(directory)).map((name) => name.split(separator)[0]!);
}

/** Kills the recorded groups of a run, unless the process id has meanwhile been given to another process. */
export async function endRecordedGroups(directory: string, runId: string): Promise<void> {
  for (const name of await groupFiles(directory)) {
    if (!name.startsWith(`${runId}${separator}`)) continue;
    const file = join(directory, name);
    const [pid, startedAt] = (await readFile(file, 'utf8')).split(' ');
    const now = readStat(Number(pid));
    // While a group lives, the system gives its number to no new process, so a group without its leader is still ours.
    if (now?.startedAt === startedAt || (now === null && groupIsAlive(Number(pid))))
      signalGroup(Number(pid), 'SIGKILL');
    await rm(file, { force: true });
    await rm(join(directory, basename(name, '.group')), { force: true });
  }
}

async function groupFiles(directory: string): Promise<string[]> {
  return (await readdir(directory).catch(() => [])).filter((name) => name.endsWith('.group'));
}
