import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isAlive } from './support/alive.ts';
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
import { githubPayload } from './support/github.ts';
import { listAll } from './support/lists.ts';
import { startReceiver } from './support/receiver.ts';
import { startServer } from './support/server.ts';
import type { TestServer } from './support/server.ts';

type Run = { status: string; status_reason_code: string; status_reason_human_readable: string };
type FullAction = TestAction & {
  started_at: string | null;
  trigger_comment: string | null;
  triggered_from: Record<string, unknown>;
  summary: { targets: Record<string, number> };
  targets: (Run & {
    id: number;
    resource_data: { hostname: string };
    steps: (Run & { order: number; exit_code: number | null })[];
  })[];
};
type StepLog = { order: number; started_at: string | null; output: string | null };
type Log = { target: { hostname: string }; step: StepLog; updated_at: string };

for (const kind of databaseKinds) {
  describe(`actions (${kind})`, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let server: TestServer;
    let work: Workplace;
    let folder: string;

    before(async () => {
      const database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
      const env = { MARKED_IN_THE_SERVER: 'must-not-be-seen' };
      server = ends.adopt(await startServer({ database, env }), (started) => started.stop());
      work = await openWorkplace(server);
      folder = await mkdtemp(join(tmpdir(), 'hookline-actions-'));
      ends.defer(() => rm(folder, { recursive: true, force: true }));
    });

    async function pipeline(
      commands: readonly string[],
      fields: Record<string, unknown> = {},
    ): Promise<number> {
      return await createPipeline(work, await createApplication(work), commands, fields);
    }
    const start = (pipelineId: number, body: Record<string, unknown> = {}): Promise<TestAction> =>
      work.api.post<TestAction>(`/pipelines/${pipelineId}/actions`, body);
    const read = (id: number): Promise<FullAction> => work.api.get<FullAction>(`/actions/${id}`);
    async function run(commands: readonly string[]): Promise<FullAction> {
      const { id } = await start(await pipeline(commands));
      await untilAction(work, id);
      return await read(id);
    }
    async function logOf(action: FullAction, order = 1): Promise<StepLog> {
      const [target] = action.targets;
      const log = await work.api.get<Log>(`/actions/${action.id}/targets/${target?.id}/steps/${order}/logs`);
      assert.equal(log.target.hostname, target?.resource_data.hostname);
      return log.step;
    }
    async function outputOf(command: string): Promise<string> {
      const action = await run([command]);
      assert.equal(action.status, 'completed', action.status_reason_human_readable);
      return (await logOf(action)).output ?? '';
    }
    const statusesOf = (actions: { id: number }[]): Promise<string[]> =>
      Promise.all(actions.map(async ({ id }) => (await read(id)).status));

    test('an action goes from pending over queued and in progress to completed, and each change is an event', async (t) => {
      const receiver = await startReceiver();
      t.after(() => receiver.close());
      const pipelineId = await pipeline(['echo one', 'echo two']);
      await createOutgoingHook(work, pipelineId, `${receiver.url}/{{ event }}/{{ action.status }}`, {
        trigger_when: { events: ['action.created', 'action.status_changed'] },
      });
      const created = await start(pipelineId);
      assert.equal(created.status, 'pending');
      assert.equal(created.status_reason_code, 'PENDING');
      await receiver.waitFor(4, 'the four events');
      assert.deepEqual(
        receiver.requests.map(({ path }) => path),
        [
          '/action.created/pending',
          '/action.status_changed/queued',
          '/action.status_changed/in-progress',
          '/action.status_changed/completed',
        ],
      );
      const action = await read(created.id);
      assert.equal(action.status_reason_code, 'COMPLETED');
      assert.deepEqual(action.summary.targets, {
        count: 1,
        pending: 0,
        in_progress: 0,
        completed: 1,
        failed: 0,
      });
      const [target] = action.targets;
      assert.equal(target?.resource_data.hostname, 'local');
      assert.deepEqual(
        target?.steps.map(({ order, status, exit_code }) => [order, status, exit_code]),
        [
          [1, 'completed', 0],
          [2, 'completed', 0],
        ],
      );
    });

    test('a failing step fails its target and action, names itself and its exit code, and skips the steps after it', async (t) => {
      const receiver = await startReceiver();
      t.after(() => receiver.close());
      const steps = [
        { command: 'echo one' },
        { name: 'Build it', command: 'echo two; exit 7' },
        { command: 'touch x' },
      ];
      const pipelineId = await pipeline([], { steps });
      await createOutgoingHook(work, pipelineId, `${receiver.url}/{{ event }}`, {
        settings: { request_body: { why: '{{ action.status_reason_human_readable }}' } },
      });
      const { id } = await start(pipelineId);
      await untilAction(work, id);
      const action = await read(id);
      assert.equal(action.status, 'failed');
      assert.equal(action.status_reason_code, 'FAILED');
      assert.equal(action.status_reason_human_readable, 'Step 2 "Build it" on local exited with code 7.');
      const [target] = action.targets;
      assert.equal(target?.status, 'failed');
      assert.equal(target?.status_reason_human_readable, action.status_reason_human_readable);
      assert.deepEqual(
        target?.steps.map(({ status, exit_code }) => [status, exit_code]),
        [
          ['completed', 0],
          ['failed', 7],
          ['skipped', null],
        ],
      );
      assert.equal(target?.steps[2]?.status_reason_human_readable, 'Skipped: step 2 failed.');
      assert.equal((await logOf(action, 2)).output, 'two\n');
      const skipped = await logOf(action, 3);
      assert.deepEqual([skipped.started_at, skipped.output], [null, null]);
      await receiver.waitFor(2);
      assert.deepEqual(
        receiver.requests.map(({ path, json }) => [path, json()]),
        [
          ['/action.started', { why: 'Running.' }],
          ['/action.failed', { why: action.status_reason_human_readable }],
        ],
      );
    });

    test('a step that was ended by a signal says by which', async () => {
      const action = await run(['kill -9 $$']);
      assert.equal(
        action.status_reason_human_readable,
        'Step 1 on local was ended by SIGKILL (exit code 137).',
      );
    });

    test('a pipeline runs as many actions at once as it may; the others wait, first in, first out', async () => {
      const gate = join(folder, 'gate');
      const began = join(folder, 'began');
      const command = `echo $HOOKLINE_ACTION_ID >> ${began}; until [ -e ${gate} ]; do sleep 0.02; done`;
      const pipelineId = await pipeline([command], { max_parallel_actions: 1 });
      const actions: TestAction[] = [];
      for (let count = 0; count < 8; count++) actions.push(await start(pipelineId));
      const untilStatuses = async (wanted: string[]): Promise<void> => {
        await until(async () => (await statusesOf(actions)).join() === wanted.join(), wanted.join());
      };
      const first = (running: number): string[] =>
        actions.map((_action, index) => (index < running ? 'in-progress' : 'waiting'));
      await untilStatuses(first(1));
      const waiting = await read(actions[1]?.id ?? 0);
      assert.equal(waiting.status_reason_code, 'WAITING_CONCURRENCY_PIPELINE');
      assert.equal(
        waiting.status_reason_human_readable,
        'Waiting: its pipeline runs at most 1 at the same time.',
      );
      // Raising the limit starts the oldest of them, with nothing else happening.
      await work.api.put(`/pipelines/${pipelineId}`, { max_parallel_actions: 3 });
      await untilStatuses(first(3));
      await work.api.put(`/pipelines/${pipelineId}`, { max_parallel_actions: 1 });
      await writeFile(gate, '');
      for (const { id } of actions) assert.equal((await untilAction(work, id)).status, 'completed');
      const order = (await readFile(began, 'utf8')).trim().split('\n').map(Number);
      const ids = actions.map(({ id }) => id);
      assert.deepEqual(order.slice(0, 3).toSorted(), ids.slice(0, 3).toSorted());
      assert.deepEqual(order.slice(3), ids.slice(3));
    });

    test('a pipeline that is full does not hold up another one', async () => {
      const full = await pipeline(['sleep 300'], { max_parallel_actions: 1 });
      const running = [await start(full), await start(full)];
      const { status } = await run(['true']);
      assert.equal(status, 'completed');
      assert.deepEqual(await statusesOf(running), ['in-progress', 'waiting']);
    });

    test('a step sees its own environment and nothing of the server', async () => {
      const application = await createApplication(work);
      await work.api.post(`/variables/application/${application.id}`, {
        key: 'GREETING',
        value: 'hello\nyou',
      });
      const pipelineId = await createPipeline(work, application, ['env']);
      const body = { source_type: 'branch', source_ref: 'main' };
      const { id } = await start(pipelineId, body);
      await untilAction(work, id);
      const { output } = await logOf(await read(id));
      for (const line of [
        'GREETING=hello',
        `HOOKLINE_ACTION_ID=${id}`,
        `HOOKLINE_PIPELINE_ID=${pipelineId}`,
        'HOOKLINE_SOURCE_TYPE=branch',
        'HOOKLINE_SOURCE_REF=main',
        'HOOKLINE_STEP=1',
        'HOOKLINE_TARGET=local',
      ]) {
        assert.ok(output?.split('\n').includes(line), `${line} in ${output}`);
      }
      assert.match(output ?? '', new RegExp(`^HOOKLINE_ACTION_URL=http://.*/actions/${id}$`, 'm'));
      assert.match(output ?? '', /^HOOKLINE_RELEASE_DIR=\/.+$/m);
      assert.doesNotMatch(
        output ?? '',
        /MARKED_IN_THE_SERVER|HOOKLINE_ADMIN|HOOKLINE_SECRET_KEY|DATABASE_URL|HOOKLINE_DATA|correct-horse/,
      );
    });

    test('hidden variables and the access token are masked in the log, in every form and however they are cut', async () => {
      const application = await createApplication(work);
      const secrets = {
        SHORT: 'open-sesame',
        LONG: 'open-sesame-and-more',
        KEY: '-----BEGIN\nKEY"x"\n-----END',
      };
      for (const [key, value] of Object.entries(secrets)) {
        await work.api.post(`/variables/application/${application.id}`, { key, value, hidden: true });
      }
      const command = [
        'echo "whole $SHORT."',
        'printf "cut open-se"; sleep 0.15; echo "same."',
        'printf "longer open-sesame"; sleep 0.15; echo "-and-more."',
        'echo "base64 $(printf %s "$LONG" | base64 -w0)."',
        'echo "lines $KEY."',
        `printf "token ${application.accessToken.slice(0, 9)}"; sleep 0.15; echo "${application.accessToken.slice(9)}."`,
        'echo "harmless open-season."',
      ].join('\n');
      const { id } = await start(await createPipeline(work, application, [command]));
      await untilAction(work, id);
      const { output } = await logOf(await read(id));
      assert.equal(
        output,
        [
          'whole ********.',
          'cut ********.',
          'longer ********.',
          'base64 ********.',
          'lines ********.',
          'token ********.',
          'harmless open-season.',
          '',
        ].join('\n'),
      );
    });

    for (const title of [
      '$(touch TARGET)',
      '`touch TARGET`',
      `'; touch TARGET; echo '`,
      `"; touch TARGET; echo "`,
      '\n touch TARGET\n',
      '&& touch TARGET || touch TARGET &',
      '-n $IFS${PATH} %s \\e[31m * ~ é 😀',
    ]) {
      test(`nothing of a payload is executed: ${JSON.stringify(title)}`, async () => {
        const target = join(folder, 'executed');
        const hostile = title.replaceAll('TARGET', target);
        const pipelineId = await pipeline(['printf "%s" "$HOOKLINE_VAR_TITLE"', 'echo $HOOKLINE_VAR_TITLE']);
        const hook = await createIncomingHook(work, pipelineId, {
          settings: { variables: [{ name: 'title', path: 'pull_request.title', type: 'string' }] },
        });
        const payload = githubPayload('pull_request', ({ action }) => action === 'opened');
        Object.assign(payload.pull_request as object, { title: hostile });
        const { status, body } = await sendSigned(work, hook, JSON.stringify(payload), {
          event: 'pull_request',
        });
        assert.equal(status, 202);
        await untilAction(work, body.action_id ?? 0);
        const action = await read(body.action_id ?? 0);
        assert.equal(action.status, 'completed');
        assert.equal((await logOf(action)).output, hostile);
        assert.equal(existsSync(target), false);
      });
    }

    test('a process that a step leaves behind is ended, the log says so, and the action goes on', async () => {
      const command = `sleep 300 & echo "left $!"`;
      const action = await run([command, 'echo next']);
      assert.equal(action.status, 'completed');
      const { output } = await logOf(action);
      const pid = Number(/left (\d+)/.exec(output ?? '')?.[1]);
      assert.equal(isAlive(pid), false);
      assert.match(output ?? '', /\[hookline\] the step left processes in the background/);
    });

    test('of endless output 10 MiB are kept, with a notice; the script runs on and memory stays bounded', async () => {
      const action = await run([`head -c 200000000 /dev/zero | tr '\\0' x; echo ran >> ${folder}/flood`]);
      assert.equal(action.status, 'completed');
      assert.equal(await readFile(`${folder}/flood`, 'utf8'), 'ran\n');
      const status = await readFile(`/proc/${server.pid}/status`, 'utf8').catch(() => '');
      const peakMiB = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
      assert.ok(peakMiB < 350, `at most ${peakMiB} MiB were resident`);
      const { output } = await logOf(action);
      const [kept, notice] = (output ?? '').split('\n');
      assert.equal(kept, 'x'.repeat(10 * 1024 * 1024));
      assert.match(notice ?? '', /^\[hookline\] output beyond 10 MiB is not kept$/);
    });

    test('output that is no text is stored, with what cannot be shown marked', async () => {
      const output = await outputOf(`printf 'a\\0b\\377\\376c caf\\303'; sleep 0.1; printf '\\251\\n'`);
      assert.equal(output, 'a\uFFFDb\uFFFD\uFFFDc café\n');
    });

    test('standard output and error stand in the log in the order in which they were written', async () => {
      const output = await outputOf('for i in {1..50}; do echo "out $i"; echo "err $i" >&2; done');
      const expected = Array.from({ length: 50 }, (_, index) => `out ${index + 1}\nerr ${index + 1}\n`).join(
        '',
      );
      assert.equal(output, expected);
    });

    test('output can be read while the step still runs', async () => {
      const { id } = await start(
        await pipeline([`echo begun; until [ -e ${folder}/end ]; do sleep 0.02; done`]),
      );
      await untilAction(work, id, ['in-progress']);
      await until(async () => (await logOf(await read(id))).output === 'begun\n', 'the first line');
      assert.equal((await read(id)).status, 'in-progress');
      await writeFile(join(folder, 'end'), '');
      await untilAction(work, id);
    });

    test('a script that does not parse fails with the message of the shell in the log', async () => {
      const action = await run(['if true; then\necho missing the end']);
      assert.equal(action.status, 'failed');
      assert.equal(action.status_reason_human_readable, 'Step 1 on local exited with code 2.');
      assert.match((await logOf(action)).output ?? '', /syntax error/);
    });

    test('a pipeline without steps completes and says that it had none', async () => {
      const action = await run([]);
      assert.equal(action.status, 'completed');
      assert.match(action.status_reason_human_readable, /no steps/);
    });

    test('a step for a user that the server is not fails with the reason', async () => {
      const steps = [{ command: 'id', run_as_user: 'somebody-else' }];
      const { id } = await start(await pipeline([], { steps }));
      const { status, status_reason_human_readable } = await untilAction(work, id);
      assert.equal(status, 'failed');
      assert.match(status_reason_human_readable, /Step 1 on local: .*(somebody-else|sudo)/);
    });

    test('a run by hand is named in the header and tells who started it, from where and why', async () => {
      const pipelineId = await pipeline([
        'echo "$HOOKLINE_SOURCE_TYPE $HOOKLINE_SOURCE_REF $HOOKLINE_COMMIT_HASH"',
      ]);
      const answer = await work.api.request<TestAction>('POST', `/pipelines/${pipelineId}/actions`, {
        trigger_comment: 'after lunch',
        source_type: 'commit',
        source_ref: '7fd1a60b01f91b314f59955a4e4d4e80d8edf11d',
      });
      assert.equal(answer.status, 201);
      assert.equal(answer.headers.get('x-devopness-action-id'), String(answer.body.id));
      await untilAction(work, answer.body.id);
      const action = await read(answer.body.id);
      assert.equal(action.trigger_comment, 'after lunch');
      assert.equal(action.triggered_from.trigger_type, 'manual');
      assert.equal(action.triggered_from.email, 'admin@example.com');
      assert.equal(action.triggered_from.ip_address, '127.0.0.1');
      assert.equal(action.triggered_from.hook_id, null);
      const sha = '7fd1a60b01f91b314f59955a4e4d4e80d8edf11d';
      assert.equal((await logOf(action)).output, `commit ${sha} ${sha}\n`);
    });

    test('a run by hand without a body runs, and one on servers that are not of the environment is refused', async () => {
      const pipelineId = await pipeline(['true']);
      const bare = await work.api.request<TestAction>('POST', `/pipelines/${pipelineId}/actions`);
      assert.equal(bare.status, 201);
      const body = { servers: [987_654_321] };
      const refused = await work.api.request<{ errors: { field: string }[] }>(
        'POST',
        `/pipelines/${pipelineId}/actions`,
        body,
      );
      assert.equal(refused.status, 422);
      assert.deepEqual(
        refused.body.errors.map(({ field }) => field),
        ['servers.0'],
      );
      assert.equal((await listAll<TestAction>(work.api, `/pipelines/${pipelineId}/actions`)).length, 1);
    });

    test('a run by hand gives its steps variables as a hook does, again when it is retried; names that are none are refused', async () => {
      const id = await pipeline(['echo "to $HOOKLINE_VAR_WHERE, dry: $HOOKLINE_VAR_DRY_RUN"']);
      const variables = { where: 'the $HOME of it', dry_run: 'yes' };
      const first = await work.api.post<TestAction>(`/pipelines/${id}/actions`, { variables });
      await untilAction(work, first.id);
      const again = await work.api.post<TestAction>(`/actions/${first.id}/retry`);
      await untilAction(work, again.id);
      for (const one of [first, again])
        assert.match(await work.api.get<string>(`/actions/${one.id}/logs`), /to the \$HOME of it, dry: yes/);
      const wrong = { '1st': 'x', 'a-b': 'x', WHERE: 'x', where: 'y' };
      const { status, body } = await work.api.request<{ errors: { field: string }[] }>(
        'POST',
        `/pipelines/${id}/actions`,
        { variables: wrong },
      );
      assert.equal(status, 422);
      assert.deepEqual(
        body.errors.map(({ field }) => field),
        ['variables.1st', 'variables.a-b', 'variables.where'],
      );
    });

    test('actions that wait when their pipeline is deleted fail with the reason; the running one runs on', async () => {
      const gate = join(folder, 'deleted');
      const application = await createApplication(work);
      const command = `until [ -e ${gate} ]; do sleep 0.02; done`;
      const pipelineId = await createPipeline(work, application, [command], { max_parallel_actions: 1 });
      const [running, ...waiting] = [
        await start(pipelineId),
        await start(pipelineId),
        await start(pipelineId),
      ];
      await until(async () => (await statusesOf(waiting)).join() === 'waiting,waiting', 'both to wait');
      await work.api.delete(`/pipelines/${pipelineId}`);
      for (const { id } of waiting) {
        const { status, status_reason_human_readable } = await untilAction(work, id);
        assert.equal(status, 'failed');
        assert.match(status_reason_human_readable, /pipeline was deleted/);
      }
      await writeFile(gate, '');
      assert.equal((await untilAction(work, running?.id ?? 0)).status, 'completed');
    });

    test('the log of a step that is not there is not found', async () => {
      const action = await run(['true']);
      const [target] = action.targets;
      for (const path of [
        `/actions/${action.id}/targets/${target?.id}/steps/2/logs`,
        `/actions/${action.id}/targets/999999/steps/1/logs`,
        `/actions/999999/targets/${target?.id}/steps/1/logs`,
        '/actions/999999',
        '/actions/x',
      ]) {
        assert.equal((await work.api.request('GET', path)).status, 404, path);
      }
      const unnumbered = `/actions/${action.id}/targets/${target?.id}/steps/x/logs`;
      assert.equal((await work.api.request('GET', unnumbered)).status, 422);
    });

    test('lists show the newest first, filtered, page by page, with links to the others', async () => {
      const application = await createApplication(work);
      const good = await createPipeline(work, application, ['true']);
      const bad = await createPipeline(work, application, ['false'], { operation: 'restart' });
      const ids: number[] = [];
      for (let count = 0; count < 5; count++) ids.unshift((await start(good)).id);
      const { id: failedId } = await start(bad);
      for (const id of [...ids, failedId]) await untilAction(work, id);

      const get = (path: string) => work.api.request<TestAction[]>('GET', path);
      const idsOf = ({ body }: { body: TestAction[] }): number[] => body.map(({ id }) => id);
      assert.deepEqual(idsOf(await get(`/pipelines/${good}/actions`)), ids);
      const page = await get(`/pipelines/${good}/actions?page=2&per_page=2&status=completed`);
      assert.deepEqual(idsOf(page), ids.slice(2, 4));
      const links = new Map(
        [...(page.headers.get('link') ?? '').matchAll(/<([^>]+)>; rel="(\w+)"/g)].map(([, url, rel]) => [
          rel,
          new URL(url ?? '', server.url).searchParams,
        ]),
      );
      assert.deepEqual(
        [...links].map(([rel, query]) => [
          rel,
          query.get('page'),
          query.get('per_page'),
          query.get('status'),
        ]),
        [
          ['first', '1', '2', 'completed'],
          ['prev', '1', '2', 'completed'],
          ['next', '3', '2', 'completed'],
          ['last', '3', '2', 'completed'],
        ],
      );
      assert.deepEqual(idsOf(await get(`/pipelines/${good}/actions?status=failed`)), []);
      for (const list of ['/actions', `/environments/${work.environmentId}/actions`]) {
        assert.deepEqual(idsOf(await get(`${list}?per_page=6`)), [failedId, ...ids]);
        assert.ok(idsOf(await get(`${list}?status=failed`)).includes(failedId));
        assert.deepEqual(idsOf(await get(`${list}?operation=restart`)), [failedId]);
        assert.equal((await get(`${list}?status=nonsense`)).status, 422);
        assert.equal((await get(`${list}?per_page=101`)).status, 422);
      }
    });

    // The last one: it ends the server.
    test('a server that is told to stop ends what it runs, says so, and its events go out', async (t) => {
      const receiver = await startReceiver();
      t.after(() => receiver.close());
      const pipelineId = await pipeline([`echo $$ > ${folder}/stopped; sleep 300`, 'echo next']);
      await createOutgoingHook(work, pipelineId, `${receiver.url}/{{ event }}`, {
        settings: { request_body: { why: '{{ action.status_reason_human_readable }}' } },
      });
      await start(pipelineId);
      const pid = await until(
        async () => Number(await readFile(`${folder}/stopped`, 'utf8').catch(() => '')) || undefined,
        'the step to run',
      );
      await receiver.waitFor(1);
      const stopping = server.stop();
      const [failed] = await receiver.waitFor(({ path }) => path === '/action.failed', 'the last event');
      assert.match(JSON.stringify(failed.json()), /Hookline was stopped while it ran/);
      await stopping;
      assert.deepEqual(await server.exited, { code: 0, signal: null });
      assert.equal(isAlive(pid), false);
    });
  });

  test(`an action that is still pending when its pipeline is deleted fails with the reason (${kind})`, async (t) => {
    const database = await createTestDatabase(kind);
    t.after(() => database.drop());
    const server = await startServer({ database, env: { HOOKLINE_MAX_RUNNING_ACTIONS: '1' } });
    t.after(() => server.stop());
    const work = await openWorkplace(server);
    const folder = await mkdtemp(join(tmpdir(), 'hookline-actions-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const application = await createApplication(work);
    const busy = await createPipeline(work, application, [
      `until [ -e ${folder}/gate ]; do sleep 0.02; done`,
    ]);
    const deleted = await createPipeline(work, application);
    const { id } = await work.api.post<TestAction>(`/pipelines/${busy}/actions`, {});
    await untilAction(work, id, ['in-progress']);
    const pending = await work.api.post<TestAction>(`/pipelines/${deleted}/actions`, {});
    await work.api.delete(`/pipelines/${deleted}`);
    await writeFile(join(folder, 'gate'), '');
    const ended = await untilAction(work, pending.id);
    assert.equal(ended.status, 'failed');
    assert.match(ended.status_reason_human_readable, /pipeline was deleted/);
  });
}
