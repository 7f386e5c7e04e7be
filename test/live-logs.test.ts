import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createApiClient, until } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { followToEnd, openEventStream } from './support/event-stream.ts';
import type { EventStream, StreamedEvent } from './support/event-stream.ts';
import { createApplication, createPipeline, openWorkplace, untilAction } from './support/fixtures.ts';
import type { TestAction, Workplace } from './support/fixtures.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import type { InProcessApp } from './support/in-process-app.ts';
import { addPerson } from './support/people.ts';
import { startServer } from './support/server.ts';
import type { TestServer } from './support/server.ts';

type Target = { id: number; steps: { order: number; status: string }[] };

/** On a machine that does nothing else it is a fifth of that. */
const promisedMs = 100;
/** The script says the time itself, so that nothing but the way to the watcher is measured. */
const tellTime = 'for i in {1..50}; do date +%s%N; sleep 0.02; done';

async function startAction(
  work: Workplace,
  commands: readonly string[],
  fields: Record<string, unknown> = {},
): Promise<number> {
  const pipeline = await createPipeline(work, await createApplication(work), commands, fields);
  return (await work.api.post<TestAction>(`/pipelines/${pipeline}/actions`, {})).id;
}

const pathOf = (id: number): string => `/actions/${id}/events`;
const outputOf = (events: readonly StreamedEvent[]): string =>
  events.map(({ event, data }) => (event === 'log' ? String(data['content']) : '')).join('');
const idsOf = (events: readonly StreamedEvent[]): (number | null)[] => events.map(({ id }) => id);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
const logsOf = (work: Workplace, id: number, query = ''): Promise<string> =>
  work.api.get<string>(`/actions/${id}/logs${query}`);

/** Of the lines of `tellTime`, how long each was on its way, in ms. */
function delaysOf(events: readonly StreamedEvent[]): number[] {
  return events
    .filter(({ event }) => event === 'log')
    .flatMap(({ data, at }) =>
      String(data['content'])
        .trim()
        .split('\n')
        .map((line) => at - Number(line) / 1e6),
    );
}

function medianOf(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Infinity;
}

/** On a machine that does other things besides, the best of a few runs tells what the way itself takes. */
async function inTime(eventsOfRun: () => Promise<readonly StreamedEvent[]>): Promise<void> {
  let best = Infinity;
  for (let run = 1; run <= 5 && best >= promisedMs; run++) {
    const delays = delaysOf(await eventsOfRun());
    assert.equal(delays.length, 50);
    best = Math.min(best, medianOf(delays));
  }
  assert.ok(best < promisedMs, `the best median is ${best} ms`);
}

async function residentMb(pid: number): Promise<number> {
  const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

for (const kind of databaseKinds) {
  describe(`watching an action (${kind})`, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let database: TestDatabase;
    let server: TestServer;
    let work: Workplace;
    let folder: string;

    before(async () => {
      database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
      server = ends.adopt(await startServer({ database }), (started) => started.stop());
      work = await openWorkplace(server);
      folder = await mkdtemp(join(tmpdir(), 'hookline-live-'));
      ends.defer(() => rm(folder, { recursive: true, force: true }));
    });

    let gates = 0;
    /** A command that waits until `open` is called. */
    function gate(): { wait: string; open(): Promise<void> } {
      const file = join(folder, `gate-${++gates}`);
      return { wait: `until [ -e ${file} ]; do sleep 0.02; done`, open: () => writeFile(file, '') };
    }

    test('output and each change of a status come in the order in which they happened, and then the end', async () => {
      const door = gate();
      const id = await startAction(work, [`echo one; ${door.wait}; echo two`, 'echo three; exit 3', 'true']);
      const stream = await openEventStream(work, pathOf(id));
      assert.equal(stream.status, 200);
      assert.match(stream.headers['content-type'] ?? '', /^text\/event-stream/);
      assert.equal(stream.headers['cache-control'], 'no-store');
      await stream.waitFor(({ data }) => data['content'] === 'one\n', 'the first line');
      assert.ok(!stream.events.some(({ data }) => data['content'] === 'two\n'));
      await door.open();
      assert.equal(await stream.ended, 'end');

      const numbered = stream.events.slice(0, -1);
      assert.deepEqual(idsOf(numbered), upTo(numbered.length));
      const told = numbered.map(({ event, data }) =>
        event === 'log'
          ? String(data['content']).trim()
          : `${event} ${event === 'step' ? `${String(data['order'])} ` : ''}${String(data['status'])}`,
      );
      assert.deepEqual(told, [
        'action queued',
        'action in-progress',
        'target in-progress',
        'step 1 in-progress',
        'one',
        'two',
        'step 1 completed',
        'step 2 in-progress',
        'three',
        'step 2 failed',
        'step 3 skipped',
        'target failed',
        'action failed',
      ]);
      const failed = numbered.find(({ event, data }) => event === 'step' && data['status'] === 'failed');
      assert.equal(failed?.data['exit_code'], 3);
      assert.match(String(failed?.data['status_reason_human_readable']), /exited with code 3/);
    });

    test('a line is there 100 ms after it was printed, in the median of fifty', async () => {
      await inTime(async () => {
        const id = await startAction(work, [tellTime]);
        const stream = await openEventStream(work, pathOf(id));
        await stream.ended;
        return stream.events;
      });
    });

    test('whoever loses the connection again and again misses nothing and sees nothing twice', async () => {
      const lines = 'for i in {1..150}; do echo "line $i"; sleep 0.003; done';
      const id = await startAction(work, [lines, 'echo between', lines]);
      const watchers = [0.05, 0.2, 0.5].map((chance) =>
        followToEnd(work, pathOf(id), () => Math.random() < chance),
      );
      for (const { events, connections } of await Promise.all(watchers)) {
        assert.ok(connections > 1, `${connections} connections`);
        assert.deepEqual(idsOf(events), upTo(events.length));
        const statuses = events.filter(({ event }) => event !== 'log');
        assert.equal(statuses.length, 2 + 1 + 6 + 1 + 1, JSON.stringify(statuses.map(({ data }) => data)));
        const stored = upTo(3).map((step) => logsOf(work, id, `?step=${step}`));
        assert.equal(outputOf(events), (await Promise.all(stored)).join(''));
      }
    });

    test('an ended action is told from its beginning; who has seen all of it is answered 204', async () => {
      const id = await startAction(work, ['for i in {1..20}; do echo "line $i"; sleep 0.01; done']);
      await untilAction(work, id);
      const whole = await openEventStream(work, pathOf(id));
      assert.equal(await whole.ended, 'end');
      const last = whole.events.length - 1;
      assert.deepEqual(idsOf(whole.events), [...upTo(last), null]);

      const halfway = await openEventStream(work, pathOf(id), { lastEventId: 5 });
      assert.equal(await halfway.ended, 'end');
      assert.deepEqual(idsOf(halfway.events), [...upTo(last).slice(5), null]);
      const byQuery = await openEventStream(work, `${pathOf(id)}?after=${last - 1}`);
      await byQuery.ended;
      assert.deepEqual(idsOf(byQuery.events), [last, null]);
      const both = await openEventStream(work, `${pathOf(id)}?after=1`, { lastEventId: last - 1 });
      await both.ended;
      assert.deepEqual(idsOf(both.events), [last, null], 'the header wins');

      for (const lastEventId of [last, last + 1, '99999999999999']) {
        const nothing = await openEventStream(work, pathOf(id), { lastEventId });
        assert.equal(nothing.status, 204, String(lastEventId));
        nothing.drop();
      }
      for (const lastEventId of ['-1', 'garbage', '1.5', '', '0x', 'NaN', '1e400', '99999999999999999999']) {
        const all = await openEventStream(work, pathOf(id), { lastEventId });
        assert.equal(await all.ended, 'end');
        assert.deepEqual(idsOf(all.events), [...upTo(last), null], JSON.stringify(lastEventId));
      }
      const long = await openEventStream(work, pathOf(id), { lastEventId: '1'.repeat(100) });
      assert.equal(long.status, 422);
      const { status } = await work.api.request('GET', `${pathOf(id)}?after=-1`);
      assert.equal(status, 422);
    });

    test('a last id that never was costs nobody an event: not its owner, nor those who watch beside', async () => {
      const door = gate();
      const id = await startAction(work, [`echo one; ${door.wait}; echo two`]);
      const early = await openEventStream(work, pathOf(id), { lastEventId: 1000 });
      const beside = await openEventStream(work, pathOf(id));
      await beside.waitFor(({ data }) => data['content'] === 'one\n', 'what was before');
      await door.open();
      assert.deepEqual(await Promise.all([early.ended, beside.ended]), ['end', 'end']);
      assert.ok(outputOf(early.events).endsWith('two\n'));
      assert.equal(outputOf(beside.events), 'one\ntwo\n');
    });

    test('who watches from the queue on sees it leave the queue', async () => {
      const door = gate();
      const pipeline = await createPipeline(work, await createApplication(work), [door.wait], {
        max_parallel_actions: 1,
      });
      const start = () => work.api.post<TestAction>(`/pipelines/${pipeline}/actions`, {});
      await start();
      const { id } = await start();
      await untilAction(work, id, ['waiting']);
      const stream = await openEventStream(work, pathOf(id));
      await stream.waitFor(({ data }) => data['status'] === 'waiting', 'its waiting');
      await work.api.post(`/actions/${id}/cancel`);
      assert.equal(await stream.ended, 'end');
      assert.equal(stream.events.at(-2)?.data['status'], 'failed');
      await door.open();
    });

    test("nobody watches another's action, and no other method opens a stream", async () => {
      const id = await startAction(work, ['echo secret']);
      await untilAction(work, id);
      const stranger = await addPerson(work, { role: 'viewer', on: 'environment' });
      const elsewhere = await work.api.post<{ id: number }>(`/projects/${work.projectId}/environments`, {
        name: `other-${kind}`,
        type: 'staging',
      });
      const foreign = await startAction({ ...work, environmentId: elsewhere.id }, ['echo foreign']);
      const asStranger = { url: work.url, api: stranger.api };
      for (const [source, action, expected] of [
        [asStranger, id, 200],
        [asStranger, foreign, 404],
        [work, 999_999, 404],
        [{ url: work.url, api: createApiClient(work.url) }, id, 401],
        [{ url: work.url, api: createApiClient(work.url, 'nonsense') }, id, 401],
      ] as const) {
        const stream = await openEventStream(source, pathOf(action));
        assert.equal(stream.status, expected);
        stream.drop();
        assert.equal((await source.api.request('GET', `/actions/${action}/logs`)).status, expected);
      }
      for (const method of ['POST', 'PUT', 'DELETE']) {
        const { status } = await work.api.request(method, pathOf(id));
        assert.ok(status === 404 || status === 405, `${method} is answered ${status}`);
      }
      const head = await openEventStream(work, pathOf(id), { method: 'HEAD' });
      assert.ok(head.status === 200 || head.status === 404, `HEAD is answered ${head.status}`);
      await head.ended;
    });

    test('the whole log stands target by target and step by step, each under its heading', async () => {
      const steps = [
        { name: 'Build', command: 'echo built' },
        { command: 'printf "no end of line"' },
        { command: 'echo broken; exit 4' },
        { command: 'echo never' },
      ];
      const id = await startAction(work, [], { steps });
      const { targets } = await untilAction(work, id);
      const [target] = targets as Target[];
      const answer = await work.api.request<string>('GET', `/actions/${id}/logs`);
      assert.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8');
      assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
      assert.equal(
        answer.body,
        [
          '==> local, step 1 "Build": completed\nbuilt\n',
          '==> local, step 2: completed\nno end of line\n',
          '==> local, step 3: failed, exit code 4\nbroken\n',
          '==> local, step 4: skipped\n',
        ].join(''),
      );
      assert.equal(await logsOf(work, id, `?target_id=${target!.id}`), answer.body);
      assert.equal(await logsOf(work, id, `?target_id=${target!.id}&step=2`), 'no end of line');
      assert.equal(await logsOf(work, id, '?step=3'), 'broken\n');
      for (const [query, expected] of [
        ['?step=5', 404],
        [`?target_id=${target!.id + 1000}`, 404],
        ['?step=0', 422],
        ['?colours=some', 422],
      ] as const) {
        assert.equal((await work.api.request('GET', `/actions/${id}/logs${query}`)).status, expected, query);
      }
    });

    test('colours are kept, or taken out with hyperlinks and titles, also where they came in pieces', async () => {
      const id = await startAction(work, [
        String.raw`printf '\033[3'; sleep 0.1; printf '1mred\033[0'; sleep 0.1; printf 'm \033]8;;https://exam'; sleep 0.1; printf 'ple.com\033\\link\033]8;;\033\\ \033]0;title\007end\n'`,
      ]);
      await untilAction(work, id);
      const kept =
        '\u001b[31mred\u001b[0m \u001b]8;;https://example.com\u001b\\link\u001b]8;;\u001b\\ \u001b]0;title\u0007end\n';
      assert.equal(await logsOf(work, id, '?step=1'), kept);
      assert.equal(await logsOf(work, id, '?step=1&colours=keep'), kept);
      assert.equal(await logsOf(work, id, '?step=1&colours=strip'), 'red link end\n');
    });

    // What follows is the same with every database.
    if (kind !== 'sqlite') return;

    test('what does not read its socket takes little memory, and others are served meanwhile', async () => {
      const large = 'head -c 9000000 /dev/zero | tr "\\0" x | fold -w 999';
      const id = await startAction(work, [large]);
      assert.equal((await untilAction(work, id)).status, 'completed');
      const whole = await logsOf(work, id, '?step=1');
      const beforeMb = await residentMb(server.pid);
      const slow: EventStream[] = [];
      for (let opened = 0; opened < 50; opened++) {
        slow.push(await openEventStream(work, pathOf(id), { reads: false }));
      }
      const fast = await openEventStream(work, pathOf(id));
      assert.equal(await fast.ended, 'end');
      assert.equal(outputOf(fast.events), whole);
      const moreMb = (await residentMb(server.pid)) - beforeMb;
      for (const stream of slow) stream.drop();
      // A tenth of what they would take with the log in the memory of each.
      assert.ok(moreMb < 250, `${Math.round(moreMb)} MB more`);
    });

    test('two hundred watch one action, some without reading, and all others get everything promptly', async () => {
      const door = gate();
      const id = await startAction(work, [
        `${door.wait}; for i in {1..100}; do printf '%03000d\\n' $i; done; ${tellTime}`,
      ]);
      const open = (reads: boolean) => openEventStream(work, pathOf(id), { reads });
      const streams = await Promise.all(Array.from({ length: 200 }, (_, index) => open(index % 5 > 0)));
      const fast = streams.filter((_, index) => index % 5 > 0);
      await Promise.all(fast.map((stream) => stream.waitFor(4)));
      await door.open();
      assert.deepEqual(new Set(await Promise.all(fast.map(({ ended }) => ended))), new Set(['end']));
      for (const stream of streams) stream.drop();
      const whole = await logsOf(work, id, '?step=1');
      for (const { events } of fast) {
        assert.deepEqual(idsOf(events.slice(0, -1)), upTo(events.length - 1));
        assert.equal(outputOf(events), whole);
      }
      const times = fast.map(({ events }) => {
        const text = events.filter(({ data }) => !String(data['content']).startsWith('0'));
        return medianOf(delaysOf(text).filter((delay) => !Number.isNaN(delay) && delay < 60_000));
      });
      // All of them live in this one process, which has 160 streams to read.
      assert.ok(medianOf(times) < 5 * promisedMs, `the median is ${medianOf(times)} ms`);
    });

    test('a server that is told to stop ends its streams at once, also of those who do not read', async (t) => {
      const own = await createTestDatabase('sqlite');
      t.after(() => own.drop());
      const other = await startServer({ database: own });
      t.after(() => other.stop());
      const place = await openWorkplace(other);
      const door = gate();
      const id = await startAction(place, [`head -c 9000000 /dev/zero | tr "\\0" x; ${door.wait}`]);
      const reading = await openEventStream(place, pathOf(id));
      await openEventStream(place, pathOf(id), { reads: false });
      await until(async () => outputOf(reading.events).length === 9_000_000, 'all of the output');
      const startedAt = performance.now();
      await other.stop();
      assert.ok(performance.now() - startedAt < 5000, `${performance.now() - startedAt} ms`);
      assert.deepEqual(await other.exited, { code: 0, signal: null });
      assert.notEqual(await reading.ended, 'cut');
    });
  });
}

describe('watching with another node in between', { timeout: 600_000 }, () => {
  test('what runs on one node is seen at another within 100 ms, in the median', async (t) => {
    const database = await createTestDatabase('postgres');
    t.after(() => database.drop());
    const worker = await startServer({ database });
    t.after(() => worker.stop());
    const front = await startServer({ database, env: { HOOKLINE_ROLE: 'api' } });
    t.after(() => front.stop());
    const work = await openWorkplace(front);
    await inTime(async () => {
      const id = await startAction(work, [tellTime]);
      const { events, connections } = await followToEnd(work, pathOf(id));
      assert.equal(connections, 1);
      assert.deepEqual(idsOf(events), upTo(events.length));
      return events;
    });
  });
});

describe('the right to watch', { timeout: 600_000 }, () => {
  const ends = new AsyncDisposableStack();
  after(() => ends.disposeAsync());
  let app: InProcessApp;
  let folder: string;
  /** A sign of life comes so often. */
  const pingMs = 15_000;

  before(async () => {
    const database = ends.adopt(await createTestDatabase('sqlite'), (made) => made.drop());
    const env = { HOOKLINE_REQUESTS_PER_MINUTE: '1000000' };
    app = ends.adopt(await startInProcessApp({ database, env }), (started) => started.stop());
    folder = await mkdtemp(join(tmpdir(), 'hookline-live-'));
    ends.defer(() => rm(folder, { recursive: true, force: true }));
  });

  const token = async (): Promise<{ id: number; token: string }> => {
    const expires_at = new Date(app.clock.now() + 365 * 24 * 3_600_000).toISOString();
    return await app.api.post('/users/personal-access-tokens', { name: `t-${Math.random()}`, expires_at });
  };

  for (const [name, script] of [
    ['says nothing', 'sleep 60'],
    // Not as fast as it can: it goes by the time of the machine, while the clock of the server is moved through each wait.
    ['says something all the time', 'while :; do echo still; sleep 0.2; done'],
  ] as const) {
    test(`ends with a revoked token by the next sign of life, when the action ${name}`, async () => {
      const id = await startAction(app, [script]);
      await untilAction(app, id, ['in-progress']);
      const revoked = await token();
      const stream = await openEventStream({ url: app.url, api: revoked }, pathOf(id));
      const staying = await openEventStream(app, pathOf(id));
      await Promise.all([stream.waitFor(1), staying.waitFor(1)]);
      await app.clock.advance(pingMs);
      await until(async () => stream.comments.length > 0, 'a sign of life');
      await app.api.delete(`/users/personal-access-tokens/${revoked.id}/revoke`);
      await app.clock.advance(pingMs);
      assert.notEqual(await stream.ended, 'end');
      const seen = staying.comments.length;
      await app.clock.advance(pingMs);
      await until(async () => staying.comments.length > seen, 'the other to go on');
      await app.api.post(`/actions/${id}/cancel`);
      assert.equal(await staying.ended, 'end');
    });
  }

  test('ends with the access of the team', async () => {
    const id = await startAction(app, ['sleep 60']);
    const person = await addPerson(app, { role: 'viewer', on: 'environment' });
    const stream = await openEventStream({ url: app.url, api: person.api }, pathOf(id));
    await stream.waitFor(1);
    await app.api.delete(`/teams/${person.teamId}`);
    await app.clock.advance(pingMs);
    assert.notEqual(await stream.ended, 'end');
    assert.equal((await openEventStream({ url: app.url, api: person.api }, pathOf(id))).status, 404);
    await app.api.post(`/actions/${id}/cancel`);
    assert.doesNotMatch(app.log(), /"level":[56]0/, 'it is nothing that an operator must look at');
  });
});
