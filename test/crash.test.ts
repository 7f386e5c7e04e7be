import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isAlive } from './support/alive.ts';
import { until } from './support/api-client.ts';
import type { ApiClient } from './support/api-client.ts';
import { createTestDatabase } from './support/database.ts';
import type { DatabaseKind, TestDatabase } from './support/database.ts';
import {
  createApplication,
  createIncomingHook,
  createOutgoingHook,
  createPipeline,
  openWorkplace,
  sendSigned,
  untilAction,
} from './support/fixtures.ts';
import type { IncomingHook, TestAction, Workplace } from './support/fixtures.ts';
import { pushPayload } from './support/github.ts';
import { listAll } from './support/lists.ts';
import type { ListedDelivery } from './support/lists.ts';
import { startLoad } from './support/load.ts';
import type { Answered } from './support/load.ts';
import { startReceiver } from './support/receiver.ts';
import type { Receiver } from './support/receiver.ts';
import { startServer } from './support/server.ts';
import type { TestServer } from './support/server.ts';

const NODE_ENDED = /^The node that ran it ended, or was cut off, before it was done\. It was not run again/;
/** A PostgreSQL node that is gone is given up after the 15 s of its lease. */
const LEASE_TIMEOUT_MS = 30_000;
const RUNNING = ['pending', 'waiting', 'queued', 'in-progress'];

type ListedAction = TestAction & { triggered_from: { hook_request_id: string | null } };
type ListedRequest = { id: string; action_id: number | null; outcome: string };

/** Everything that one server after another did on one database, and what the senders were told. */
type Story = {
  database: TestDatabase;
  folder: string;
  receiver: Receiver;
  server: TestServer;
  work: Workplace;
  incoming: IncomingHook;
  outgoingId: string;
  pipelineId: number;
  answered: Answered[];
};

/** A line for each step that ran, so that one that ran twice shows; it lasts, so that some run at each kill. */
const appendActionId = (folder: string): string => `echo "$HOOKLINE_ACTION_ID" >> ${folder}/ran; sleep 0.05`;

async function prepare(kind: DatabaseKind, ends: AsyncDisposableStack): Promise<Story> {
  const database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
  const folder = await tempFolder(ends);
  const receiver = ends.adopt(await startReceiver(), (started) => started.close());
  const server = ends.adopt(await startServer({ database }), (started) => started.stop());
  const work = await openWorkplace(server);
  const application = await createApplication(work);
  const pipelineId = await createPipeline(work, application, [appendActionId(folder)]);
  const incoming = await createIncomingHook(work, pipelineId);
  const outgoingId = await recordEvents(work, pipelineId, receiver);
  return { database, folder, receiver, server, work, incoming, outgoingId, pipelineId, answered: [] };
}

async function tempFolder(ends: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hookline-crash-'));
  ends.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function recordEvents(work: Workplace, pipelineId: number, receiver: Receiver): Promise<string> {
  return createOutgoingHook(work, pipelineId, `${receiver.url}/{{ action.id }}/{{ event }}`, {
    trigger_when: { events: ['action.started', 'action.completed', 'action.failed'] },
  });
}

/** The events that arrived for an action, in order of arrival, repeats included. */
function eventsOf(receiver: Receiver, actionId: number): string[] {
  const begin = `/${actionId}/`;
  return receiver.requests
    .filter(({ path }) => path.startsWith(begin))
    .map(({ path }) => path.slice(begin.length));
}

async function restart(story: Story, ends: AsyncDisposableStack): Promise<void> {
  const { database } = story;
  story.server = ends.adopt(await startServer({ database }), (started) => started.stop());
  const api = await story.server.login();
  story.work = { ...story.work, url: story.server.url, api };
}

/** Loads the hook from another process and kills the server in the midst of it. */
async function crashUnderLoad(story: Story): Promise<void> {
  const { server, incoming } = story;
  const load = await startLoad({ serverUrl: server.url, hook: incoming, connections: 8, pauseMs: 20 });
  await load.waitFor(220 + Math.floor(Math.random() * 150));
  await server.kill9();
  await load.ended;
  story.answered.push(...load.answered);
  assert.ok(load.answered.every(({ status }) => status === 202));
}

async function untilAllEnded(api: ApiClient, pipelineId: number): Promise<void> {
  for (const status of RUNNING) {
    const isEmpty = async () =>
      (await api.get<unknown[]>(`/pipelines/${pipelineId}/actions?status=${status}&per_page=1`)).length === 0;
    await until(isEmpty, `no action to be ${status}`);
  }
}

/** Runs `sleep 300` with a child in a session of its own; returns the action and the processes' ids. */
async function startLongAction(story: Story): Promise<{ id: number; outgoingId: string; pids: number[] }> {
  const { work, receiver, folder } = story;
  const file = join(folder, 'pids');
  const command = `setsid bash -c 'echo $$ >> ${file}; exec sleep 300' & echo $$ >> ${file}; sleep 300`;
  const pipelineId = await createPipeline(work, await createApplication(work), [command]);
  const outgoingId = await recordEvents(work, pipelineId, receiver);
  const { id } = await work.api.post<TestAction>(`/pipelines/${pipelineId}/actions`, {});
  const pids = await until(async () => {
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter(Boolean).map(Number);
    return lines.length === 2 && lines;
  }, 'both processes of the step to run');
  return { id, outgoingId, pids };
}

for (const { kind, rounds } of [
  { kind: 'sqlite', rounds: 3 },
  { kind: 'postgres', rounds: 2 },
] as const) {
  describe(`after kill -9 under load, ${rounds} times (${kind})`, { timeout: 600_000 }, () => {
    let story: Story;
    let long: Awaited<ReturnType<typeof startLongAction>>;
    let actions: ListedAction[];
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());

    before(async () => {
      story = await prepare(kind, ends);
      for (let round = 1; round <= rounds; round++) {
        if (round === rounds) long = await startLongAction(story);
        await crashUnderLoad(story);
        await restart(story, ends);
      }
      await untilAllEnded(story.work.api, story.pipelineId);
      actions = await listAll<ListedAction>(story.work.api, `/pipelines/${story.pipelineId}/actions`);
    });

    test('every request answered 2xx has its record and its action', async (t) => {
      const { work, incoming, answered } = story;
      t.diagnostic(`${answered.length} requests were answered 202, ${actions.length} actions were kept`);
      assert.ok(answered.length >= rounds * 220);
      const requests = await listAll<ListedRequest>(work.api, `/hooks/incoming/${incoming.id}/requests`);
      const requestById = new Map(requests.map((request) => [request.id, request]));
      const actionById = new Map(actions.map((action) => [action.id, action]));
      for (const { receipt } of answered) {
        const request = requestById.get(receipt.hook_request_id);
        assert.equal(request?.outcome, 'accepted', `the record of ${receipt.hook_request_id}`);
        assert.equal(request.action_id, receipt.action_id);
        const action = actionById.get(receipt.action_id ?? 0);
        assert.equal(action?.triggered_from.hook_request_id, receipt.hook_request_id);
      }
      const ofRequest = new Set(actions.map(({ triggered_from }) => triggered_from.hook_request_id));
      assert.equal(ofRequest.size, actions.length, 'no request has two actions');
    });

    test('every action has ended: completed, or failed because its node did', (t) => {
      const failed = actions.filter(({ status }) => status !== 'completed');
      t.diagnostic(`${failed.length} were running when their server was killed`);
      for (const action of failed) {
        assert.equal(action.status, 'failed');
        assert.match(action.status_reason_human_readable, NODE_ENDED);
      }
      // What was running at a kill is bounded by the places there are.
      assert.ok(failed.length <= rounds * 16, `${failed.length} have failed`);
    });

    test('no step ran twice, and none of a completed action was left out', async () => {
      const ran = (await readFile(join(story.folder, 'ran'), 'utf8')).trim().split('\n').map(Number);
      const twice = ran.filter((id, index) => ran.indexOf(id) !== index);
      assert.deepEqual(twice, []);
      const once = new Set(ran);
      const leftOut = actions.filter(({ id, status }) => status === 'completed' && !once.has(id));
      assert.deepEqual(leftOut, []);
    });

    test('every event of every action is delivered, none before the one before it', async () => {
      const { work, outgoingId, receiver } = story;
      const deliveries = await until(async () => {
        const all = await listAll<ListedDelivery>(work.api, `/hooks/outgoing/${outgoingId}/deliveries`);
        return all.every(({ status }) => status === 'delivered') && all;
      }, 'every delivery to be delivered');
      const byAction = Map.groupBy(deliveries.toReversed(), ({ action_id }) => action_id);
      assert.equal(byAction.size, actions.length);
      const arrived = Map.groupBy(receiver.requests, ({ path }) => Number(path.split('/')[1]));
      for (const { id, status } of actions) {
        const written = byAction.get(id) ?? [];
        const events = ['action.started', `action.${status}`];
        assert.deepEqual(
          written.map(({ event }) => event),
          events,
        );
        const requests = arrived.get(id) ?? [];
        const order = requests.map(({ path }) => events.indexOf(path.split('/')[2] ?? ''));
        assert.deepEqual(
          order,
          order.toSorted(),
          `the order of ${requests.map(({ path }) => path).join(', ')}`,
        );
        // Repeats are allowed, under the id of the delivery.
        const ids = requests.map(({ headers }) => headers['webhook-id']);
        assert.deepEqual(
          [...new Set(ids)],
          written.map((delivery) => delivery.id),
        );
      }
    });

    test('a delivery id accepted before a crash is still known after it', async () => {
      const { work, incoming, answered } = story;
      const [first] = answered;
      assert.ok(first);
      const headers = { 'x-github-delivery': first.deliveryId };
      const { status, body } = await sendSigned(work, incoming, pushPayload(), { headers });
      assert.equal(status, 202);
      assert.equal(body.action_id, first.receipt.action_id);
      assert.notEqual(body.hook_request_id, first.receipt.hook_request_id);
    });

    test('an action in progress is failed with the reason, its events arrive and its processes are gone', async () => {
      const { work, receiver } = story;
      const action = await untilAction(work, long.id);
      assert.equal(action.status, 'failed');
      assert.match(action.status_reason_human_readable, NODE_ENDED);
      assert.deepEqual(long.pids.filter(isAlive), []);
      await receiver.waitFor(({ path }) => path === `/${long.id}/action.failed`, 'the event of the failure');
      assert.deepEqual([...new Set(eventsOf(receiver, long.id))], ['action.started', 'action.failed']);
      const full = await work.api.get<{
        targets: { status: string; steps: { status: string; exit_code: null }[] }[];
      }>(`/actions/${long.id}`);
      assert.deepEqual(
        full.targets.map(({ status, steps }) => [status, ...steps.map((step) => step.status)]),
        [['failed', 'failed']],
      );
    });
  });
}

describe('nodes on one PostgreSQL', { timeout: 600_000 }, () => {
  const ends = new AsyncDisposableStack();
  after(() => ends.disposeAsync());
  let folder: string;
  let receiver: Receiver;
  let nodes: TestServer[];
  let startFaults: unknown[];
  let work: Workplace;

  before(async () => {
    const database = ends.adopt(await createTestDatabase('postgres', { isEmpty: true }), (made) =>
      made.drop(),
    );
    folder = await tempFolder(ends);
    receiver = ends.adopt(await startReceiver(), (started) => started.close());
    const start = async (index: number): Promise<TestServer> => {
      const env = { HOOKLINE_DATA: join(folder, `node-${index}`) };
      return ends.adopt(await startServer({ database, env }), async (node) => {
        if (isAlive(node.pid)) process.kill(node.pid, 'SIGCONT');
        await node.stop();
      });
    };
    const together = await Promise.allSettled([0, 1, 2].map(start));
    startFaults = together.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    nodes = [];
    for (const [index, one] of together.entries()) {
      nodes.push(one.status === 'fulfilled' ? one.value : await start(index));
    }
    work = await openWorkplace(nodes[0]!);
  });

  /** The steps of these tests write the folder of their release, which lies in the data folder of their node. */
  const nodeOf = (releaseFolder: string): TestServer =>
    nodes[Number(/\/node-(\d)\//.exec(releaseFolder)?.[1])] ??
    assert.fail(`no node runs in ${releaseFolder}`);

  const linesOf = async (name: string): Promise<string[][]> =>
    (await readFile(join(folder, name), 'utf8').catch(() => ''))
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' '));

  test('start together on an empty database, with one first administrator', async () => {
    assert.deepEqual(startFaults, []);
    assert.equal((await work.api.get<unknown[]>('/organizations')).length, 1);
    assert.equal(nodes.filter((node) => /first administrator was created/.test(node.output())).length, 1);
  });

  test('share the work, keep its order and limits, and run nothing twice', async () => {
    const application = await createApplication(work);
    const line = (what: string) =>
      `echo "${what} $HOOKLINE_ACTION_ID $HOOKLINE_RELEASE_DIR" >> ${folder}/ran`;
    const command = `${line('begin')}; sleep 0.1; ${line('end')}`;
    const limits = [0, 1, 2, 3];
    const pipelineIds = await Promise.all(
      limits.map((max_parallel_actions) =>
        createPipeline(work, application, [command], { max_parallel_actions }),
      ),
    );
    const hooks = await Promise.all(pipelineIds.map((id) => createIncomingHook(work, id)));
    const outgoing = await Promise.all(pipelineIds.map((id) => recordEvents(work, id, receiver)));
    // Through every node, every pipeline; the pipelines in changing order, so that the nodes meet them so.
    const sending: Promise<unknown>[] = [];
    for (let round = 0; round < 60; round++) {
      for (const which of round % 2 ? [0, 2, 3] : [3, 2, 0]) {
        const isWanted = round < [60, 10, 20, 30][which]!;
        if (isWanted) sending.push(sendSigned(nodes[round % 3]!, hooks[which]!, pushPayload()));
      }
    }
    // Only of these, each sent when the one before it was accepted, can anyone say which came first.
    for (let round = 0; round < 10; round++) await sendSigned(nodes[round % 3]!, hooks[1]!, pushPayload());
    await Promise.all(sending);
    await Promise.all(pipelineIds.map((id) => untilAllEnded(work.api, id)));

    // The file tells what really happened, whatever the nodes wrote down.
    const ran = (await linesOf('ran')).map(([what, id, dir]) => ({ what, id: Number(id), dir: dir ?? '' }));
    const begun = ran.filter(({ what }) => what === 'begin');
    assert.equal(begun.length, 120);
    assert.equal(new Set(begun.map(({ id }) => id)).size, 120, 'no action ran twice');
    assert.equal(new Set(begun.map(({ dir }) => nodeOf(dir).pid)).size, 3, 'every node took part');
    for (const [index, limit] of limits.entries()) {
      const actions = await listAll<TestAction>(work.api, `/pipelines/${pipelineIds[index]}/actions`);
      assert.ok(actions.every(({ status }) => status === 'completed'));
      const ids = new Set(actions.map(({ id }) => id));
      const own = ran.filter(({ id }) => ids.has(id));
      if (limit > 0)
        assert.ok(mostAtOnce(own) <= limit, `${mostAtOnce(own)} ran at once, allowed are ${limit}`);
      const order = own.filter(({ what }) => what === 'begin').map(({ id }) => id);
      if (limit === 1)
        assert.deepEqual(
          order,
          order.toSorted((one, other) => one - other),
          'first in, first out',
        );
    }
    for (const id of outgoing) {
      const isDone = async () =>
        (await listAll<ListedDelivery>(work.api, `/hooks/outgoing/${id}/deliveries`)).every(
          ({ status }) => status === 'delivered',
        );
      await until(isDone, 'every delivery to be delivered');
    }
    assert.equal(receiver.requests.length, 240);
    assert.equal(new Set(receiver.requests.map(({ path }) => path)).size, 240, 'no event was sent twice');
    assert.deepEqual(nodes.flatMap(errorsOf), [], 'no node got in the way of another');
  });

  test('take over from one that was killed and from one that was suspended, which then can write no more', async () => {
    const command = `echo "$HOOKLINE_ACTION_ID $HOOKLINE_RELEASE_DIR $$" >> ${folder}/long; sleep 300`;
    const pipelineId = await createPipeline(work, await createApplication(work), [command]);
    await recordEvents(work, pipelineId, receiver);
    let started: { id: number; node: TestServer; pid: number }[] = [];
    for (let round = 0; new Set(started.map(({ node }) => node.pid)).size < 2; round++) {
      const through = nodes[round % 3]!;
      await (await through.login()).post(`/pipelines/${pipelineId}/actions`, {});
      const lines = await until(async () => {
        const all = await linesOf('long');
        return all.length > round && all;
      }, 'the action to run');
      started = lines.map(([id, dir, pid]) => ({
        id: Number(id),
        node: nodeOf(dir ?? ''),
        pid: Number(pid),
      }));
    }
    const killed = started[0]!.node;
    const suspended = started.find(({ node }) => node !== killed)!.node;
    const survivor = nodes.find((node) => node !== killed && node !== suspended)!;
    await killed.kill9();
    process.kill(suspended.pid, 'SIGSTOP');

    const api = await survivor.login();
    const orphans = started.filter(({ node }) => node !== survivor);
    for (const { id } of orphans) {
      const isFailed = async () => (await api.get<TestAction>(`/actions/${id}`)).status === 'failed';
      await until(isFailed, `action ${id} to be failed by another node`, LEASE_TIMEOUT_MS);
      const { status_reason_human_readable } = await api.get<TestAction>(`/actions/${id}`);
      assert.match(status_reason_human_readable, NODE_ENDED);
    }
    assert.deepEqual(orphans.filter(({ pid }) => isAlive(pid)).length, 0, 'their processes were ended');

    process.kill(suspended.pid, 'SIGCONT');
    await until(
      async () => /the lease( of this node)? lapsed/.test(suspended.output()),
      'the node to notice',
    );
    // It works on, under a new name, and what it held stays as the other has left it.
    const workThere = await openWorkplace(suspended);
    const quick = await createPipeline(workThere, await createApplication(workThere));
    const { id: nextId } = await workThere.api.post<TestAction>(`/pipelines/${quick}/actions`, {});
    assert.equal((await untilAction(workThere, nextId)).status, 'completed');
    for (const { id } of orphans) {
      const { status, status_reason_human_readable } = await api.get<TestAction>(`/actions/${id}`);
      assert.equal(status, 'failed');
      assert.match(status_reason_human_readable, NODE_ENDED);
      await receiver.waitFor(({ path }) => path === `/${id}/action.failed`, 'the event of the failure');
      // A delivery that was under way when its node was stopped may come twice, but never after a later one.
      const events = eventsOf(receiver, id);
      assert.deepEqual([...new Set(events)], ['action.started', 'action.failed']);
      assert.deepEqual(events.toSorted().toReversed(), events, 'in order');
    }
  });
});

/** The largest number of steps that ran at one time. */
function mostAtOnce(lines: { what: string | undefined }[]): number {
  let running = 0;
  return Math.max(...lines.map(({ what }) => (running += what === 'begin' ? 1 : -1)));
}

/** What a server has logged as an error. */
function errorsOf(server: TestServer): string[] {
  const lines = server
    .output()
    .split('\n')
    .filter((line) => /^\{"level":[56]0/.test(line));
  return lines.map((line) => {
    const { msg, err } = JSON.parse(line) as { msg: string; err?: { message: string } };
    return `${msg}: ${err?.message}`;
  });
}
