import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createApiClient } from './support/api-client.ts';
import type { ApiAnswer, ApiClient } from './support/api-client.ts';
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

type FullAction = TestAction & {
  retry_of: number | null;
  pipeline_id: number | null;
  trigger_comment: string | null;
  triggered_from: Record<string, unknown>;
  triggered_by_user: { email: string } | null;
  targets: { id: number; steps: unknown[] }[];
};
type Refusal = { message: string; errors: { field: string; message: string }[] | null };

/** What a step can tell of what it was told to do. */
const tell = 'echo "$HOOKLINE_SOURCE_TYPE $HOOKLINE_SOURCE_REF $HOOKLINE_VAR_BRANCH $HOOKLINE_VAR_LIST"';

for (const kind of databaseKinds) {
  describe(`what is done again (${kind})`, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let work: Workplace;
    let folder: string;

    before(async () => {
      const database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
      const server = ends.adopt(await startServer({ database }), (started) => started.stop());
      work = await openWorkplace(server);
      folder = await mkdtemp(join(tmpdir(), 'hookline-retry-'));
      ends.defer(() => rm(folder, { recursive: true, force: true }));
    });

    const run = async (pipelineId: number, body: object = {}): Promise<FullAction> => {
      const { id } = await work.api.post<{ id: number }>(`/pipelines/${pipelineId}/actions`, body);
      return await ended(id);
    };
    /** Safe: whole actions are read. */
    const ended = async (id: number) => (await untilAction(work, id)) as FullAction;
    const retry = <T = FullAction>(id: number, api: ApiClient = work.api): Promise<ApiAnswer<T>> =>
      api.request<T>('POST', `/actions/${id}/retry`);
    const retried = async (id: number): Promise<FullAction> => {
      const { status, headers, body } = await retry(id);
      assert.equal(status, 201, JSON.stringify(body));
      assert.equal(headers.get('x-devopness-action-id'), String(body.id));
      assert.equal(body.retry_of, id);
      return await ended(body.id);
    };
    const outputOf = async ({ id, targets }: FullAction): Promise<string> => {
      const path = `/actions/${id}/targets/${targets[0]!.id}/steps/1/logs`;
      return (await work.api.get<{ step: { output: string } }>(path)).step.output;
    };
    const deploy = async (
      applicationId: number,
      body: object,
      api: ApiClient = work.api,
    ): Promise<FullAction> => {
      const answer = await api.request('POST', `/applications/${applicationId}/deployments`, body);
      assert.equal(answer.status, 204, JSON.stringify(answer.body));
      assert.equal(answer.body, undefined);
      return await ended(Number(answer.headers.get('x-devopness-action-id')));
    };
    const refusal = async (applicationId: number, body: object): Promise<[number, Refusal]> => {
      const answer = await work.api.request<Refusal>(
        'POST',
        `/applications/${applicationId}/deployments`,
        body,
      );
      return [answer.status, answer.body];
    };
    const variables = [
      { name: 'branch', path: 'ref', required: false, default_value: 'none' },
      { name: 'list', type: 'array', required: false, default_value: [] },
    ];
    /** An action that a hook has caused. */
    const byHook = async (pipelineId: number): Promise<FullAction> => {
      const hook = await createIncomingHook(work, pipelineId, { settings: { variables } });
      const { body } = await sendSigned(work, hook, JSON.stringify({ ref: 'next', list: ['a', 1] }));
      return await ended(body.action_id!);
    };
    /** A client with the token of a project that has everything that is asked for here. */
    const programOf = async (name: string): Promise<ApiClient> => {
      const { id: role_id } = await work.api.post<{ id: number }>(
        `/organizations/${work.organizationId}/roles`,
        {
          name: randomUUID(),
          permissions: ['action:read', 'action:retry', 'application:read', 'application:deploy'],
        },
      );
      const expires_at = new Date(Date.now() + 24 * 3_600_000).toISOString();
      const token = { name, role_id, expires_at };
      const made = await work.api.post<{ token: string }>(`/projects/${work.projectId}/tokens`, token);
      return createApiClient(work.url, made.token);
    };

    test('an action that failed runs again with its parameters and the steps of now, as a new one', async () => {
      const pipelineId = await createPipeline(work, await createApplication(work), ['exit 3']);
      const first = await run(pipelineId, {
        source_type: 'tag',
        source_ref: 'v1',
        trigger_comment: 'release',
      });
      assert.equal(first.status, 'failed');
      const { steps } = await work.api.get<{ steps: { id: number }[] }>(`/pipelines/${pipelineId}`);
      await work.api.put(`/pipelines/${pipelineId}/steps/${steps[0]!.id}`, { command: tell });
      await work.api.post(`/pipelines/${pipelineId}/steps`, { command: 'true' });

      const again = await retried(first.id);
      assert.notEqual(again.id, first.id);
      assert.equal(again.status, 'completed', again.status_reason_human_readable);
      assert.equal(again.pipeline_id, pipelineId);
      assert.equal(again.trigger_comment, 'release');
      assert.equal(again.targets[0]?.steps.length, 2);
      assert.match(await outputOf(again), /^tag v1 /);
      const old = await work.api.get<FullAction>(`/actions/${first.id}`);
      assert.deepEqual([old.status, old.retry_of], ['failed', null]);
    });

    test('an action that completed, and one that was itself a retry, can be run again', async () => {
      const pipelineId = await createPipeline(work, await createApplication(work), [tell]);
      const first = await run(pipelineId, { source_type: 'branch', source_ref: 'main' });
      const second = await retried(first.id);
      const third = await retried(second.id);
      assert.deepEqual([first.status, second.status, third.status], ['completed', 'completed', 'completed']);
      assert.match(await outputOf(third), /^branch main /);
    });

    test('what a hook found is there again, and the action tells who has called for it', async () => {
      const pipelineId = await createPipeline(work, await createApplication(work), [tell]);
      const first = await byHook(pipelineId);
      assert.equal(first.triggered_from['trigger_type'], 'hook');
      const output = await outputOf(first);
      assert.equal(output, 'branch next next ["a",1]\n');

      const again = await retried(first.id);
      assert.equal(await outputOf(again), output);
      const me = await work.api.get<{ id: number; name: string; email: string }>('/users/me');
      const { trigger_type, name, email, user_id, hook_id, hook_request_id, hook_parsed_variables } =
        again.triggered_from;
      assert.deepEqual(
        { trigger_type, name, email, user_id, hook_id, hook_request_id, hook_parsed_variables },
        {
          trigger_type: 'manual',
          name: me.name,
          email: me.email,
          user_id: me.id,
          hook_id: null,
          hook_request_id: null,
          hook_parsed_variables: { branch: 'next', list: ['a', 1] },
        },
      );
      assert.equal(again.triggered_by_user?.email, me.email);
    });

    test('the servers that were chosen are chosen again', async () => {
      const { id } = await work.api.post<{ id: number }>(`/environments/${work.environmentId}/servers`, {
        hostname: `chosen-${randomUUID().slice(0, 8)}`,
      });
      const first = await run(await createPipeline(work, await createApplication(work)), { servers: [id] });
      const again = await retried(first.id);
      assert.equal(again.status_reason_human_readable, first.status_reason_human_readable);
      assert.match(again.status_reason_human_readable, /^Step 1 on chosen-/);
    });

    test('while it waits or runs an action is not run again; the answer says in which state it is', async () => {
      const gate = join(folder, randomUUID());
      const pipelineId = await createPipeline(
        work,
        await createApplication(work),
        [`until [ -e ${gate} ]; do sleep 0.02; done`],
        { max_parallel_actions: 1 },
      );
      const start = async () => (await work.api.post<{ id: number }>(`/pipelines/${pipelineId}/actions`)).id;
      const running = await start();
      await untilAction(work, running, ['in-progress']);
      const waiting = await start();
      await untilAction(work, waiting, ['waiting']);
      for (const [id, state] of [
        [running, 'in-progress'],
        [waiting, 'waiting'],
      ] as const) {
        const { status, body } = await retry<Refusal>(id);
        assert.equal(status, 409);
        assert.equal(body.message, `Action ${id} is ${state}; only one that has ended can be retried.`);
      }
      const list = await work.api.get<unknown[]>(`/pipelines/${pipelineId}/actions`);
      assert.equal(list.length, 2);
      await writeFile(gate, '');
      await ended(waiting);
      assert.equal((await retried(running)).status, 'completed');
    });

    test('without its pipeline, or its whole application, an action is not run again', async () => {
      const application = await createApplication(work);
      const [one, two] = [await createPipeline(work, application), await createPipeline(work, application)];
      const actions = [await run(one), await run(two)];
      await work.api.delete(`/pipelines/${one}`);
      assert.equal((await retry(actions[0]!.id)).status, 409);
      await work.api.delete(`/applications/${application.id}`);
      for (const { id } of actions) {
        const { status, body } = await retry<Refusal>(id);
        assert.equal(status, 409);
        assert.equal(body.message, `The pipeline of action ${id} no longer exists.`);
      }
      assert.equal((await retry(999_999)).status, 404);
    });

    test('the events of the new action go out, and say of which one it is the retry', async (t) => {
      const receiver = await startReceiver();
      t.after(() => receiver.close());
      const pipelineId = await createPipeline(work, await createApplication(work));
      const first = await run(pipelineId);
      await createOutgoingHook(work, pipelineId, `${receiver.url}/{{ action.id }}/{{ event }}`, {
        settings: { request_body: { again: '{{ action.retry_of | json }}' } },
        trigger_when: { events: ['action.created', 'action.completed'] },
      });
      const { id } = await retried(first.id);
      const requests = await receiver.waitFor(2);
      assert.deepEqual(
        requests.map((request) => [request.path, request.json()]),
        [
          [`/${id}/action.created`, { again: first.id }],
          [`/${id}/action.completed`, { again: first.id }],
        ],
      );
    });

    test('what the token of a project has called for bears the name of the token, and of no person', async () => {
      const application = await createApplication(work);
      const first = await run(await createPipeline(work, application));
      const program = await programOf('nightly');
      const { status, body } = await retry(first.id, program);
      assert.equal(status, 201, JSON.stringify(body));
      for (const action of [body, await deploy(application.id, { type: 'deploy' }, program)]) {
        assert.equal(action.triggered_from['trigger_type'], 'manual');
        assert.equal(action.triggered_from['name'], 'API token "nightly"');
        assert.equal(action.triggered_from['email'], null);
        assert.equal(action.triggered_from['user_id'], null);
        assert.equal(action.triggered_by_user, null);
      }
    });

    test('a deployment runs the deploy pipeline of its application with the source that it names', async () => {
      const application = await createApplication(work);
      const pipelineId = await createPipeline(work, application, [tell]);
      await createPipeline(work, application, ['false'], { operation: 'restart' });
      const action = await deploy(application.id, {
        type: 'deploy',
        source_type: 'branch',
        source_ref: 'main',
      });
      assert.equal(action.status, 'completed', action.status_reason_human_readable);
      assert.deepEqual([action.pipeline_id, action['type'], action.retry_of], [pipelineId, 'deploy', null]);
      assert.match(await outputOf(action), /^branch main /);
      assert.match(await outputOf(await deploy(application.id, { type: 'deploy' })), /^ {3}\n$/);
    });

    test('of several deploy pipelines the one that is meant must be named; the answer lists them', async () => {
      const application = await createApplication(work);
      const one = await createPipeline(work, application);
      const two = await createPipeline(work, application);
      const stop = await createPipeline(work, application, ['true'], { operation: 'stop' });
      const foreign = await createPipeline(work, await createApplication(work));
      for (const type of ['deploy', 'redeploy']) {
        const [status, body] = await refusal(application.id, { type });
        assert.equal(status, 422);
        assert.deepEqual(body.errors, [
          { field: 'pipeline_id', message: `is required, since there are several: ${one}, ${two}` },
        ]);
      }
      assert.equal((await deploy(application.id, { type: 'deploy', pipeline_id: two })).pipeline_id, two);
      for (const pipeline_id of [stop, foreign, 999_999]) {
        const [status, body] = await refusal(application.id, { type: 'deploy', pipeline_id });
        assert.equal(status, 422);
        assert.deepEqual(body.errors, [
          { field: 'pipeline_id', message: 'names no deploy pipeline of the application' },
        ]);
      }
    });

    test('without a deploy pipeline there is nothing to deploy with, and the answer says what to do', async () => {
      const application = await createApplication(work);
      await createPipeline(work, application, ['true'], { operation: 'stop' });
      const [status, body] = await refusal(application.id, { type: 'deploy' });
      assert.equal(status, 409);
      assert.equal(body.message, 'The application has no deploy pipeline. Create one first.');
    });

    test('a redeployment does what the last one that completed did, hook variables included', async () => {
      const application = await createApplication(work);
      const pipelineId = await createPipeline(work, application, [
        `${tell}; [ "$HOOKLINE_SOURCE_REF" != bad ]`,
      ]);
      const [status, body] = await refusal(application.id, { type: 'redeploy' });
      assert.equal(status, 409);
      assert.match(body.message, /No deployment of this pipeline has completed yet/);

      await deploy(application.id, { type: 'deploy', source_type: 'tag', source_ref: 'v1' });
      const good = await byHook(pipelineId);
      const bad = await deploy(application.id, { type: 'deploy', source_type: 'branch', source_ref: 'bad' });
      assert.equal(bad.status, 'failed');
      const again = await deploy(application.id, { type: 'redeploy', source_ref: 'ignored' });
      assert.equal(await outputOf(again), await outputOf(good));
      assert.equal(again.triggered_from['trigger_type'], 'manual');
    });

    test('a deployment of a kind that there is not, or on servers of nobody, is refused', async () => {
      const application = await createApplication(work);
      await createPipeline(work, application);
      for (const [body, field] of [
        [{}, 'type'],
        [{ type: 'undo' }, 'type'],
        [{ type: 'deploy', source_type: 'fork' }, 'source_type'],
        [{ type: 'deploy', servers: [999_999] }, 'servers.0'],
      ] as const) {
        const [status, answer] = await refusal(application.id, body);
        assert.equal(status, 422, JSON.stringify(body));
        assert.deepEqual(
          answer.errors?.map((error) => error.field),
          [field],
        );
      }
    });
  });
}
