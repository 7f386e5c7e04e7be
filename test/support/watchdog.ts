import { spawn } from 'node:child_process';

/**
 * Has process `pid` killed with SIGKILL if this process ends, however that happens, before the returned
 * function is called. Call it as soon as `pid` has ended, before its number can belong to another.
 */
export function killWithUs(pid: number): () => void {
  return onceWeAreGone('kill -9 "$1"', String(pid));
}

/** The same for any shell script, which gets `argument` as its `$1`. */
export function onceWeAreGone(script: string, argument: string): () => void {
  // A line says "let it live"; the end of the pipe without one says that we are gone.
  const watchdog = spawn('sh', ['-c', `read -r _ && exit\n${script}`, 'sh', argument], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watchdog.on('error', () => {});
  watchdog.stdin.on('error', () => {});
  watchdog.unref();
  return () => watchdog.stdin.end('let it live\n');
}
