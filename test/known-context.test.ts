import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { knownContext, type KnownNames } from '../src/hooks/known-context.ts';
import { until } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { queryRows } from './support/execute-sql.ts';
import {
  createApplication,
  createIncomingHook,
  createOutgoingHook,
  createPipeline,
  sendSigned,
  untilAction,
} from './support/fixtures.ts';
import { startGitServer } from './support/git-server.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import type { InProcessApp } from './support/in-process-app.ts';
import { startReceiver } from './support/receiver.ts';

/** What is added at sending alone, and is in no stored event. */
const addedAtSending = [/^application\.source_provider\.access_token$/, /^hook\.(id|name)$/];

for (const kind of databaseKinds) {
  describe(`the names that templates may use (${kind})`, { timeout: 600_000 }, () => {
    const stack = new AsyncDisposableStack();
    after(() => stack.disposeAsync());
    let database: TestDatabase;
    let app: InProcessApp;

    before(async () => {
      database = stack.adopt(await createTestDatabase(kind), (made) => made.drop());
      app = stack.adopt(await startInProcessApp({ database }), (started) => started.stop());
    });

    const everything = {
      trigger_when: {
        events: ['action.created', 'action.status_changed', 'hook.disabled'],
      },
    };

    /** Every event of an action, as it was stored. */
    const eventsOf = async (actionId: number): Promise<object[]> => {
      const rows = await queryRows<{ context: string | null }>(
        database,
        `SELECT context FROM action_events WHERE action_id = ${actionId}`,
      );
      return rows.map(({ context }) => JSON.parse(context ?? '{}') as object);
    };

    test('are those that real events of an application have, and no others', async (t) => {
      const receiver = await startReceiver();
      t.after(() => receiver.close());
      const application = await createApplication(app, { default_branch: 'main' });
      const pipelineId = await createPipeline(app, application, ['true']);
      await createOutgoingHook(app, pipelineId, receiver.url, everything);
      // Answered by 410, it is switched off, and the others hear of it.
      const gone = await startReceiver({ behave: () => ({ kind: 'answer', status: 410 }) });
      t.after(() => gone.close());
      await createOutgoingHook(app, pipelineId, gone.url, everything);

      const hook = await createIncomingHook(app, pipelineId, {
        settings: {
          variables: [
            { name: 'commit_hash', path: 'after' },
            { name: 'source_type', default_value: 'branch' },
            { name: 'source_ref', path: 'ref' },
          ],
        },
      });
      const push = JSON.stringify({ after: 'a'.repeat(40), ref: 'refs/heads/main' });
      const hooked = (await sendSigned(app, hook, push)).body.action_id!;
      await untilAction(app, hooked);
      const server = await app.api.post<{ id: number }>(`/environments/${app.environmentId}/servers`, {
        hostname: 'another-machine',
      });
      const manual = await app.api.post<{ id: number }>(`/pipelines/${pipelineId}/actions`, {
        trigger_comment: 'by hand',
        servers: [server.id],
      });
      await untilAction(app, manual.id);
      const again = await app.api.post<{ id: number }>(`/actions/${manual.id}/retry`);
      await untilAction(app, again.id);
      await until(
        async () => JSON.stringify(await eventsOf(hooked)).includes('hook.disabled'),
        'the hook to be switched off',
      );

      const deployments = await deployTwiceAndBack(t, receiver.url);
      const ids = [hooked, manual.id, again.id, ...deployments];
      const events = (await Promise.all(ids.map(eventsOf))).flat();
      const variables = ['commit_hash', 'source_type', 'source_ref'];
      compare(knownContext('application', variables), events);
    });

    /** The events of a deployment, of another that repeats it, and of one that takes it back. */
    const deployTwiceAndBack = async (t: TestContext, url: string): Promise<number[]> => {
      const git = await startGitServer();
      t.after(() => git.stop());
      await git.createRepository('acme/web', { 'index.html': 'one' });
      const repository = git.cloneUrl('acme/web');
      const application = await createApplication(app, { repository, default_branch: 'main' });
      const pipelineId = await createPipeline(app, application, [], { default_steps: true });
      await createOutgoingHook(app, pipelineId, url, everything);
      const ids: number[] = [];
      for (const type of ['deploy', 'redeploy', 'rollback']) {
        const { headers } = await app.api.request('POST', `/applications/${application.id}/deployments`, {
          type,
        });
        const id = Number(headers.get('x-devopness-action-id'));
        const { status, status_reason_human_readable: reason } = await untilAction(app, id);
        assert.equal(status, 'completed', reason);
        ids.push(id);
      }
      return ids;
    };

    test('are those that real events of a server have, and no others', async (t) => {
      const receiver = await startReceiver();
      t.after(() => receiver.close());
      const server = await app.api.post<{ id: number }>(`/environments/${app.environmentId}/servers`, {
        hostname: 'a-machine',
        ip_address: '127.0.0.1',
        ssh_port: 1,
      });
      const pipeline = { name: 'Restart', operation: 'restart', steps: [{ command: 'true' }] };
      const { id } = await app.api.post<{ id: number }>(`/pipelines/server/${server.id}`, pipeline);
      await createOutgoingHook(app, id, receiver.url, everything);
      const action = await app.api.post<{ id: number }>(`/pipelines/${id}/actions`, {});
      await untilAction(app, action.id);
      const { server: known } = knownContext('server', []);
      const events = await eventsOf(action.id);
      const told = events.map((event) => ({ server: (event as { server: object }).server }));
      compare({ server: known! }, told);
      const all = knownContext('server', []);
      assert.deepEqual(unknownNames(all, events), []);
    });
  });
}

/** Fails for a name that an event has and is not known, and for a known one that none of the events has. */
function compare(known: KnownNames, events: object[]): void {
  assert.ok(events.length > 0);
  assert.deepEqual(unknownNames(known, events), []);
  const had = new Set(events.flatMap((event) => namesIn(event, known)));
  const never = leaves(known).filter((name) => !had.has(name));
  assert.deepEqual(
    never.filter((name) => !addedAtSending.some((pattern) => pattern.test(name))),
    [],
  );
}

function unknownNames(known: KnownNames, events: object[]): string[] {
  const all = new Set(leaves(known));
  return [...new Set(events.flatMap((event) => namesIn(event, known)))].filter((name) => !all.has(name));
}

/** The dotted paths of all values, of what is open only its own. */
function namesIn(value: unknown, known: KnownNames[string] | undefined, path = ''): string[] {
  const isInner = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isInner || known === 'open') return [path];
  return Object.entries(value).flatMap(([name, inner]) => {
    const next = typeof known === 'object' ? known[name] : undefined;
    return namesIn(inner, next, path === '' ? name : `${path}.${name}`);
  });
}

function leaves(known: KnownNames): string[] {
  return Object.entries(known).flatMap(([name, inner]) =>
    typeof inner === 'object' ? leaves(inner).map((path) => `${name}.${path}`) : [name],
  );
}
