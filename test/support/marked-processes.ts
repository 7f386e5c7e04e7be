import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { onceWeAreGone } from './watchdog.ts';

const MARKER = 'HOOKLINE_TEST_SSH';
const END_TIMEOUT_MS = 5000;

export type MarkedProcesses = {
  /** What marks a process, and by inheritance all of its descendants. */
  env: { [MARKER]: string };
  /** A child of this process, leader of its group: ended also where there is no /proc. */
  adopt(child: ChildProcess): void;
  /** Kills everything that is marked; more may be started. */
  killAll(): Promise<void>;
  /** Kills everything that is marked, for good. Best effort: a process that cleans its environment is not found. */
  endAll(): Promise<void>;
};

/** A marker for processes that outlive whoever started them. Those marked are killed when this process dies. */
export function markProcesses(): MarkedProcesses {
  const id = randomUUID();
  const children = new Set<ChildProcess>();
  const letLive = onceWeAreGone(KILL_MARKED_SCRIPT, `${MARKER}=${id}`);
  const killAll = async () => {
    const ended = [...children].map((child) => once(child, 'exit'));
    for (const { pid } of children) if (pid) kill(-pid);
    await Promise.all(ended);
    await killMarked(id);
  };
  return {
    env: { [MARKER]: id },
    adopt: (child) => {
      if (child.pid === undefined) return; // it could not be started
      children.add(child);
      child.once('exit', () => children.delete(child));
    },
    killAll,
    endAll: async () => {
      await killAll();
      letLive();
    },
  };
}

/** A process that is just starting others may need more than one round. */
async function killMarked(id: string): Promise<void> {
  const deadline = Date.now() + END_TIMEOUT_MS;
  for (;;) {
    const found = await findMarked(id);
    if (found.length === 0) return;
    if (Date.now() > deadline) throw new Error(`processes outlive SIGKILL: ${found.join(', ')}`);
    for (const pid of found) kill(pid);
    await delay(2);
  }
}

async function findMarked(id: string): Promise<number[]> {
  const pids = (await readdir('/proc').catch(() => [])).map(Number).filter((pid) => pid > 0);
  const variable = `${MARKER}=${id}`;
  const marked = await Promise.all(
    pids.map(async (pid) => {
      // Unreadable: it has ended, or it is another user's.
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      return environment.split('\0').includes(variable);
    }),
  );
  return pids.filter((_, index) => marked[index]);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

const KILL_MARKED_SCRIPT = `
for file in $(grep -lsxz "$1" /proc/[0-9]*/environ); do
  pid=\${file#/proc/}
  kill -9 "\${pid%/environ}"
done
`;
