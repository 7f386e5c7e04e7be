import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { after, afterEach, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import SqliteDatabase from 'better-sqlite3';
import pg from 'pg';
import { until } from './support/api-client.ts';
import type { Behaviour } from './support/behaviour.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { createApplication, createOutgoingHook, createPipeline, untilAction } from './support/fixtures.ts';
import type { TestAction, TestApplication } from './support/fixtures.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import type { InProcessApp } from './support/in-process-app.ts';
import { listAll } from './support/lists.ts';
import type { ListedDelivery } from './support/lists.ts';
import { startReceiver } from './support/receiver.ts';
import type { Receiver } from './support/receiver.ts';
import { dumpTables } from './support/table-dump.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

type Attempt = {
  id: string;
  retry_of: string | null;
  url: string;
  outcome: string;
  reason: string;
  duration_ms: number;
  ip_address: string;
  response_status_code: number;
  created_at: string;
};
type FullAttempt = Attempt & {
  request_headers: Record<string, string>;
  request_body: unknown;
  response_headers: Record<string, string>;
  response_body: unknown;
  delivery: ListedDelivery | null;
};

for (const kind of databaseKinds) {
  describe(`deliveries (${kind})`, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let database: TestDatabase;
    let app: InProcessApp;
    let spread = 0.5;

    before(async () => {
      database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
      const options = { database, random: () => spread };
      app = ends.adopt(await startInProcessApp(options), (started) => started.stop());
    });

    // What a test leaves undelivered must not disturb the next one, whose clock is the same.
    const made: TestApplication[] = [];
    afterEach(async (t) => {
      spread = 0.5;
      if ('passed' in t && !t.passed && app.log()) t.diagnostic(app.log());
      for (const { id } of made.splice(0)) await app.api.delete(`/applications/${id}`);
    });

    async function application(): Promise<TestApplication> {
      const one = await createApplication(app);
      made.push(one);
      return one;
    }

    async function pipeline(commands?: string[]): Promise<number> {
      return await createPipeline(app, await application(), commands);
    }

    async function receiverFor(
      t: TestContext,
      options?: Parameters<typeof startReceiver>[0],
    ): Promise<Receiver> {
      const receiver = await startReceiver(options);
      t.after(() => receiver.close());
      return receiver;
    }

    /** Runs the pipeline to its end; its deliveries go their own ways. */
    async function run(pipelineId: number): Promise<TestAction> {
      const { id } = await app.api.post<TestAction>(`/pipelines/${pipelineId}/actions`, {});
      return await untilAction(app, id);
    }

    const deliveriesOf = async (hookId: string): Promise<ListedDelivery[]> =>
      (await listAll<ListedDelivery>(app.api, `/hooks/outgoing/${hookId}/deliveries`)).toReversed();
    const attemptsOf = async (hookId: string): Promise<Attempt[]> =>
      (await listAll<Attempt>(app.api, `/hooks/outgoing/${hookId}/requests`)).toReversed();
    const attempt = (id: string): Promise<FullAttempt> => app.api.get<FullAttempt>(`/hook-requests/${id}`);

    /** The only delivery of a hook, once `probe` holds. */
    async function untilDelivery(hookId: string, probe: (delivery: ListedDelivery) => boolean, what: string) {
      return await until(async () => {
        const [one] = await deliveriesOf(hookId);
        return one && probe(one) && one;
      }, `the delivery to be ${what}`);
    }
    const untilStatus = (hookId: string, status: string): Promise<ListedDelivery> =>
      untilDelivery(hookId, (one) => one.status === status, status);
    const untilAttempts = (hookId: string, count: number): Promise<ListedDelivery> =>
      untilDelivery(
        hookId,
        (one) => one.status !== 'sending' && one.attempts === count,
        `tried ${count} times`,
      );

    /** A hook for one event, so that an action causes one delivery. */
    const onCompleted = { trigger_when: { events: ['action.completed'] } };

    /** Moves the clock bit by bit until every delivery of the hooks has ended. */
    async function pumpUntilSettled(...hookIds: string[]): Promise<void> {
      const isSettled = async (): Promise<boolean> => {
        const all = (await Promise.all(hookIds.map(deliveriesOf))).flat();
        return all.every(({ status }) => !['pending', 'sending'].includes(status));
      };
      await until(async () => {
        if (await isSettled()) return true;
        await app.clock.advance(second);
        return false;
      }, 'every delivery to have ended');
    }

    test('of one hook and action nothing is sent before what happened earlier is settled, whatever the receiver does', async (t) => {
      const behaviours: Behaviour[] = [
        { kind: 'answer', status: 500 },
        { kind: 'hang' },
        { kind: 'reset' },
        { kind: 'answer', status: 200, delayMs: 60 },
        { kind: 'half' },
        { kind: 'answer', status: 429, headers: { 'retry-after': '7' } },
        { kind: 'answer', status: 200 },
        { kind: 'answer', status: 400 },
        { kind: 'answer', status: 503, delayMs: 30 },
      ];
      // Then it answers, but the later a request comes in, the sooner: answers overtake each other.
      const bad = await receiverFor(t, {
        behave: (_request, index) =>
          behaviours[index] ?? { kind: 'answer', status: 200, delayMs: Math.max(0, 60 - index) },
      });
      const good = await receiverFor(t);
      const pipelineId = await pipeline();
      const events = { trigger_when: { events: ['action.created', 'action.status_changed'] } };
      const path = '{{ action.id }}/{{ action.status }}';
      const hook = await createOutgoingHook(app, pipelineId, `${bad.url}/${path}`, events);
      const other = await createOutgoingHook(app, pipelineId, `${good.url}/${path}`, events);
      const actions = await Promise.all([run(pipelineId), run(pipelineId), run(pipelineId)]);

      // The other hook's deliveries have all arrived while those of the first wait for their first retry.
      await good.waitFor(12, 'all deliveries of the other hook');
      assert.ok((await deliveriesOf(hook)).some(({ status }) => status === 'pending'));
      await pumpUntilSettled(hook, other);

      const statuses = ['pending', 'queued', 'in-progress', 'completed'];
      for (const [hookId, receiver] of [
        [hook, bad],
        [other, good],
      ] as const) {
        const all = await deliveriesOf(hookId);
        for (const { id } of actions) {
          const arrived = receiver.requests.filter((request) => request.path.startsWith(`/${id}/`));
          const order = arrived.map((request) => statuses.indexOf(request.path.split('/')[2] ?? ''));
          assert.deepEqual(order, order.toSorted(), 'sent in the order of the events, retries included');
          assert.deepEqual([...new Set(order)], [0, 1, 2, 3]);
          const ids = [...new Set(arrived.map(({ headers }) => headers['webhook-id']))];
          const own = all.filter(({ action_id }) => action_id === id);
          assert.deepEqual(
            ids,
            own.map((delivery) => delivery.id),
            'every attempt of a delivery bears its id',
          );
        }
      }
      assert.ok(bad.requests.length > 12, 'some were sent again');
      const ended = await deliveriesOf(hook);
      assert.deepEqual(ended.filter(({ status }) => status === 'rejected').length, 1);
      assert.deepEqual(ended.filter(({ status }) => status === 'delivered').length, 11);
    });

    test('a delivery that waits holds up neither another action of its hook nor another hook', async (t) => {
      const receiver = await receiverFor(t, {
        behave: (_request, index) => ({ kind: 'answer', status: index === 0 ? 500 : 200 }),
      });
      const pipelineId = await pipeline();
      const events = { trigger_when: { events: ['action.started', 'action.completed'] } };
      const hook = await createOutgoingHook(
        app,
        pipelineId,
        `${receiver.url}/{{ action.id }}/{{ event }}`,
        events,
      );
      const first = await run(pipelineId);
      await receiver.waitFor(1);
      const second = await run(pipelineId);
      await receiver.waitFor(({ path }) => path === `/${second.id}/action.completed`);
      assert.deepEqual(
        receiver.requests.filter(({ path }) => path.startsWith(`/${first.id}/`)).map(({ path }) => path),
        [`/${first.id}/action.started`],
        'its own later event does wait',
      );
      await until(
        async () => (await deliveriesOf(hook)).every(({ status }) => status !== 'sending'),
        'settled',
      );
      await app.clock.advance(5 * 1000);
      await receiver.waitFor(({ path }) => path === `/${first.id}/action.completed`);
    });

    test('every attempt is recorded: what was sent with secrets masked, what was answered, how long it took and why', async (t) => {
      const receiver = await receiverFor(t, {
        behave: ({ headers }, index): Behaviour =>
          index === 0
            ? {
                kind: 'answer',
                status: 502,
                headers: { 'x-gone': 'yes', 'set-cookie': 'a=b' },
                body: `no, ${headers.authorization}`,
              }
            : {
                kind: 'answer',
                status: 201,
                headers: { 'content-type': 'application/json' },
                body: '{"id": 7}',
              },
      });
      const one = await application();
      const pipelineId = await createPipeline(app, one);
      const hook = await createOutgoingHook(
        app,
        pipelineId,
        `${receiver.url}/s?key={{ application.source_provider.access_token }}`,
        {
          ...onCompleted,
          settings: {
            request_headers: [
              { name: 'Authorization', value: 'Bearer {{ application.source_provider.access_token }}' },
              { name: 'X-Api-Key', value: 'literal-key-of-the-user' },
            ],
            request_body: {
              state: '{{ action.status }}',
              token: '{{ application.source_provider.access_token }}',
            },
          },
        },
      );
      const action = await run(pipelineId);
      const { id } = await untilAttempts(hook, 1);
      assert.equal(receiver.requests[0]?.headers.authorization, `Bearer ${one.accessToken}`);
      assert.deepEqual(receiver.requests[0]?.json(), { state: 'completed', token: one.accessToken });
      await app.clock.advance(5 * second);
      const delivered = await untilStatus(hook, 'delivered');
      assert.equal(delivered.id, id);
      assert.equal(delivered.attempts, 2);

      const [first, next] = await attemptsOf(hook);
      assert.ok(first && next);
      assert.equal(next.retry_of, first.id);
      const [failed, succeeded] = [await attempt(first.id), await attempt(next.id)];
      assert.equal(failed.response_status_code, 502);
      assert.match(failed.reason, /502/);
      assert.equal(failed.response_headers['x-gone'], 'yes');
      assert.deepEqual(failed.response_body, { raw: 'no, ********' });
      assert.equal(failed.request_headers['webhook-id'], id);
      assert.equal(failed.request_headers.authorization, '********');
      assert.deepEqual(failed.request_body, { state: 'completed', token: '********' });
      assert.equal(failed.url, `${receiver.url}/s?key=********`);
      assert.equal(typeof failed.duration_ms, 'number');
      assert.equal(succeeded.response_status_code, 201);
      assert.match(succeeded.reason, /^Delivered: answered 201/);
      assert.deepEqual(succeeded.response_body, { id: 7 });
      assert.equal(succeeded.delivery?.action_id, action.id);
      for (const shown of [failed, succeeded, delivered, first]) {
        assert.doesNotMatch(JSON.stringify(shown), new RegExp(`${one.accessToken}|literal-key-of-the-user`));
      }
      const ids = receiver.requests.map(({ headers }) => headers['webhook-id']);
      assert.deepEqual(ids, [id, id]);
    });

    test('a receiver that keeps failing is tried again after 5 s, 30 s, 2 m, … 8 h, ±20 %, and then given up', async (t) => {
      const receiver = await receiverFor(t, { behave: () => ({ kind: 'answer', status: 500 }) });
      const pipelineId = await pipeline();
      const hook = await createOutgoingHook(app, pipelineId, receiver.url, onCompleted);
      const delays = [5 * second, 30 * second, 2 * minute, 10 * minute, 30 * minute];
      delays.push(hour, 2 * hour, 4 * hour, 8 * hour, 8 * hour);
      spread = 0;
      await run(pipelineId);
      for (const [index, wait] of delays.entries()) {
        const waiting = await untilAttempts(hook, index + 1);
        assert.equal(waiting.status, 'pending');
        // By turns the shortest, the middle and the longest wait.
        const expected = wait * (0.8 + 0.4 * spread);
        const due = Date.parse(waiting.next_attempt_at ?? '');
        assert.equal(due - Date.parse(waiting.updated_at), Math.round(expected), `wait ${index + 1}`);
        await app.clock.jump(due - app.clock.now() - 1);
        assert.equal(receiver.requests.length, index + 1, `not before wait ${index + 1} is over`);
        spread = ((index + 1) % 3) / 2;
        await app.clock.advance(1);
        await receiver.waitFor(index + 2, `attempt ${index + 2}`);
      }
      const failed = await untilStatus(hook, 'failed');
      assert.equal(failed.attempts, 11);
      assert.match(failed.reason, /^Given up after 11 attempts\. Answered 500\./);
      assert.equal((await attemptsOf(hook)).length, 11);
      await app.clock.jump(48 * hour);
      assert.equal(receiver.requests.length, 11);
    });

    test('what came due while the machine was suspended is sent once and recorded', async (t) => {
      const receiver = await receiverFor(t, {
        behave: (_request, index) => ({ kind: 'answer', status: index === 0 ? 500 : 200, delayMs: 30 }),
      });
      const pipelineId = await pipeline();
      const hook = await createOutgoingHook(app, pipelineId, receiver.url, onCompleted);
      await run(pipelineId);
      await untilAttempts(hook, 1);
      await app.clock.jump(hour);
      const { attempts } = await untilStatus(hook, 'delivered');
      await app.clock.advance(10 * second);
      assert.equal(attempts, 2);
      assert.equal(receiver.requests.length, 2);
      assert.equal((await attemptsOf(hook)).length, 2);
    });

    for (const { name, value, waitMs } of [
      { name: 'seconds', value: () => '90', waitMs: 90 * second },
      {
        name: 'a date',
        value: (now: number) => new Date(now + 10 * minute).toUTCString(),
        waitMs: 10 * minute,
      },
      { name: 'less than the schedule', value: () => '1', waitMs: 5 * second },
      { name: 'more than a day', value: () => '999999', waitMs: 24 * hour },
      { name: 'nonsense', value: () => 'soon', waitMs: 5 * second },
    ]) {
      test(`Retry-After with ${name} is honoured, up to 24 h`, async (t) => {
        const headers = { 'retry-after': value(app.clock.now()) };
        const receiver = await receiverFor(t, { behave: () => ({ kind: 'answer', status: 503, headers }) });
        const pipelineId = await pipeline();
        const hook = await createOutgoingHook(app, pipelineId, receiver.url, onCompleted);
        await run(pipelineId);
        const { next_attempt_at, updated_at } = await untilAttempts(hook, 1);
        assert.equal(Date.parse(next_attempt_at ?? '') - Date.parse(updated_at), waitMs);
      });
    }

    const answers: { status: number; headers: Record<string, string>; ends: string }[] = [
      { status: 400, headers: {}, ends: 'rejected' },
      { status: 401, headers: {}, ends: 'rejected' },
      { status: 403, headers: {}, ends: 'rejected' },
      { status: 403, headers: { 'x-ratelimit-remaining': '0' }, ends: 'pending' },
      { status: 403, headers: { 'retry-after': '60' }, ends: 'pending' },
      { status: 404, headers: {}, ends: 'rejected' },
      { status: 408, headers: {}, ends: 'pending' },
      { status: 422, headers: {}, ends: 'rejected' },
      { status: 425, headers: {}, ends: 'pending' },
      { status: 429, headers: {}, ends: 'pending' },
      { status: 500, headers: {}, ends: 'pending' },
      { status: 301, headers: { location: '/elsewhere' }, ends: 'rejected' },
      { status: 307, headers: { location: '/elsewhere' }, ends: 'rejected' },
    ];
    for (const { status, headers, ends } of answers) {
      const what = ends === 'pending' ? 'is tried again' : 'ends the delivery, with the answer shown';
      test(`an answer ${[status, ...Object.keys(headers)].join(' with ')} ${what}`, async (t) => {
        const receiver = await receiverFor(t, {
          behave: () => ({ kind: 'answer', status, headers, body: 'because of this' }),
        });
        const pipelineId = await pipeline();
        const hook = await createOutgoingHook(app, pipelineId, receiver.url, onCompleted);
        await run(pipelineId);
        const delivery = await untilAttempts(hook, 1);
        assert.equal(delivery.status, ends);
        assert.match(delivery.reason, new RegExp(String(status)));
        const [first] = await attemptsOf(hook);
        const { response_body, response_status_code } = await attempt(first?.id ?? '');
        assert.deepEqual(response_body, { raw: 'because of this' });
        assert.equal(response_status_code, status);
        assert.deepEqual(
          receiver.requests.map(({ path }) => path),
          ['/'],
          'and nothing else was asked',
        );
      });
    }

    test('a receiver that does not answer is given 15 s, and one that drips its answer too', async (t) => {
      for (const behaviour of [
        { kind: 'hang' },
        { kind: 'drip', body: 'x'.repeat(9999), everyMs: 5 },
      ] as const) {
        const receiver = await receiverFor(t, { behave: () => behaviour });
        const pipelineId = await pipeline();
        const hook = await createOutgoingHook(app, pipelineId, receiver.url, onCompleted);
        await run(pipelineId);
        await receiver.waitFor(1);
        await app.clock.advance(15 * second - 1);
        assert.equal((await deliveriesOf(hook))[0]?.status, 'sending');
        await app.clock.advance(1);
        const { status, reason } = await untilAttempts(hook, 1);
        const [first] = await attemptsOf(hook);
        assert.equal(first?.duration_ms, 15 * second);
        // A status that came in time says what the receiver did, however long its words take.
        const answered = behaviour.kind === 'drip';
        assert.equal(status, answered ? 'delivered' : 'pending');
        assert.equal(reason, answered ? 'Delivered: answered 200.' : 'No answer within 15 s.');
        assert.equal(first?.response_status_code, answered ? 200 : 0);
      }
    });

    test('of an endless answer 16 KiB are kept and no more are read', async (t) => {
      const receiver = await receiverFor(t, { behave: () => ({ kind: 'flood', bytes: Infinity }) });
      const pipelineId = await pipeline();
      const hook = await createOutgoingHook(app, pipelineId, receiver.url, onCompleted);
      await run(pipelineId);
      await untilStatus(hook, 'delivered');
      const [first] = await attemptsOf(hook);
      const { response_body } = await attempt(first?.id ?? '');
      assert.deepEqual(response_body, { raw: '0'.repeat(16 * 1024) });
    });

    for (const { name, fields, url, reason } of [
      {
        name: 'the URL',
        fields: {},
        url: '/{{ action.triggered_from.hook_parsed_variables.sha }}',
        reason: /the URL names action\.triggered_from\.hook_parsed_variables/,
      },
      {
        name: 'a header',
        fields: { settings: { request_headers: [{ name: 'X-Sha', value: '{{ action.no_such_thing }}' }] } },
        url: '/',
        reason: /the header X-Sha names action\.no_such_thing/,
      },
    ]) {
      test(`a variable missing in ${name} means that nothing is sent, and says so`, async (t) => {
        const receiver = await receiverFor(t);
        const pipelineId = await pipeline();
        const hook = await createOutgoingHook(app, pipelineId, receiver.url + url, {
          ...onCompleted,
          ...fields,
        });
        await run(pipelineId);
        const skipped = await untilStatus(hook, 'skipped');
        assert.match(skipped.reason, reason);
        assert.equal(skipped.attempts, 0);
        assert.equal(receiver.requests.length, 0);
      });
    }

    test('a variable missing in the body renders empty and is noted; a default is no miss', async (t) => {
      const receiver = await receiverFor(t);
      const pipelineId = await pipeline();
      const hook = await createOutgoingHook(
        app,
        pipelineId,
        `${receiver.url}/{{ action.nothing | default: "x" }}`,
        {
          ...onCompleted,
          settings: {
            request_body: { sha: 'at {{ action.sha }}!', to: '{{ action.nobody | default: "all" }}' },
          },
        },
      );
      await run(pipelineId);
      const { reason } = await untilStatus(hook, 'delivered');
      assert.match(reason, /Empty in the body: action\.sha\.$/);
      assert.equal(receiver.requests[0]?.path, '/x');
      assert.deepEqual(receiver.requests[0]?.json(), { sha: 'at !', to: 'all' });
    });

    test('an event whose condition is not met sends nothing and shows which condition and the value found', async (t) => {
      const receiver = await receiverFor(t);
      const one = await application();
      const pipelineId = await createPipeline(app, one);
      const hook = await createOutgoingHook(app, pipelineId, receiver.url, {
        trigger_when: {
          events: ['action.completed'],
          conditions: [
            { path: 'action.status', accepted_values: ['completed'] },
            { path: 'application.name', accepted_values: ['other', 'another'] },
          ],
        },
      });
      await run(pipelineId);
      const { reason } = await untilStatus(hook, 'skipped');
      assert.match(
        reason,
        /^Condition 2 of 2 is not met: application\.name must be one of "other", "another"/,
      );
      assert.match(reason, new RegExp(`but is "${one.name}"`));
      assert.equal(receiver.requests.length, 0);
    });

    test('an inactive hook sends nothing, says so, and sends what happens after it is active again', async (t) => {
      const receiver = await receiverFor(t);
      const pipelineId = await pipeline();
      const hook = await createOutgoingHook(app, pipelineId, receiver.url, { ...onCompleted, active: false });
      await run(pipelineId);
      assert.match((await untilStatus(hook, 'skipped')).reason, /not active/);
      await app.api.put(`/hooks/outgoing/${hook}`, { active: true });
      const { id } = await run(pipelineId);
      await receiver.waitFor(1);
      const [, second] = await deliveriesOf(hook);
      assert.equal(second?.action_id, id);
      assert.equal(receiver.requests.length, 1);
    });

    for (const { name, change, reason } of [
      {
        name: 'deleted',
        change: (hook: string) => app.api.delete(`/hooks/outgoing/${hook}`),
        reason: /hook was deleted/,
      },
      {
        name: 'made inactive',
        change: (hook: string) => app.api.put(`/hooks/outgoing/${hook}`, { active: false }),
        reason: /hook is not active/,
      },
    ]) {
      test(`a delivery that waits for its retry while its hook is ${name} ends with that reason`, async (t) => {
        const receiver = await receiverFor(t, { behave: () => ({ kind: 'answer', status: 500 }) });
        const pipelineId = await pipeline();
        const hook = await createOutgoingHook(app, pipelineId, receiver.url, onCompleted);
        const { id } = await run(pipelineId);
        await untilAttempts(hook, 1);
        await change(hook);
        await app.clock.advance(5 * second);
        const ended = await until(async () => {
          const [one] = await app.api.get<ListedDelivery[]>(`/actions/${id}/deliveries`);
          return one?.status === 'skipped' && one;
        }, 'the delivery to be skipped');
        assert.match(ended.reason, reason);
        assert.equal(ended.attempts, 1);
        assert.equal(receiver.requests.length, 1);
      });
    }

    test('a rotated access token is used by the next attempt, and neither is stored anywhere in plain text', async (t) => {
      const receiver = await receiverFor(t, {
        behave: ({ headers, body }, index) => ({
          kind: 'answer',
          status: index === 0 ? 500 : 200,
          headers: { 'x-echo': String(headers['private-token']) },
          body: `you sent ${headers['private-token']} and ${body}`,
        }),
      });
      const one = await application();
      const pipelineId = await createPipeline(app, one, ['true']);
      const hook = await createOutgoingHook(
        app,
        pipelineId,
        `${receiver.url}/?t={{ application.source_provider.access_token }}`,
        {
          ...onCompleted,
          settings: {
            request_headers: [
              { name: 'PRIVATE-TOKEN', value: '{{ application.source_provider.access_token }}' },
            ],
            request_body: 'token={{ application.source_provider.access_token }}',
          },
        },
      );
      await run(pipelineId);
      await untilAttempts(hook, 1);
      const rotated = 'glpat-rotated+/=&"token';
      await app.api.put(`/credentials/${one.credentialId}`, {
        name: 'rotated',
        settings: { access_token: rotated },
      });
      await app.clock.advance(5 * second);
      await untilStatus(hook, 'delivered');
      const sent = receiver.requests.map(({ headers }) => headers['private-token']);
      assert.deepEqual(sent, [one.accessToken, rotated]);

      const tables = await dumpTables(database);
      assert.match(tables, /delivery_attempts/);
      const inBase64 = [one.accessToken, rotated].map((token) => Buffer.from(token).toString('base64'));
      const forms = [one.accessToken, rotated, encodeURIComponent(rotated), ...inBase64];
      assert.deepEqual(
        forms.filter((form) => tables.includes(form)),
        [],
      );
    });

    test('a TLS receiver whose certificate nobody vouches for is refused with a TLS reason, unless verify_ssl is off', async (t) => {
      const receiver = await receiverFor(t, { tls: true });
      const pipelineId = await pipeline();
      const strict = await createOutgoingHook(app, pipelineId, receiver.url, onCompleted);
      const lax = await createOutgoingHook(app, pipelineId, receiver.url, {
        ...onCompleted,
        verify_ssl: false,
      });
      await run(pipelineId);
      assert.equal((await untilStatus(lax, 'delivered')).attempts, 1);
      const refused = await untilAttempts(strict, 1);
      assert.match(refused.reason, /^TLS: /);
      assert.equal(refused.status, 'pending');
      assert.equal(receiver.requests.length, 1);
    });

    test('a hook for every change, and one for several events, get one delivery for each change', async (t) => {
      const receiver = await receiverFor(t);
      const pipelineId = await pipeline(['exit 3']);
      const hookFor = (path: string, events: string[]) =>
        createOutgoingHook(app, pipelineId, `${receiver.url}/${path}/{{ event }}/{{ action.status }}`, {
          trigger_when: { events },
        });
      const hooks = [
        await hookFor('changed', ['action.status_changed']),
        await hookFor('all', [
          'action.status_changed',
          'action.failed',
          'action.started',
          'action.created',
          'action.completed',
        ]),
        await hookFor('failed', ['action.failed', 'action.completed']),
      ];
      await run(pipelineId);
      await pumpUntilSettled(...hooks);
      const pathsOf = (begin: string) =>
        receiver.requests.map(({ path }) => path).filter((path) => path.startsWith(begin));
      assert.deepEqual(pathsOf('/changed/'), [
        '/changed/action.status_changed/queued',
        '/changed/action.status_changed/in-progress',
        '/changed/action.status_changed/failed',
      ]);
      assert.deepEqual(pathsOf('/all/'), [
        '/all/action.created/pending',
        '/all/action.status_changed/queued',
        '/all/action.started/in-progress',
        '/all/action.failed/failed',
      ]);
      assert.deepEqual(pathsOf('/failed/'), ['/failed/action.failed/failed']);
    });

    test('both forms of a hook hear of an action: on its pipeline, and on its resource and operation', async (t) => {
      const receiver = await receiverFor(t);
      const one = await application();
      const pipelineId = await createPipeline(app, one);
      const olderForm = (action_type: string) =>
        app.api.post<{ id: string }>('/hooks/outgoing', {
          name: 'older',
          resource_type: 'application',
          resource_id: one.id,
          action_type,
          target_url: `${receiver.url}/older-${action_type}`,
          ...onCompleted,
        });
      const today = await createOutgoingHook(app, pipelineId, `${receiver.url}/today`, onCompleted);
      const { id: older } = await olderForm('deploy');
      const { id: elsewhere } = await olderForm('restart');
      const otherPipeline = await createPipeline(app, one);
      const other = await createOutgoingHook(app, otherPipeline, `${receiver.url}/other`, onCompleted);
      await run(pipelineId);
      await pumpUntilSettled(today, older, elsewhere, other);
      const paths = receiver.requests.map(({ path }) => path).toSorted();
      assert.deepEqual(paths, ['/older-deploy', '/today']);
    });

    test('a hook has at most 4 requests under way, and a full one does not slow the others', async (t) => {
      let open = 0;
      let most = 0;
      const slow = await receiverFor(t, {
        behave: () => {
          most = Math.max(most, ++open);
          return { kind: 'hang' };
        },
      });
      const quick = await receiverFor(t);
      const pipelineId = await pipeline();
      await createOutgoingHook(app, pipelineId, slow.url, onCompleted);
      const other = await createOutgoingHook(app, pipelineId, quick.url, onCompleted);
      await Promise.all(Array.from({ length: 10 }, () => run(pipelineId)));
      await quick.waitFor(10, 'all of the other hook');
      await slow.waitFor(4);
      await pumpUntilSettled(other);
      assert.equal(most, 4);
      assert.equal(slow.requests.length, 4);
      // As the four time out, the others get their turn.
      open = 0;
      await app.clock.advance(15 * second);
      await slow.waitFor(8);
      assert.equal(most, 4);
    });

    test('while deliveries wait for a retry, for their turn or for a place, the worker sleeps', async (t) => {
      const queries = countQueries(t);
      const receiver = await receiverFor(t, {
        behave: ({ path }) => (path === '/fails' ? { kind: 'answer', status: 500 } : { kind: 'hang' }),
      });
      const pipelineId = await pipeline();
      const all = { trigger_when: { events: ['action.created', 'action.status_changed'] } };
      const failing = await createOutgoingHook(app, pipelineId, `${receiver.url}/fails`, all);
      await createOutgoingHook(app, pipelineId, `${receiver.url}/hangs`, all);
      await Promise.all(Array.from({ length: 6 }, () => run(pipelineId)));
      // The fifth failure opens the breaker, so the sixth may not be sent at all.
      await receiver.waitFor(9, '5 failures and 4 that hang');
      await until(
        async () => (await deliveriesOf(failing)).every(({ status }) => status !== 'sending'),
        'rest',
      );
      // Not a wait for something to happen, but the time in which nothing may.
      await delay(100);
      const before = queries();
      await delay(250);
      assert.equal(queries() - before, 0, 'while time stands still, nothing is asked');
      const start = queries();
      await app.clock.advance(3 * second);
      const asked = queries() - start;
      assert.ok(asked > 0 && asked < 3 * 2 * 12, `${asked} queries in 3 s`);
    });
  });

  describe(`deliveries without HOOKLINE_EGRESS_ALLOW (${kind})`, { timeout: 600_000 }, () => {
    for (const host of [
      '127.0.0.1',
      'localhost',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '0.0.0.0',
      '169.254.169.254',
    ]) {
      test(`do not reach ${host} and say why`, async (t) => {
        const { app, receiver } = await shared();
        const pipelineId = await createPipeline(app, await createApplication(app));
        const url = `http://${host}:${receiver.port}/`;
        const hook = await createOutgoingHook(app, pipelineId, url);
        const { id } = await app.api.post<TestAction>(`/pipelines/${pipelineId}/actions`, {});
        await untilAction(app, id);
        const deliveries = await until(async () => {
          const all = await app.api.get<ListedDelivery[]>(`/hooks/outgoing/${hook}/deliveries`);
          return all.length === 2 && all.every(({ status }) => status === 'rejected') && all;
        }, 'both deliveries to be rejected');
        for (const { reason } of deliveries) assert.match(reason, /is a private or reserved address/);
        t.diagnostic(deliveries[0]?.reason ?? '');
        assert.equal(receiver.requests.length, 0);
      });
    }

    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let started: Promise<{ app: InProcessApp; receiver: Receiver }> | undefined;
    const shared = () =>
      (started ??= (async () => {
        const database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
        const receiver = ends.adopt(await startReceiver(), (made) => made.close());
        const options = { database, env: { HOOKLINE_EGRESS_ALLOW: '' } };
        const app = ends.adopt(await startInProcessApp(options), (made) => made.stop());
        return { app, receiver };
      })());
  });
}

/** Counts every statement that this process sends to either database. */
function countQueries(t: TestContext): () => number {
  let count = 0;
  const memory = new SqliteDatabase(':memory:');
  const statement: SqliteDatabase.Statement = Object.getPrototypeOf(memory.prepare('select 1'));
  memory.close();
  for (const method of ['all', 'run', 'get', 'iterate'] as const) {
    const original = statement[method];
    t.mock.method(statement, method, function counted(this: SqliteDatabase.Statement, ...args: unknown[]) {
      count++;
      return Reflect.apply(original, this, args);
    });
  }
  const { query } = pg.Client.prototype;
  t.mock.method(pg.Client.prototype, 'query', function counted(this: pg.Client, ...args: unknown[]) {
    count++;
    return Reflect.apply(query, this, args);
  });
  return () => count;
}
