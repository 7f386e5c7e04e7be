import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { executeSql } from './support/execute-sql.ts';
import { createTestDatabase, databaseKinds, type TestDatabase } from './support/database.ts';
import {
  createApplication,
  createIncomingHook,
  createOutgoingHook,
  createPipeline,
  openWorkplace,
  sendSigned,
  untilAction,
  type Workplace,
} from './support/fixtures.ts';
import { startReceiver, type Receiver } from './support/receiver.ts';
import { startServer, type TestServer } from './support/server.ts';
import { until } from './support/api-client.ts';

for (const kind of databaseKinds) {
  describe(`a hostile or broken neighbour (${kind})`, () => {
    let database: TestDatabase;
    let server: TestServer;
    let work: Workplace;
    let receiver: Receiver;

    before(async () => {
      database = await createTestDatabase(kind);
      server = await startServer({ database });
      work = await openWorkplace(server);
      receiver = await startReceiver();
    });
    after(async () => {
      await receiver.close();
      await server.stop();
      await database.drop();
    });

    test('a value nested thousands of levels deep is refused in words, and the server goes on', async () => {
      const pipeline = await createPipeline(work, await createApplication(work));
      const hook = await createIncomingHook(work, pipeline, {
        settings: { variables: [{ name: 'list', type: 'array' }] },
      });
      await createOutgoingHook(work, pipeline, receiver.url, {
        trigger_when: { events: ['action.created'] },
      });
      for (const depth of [100, 4000, 20_000]) {
        const answer = await sendSigned(server, hook, `{"list":${'['.repeat(depth)}${']'.repeat(depth)}}`);
        assert.ok(answer.status === 422 || answer.status === 400, `${depth} levels: ${answer.status}`);
      }
      assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
    });

    test('a body of the API nested too deep is answered 400, also to someone who is not signed in', async () => {
      const body = '{"a":'.repeat(100_000);
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${server.url}/api/users/login`, { method: 'POST', headers, body });
      assert.equal(answer.status, 400);
    });

    test('a NUL from a request, sent on as text, is delivered once and recorded', async () => {
      const pipeline = await createPipeline(work, await createApplication(work));
      const hook = await createIncomingHook(work, pipeline, {
        settings: { variables: [{ name: 'message' }] },
      });
      const outgoing = await createOutgoingHook(work, pipeline, `${receiver.url}/nul`, {
        settings: {
          request_headers: [{ name: 'Content-Type', value: 'text/plain' }],
          request_body: 'said: {{ action.triggered_from.hook_parsed_variables.message }}',
        },
        trigger_when: { events: ['action.completed'] },
      });
      const { body } = await sendSigned(server, hook, JSON.stringify({ message: 'a\0b' }));
      assert.equal((await untilAction(work, body.action_id!)).status, 'completed');
      const isDelivered = async () => {
        const [one] = await work.api.get<{ status: string; attempts: number }[]>(
          `/hooks/outgoing/${outgoing}/deliveries`,
        );
        return one?.status === 'delivered' && one;
      };
      assert.equal((await until(isDelivered, 'the delivery')).attempts, 1);
      assert.equal(receiver.requests.filter(({ path }) => path === '/nul').length, 1);
    });

    test('what is to be done on a server never runs on the machine of Hookline', async () => {
      const { id } = await work.api.post<{ id: number }>(`/environments/${work.environmentId}/servers`, {
        hostname: `web-${Date.now()}`,
        ip_address: '127.0.0.1',
        ssh_port: 1,
      });
      const pipeline = await work.api.post<{ id: number }>(`/pipelines/server/${id}`, {
        name: 'restart',
        operation: 'restart',
        steps: [{ command: 'echo this would restart Hookline' }],
      });
      const action = await work.api.post<{ id: number }>(`/pipelines/${pipeline.id}/actions`);
      const ended = await untilAction(work, action.id);
      assert.equal(ended.status, 'failed');
      assert.match(
        ended.status_reason_human_readable,
        /^Step 1 on web-\d+: web-\d+ \(127\.0\.0\.1, port 1\) cannot be reached: nothing listens there/,
      );
    });

    test('one pipeline takes no more steps than can be run', async () => {
      const pipeline = await createPipeline(work, await createApplication(work), []);
      for (let step = 0; step < 100; step++) {
        await work.api.post(`/pipelines/${pipeline}/steps`, { command: ':' });
      }
      const answer = await work.api.request('POST', `/pipelines/${pipeline}/steps`, { command: ':' });
      assert.equal(answer.status, 422);
      const { id } = await work.api.post<{ id: number }>(`/pipelines/${pipeline}/actions`);
      assert.equal((await untilAction(work, id)).status, 'completed');
    });

    test('while its hook cannot be looked up a request is answered 503 with Retry-After', async () => {
      const hook = await createIncomingHook(work, await createPipeline(work, await createApplication(work)));
      await executeSql(database, 'alter table hooks rename to hidden');
      try {
        const answer = await sendSigned(server, hook, '{}');
        assert.equal(answer.status, 503);
        assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/);
      } finally {
        await executeSql(database, 'alter table hidden rename to hooks');
      }
      assert.equal((await sendSigned(server, hook, '{}')).status, 202);
    });

    test('what cannot be stored is answered 503 with Retry-After, and nothing of it is kept', async () => {
      const hook = await createIncomingHook(work, await createPipeline(work, await createApplication(work)));
      await executeSql(database, 'alter table hook_requests rename to hidden');
      try {
        const answer = await sendSigned(server, hook, '{}');
        assert.equal(answer.status, 503);
        assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/);
        assert.match(answer.body.message, /Nothing was kept; send it again/);
      } finally {
        await executeSql(database, 'alter table hidden rename to hook_requests');
      }
      assert.equal((await sendSigned(server, hook, '{}')).status, 202);
      const requests = await work.api.get<unknown[]>(`/hooks/incoming/${hook.id}/requests`);
      const actions = await work.api.get<{ triggered_from: { hook_id: string } }[]>('/actions?per_page=100');
      assert.equal(requests.length, 1);
      assert.equal(actions.filter(({ triggered_from }) => triggered_from.hook_id === hook.id).length, 1);
    });

    if (kind === 'postgres') {
      test('a database that drops all connections under load costs answers, but not the server', async () => {
        const hook = await createIncomingHook(
          work,
          await createPipeline(work, await createApplication(work)),
        );
        const load = Promise.all(
          Array.from({ length: 200 }, () => sendSigned(server, hook, '{}').then(({ status }) => status)),
        );
        await executeSql(
          database,
          `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'hookline%'`,
        );
        for (const status of await load) assert.ok([202, 503].includes(status), String(status));
        await until(
          async () => (await sendSigned(server, hook, '{}')).status === 202,
          'requests to be taken again',
        );
      });
    }

    test('an action that cannot be started does not stand in the way of others', async () => {
      const stuck = await createPipeline(work, await createApplication(work), ['sleep 1'], {
        max_parallel_actions: 1,
      });
      const first = await work.api.post<{ id: number }>(`/pipelines/${stuck}/actions`);
      const second = await work.api.post<{ id: number }>(`/pipelines/${stuck}/actions`);
      await executeSql(database, `update actions set parameters = '{broken' where id = ${second.id}`);
      const other = await createPipeline(work, await createApplication(work));
      const { id } = await work.api.post<{ id: number }>(`/pipelines/${other}/actions`);
      assert.equal((await untilAction(work, id)).status, 'completed');
      assert.equal((await untilAction(work, first.id)).status, 'completed');
      const ended = await untilAction(work, second.id);
      assert.equal(ended.status, 'failed');
      assert.match(ended.status_reason_human_readable, /could not be started/);
    });

    test('templates that would take seconds are stopped, and others are served meanwhile', async () => {
      const pipeline = await createPipeline(work, await createApplication(work));
      const slow = '{% for i in (1..9000) %}{{ i | times: 2 }}{% endfor %}';
      const hook = await createOutgoingHook(work, pipeline, `${receiver.url}/slow`, {
        settings: { request_body: Array.from({ length: 250 }, () => slow) },
        trigger_when: { events: ['action.completed'] },
      });
      const { id } = await work.api.post<{ id: number }>(`/pipelines/${pipeline}/actions`);
      await untilAction(work, id);
      const isOver = async () => {
        const [one] = await work.api.get<{ status: string; reason: string }[]>(
          `/hooks/outgoing/${hook}/deliveries`,
        );
        return one?.status === 'skipped' && one.reason;
      };
      assert.match(
        await until(isOver, 'the rendering to be stopped'),
        /the body cannot be made: template render limit exceeded/,
      );
    });
  });
}
