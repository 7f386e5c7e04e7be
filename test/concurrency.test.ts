import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { until } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
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
import { startReceiver } from './support/receiver.ts';
import { startServer } from './support/server.ts';
import { startSshServer } from './support/ssh-server.ts';
import type { TestSshServer } from './support/ssh-server.ts';

type Scene = {
  work: Workplace;
  pipeline(fields?: Record<string, unknown>): Promise<number>;
  start(pipelineId: number, servers?: number[]): Promise<number>;
  read(id: number): Promise<TestAction>;
  /** Lets an action that runs come to its end. */
  finish(id: number): Promise<void>;
  untilRunning(id: number): Promise<void>;
  untilWaiting(id: number): Promise<TestAction>;
  /** In the order in which their steps began, by the steps themselves. */
  begun(): Promise<number[]>;
  /** The most that ran at the same time, by the steps themselves: of all, or of those on one server. */
  mostTogether(hostname?: string): Promise<number>;
};

/** Steps that write down when they begin and end, and run until they may end. */
async function openScene(work: Workplace, folder: string): Promise<Scene> {
  const log = join(folder, 'log');
  const say = (what: string) => `echo "${what} $HOOKLINE_ACTION_ID $HOOKLINE_TARGET" >> ${log}`;
  const script = `${say('+')}; until [ -e ${folder}/end-$HOOKLINE_ACTION_ID ]; do sleep 0.02; done; ${say('-')}`;
  const entries = async () =>
    (await readFile(log, 'utf8').catch(() => ''))
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' '));
  const read = (id: number) => work.api.get<TestAction>(`/actions/${id}`);
  return {
    work,
    read,
    pipeline: async (fields = {}) => createPipeline(work, await createApplication(work), [script], fields),
    start: async (pipelineId, servers = []) =>
      (await work.api.post<TestAction>(`/pipelines/${pipelineId}/actions`, { servers })).id,
    async finish(id) {
      await writeFile(join(folder, `end-${id}`), '');
      await untilAction(work, id);
    },
    async untilRunning(id) {
      await until(
        async () => (await entries()).some(([what, action]) => what === '+' && action === String(id)),
        `action ${id} to run`,
      );
    },
    untilWaiting: (id) => untilAction(work, id, ['waiting']),
    begun: async () => [
      ...new Set((await entries()).flatMap(([what, id]) => (what === '+' ? [Number(id)] : []))),
    ],
    async mostTogether(hostname) {
      let running = 0;
      let most = 0;
      for (const [what, , where] of await entries()) {
        if (hostname !== undefined && where !== hostname) continue;
        running += what === '+' ? 1 : -1;
        most = Math.max(most, running);
      }
      return most;
    },
  };
}

for (const kind of databaseKinds) {
  describe(`what runs at the same time (${kind})`, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let work: Workplace;
    let ssh: TestSshServer;

    before(async () => {
      const database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
      const server = ends.adopt(await startServer({ database }), (started) => started.stop());
      work = await openWorkplace(server);
      ssh = ends.adopt(await startSshServer('ssh2'), (started) => started.stop());
    });

    async function scene(): Promise<Scene> {
      const folder = await mkdtemp(join(tmpdir(), 'hookline-concurrency-'));
      ends.defer(() => rm(folder, { recursive: true, force: true }));
      return await openScene(work, folder);
    }
    async function addServer(max_parallel_actions: number): Promise<{ id: number; hostname: string }> {
      return await work.api.post(`/environments/${work.environmentId}/servers`, {
        hostname: `machine-${randomUUID().slice(0, 8)}`,
        ip_address: ssh.host,
        ssh_port: ssh.port,
        ssh_user: ssh.user,
        ssh_private_key: ssh.privateKey,
        max_parallel_actions,
      });
    }

    test('a pipeline runs as many as it may, the others wait and say for what, first in first out', async () => {
      const { pipeline, start, untilWaiting, untilRunning, finish, begun, mostTogether, read } =
        await scene();
      const id = await pipeline({ max_parallel_actions: 2 });
      const all: number[] = [];
      for (let count = 0; count < 6; count++) all.push(await start(id));
      for (const one of all.slice(2)) {
        const waiting = await untilWaiting(one);
        assert.equal(waiting.status_reason_code, 'WAITING_CONCURRENCY_PIPELINE');
        assert.equal(
          waiting.status_reason_human_readable,
          'Waiting: its pipeline runs at most 2 at the same time.',
        );
      }
      for (const one of all) {
        await untilRunning(one);
        await finish(one);
        assert.equal((await read(one)).status, 'completed');
      }
      // The first two begin together.
      assert.deepEqual(
        (await begun()).toSorted((a, b) => a - b),
        all,
      );
      assert.deepEqual((await begun()).slice(2), all.slice(2));
      assert.equal(await mostTogether(), 2);
    });

    test('a server runs as many as it may, whatever their pipelines, first in first out across them', async () => {
      const { pipeline, start, untilWaiting, untilRunning, finish, begun, mostTogether } = await scene();
      const machine = await addServer(1);
      const [one, other] = [await pipeline(), await pipeline({ max_parallel_actions: 5 })];
      const all: number[] = [];
      for (const id of [one, other, one, other, other, one]) all.push(await start(id, [machine.id]));
      const forServer = `Waiting: the server ${machine.hostname} runs at most 1 at the same time.`;
      // Of a pipeline with a limit only the oldest is in line for a server.
      const forOlder = 'Waiting: an older action of its pipeline is before it.';
      const expected = [forServer, forServer, forOlder, forOlder, forServer];
      for (const [index, id] of all.slice(1).entries()) {
        const waiting = await untilWaiting(id);
        assert.equal(waiting.status_reason_human_readable, expected[index]);
        const code = expected[index] === forServer ? 'TARGET' : 'PIPELINE';
        assert.equal(waiting.status_reason_code, `WAITING_CONCURRENCY_${code}`);
      }
      for (const id of all) {
        await untilRunning(id);
        await finish(id);
      }
      assert.deepEqual(await begun(), all);
      assert.equal(await mostTogether(machine.hostname), 1);
    });

    test('one that needs two servers is not starved by those that need one of them', async () => {
      const { pipeline, start, untilWaiting, untilRunning, finish, begun, mostTogether } = await scene();
      const [one, other] = [await addServer(1), await addServer(1)];
      const id = await pipeline();
      const first = await start(id, [one.id]);
      await untilRunning(first);
      const both = await start(id, [one.id, other.id]);
      await untilWaiting(both);
      // The other server is free, but kept for the one that came before.
      const late = await start(id, [other.id]);
      const waiting = await untilWaiting(late);
      assert.equal(waiting.status_reason_code, 'WAITING_CONCURRENCY_TARGET');
      assert.equal(
        waiting.status_reason_human_readable,
        `Waiting: the server ${other.hostname} is kept free for an older action.`,
      );
      await finish(first);
      await untilRunning(both);
      await finish(both);
      await untilRunning(late);
      await finish(late);
      assert.deepEqual(await begun(), [first, both, late]);
      assert.equal(await mostTogether(one.hostname), 1);
      assert.equal(await mostTogether(other.hostname), 1);
    });

    test('what waits for a free server is not held up by many that wait for another', async (t) => {
      const database = await createTestDatabase(kind);
      t.after(() => database.drop());
      const small = await startServer({ database, env: { HOOKLINE_MAX_RUNNING_ACTIONS: '3' } });
      t.after(() => small.stop());
      const elsewhere = await openWorkplace(small);
      const folder = await mkdtemp(join(tmpdir(), 'hookline-concurrency-'));
      t.after(() => rm(folder, { recursive: true, force: true }));
      const { pipeline, start, untilWaiting, untilRunning, finish, begun } = await openScene(
        elsewhere,
        folder,
      );
      const machine = async () =>
        await elsewhere.api.post<{ id: number }>(`/environments/${elsewhere.environmentId}/servers`, {
          hostname: `machine-${randomUUID().slice(0, 8)}`,
          ip_address: ssh.host,
          ssh_port: ssh.port,
          ssh_user: ssh.user,
          ssh_private_key: ssh.privateKey,
          max_parallel_actions: 1,
        });
      const [one, other] = [await machine(), await machine()];
      const id = await pipeline();
      const [first, second] = [await start(id, [one.id]), await start(id, [other.id])];
      await Promise.all([untilRunning(first), untilRunning(second)]);
      const waitingForOne = [await start(id, [one.id]), await start(id, [one.id]), await start(id, [one.id])];
      const waitingForOther = await start(id, [other.id]);
      for (const waiting of [...waitingForOne, waitingForOther]) await untilWaiting(waiting);
      // Now the node has a single place left when the other server becomes free.
      const local = await start(id);
      await untilRunning(local);
      await finish(second);
      await untilRunning(waitingForOther);
      for (const running of [waitingForOther, local, first]) await finish(running);
      for (const waiting of waitingForOne) {
        await untilRunning(waiting);
        await finish(waiting);
      }
      assert.deepEqual((await begun()).slice(2), [local, waitingForOther, ...waitingForOne]);
    });

    test('a limit that is raised starts those that wait at once, of a pipeline and of a server', async () => {
      const { pipeline, start, untilWaiting, untilRunning, finish } = await scene();
      const machine = await addServer(1);
      const id = await pipeline({ max_parallel_actions: 1 });
      const other = await pipeline();
      const ofPipeline = [await start(id), await start(id), await start(id)];
      const ofServer = [await start(other, [machine.id]), await start(other, [machine.id])];
      for (const one of [ofPipeline[1]!, ofPipeline[2]!, ofServer[1]!]) await untilWaiting(one);
      await work.api.put(`/pipelines/${id}`, { max_parallel_actions: 3 });
      await work.api.put(`/servers/${machine.id}`, { max_parallel_actions: 2 });
      await Promise.all([...ofPipeline, ...ofServer].map(untilRunning));
      await Promise.all([...ofPipeline, ...ofServer].map(finish));
    });

    test('with `when_waiting: replace` only the newest waits; the others are skipped and say by which', async (t) => {
      const receiver = await startReceiver();
      t.after(() => receiver.close());
      const { pipeline, start, untilWaiting, untilRunning, finish, read, begun } = await scene();
      const id = await pipeline({ max_parallel_actions: 1, when_waiting: 'replace' });
      const hook = await createIncomingHook(work, id);
      await createOutgoingHook(work, id, `${receiver.url}/{{ event }}/{{ action.id }}`, {
        trigger_when: { events: ['action.skipped', 'action.completed'] },
        settings: { request_body: { why: '{{ action.status_reason_human_readable }}' } },
      });
      const first = await start(id);
      await untilRunning(first);
      const second = await start(id);
      await untilWaiting(second);
      const byHook = (await sendSigned(work, hook, '{}')).body.action_id!;
      await untilWaiting(byHook);
      assert.equal((await read(second)).status, 'skipped');
      // Several at once, by hand and by hook.
      const many = await Promise.all([
        start(id),
        start(id),
        sendSigned(work, hook, '{"n":1}').then(({ body }) => body.action_id!),
        start(id),
      ]);
      const newest = Math.max(...many);
      const replaced = [second, byHook, ...many.filter((one) => one !== newest)];
      for (const one of replaced) {
        const action = await untilAction(work, one, ['skipped']);
        const [, by] =
          /^Replaced by #(\d+)\.$/.exec(action.status_reason_human_readable) ??
          assert.fail(action.status_reason_human_readable);
        assert.ok(Number(by) > one);
        assert.equal(action.status_reason_code, 'SKIPPED');
        assert.notEqual(action['completed_at'], null);
      }
      assert.equal((await untilWaiting(newest)).status, 'waiting');
      await finish(first);
      await untilRunning(newest);
      await finish(newest);
      assert.deepEqual(await begun(), [first, newest]);
      await receiver.waitFor(({ path }) => path === `/action.completed/${newest}`, 'the last event');
      // Of several actions no order is promised.
      await receiver.waitFor(replaced.length + 2, 'the event of each that was replaced');
      const skipped = receiver.requests.filter(({ path }) => path.startsWith('/action.skipped/'));
      assert.deepEqual(
        skipped.map(({ path }) => Number(path.split('/')[2])).toSorted((a, b) => a - b),
        replaced.toSorted((a, b) => a - b),
      );
      for (const request of skipped) {
        assert.match((request.json() as { why: string }).why, /^Replaced by #\d+\.$/);
      }
    });

    test('one that waits for a server is replaced too, and nothing of another pipeline', async () => {
      const { pipeline, start, untilWaiting, untilRunning, finish, read } = await scene();
      const machine = await addServer(1);
      const id = await pipeline({ when_waiting: 'replace' });
      const other = await pipeline();
      const first = await start(id, [machine.id]);
      await untilRunning(first);
      const beside = await start(other, [machine.id]);
      await untilWaiting(beside);
      const second = await start(id, [machine.id]);
      await untilWaiting(second);
      const third = await start(id, [machine.id]);
      await untilWaiting(third);
      const replaced = await read(second);
      assert.equal(replaced.status, 'skipped');
      assert.equal(replaced.status_reason_human_readable, `Replaced by #${third}.`);
      assert.equal((await read(beside)).status, 'waiting');
      for (const one of [first, beside, third]) {
        await untilRunning(one);
        await finish(one);
      }
    });
  });
}

test('two nodes together exceed no limit of a pipeline or a server', { timeout: 600_000 }, async (t) => {
  const database = await createTestDatabase('postgres');
  t.after(() => database.drop());
  const one = await startServer({ database });
  t.after(() => one.stop());
  const other = await startServer({ database });
  t.after(() => other.stop());
  const ssh = await startSshServer('ssh2');
  t.after(() => ssh.stop());
  const work = await openWorkplace(one);
  const folder = await mkdtemp(join(tmpdir(), 'hookline-concurrency-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const { id: machine } = await work.api.post<{ id: number }>(`/environments/${work.environmentId}/servers`, {
    hostname: 'shared',
    ip_address: ssh.host,
    ssh_port: ssh.port,
    ssh_user: ssh.user,
    ssh_private_key: ssh.privateKey,
    max_parallel_actions: 2,
  });
  const brief = (log: string) => [`echo + >> ${folder}/${log}; sleep 0.1; echo - >> ${folder}/${log}`];
  const limited = await createPipeline(work, await createApplication(work), brief('pipeline'), {
    max_parallel_actions: 3,
  });
  const onServer = await createPipeline(work, await createApplication(work), brief('server'));
  const start = (pipeline: number, servers: number[]) =>
    work.api.post<TestAction>(`/pipelines/${pipeline}/actions`, { servers });
  const actions = await Promise.all(
    Array.from({ length: 20 }, () => [start(limited, []), start(onServer, [machine])]).flat(),
  );
  for (const { id } of actions) assert.equal((await untilAction(work, id)).status, 'completed');
  const mostIn = async (log: string): Promise<number> => {
    let running = 0;
    const counts = (await readFile(join(folder, log), 'utf8'))
      .trim()
      .split('\n')
      .map((sign) => (running += sign === '+' ? 1 : -1));
    assert.equal(counts.length, 40);
    return Math.max(...counts);
  };
  assert.equal(await mostIn('pipeline'), 3);
  assert.equal(await mostIn('server'), 2);
});
