import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import pino from 'pino';
import { createFeed, type Feed } from '../src/actions/feed.ts';
import type { Principal } from '../src/accounts/authenticate.ts';
import { actionStreamRoute } from '../src/actions/stream-route.ts';
import { readStream, type StreamEvent } from '../src/actions/stream.ts';
import { createBus } from '../src/platform/bus.ts';
import { systemClock } from '../src/platform/clock.ts';
import { connectBeside, type Db } from '../src/platform/database/connect.ts';
import { createEventStreams, eventStreamLimits } from '../src/platform/http/event-streams.ts';
import { createHttpApp } from '../src/platform/http/server.ts';
import { until } from './support/api-client.ts';
import { createTestDatabase } from './support/database.ts';
import { openEventStream } from './support/event-stream.ts';
import { createFakeClock } from './support/fake-clock.ts';
import { createApplication, createPipeline, openWorkplace } from './support/fixtures.ts';
import type { TestAction, Workplace } from './support/fixtures.ts';
import { startServer } from './support/server.ts';

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

/** On the database of a server that knows of nothing, so that each test says itself what happens. */
describe('the feed of watchers', { timeout: 600_000 }, () => {
  const ends = new AsyncDisposableStack();
  after(() => ends.disposeAsync());
  let db: Db;
  let work: Workplace;

  before(async () => {
    const database = ends.adopt(await createTestDatabase('sqlite'), (made) => made.drop());
    const server = ends.adopt(await startServer({ database, env: { HOOKLINE_ROLE: 'api' } }), (started) =>
      started.stop(),
    );
    work = await openWorkplace(server);
    const dataDirectory = database.env['HOOKLINE_DATA']!;
    ({ db } = ends.adopt(await connectBeside({ databaseUrl: null, dataDirectory }), (one) => one.close()));
  });

  async function startAction(): Promise<number> {
    const pipeline = await createPipeline(work, await createApplication(work));
    return (await work.api.post<TestAction>(`/pipelines/${pipeline}/actions`, {})).id;
  }

  /** As a run writes: one row after another. */
  async function write(actionId: number, count: number, content = 'a line\n'): Promise<void> {
    const [last] = (await readStream(db, actionId, { after: 0, limit: 100_000 })).slice(-1);
    for (let seq = (last?.seq ?? 0) + 1; count > 0; count--, seq++) {
      const row = { action_id: actionId, seq, type: 'log' as const, step_id: null, content, created_at: 0 };
      await db.insertInto('action_stream').values(row).execute();
      await db.updateTable('actions').set({ last_seq: seq }).where('id', '=', actionId).execute();
    }
  }

  /** `reads` counts the queries. The clock stands still: nothing is found by looking every second. */
  function open(on: Db = db) {
    let reads = 0;
    let isDown = false;
    const counting = new Proxy(on, {
      get(target, name) {
        if (name === 'selectFrom') {
          reads++;
          if (isDown) throw new Error('the database is down');
        }
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const bus = createBus();
    const clock = createFakeClock();
    const feed = createFeed({ db: counting, bus, clock });
    return {
      feed,
      bus,
      clock,
      reads: () => reads,
      setDown: (down: boolean) => (isDown = down),
    };
  }

  /** Takes what comes until `count` events are there, and leaves. */
  async function take(feed: Feed, actionId: number, count: number, from = 0): Promise<StreamEvent[]> {
    const taken: StreamEvent[] = [];
    const leave = new AbortController();
    for await (const events of feed.follow(actionId, from, leave.signal)) {
      taken.push(...events);
      if (taken.length >= count) break;
    }
    return taken;
  }
  const seqs = (events: readonly StreamEvent[]): number[] => events.map(({ seq }) => seq);

  test('reads what is new once, for however many watch', async () => {
    const id = await startAction();
    await write(id, 5);
    const { feed, bus, reads } = open();
    const rounds = 30;
    const watching = Array.from({ length: 200 }, () => take(feed, id, 5 + rounds));
    await until(async () => reads() > 0, 'the first look');
    for (let round = 0; round < rounds; round++) {
      await write(id, 1);
      bus.publish('stream', id);
    }
    for (const taken of await Promise.all(watching)) assert.deepEqual(seqs(taken), upTo(5 + rounds));
    assert.ok(reads() <= 2 * (rounds + 2), `${reads()} reads`);
    await feed.stop();
  });

  test('those who come later get the beginning too, from one read that they share', async () => {
    const id = await startAction();
    await write(id, 10);
    const { feed, bus, reads } = open();
    const first = take(feed, id, 1, 10);
    await until(async () => reads() > 0, 'the first look');
    const before = reads();
    const late = await Promise.all(Array.from({ length: 50 }, () => take(feed, id, 10)));
    for (const taken of late) assert.deepEqual(seqs(taken), upTo(10));
    assert.ok(reads() - before <= 2, `${reads() - before} reads`);
    await write(id, 1);
    bus.publish('stream', id);
    assert.deepEqual(seqs(await first), [11]);
    await feed.stop();
  });

  test('a slow watcher gets all of what has long gone by, while the others are far ahead', async () => {
    const id = await startAction();
    const { feed, bus } = open();
    const leave = new AbortController();
    const slow = feed.follow(id, 0, leave.signal);
    await write(id, 1);
    bus.publish('stream', id);
    const begun = (await slow.next()).value as StreamEvent[];
    const rows = 100;
    const fast = take(feed, id, rows + 1);
    // Far more than is kept of what came last.
    for (let round = 0; round < rows / 10; round++) {
      await write(id, 10, 'x'.repeat(64 * 1024));
      bus.publish('stream', id);
    }
    assert.deepEqual(seqs(await fast), upTo(rows + 1));
    const taken = [...begun];
    while (taken.length <= rows) {
      const events = (await slow.next()).value as StreamEvent[];
      const characters = events.reduce((sum, { content }) => sum + content.length, 0);
      assert.ok(characters <= 1024 * 1024, `${characters} characters at once`);
      taken.push(...events);
    }
    assert.deepEqual(seqs(taken), upTo(rows + 1));
    leave.abort();
    await slow.return(undefined);
    await feed.stop();
  });

  test('what this node has written itself is told without a read, and what does not follow is read', async () => {
    const id = await startAction();
    await write(id, 1);
    const { feed, bus, reads } = open();
    const leave = new AbortController();
    const watching = feed.follow(id, 0, leave.signal);
    assert.deepEqual(seqs((await watching.next()).value as StreamEvent[]), [1]);
    const before = reads();
    await write(id, 2);
    const written = await readStream(db, id, { after: 1, limit: 2 });
    feed.hand(id, written);
    bus.publish('stream', id);
    assert.deepEqual((await watching.next()).value, written);
    assert.equal(reads(), before);

    await write(id, 3);
    feed.hand(id, await readStream(db, id, { after: 4, limit: 2 }));
    bus.publish('stream', id);
    assert.deepEqual(seqs((await watching.next()).value as StreamEvent[]), [4, 5, 6]);
    // One that comes twice, as a signal may.
    feed.hand(id, written);
    bus.publish('stream', id);
    await write(id, 1);
    bus.publish('stream', id);
    assert.deepEqual(seqs((await watching.next()).value as StreamEvent[]), [7]);
    leave.abort();
    await watching.return(undefined);
    await feed.stop();
  });

  test('reads nothing while nothing happens, also beside one who waits for what never was', async () => {
    const id = await startAction();
    await write(id, 3);
    const { feed, reads } = open();
    const leave = new AbortController();
    const far = feed.follow(id, 1000, leave.signal);
    const near = feed.follow(id, 0, leave.signal);
    const farNext = far.next();
    assert.deepEqual(seqs((await near.next()).value as StreamEvent[]), upTo(3));
    const nearNext = near.next();
    const before = reads();
    await systemClock.sleep(100);
    assert.ok(reads() - before <= 1, `${reads() - before} reads`);
    leave.abort();
    assert.deepEqual(await Promise.all([farNext, nearNext]), [
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
    await feed.stop();
  });

  test('goes on after the database was away, and finds by itself what no signal told', async () => {
    const id = await startAction();
    await write(id, 1);
    const { feed, bus, clock, setDown } = open();
    const leave = new AbortController();
    const watching = feed.follow(id, 0, leave.signal);
    await watching.next();
    const next = watching.next();
    setDown(true);
    await write(id, 1);
    bus.publish('stream', id);
    await clock.advance(1000);
    setDown(false);
    await write(id, 1);
    await clock.advance(1000);
    assert.deepEqual(seqs((await next).value as StreamEvent[]), [2, 3]);
    leave.abort();
    await watching.return(undefined);
    await feed.stop();
  });

  test('a node serves so many streams and no more, and gives a place again once a stream has ended', async (t) => {
    const id = await startAction();
    await write(id, 1);
    const { feed } = open();
    t.after(() => feed.stop());
    const app = createHttpApp({ log: pino({ level: 'silent' }), trustProxy: false });
    // Signed in as somebody else each time.
    let tokenId = 0;
    app.addHook('onRequest', async (request) => {
      request.principal = { via: 'token', tokenId: ++tokenId } as unknown as Principal;
    });
    const limits = { ...eventStreamLimits, perNode: 3 };
    const counted = createEventStreams(app, { clock: systemClock, limits });
    const context = { db, feed, clock: systemClock, streams: counted };
    app.register(async (api) => actionStreamRoute(api, context), { prefix: '/api' });
    t.after(() => app.close());
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    const another = () => openEventStream({ url, api: { token: undefined } }, `/actions/${id}/events`);

    const streams = [await another(), await another(), await another()];
    assert.deepEqual(
      streams.map(({ status }) => status),
      [200, 200, 200],
    );
    const refused = await another();
    assert.equal(refused.status, 503);
    assert.equal(refused.headers['retry-after'], '10');
    streams[0]!.drop();
    await until(async () => (await another()).status === 200, 'a place that was given back');
  });

  test('streams of every kind are counted together, and those of one owner by themselves', async (t) => {
    const app = createHttpApp({ log: pino({ level: 'silent' }), trustProxy: false });
    const limits = { ...eventStreamLimits, perNode: 3, perToken: 2 };
    const counted = createEventStreams(app, { clock: systemClock, limits });
    for (const owner of ['one', 'other']) {
      app.get(`/api/${owner}`, { config: { access: 'public' } }, async (request, reply) =>
        counted.answer(request, reply, {
          owner,
          source: async function* (signal) {
            yield [{ event: 'begun', data: '{}' }];
            await once(signal, 'abort');
          },
          isAllowed: async () => undefined,
        }),
      );
    }
    t.after(() => app.close());
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    const open = async (path: string) =>
      (await openEventStream({ url, api: { token: undefined } }, path)).status;
    assert.deepEqual([await open('/one'), await open('/one'), await open('/one')], [200, 200, 429]);
    assert.deepEqual([await open('/other'), await open('/other')], [200, 503]);
  });
});
