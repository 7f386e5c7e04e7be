import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import SqliteDatabase from 'better-sqlite3';
import ssh2, { type Client } from 'ssh2';
import { createApiClient, login, type ApiClient } from '../test/support/api-client.ts';
import { sshServerKinds, type SshServerKind } from '../test/support/ssh-server.ts';
import { startProgram } from './serve.ts';

/*
 * Actions per second of one server process (SQLite, on disk as in production) with one step that does nothing, here and
 * over SSH, and megabytes of log per second; each beside the same commands run bare, in turns. `--beside` runs the
 * program of another checkout in the same rounds.
 *
 *   node bench/pipeline.ts [--actions 400] [--rounds 5] [--only "over SSH"] [--beside folder] [--profile folder]
 */

const actions = Number(option('--actions') ?? 400);
const rounds = Number(option('--rounds') ?? 5);
const only = option('--only') ?? '';
const beside = option('--beside');
const profile = option('--profile');
/** HOOKLINE_MAX_RUNNING_ACTIONS, and as many run bare side by side. */
const places = 16;
const logActions = 5;
const noOp = 'true';
const bash = ['--noprofile', '--norc', '-c'];

/** 9 MB in lines of 80 characters: as fast as a pipe takes them, and as a script prints them. */
const logs = {
  'log of `yes`': 'yes "$(printf "%079d" 7)" | head -n 112500 || true',
  'log of `seq`': 'seq -f "%079.0f" 112500',
  'log of a loop in bash': 'for ((i = 0; i < 112500; i++)); do printf "%079d\\n" "$i"; done',
};
const logMb = 9;

type Hookline = Awaited<ReturnType<typeof startHookline>>;
const hooklines: Hookline[] = [];
try {
  hooklines.push(await startHookline('Hookline', '.'));
  if (beside) hooklines.push(await startHookline(`Hookline in ${beside}`, beside));
  console.log(
    `${actions} actions, ${places} side by side, medians of ${rounds} rounds, Node ${process.version}\n`,
  );
  if ('local'.includes(only)) await measureLocal();
  for (const kind of sshServerKinds) {
    if (`over SSH, ${kind}`.includes(only)) await measureSsh(kind);
  }
  for (const [name, script] of Object.entries(logs)) {
    if (name.includes(only)) await measureLog(name, script);
  }
} finally {
  for (const { stop } of hooklines) await stop();
}

async function measureLocal(): Promise<void> {
  const { ours, rates } = await setUp(async (hookline) => {
    const pipeline = await hookline.addPipeline(noOp);
    return () => hookline.runWaiting(pipeline, actions);
  });
  const bare = { name: 'bare spawn', measure: () => perSecond(spawnBare) };
  await inTurns([...ours, bare], rates);
  print('local, actions per second', rates, [bare.name]);
}

async function measureSsh(kind: SshServerKind): Promise<void> {
  const server = await startSshServer(kind);
  const client = await signIn(server);
  try {
    const { ours, rates } = await setUp(async (hookline) => {
      const pipeline = await hookline.addPipeline(noOp, await hookline.addServer(server));
      return () => hookline.runWaiting(pipeline, actions);
    });
    const exec = { name: 'bare exec over one connection', measure: () => perSecond(() => execBare(client)) };
    const bare = { name: 'bare spawn', measure: () => perSecond(spawnBare) };
    await inTurns([...ours, exec, bare], rates);
    print(`over SSH, ${kind}, actions per second`, rates, [exec.name, bare.name]);
  } finally {
    client.end();
    await server.stop();
  }
}

async function measureLog(name: string, script: string): Promise<void> {
  const rates = new Map<string, number[]>();
  const parts: Part[] = [];
  for (const hookline of hooklines) {
    const pipeline = await hookline.addPipeline(script);
    parts.push(
      { name: `${hookline.name}, stored`, measure: () => logRate(() => hookline.store(pipeline)) },
      { name: `${hookline.name}, to a watcher`, measure: () => logRate(() => hookline.watch(pipeline)) },
    );
  }
  parts.push({ name: 'bare spawn, read', measure: () => logRate(() => readBare(script)) });
  await inTurns(parts, rates);
  print(`${name}, MB per second`, rates, ['bare spawn, read']);
}

type Part = { name: string; measure: () => Promise<number> };

async function setUp(prepare: (hookline: Hookline) => Promise<() => Promise<number>>) {
  const ours: Part[] = [];
  for (const hookline of hooklines) ours.push({ name: hookline.name, measure: await prepare(hookline) });
  return { ours, rates: new Map<string, number[]>() };
}

/** Round by round, since the machine's speed varies; the first round finds the engine cold and does not count. */
async function inTurns(parts: Part[], rates: Map<string, number[]>): Promise<void> {
  for (let round = 0; round <= rounds; round++) {
    // Each is first as often as the others.
    const turned = parts.map((_, index) => parts[(index + round) % parts.length]!);
    for (const { name, measure } of turned) {
      const rate = await measure();
      if (round > 0) rates.set(name, [...(rates.get(name) ?? []), rate]);
    }
  }
}

function print(what: string, rates: Map<string, number[]>, baselines: string[]): void {
  console.log(what);
  for (const [name, found] of rates) {
    const sorted = found.toSorted((a, b) => a - b);
    const range = `${sorted[0]!.toFixed(1)} to ${sorted.at(-1)!.toFixed(1)}`;
    // Of each round its own ratio: what slows the machine slows both.
    const ratios = baselines.includes(name)
      ? []
      : baselines.map((baseline) => {
          const each = found.map((rate, round) => rate / rates.get(baseline)![round]!);
          const [least, most] = [Math.min(...each), Math.max(...each)];
          return `${middle(each).toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)}) of ${baseline}`;
        });
    console.log(`  ${name}: ${[`${middle(found).toFixed(1)} (${range})`, ...ratios].join(' → ')}`);
  }
  const first = rates.get('Hookline');
  for (const { name } of hooklines.slice(1)) {
    const other = rates.get(name);
    if (!first || !other) continue;
    console.log(
      `  Hookline → ${middle(first.map((rate, round) => rate / other[round]!)).toFixed(2)} of ${name}`,
    );
  }
  console.log();
}

/** `folder` is a checkout. */
async function startHookline(name: string, folder: string) {
  const data = await mkdtemp(join(tmpdir(), 'hookline-bench-'));
  const nodeOptions = profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : [];
  const program = await startProgram([...nodeOptions, join(resolve(folder), 'src/main.mjs'), 'serve'], {
    PORT: '0',
    HOOKLINE_DATA: data,
    HOOKLINE_LOG_LEVEL: 'error',
    HOOKLINE_ADMIN_PASSWORD: 'bench-password',
    HOOKLINE_MAX_RUNNING_ACTIONS: String(places),
    HOOKLINE_EGRESS_ALLOW: '127.0.0.0/8',
  });
  const { access_token } = await login(program.url, 'admin@localhost', 'bench-password');
  const api = createApiClient(program.url, access_token);
  // Beside the server, to put actions in without what it costs to accept them, and to read when they ran.
  const database = new SqliteDatabase(join(data, 'hookline.db'));
  let made = 0;
  return {
    name,
    addServer: (server: SshAccess) => addServer(api, server),
    async addPipeline(command: string, serverId?: number): Promise<Pipeline> {
      const application = await api.post<{ id: number }>('/environments/1/applications', {
        name: `bench-${++made}`,
        repository: 'o/r',
      });
      const { id } = await api.post<{ id: number }>(`/pipelines/application/${application.id}`, {
        name: 'deploy',
        operation: 'deploy',
        default_steps: false,
        steps: [{ command }],
      });
      return { id, serverId };
    },
    /** Puts actions in all at once, and returns how many per second ran, from the first claim to the last end. */
    async runWaiting(pipeline: Pipeline, count: number): Promise<number> {
      const first = await runOne(api, database, pipeline);
      putIn(database, first, count);
      const done = await untilEnded(database, first, count);
      return count / ((done.completedAt - done.startedAt) / 1000);
    },
    /** The ms from its claim until its whole log is stored. */
    async store(pipeline: Pipeline): Promise<number> {
      const id = await start(api, pipeline);
      const { startedAt, completedAt } = await untilEnded(database, id - 1, 1);
      return completedAt - startedAt;
    },
    /** The ms from its claim until a watcher has the end of its stream. */
    async watch(pipeline: Pipeline): Promise<number> {
      const id = await start(api, pipeline);
      const { at, bytes } = await readStream(`${program.url}/api/actions/${id}/events`, access_token);
      if (bytes < logMb * 1e6) throw new Error(`the watcher got no more than ${bytes} bytes`);
      const { startedAt } = await untilEnded(database, id - 1, 1);
      return at - startedAt;
    },
    async stop() {
      database.close();
      await program.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}

type Pipeline = { id: number; serverId: number | undefined };

async function addServer(api: ApiClient, { host, port, user, privateKey }: SshAccess): Promise<number> {
  const server = await api.post<{ id: number }>('/environments/1/servers', {
    hostname: `bench-${port}`,
    ip_address: host,
    ssh_port: port,
    ssh_user: user,
    ssh_private_key: privateKey,
  });
  const { status, message } = await api.post<{ status: string; message: string }>(
    `/servers/${server.id}/test-connection`,
    {},
  );
  if (status !== 'ok') throw new Error(message);
  return server.id;
}

async function start(api: ApiClient, { id, serverId }: Pipeline): Promise<number> {
  const body = serverId === undefined ? {} : { servers: [serverId] };
  return (await api.post<{ id: number }>(`/pipelines/${id}/actions`, body)).id;
}

/** One to copy from; it also opens what is kept open. Returns its id. */
async function runOne(
  api: ApiClient,
  database: SqliteDatabase.Database,
  pipeline: Pipeline,
): Promise<number> {
  const id = await start(api, pipeline);
  await untilEnded(database, id - 1, 1);
  const { place } = database
    .prepare('select resource_id as place from action_targets where action_id = ?')
    .get(id) as { place: number };
  if (place !== (pipeline.serverId ?? 0)) throw new Error(`it ran on ${place}, not on ${pipeline.serverId}`);
  return id;
}

function putIn(database: SqliteDatabase.Database, id: number, count: number): void {
  const changed: Record<string, string> = {
    status: `'pending'`,
    run_id: 'null',
    last_seq: '0',
    started_at: 'null',
    completed_at: 'null',
  };
  const columns = (database.pragma('table_info(actions)') as { name: string }[])
    .map(({ name }) => name)
    .filter((name) => name !== 'id');
  database.exec(
    `insert into actions (${columns.join(', ')})
      with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count})
      select ${columns.map((name) => changed[name] ?? name).join(', ')}
      from n cross join (select * from actions where id = ${id})`,
  );
}

/** Waits for `count` actions after `id`, and tells when the first was claimed and the last one ended, in ms since 1970. */
async function untilEnded(
  database: SqliteDatabase.Database,
  id: number,
  count: number,
): Promise<{ startedAt: number; completedAt: number }> {
  const query = database.prepare(
    `select count(completed_at) as ended, sum(status = 'completed') as good, min(started_at) as startedAt,
      max(completed_at) as completedAt, max(reason) as reason from actions where id > ? and id <= ?`,
  );
  for (const deadline = Date.now() + 300_000; Date.now() < deadline; await delay(20)) {
    const found = query.get(id, id + count) as {
      ended: number;
      good: number;
      startedAt: number;
      completedAt: number;
      reason: string;
    };
    if (found.ended < count) continue;
    if (found.good < count) throw new Error(`${count - found.good} of ${count} failed: ${found.reason}`);
    return found;
  }
  throw new Error(`${count} actions took longer than five minutes`);
}

async function perSecond(work: () => Promise<void>): Promise<number> {
  let left = actions;
  const startedAt = performance.now();
  const lane = async () => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: places }, lane));
  return actions / ((performance.now() - startedAt) / 1000);
}

async function spawnBare(): Promise<void> {
  await once(spawn('/bin/bash', [...bash, noOp], { stdio: 'ignore' }), 'exit');
}

async function execBare(client: Client): Promise<void> {
  await new Promise<void>((done, fail) => {
    client.exec(noOp, (error, stream) => {
      if (error) return fail(error);
      stream.once('close', done);
      stream.resume();
      stream.stderr.resume();
    });
  });
}

/** One after another. */
async function logRate(run: () => Promise<number>): Promise<number> {
  let ms = 0;
  for (let index = 0; index < logActions; index++) ms += await run();
  return (logMb * logActions) / (ms / 1000);
}

async function readBare(script: string): Promise<number> {
  const startedAt = performance.now();
  const child = spawn('/bin/bash', [...bash, script], { stdio: ['ignore', 'pipe', 'ignore'] });
  const bytes = await countBytes(child.stdout);
  if (bytes < logMb * 1e6) throw new Error(`the script printed no more than ${bytes} bytes`);
  return performance.now() - startedAt;
}

/** Reads a stream of events to the end of its action. */
async function readStream(url: string, token: string): Promise<{ at: number; bytes: number }> {
  const answer = await new Promise<Readable>((taken, refused) => {
    get(url, { headers: { authorization: `Bearer ${token}` } }, taken).on('error', refused);
  });
  const bytes = await countBytes(answer);
  return { at: Date.now(), bytes };
}

async function countBytes(from: Readable): Promise<number> {
  let bytes = 0;
  for await (const chunk of from as AsyncIterable<Buffer>) bytes += chunk.length;
  return bytes;
}

type SshAccess = { host: string; port: number; user: string; privateKey: string };

/** With a home that is empty, so that nothing of the user's is measured. */
async function startSshServer(kind: SshServerKind): Promise<SshAccess & { stop(): Promise<void> }> {
  const home = await mkdtemp(join(tmpdir(), 'hookline-bench-home-'));
  const child = spawn(process.execPath, ['bench/pipeline-ssh-server.ts', kind], {
    env: { PATH: process.env['PATH'] ?? '', HOME: home },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return {
    // Safe: it prints nothing else.
    ...(JSON.parse(line) as SshAccess),
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
      await rm(home, { recursive: true, force: true });
    },
  };
}

async function signIn({ host, port, user, privateKey }: SshAccess): Promise<Client> {
  const client = new ssh2.Client();
  client.connect({ host, port, username: user, privateKey });
  client.setNoDelay(true);
  await once(client, 'ready');
  // Its server is stopped first and may reset it.
  client.on('error', () => undefined);
  return client;
}

function option(name: string): string | undefined {
  const index = process.argv.indexOf(name);
  return index < 0 ? undefined : process.argv[index + 1];
}

function middle(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
