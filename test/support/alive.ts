import { execFileSync } from 'node:child_process';

/** Whether a process is there and not just waiting for its parent to notice that it has ended. */
export function isAlive(pid: number): boolean {
  try {
    const state = execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return state !== '' && !state.startsWith('Z');
  } catch {
    return false; // `ps` ends with 1 when there is no such process
  }
}
