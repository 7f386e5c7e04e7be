import SqliteDatabase from 'better-sqlite3';
import { ConfigFault } from '../config-fault.ts';

/**
 * A lock of the operating system, held on a file of its own: it falls with the process, however that ends. Returns null
 * when another process holds it. Throws ConfigFault when the file cannot be used.
 */
export function lockFile(path: string): { unlock(): void } | null {
  const lock = new SqliteDatabase(path, { timeout: 0 });
  try {
    lock.pragma('locking_mode = EXCLUSIVE');
    lock.exec('begin exclusive');
    return { unlock: () => void lock.close() };
  } catch (cause) {
    lock.close();
    if (cause instanceof Error && 'code' in cause && cause.code === 'SQLITE_BUSY') return null;
    throw new ConfigFault(`${path} cannot be used: ${(cause as Error).message}.`, { cause });
  }
}
