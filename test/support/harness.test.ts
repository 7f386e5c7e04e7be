import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Client } from 'pg';
import { createApiClient, login, until } from './api-client.ts';
import { createTestDatabase, databaseKinds } from './database.ts';
import type { TestDatabase } from './database.ts';
import { githubHeaders, githubPayload, pullRequestPayload, pushPayload, sign } from './github.ts';
import { startReceiver, testCaPath } from './receiver.ts';
import type { Receiver } from './receiver.ts';

type ReceiverOptions = Parameters<typeof startReceiver>[0];

async function receiverFor(t: TestContext, options?: ReceiverOptions): Promise<Receiver> {
  const receiver = await startReceiver(options);
  t.after(() => receiver.close());
  return receiver;
}

async function query(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}

function urlOf(database: TestDatabase): string {
  return database.env.DATABASE_URL ?? assert.fail('no DATABASE_URL');
}

/** The code of the socket error below a failed fetch. */
async function failureOf(url: string): Promise<unknown> {
  const error = await fetch(url).then(
    (response) => response.text().then(() => assert.fail(`answered ${response.status}`)),
    (error: TypeError) => error,
  );
  return (error.cause as NodeJS.ErrnoException).code;
}

/** The status of a GET over TLS that trusts only `ca`. */
function getStatus(url: string, ca?: Buffer): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(url, { ca, agent: false }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode));
    });
    outgoing.on('error', reject).end();
  });
}

test('each postgres test database is a PostgreSQL 18 database apart from the others', async (t) => {
  const [one, other] = await Promise.all([createTestDatabase('postgres'), createTestDatabase('postgres')]);
  t.after(() => Promise.all([one.drop(), other.drop()]));
  await query(urlOf(one), 'CREATE TABLE only_here (id int)');
  const tables = `SELECT to_regclass('only_here') AS found, current_setting('server_version') AS version`;
  const [here] = await query(urlOf(one), tables);
  const [there] = await query(urlOf(other), tables);
  assert.equal(here?.found, 'only_here');
  assert.equal(there?.found, null);
  assert.match(String(here?.version), /^18\./);
  assert.equal(Buffer.from(one.env.HOOKLINE_SECRET_KEY ?? '', 'base64').length, 32);
});

test('dropping a test database works twice and under a connected client', async () => {
  for (const kind of databaseKinds) {
    const database = await createTestDatabase(kind);
    const folder = database.env.HOOKLINE_DATA ?? assert.fail('no HOOKLINE_DATA');
    assert.ok(existsSync(folder));
    let client: Client | undefined;
    if (kind === 'postgres') {
      client = new Client({ connectionString: urlOf(database) });
      client.on('error', () => {});
      await client.connect();
    }
    await database.drop();
    await database.drop();
    assert.ok(!existsSync(folder));
    if (kind === 'postgres') await assert.rejects(query(urlOf(database), 'SELECT 1'), { code: '3D000' });
    await client?.end();
  }
});

test('a postgres server goes away with its folder when its process is killed', async (t) => {
  const script = `
    import { startPostgres } from ${JSON.stringify(join(import.meta.dirname, 'postgres.ts'))};
    console.log((await startPostgres()).url);
    setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => owner.kill('SIGKILL'));
  const url = String((await once(owner.stdout, 'data'))[0]).trim();
  const [row] = await query(url, `SELECT current_setting('data_directory') AS folder`);
  const folder = join(String(row?.folder), '..');
  owner.kill('SIGKILL');
  await until(async () => !existsSync(folder), 'the folder to go away');
  await assert.rejects(query(url, 'SELECT 1'), { code: 'ECONNREFUSED' });
});

test('a receiver records a request as it was sent and answers 200', async (t) => {
  const receiver = await receiverFor(t);
  const before = Date.now();
  const response = await fetch(`${receiver.url}/a?b=c`, {
    method: 'PUT',
    body: '{"n":1}',
    headers: { 'x-me': 'you' },
  });
  assert.equal(response.status, 200);
  const [request] = await receiver.waitFor(1);
  assert.equal(request.method, 'PUT');
  assert.equal(request.path, '/a?b=c');
  assert.equal(request.body, '{"n":1}');
  assert.deepEqual(request.json(), { n: 1 });
  assert.equal(request.headers['x-me'], 'you');
  assert.ok(request.at >= before && request.at <= Date.now());
});

test('a receiver behaves by request and index, and differently once told', async (t) => {
  const receiver = await receiverFor(t, {
    behave: (_, index) => ({
      kind: 'answer',
      status: index === 0 ? 503 : 201,
      headers: { 'x-i': `${index}` },
    }),
  });
  const statuses = [(await fetch(receiver.url)).status, (await fetch(receiver.url)).status];
  assert.deepEqual(statuses, [503, 201]);
  receiver.setBehaviour((request) => ({ kind: 'answer', status: 200, body: request.path, delayMs: 100 }));
  const start = performance.now();
  assert.equal(await (await fetch(`${receiver.url}/later`)).text(), '/later');
  assert.ok(performance.now() - start >= 95);
});

test('a hanging receiver leaves its client waiting until close', async () => {
  const receiver = await startReceiver({ behave: () => ({ kind: 'hang' }) });
  const answer = failureOf(receiver.url);
  await receiver.waitFor(1);
  const first = await Promise.race([answer, new Promise((r) => setTimeout(r, 200, 'still waiting'))]);
  assert.equal(first, 'still waiting');
  await receiver.close();
  await receiver.close();
  assert.equal(await answer, 'UND_ERR_SOCKET');
});

test('a resetting receiver gives its client ECONNRESET', async (t) => {
  const receiver = await receiverFor(t, { behave: () => ({ kind: 'reset' }) });
  assert.equal(await failureOf(receiver.url), 'ECONNRESET');
});

test('half an answer has headers and half of its body', async (t) => {
  const receiver = await receiverFor(t, { behave: () => ({ kind: 'half', body: '12345678' }) });
  const response = await fetch(receiver.url);
  assert.equal(response.headers.get('content-length'), '8');
  const reader = response.body?.getReader() ?? assert.fail('no body');
  assert.equal(Buffer.from((await reader.read()).value ?? []).toString(), '1234');
  await assert.rejects(reader.read(), { message: 'terminated' });
});

test('a flood has the size asked for, and an endless one waits for its reader', async (t) => {
  const receiver = await receiverFor(t, { behave: () => ({ kind: 'flood', bytes: 3_000_001 }) });
  assert.equal((await (await fetch(receiver.url)).arrayBuffer()).byteLength, 3_000_001);
  receiver.setBehaviour(() => ({ kind: 'flood', bytes: Infinity }));
  const response = await fetch(receiver.url);
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.ok(process.memoryUsage().arrayBuffers < 50_000_000);
  await response.body?.cancel();
});

test('a drip comes slowly and whole, its headers first', async (t) => {
  const receiver = await receiverFor(t, { behave: () => ({ kind: 'drip', body: 'slow', everyMs: 60 }) });
  const response = await fetch(receiver.url);
  const start = performance.now();
  assert.equal(await response.text(), 'slow');
  assert.ok(performance.now() - start >= 100);
});

test('waitFor hears what comes later, says what it missed, and ends with the receiver', async (t) => {
  const receiver = await receiverFor(t);
  const second = receiver.waitFor((request) => request.path === '/second');
  await fetch(`${receiver.url}/first`);
  await fetch(`${receiver.url}/second`);
  assert.equal((await second)[0].path, '/second');
  assert.equal((await receiver.waitFor(2)).length, 2);
  await assert.rejects(receiver.waitFor(3, 'a third', 30), {
    message: '30 ms passed while waiting for a third; arrived: GET /first, GET /second',
  });
  const never = assert.rejects(receiver.waitFor(3), /^Error: closed while waiting for 3 requests/);
  await receiver.close();
  await never;
});

test('a TLS receiver is trusted through the test CA by name and address, not without it', async (t) => {
  const receiver = await receiverFor(t, { tls: true });
  const ca = readFileSync(testCaPath);
  assert.equal(await getStatus(receiver.url, ca), 200);
  assert.equal(await getStatus(`https://localhost:${receiver.port}`, ca), 200);
  await assert.rejects(getStatus(receiver.url), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  receiver.setBehaviour(() => ({ kind: 'reset' }));
  await assert.rejects(getStatus(receiver.url, ca), { code: 'ECONNRESET', syscall: 'read' });
});

test('the API client prefixes, authorizes, encodes, decodes and throws on anything but a 2xx', async (t) => {
  const json = { 'content-type': 'application/json; charset=utf-8' };
  const receiver = await receiverFor(t, {
    behave: (request) =>
      request.path === '/api/bad'
        ? { kind: 'answer', status: 422, headers: json, body: '{"message":"no"}' }
        : { kind: 'answer', status: 200, headers: json, body: JSON.stringify({ path: request.path }) },
  });
  const api = createApiClient(receiver.url, 'secret');
  assert.deepEqual(await api.post<{ path: string }>('/things', { a: 1 }), { path: '/api/things' });
  await api.request('POST', '/raw', Buffer.from([0x7b, 0x7d]), { 'x-extra': '1' });
  await api.delete('/things/1');
  const [posted, raw, deleted] = receiver.requests;
  assert.equal(posted?.headers.authorization, 'Bearer secret');
  assert.equal(posted?.headers['content-type'], 'application/json');
  assert.deepEqual(posted?.json(), { a: 1 });
  assert.equal(raw?.body, '{}');
  assert.equal(raw?.headers['x-extra'], '1');
  assert.equal(deleted?.headers['content-type'], undefined);
  await assert.rejects(api.get('/bad'), { message: 'GET /api/bad answered 422: {"message":"no"}' });
  assert.equal((await api.request('GET', '/bad')).status, 422);
  await login(receiver.url, 'a@example.com', 'pw');
  const [attempt] = await receiver.waitFor((request) => request.path === '/api/users/login');
  assert.deepEqual(attempt.json(), { email: 'a@example.com', password: 'pw' });
});

test('until returns what the probe finds and names what it waited for in vain', async () => {
  let asked = 0;
  assert.equal(await until(async () => ++asked === 3 && 'found', 'a third time'), 'found');
  const message = 'waited 50 ms in vain for the moon';
  await assert.rejects(
    until(async () => undefined, 'the moon', 50),
    { message },
  );
  await assert.rejects(
    until(() => new Promise<true>(() => {}), 'the moon', 50),
    { message },
  );
});

test("signatures are GitHub's: the vector of its documentation", () => {
  const hex = '757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
  assert.equal(sign("It's a Secret to Everybody", 'Hello, World!'), `sha256=${hex}`);
  const headers = githubHeaders('push', "It's a Secret to Everybody", 'Hello, World!', 'd-1');
  assert.equal(headers['x-hub-signature-256'], `sha256=${hex}`);
  assert.equal(headers['x-github-event'], 'push');
  assert.equal(headers['x-github-delivery'], 'd-1');
});

test("payloads are GitHub's, of the sizes that benchmarks quote", () => {
  assert.equal(pushPayload().length, 7_678);
  assert.equal(pullRequestPayload().length, 21_370);
  assert.equal(githubPayload('issues', (example) => example.action === 'pinned').action, 'pinned');
  assert.throws(() => githubPayload('no_such_event'), /no_such_event/);
});

test('an error that nobody handles fails its file, also one of a promise', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'hookline-harness-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const errors = [
    "void Promise.reject(new Error('aside'))",
    "setImmediate(() => { throw new Error('aside'); })",
  ];
  for (const [index, error] of errors.entries()) {
    const file = join(folder, `${index}.test.mjs`);
    const lines = ["import { test } from 'node:test';", "import { setTimeout } from 'node:timers/promises';"];
    await writeFile(
      file,
      [...lines, `test('goes on', async () => { ${error}; await setTimeout(50); });`].join('\n'),
    );
    const tracking = join(import.meta.dirname, 'light-tracking.mjs');
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const child = spawn(process.execPath, ['--import', tracking, file], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const output = text(child.stdout);
    const [code] = await once(child, 'exit');
    assert.equal(code, 1);
    assert.match(await output, /aside/);
  }
});
