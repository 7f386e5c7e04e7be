import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { isAlive } from './support/alive.ts';
import { until } from './support/api-client.ts';
import { createTestDatabase } from './support/database.ts';
import type { DatabaseKind, TestDatabase } from './support/database.ts';
import { everyChange } from './support/event-writer.ts';
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
import { startReceiver } from './support/receiver.ts';
import type { Receiver } from './support/receiver.ts';
import { startServer } from './support/server.ts';
import type { TestServer } from './support/server.ts';
import { startSshServer } from './support/ssh-server.ts';

const STOPPED = /^Hookline was stopped while it ran\. It was not run again; start it anew if it should be\.$/;
const NODE_ENDED = /^The node that ran it ended, or was cut off, before it was done\./;

/** A server with an action that runs until `release`, another one that waits behind it, and a hook for more. */
type Scene = {
  database: TestDatabase;
  server: TestServer;
  work: Workplace;
  receiver: Receiver;
  incoming: IncomingHook;
  pipelineId: number;
  running: number;
  waiting: number;
  /** Of the script that runs. */
  pid: number;
  release(): Promise<void>;
  /** The actions whose step began, in that order. */
  ran(): Promise<number[]>;
  /** The same on its database: after it, or beside it. */
  start(env?: Record<string, string>): Promise<TestServer>;
};

type Triggered = { triggered_from: { hook_request_id: string } };

async function prepare(
  t: TestContext,
  options: { drainSeconds: number; kind?: DatabaseKind; overSsh?: boolean; before?: string },
): Promise<Scene> {
  const ends = new AsyncDisposableStack();
  t.after(() => ends.disposeAsync());
  const database = ends.adopt(await createTestDatabase(options.kind ?? 'sqlite'), (made) => made.drop());
  const folder = await mkdtemp(join(tmpdir(), 'hookline-draining-'));
  ends.defer(() => rm(folder, { recursive: true, force: true }));
  const receiver = ends.adopt(await startReceiver(), (started) => started.close());
  const start = async (env: Record<string, string> = {}) =>
    ends.adopt(await startServer({ database, env }), (started) => started.stop());
  const server = await start({ HOOKLINE_DRAIN_SECONDS: String(options.drainSeconds) });
  const work = await openWorkplace(server);
  const hold = `until [ -e ${folder}/released ]; do read -r -t 0.1 _ <>${folder}/bell || true; done`;
  const command = [
    `[ -e ${folder}/bell ] || mkfifo ${folder}/bell`,
    options.before ?? '',
    `echo "$HOOKLINE_ACTION_ID $$" >> ${folder}/ran; echo begins`,
    hold,
    'echo ends',
  ].join('\n');
  const fields = { max_parallel_actions: 1 };
  const pipelineId = await createPipeline(work, await createApplication(work), [command], fields);
  const url = `${receiver.url}/{{ action.id }}/{{ action.status }}`;
  await createOutgoingHook(work, pipelineId, url, everyChange);
  const incoming = await createIncomingHook(work, pipelineId);
  const lines = async () => {
    const text = await readFile(join(folder, 'ran'), 'utf8').catch(() => '');
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split(' ').map(Number));
  };
  const servers: number[] = [];
  if (options.overSsh) {
    const ssh = ends.adopt(await startSshServer('ssh2'), (started) => started.stop());
    const { id } = await work.api.post<{ id: number }>(`/environments/${work.environmentId}/servers`, {
      hostname: 'web',
      ip_address: ssh.host,
      ssh_port: ssh.port,
      ssh_user: ssh.user,
      ssh_private_key: ssh.privateKey,
    });
    servers.push(id);
  }
  const trigger = async () =>
    (await work.api.post<TestAction>(`/pipelines/${pipelineId}/actions`, { servers })).id;
  const running = await trigger();
  const pid = await until(async () => (await lines())[0]?.[1], 'the step to run');
  const waiting = await trigger();
  await untilAction(work, waiting, ['waiting']);
  return {
    database,
    server,
    work,
    receiver,
    incoming,
    pipelineId,
    running,
    waiting,
    pid,
    release: () => writeFile(join(folder, 'released'), ''),
    ran: async () => (await lines()).map(([id]) => id!),
    start,
  };
}

/** Sends SIGTERM and waits until the server says that it is on its way. */
async function beginToStop({ server }: Scene): Promise<void> {
  process.kill(server.pid, 'SIGTERM');
  await until(async () => (await readiness(server)) === 503, 'the server not to be ready any more');
}

async function readiness({ url }: TestServer): Promise<number> {
  const answer = await fetch(`${url}/readyz`);
  await answer.body?.cancel();
  return answer.status;
}

/** What was told of an action, in order, and each once: a repeat after an end without notice bears the same id. */
async function assertEvents({ receiver }: Scene, id: number, statuses: string[]): Promise<void> {
  await receiver.waitFor(({ path }) => path === `/${id}/${statuses.at(-1)}`, `the last event of ${id}`);
  const arrived = receiver.requests.filter(({ path }) => path.startsWith(`/${id}/`));
  const first = new Map(arrived.map(({ headers, path }) => [headers['webhook-id'], path]));
  assert.deepEqual(
    [...first.values()],
    statuses.map((status) => `/${id}/${status}`),
  );
}

async function assertRestCompletes(scene: Scene, work: Workplace, ids: number[]): Promise<void> {
  await scene.release();
  for (const id of ids) assert.equal((await untilAction(work, id)).status, 'completed');
  const ran = await scene.ran();
  assert.deepEqual(ran, [scene.running, ...ids], 'each once, first in, first out');
}

describe('a server that is told to stop', { concurrency: 3, timeout: 600_000 }, () => {
  for (const overSsh of [false, true]) {
    const where = overSsh ? 'over SSH' : 'on local';
    test(`lets a step ${where} come to its end, begins nothing, and keeps what arrives`, async (t) => {
      const scene = await prepare(t, { drainSeconds: 30, overSsh });
      assert.equal(await readiness(scene.server), 200);
      await beginToStop(scene);
      const { status, body } = await sendSigned(scene.server, scene.incoming, pushPayload());
      assert.equal(status, 202);
      const late = body.action_id ?? assert.fail('accepted without an action');
      assert.equal((await scene.work.api.get<TestAction>(`/actions/${late}`)).status, 'pending');
      await scene.release();
      assert.deepEqual(await scene.server.exited, { code: 0, signal: null });
      assert.deepEqual(await scene.ran(), [scene.running]);
      await assertEvents(scene, scene.running, ['pending', 'queued', 'in-progress', 'completed']);

      const work = await openWorkplace(await scene.start());
      const ended = await work.api.get<TestAction>(`/actions/${scene.running}`);
      assert.equal(ended.status, 'completed');
      assert.equal(await work.api.get(`/actions/${scene.running}/logs`), 'begins\nends\n');
      await assertRestCompletes(scene, work, [scene.waiting, late]);
    });

    test(`ends a step ${where} that takes longer, and says so before it is gone`, async (t) => {
      const scene = await prepare(t, { drainSeconds: 1, overSsh });
      await beginToStop(scene);
      assert.deepEqual(await scene.server.exited, { code: 0, signal: null });
      assert.equal(isAlive(scene.pid), false);
      // Before the exit, not after the next start.
      assert.equal(scene.receiver.requests.at(-1)?.path, `/${scene.running}/failed`);

      const work = await openWorkplace(await scene.start());
      const ended = await work.api.get<TestAction>(`/actions/${scene.running}`);
      assert.equal(ended.status, 'failed');
      assert.match(ended.status_reason_human_readable, STOPPED);
      await assertRestCompletes(scene, work, [scene.waiting]);
      await assertEvents(scene, scene.running, ['pending', 'queued', 'in-progress', 'failed']);
    });
  }

  test('keeps whatever it has answered with a 2xx, up to its last moment', async (t) => {
    const scene = await prepare(t, { drainSeconds: 1 });
    const answered: { hook_request_id: string; action_id: number | null }[] = [];
    process.kill(scene.server.pid, 'SIGTERM');
    for (;;) {
      const answer = await sendSigned(scene.server, scene.incoming, pushPayload()).catch(() => null);
      if (!answer) break;
      if (answer.status < 300) answered.push(answer.body);
    }
    assert.deepEqual(await scene.server.exited, { code: 0, signal: null });
    assert.ok(answered.length > 0);
    const { api } = await openWorkplace(await scene.start());
    for (const { action_id, hook_request_id } of answered) {
      const action = await api.get<TestAction & Triggered>(`/actions/${action_id}`);
      assert.equal(action.triggered_from.hook_request_id, hook_request_id);
      assert.notEqual(action.status, 'failed');
    }
  });

  test('waits for nothing when it is not to, and ends what ignores TERM', async (t) => {
    const scene = await prepare(t, { drainSeconds: 0, before: `trap '' TERM` });
    process.kill(scene.server.pid, 'SIGTERM');
    assert.deepEqual(await scene.server.exited, { code: 0, signal: null });
    assert.equal(isAlive(scene.pid), false);
    assert.equal(scene.receiver.requests.at(-1)?.path, `/${scene.running}/failed`);
    const work = await openWorkplace(await scene.start());
    const { status_reason_human_readable } = await untilAction(work, scene.running);
    assert.match(status_reason_human_readable, STOPPED);
    await assertRestCompletes(scene, work, [scene.waiting]);
  });

  test('cancels what runs meanwhile, and what waits', async (t) => {
    const scene = await prepare(t, { drainSeconds: 30 });
    await beginToStop(scene);
    await scene.work.api.post(`/actions/${scene.waiting}/cancel`);
    await scene.work.api.post(`/actions/${scene.running}/cancel`);
    // Long before the 30 s.
    assert.deepEqual(await scene.server.exited, { code: 0, signal: null });
    assert.equal(isAlive(scene.pid), false);
    const work = await openWorkplace(await scene.start());
    for (const id of [scene.running, scene.waiting]) {
      const { status, status_reason_human_readable } = await untilAction(work, id);
      assert.deepEqual([status, status_reason_human_readable], ['failed', 'Cancelled by Administrator.']);
    }
    await assertEvents(scene, scene.running, ['pending', 'queued', 'in-progress', 'failed']);
    await assertEvents(scene, scene.waiting, ['pending', 'waiting', 'failed']);
  });

  test('ends at once on a second signal, and the next start tells the truth', async (t) => {
    const scene = await prepare(t, { drainSeconds: 30 });
    await beginToStop(scene);
    process.kill(scene.server.pid, 'SIGTERM');
    assert.deepEqual(await scene.server.exited, { code: 1, signal: null });
    const work = await openWorkplace(await scene.start());
    const { status, status_reason_human_readable } = await untilAction(work, scene.running);
    assert.equal(status, 'failed');
    assert.match(status_reason_human_readable, NODE_ENDED);
    assert.equal(isAlive(scene.pid), false);
    await assertRestCompletes(scene, work, [scene.waiting]);
    await assertEvents(scene, scene.running, ['pending', 'queued', 'in-progress', 'failed']);
  });

  test('leaves what arrives meanwhile, and what waits, to another node at once', async (t) => {
    const scene = await prepare(t, { drainSeconds: 30, kind: 'postgres' });
    const folder = scene.database.env['HOOKLINE_DATA']!;
    const other = await scene.start({ HOOKLINE_DATA: join(folder, 'other') });
    await beginToStop(scene);
    const free = await createPipeline(scene.work, await createApplication(scene.work));
    const hook = await createIncomingHook(scene.work, free);
    const { status, body } = await sendSigned(scene.server, hook, pushPayload());
    assert.equal(status, 202);
    const work = await openWorkplace(other);
    assert.equal((await untilAction(work, body.action_id!)).status, 'completed');
    assert.equal((await work.api.get<TestAction>(`/actions/${scene.running}`)).status, 'in-progress');

    await scene.release();
    assert.deepEqual(await scene.server.exited, { code: 0, signal: null });
    assert.equal((await work.api.get<TestAction>(`/actions/${scene.running}`)).status, 'completed');
    await assertRestCompletes(scene, work, [scene.waiting]);
  });
});
