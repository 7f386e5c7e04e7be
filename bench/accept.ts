import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import type { IncomingHook } from '../src/hooks/registry.ts';
import { pullRequestPayload, pushPayload } from '../test/support/github.ts';
import type { LoadResult } from './load.ts';
import { createHook, runGenerator, signedLoad, startHookline, startProgram, variables } from './serve.ts';

/*
 * Accepts per second of one server process (HOOKLINE_ROLE=api, SQLite, fsync on every commit), beside the same
 * handler without storage and, where installed, Debian's `webhook` running /bin/true, all in one run.
 *
 *   node bench/accept.ts [--seconds 8] [--large 1000000]
 */

const seconds = option('--seconds', 8);
const largeRows = option('--large', 1_000_000);
const connections = 64;
const rounds = 3;
const secret = randomBytes(32).toString('hex');
const payloads = { 'push, 7 kB': pushPayload(), 'pull request, 21 kB': pullRequestPayload() };

const data = await mkdtemp(join(tmpdir(), 'hookline-bench-'));
try {
  const results: Row[] = [];
  let server = await startHookline(data);
  const hook = await createHook(server.url, secret);
  const baseline = await startProgram([
    'bench/accept-without-storage.ts',
    JSON.stringify(hookForBaseline(hook.id)),
  ]);
  const pathOf = `/api/hooks/${hook.id}/trigger`;

  for (const [name, body] of Object.entries(payloads)) {
    // Side by side, round by round: the machine's speed varies, and what runs first finds the engine cold.
    const bare: LoadResult[] = [];
    const kept: (LoadResult & { rssMb?: number })[] = [];
    for (let round = 0; round < rounds; round++) {
      bare.push(await load(baseline.url, pathOf, body));
      kept.push(await load(server.url, pathOf, body, server.pid));
    }
    const without = middle(bare);
    const stored = middle(kept);
    results.push({ name: `${name}: without storage (median of ${rounds})`, ...without });
    results.push({
      name: `${name}: Hookline (median of ${rounds})`,
      ...stored,
      rssMb: Math.max(...kept.map(({ rssMb }) => rssMb ?? 0)),
      ratio: `${(stored.perSecond / without.perSecond).toFixed(2)} of it`,
    });
    for (const [how, waits] of [
      ['answering when /bin/true has run', true],
      ['answering before, keeping nothing', false],
    ] as const) {
      const peer = await loadPeer(body, waits);
      if (!peer) continue;
      results.push({
        name: `${name}: webhook(1), ${how}`,
        ...peer,
        ratio: `Hookline is ${(stored.perSecond / peer.perSecond).toFixed(1)} times it`,
      });
    }
  }

  if (largeRows > 0) {
    const body = payloads['push, 7 kB'];
    await server.stop();
    console.error(`filling the database with ${largeRows} requests and actions ...`);
    const size = fill(join(data, 'hookline.db'), largeRows);
    server = await startHookline(data);
    // The same minute, the same machine: an empty database beside the large one.
    const emptyData = await mkdtemp(join(tmpdir(), 'hookline-bench-'));
    const empty = await startHookline(emptyData);
    const emptyHook = await createHook(empty.url, secret);
    const small: LoadResult[] = [];
    const large: LoadResult[] = [];
    for (let round = 0; round < rounds; round++) {
      small.push(await load(empty.url, `/api/hooks/${emptyHook.id}/trigger`, body));
      large.push(await load(server.url, pathOf, body, server.pid));
    }
    results.push({ name: `push: empty database (median of ${rounds})`, ...middle(small) });
    results.push({
      name: `push: ${largeRows} requests and actions, ${size} MB (median of ${rounds})`,
      ...middle(large),
      ratio: `${(middle(large).perSecond / middle(small).perSecond).toFixed(2)} of it`,
    });
    await empty.stop();
    await rm(emptyData, { recursive: true, force: true });
  }
  await server.stop();
  await baseline.stop();
  print(results);
} finally {
  await rm(data, { recursive: true, force: true });
}

type Row = LoadResult & { name: string; ratio?: string; rssMb?: number };

function middle<Result extends LoadResult>(rows: Result[]): Result {
  return rows.toSorted((a, b) => a.perSecond - b.perSecond)[Math.floor(rows.length / 2)]!;
}

function option(name: string, fallback: number): number {
  const index = process.argv.indexOf(name);
  return index < 0 ? fallback : Number(process.argv[index + 1]);
}

function hookForBaseline(uuid: string): Partial<IncomingHook> {
  return {
    // Safe: what `decide` reads of the row.
    row: { uuid, active: 1, pipeline_id: 1, resource_type: 'application' } as IncomingHook['row'],
    secret,
    pipelineIds: [1],
    definition: {
      requires_secret: true,
      secret_algorithm: 'sha256',
      secret_header_name: 'x-hub-signature-256',
      variables: variables.map((variable) => ({ ...variable, type: 'string' as const })),
      conditions: [],
    },
  };
}

async function load(
  url: string,
  path: string,
  body: Buffer,
  pid?: number,
): Promise<LoadResult & { rssMb?: number }> {
  let rssMb: number | undefined;
  const sample =
    pid === undefined
      ? undefined
      : setInterval(() => void readRss(pid).then((mb) => (rssMb = Math.max(rssMb ?? 0, mb))), 250);
  const plan = signedLoad(`${url}${path}`, secret, body, {
    connections,
    warmupMs: 2000,
    durationMs: seconds * 1000,
  });
  const result = await runGenerator<LoadResult>('bench/load.ts', plan);
  clearInterval(sample);
  return { ...result, ...(rssMb === undefined ? {} : { rssMb }) };
}

/** Resident memory in MB, as Linux tells it. */
async function readRss(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}

/** Debian's `webhook` (adnanh/webhook), with the same check of the signature. */
async function loadPeer(body: Buffer, waits: boolean): Promise<LoadResult | null> {
  if (spawnSync('webhook', ['-version']).status !== 0) return null;
  const file = join(data, 'hooks.json');
  const rule = {
    type: 'payload-hmac-sha256',
    secret,
    parameter: { source: 'header', name: 'X-Hub-Signature-256' },
  };
  await writeFile(
    file,
    JSON.stringify([
      {
        id: 'bench',
        'execute-command': '/bin/true',
        'include-command-output-in-response': waits,
        'trigger-rule': { match: rule },
      },
    ]),
  );
  const port = 20_000 + (process.pid % 20_000);
  const child = spawn('webhook', ['-hooks', file, '-ip', '127.0.0.1', '-port', String(port)], {
    stdio: 'ignore',
  });
  try {
    for (let tries = 0; tries < 100; tries++) {
      const up = await fetch(`http://127.0.0.1:${port}/`).then(
        () => true,
        () => false,
      );
      if (up) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return await load(`http://127.0.0.1:${port}`, '/hooks/bench', body);
  } finally {
    child.kill('SIGKILL');
  }
}

/** Copies the newest request and action until there are `rows` of each. Returns the size of the file in MB. */
function fill(file: string, rows: number): number {
  const database = new SqliteDatabase(file);
  database.pragma('synchronous = OFF');
  database.function('random_blob', { deterministic: false }, (size: number) => randomBytes(size));
  const columns = (table: string, except: string[]) =>
    (database.pragma(`table_info(${table})`) as { name: string }[])
      .map(({ name }) => name)
      .filter((name) => !except.includes(name))
      .join(', ');
  const request = columns('hook_requests', ['id', 'uuid', 'dedup_key']);
  const action = columns('actions', ['id', 'status']);
  const numbers = `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${rows})`;
  database.exec(`begin;
    insert into hook_requests (uuid, dedup_key, ${request})
      ${numbers} select printf('01900000-0000-7000-8000-%012x', i), random_blob(16), ${request}
      from n cross join (select * from hook_requests where outcome = 'accepted' limit 1);
    insert into actions (status, ${action})
      ${numbers} select 'completed', ${action} from n cross join (select * from actions limit 1);
    insert into request_payloads (content, created_at)
      with recursive n(i) as (select 1 union all select i + 1 from n where i < ${Math.ceil(rows / 50)})
      select random_blob(3000), 0 from n;
    commit;`);
  database.pragma('wal_checkpoint(TRUNCATE)');
  const { size } = database
    .prepare('select page_count * page_size as size from pragma_page_count(), pragma_page_size()')
    .get() as { size: number };
  database.close();
  return Math.round(size / 1024 / 1024);
}

function print(rows: Row[]): void {
  console.log(
    `${connections} connections, ${seconds} s each after a warm-up of 2 s, Node ${process.version}\n`,
  );
  for (const { name, perSecond, p50Ms, p99Ms, errors, rssMb, ratio } of rows) {
    const memory = rssMb === undefined ? '' : `, ${rssMb} MB resident`;
    const failed = errors > 0 ? `, ${errors} ERRORS` : '';
    console.log(
      `${name}\n  ${perSecond}/s, p50 ${p50Ms} ms, p99 ${p99Ms} ms${memory}${failed}${ratio ? `  → ${ratio}` : ''}`,
    );
  }
}
