import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chown, mkdtemp, rm, statfs } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { freePort } from './free-port.ts';
import { copyPostgresBinaries, unprivilegedUser } from './postgres-binaries.ts';

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;

export type PostgresServer = {
  /** Connection string of the `postgres` database, as a superuser without a password. */
  url: string;
  /** Stops the server and removes its folder. Safe to call twice. */
  stop(): Promise<void>;
};

/** Linux keeps it in memory: a new database, which is hundreds of files, takes a fifth of the time there. */
const MEMORY_FOLDER = '/dev/shm';
/** What the databases of all tests take at a time is far less. In a container it may have 64 MB in all. */
const MEMORY_BYTES = 2 * 1024 ** 3;

/**
 * Starts a real PostgreSQL 18 on a free port of 127.0.0.1, in a new folder of the system's temp folder, with its data in memory where there is enough.
 * It stops and its folders go away with this process, however that one ends, and it does not keep
 * this process alive. Throws with the server's own output when it does not come up within 60 s; then
 * nothing is left behind.
 */
export async function startPostgres(): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'hookline-postgres-'));
  const dataFolder = await mkdtemp(join(await folderForData(), 'hookline-postgres-data-'));
  let supervisor: Supervisor | undefined;
  const stop = async () => {
    await supervisor?.stop();
    for (const one of [folder, dataFolder]) await rm(one, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    await copyPostgresBinaries(folder);
    const { uid, gid } = unprivilegedUser();
    if (uid !== undefined && gid !== undefined) await chown(dataFolder, uid, gid);
    const port = await freePort();
    supervisor = supervise(folder, dataFolder, port);
    const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
    await untilReady(url, supervisor);
    return { url, stop };
  } catch (error) {
    await stop();
    throw new Error(`the test PostgreSQL did not start: ${String(error)}`, { cause: error });
  }
}

async function folderForData(): Promise<string> {
  const space = await statfs(MEMORY_FOLDER).catch(() => null);
  return space && space.bavail * space.bsize >= MEMORY_BYTES ? MEMORY_FOLDER : tmpdir();
}

let ownServer: Promise<PostgresServer> | undefined;

/**
 * The connection string of the PostgreSQL for tests: the one of the global setup, or, in a test file
 * run without it, one that this process starts at the first call and that dies with it.
 */
export async function testPostgresUrl(): Promise<string> {
  const given = process.env.HOOKLINE_TEST_POSTGRES;
  if (given) return given;
  ownServer ??= startPostgres();
  return (await ownServer).url;
}

// A shell stands between us and PostgreSQL so that a killed test run leaves nothing: its standard input
// is a pipe from this process, and the end of that pipe, for whatever reason, is the order to stop.
// SIGINT is PostgreSQL's fast shutdown: it does not wait for clients.
const SUPERVISOR_SCRIPT = `
folder=$1 data=$2 port=$3
exec 3<&0
trap 'kill "$watcher" 2>/dev/null; rm -rf "$folder" "$data"' EXIT
fail() { tail -n 20 "$folder/log" >&2; exit 1; }
"$folder/native/bin/initdb" -D "$data/data" --username=postgres --auth=trust --encoding=UTF8 \
  --locale=C --no-sync </dev/null >"$folder/log" 2>&1 3<&- || fail
"$folder/native/bin/postgres" -D "$data/data" -p "$port" -c listen_addresses=127.0.0.1 \
  -c unix_socket_directories="$folder" -c max_connections=200 -c fsync=off -c full_page_writes=off \
  </dev/null >"$folder/log" 2>&1 3<&- &
postgres=$!
( read -r _ <&3; kill -INT "$postgres" ) 2>/dev/null &
watcher=$!
wait "$postgres" || fail
`;

type Supervisor = {
  /** Aborted when the supervisor has ended; the reason is the tail of the server's log. */
  ended: AbortSignal;
  stop(): Promise<void>;
};

function supervise(folder: string, dataFolder: string, port: number): Supervisor {
  const child = spawn('sh', ['-c', SUPERVISOR_SCRIPT, 'sh', folder, dataFolder, String(port)], {
    ...unprivilegedUser(),
    cwd: '/',
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    stdio: ['pipe', 'ignore', 'pipe'],
    // A session of its own, so that Ctrl+C in a terminal reaches it through us and not beside us.
    detached: true,
  });
  const ended = new AbortController();
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  child.stdin.on('error', () => {});
  child.once('error', (error) => ended.abort(error));
  child.once('close', () => ended.abort(new Error(errors.trim() || 'it ended without a word')));
  for (const handle of [child, child.stdin, child.stderr]) (handle as ChildProcess | Socket).unref();

  async function stop(): Promise<void> {
    if (ended.signal.aborted) return;
    const gone = new Promise((resolve) => ended.signal.addEventListener('abort', resolve));
    // The whole process group: the shell, the watcher and PostgreSQL, whose workers follow it.
    const kill = () => child.pid && process.kill(-child.pid, 'SIGKILL');
    const timer = setTimeout(kill, STOP_TIMEOUT_MS);
    child.ref();
    child.stdin.end();
    await gone;
    clearTimeout(timer);
  }
  return { ended: ended.signal, stop };
}

async function untilReady(url: string, supervisor: Supervisor): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2000 });
    try {
      await client.connect();
      return;
    } catch (error) {
      supervisor.ended.throwIfAborted();
      if (Date.now() > deadline) throw error;
    } finally {
      await client.end().catch(() => {});
    }
    await delay(25);
  }
}
