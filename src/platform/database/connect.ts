import {
  chmodSync,
  closeSync,
  existsSync,
  fdatasync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { promisify } from 'node:util';
import SqliteDatabase from 'better-sqlite3';
import { Kysely, PostgresDialect, SqliteDialect, type Transaction } from 'kysely';
import pg from 'pg';
import { ConfigFault } from '../config-fault.ts';
import { AppError } from '../errors.ts';
import { sharedCall } from '../shared-call.ts';
import { lockFile } from './file-lock.ts';
import type { Database } from './schema.ts';
import { startCheckpointer } from './sqlite-checkpoint.ts';

export type Db = Kysely<Database>;
export type Trx = Transaction<Database>;

/** The one place, apart from claim statements and migrations, that knows which database it is. */
export type Connection = {
  db: Db;
  dialect: 'sqlite' | 'postgres';
  /** PostgreSQL only, for LISTEN/NOTIFY; null with SQLite. */
  pool: pg.Pool | null;
  /**
   * A transaction that is on disk when the promise resolves, as every one is; but with SQLite the event loop goes on
   * while the disk works. Between commit and resolution others can already see it. For what happens often.
   */
  transactionSyncedAside<Result>(work: (trx: Trx) => Promise<Result>): Promise<Result>;
  /**
   * A transaction that, with SQLite, a power cut may undo, together with all after it; the end of the process does not.
   * For what would then be done again in any case.
   */
  transactionSyncedLater<Result>(work: (trx: Trx) => Promise<Result>): Promise<Result>;
  /** With SQLite, the disk begins to take what has been written, so that a later wait for it is short. For much of it. */
  syncSoon(): void;
  /**
   * Gives up every connection to the server, so that what waits for an answer fails at once: after a change of the
   * route, say, none would come for minutes. Nothing to do with SQLite.
   */
  dropConnections(): void;
  close(): Promise<void>;
};

/** `databaseUrl` null means SQLite in `dataDirectory`. Throws ConfigFault with a sentence when it cannot be opened. */
export async function connect(
  options: { databaseUrl: string | null; dataDirectory: string },
  /** Told of faults that no query reports, such as a checkpoint that failed. */
  onFault: (message: string) => void = () => undefined,
): Promise<Connection> {
  try {
    mkdirSync(options.dataDirectory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new ConfigFault(`HOOKLINE_DATA cannot be used: ${(cause as Error).message}.`, { cause });
  }
  if (options.databaseUrl) return await connectPostgres(options.databaseUrl);
  try {
    return connectSqlite(options.dataDirectory, onFault);
  } catch (cause) {
    if (cause instanceof ConfigFault) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigFault(`The database in ${options.dataDirectory} cannot be opened: ${why}.`, { cause });
  }
}

/**
 * For a command that reads or changes rows while a server may be serving: without the lock on the data folder, and
 * without a thread of its own for the log. Throws ConfigFault when there is no database yet, which a start makes.
 */
export async function connectBeside(options: {
  databaseUrl: string | null;
  dataDirectory: string;
}): Promise<Pick<Connection, 'db' | 'dialect' | 'close'>> {
  if (options.databaseUrl) return await connectPostgres(options.databaseUrl);
  const file = join(options.dataDirectory, 'hookline.db');
  try {
    const database = new SqliteDatabase(file, { fileMustExist: true });
    setPragmas(database);
    // What is replaced or deleted is overwritten with zeros, rather than left in a page until that is used again.
    database.pragma('secure_delete = ON');
    const db = kyselyOf(database);
    return { db, dialect: 'sqlite', close: () => db.destroy() };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigFault(`The database ${file} cannot be opened: ${why}.`, { cause });
  }
}

/** Several processes may use one file: each waits for the others' writes. */
function setPragmas(database: SqliteDatabase.Database): void {
  // FULL: a commit is on disk before it returns, since a 2xx means kept.
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  database.pragma('busy_timeout = 10000');
  database.pragma('cache_size = -8192');
}

function kyselyOf(database: SqliteDatabase.Database): Db {
  return new Kysely<Database>({
    dialect: new SqliteDialect({
      database: cachingStatements(database),
      onCreateConnection: async () => undefined,
    }),
  });
}

function connectSqlite(dataDirectory: string, onFault: (message: string) => void): Connection {
  const lock = lockDirectory(dataDirectory);
  const file = join(dataDirectory, 'hookline.db');
  keepPrivate(file);
  const database = new SqliteDatabase(file);
  setPragmas(database);
  // The checkpoint, which would stall the event loop for hundreds of milliseconds under load, runs on a thread of its own.
  database.pragma('wal_autocheckpoint = 0');
  const checkpointer = startCheckpointer(file, onFault);

  const db = kyselyOf(database);
  // Statements of the file itself, e.g. of the pragmas above, have made sure that the log exists.
  database.exec('create table if not exists lock_probe (id integer); drop table lock_probe');
  const log = openSync(`${file}-wal`, 'r+');
  const syncLog = sharedCall(() => datasync(log));
  // NORMAL writes the log without waiting for the disk.
  const transactionSyncedLater: Connection['transactionSyncedLater'] = (work) =>
    db.connection().execute(async (connection) => {
      // Nobody else has the connection meanwhile.
      database.exec('pragma synchronous = normal');
      try {
        return await connection.transaction().execute(work);
      } finally {
        database.exec('pragma synchronous = full');
      }
    });
  return {
    db,
    dialect: 'sqlite',
    pool: null,
    dropConnections: () => undefined,
    transactionSyncedLater,
    // What fails here is told to whoever waits for it.
    syncSoon: () => void syncLog().catch(() => undefined),
    async transactionSyncedAside(work) {
      const result = await transactionSyncedLater(work);
      // This waits for the disk, on another thread. Syncing any descriptor of a file syncs all that was written to it.
      // Should that fail, the commit stands but may not survive a power cut, so nobody may be told that it is kept.
      await syncLog().catch((cause: unknown) => {
        throw new AppError('unavailable', 'The disk did not confirm the write. Send it again.', { cause });
      });
      return result;
    },
    async close() {
      await checkpointer.stop();
      closeSync(log);
      await db.destroy();
      lock.unlock();
    },
  };
}

const datasync = promisify(fdatasync);

/** Two processes on one data folder would each fail the other's running actions. */
function lockDirectory(dataDirectory: string): { unlock(): void } {
  const pidFile = join(dataDirectory, 'hookline.pid');
  const lockPath = join(dataDirectory, 'hookline.lock');
  keepPrivate(lockPath);
  const lock = lockFile(lockPath);
  if (!lock) {
    throw new ConfigFault(
      `Another Hookline (process ${readPid(pidFile)}) is running on ${dataDirectory}. Stop it, or give this one its own HOOKLINE_DATA. ` +
        'To run several nodes, use PostgreSQL (DATABASE_URL).',
    );
  }
  try {
    writeFileSync(pidFile, String(process.pid), { mode: 0o600 });
  } catch (cause) {
    lock.unlock();
    throw new ConfigFault(`${pidFile} cannot be written: ${(cause as Error).message}.`, { cause });
  }
  return lock;
}

/**
 * A database that only its owner may read, whatever the folder allows (a volume that was mounted, say). SQLite gives its
 * log and the other files beside it the mode of the database.
 */
function keepPrivate(file: string): void {
  // Only one that is new is opened here: to close one that is in use would give up the locks that SQLite has on it.
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
  for (const path of [file, `${file}-wal`, `${file}-shm`, `${file}-journal`]) {
    try {
      chmodSync(path, 0o600);
    } catch {
      // Not there, or another's, who has decided.
    }
  }
}

function readPid(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return 'unknown';
  }
}

/** Kysely prepares a statement for each execution; preparing costs more than running it, so keep them by their text. */
function cachingStatements(database: SqliteDatabase.Database) {
  const statements = new Map<string, SqliteDatabase.Statement>();
  const most = 500;
  return {
    close: () => void database.close(),
    prepare(text: string): SqliteDatabase.Statement {
      // Kysely begins with a plain `begin`; taking the write lock at once avoids failing later in mid-transaction.
      const statement = text === 'begin' ? 'begin immediate' : text;
      let prepared = statements.get(statement);
      if (!prepared) {
        prepared = database.prepare(statement);
        if (statements.size >= most) statements.clear();
        statements.set(statement, prepared);
      }
      return prepared;
    },
  };
}

async function connectPostgres(url: string): Promise<Connection> {
  // bigint comes as text by default; every bigint of ours is an id, a count or milliseconds, all below 2^53.
  const types = new pg.TypeOverrides();
  types.setTypeParser(pg.types.builtins.INT8, Number);
  const pool = new pg.Pool({
    connectionString: url,
    max: 20,
    types,
    connectionTimeoutMillis: 15_000,
    query_timeout: 60_000,
    // A node that is suspended in mid-transaction must not hold its locks against all others.
    idle_in_transaction_session_timeout: 10_000,
    lock_timeout: 15_000,
    application_name: 'hookline',
  });
  // A connection that is lost fails the query it was used for; as an event nobody listens to it would end the process.
  pool.on('error', () => undefined);
  const clients = new Set<pg.PoolClient>();
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
    clients.add(client);
  });
  pool.on('remove', (client) => void clients.delete(client));
  try {
    await pool.query('select 1');
  } catch (cause) {
    await pool.end();
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigFault(`PostgreSQL cannot be reached with DATABASE_URL: ${why}`, { cause });
  }
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  return {
    db,
    dialect: 'postgres',
    pool,
    dropConnections: () => {
      for (const client of clients) streamOf(client).destroy();
    },
    transactionSyncedAside: (work) => db.transaction().execute(work),
    transactionSyncedLater: (work) => db.transaction().execute(work),
    syncSoon: () => undefined,
    close: () => db.destroy(),
  };
}

/** The socket of a client, which its types do not name: only what ends that ends a query that waits. */
function streamOf(client: pg.PoolClient): Duplex {
  return (client as unknown as { connection: { stream: Duplex } }).connection.stream;
}
