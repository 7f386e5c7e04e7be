// Plain JavaScript: a thread of its own would otherwise load a second TypeScript stripper, which is 20 MB of memory.
import { parentPort, workerData } from 'node:worker_threads';
import SqliteDatabase from 'better-sqlite3';

/** @type {{ file: string, everyMs: number, mostPages: number }} */
const { file, everyMs, mostPages } = workerData;
const database = new SqliteDatabase(file, { timeout: 1000 });
database.pragma('synchronous = FULL');

/** A full disk or a busy file is told and tried again; the log only grows meanwhile. */
function attempt(work) {
  try {
    work();
  } catch (error) {
    parentPort?.postMessage(String(error));
  }
}

function checkpoint() {
  attempt(() => {
    const [result] = database.pragma('wal_checkpoint(PASSIVE)');
    if (result && result.log > mostPages) database.pragma('wal_checkpoint(RESTART)');
  });
}

const timer = setInterval(checkpoint, everyMs);

parentPort?.on('message', () => {
  clearInterval(timer);
  attempt(() => database.pragma('wal_checkpoint(TRUNCATE)'));
  attempt(() => database.close());
  parentPort?.close();
});
