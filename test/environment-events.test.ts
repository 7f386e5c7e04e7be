import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { Client } from 'pg';
import { Webhook } from 'standardwebhooks';
import { createApiClient, until } from './support/api-client.ts';
import type { ApiClient } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { openEventStream } from './support/event-stream.ts';
import type { EventStream, StreamedEvent } from './support/event-stream.ts';
import { executeSql } from './support/execute-sql.ts';
import {
  createApplication,
  createIncomingHook,
  createOutgoingHook,
  createPipeline,
  openWorkplace,
  sendSigned,
  untilAction,
} from './support/fixtures.ts';
import type { TestAction, Workplace } from './support/fixtures.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import type { InProcessApp } from './support/in-process-app.ts';
import { addPerson, createOrganization, createRole } from './support/people.ts';
import { startReceiver } from './support/receiver.ts';
import { startServer } from './support/server.ts';
import { startTcpProxy } from './support/tcp-proxy.ts';
import type { TestServer } from './support/server.ts';

const pathOf = (work: Workplace, query = ''): string => `/environments/${work.environmentId}/events${query}`;
const toldOf = (events: readonly StreamedEvent[]): StreamedEvent[] =>
  events.filter(({ event }) => event !== 'ping' && event !== 'end');
/** What an event is about and what it tells, in a line. */
const lineOf = ({ event, data }: StreamedEvent): string =>
  `${event} ${String(data['outcome'] ?? data['status'])}${data['attempt'] ? ` ${String(data['attempt'])}` : ''}`;
const ready = (stream: EventStream) => stream.waitFor(({ event }) => event === 'ping', 'where it begins');

async function scene(work: Workplace, target: string, fields: Record<string, unknown> = {}) {
  const pipeline = await createPipeline(work, await createApplication(work), ['true']);
  const hook = await createIncomingHook(work, pipeline, {
    trigger_when: { conditions: [{ type: 'request_body', path: 'ref', accepted_values: ['main'] }] },
  });
  const out = await createOutgoingHook(work, pipeline, target, {
    settings: { request_body: { status: '{{ action.status }}' } },
    trigger_when: { events: ['action.completed'] },
    ...fields,
  });
  return { pipeline, hook, out };
}

for (const kind of databaseKinds) {
  describe(`watching an environment (${kind})`, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let database: TestDatabase;
    let server: TestServer;
    let work: Workplace;
    const runs = (pipeline: number) => work.api.post<TestAction>(`/pipelines/${pipeline}/actions`, {});

    before(async () => {
      database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
      server = ends.adopt(
        await startServer({ database, env: { HOOKLINE_REQUESTS_PER_MINUTE: '1000000' } }),
        (started) => started.stop(),
      );
      work = await openWorkplace(server);
    });

    test('tells of a request, its action in each status and the delivery, with names and reasons', async () => {
      await using receiver = disposable(await startReceiver());
      const { hook, pipeline, out } = await scene(work, receiver.url);
      const stream = await openEventStream(work, pathOf(work));
      assert.equal(stream.status, 200);
      await ready(stream);
      await sendSigned(work, hook, '{"ref":"other"}');
      const run = await sendSigned(work, hook, '{"ref":"main"}');
      await stream.waitFor(({ event, data }) => event === 'delivery' && data['attempt'] === 1, 'the attempt');
      const told = toldOf(stream.events);
      assert.deepEqual(
        told.map(lineOf).filter((line) => line.startsWith('request')),
        ['request skipped', 'request accepted'],
      );
      assert.deepEqual(
        told.map(lineOf).filter((line) => line.startsWith('action')),
        ['action pending', 'action queued', 'action in-progress', 'action completed'],
      );
      assert.deepEqual(
        told.map(lineOf).filter((line) => line.startsWith('delivery')),
        ['delivery pending', 'delivery delivered 1'],
      );
      const [skipped] = told;
      assert.match(String(skipped?.data['reason']), /Condition 1 of 1 is not met/);
      assert.equal(skipped?.data['hook_name'], 'in');
      const action = told.find(({ event }) => event === 'action')?.data;
      assert.equal(action?.['id'], run.body.action_id);
      assert.equal(action?.['pipeline_id'], pipeline);
      assert.match(String(action?.['pipeline_name']), /^pipeline-/);
      const attempt = told.at(-1)?.data;
      assert.equal(attempt?.['hook_id'], out);
      assert.equal(attempt?.['response_status_code'], 200);
      assert.equal(attempt?.['event'], 'action.completed');
      stream.drop();
    });

    test('whoever loses the connection after each event misses none and sees none twice', async () => {
      await using receiver = disposable(await startReceiver());
      const { hook } = await scene(work, receiver.url);
      const whole = await openEventStream(work, pathOf(work));
      await ready(whole);
      const sent = 6;
      const sending = Promise.all(
        Array.from({ length: sent }, () => sendSigned(work, hook, '{"ref":"main"}')),
      );
      const isLast = (events: readonly StreamedEvent[]) =>
        events.filter(({ event, data }) => event === 'delivery' && data['attempt'] === 1).length === sent;
      const seen: StreamedEvent[] = [];
      for (let last = whole.events[0]!.key!; !isLast(seen);) {
        const stream = await openEventStream(work, pathOf(work), { lastEventId: last });
        const [next] = await stream.waitFor(({ event }) => event !== 'ping', 'the next');
        seen.push(next);
        last = next.key!;
        stream.drop();
        await stream.ended;
      }
      await sending;
      await until(async () => isLast(whole.events), 'the other to have seen all');
      const textOf = ({ event, data }: StreamedEvent) => `${event} ${JSON.stringify(data)}`;
      // Both saw every row once; what was retold later may show what a delivery has become since.
      assert.equal(seen.length, toldOf(whole.events).length);
      assert.equal(new Set(seen.map(({ key }) => key)).size, seen.length);
      const requests = (events: readonly StreamedEvent[]) =>
        events.filter(({ event }) => event === 'request').map(textOf);
      assert.deepEqual(requests(seen), requests(whole.events));
      whole.drop();
    });

    test('retold from a moment on, once, by kind, in the order of time; and it ends when not followed', async () => {
      await using receiver = disposable(await startReceiver());
      const { hook, pipeline } = await scene(work, receiver.url);
      const since = new Date().toISOString();
      const run = await sendSigned(work, hook, '{"ref":"main"}');
      await untilAction(work, run.body.action_id!);
      await receiver.waitFor(1);
      const query = `?since=${since}&follow=false`;
      const told = await until(async () => {
        const stream = await openEventStream(work, pathOf(work, query));
        assert.equal(await stream.ended, 'end');
        return toldOf(stream.events).some(({ data }) => data['attempt'] === 1) && toldOf(stream.events);
      }, 'the attempt to be written');
      const own = told.filter(({ data }) => data['pipeline_id'] === pipeline);
      assert.equal(own.length, 1 + 4 + 2);
      const times = told.map(({ data }) => String(data['at']));
      assert.deepEqual(times, times.toSorted());
      const only = await openEventStream(work, pathOf(work, `${query}&kinds=request,delivery`));
      assert.equal(await only.ended, 'end');
      assert.deepEqual([...new Set(toldOf(only.events).map(({ event }) => event))].sort(), [
        'delivery',
        'request',
      ]);
      const now = await openEventStream(work, pathOf(work, '?follow=false'));
      assert.equal(await now.ended, 'end');
      assert.deepEqual(toldOf(now.events), []);
    });

    test('a row that becomes visible after one with a higher id is told of, once, in its turn', async () => {
      if (kind === 'sqlite') return;
      const pipeline = await createPipeline(work, await createApplication(work), []);
      const hook = await createIncomingHook(work, pipeline, { requires_secret: false });
      const stream = await openEventStream(work, pathOf(work, '?kinds=request'));
      await ready(stream);
      const send = () => work.api.request('POST', `/hooks/${hook.id}/trigger`, '{}');
      await send();
      await stream.waitFor(({ event }) => event === 'request', 'the first');
      const client = new Client({ connectionString: database.env['DATABASE_URL'] });
      await client.connect();
      // Another node is slow to commit.
      await client.query('begin');
      await client.query(
        `insert into hook_requests (uuid, hook_id, hook_uuid, environment_id, outcome, status_code, reason, ip_address, request_bytes, duration_us, created_at)
         select gen_random_uuid()::text, hook_id, hook_uuid, environment_id, 'skipped', 200, 'slow to commit', ip_address, 0, 0, created_at from hook_requests order by id desc limit 1`,
      );
      await send();
      await delay(400);
      assert.equal(toldOf(stream.events).length, 1, 'nothing is told beyond what may still come');
      await client.query('commit');
      // One that is rolled back leaves its number unused for ever.
      await client.query('begin');
      await client.query(`select nextval('hook_requests_id_seq')`);
      await client.query('rollback');
      await client.end();
      await send();
      await until(async () => toldOf(stream.events).length === 4, 'all of them');
      const reasons = toldOf(stream.events).map(({ data }) => data['reason'] === 'slow to commit');
      assert.deepEqual(reasons, [false, true, false, false]);
      stream.drop();
    });

    test('of many that commit out of order, and some that are rolled back, each is told of once', async () => {
      if (kind === 'sqlite') return;
      const pipeline = await createPipeline(work, await createApplication(work), []);
      const hook = await createIncomingHook(work, pipeline, { requires_secret: false });
      const first = await work.api.post<{ hook_request_id: string }>(`/hooks/${hook.id}/trigger`, {});
      const streams = [0, 1].map(() => openEventStream(work, pathOf(work, '?kinds=request')));
      const [whole, dropping] = [await streams[0]!, await streams[1]!];
      await Promise.all([ready(whole), ready(dropping)]);
      const committed: string[] = [];
      const writer = async (number: number) => {
        const client = new Client({ connectionString: database.env['DATABASE_URL'] });
        await client.connect();
        for (let round = 0; round < 12; round++) {
          const uuid = `${first.hook_request_id}-${number}-${round}`;
          await client.query('begin');
          await client.query(
            `insert into hook_requests (uuid, hook_id, hook_uuid, environment_id, outcome, status_code, reason, ip_address, request_bytes, duration_us, created_at)
             select $1, hook_id, hook_uuid, environment_id, 'skipped', 200, '', ip_address, 0, 0, created_at from hook_requests where uuid = $2`,
            [uuid, first.hook_request_id],
          );
          await delay(Math.random() * 60);
          const isKept = Math.random() < 0.7;
          await client.query(isKept ? 'commit' : 'rollback');
          if (isKept) committed.push(uuid);
        }
        await client.end();
      };
      const seen: StreamedEvent[] = [];
      const follow = async () => {
        let stream = dropping;
        for (let last = stream.events[0]!.key!; isWriting || seen.length < committed.length;) {
          const all = toldOf(stream.events);
          seen.push(...all);
          last = all.at(-1)?.key ?? last;
          stream.drop();
          await stream.ended;
          stream = await openEventStream(work, pathOf(work, '?kinds=request'), { lastEventId: last });
          await delay(120);
        }
        stream.drop();
      };
      let isWriting = true;
      const following = follow();
      await Promise.all(Array.from({ length: 12 }, (_, number) => writer(number)));
      isWriting = false;
      const idsOf = (events: readonly StreamedEvent[]) =>
        toldOf(events)
          .map(({ data }) => String(data['id']))
          .sort();
      await until(async () => idsOf(whole.events).length >= committed.length, 'all of them');
      await following;
      assert.deepEqual(idsOf(whole.events), committed.toSorted());
      assert.deepEqual(idsOf(seen), committed.toSorted());
      whole.drop();
    });

    test('another node on the same database tells the same, and takes up where the first one was left', async () => {
      if (kind === 'sqlite') return;
      const direct = new URL(database.env['DATABASE_URL']!);
      const proxy = await startTcpProxy(() => Number(direct.port));
      const DATABASE_URL = Object.assign(new URL(direct), { hostname: '127.0.0.1', port: proxy.port }).href;
      const other = await startServer({ database, env: { DATABASE_URL, HOOKLINE_ROLE: 'api' } });
      const there = { url: other.url, api: createApiClient(other.url, work.api.token) };
      const pipeline = await createPipeline(work, await createApplication(work), ['true']);
      const here = await openEventStream(work, pathOf(work));
      const beside = await openEventStream(there, pathOf(work));
      await Promise.all([ready(here), ready(beside)]);
      const { id } = await runs(pipeline);
      const isEnd = ({ data }: StreamedEvent) => data['id'] === id && data['status'] === 'completed';
      await Promise.all([here.waitFor(isEnd, 'the end'), beside.waitFor(isEnd, 'the end there')]);
      assert.deepEqual(toldOf(here.events).map(lineOf), toldOf(beside.events).map(lineOf));
      const [first] = toldOf(here.events);
      here.drop();
      beside.drop();
      const onward = await openEventStream(there, pathOf(work), { lastEventId: first!.key! });
      await onward.waitFor(isEnd, 'the end again');
      assert.deepEqual(toldOf(onward.events).map(lineOf), toldOf(here.events).slice(1).map(lineOf));
      // Its database goes away for a while.
      proxy.refuse();
      const later = await runs(pipeline);
      await untilAction(work, later.id);
      proxy.accept();
      const isLaterEnd = ({ data }: StreamedEvent) =>
        data['id'] === later.id && data['status'] === 'completed';
      await onward.waitFor(isLaterEnd, 'what happened meanwhile');
      assert.equal(onward.events.filter(({ data }) => data['id'] === later.id).length, 4);
      onward.drop();
      await other.stop();
      await proxy.stop();
    });

    test('thousands of events at once come whole, also to one who reads them late', async () => {
      const pipeline = await createPipeline(work, await createApplication(work), []);
      const hook = await createIncomingHook(work, pipeline, { requires_secret: false });
      await work.api.request('POST', `/hooks/${hook.id}/trigger`, '{}');
      const streams = await Promise.all(
        Array.from({ length: 3 }, () => openEventStream(work, pathOf(work, '?kinds=request'))),
      );
      const idle = await openEventStream(work, pathOf(work), { reads: false });
      await Promise.all(streams.map(ready));
      const count = 6000;
      await multiplyLastRequest(database, count, `'number ' || n.i`);
      for (const stream of streams) {
        const told = () => toldOf(stream.events).filter(({ data }) => String(data['id']).startsWith('many-'));
        await until(async () => told().length >= count, 'all of them');
        assert.deepEqual(
          told().map(({ data }) => data['reason']),
          Array.from({ length: count }, (_, index) => `number ${index + 1}`),
        );
        stream.drop();
      }
      idle.drop();
      const { status } = await work.api.request('GET', pathOf(work, '?follow=false'));
      assert.equal(status, 200, 'the node serves on');
    });

    test('what is not sent at its turn is told with the reason', async () => {
      const { pipeline, out } = await scene(work, 'http://127.0.0.1:1/');
      const stream = await openEventStream(work, pathOf(work, '?kinds=delivery'));
      await ready(stream);
      await runs(pipeline);
      const [first] = await stream.waitFor(({ data }) => data['attempt'] === 1, 'the failed attempt');
      assert.equal(first.data['status'], 'pending');
      assert.equal(first.data['response_status_code'], null);
      await work.api.put(`/hooks/outgoing/${out}`, { active: false });
      const { body } = await work.api.request<{ id: string }[]>('GET', `/hooks/outgoing/${out}/deliveries`);
      await executeSql(database, `update deliveries set next_attempt_at = 0 where uuid = '${body[0]!.id}'`);
      await executeSql(database, `update hook_health set blocked_until = null`);
      const [ended] = await stream.waitFor(({ data }) => data['status'] === 'skipped', 'its end');
      assert.match(String(ended.data['reason']), /the hook is not active/);
      assert.equal(ended.data['attempt'], null);
      stream.drop();
    });

    test('a copy of each delivery is what goes out, and its signature is right', async () => {
      await using receiver = disposable(await startReceiver());
      const { pipeline, out } = await scene(work, `${receiver.url}/hook?key=written-secret-0123`, {
        settings: {
          request_headers: [
            { name: 'Authorization', value: 'Bearer {{ application.source_provider.access_token }}' },
            { name: 'x-event', value: '{{ event }}' },
          ],
          request_body: {
            id: '{{ action.id }}',
            token: '{{ application.source_provider.access_token | split: "" | join: "-" }}',
            text: 'täg {{ action.status }}',
          },
        },
        signing: true,
      });
      const { secret } = await work.api.post<{ secret: string }>(`/hooks/outgoing/${out}/rotate-secret`, {});
      const stream = await openEventStream(work, `/hooks/outgoing/${out}/listen`);
      await ready(stream);
      const { id } = await runs(pipeline);
      const [copy] = await stream.waitFor(({ event }) => event === 'delivery', 'the copy');
      const [real] = await receiver.waitFor(1);
      const shown = copy.data['request'] as Sent;
      assert.equal(shown.method, 'POST');
      assert.equal(copy.data['action_id'], id);
      assert.equal(shown.headers['webhook-id'], real!.headers['webhook-id']);
      assert.equal(shown.headers['x-event'], 'action.completed');
      assert.equal(shown.headers['content-type'], real!.headers['content-type']);
      assert.equal(shown.headers['authorization'], '********');
      assert.ok(!shown.url.includes('written-secret'), shown.url);
      const { token, ...rest } = JSON.parse(shown.body) as { token: string };
      const { token: sent, ...sentRest } = real!.json() as { token: string };
      assert.deepEqual(rest, sentRest);
      assert.match(sent.replaceAll('-', ''), /^ghp_/);
      assert.equal(token, '*-*-*-*-*-*-*-*');
      assert.doesNotThrow(() => new Webhook(secret).verify(shown.body, shown.headers));
      stream.drop();
    });

    test('what a receiver never gets is copied all the same; what is not sent comes with the reason', async () => {
      const unreachable = await scene(work, 'http://127.0.0.1:1/');
      const refused = await scene(work, 'http://10.0.0.1/');
      const off = await scene(work, 'http://127.0.0.1:1/', { active: false });
      const unmet = await scene(work, 'http://127.0.0.1:1/', {
        trigger_when: {
          events: ['action.completed'],
          conditions: [{ path: 'action.type', accepted_values: ['restart'] }],
        },
      });
      for (const { out, pipeline } of [unreachable, refused, off, unmet]) {
        const stream = await openEventStream(work, `/hooks/outgoing/${out}/listen`);
        await ready(stream);
        const { id } = await runs(pipeline);
        const [copy] = await stream.waitFor(({ event }) => event !== 'ping', 'the copy');
        assert.equal(copy.data['action_id'], id);
        if (out === unmet.out) {
          assert.equal(copy.event, 'skipped');
          assert.match(String(copy.data['reason']), /Condition 1 of 1 is not met/);
        } else {
          assert.equal(copy.event, 'delivery');
          assert.match((copy.data['request'] as Sent).body, /completed/);
        }
        const again = await openEventStream(work, `/hooks/outgoing/${out}/listen?after=0&follow=false`);
        assert.equal(await again.ended, 'end');
        assert.deepEqual(
          toldOf(again.events).map(({ event, data }) => [event, data['id']]),
          [[copy.event, copy.data['id']]],
        );
        stream.drop();
      }
    });

    test('a wrong question gets a clear answer, and a position that never was costs no event', async () => {
      const { hook, out, pipeline } = await scene(work, 'http://127.0.0.1:1/');
      for (const [query, status] of [
        ['?after=garbage', 422],
        ['?after=1.2.3', 422],
        ['?kinds=everything', 422],
        ['?since=yesterday', 422],
        ['?after=zzzzzzzzzz.0.0.0.0.0&follow=false', 200],
      ] as const) {
        assert.equal((await work.api.request('GET', pathOf(work, query))).status, status, query);
      }
      assert.equal((await work.api.request('GET', `/hooks/outgoing/${hook.id}/listen`)).status, 404);
      assert.equal((await work.api.request('GET', `/hooks/outgoing/${out}/listen?after=x`)).status, 422);
      const far = await openEventStream(
        work,
        pathOf(work, `?after=${Array(6).fill('zzzzzzzzzz').join('.')}`),
      );
      await ready(far);
      const { id } = await runs(pipeline);
      await far.waitFor(({ data }) => data['id'] === id, 'the action');
      far.drop();
    });
  });
}

describe('the right to watch an environment', { timeout: 600_000 }, () => {
  const ends = new AsyncDisposableStack();
  after(() => ends.disposeAsync());
  let app: InProcessApp;
  /** A sign of life comes so often. */
  const pingMs = 15_000;

  let database: TestDatabase;

  before(async () => {
    database = ends.adopt(await createTestDatabase('sqlite'), (made) => made.drop());
    const env = { HOOKLINE_REQUESTS_PER_MINUTE: '1000000' };
    app = ends.adopt(await startInProcessApp({ database, env }), (started) => started.stop());
  });
  const as = ({ api }: { api: ApiClient }) => ({ url: app.url, api });
  const pings = ({ events }: EventStream) => events.filter(({ event }) => event === 'ping').length;

  test('another organization is not there, for watching nor for listening', async () => {
    const { out } = await scene(app, 'http://127.0.0.1:1/');
    const other = await createOrganization(app.url, app.api);
    const stranger = await addPerson(other, { role: 'admin' });
    for (const path of [pathOf(app), `/hooks/outgoing/${out}/listen`]) {
      assert.equal((await openEventStream(as(stranger), path)).status, 404, path);
      assert.equal((await createApiClient(app.url).request('GET', path)).status, 401, path);
    }
    const own = await openEventStream(as(stranger), pathOf(other));
    await ready(own);
    const { hook } = await scene(app, 'http://127.0.0.1:1/');
    const beside = await openEventStream(app, pathOf(app, '?kinds=request'));
    await ready(beside);
    await sendSigned(app, hook, '{"ref":"other"}');
    const told = beside.waitFor(({ event }) => event === 'request', 'the request');
    await app.clock.advance(1000);
    await told;
    assert.deepEqual(toldOf(own.events), [], 'nothing of others');
    own.drop();
    beside.drop();
  });

  test('who may not read hooks sees actions alone, and may not listen', async () => {
    const { hook, out } = await scene(app, 'http://127.0.0.1:1/');
    const role = await createRole(app, ['project:read', 'environment:read', 'action:read']);
    const person = await addPerson(app, { role, on: 'environment' });
    const viewer = await addPerson(app, { role: 'viewer', on: 'environment' });
    const listening = `/hooks/outgoing/${out}/listen`;
    assert.equal((await openEventStream(as(person), listening)).status, 403);
    assert.equal((await openEventStream(as(viewer), listening)).status, 403);
    const since = new Date(app.clock.now()).toISOString();
    const run = await sendSigned(app, hook, '{"ref":"main"}');
    await untilAction(app, run.body.action_id!);
    const path = pathOf(app, `?since=${since}&follow=false`);
    const kindsOf = async (who: { api: ApiClient }) => {
      const stream = await openEventStream(as(who), path);
      await stream.ended;
      return [...new Set(toldOf(stream.events).map(({ event }) => event))].sort();
    };
    assert.deepEqual(await kindsOf(person), ['action']);
    assert.deepEqual(await kindsOf(viewer), ['action', 'delivery', 'request']);
  });

  test('ends with the token and with the role by the next sign of life, also for one who does not read', async () => {
    const { out } = await scene(app, 'http://127.0.0.1:1/');
    const expires_at = new Date(app.clock.now() + 365 * 24 * 3_600_000).toISOString();
    const body = { name: 'to be revoked', expires_at };
    const revoked = await app.api.post<{ id: number; token: string }>('/users/personal-access-tokens', body);
    const holder = { url: app.url, api: createApiClient(app.url, revoked.token) };
    const person = await addPerson(app, { role: 'viewer', on: 'environment' });
    const ending = [
      await openEventStream(holder, pathOf(app)),
      await openEventStream(holder, `/hooks/outgoing/${out}/listen`),
      await openEventStream(as(person), pathOf(app)),
    ];
    const deaf = await openEventStream(holder, pathOf(app), { reads: false });
    const staying = await openEventStream(app, pathOf(app));
    await Promise.all([...ending, staying].map(ready));
    await app.clock.advance(pingMs);
    await until(async () => [...ending, staying].every((one) => pings(one) === 2), 'a sign of life');
    await app.api.delete(`/users/personal-access-tokens/${revoked.id}/revoke`);
    await app.api.delete(`/teams/${person.teamId}`);
    await app.clock.advance(pingMs);
    for (const stream of [...ending, deaf]) assert.notEqual(await stream.ended, 'end');
    const seen = pings(staying);
    await app.clock.advance(pingMs);
    await until(async () => pings(staying) > seen, 'the other to go on');
    staying.drop();
    assert.doesNotMatch(app.log(), /"level":[56]0/, 'it is nothing that an operator must look at');
  });

  test('a token has so many streams and no more, and a place is given back', async () => {
    const person = await addPerson(app, { role: 'viewer', on: 'environment' });
    const another = () => openEventStream(as(person), pathOf(app));
    const streams = await Promise.all(Array.from({ length: 50 }, another));
    assert.ok(streams.every(({ status }) => status === 200));
    const refused = await another();
    assert.equal(refused.status, 429);
    assert.equal(refused.headers['retry-after'], '10');
    const beside = await openEventStream(app, pathOf(app));
    assert.equal(beside.status, 200, 'others are not concerned');
    streams[0]!.drop();
    await until(async () => {
      const one = await another();
      if (one.status === 200) streams.push(one);
      return one.status === 200;
    }, 'a place that was given back');
    for (const stream of [...streams, beside]) stream.drop();
  });

  test('one who does not read on holds little and is cut off in the end; one who reads late is not', async () => {
    const place = await createOrganization(app.url, app.api);
    const { hook } = await scene(place, 'http://127.0.0.1:1/');
    await sendSigned(app, hook, '{"ref":"other"}');
    // More than the buffers of a connection hold.
    await multiplyLastRequest(database, 12_000, `'${'x'.repeat(900)}'`);
    const path = pathOf(place, '?since=2026-01-01T00:00:00Z');
    const headers = { authorization: `Bearer ${app.api.token}` };
    const asked = get(`${app.url}/api${path}`, { agent: false, headers });
    const [deaf] = (await once(asked, 'response')) as [IncomingMessage];
    asked.on('error', () => undefined);
    const reading = await openEventStream(app, path);
    await until(async () => toldOf(reading.events).length > 12_000, 'all of it');
    for (let ping = 0; ping < 6; ping++) await app.clock.advance(pingMs);
    // Only who reads hears of it.
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    deaf.on('error', () => undefined).once('close', resolve);
    deaf.resume();
    await closed;
    assert.equal(deaf.complete, false);
    await until(async () => pings(reading) >= 6, 'the other to go on');
    reading.drop();
  });

  test('a deleted environment or hook ends its streams', async () => {
    const place = await createOrganization(app.url, app.api);
    const { out } = await scene(app, 'http://127.0.0.1:1/');
    const streams = [
      await openEventStream(app, pathOf(place)),
      await openEventStream(app, `/hooks/outgoing/${out}/listen`),
    ];
    await Promise.all(streams.map(ready));
    await app.api.delete(`/environments/${place.environmentId}`);
    await app.api.delete(`/hooks/outgoing/${out}`);
    await app.clock.advance(pingMs);
    for (const stream of streams) assert.notEqual(await stream.ended, 'end');
  });

  test('the end of the server ends the streams, also of one who does not read', async () => {
    const { out } = await scene(app, 'http://127.0.0.1:1/');
    const streams = [
      await openEventStream(app, pathOf(app)),
      await openEventStream(app, `/hooks/outgoing/${out}/listen`),
    ];
    const deaf = await openEventStream(app, pathOf(app), { reads: false });
    await app.stop();
    for (const stream of streams) assert.notEqual(await stream.ended, 'end');
    deaf.drop();
  });
});

type Sent = { method: string; url: string; headers: Record<string, string>; body: string };

/** As if so many had come at once: copies of the last request, with the `reason` given in SQL. */
async function multiplyLastRequest(database: TestDatabase, count: number, reason: string): Promise<void> {
  const columns =
    'hook_id, hook_uuid, environment_id, outcome, status_code, ip_address, request_bytes, duration_us, created_at'.split(
      ', ',
    );
  await executeSql(
    database,
    `insert into hook_requests (uuid, reason, ${columns.join(', ')})
     with recursive n (i) as (select 1 union all select i + 1 from n where i < ${count})
     select 'many-' || r.id || '-' || n.i, ${reason}, ${columns.map((name) => `r.${name}`).join(', ')}
     from n, (select * from hook_requests order by id desc limit 1) r order by n.i`,
  );
}

function disposable<T extends { close(): Promise<void> }>(one: T): T & AsyncDisposable {
  return Object.assign(one, { [Symbol.asyncDispose]: () => one.close() });
}
