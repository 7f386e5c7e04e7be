import { parentPort, workerData } from 'node:worker_threads';
import SqliteDatabase from 'better-sqlite3';

// Safe: only `sqlite-checkpoint.ts` starts this thread, with exactly these values.
const { file, everyMs, mostPages } = workerData as { file: string; everyMs: number; mostPages: number };
const database = new SqliteDatabase(file, { timeout: 1000 });
database.pragma('synchronous = FULL');

function checkpoint() {
  const [result] = database.pragma('wal_checkpoint(PASSIVE)') as { log: number }[];
  if (result && result.log > mostPages) database.pragma('wal_checkpoint(RESTART)');
}

const timer = setInterval(checkpoint, everyMs);

parentPort?.on('message', () => {
  clearInterval(timer);
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
  parentPort?.close();
});
