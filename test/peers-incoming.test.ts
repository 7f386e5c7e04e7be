import assert from 'node:assert/strict';
import crypto, { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { after, before, describe, mock, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { checkSignature } from '../src/incoming/signature.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { executeSql, queryRows } from './support/execute-sql.ts';
import {
  createApplication,
  createIncomingHook,
  createPipeline,
  openWorkplace,
  sendSigned,
  untilAction,
} from './support/fixtures.ts';
import type { IncomingHook } from './support/fixtures.ts';
import { githubHeaders, githubPayload, sign } from './support/github.ts';
import { changedExample, sendAs, signAs, type SigningScheme } from './support/incoming-senders.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import type { InProcessApp } from './support/in-process-app.ts';
import { startServer } from './support/server.ts';
import { dumpTables } from './support/table-dump.ts';

/* One test for each row of "What the peers get wrong" in FIELD.md that concerns incoming requests, named for it. */

type Listed = { id: string; outcome: string; reason: string; action_id: number | null };

const push = JSON.stringify({ ...githubPayload('push'), ref: 'refs/heads/main' });
const mostBytes = 65_536;

describe('row 1: answered 2xx, then lost', { timeout: 600_000 }, () => {
  test('whatever was answered 202 before kill -9, or waits behind a run, runs after the restart', async (t) => {
    const database = await createTestDatabase('sqlite');
    t.after(() => database.drop());
    const first = await startServer({ database });
    t.after(() => first.stop());
    const work = await openWorkplace(first);
    const file = join(database.env.HOOKLINE_DATA ?? '', 'ran');
    const steps = [`echo "$HOOKLINE_ACTION_ID" >> ${file}; test -e ${file}.restarted || sleep 60`];
    const pipeline = await createPipeline(work, await createApplication(work), steps, {
      max_parallel_actions: 1,
    });
    const hook = await createIncomingHook(work, pipeline);
    const ids: number[] = [];
    // The first runs while the others come, and the last is answered the moment before the end.
    for (let index = 0; index < 4; index++) {
      const { status, body } = await sendSigned(first, hook, push);
      assert.equal(status, 202);
      ids.push(body.action_id!);
      if (index === 0) await untilAction(work, ids[0]!, ['in-progress']);
    }
    await first.kill9();
    await writeFile(`${file}.restarted`, '');
    const second = await startServer({ database });
    t.after(() => second.stop());
    const again = { ...work, url: second.url, api: await second.login() };
    const statuses: string[] = [];
    for (const id of ids) statuses.push((await untilAction(again, id)).status);
    // What ran when the machine died is told to have failed, and not run twice by itself.
    assert.deepEqual(statuses, ['failed', 'completed', 'completed', 'completed']);
    assert.deepEqual(new Set((await readFile(file, 'utf8')).trim().split('\n').map(Number)), new Set(ids));
    const records = await again.api.get<Listed[]>(`/hooks/incoming/${hook.id}/requests`);
    assert.deepEqual(records.map(({ action_id }) => action_id).toReversed(), ids);
  });
});

for (const kind of databaseKinds) {
  describe(`on ${kind}`, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let database: TestDatabase;
    let app: InProcessApp;
    let pipeline: number;

    before(async () => {
      database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
      const env = { HOOKLINE_ROLE: 'api', HOOKLINE_MAX_BODY_BYTES: String(mostBytes) };
      app = ends.adopt(await startInProcessApp({ database, env }), (started) => started.stop());
      pipeline = await createPipeline(app, await createApplication(app));
    });

    const hookWith = (fields: object = {}) => createIncomingHook(app, pipeline, { ...fields });
    const records = (hook: IncomingHook) =>
      app.api.get<Listed[]>(`/hooks/incoming/${hook.id}/requests?per_page=100`);
    const count = async (table: string): Promise<number> => {
      const [row] = await queryRows<{ n: number | string }>(database, `select count(*) as n from ${table}`);
      return Number(row?.n);
    };

    test('row 2: the request committed, its run not, and the retry with the same id refused', async () => {
      const hook = await hookWith();
      const before_ = [await count('hook_requests'), await count('actions')];
      const headers = { 'x-github-delivery': randomUUID() };
      for (const table of ['actions', 'hook_requests', 'request_payloads']) {
        await executeSql(database, `alter table ${table} rename to elsewhere`);
        const failed = await sendSigned(app, hook, push, { headers }).finally(() =>
          executeSql(database, `alter table elsewhere rename to ${table}`),
        );
        assert.equal(failed.status, 503, table);
        assert.deepEqual(
          [await count('hook_requests'), await count('actions')],
          before_,
          `half of it was kept while ${table} could not be written`,
        );
      }
      const taken = await sendSigned(app, hook, push, { headers });
      assert.equal(taken.status, 202);
      assert.equal(taken.body.message, `Accepted as action ${taken.body.action_id}.`);
    });

    test('row 3: repeats looked up before the signature is checked, or checked and then inserted', async () => {
      const hook = await hookWith();
      const headers = { 'x-github-delivery': randomUUID() };
      const forged = { ...headers, 'x-hub-signature-256': sign('another secret', push) };
      assert.equal((await sendSigned(app, hook, push, { headers: forged })).status, 401);
      const answers = await Promise.all(
        Array.from({ length: 16 }, () => sendSigned(app, hook, push, { headers })),
      );
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202]));
      assert.equal(new Set(answers.map(({ body }) => body.action_id)).size, 1);
      const late = await sendSigned(app, hook, push, { headers: forged });
      assert.deepEqual([late.status, late.body.action_id], [401, null], 'a stranger learns what ran');
      const outcomes = (await records(hook)).map(({ outcome }) => outcome);
      assert.equal(outcomes.filter((outcome) => outcome === 'accepted').length, 1);
    });

    test('row 4: the signature computed over JSON that was written anew', async () => {
      const hook = await hookWith();
      const odd = '{"b": 1.0,\r\n "a":"\\u00e9é", "b":12345678901234567890 , "é":"\\/"}\n';
      const anew = JSON.stringify(JSON.parse(odd));
      assert.equal((await sendSigned(app, hook, odd)).status, 202);
      const headers = { 'x-hub-signature-256': sign(hook.secret, anew) };
      assert.equal((await sendSigned(app, hook, odd, { headers })).status, 401);
    });

    test('row 4: no check at all for Bitbucket Cloud', async () => {
      const hook = await hookWith({ preset: 'bitbucket' });
      const example = changedExample('bitbucket-push');
      const forged = { id: hook.id, secret: 'another secret' };
      assert.equal((await sendAs('bitbucket', app, forged, example)).status, 401);
      const unsigned = { 'x-hub-signature': '' };
      assert.equal((await sendAs('bitbucket', app, hook, example, { headers: unsigned })).status, 401);
      // It has no header at all where Bitbucket was given no secret.
      assert.equal((await sendAs('github', app, hook, example)).status, 401);
      assert.equal((await sendAs('bitbucket', app, hook, example)).status, 202);
    });

    test('row 5: no limit of the body, or one at which a chunked body is cut silently', async () => {
      const hook = await hookWith();
      // What is left of it when it is cut is JSON too, and signed.
      const kept = push.padEnd(mostBytes, ' ');
      const chunks = [kept, ' '.repeat(10_000)];
      for (const signed of [kept, chunks.join('')]) {
        assert.equal(await sendChunks(app, hook, chunks, { signed }), 413);
        assert.equal(await sendChunks(app, hook, [chunks.join('')], { signed, isAnnounced: true }), 413);
      }
      assert.equal(await sendChunks(app, hook, [kept], { signed: kept }), 202);
      const bomb = gzipSync(chunks.join(''));
      const inflating = { 'content-encoding': 'gzip' };
      assert.equal((await sendSigned(app, hook, bomb, { headers: inflating })).status, 413);
      const outcomes = (await records(hook)).map(({ outcome }) => outcome);
      assert.deepEqual(outcomes, ['refused', 'accepted', ...Array(4).fill('refused')]);
    });

    test('row 11: no view of why a hook did not fire', async () => {
      const hook = await hookWith({
        preset: 'github',
        settings: { variables: [{ name: 'ticket', path: 'ticket', required: true }] },
      });
      const on = (ref: string, more = {}) => JSON.stringify({ ...githubPayload('push'), ref, ...more });
      const delivery = { 'x-github-delivery': randomUUID() };
      const right = on('refs/heads/main', { ticket: 'SHOP-1' });
      await sendSigned(app, { ...hook, secret: 'of the hook before' }, right);
      await sendSigned(app, hook, '{}', { event: 'ping' });
      await sendSigned(app, hook, right, { event: 'issues' });
      await sendSigned(app, hook, on('refs/heads/dev'));
      await sendSigned(app, hook, on('refs/heads/main'));
      await sendSigned(app, hook, right, { headers: delivery });
      await sendSigned(app, hook, right, { headers: delivery });
      await app.api.put(`/hooks/incoming/${hook.id}`, { active: false });
      await sendSigned(app, hook, right);
      const all = (await records(hook)).toReversed();
      const expected: [outcome: string, reason: RegExp][] = [
        ['refused', /^The signature in x-hub-signature-256 does not match: another secret/],
        ['skipped', /^Ping received/],
        ['skipped', /\(event\) is not met: x-github-event must be "push", and found was "issues"\.$/],
        ['skipped', /ref must be "refs\/heads\/main", and found was "refs\/heads\/dev"\.$/],
        ['refused', /^Not run: ticket is required, but there is nothing at ticket\.$/],
        ['accepted', /^Accepted\.$/],
        ['duplicate', new RegExp(`accepted before, as request ${all[5]?.id}\\.$`)],
        ['refused', /^This hook is not active\.$/],
      ];
      assert.equal(all.length, expected.length);
      for (const [index, [outcome, reason]] of expected.entries()) {
        assert.equal(all[index]?.outcome, outcome, `${all[index]?.reason}`);
        assert.match(all[index]?.reason ?? '', reason);
      }
    });
  });
}

test('row 4: secrets compared character by character', (t) => {
  const compared: [number, number][] = [];
  const { timingSafeEqual } = crypto;
  mock.method(crypto, 'timingSafeEqual', (one: Buffer, other: Buffer) => {
    compared.push([one.length, other.length]);
    return timingSafeEqual(one, other);
  });
  syncBuiltinESMExports();
  t.after(() => {
    mock.restoreAll();
    syncBuiltinESMExports();
  });
  const secret = `whsec_${Buffer.alloc(32, 'k').toString('base64')}`;
  const body = Buffer.from(push);
  const seconds = Math.floor(Date.now() / 1000);
  const schemes: SigningScheme[] = [
    'github',
    'gitlab-token',
    'gitlab-signed',
    'bitbucket',
    'gitea',
    'stripe',
    'slack',
    'shopify',
    'standard-webhooks',
  ];
  for (const scheme of schemes) {
    const definition = {
      requires_secret: true,
      signature_scheme: scheme,
      secret_algorithm: null,
      secret_header_name: null,
      variables: [],
      conditions: [],
    };
    const other = `whsec_${Buffer.alloc(32, 'o').toString('base64')}`;
    for (const [signing, ok] of [
      [secret, true],
      [other, false],
    ] as const) {
      compared.length = 0;
      const headers = signAs(scheme, { secret: signing, body, headers: {}, seconds });
      assert.equal(checkSignature({ definition, secret }, headers, body, Date.now()).ok, ok, scheme);
      assert.deepEqual(compared, [[32, 32]], `${scheme} was decided in another way`);
    }
  }
  // Of several all are compared, so that the time does not tell which was right.
  const headers = signAs('standard-webhooks', { secret, body, headers: {}, seconds });
  const wrong = `v1,${Buffer.alloc(32).toString('base64')}`;
  const several = `${headers['webhook-signature']} ${wrong} ${wrong}`;
  compared.length = 0;
  const definition = {
    requires_secret: true,
    signature_scheme: 'standard-webhooks' as const,
    secret_algorithm: null,
    secret_header_name: null,
    variables: [],
    conditions: [],
  };
  const given = { ...headers, 'webhook-signature': several };
  assert.ok(checkSignature({ definition, secret }, given, body, Date.now()).ok);
  assert.equal(compared.length, 3);
});

describe('with a server that runs', { timeout: 600_000 }, () => {
  test('row 7: no concurrency or order of what a hook starts', async (t) => {
    const server = await startServer();
    t.after(() => server.stop());
    const work = await openWorkplace(server);
    const folder = await createTestDatabase('sqlite');
    t.after(() => folder.drop());
    const file = join(folder.env.HOOKLINE_DATA ?? '', 'log');
    const steps = [
      `echo "begin $HOOKLINE_VAR_N" >> ${file}; sleep 0.1; echo "end $HOOKLINE_VAR_N" >> ${file}`,
    ];
    const pipeline = await createPipeline(work, await createApplication(work), steps, {
      max_parallel_actions: 1,
    });
    const settings = { variables: [{ name: 'n', type: 'integer' }] };
    const hooks = [
      await createIncomingHook(work, pipeline, { settings }),
      await createIncomingHook(work, pipeline, { settings }),
    ];
    const ids: number[] = [];
    for (let n = 0; n < 6; n++) {
      const { body } = await sendSigned(server, hooks[n % 2]!, JSON.stringify({ n }));
      ids.push(body.action_id!);
    }
    for (const id of ids) assert.equal((await untilAction(work, id)).status, 'completed');
    const lines = (await readFile(file, 'utf8')).trim().split('\n');
    assert.deepEqual(
      lines,
      ids.flatMap((_, n) => [`begin ${n}`, `end ${n}`]),
    );
  });

  test('row 10: secrets in the log, in the environment or at rest in plain text', async (t) => {
    const database = await createTestDatabase('sqlite');
    t.after(() => database.drop());
    const server = await startServer({ database, env: { HOOKLINE_LOG_LEVEL: 'trace' } });
    t.after(() => server.stop());
    const work = await openWorkplace(server);
    const pipeline = await createPipeline(work, await createApplication(work), [
      'env; cat /proc/$PPID/environ',
    ]);
    const secrets: string[] = [];
    let output = '';
    for (const [scheme, secret] of [
      ['github', `plain-${randomUUID()}`],
      ['gitlab-token', `token-${randomUUID()}`],
      ['stripe', `whsec_${randomUUID()}`],
      ['standard-webhooks', `whsec_${crypto.randomBytes(32).toString('base64')}`],
    ] as const) {
      secrets.push(secret);
      const hook = await createIncomingHook(work, pipeline, { signature_scheme: scheme, secret });
      const { body } = await sendAs(scheme, server, hook, { body: push });
      const forged = { id: hook.id, secret: `${secret.slice(0, -1)}_` };
      assert.equal((await sendAs(scheme, server, forged, { body: push })).status, 401);
      await untilAction(work, body.action_id ?? assert.fail('nothing ran'));
      type Target = { id: number; steps: { order: number }[] };
      const { targets } = await work.api.get<{ targets: Target[] }>(`/actions/${body.action_id}`);
      for (const { id, steps } of targets) {
        for (const { order } of steps) {
          const log = `/actions/${body.action_id}/targets/${id}/steps/${order}/logs`;
          output += JSON.stringify(await work.api.get(log));
        }
      }
    }
    assert.match(output, /HOOKLINE_ACTION_ID/, 'the step has shown its environment');
    const rows = await dumpTables(database);
    await server.stop();
    for (const [place, text] of Object.entries({ log: server.output(), rows, output })) {
      for (const secret of secrets) assert.ok(!text.includes(secret), `${secret} stands in the ${place}`);
    }
  });
});

async function sendChunks(
  { url }: { url: string },
  hook: IncomingHook,
  chunks: string[],
  { signed, isAnnounced = false }: { signed: string; isAnnounced?: boolean },
): Promise<number> {
  return await new Promise((resolve, reject) => {
    const length = { 'content-length': String(chunks.join('').length) };
    const outgoing = httpRequest(`${url}/api/hooks/${hook.id}/trigger`, {
      method: 'POST',
      agent: false,
      headers: { ...githubHeaders('push', hook.secret, signed), ...(isAnnounced ? length : {}) },
    });
    outgoing.on('response', (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
    });
    outgoing.on('error', reject);
    for (const chunk of chunks) outgoing.write(chunk);
    outgoing.end();
  });
}
