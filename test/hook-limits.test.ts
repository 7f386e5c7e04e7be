import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { IncomingHook as RegisteredHook } from '../src/hooks/registry.ts';
import { createUnverifiedLimit } from '../src/incoming/unverified.ts';
import { createTokenBuckets } from '../src/platform/rate-limit.ts';
import { createApiClient, until } from './support/api-client.ts';
import type { ApiAnswer } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { queryRows } from './support/execute-sql.ts';
import {
  createApplication,
  createIncomingHook,
  createOutgoingHook,
  createPipeline,
  sendSigned,
} from './support/fixtures.ts';
import type { IncomingHook, Receipt } from './support/fixtures.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import type { InProcessApp } from './support/in-process-app.ts';

type Shown = {
  rate_limit_per_minute: number | null;
  refused_requests: number;
  last_refused_at: string | null;
};
type Record = { id: string; outcome: string; reason: string; response_status_code: number };

const forged = { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` };
const second = 1000;

for (const kind of databaseKinds) {
  describe(`what a hook takes (${kind})`, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let database: TestDatabase;
    let app: InProcessApp;
    let pipeline: number;
    let addresses = 0;

    const start = () =>
      startInProcessApp({
        database,
        env: { HOOKLINE_TRUST_PROXY: '127.0.0.1', HOOKLINE_ROLE: 'api' },
        ...(app ? { clock: app.clock } : {}),
      });
    before(async () => {
      database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
      app = ends.adopt(await start(), (started) => started.stop());
      pipeline = await createPipeline(app, await createApplication(app));
    });

    const newAddress = () => `198.51.100.${++addresses}`;
    const send = (
      hook: { id: string },
      { from = newAddress(), body = '{}', headers = {}, to = app.url } = {},
    ): Promise<ApiAnswer<Receipt>> =>
      createApiClient(to).request('POST', `/hooks/${hook.id}/trigger`, body, {
        ...headers,
        'x-forwarded-for': from,
      });
    const read = (hook: { id: string }, api = app.api) => api.get<Shown>(`/hooks/incoming/${hook.id}`);
    const records = async (hook: { id: string }): Promise<Record[]> => {
      const page = (number: number) =>
        app.api.get<Record[]>(`/hooks/incoming/${hook.id}/requests?per_page=100&page=${number}`);
      return [...(await page(1)), ...(await page(2)), ...(await page(3))];
    };
    const statuses = async (count: number, one: () => Promise<{ status: number }>): Promise<number[]> => {
      const found: number[] = [];
      for (let left = count; left > 0; left -= 50)
        found.push(
          ...(await Promise.all(Array.from({ length: Math.min(50, left) }, one))).map(({ status }) => status),
        );
      // Those that are under way together are answered in any order.
      return found.sort();
    };
    /** Has an address send as much as it may. */
    const useUp = async (from: string) => {
      const nowhere = { id: '00000000-0000-4000-8000-000000000000' };
      await statuses(1000, () => send(nowhere, { from }));
    };
    const times = (count: number, status: number) => Array.from({ length: count }, () => status);

    test('a flood without signatures leaves its last hundred records, and every record of what was signed', async () => {
      const hook = await createIncomingHook(app, pipeline);
      const signed = [
        await sendSigned(app, hook, 'no JSON at all'),
        await sendSigned(app, hook, '{}', { event: 'ping' }),
        await sendSigned(app, hook, '{}'),
      ];
      assert.deepEqual(
        signed.map(({ status }) => status),
        [400, 200, 202],
      );
      const from = newAddress();
      assert.deepEqual(await statuses(130, () => send(hook, { from, headers: forged })), times(130, 401));
      const last = await send(hook, { from });
      assert.equal(last.status, 401);
      await app.clock.advance(second);
      await until(async () => (await records(hook)).length === 103, 'the older ones to be removed');
      const kept = await records(hook);
      assert.equal(kept[0]?.id, last.body.hook_request_id);
      assert.deepEqual(
        kept.slice(100).map(({ id }) => id),
        signed.map(({ body }) => body.hook_request_id).toReversed(),
      );
      const shown = await read(hook);
      assert.equal(shown.refused_requests, 131);
      assert.equal(shown.last_refused_at, new Date(app.clock.now() - second).toISOString());
    });

    test('a hook that takes unsigned requests keeps the last hundred of what ran nothing, without the bodies of older ones', async () => {
      const hook = await createIncomingHook(app, pipeline, {
        requires_secret: false,
        trigger_when: { conditions: [{ path: 'ref', accepted_values: ['main'] }] },
      });
      const from = newAddress();
      const ran = await send(hook, { from, body: '{"ref":"main"}' });
      assert.equal(ran.status, 202);
      // Those that are stored in one go are compressed together, but never what stays with what goes.
      const beside = await createIncomingHook(app, pipeline, { requires_secret: false });
      await Promise.all(
        Array.from({ length: 60 }, (_, index) => send(index % 2 === 0 ? hook : beside, { from, body: '{}' })),
      );
      const [packs] = await queryRows<{ shared: number; mixed: number }>(
        database,
        `select cast(count(*) - count(distinct payload_id) as integer) as shared,
           cast(sum(case when outcome <> 'accepted' and exists (
             select 1 from hook_requests as other where other.payload_id = hook_requests.payload_id and other.outcome = 'accepted'
           ) then 1 else 0 end) as integer) as mixed
         from hook_requests where payload_id is not null
           and hook_uuid in ('${hook.id}', '${beside.id}')`,
      );
      assert.ok(packs!.shared > 0);
      assert.equal(packs?.mixed, 0);
      assert.deepEqual(
        await statuses(120, () => send(hook, { from, body: '{"ref":"other"}' })),
        times(120, 200),
      );
      assert.deepEqual(await statuses(120, () => send(hook, { from, body: '{' })), times(120, 400));
      await app.clock.advance(second);
      await until(async () => (await records(hook)).length === 101, 'the older ones to be removed');
      const kept = await records(hook);
      assert.deepEqual(new Set(kept.slice(0, 100).map(({ outcome }) => outcome)), new Set(['refused']));
      assert.equal(kept.at(-1)?.id, ran.body.hook_request_id);
      const [orphans] = await queryRows<{ count: number }>(
        database,
        `select cast(count(*) as integer) as count from request_payloads
         where not exists (select 1 from hook_requests where payload_id = request_payloads.id)`,
      );
      assert.equal(orphans?.count, 0);
      assert.equal((await read(hook)).refused_requests, 120);
      const { request_body } = await app.api.get<{ request_body: unknown }>(
        `/hook-requests/${ran.body.hook_request_id}`,
      );
      assert.deepEqual(request_body, { ref: 'main' });
    });

    test('of what ran nothing at a hook that takes unsigned requests no large bodies are kept', async () => {
      const hook = await createIncomingHook(app, pipeline, {
        requires_secret: false,
        trigger_when: { conditions: [{ path: 'ref', accepted_values: ['main'] }] },
      });
      const from = newAddress();
      const large = (ref: string) => JSON.stringify({ ref, text: 'x'.repeat(70_000) });
      const skipped = await send(hook, { from, body: large('other') });
      const ran = await send(hook, { from, body: large('main') });
      assert.deepEqual([skipped.status, ran.status], [200, 202]);
      const shown = (id: string) =>
        app.api.get<{ request_body: object; request_headers: object }>(`/hook-requests/${id}`);
      const [without, whole] = [
        await shown(skipped.body.hook_request_id),
        await shown(ran.body.hook_request_id),
      ];
      assert.deepEqual(without.request_body, {});
      assert.ok(Object.keys(without.request_headers).length > 0);
      assert.equal(Object.keys(whole.request_body).length, 2);
    });

    test('an address that is over its limit is told to wait, is counted and not recorded; what is signed is taken', async () => {
      const hook = await createIncomingHook(app, pipeline);
      const from = newAddress();
      const answers = await statuses(1010, () => send(hook, { from, headers: forged }));
      assert.deepEqual(answers, [...times(1000, 401), ...times(10, 429)]);
      const refused = await send(hook, { from, headers: forged });
      assert.equal(refused.headers.get('retry-after'), '1');
      assert.match(refused.headers.get('content-type') ?? '', /^application\/json/);
      assert.match(refused.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/);
      assert.deepEqual(Object.keys(refused.body), ['message', 'errors']);
      assert.equal((await send(hook, { headers: forged })).status, 401, 'another address pays for it');
      const signed = { headers: { 'x-forwarded-for': from } };
      assert.equal((await sendSigned(app, hook, '{}', signed)).status, 202);
      await app.clock.advance(second);
      await until(async () => (await read(hook)).refused_requests === 1012, 'all of them to be counted');
      assert.deepEqual(await statuses(51, () => send(hook, { from, headers: forged })), [
        ...times(50, 401),
        429,
      ]);
    });

    test('beyond the limit a signature that cannot be one is none, and a body that is not wanted is not read', async () => {
      const hook = await createIncomingHook(app, pipeline);
      const from = newAddress();
      await useUp(from);
      const malformed = ['sha256=', `sha256=${'0'.repeat(63)}`, 'x'.repeat(64), `sha1=${'0'.repeat(64)}`];
      for (const signature of malformed)
        assert.equal((await send(hook, { from, headers: { 'x-hub-signature-256': signature } })).status, 429);
      const { hostname, port } = new URL(app.url);
      const socket = connect(Number(port), hostname);
      try {
        const head = `POST /api/hooks/${hook.id}/trigger HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${from}\r\n`;
        // Of a small body the connection is kept, so that the next request need not open one.
        const small = `${head}Content-Length: 65536\r\n\r\n`;
        socket.write(small);
        assert.match(await next(socket), /^HTTP\/1\.1 429 (?![^]*connection: close)/i);
        socket.write('x'.repeat(65_536) + `${head}Content-Length: 65537\r\n\r\n`);
        assert.match(await next(socket), /^HTTP\/1\.1 429 [^]*connection: close/i);
        await once(socket, 'end');
      } finally {
        socket.destroy();
      }
      await app.clock.advance(second);
      await until(async () => (await read(hook)).refused_requests === 6, 'all of them to be counted');
      assert.deepEqual(await records(hook), []);
    });

    test('beyond the limit a signed request is taken also when nothing is known of its hook', async () => {
      const hook = await createIncomingHook(app, pipeline);
      const from = newAddress();
      await useUp(from);
      // Any change of a definition has all of them forgotten.
      await createIncomingHook(app, pipeline);
      const signed = await sendSigned(app, hook, '{}', { headers: { 'x-forwarded-for': from } });
      assert.equal(signed.status, 202);
      await createIncomingHook(app, pipeline);
      assert.equal((await send(hook, { from })).status, 429);
      await app.api.put(`/hooks/incoming/${hook.id}`, { active: false });
      const inactive = await sendSigned(app, hook, '{}', { headers: { 'x-forwarded-for': from } });
      assert.equal(inactive.status, 429);
      assert.equal((await sendSigned(app, hook, '{}')).status, 404);
    });

    test('requests to hooks that do not exist use up the allowance of their address too', async () => {
      const from = newAddress();
      const guess = () => send({ id: randomUUID() }, { from });
      assert.deepEqual(await statuses(1001, guess), [...times(1000, 404), 429]);
      const refused = await guess();
      assert.equal(refused.headers.get('retry-after'), '1');
      assert.deepEqual(Object.keys(refused.body), ['message', 'errors']);
      const hook = await createIncomingHook(app, pipeline);
      assert.equal((await send(hook, { from })).status, 429);
      assert.equal((await send({ id: randomUUID() })).status, 404);
    });

    test('to a hook without a secret, what runs nothing uses up the allowance of its address, and what runs does not', async () => {
      const hook = await createIncomingHook(app, pipeline, {
        requires_secret: false,
        settings: { variables: [{ name: 'ref', required: true }] },
      });
      const from = newAddress();
      const ping = { 'x-github-event': 'ping' };
      assert.deepEqual(await statuses(500, () => send(hook, { from, headers: ping })), times(500, 200));
      assert.deepEqual(await statuses(500, () => send(hook, { from })), times(500, 422));
      assert.equal((await send(hook, { from })).status, 429);
      assert.equal((await send(hook, { from, headers: ping })).status, 429);
      assert.equal((await send(hook, { from, body: '{"ref":"main"}' })).status, 202);
    });

    test('nodes count together, and one that stops leaves nothing uncounted', async () => {
      const hook = await createIncomingHook(app, pipeline);
      const others = kind === 'postgres' ? [await start()] : [];
      for (const to of [app.url, ...others.map(({ url }) => url)])
        assert.deepEqual(await statuses(5, () => send(hook, { to })), times(5, 401));
      await Promise.all([app, ...others].map((one) => one.stop()));
      const again = await start();
      ends.defer(() => again.stop());
      app = again;
      assert.equal((await read(hook)).refused_requests, kind === 'postgres' ? 10 : 5);
      await statuses(2, () => send(hook));
      await app.clock.advance(second);
      await until(
        async () => (await read(hook)).refused_requests === (kind === 'postgres' ? 12 : 7),
        'the next ones to be added',
      );
    });

    test('a hook that was deleted while its refusals waited to be counted keeps nobody from being counted', async () => {
      const gone = await createIncomingHook(app, pipeline);
      const stays = await createIncomingHook(app, pipeline);
      await send(gone);
      await send(stays);
      await app.api.delete(`/hooks/incoming/${gone.id}`);
      await app.clock.advance(second);
      await until(async () => (await read(stays)).refused_requests === 1, 'the other to be counted');
    });

    describe('of a limit per minute', () => {
      const limited = (limit: number, fields = {}): Promise<IncomingHook> =>
        createIncomingHook(app, pipeline, { rate_limit_per_minute: limit, ...fields });

      test('what verifies beyond it is answered 429, kept with its body, and can be run again', async () => {
        const hook = await limited(3);
        const signed = () => sendSigned(app, hook, '{"ref":"main"}');
        assert.deepEqual(await statuses(3, signed), times(3, 202));
        const over = await signed();
        assert.equal(over.status, 429);
        assert.equal(over.headers.get('retry-after'), '20');
        assert.equal(over.body.message, 'More requests than this hook takes: its limit is 3 a minute.');
        assert.equal(over.body.errors, null);
        const path = `/hook-requests/${over.body.hook_request_id}`;
        const record = await app.api.get<Record & { request_body: unknown; response_body: Receipt }>(path);
        assert.equal(record.outcome, 'refused');
        assert.equal(record.response_status_code, 429);
        assert.equal(record.reason, over.body.message);
        assert.deepEqual(record.request_body, { ref: 'main' });
        assert.equal((await app.api.request('POST', `${path}/replay`)).status, 202, 'by a person');
        assert.equal((await read(hook)).refused_requests, 0, 'it was signed');
        await app.clock.advance(19_999);
        assert.equal((await signed()).status, 429);
        await app.clock.advance(1);
        assert.deepEqual(await statuses(2, signed), [202, 429]);
      });

      test('pings, repeats and what runs nothing count as all that verifies; forged requests do not', async () => {
        const hook = await limited(4);
        const repeated = { headers: { 'x-github-delivery': 'one-and-the-same' } };
        assert.deepEqual(await statuses(10, () => send(hook, { headers: forged })), times(10, 401));
        assert.equal((await sendSigned(app, hook, '{}', { event: 'ping' })).status, 200);
        assert.equal((await sendSigned(app, hook, '{}', repeated)).status, 202);
        assert.equal((await sendSigned(app, hook, '{}', repeated)).status, 202);
        assert.equal((await sendSigned(app, hook, 'no JSON')).status, 400);
        assert.equal((await sendSigned(app, hook, '{}', { event: 'ping' })).status, 429);
        assert.equal((await send(hook, { headers: forged })).status, 401, 'whose secret is wrong hears that');
      });

      test('a delivery that was refused by it is taken when it is sent again', async () => {
        const hook = await limited(1);
        const delivery = { headers: { 'x-github-delivery': 'sent-twice' } };
        await sendSigned(app, hook, '{}');
        assert.equal((await sendSigned(app, hook, '{}', delivery)).status, 429);
        await app.clock.advance(60 * second);
        const again = await sendSigned(app, hook, '{}', delivery);
        assert.equal(again.status, 202);
        assert.match(again.body.message, /^Accepted/);
      });

      test('to a hook without a secret everything counts, and each hook has its own', async () => {
        const hook = await limited(2, { requires_secret: false });
        const other = await limited(2, { requires_secret: false });
        assert.deepEqual(await statuses(3, () => send(hook)), [202, 202, 429]);
        assert.equal((await send(other)).status, 202);
      });

      test('it is shown, changed, kept by a change of something else, and taken away', async () => {
        const hook = await limited(7);
        const path = `/hooks/incoming/${hook.id}`;
        assert.equal((await read(hook)).rate_limit_per_minute, 7);
        await app.api.put(path, { name: 'renamed' });
        assert.equal((await read(hook)).rate_limit_per_minute, 7);
        await app.api.put(path, { rate_limit_per_minute: 1 });
        assert.deepEqual(await statuses(2, () => sendSigned(app, hook, '{}')), [202, 429]);
        await app.api.put(path, { rate_limit_per_minute: null });
        assert.equal((await read(hook)).rate_limit_per_minute, null);
        assert.deepEqual(await statuses(3, () => sendSigned(app, hook, '{}')), times(3, 202));
        for (const wrong of [0, 1_000_001, 1.5, '10'])
          assert.equal(
            (await app.api.request('PUT', path, { rate_limit_per_minute: wrong })).status,
            422,
            String(wrong),
          );
      });

      test('there is none unless it is set, and outgoing hooks have none', async () => {
        const hook = await createIncomingHook(app, pipeline);
        const outgoing = await createOutgoingHook(app, pipeline, 'http://127.0.0.1:9/');
        assert.equal((await read(hook)).rate_limit_per_minute, null);
        const { rate_limit_per_minute, refused_requests, last_refused_at } = await app.api.get<Shown>(
          `/hooks/outgoing/${outgoing}`,
        );
        assert.deepEqual([rate_limit_per_minute, refused_requests, last_refused_at], [null, 0, null]);
      });
    });
  });
}

/** What comes next, as text. */
async function next(socket: Socket): Promise<string> {
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk.toString();
}

test('what is to be pruned of a hook is found by an index that holds nothing else', async () => {
  const database = await createTestDatabase('sqlite');
  const app = await startInProcessApp({ database });
  try {
    const conditions = {
      hook_requests_unverified: "outcome = 'refused' and payload_id is null",
      hook_requests_not_run: "outcome <> 'accepted' and retry_of is null",
    };
    for (const [index, condition] of Object.entries(conditions)) {
      const last = `select id from hook_requests where hook_id = 1 and ${condition} order by id desc limit 1 offset 100`;
      const query = `delete from hook_requests where hook_id = 1 and ${condition} and id <= (${last})`;
      const plan = await queryRows<{ detail: string }>(database, `explain query plan ${query}`);
      const searches = plan.map(({ detail }) => detail).filter((detail) => detail.includes('hook_requests'));
      assert.equal(searches.length, 2);
      for (const detail of searches) assert.match(detail, new RegExp(`INDEX ${index} `));
    }
  } finally {
    await app.stop();
    await database.drop();
  }
});

test('what may be sent again goes by time that passes, also when the time of the machine is set back or ahead', () => {
  let now = 1_000_000;
  let elapsed = 0;
  const buckets = createTokenBuckets({
    now: () => now,
    elapsed: () => elapsed,
    sleep: async () => undefined,
  });
  const rate = { burst: 2, perSecond: 1 };
  assert.deepEqual([buckets.take('a', rate), buckets.take('a', rate), buckets.take('a', rate)], [0, 0, 1]);
  now += 3_600_000;
  assert.equal(buckets.take('a', rate), 1);
  now -= 7_200_000;
  elapsed += 1000;
  assert.equal(buckets.wait('a', rate), 0);
  assert.deepEqual([buckets.take('a', rate), buckets.take('a', rate)], [0, 1]);
});

test('many addresses together may send no more than the machine bears', () => {
  let elapsed = 0;
  const clock = { now: () => elapsed, elapsed: () => elapsed, sleep: async () => undefined };
  const counted: number[] = [];
  const refusals = { count: (id: number) => void counted.push(id), stop: async () => undefined };
  const limit = createUnverifiedLimit(clock, refusals);
  // Safe: its id is all that is asked for.
  const hook = { row: { id: 7 } } as RegisteredHook;
  let addresses = 0;
  const newAddress = () => `2001:db8:0:${(++addresses).toString(16)}::1`;
  for (let taken = 0; taken < 10_000; taken++) limit.take(hook, newAddress());
  assert.throws(() => limit.take(hook, newAddress()), { code: 'too_many', retryAfterSeconds: 1 });
  assert.deepEqual(counted, [7]);
  assert.equal(limit.wait(newAddress()), 1);
  elapsed += 1000;
  for (let taken = 0; taken < 1000; taken++) limit.take(hook, newAddress());
  assert.throws(() => limit.take(hook, newAddress()));
});
