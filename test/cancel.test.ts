import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { isAlive } from './support/alive.ts';
import { until } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import {
  createApplication,
  createOutgoingHook,
  createPipeline,
  openWorkplace,
  untilAction,
} from './support/fixtures.ts';
import type { TestAction, Workplace } from './support/fixtures.ts';
import { startGitServer } from './support/git-server.ts';
import { addPerson, createRole } from './support/people.ts';
import { startReceiver } from './support/receiver.ts';
import type { Receiver } from './support/receiver.ts';
import { startServer } from './support/server.ts';
import type { TestServer } from './support/server.ts';
import { startSshServer } from './support/ssh-server.ts';
import type { TestSshServer } from './support/ssh-server.ts';

type Run = { status: string; status_reason_human_readable: string };
type FullAction = TestAction & {
  completed_at: string | null;
  targets: (Run & { id: number; resource_data: { hostname: string }; steps: Run[] })[];
};
const byAdmin = /^Cancelled by .+\.$/;

for (const kind of databaseKinds) {
  describe(`ending an action from outside (${kind})`, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let database: TestDatabase;
    let server: TestServer;
    let work: Workplace;
    let folder: string;
    let ssh: TestSshServer;
    let receiver: Receiver;

    before(async () => {
      database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
      server = ends.adopt(await startServer({ database }), (started) => started.stop());
      work = await openWorkplace(server);
      folder = await mkdtemp(join(tmpdir(), 'hookline-cancel-'));
      ends.defer(() => rm(folder, { recursive: true, force: true }));
      ssh = ends.adopt(await startSshServer('ssh2'), (started) => started.stop());
      receiver = ends.adopt(await startReceiver(), (started) => started.close());
    });

    /** A server that steps run on over SSH; `fields` may make it another one. */
    async function addServer(fields: Record<string, unknown> = {}): Promise<number> {
      const added = await work.api.post<{ id: number }>(`/environments/${work.environmentId}/servers`, {
        hostname: `machine-${randomUUID().slice(0, 8)}`,
        ip_address: ssh.host,
        ssh_port: ssh.port,
        ssh_user: ssh.user,
        ssh_private_key: ssh.privateKey,
        ...fields,
      });
      return added.id;
    }
    const pipeline = async (
      commands: readonly string[],
      fields: Record<string, unknown> = {},
    ): Promise<number> => await createPipeline(work, await createApplication(work), commands, fields);
    const start = async (pipelineId: number, body: Record<string, unknown> = {}): Promise<number> =>
      (await work.api.post<TestAction>(`/pipelines/${pipelineId}/actions`, body)).id;
    const read = (id: number): Promise<FullAction> => work.api.get<FullAction>(`/actions/${id}`);
    const cancel = (id: number, api = work.api) => api.request<TestAction>('POST', `/actions/${id}/cancel`);
    const ended = async (id: number): Promise<FullAction> => {
      await untilAction(work, id);
      return await read(id);
    };
    const stepsOf = (action: FullAction, target = 0): string[] =>
      action.targets[target]?.steps.map(({ status }) => status) ?? [];
    let files = 0;
    const newFile = (): string => join(folder, `file-${++files}`);
    const exists = (file: string): Promise<boolean> =>
      stat(file).then(
        () => true,
        () => false,
      );
    /** The process ids in a file, once there are so many. */
    const pidsIn = async (file: string, count: number): Promise<number[]> =>
      await until(async () => {
        const pids = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter(Boolean).map(Number);
        return pids.length === count && pids;
      }, `${count} processes in ${file}`);

    /** Everything that says why has to say the same. */
    function assertCancelled(action: FullAction): void {
      assert.equal(action.status, 'failed');
      assert.match(action.status_reason_human_readable, byAdmin);
      assert.equal(action['status_reason_code'], 'FAILED');
      assert.notEqual(action.completed_at, null);
      for (const target of action.targets) {
        if (target.status === 'completed') continue;
        assert.equal(target.status, 'failed');
        assert.equal(target.status_reason_human_readable, action.status_reason_human_readable);
        const failed = target.steps.filter(({ status }) => status === 'failed');
        assert.equal(failed.length, 1, JSON.stringify(target.steps));
        assert.equal(failed[0]!.status_reason_human_readable, action.status_reason_human_readable);
        assert.ok(target.steps.every(({ status }) => status !== 'pending' && status !== 'in-progress'));
      }
    }

    // Takes three starts of a server, and nothing in it depends on the database.
    const onSqlite = (name: string, check: (t: TestContext) => Promise<void>): void => {
      if (kind === 'sqlite') void test(name, check);
    };
    onSqlite('a pending action has failed when the answer comes, and never starts', async (t) => {
      const own = await createTestDatabase(kind);
      t.after(() => own.drop());
      const front = await startServer({ database: own, env: { HOOKLINE_ROLE: 'api' } });
      const place = await openWorkplace(front);
      const file = newFile();
      const id = await createPipeline(place, await createApplication(place), [`touch ${file}`]);
      const action = await place.api.post<TestAction>(`/pipelines/${id}/actions`, {});
      assert.equal(action.status, 'pending');
      const answer = await place.api.request<FullAction>('POST', `/actions/${action.id}/cancel`);
      assert.equal(answer.status, 200);
      assertCancelled(answer.body);
      const next = await place.api.post<TestAction>(`/pipelines/${id}/actions`, {});
      await front.stop();

      const both = await startServer({ database: own });
      t.after(() => both.stop());
      const later = await openWorkplace(both);
      assert.equal((await untilAction(later, next.id)).status, 'completed');
      assertCancelled(await later.api.get<FullAction>(`/actions/${action.id}`));
    });

    test('a waiting action has failed when the answer comes, and those behind it move up', async () => {
      const file = newFile();
      const id = await pipeline([`until [ -e ${file} ]; do sleep 0.02; done`], { max_parallel_actions: 1 });
      const [first, second, third] = [await start(id), await start(id), await start(id)];
      for (const one of [second, third]) await untilAction(work, one, ['waiting']);
      const answer = await cancel(second);
      assertCancelled(answer.body as FullAction);
      assert.deepEqual((await read(second)).targets, []);
      await cancel(first);
      assertCancelled(await ended(first));
      await untilAction(work, third, ['in-progress']);
      await writeFile(file, '');
      assert.equal((await ended(third)).status, 'completed');
    });

    for (const place of ['local', 'ssh'] as const) {
      test(`what runs (${place}) ends with everything that it started, wherever that went`, async () => {
        const servers = place === 'ssh' ? [await addServer()] : [];
        const pids = newFile();
        const script = [
          // Each writes down its own id. What has cleared its environment is found by its group.
          `me() { echo $BASHPID >> ${pids}; }`,
          `(me; sleep 300) &`,
          `(trap '' TERM; me; while :; do sleep 300; done) &`,
          `setsid bash -c 'echo $$ >> ${pids}; sleep 300' &`,
          `setsid bash -c 'trap "" TERM HUP INT; echo $$ >> ${pids}; while :; do sleep 300; done' &`,
          `(setsid bash -c '(echo $BASHPID >> ${pids}; exec sleep 300) & exit' &)`,
          `env -i bash -c 'echo $$ >> ${pids}; exec sleep 300' &`,
          `nohup bash -c 'echo $$ >> ${pids}; exec sleep 300' >/dev/null 2>&1 & disown`,
          `me; sleep 300`,
        ];
        const id = await start(await pipeline([script.join('\n'), 'echo never']), { servers });
        const all = await pidsIn(pids, 8);
        const answer = await cancel(id);
        assert.equal(answer.status, 200);
        const action = await ended(id);
        assert.deepEqual(all.filter(isAlive), []);
        assertCancelled(action);
        assert.deepEqual(stepsOf(action), ['failed', 'skipped']);
        if (place === 'ssh') assert.equal(action.targets[0]!.resource_data.hostname.slice(0, 8), 'machine-');
      });
    }

    test('a script may tidy up when it is cancelled, and what it says then is kept', async () => {
      const file = newFile();
      const tidy = `trap 'echo tidied up; exit 0' TERM; touch ${file}; while :; do sleep 0.05; done`;
      for (const servers of [[], [await addServer()]]) {
        const id = await start(await pipeline([tidy]), { servers });
        await until(() => exists(file), 'it to run');
        await rm(file);
        await cancel(id);
        assertCancelled(await ended(id));
        assert.match(await work.api.get<string>(`/actions/${id}/logs`), /^tidied up$/m);
      }
    });

    test('between two steps no further one begins', async () => {
      // Steps so short that a cancel falls anywhere, also between two of them.
      const id = await pipeline(Array.from({ length: 30 }, () => 'echo $HOOKLINE_STEP'));
      for (let round = 0; round < 5; round++) {
        const action = await start(id);
        await untilAction(work, action, ['in-progress']);
        await cancel(action);
        const found = await ended(action);
        assertCancelled(found);
        const steps = stepsOf(found);
        const at = steps.indexOf('failed');
        assert.deepEqual(steps, [
          ...Array.from({ length: at }, () => 'completed'),
          'failed',
          ...Array.from({ length: 29 - at }, () => 'skipped'),
        ]);
      }
    });

    test('on several targets all of them end; what had completed stays completed', async () => {
      const servers = [await addServer(), await addServer(), await addServer()];
      const pids = newFile();
      // All of them are one machine: the first, before which nothing of the others began, leaves them alone when it ends.
      const script = [
        `echo $$ >> ${pids}; until [ "$(wc -l < ${pids})" = 3 ]; do sleep 0.02; done`,
        `[ "$(sort -n ${pids} | head -n 1)" = $$ ] || sleep 300`,
      ];
      const id = await start(await pipeline([script.join('\n')]), { servers });
      const all = await pidsIn(pids, 3);
      await until(async () => (await read(id)).targets.some(({ status }) => status === 'completed'), 'one');
      assert.equal(all.filter(isAlive).length, 2);
      await cancel(id);
      const action = await ended(id);
      assertCancelled(action);
      assert.deepEqual(all.filter(isAlive), []);
      assert.deepEqual(action.targets.map(({ status }) => status).sort(), ['completed', 'failed', 'failed']);
    });

    test('one that hangs while it connects to a server ends at once', async (t) => {
      const hanging = await startSshServer('ssh2');
      t.after(() => hanging.stop());
      hanging.freeze();
      const servers = [
        await addServer({ ip_address: hanging.host, ssh_port: hanging.port, hostname: `hanging-${kind}` }),
      ];
      const id = await start(await pipeline(['echo never']), { servers });
      await untilAction(work, id, ['in-progress']);
      await until(async () => hanging.connections().opened > 0, 'a connection');
      const startedAt = performance.now();
      await cancel(id);
      const action = await ended(id);
      assert.ok(performance.now() - startedAt < 5000, `${performance.now() - startedAt} ms`);
      assertCancelled(action);
      assert.deepEqual(stepsOf(action), ['failed']);
    });

    test('one target that waits for another before the release goes live ends with it, and nothing goes live', async (t) => {
      const git = await startGitServer();
      t.after(() => git.stop());
      await git.createRepository('acme/web', { 'index.html': 'hello' });
      // A machine of its own, with a home of its own.
      const second = await startSshServer('ssh2');
      t.after(() => second.stop());
      const { host: ip_address, port: ssh_port, privateKey: ssh_private_key } = second;
      const servers = [await addServer(), await addServer({ ip_address, ssh_port, ssh_private_key })];
      const slow = newFile();
      const application = await createApplication(work, {
        repository: git.cloneUrl('acme/web'),
        credential_id: undefined,
      });
      // Only one of them has much to do.
      const wait = `mkdir ${slow} 2>/dev/null || exit 0; echo $$ > ${slow}/pid; sleep 300`;
      const id = await createPipeline(work, application, [wait], { default_steps: true });
      const action = await start(id, { servers });
      const [pid] = await pidsIn(`${slow}/pid`, 1);
      // The other one has built, and waits.
      await until(async () => {
        const { targets } = await read(action);
        return targets.some(({ steps }) => steps[1]?.status === 'completed');
      }, 'one to wait');
      await cancel(action);
      const found = await ended(action);
      assertCancelled(found);
      assert.equal(isAlive(pid!), false);
      const failedAt = found.targets.map(({ steps }) => steps.findIndex(({ status }) => status === 'failed'));
      assert.deepEqual(failedAt.toSorted(), [1, 2], 'one in its step, the other at the activation');
      for (const { home } of [ssh, second]) {
        for (const name of await readdir(home))
          assert.equal(await exists(join(home, name, 'current')), false);
      }
    });

    test('outgoing hooks hear of it once', async () => {
      const id = await pipeline(['sleep 300']);
      await createOutgoingHook(work, id, `${receiver.url}/once/{{ event }}/{{ action.id }}`, {
        trigger_when: { events: ['action.failed', 'action.completed', 'action.skipped'] },
        settings: { request_body: { why: '{{ action.status_reason_human_readable }}' } },
      });
      const action = await start(id);
      await untilAction(work, action, ['in-progress']);
      const answers = await Promise.all([cancel(action), cancel(action), cancel(action)]);
      for (const { status } of answers) assert.ok(status === 200 || status === 409);
      await ended(action);
      const next = await start(id);
      await cancel(next);
      await receiver.waitFor(({ path }) => path.endsWith(`/${next}`), 'the next one');
      const heard = receiver.requests.filter(({ path }) => path.startsWith('/once/'));
      assert.deepEqual(
        heard.map(({ path }) => path),
        [`/once/action.failed/${action}`, `/once/action.failed/${next}`],
      );
      for (const request of heard) assert.match((request.json() as { why: string }).why, byAdmin);
    });

    test('an ended action is answered 409, and stays what it is', async () => {
      const id = await pipeline(['true']);
      const action = await start(id);
      await untilAction(work, action);
      const answer = await cancel(action);
      assert.equal(answer.status, 409);
      assert.match(String((answer.body as unknown as { message: string }).message), /has ended already/);
      assert.equal((await read(action)).status, 'completed');
      assert.equal((await cancel(999_999)).status, 404);
    });

    test('the name is that of the first who asked, and who asked is in the audit', async () => {
      const action = await start(await pipeline(['trap "sleep 1" TERM; sleep 300']));
      await untilAction(work, action, ['in-progress']);
      const role = await createRole(work, ['action:read', 'action:cancel']);
      const person = await addPerson(work, { role, on: 'environment' });
      assert.equal((await cancel(action, person.api)).status, 200);
      await cancel(action);
      const found = await ended(action);
      assert.equal(found.status_reason_human_readable, `Cancelled by ${person.name}.`);
      assertCancelled(found);
      const entries = await work.api.get<Record<string, unknown>[]>(
        `/organizations/${work.organizationId}/audit-events?per_page=100`,
      );
      const text = entries.map((entry) => JSON.stringify(entry));
      assert.ok(
        text.some((entry) => entry.includes(person.name) && /cancel/.test(entry)),
        text.slice(0, 3).join('\n'),
      );
    });

    test('only who may cancel does, and nobody hears of what is not theirs', async () => {
      const action = await start(await pipeline(['sleep 300']));
      await untilAction(work, action, ['in-progress']);
      const role = await createRole(work, ['action:read', 'action:retry', 'pipeline:read', 'pipeline:run']);
      const reader = await addPerson(work, { role, on: 'environment' });
      assert.equal((await cancel(action, reader.api)).status, 403);
      const other = await work.api.post<{ id: number }>(`/projects/${work.projectId}/environments`, {
        name: `elsewhere-${kind}`,
        type: 'staging',
      });
      const everything = await createRole(work, ['action:read', 'action:cancel']);
      const stranger = await addPerson(
        { ...work, environmentId: other.id },
        { role: everything, on: 'environment' },
      );
      assert.equal((await cancel(action, stranger.api)).status, 404);
      assert.equal((await read(action)).status, 'in-progress');
      await cancel(action);
      assertCancelled(await ended(action));
    });

    test('a cancel that races with the end leaves it completed or cancelled, never between', async () => {
      const id = await pipeline(['sleep 0.05']);
      const outcomes = new Set<string>();
      for (let round = 0; round < 3; round++) {
        const actions = await Promise.all(Array.from({ length: 5 }, () => start(id)));
        await Promise.all(
          actions.map(async (action, index) => {
            await untilAction(work, action, ['in-progress', 'completed']);
            await until(async () => true, 'a moment');
            const { status } = await cancel(action).then(async (answer) => {
              if (index % 2 === 0) await cancel(action);
              return answer;
            });
            const found = await ended(action);
            outcomes.add(`${status} ${found.status}`);
            if (found.status === 'failed') assertCancelled(found);
            else {
              assert.equal(found.status, 'completed');
              assert.deepEqual(stepsOf(found), ['completed']);
            }
          }),
        );
      }
      assert.ok(!outcomes.has('409 failed'), [...outcomes].join(', '));
    });

    test('a step that takes too long is ended after its own time, and the sentence tells it', async () => {
      const pids = newFile();
      const id = await pipeline([], {
        steps: [
          { command: 'true' },
          {
            name: 'Hang',
            command: `sleep 300 & echo $! >> ${pids}; echo $$ >> ${pids}; wait`,
            timeout_seconds: 1,
          },
          { command: 'true' },
        ],
      });
      for (const servers of [[], [await addServer()]]) {
        const startedAt = performance.now();
        const action = await ended(await start(id, { servers }));
        assert.ok(performance.now() - startedAt < 8000);
        const where = action.targets[0]!.resource_data.hostname;
        const sentence = `Step 2 "Hang" on ${where} took longer than 1 second and was ended.`;
        assert.equal(action.status_reason_human_readable, sentence);
        assert.equal(action.targets[0]!.steps[1]!.status_reason_human_readable, sentence);
        assert.deepEqual(stepsOf(action), ['completed', 'failed', 'skipped']);
        assert.deepEqual((await pidsIn(pids, 2)).filter(isAlive), []);
        await rm(pids);
      }
    });

    test('an action that takes too long is ended after its own time, and the sentence tells it', async () => {
      const pids = newFile();
      const id = await pipeline(['true', `echo $$ >> ${pids}; sleep 300`, 'true'], { timeout_seconds: 2 });
      const action = await ended(await start(id));
      const sentence = 'The action took longer than 2 seconds and was ended.';
      assert.equal(action.status, 'failed');
      assert.equal(action.status_reason_human_readable, sentence);
      assert.equal(action.targets[0]!.status_reason_human_readable, sentence);
      assert.deepEqual(stepsOf(action), ['completed', 'failed', 'skipped']);
      assert.deepEqual((await pidsIn(pids, 1)).filter(isAlive), []);
    });

    test('a step that leaves a process behind completes, ends it and says so', async () => {
      for (const servers of [[], [await addServer()]]) {
        const pids = newFile();
        const action = await ended(
          await start(await pipeline([`setsid sleep 300 & echo $! > ${pids}; echo done`]), { servers }),
        );
        assert.equal(action.status, 'completed', action.status_reason_human_readable);
        assert.deepEqual((await pidsIn(pids, 1)).filter(isAlive), []);
        const log = await work.api.get<string>(`/actions/${action.id}/logs?step=1`);
        assert.match(log, /^done\n\n\[hookline\] the step left processes in the background; ending them\n$/);
      }
    });

    test('a flood of 1 GB fills neither memory nor disk, and the step goes on to its end', async () => {
      const peakOf = async (): Promise<number> =>
        Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1024;
      const servers = kind === 'sqlite' ? [] : [await addServer()];
      // Over SSH a gigabyte takes half a minute of the machine's time.
      const size = servers.length > 0 ? '50M' : '1G';
      const before = await peakOf();
      const id = await start(await pipeline([`(yes || true) | head -c ${size}; echo the end; exit 7`]), {
        servers,
      });
      let peak = before;
      const action = await until(async () => {
        peak = Math.max(peak, await peakOf());
        const found = await read(id);
        return found.completed_at !== null && found;
      }, 'the flood to end');
      assert.match(action.status_reason_human_readable, /exited with code 7/);
      assert.ok(peak - before < 150, `${Math.round(peak - before)} MB more`);
      const log = await work.api.get<string>(`/actions/${id}/logs?step=1`);
      assert.match(log.slice(-200), /\[hookline\] output beyond 10 MiB is not kept\n$/);
      assert.ok(log.length < 10 * 1024 * 1024 + 100, `${log.length} characters`);
      if (kind === 'sqlite') {
        const { size: bytes } = await stat(join(database.env['HOOKLINE_DATA']!, 'hookline.db'));
        assert.ok(bytes < 20 * 1024 * 1024, `${bytes} bytes`);
      }
    });
  });
}
