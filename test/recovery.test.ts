import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import { until } from './support/api-client.ts';
import type { ApiAnswer } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import { createIncomingHook } from './support/fixtures.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import type { InProcessApp } from './support/in-process-app.ts';
import type { ListedDelivery } from './support/lists.ts';
import { createOutgoingScene } from './support/outgoing-scene.ts';
import type { Behave, Receiver } from './support/receiver.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

type Recovery = {
  id: string;
  hook_id: string;
  status: string;
  reason: string;
  content: string;
  recovered: number;
  left_out: number;
  not_begun: number;
  waiting: number;
  delivered: number;
  failed: number;
  skipped: number;
};
type Refusal = { message: string };

const answer =
  (status: number, headers?: Record<string, string>): Behave =>
  () => ({ kind: 'answer', status, ...(headers ? { headers } : {}) });

for (const kind of databaseKinds) {
  describe(`sending again (${kind})`, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let app: InProcessApp;
    const scene = createOutgoingScene(() => app);
    const { deliveriesOf, untilAll, untilStatus, untilAttempts, receiverFor, pipeline, hook, act } = scene;

    before(async () => {
      const database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
      const env = { HOOKLINE_REQUESTS_PER_MINUTE: '1000000' };
      app = ends.adopt(await startInProcessApp({ database, env }), (started) => started.stop());
    });
    afterEach(async (t) => {
      if ('passed' in t && !t.passed && app.log()) t.diagnostic(app.log());
      await scene.clear();
    });

    const redeliver = (hookId: string, deliveryId: string, body?: object) =>
      app.api.request<ListedDelivery & Refusal>(
        'POST',
        `/hooks/outgoing/${hookId}/deliveries/${deliveryId}/redeliver`,
        body,
      );
    const recover = (hookId: string, body: object = {}): Promise<ApiAnswer<Recovery & Refusal>> =>
      app.api.request('POST', `/hooks/outgoing/${hookId}/recover`, {
        since: new Date(app.clock.now() - hour).toISOString(),
        ...body,
      });
    const begin = async (hookId: string, body: object = {}): Promise<Recovery> => {
      const begun = await recover(hookId, body);
      assert.equal(begun.status, 202, begun.body.message);
      return addsUp(begun.body);
    };
    const read = async ({ hook_id, id }: Recovery): Promise<Recovery> =>
      addsUp(await app.api.get<Recovery>(`/hooks/outgoing/${hook_id}/recoveries/${id}`));
    const cancel = ({ hook_id, id }: Recovery): Promise<ApiAnswer<Recovery & Refusal>> =>
      app.api.request('POST', `/hooks/outgoing/${hook_id}/recoveries/${id}/cancel`);

    test('a recovery does not send beside a later event of the same action that is on its way', async (t) => {
      const receiver = await receiverFor(t, {
        behave: (_request, index) => (index === 0 ? { kind: 'answer', status: 400 } : { kind: 'hang' }),
      });
      const pipelineId = await pipeline();
      const events = ['action.created', 'action.completed'];
      const id = await hook(pipelineId, `${receiver.url}/{{ event }}`, { trigger_when: { events } });
      await act(pipelineId);
      await receiver.waitFor(2, 'the first refused, the second under way');
      const recovery = await begin(id);
      await app.clock.advance(3 * second);
      assert.equal((await read(recovery)).not_begun, 1);
      assert.equal(receiver.requests.length, 2);
      receiver.setBehaviour(answer(200));
      await app.clock.advance(12 * second);
      // The later one was not answered in time: now both go out, the earlier one first.
      await until(async () => {
        await app.clock.advance(second);
        return (await deliveriesOf(id)).every(({ status }) => status === 'delivered');
      }, 'both to be delivered');
      const paths = receiver.requests.slice(2).map(({ path }) => path);
      assert.deepEqual(paths, ['/action.created', '/action.completed']);
    });

    test('what a wrong template kept from being sent is recovered when the template is right', async (t) => {
      const receiver = await receiverFor(t);
      const pipelineId = await pipeline();
      const id = await hook(pipelineId, `${receiver.url}/{{ action.nothing }}`);
      await act(pipelineId);
      await act(pipelineId);
      await untilAll(id, 2, ({ status }) => status === 'skipped', 'skipped');
      await app.api.request('PUT', `/hooks/outgoing/${id}`, {
        target_url: `${receiver.url}/{{ action.id }}`,
      });
      const recovery = await begin(id);
      assert.equal(recovery.recovered, 2);
      await untilAll(id, 2, ({ status }) => status === 'delivered', 'delivered');
      await app.clock.advance(second);
      await untilRecovery(recovery, ({ status }) => status === 'completed', 'over');
      assert.equal((await begin(id)).recovered, 0, 'what was delivered is not sent another time');
    });

    const untilRecovery = (recovery: Recovery, probe: (now: Recovery) => boolean, what: string) =>
      until(async () => {
        const now = await read(recovery);
        return probe(now) && now;
      }, `the recovery to have ${what}`);
    /** It looks again when a part of a second has passed. */
    const untilEnded = (recovery: Recovery) =>
      until(async () => {
        const now = await read(recovery);
        if (now.status !== 'running') return now;
        await app.clock.advance(100);
        return undefined;
      }, 'the recovery to end');

    /** Makes one more delivery, whose receiver asks to be left alone for half a minute: until then, nothing is sent. */
    async function pause(receiver: Receiver, hookId: string, pipelineId: number): Promise<number> {
      receiver.setBehaviour(answer(429, { 'retry-after': '30' }));
      const before = await deliveriesOf(hookId);
      const action = await act(pipelineId);
      await until(async () => {
        const { blocked_until } = await app.api.get<{ blocked_until: string | null }>(
          `/hooks/outgoing/${hookId}`,
        );
        return blocked_until === new Date(app.clock.now() + 30 * second).toISOString();
      }, 'the hook to pause');
      assert.equal((await deliveriesOf(hookId)).length, before.length + 1);
      receiver.setBehaviour(answer(200));
      return action;
    }

    async function rejected(hookId: string, pipelineId: number, count: number): Promise<ListedDelivery[]> {
      await Promise.all(Array.from({ length: count }, () => act(pipelineId)));
      return await untilAll(hookId, count, ({ status }) => status === 'rejected', 'rejected');
    }

    describe('one delivery', () => {
      const version = (number: number, url: string) => ({
        target_url: `${url}/v${number}`,
        settings: {
          request_headers: [{ name: 'X-Version', value: String(number) }],
          request_body: { version: number, action: '{{ action.id }}' },
        },
      });
      const told = ({ requests }: Receiver) =>
        requests.map(({ path, headers, json }) => [
          path,
          headers['x-version'],
          (json() as { version: number }).version,
        ]);

      test('with its original content has the body of then, else that of now; address and headers are those of now', async (t) => {
        const receiver = await receiverFor(t, { behave: answer(400) });
        const pipelineId = await pipeline();
        const { target_url, ...fields } = version(1, receiver.url);
        const hookId = await hook(pipelineId, target_url, fields);
        const action = await act(pipelineId);
        const { id, content } = await untilStatus(hookId, 'rejected');
        assert.equal(content, 'current');
        await app.api.put(`/hooks/outgoing/${hookId}`, version(2, receiver.url));

        const original = await redeliver(hookId, id, { content: 'original' });
        assert.equal(original.status, 202);
        assert.deepEqual([original.body.id, original.body.content], [id, 'original']);
        await untilAttempts(hookId, 2);
        const current = await redeliver(hookId, id);
        assert.deepEqual([current.status, current.body.content], [202, 'current']);
        await untilAttempts(hookId, 3);

        assert.deepEqual(told(receiver), [
          ['/v1', '1', 1],
          ['/v2', '2', 1],
          ['/v2', '2', 2],
        ]);
        for (const request of receiver.requests) {
          assert.equal(request.headers['webhook-id'], id);
          assert.equal((request.json() as { action: string }).action, String(action));
        }
        type Details = { requests: { id: string; retry_of: string | null; response_status_code: number }[] };
        const { requests } = await app.api.get<Details>(`/hooks/outgoing/${hookId}/deliveries/${id}`);
        assert.deepEqual(
          requests.map(({ retry_of, response_status_code }) => [retry_of, response_status_code]),
          [
            [null, 400],
            [requests[0]?.id, 400],
            [requests[0]?.id, 400],
          ],
        );
      });

      test('replayed by one of its attempts with original content has the body of that attempt', async (t) => {
        const receiver = await receiverFor(t, { behave: answer(400) });
        const pipelineId = await pipeline();
        const { target_url, ...fields } = version(1, receiver.url);
        const hookId = await hook(pipelineId, target_url, fields);
        await act(pipelineId);
        const { id } = await untilAttempts(hookId, 1);
        await app.api.put(`/hooks/outgoing/${hookId}`, version(2, receiver.url));
        await redeliver(hookId, id);
        await untilAttempts(hookId, 2);
        await app.api.put(`/hooks/outgoing/${hookId}`, version(3, receiver.url));

        const path = `/hooks/outgoing/${hookId}/deliveries/${id}`;
        const { requests } = await app.api.get<{ requests: { id: string }[] }>(path);
        const [first, next] = requests;
        for (const [index, [attempt, body]] of (
          [
            [next, { content: 'original' }],
            [first, { content: 'original' }],
            [first, undefined],
          ] as const
        ).entries()) {
          const replayed = await app.api.request('POST', `/hook-requests/${attempt?.id}/replay`, body);
          assert.equal(replayed.status, 202);
          await untilAttempts(hookId, 3 + index);
        }
        assert.deepEqual(told(receiver).slice(2), [
          ['/v3', '3', 2],
          ['/v3', '3', 1],
          ['/v3', '3', 3],
        ]);
      });

      test('that waits for its next attempt is tried now', async (t) => {
        const receiver = await receiverFor(t, { behave: answer(500) });
        const pipelineId = await pipeline();
        const hookId = await hook(pipelineId, receiver.url);
        await act(pipelineId);
        const { id, status } = await untilAttempts(hookId, 1);
        assert.equal(status, 'pending');
        receiver.setBehaviour(answer(200));
        assert.equal((await redeliver(hookId, id)).status, 202);
        const { attempts } = await untilStatus(hookId, 'delivered');
        assert.equal(attempts, 2);
      });

      test('that was delivered goes out again, also when something later of its action has arrived', async (t) => {
        const receiver = await receiverFor(t);
        const pipelineId = await pipeline();
        const hookId = await hook(pipelineId, `${receiver.url}/{{ event }}`, {
          trigger_when: { events: ['action.created', 'action.completed'] },
        });
        await act(pipelineId);
        const isDelivered = ({ status }: ListedDelivery) => status === 'delivered';
        const [created] = await untilAll(hookId, 2, isDelivered, 'delivered');
        assert.equal((await redeliver(hookId, created!.id)).status, 202);
        await receiver.waitFor(3);
        assert.equal(receiver.requests[2]?.path, '/action.created');
        assert.equal(receiver.requests[2]?.headers['webhook-id'], created?.id);
        await untilAll(hookId, 2, isDelivered, 'delivered');
      });

      test('gets all its retries once more', async (t) => {
        const statuses = [500, 500, 400];
        const receiver = await receiverFor(t, {
          behave: (_request, index) => ({ kind: 'answer', status: statuses[index] ?? 500 }),
        });
        const pipelineId = await pipeline();
        const hookId = await hook(pipelineId, receiver.url);
        await act(pipelineId);
        await untilAttempts(hookId, 1);
        await app.clock.advance(5 * second);
        await untilAttempts(hookId, 2);
        await app.clock.advance(30 * second);
        const { id, status } = await untilAttempts(hookId, 3);
        assert.equal(status, 'rejected');

        assert.equal((await redeliver(hookId, id)).status, 202);
        for (let attempts = 4; attempts < 14; attempts++) {
          const waiting = await untilAttempts(hookId, attempts);
          const due = Date.parse(waiting.next_attempt_at ?? '');
          if (attempts === 4)
            assert.equal(due, Date.parse(waiting.updated_at) + 5 * second, 'the first wait');
          await app.clock.jump(due - app.clock.now());
        }
        const failed = await untilStatus(hookId, 'failed');
        assert.equal(failed.attempts, 14);
        assert.match(failed.reason, /^Given up after 11 attempts\./);
      });

      test('that is being sent at this moment is refused', async (t) => {
        const receiver = await receiverFor(t, { behave: () => ({ kind: 'hang' }) });
        const pipelineId = await pipeline();
        const hookId = await hook(pipelineId, receiver.url);
        await act(pipelineId);
        const { id } = await untilStatus(hookId, 'sending');
        const refused = await redeliver(hookId, id);
        assert.equal(refused.status, 409);
        assert.match(refused.body.message, /is being sent at this very moment/);
      });

      test('of a hook that is off is refused, with what to do', async (t) => {
        const receiver = await receiverFor(t, { behave: answer(400) });
        const pipelineId = await pipeline();
        const hookId = await hook(pipelineId, receiver.url);
        await act(pipelineId);
        const { id } = await untilStatus(hookId, 'rejected');
        await app.api.put(`/hooks/outgoing/${hookId}`, { active: false });
        const [attempt] = await app.api.get<{ id: string }[]>(`/hooks/outgoing/${hookId}/requests`);
        for (const refused of [
          await redeliver(hookId, id),
          await recover(hookId),
          await app.api.request<Refusal>('POST', `/hook-requests/${attempt?.id}/replay`),
        ]) {
          assert.equal(refused.status, 409);
          assert.match(refused.body.message, /switched off\. Switch it on first/);
        }
        assert.equal((await untilStatus(hookId, 'rejected')).attempts, 1);
      });

      test('that a condition has kept from being sent is refused, since its event was not kept', async (t) => {
        const receiver = await receiverFor(t);
        const pipelineId = await pipeline();
        const hookId = await hook(pipelineId, receiver.url, {
          trigger_when: {
            events: ['action.created'],
            conditions: [{ path: 'action.type', accepted_values: ['restart'] }],
          },
        });
        await act(pipelineId);
        const { id, reason } = await untilStatus(hookId, 'skipped');
        assert.match(reason, /^Condition 1 of 1 is not met/);
        const refused = await redeliver(hookId, id);
        assert.equal(refused.status, 409);
        assert.match(refused.body.message, /its event was not kept, since nothing was to be sent of it/);
      });
    });

    describe('a recovery', () => {
      test('of 500 sends them in the order of their events, at most 200 waiting at once, and its numbers add up', async (t) => {
        const receiver = await receiverFor(t, { behave: answer(400) });
        const pipelineId = await pipeline();
        const hookId = await hook(pipelineId, receiver.url);
        for (let begun = 0; begun < 500; begun += 50)
          await Promise.all(Array.from({ length: 50 }, () => act(pipelineId)));
        const failed = await untilAll(hookId, 500, ({ status }) => status === 'rejected', 'rejected');
        await pause(receiver, hookId, pipelineId);
        const sentBefore = receiver.requests.length;

        const cancelled = await begin(hookId);
        const full = (now: Recovery) => now.waiting === 200;
        const { recovered, not_begun } = await untilRecovery(cancelled, full, 'taken up 200');
        assert.deepEqual([recovered, not_begun], [500, 300]);
        await app.clock.advance(3 * second);
        assert.equal((await read(cancelled)).not_begun, 300, 'no more are taken up while these wait');
        const ended = await cancel(cancelled);
        assert.equal(ended.status, 200);
        const { status, waiting, failed: put, not_begun: left } = addsUp(ended.body);
        assert.deepEqual([status, waiting, put, left], ['cancelled', 0, 200, 300]);

        const recovery = await begin(hookId);
        assert.equal(recovery.recovered, 500);
        await untilRecovery(recovery, full, 'taken up 200');
        assert.equal(receiver.requests.length, sentBefore, 'the receiver is left alone');
        await app.clock.jump(30 * second);
        const done = await untilEnded(recovery);
        assert.deepEqual([done.status, done.delivered, done.failed, done.left_out], ['completed', 500, 0, 0]);

        const order = new Map(failed.map(({ id }, index) => [id, index]));
        const sent = receiver.requests
          .slice(sentBefore)
          .flatMap(({ headers }) => order.get(String(headers['webhook-id'])) ?? []);
        assert.equal(sent.length, 500);
        assert.equal(new Set(sent).size, 500);
        // Four are under way at the same time, which may arrive in any order.
        const arrived = new Set<number>();
        for (const index of sent) {
          let overtaken = 0;
          for (let earlier = 0; earlier < index; earlier++) if (!arrived.has(earlier)) overtaken++;
          assert.ok(overtaken < 4, `delivery ${index} was sent before ${overtaken} earlier ones`);
          arrived.add(index);
        }
        const listed = await app.api.get<Recovery[]>(`/hooks/outgoing/${hookId}/recoveries`);
        assert.deepEqual(
          listed.map(({ id, status }) => [id, status]),
          [
            [recovery.id, 'completed'],
            [cancelled.id, 'cancelled'],
          ],
        );
      });

      test('leaves out what a later event of its action has overtaken, and counts it, unless told to send it', async (t) => {
        let accepted = '';
        const receiver = await receiverFor(t, {
          behave: ({ path }) => ({ kind: 'answer', status: path === accepted ? 200 : 400 }),
        });
        const pipelineId = await pipeline();
        const hookId = await hook(pipelineId, `${receiver.url}/{{ action.id }}/{{ event }}`, {
          trigger_when: { events: ['action.created', 'action.completed'] },
        });
        const hasEnded = ({ status }: ListedDelivery) => status === 'rejected' || status === 'delivered';
        const failing = await act(pipelineId);
        await untilAll(hookId, 2, hasEnded, 'ended');
        // Its end arrives, its beginning does not.
        accepted = `/${failing + 1}/action.completed`;
        const ended = await act(pipelineId);
        assert.equal(ended, failing + 1);
        await untilAll(hookId, 4, hasEnded, 'ended');

        receiver.setBehaviour(answer(200));
        const sentBefore = receiver.requests.length;
        const pathsSent = () => receiver.requests.slice(sentBefore).map(({ path }) => path);
        const first = await untilEnded(await begin(hookId));
        assert.deepEqual([first.recovered, first.delivered, first.left_out], [3, 2, 1]);
        assert.deepEqual(pathsSent(), [`/${failing}/action.created`, `/${failing}/action.completed`]);

        const all = await untilEnded(await begin(hookId, { include_overtaken: true }));
        assert.deepEqual([all.recovered, all.delivered, all.left_out], [1, 1, 0]);
        assert.deepEqual(pathsSent().slice(2), [`/${ended}/action.created`]);
      });

      test('repeats the first body of each with original content', async (t) => {
        const receiver = await receiverFor(t, { behave: answer(400) });
        const pipelineId = await pipeline();
        const hookId = await hook(pipelineId, receiver.url, { settings: { request_body: { told: 'then' } } });
        await rejected(hookId, pipelineId, 2);
        const settings = { request_body: { told: 'now' } };
        await app.api.put(`/hooks/outgoing/${hookId}`, { settings });
        receiver.setBehaviour(answer(200));
        const { content } = await untilEnded(await begin(hookId, { content: 'original' }));
        assert.equal(content, 'original');
        const bodies = receiver.requests.slice(2).map(({ json }) => json());
        assert.deepEqual(bodies, [{ told: 'then' }, { told: 'then' }]);
      });

      test('counts what fails again, and does not take it twice', async (t) => {
        const receiver = await receiverFor(t, { behave: answer(400) });
        const pipelineId = await pipeline();
        const hookId = await hook(pipelineId, receiver.url);
        await rejected(hookId, pipelineId, 3);
        const done = await untilEnded(await begin(hookId));
        assert.deepEqual([done.status, done.recovered, done.failed], ['completed', 3, 3]);
        assert.equal(receiver.requests.length, 6);
      });

      test('is refused while another one of the hook runs; cancelled, it puts back what waits', async (t) => {
        const receiver = await receiverFor(t, { behave: answer(400) });
        const pipelineId = await pipeline();
        const hookId = await hook(pipelineId, receiver.url);
        await rejected(hookId, pipelineId, 3);
        const other = await hook(await pipeline(), receiver.url);
        const paused = await pause(receiver, hookId, pipelineId);
        const running = await begin(hookId);
        await untilRecovery(running, ({ waiting }) => waiting === 3, 'taken up all');
        const refused = await recover(hookId);
        assert.equal(refused.status, 409);
        assert.ok(refused.body.message.includes(running.id), refused.body.message);
        assert.equal((await begin(other)).status, 'completed', 'that of another hook is not in its way');

        const cancelled = await cancel(running);
        assert.equal(cancelled.status, 200);
        assert.deepEqual(
          [cancelled.body.status, cancelled.body.waiting, cancelled.body.failed],
          ['cancelled', 0, 3],
        );
        const twice = await cancel(running);
        assert.equal(twice.status, 409);
        assert.match(twice.body.message, /is cancelled/);
        const all = await deliveriesOf(hookId);
        for (const { status, reason } of all.slice(0, 3))
          assert.deepEqual([status, reason], ['failed', 'Not sent again: the recovery was cancelled.']);
        assert.deepEqual(
          [all[3]?.action_id, all[3]?.status],
          [paused, 'pending'],
          'which it did not take up',
        );

        const sentBefore = receiver.requests.length;
        const next = await begin(hookId);
        assert.equal(next.recovered, 3);
        await app.clock.jump(30 * second);
        assert.equal((await untilEnded(next)).delivered, 3);
        await untilAll(hookId, 4, ({ status }) => status === 'delivered', 'delivered');
        assert.equal(receiver.requests.length, sentBefore + 4);
      });

      test('ends when its hook is switched off, and what it had not sent can be recovered later', async (t) => {
        const receiver = await receiverFor(t, { behave: answer(400) });
        const pipelineId = await pipeline();
        const hookId = await hook(pipelineId, receiver.url);
        await rejected(hookId, pipelineId, 3);
        await pause(receiver, hookId, pipelineId);
        const recovery = await begin(hookId);
        await untilRecovery(recovery, ({ waiting }) => waiting === 3, 'taken up all');
        const sentBefore = receiver.requests.length;
        await app.api.put(`/hooks/outgoing/${hookId}`, { active: false });
        const ended = await untilEnded(recovery);
        assert.deepEqual([ended.status, ended.reason], ['cancelled', 'The hook was switched off.']);
        const all = await untilAll(hookId, 4, ({ status }) => status !== 'pending', 'not pending');
        assert.deepEqual(
          all.map(({ status }) => status),
          ['failed', 'failed', 'failed', 'skipped'],
        );
        for (const { reason } of all.slice(0, 3))
          assert.equal(reason, 'Not sent again: the hook was switched off.');
        assert.equal(receiver.requests.length, sentBefore);

        await app.api.put(`/hooks/outgoing/${hookId}`, { active: true });
        const again = await untilEnded(await begin(hookId));
        assert.deepEqual([again.recovered, again.delivered], [3, 3]);
      });

      test('and its deliveries are found below their own hook alone', async (t) => {
        const receiver = await receiverFor(t, { behave: answer(400) });
        const pipelineId = await pipeline();
        const own = await hook(pipelineId, receiver.url);
        const [delivery] = await rejected(own, pipelineId, 1);
        const recovery = await untilEnded(await begin(own));
        const { id: environmentId } = await app.api.post<{ id: number }>(
          `/projects/${app.projectId}/environments`,
          { type: 'staging', name: `elsewhere ${randomUUID()}` },
        );
        const beside = await hook(pipelineId, receiver.url);
        const elsewhere = await hook(await pipeline({ environmentId }), receiver.url);
        const incoming = (await createIncomingHook(app, pipelineId)).id;
        const statuses = async (hookId: string) => {
          const path = `/hooks/outgoing/${hookId}`;
          const calls = [
            ['GET', `${path}/deliveries/${delivery!.id}`],
            ['GET', `${path}/recoveries/${recovery.id}`],
            ['POST', `${path}/recoveries/${recovery.id}/cancel`],
            ['POST', `${path}/deliveries/${delivery!.id}/redeliver`],
          ] as const;
          return await Promise.all(
            calls.map(async ([method, address]) => (await app.api.request(method, address)).status),
          );
        };
        for (const hookId of [beside, elsewhere, incoming, randomUUID()])
          assert.deepEqual(await statuses(hookId), [404, 404, 404, 404]);
        assert.deepEqual(await statuses(own), [200, 200, 409, 202]);
      });
    });
  });
}

/** Every delivery that a recovery is about is in one of its numbers, and no more wait than may. */
function addsUp(recovery: Recovery): Recovery {
  const { recovered, left_out, not_begun, waiting, delivered, failed, skipped } = recovery;
  const sum = left_out + not_begun + waiting + delivered + failed + skipped;
  assert.equal(sum, recovered, JSON.stringify(recovery));
  assert.ok(waiting <= 200, `${waiting} wait`);
  return recovery;
}
