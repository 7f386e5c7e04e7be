import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { afterAttempt } from '../src/outgoing/breaker.ts';
import type { Health } from '../src/outgoing/breaker.ts';
import type { Sign } from '../src/outgoing/retry-schedule.ts';
import { until } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import type { InProcessApp } from './support/in-process-app.ts';
import type { ListedDelivery } from './support/lists.ts';
import { createOutgoingScene } from './support/outgoing-scene.ts';
import type { Behave } from './support/receiver.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

type Step = { at: number; sign: Sign; isProbe?: boolean };
type Outcome = ReturnType<typeof afterAttempt>;

/** The same sign again and again, at once or with `everyMs` in between. */
const times = (count: number, sign: Sign, { from = 0, everyMs = 0 } = {}): Step[] =>
  Array.from({ length: count }, (_, index) => ({ at: from + index * everyMs, sign }));

const good: Sign = { kind: 'good' };
const refused: Sign = { kind: 'refused' };
const failing: Sign = { kind: 'failing' };
const gone: Sign = { kind: 'gone' };
const limited = (waitMs: number): Sign => ({ kind: 'limited', waitMs });

function runThrough(steps: Step[]): Outcome {
  let outcome: Outcome = { health: null, disable: null };
  for (const { at, sign, isProbe = false } of steps) {
    assert.equal(outcome.disable, null, 'switched off before the last attempt');
    outcome = afterAttempt(outcome.health, { sign, reason: `${sign.kind} at ${at}`, isProbe, now: at });
  }
  return outcome;
}

describe('the health of a hook after', () => {
  const table: { name: string; steps: Step[]; health: Partial<Health> | null }[] = [
    { name: 'a success is none', steps: times(1, good), health: null },
    {
      name: 'four failures is bad, and the breaker is closed',
      steps: times(4, failing),
      health: { state: 'closed', failures_in_a_row: 4, failed_attempts: 4, blocked_until: null, openings: 0 },
    },
    {
      name: 'five failures in a row: the breaker is open for 30 s',
      steps: times(5, failing, { everyMs: second }),
      health: {
        state: 'open',
        failing_since: 0,
        failed_attempts: 5,
        blocked_until: 4 * second + 30 * second,
        openings: 1,
        reason: 'failing at 4000',
      },
    },
    {
      name: 'five failures with a success among them: the breaker is closed',
      steps: [...times(3, failing), ...times(1, good), ...times(2, failing)],
      health: { state: 'closed', failures_in_a_row: 2, failed_attempts: 2 },
    },
    {
      name: 'five failures with a refusal among them: the breaker is closed',
      steps: [...times(4, failing), ...times(1, refused), ...times(4, failing)],
      health: { state: 'closed', failures_in_a_row: 4, failed_attempts: 9, failing_since: 0 },
    },
    {
      name: 'failures under way when a pause was asked for: the pause is not cut short by the breaker',
      steps: [{ at: 0, sign: limited(hour) }, ...times(5, failing, { from: second })],
      health: { state: 'open', blocked_until: hour },
    },
    {
      name: 'what was under way when the breaker opened is no longer than before',
      steps: [...times(5, failing), ...times(3, failing, { from: 10 * second })],
      health: { state: 'open', openings: 1, blocked_until: 30 * second, failed_attempts: 8 },
    },
    {
      name: 'a success that was under way when the breaker opened is good',
      steps: [...times(5, failing), { at: second, sign: good }],
      health: null,
    },
    {
      name: 'a probe that succeeds is good',
      steps: [...times(5, failing), { at: 30 * second, sign: good, isProbe: true }],
      health: null,
    },
    {
      name: 'a probe that is refused: the receiver is there, and the breaker is closed',
      steps: [...times(5, failing), { at: 30 * second, sign: refused, isProbe: true }],
      health: { state: 'closed', failures_in_a_row: 0, openings: 0, blocked_until: null, failing_since: 0 },
    },
    {
      name: 'a breaker that was closed by a refusal: it opens for 30 s again',
      steps: [
        ...times(5, failing),
        { at: 30 * second, sign: failing, isProbe: true },
        { at: 90 * second, sign: refused, isProbe: true },
        ...times(5, failing, { from: 100 * second }),
      ],
      health: { state: 'open', openings: 1, blocked_until: 130 * second },
    },
    {
      name: 'a limit is a pause as long as asked for, without an open breaker',
      steps: [...times(4, failing), { at: second, sign: limited(90 * second) }],
      health: { state: 'closed', failures_in_a_row: 0, blocked_until: 91 * second, failed_attempts: 5 },
    },
    {
      name: 'a shorter limit does not shorten a pause',
      steps: [
        { at: 0, sign: limited(minute) },
        { at: second, sign: limited(5 * second) },
      ],
      health: { state: 'closed', blocked_until: minute },
    },
    {
      name: 'a success that was under way does not end a pause',
      steps: [
        { at: 0, sign: limited(minute) },
        { at: second, sign: good },
      ],
      health: { blocked_until: minute, failing_since: null, failed_attempts: 0, reason: 'limited at 0' },
    },
    {
      name: 'a refusal that was under way does not end a pause',
      steps: [
        { at: 0, sign: limited(minute) },
        { at: second, sign: refused },
      ],
      health: { state: 'closed', blocked_until: minute },
    },
    {
      name: 'a success when the pause is over is good',
      steps: [
        { at: 0, sign: limited(minute) },
        { at: second, sign: good },
        { at: minute, sign: good },
      ],
      health: null,
    },
    {
      name: 'a limit that a probe meets: the breaker is closed, and the pause goes on',
      steps: [...times(5, failing), { at: 30 * second, sign: limited(hour), isProbe: true }],
      health: { state: 'closed', blocked_until: 30 * second + hour },
    },
    {
      name: 'five days without a success, but only two attempts, is bad',
      steps: times(2, failing, { everyMs: 5 * day }),
      health: { state: 'closed', failed_attempts: 2, failing_since: 0 },
    },
    {
      name: 'ten attempts in a little less than five days is bad',
      steps: [...times(9, refused), { at: 5 * day - 1, sign: refused }],
      health: { state: 'closed', failed_attempts: 10, failing_since: 0 },
    },
    {
      name: 'five days with a success in between is bad since then',
      steps: [...times(9, refused), { at: day, sign: good }, ...times(10, refused, { from: 5 * day })],
      health: { failed_attempts: 10, failing_since: 5 * day },
    },
  ];
  for (const { name, steps, health } of table) {
    test(name, () => {
      const outcome = runThrough(steps);
      assert.equal(outcome.disable, null);
      if (health === null) assert.equal(outcome.health, null);
      else assert.partialDeepStrictEqual(outcome.health, health);
    });
  }

  test('probes that fail: the breaker stays open twice as long each time, up to an hour', () => {
    let { health } = runThrough(times(5, failing));
    const waits: number[] = [];
    let now = 0;
    while (waits.length < 10) {
      waits.push((health?.blocked_until ?? 0) - now);
      now = health?.blocked_until ?? 0;
      ({ health } = afterAttempt(health, { sign: failing, reason: '', isProbe: true, now }));
    }
    const seconds = [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600];
    assert.deepEqual(
      waits,
      seconds.map((wait) => wait * second),
    );
  });

  const ends: { name: string; steps: Step[]; why: RegExp }[] = [
    { name: 'a 410', steps: times(1, gone), why: /^The receiver answered 410 Gone\.$/ },
    {
      name: 'five days of failures',
      steps: [...times(9, failing), { at: 5 * day, sign: failing, isProbe: true }],
      why: /^Nothing was delivered in 10 attempts since 1970-01-01T00:00:00\.000Z, the last because: failing at 432000000$/,
    },
    {
      name: 'five days of refusals',
      steps: [...times(9, refused), { at: 5 * day, sign: refused }],
      why: /in 10 attempts/,
    },
    {
      name: 'five days of limits',
      steps: times(11, limited(12 * hour), { everyMs: 12 * hour }),
      why: /in 11 attempts/,
    },
  ];
  for (const { name, steps, why } of ends) {
    test(`${name} is that it is switched off, and nothing is left of the breaker`, () => {
      const { health, disable } = runThrough(steps);
      assert.match(disable ?? '', why);
      assert.equal(health, null);
    });
  }
});

type ShownHook = {
  name: string;
  active: boolean;
  breaker_state: string;
  blocked_until: string | null;
  failing_since: string | null;
  failed_attempts: number;
  last_failure: string | null;
  disabled_at: string | null;
  disabled_reason: string | null;
};

const answer =
  (status: number, headers?: Record<string, string>): Behave =>
  () => ({ kind: 'answer', status, ...(headers ? { headers } : {}) });

for (const kind of databaseKinds) {
  describe(`the breaker (${kind})`, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let database: TestDatabase;
    let app: InProcessApp;
    const env = { HOOKLINE_REQUESTS_PER_MINUTE: '1000000' };
    const scene = createOutgoingScene(() => app);
    const { deliveriesOf, untilAll, untilStatus, untilAttempts, receiverFor, pipeline, hook, act } = scene;

    before(async () => {
      database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
      app = ends.adopt(await startInProcessApp({ database, env }), (started) => started.stop());
    });
    afterEach(async (t) => {
      if ('passed' in t && !t.passed && app.log()) t.diagnostic(app.log());
      await scene.clear();
    });

    const read = (hookId: string) => app.api.get<ShownHook>(`/hooks/outgoing/${hookId}`);
    const inMs = (ms: number) => new Date(app.clock.now() + ms).toISOString();
    const untilHook = (hookId: string, probe: (hook: ShownHook) => boolean, what: string) =>
      until(async () => {
        const shown = await read(hookId);
        return probe(shown) && shown;
      }, `the hook to be ${what}`);

    test('is shown: open with its end, half-open when that has come, closed after a success', async (t) => {
      const receiver = await receiverFor(t, { behave: answer(503) });
      const pipelineId = await pipeline();
      const hookId = await hook(pipelineId, receiver.url);
      const startedAt = inMs(0);
      await act(pipelineId);
      for (const [index, wait] of [5 * second, 30 * second, 2 * minute, 10 * minute].entries()) {
        const { next_attempt_at } = await untilAttempts(hookId, index + 1);
        assert.equal(next_attempt_at, inMs(wait));
        assert.equal((await read(hookId)).breaker_state, 'closed');
        await app.clock.jump(wait);
      }
      const own = await untilAttempts(hookId, 5);
      assert.equal(own.next_attempt_at, inMs(30 * minute), 'its own wait is the longer one');
      const open = await read(hookId);
      assert.deepEqual(
        [open.breaker_state, open.blocked_until, open.failing_since, open.failed_attempts, open.last_failure],
        ['open', inMs(30 * second), startedAt, 5, 'Answered 503.'],
      );

      await app.clock.jump(30 * second);
      const halfOpen = await read(hookId);
      assert.deepEqual([halfOpen.breaker_state, halfOpen.blocked_until], ['half-open', null]);

      const isSecond = ({ id }: ListedDelivery) => id !== own.id;
      await act(pipelineId);
      await untilHook(hookId, ({ failed_attempts }) => failed_attempts === 6, 'probed in vain');
      const [, waiting] = await deliveriesOf(hookId);
      assert.ok(waiting && isSecond(waiting));
      assert.equal((await read(hookId)).blocked_until, inMs(minute), 'twice as long');
      assert.deepEqual([waiting.status, waiting.next_attempt_at], ['pending', inMs(minute)]);
      assert.ok(waiting.reason.includes(`Its hook sends nothing before ${inMs(minute)}.`), waiting.reason);

      receiver.setBehaviour(answer(200));
      await app.clock.jump(minute);
      const well = await untilHook(hookId, ({ breaker_state }) => breaker_state === 'closed', 'well');
      assert.deepEqual(
        [well.blocked_until, well.failing_since, well.failed_attempts, well.last_failure, well.active],
        [null, null, 0, null, true],
      );
      const [first, delivered] = await deliveriesOf(hookId);
      assert.deepEqual([first?.status, delivered?.status], ['pending', 'delivered']);
    });

    test('that a receiver asks for by Retry-After keeps everything of its hook back, and is not open', async (t) => {
      const receiver = await receiverFor(t, { behave: answer(429, { 'retry-after': '90' }) });
      const pipelineId = await pipeline();
      const hookId = await hook(pipelineId, receiver.url);
      await act(pipelineId);
      await untilAttempts(hookId, 1);
      const paused = await read(hookId);
      assert.deepEqual([paused.breaker_state, paused.blocked_until], ['closed', inMs(90 * second)]);
      receiver.setBehaviour(answer(200));
      await act(pipelineId);
      await app.clock.advance(3 * second);
      const [, later] = await deliveriesOf(hookId);
      assert.deepEqual([later?.status, later?.next_attempt_at], ['pending', inMs(87 * second)]);
      assert.equal(receiver.requests.length, 1);
      await app.clock.jump(87 * second);
      await untilAll(hookId, 2, ({ status }) => status === 'delivered', 'delivered');
    });

    test('is forgotten when the hook is changed', async (t) => {
      const receiver = await receiverFor(t, { behave: answer(429, { 'retry-after': '3600' }) });
      const pipelineId = await pipeline();
      const hookId = await hook(pipelineId, receiver.url);
      await act(pipelineId);
      await untilAttempts(hookId, 1);
      receiver.setBehaviour(answer(200));
      await app.api.put(`/hooks/outgoing/${hookId}`, { name: 'looked at' });
      await act(pipelineId);
      await receiver.waitFor(2);
      assert.equal((await read(hookId)).blocked_until, null);
    });

    async function oneProbe(t: Parameters<typeof receiverFor>[0]): Promise<void> {
      const receiver = await receiverFor(t, { behave: answer(500) });
      const pipelineId = await pipeline();
      const hookId = await hook(pipelineId, receiver.url);
      await Promise.all(Array.from({ length: 5 }, () => act(pipelineId)));
      await untilHook(hookId, ({ breaker_state }) => breaker_state === 'open', 'open');
      await Promise.all(Array.from({ length: 10 }, () => act(pipelineId)));
      await app.clock.advance(29 * second);
      assert.equal(receiver.requests.length, 5);

      receiver.setBehaviour(() => ({ kind: 'hang' }));
      await app.clock.advance(second);
      await receiver.waitFor(6);
      await app.clock.advance(5 * second);
      const statuses = (await deliveriesOf(hookId)).map(({ status }) => status);
      assert.deepEqual(statuses.toSorted(), [...Array<string>(14).fill('pending'), 'sending']);
      assert.equal(receiver.requests.length, 6, 'one probes, and the others wait');

      // It gets no answer: the breaker is open for a minute more.
      await app.clock.advance(10 * second);
      await untilHook(hookId, ({ blocked_until }) => blocked_until === inMs(minute), 'open for longer');
      receiver.setBehaviour(answer(200));
      await app.clock.advance(50 * second);
      assert.equal(receiver.requests.length, 6);
      await app.clock.advance(10 * second);
      await untilAll(hookId, 15, ({ status }) => status === 'delivered', 'delivered');
      assert.equal(receiver.requests.length, 6 + 15);
    }

    test('that is half-open lets exactly one delivery probe while the others wait', (t) => oneProbe(t));

    // With SQLite one node has the data folder to itself.
    const ofTwoNodes = (name: string, run: (t: TestContext) => Promise<void>) =>
      kind === 'postgres' ? test(name, run) : undefined;

    void ofTwoNodes(
      'that is half-open lets exactly one delivery probe, also when two nodes look',
      async (t) => {
        const other = await startInProcessApp({ database, env, clock: app.clock });
        t.after(() => other.stop());
        await oneProbe(t);
      },
    );

    void ofTwoNodes('counts every failure, also those that two nodes see at the same moment', async (t) => {
      const other = await startInProcessApp({ database, env, clock: app.clock });
      t.after(() => other.stop());
      const receiver = await receiverFor(t, { behave: answer(500) });
      const pipelineId = await pipeline();
      const hookIds = await Promise.all(Array.from({ length: 12 }, () => hook(pipelineId, receiver.url)));
      await Promise.all(Array.from({ length: 4 }, () => act(pipelineId)));
      for (const hookId of hookIds) {
        const isTried = ({ status, attempts }: ListedDelivery) => status === 'pending' && attempts === 1;
        await untilAll(hookId, 4, isTried, 'tried');
        assert.equal((await read(hookId)).failed_attempts, 4);
      }
    });

    test('a 410 switches the hook off, shows why, and tells the hooks of the environment that ask for it', async (t) => {
      const receiver = await receiverFor(t, { behave: answer(410) });
      const listener = await receiverFor(t);
      const [pipelineId, otherPipeline] = [await pipeline(), await pipeline()];
      const { id: environmentId } = await app.api.post<{ id: number }>(
        `/projects/${app.projectId}/environments`,
        { type: 'staging', name: 'elsewhere' },
      );
      const told = {
        trigger_when: { events: ['hook.disabled'] },
        settings: {
          request_body: {
            event: '{{ event }}',
            name: '{{ disabled_hook.name }}',
            id: '{{ disabled_hook.id }}',
            why: '{{ disabled_hook.reason }}',
            action: '{{ action.id }}',
          },
        },
      };
      const hookId = await hook(pipelineId, receiver.url, { name: 'chat of the shop' });
      const asks = await hook(otherPipeline, `${listener.url}/asks`, told);
      const asksNot = await hook(otherPipeline, `${listener.url}/asks-not`);
      const elsewhere = await hook(await pipeline({ environmentId }), `${listener.url}/elsewhere`, told);
      const action = await act(pipelineId);

      const { event } = await untilStatus(asks, 'delivered');
      assert.equal(event, 'hook.disabled');
      const off = await read(hookId);
      const why = 'The receiver answered 410 Gone.';
      assert.deepEqual([off.active, off.disabled_at, off.disabled_reason], [false, inMs(0), why]);
      assert.deepEqual([off.breaker_state, off.failed_attempts], ['closed', 0]);
      assert.equal((await untilStatus(hookId, 'rejected')).attempts, 1);
      const body = { event, name: 'chat of the shop', id: hookId, why, action: String(action) };
      assert.deepEqual(
        listener.requests.map((request) => [request.path, request.json()]),
        [['/asks', body]],
      );
      for (const other of [asksNot, elsewhere]) assert.deepEqual(await deliveriesOf(other), []);
    });

    test('what a hook misses while it is switched off has failed, and is recovered when it is on again', async (t) => {
      const receiver = await receiverFor(t, {
        behave: (_request, index) => ({ kind: 'answer', status: index === 0 ? 500 : 410 }),
      });
      const pipelineId = await pipeline();
      const hookId = await hook(pipelineId, receiver.url);
      const since = inMs(0);
      await act(pipelineId);
      await untilAttempts(hookId, 1);
      await act(pipelineId);
      await untilHook(hookId, ({ active }) => !active, 'off');
      await act(pipelineId);
      await app.clock.advance(5 * second);
      const hasEnded = ({ status }: ListedDelivery) => status === 'failed' || status === 'rejected';
      const missed = await untilAll(hookId, 3, hasEnded, 'ended');
      assert.deepEqual(
        missed.map(({ status, attempts }) => [status, attempts]),
        [
          ['failed', 1],
          ['rejected', 1],
          ['failed', 0],
        ],
      );
      for (const { reason } of [missed[0]!, missed[2]!])
        assert.match(reason, /^Not sent: the hook is switched off because its deliveries failed\./);
      assert.equal(receiver.requests.length, 2);

      receiver.setBehaviour(answer(200));
      await app.api.put(`/hooks/outgoing/${hookId}`, { active: true });
      const on = await read(hookId);
      assert.deepEqual(
        [on.active, on.disabled_at, on.disabled_reason, on.breaker_state, on.failing_since],
        [true, null, null, 'closed', null],
      );
      assert.equal(receiver.requests.length, 2, 'nothing goes out by itself');
      const path = `/hooks/outgoing/${hookId}/recover`;
      const { recovered } = await app.api.post<{ recovered: number }>(path, { since });
      assert.equal(recovered, 3);
      await untilAll(hookId, 3, ({ status }) => status === 'delivered', 'delivered');
      const sent = receiver.requests.slice(2).map(({ headers }) => headers['webhook-id']);
      assert.deepEqual(
        sent.toSorted(),
        missed.map(({ id }) => id),
      );
    });

    test('a hook that somebody has switched off himself skips what it misses', async (t) => {
      const receiver = await receiverFor(t, { behave: answer(410) });
      const pipelineId = await pipeline();
      const hookId = await hook(pipelineId, receiver.url);
      await act(pipelineId);
      await untilHook(hookId, ({ active }) => !active, 'off');
      await app.api.put(`/hooks/outgoing/${hookId}`, { active: false });
      assert.equal((await read(hookId)).disabled_reason, null);
      await act(pipelineId);
      const [, missed] = await deliveriesOf(hookId);
      assert.equal(missed?.status, 'skipped');
    });
  });
}
