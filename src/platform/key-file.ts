import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigFault } from './config-fault.ts';
import { parseKey, type Keys, type KeySource } from './secret-box.ts';

/** One key per line, the current one first; those after it only open what they once sealed. */
export function keyFilePath(dataDirectory: string): string {
  return join(dataDirectory, 'secret.key');
}

/** Makes the file with one new key, for its owner alone, unless there is one. */
export function ensureKeyFile(file: string): void {
  telling(() => {
    if (statSync(file, { throwIfNoEntry: false })) return;
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    // Written aside and then given its name: a start that is cut off leaves no file without a key.
    const made = `${file}.${randomBytes(6).toString('hex')}`;
    try {
      write(made, [newKey()]);
      linkSync(made, file);
      syncFolder(dirname(file));
    } catch (error) {
      // Somebody else has made one at this very moment; that one counts.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(made, { force: true });
    }
  });
}

/** Replaces the keys at once: whoever reads, even after a power cut, finds the old file or the new one. */
export function replaceKeys(file: string, keys: Keys): void {
  telling(() => {
    const made = `${file}.new`;
    rmSync(made, { force: true });
    write(made, keys);
    renameSync(made, file);
    syncFolder(dirname(file));
  });
}

export function newKey(): Buffer {
  return randomBytes(32);
}

/**
 * Reads the file now, and again whenever it was replaced: a look at its times and size, no more, when it was not. A file
 * that cannot be read while we run changes nothing: what the keys at hand have sealed is in the database already.
 */
export function watchKeyFile(file: string): KeySource {
  telling(() => chmodSync(file, 0o600));
  let known = read(file);
  return () => {
    try {
      if (stampOf(statSync(file, { bigint: true })) !== known.stamp) known = read(file);
    } catch {
      // As said above.
    }
    return known.keys;
  };
}

type Stat = { ino: bigint; size: bigint; mtimeNs: bigint };

function stampOf({ ino, size, mtimeNs }: Stat): string {
  return `${ino} ${size} ${mtimeNs}`;
}

/** Throws ConfigFault when a line is no key, or there is none. */
function read(file: string): { keys: Keys; stamp: string } {
  const [text, stamp] = telling(() => {
    const descriptor = openSync(file, 'r');
    try {
      // Of the open file, not of the path, so that the two belong together.
      const stat = fstatSync(descriptor, { bigint: true });
      return [readFileSync(descriptor, 'utf8'), stampOf(stat)];
    } finally {
      closeSync(descriptor);
    }
  });
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const [current, ...older] = lines.map((line) => {
    const key = parseKey(line);
    if (!key) throw new ConfigFault(`${file} holds a line that is no key of 32 bytes. ${restore}`);
    return key;
  });
  if (!current) throw new ConfigFault(`${file} holds no key. ${restore}`);
  return { keys: [current, ...older], stamp };
}

const restore = 'Restore it from a backup.';

/** Throws EEXIST rather than writing over a key. */
function write(file: string, keys: Keys): void {
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    writeSync(descriptor, keys.map((key) => `${key.toString('base64')}\n`).join(''));
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  syncFolder(dirname(file));
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function telling<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (cause) {
    throw new ConfigFault(`HOOKLINE_DATA cannot be used: ${(cause as Error).message}.`, { cause });
  }
}
