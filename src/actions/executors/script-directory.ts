import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, realpathSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

/** Memory that is mounted as a folder; on Linux it is there. */
const memory = '/dev/shm';

/**
 * Where the scripts of running steps lie, the same for each start of one installation: in memory, where there is such a
 * folder. Nothing of them then reaches a disk, and no step waits for one. They need not outlive the machine, since nothing
 * that runs does.
 */
export function scriptDirectory(dataDirectory: string): string {
  const uid = process.getuid?.() ?? 0;
  const place = createHash('sha256').update(realpathSync(dataDirectory)).digest('hex').slice(0, 16);
  const inMemory = join(memory, `hookline-${uid}-${place}`);
  return isOurs(inMemory, uid) ? inMemory : join(dataDirectory, 'scripts');
}

/** Everybody may write where it lies, so it may have been made by somebody else, or lead somewhere else. */
function isOurs(directory: string, uid: number): boolean {
  try {
    mkdirSync(directory, { mode: 0o700 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false;
  }
  const found = lstatSync(directory);
  return found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0;
}

/** When nothing is in it any more; what a step has left there is for the next start. */
export function removeScriptDirectory(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Something is, or it never was.
  }
}
