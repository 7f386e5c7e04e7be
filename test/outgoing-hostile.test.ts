import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { createDeadlines } from '../src/outgoing/deadlines.ts';
import type { ApiAnswer } from './support/api-client.ts';
import { until } from './support/api-client.ts';
import { createTestDatabase } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { executeSql } from './support/execute-sql.ts';
import { createFakeClock } from './support/fake-clock.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import type { InProcessApp } from './support/in-process-app.ts';
import { createOutgoingScene } from './support/outgoing-scene.ts';

type Fault = { field: string; message: string };
type Answer = { id: string; message: string; errors: Fault[] | null; warnings: Fault[] };
type Preview = { would_send: boolean; reason: string; request: { headers: Record<string, string> } | null };

const minute = 60_000;

test('the time for an answer is not stretched when the time of the machine is set back', async () => {
  const time = createFakeClock();
  let setBackMs = 0;
  const deadlines = createDeadlines({ ...time, now: () => time.now() - setBackMs }, 15_000);
  let passed = false;
  const deadline = deadlines.begin(() => (passed = true));
  setBackMs = 60 * minute;
  await time.advance(15_000);
  assert.equal(passed && deadline.hasPassed(), true);
  deadlines.stop();
});

/** What people with the right to write hooks, and receivers, could do to everybody else. */
describe('an outgoing hook in bad hands', { timeout: 600_000 }, () => {
  const ends = new AsyncDisposableStack();
  after(() => ends.disposeAsync());
  let app: InProcessApp;
  let database: TestDatabase;
  const scene = createOutgoingScene(() => app);
  const { deliveriesOf, untilStatus, untilAttempts, receiverFor, pipeline, hook, act } = scene;

  before(async () => {
    database = ends.adopt(await createTestDatabase('sqlite'), (made) => made.drop());
    app = ends.adopt(await startInProcessApp({ database }), (started) => started.stop());
  });
  afterEach(async (t) => {
    if ('passed' in t && !t.passed && app.log()) t.diagnostic(app.log());
    await scene.clear();
  });

  const create = async (fields: object): Promise<ApiAnswer<Answer>> =>
    await app.api.request<Answer>('POST', `/pipelines/${await pipeline()}/hooks/outgoing`, {
      name: 'x',
      target_url: 'https://example.com/',
      ...fields,
    });
  const refused = async (fields: object, field: string, message: RegExp) => {
    const { status, body } = await create(fields);
    assert.equal(status, 422, body.message);
    const fault = body.errors?.find((one) => one.field === field);
    assert.match(fault?.message ?? JSON.stringify(body.errors), message);
  };

  const doubling =
    '{% assign a = "xxxxxxxx" %}{% for i in (1..17) %}{% assign a = a | append: a %}{% endfor %}' +
    '{% for i in (1..450) %}{{ a }}{% endfor %}';
  for (const [part, fields, most] of [
    ['the body', { settings: { request_body: doubling } }, 1_048_576],
    ['the body', { settings: { request_body: [doubling] } }, 1_048_576],
    ['the header X-A', { settings: { request_headers: [{ name: 'X-A', value: doubling }] } }, 8192],
    ['the URL', { path: `/${doubling}` }, 8192],
  ] as const) {
    test(`a template that doubles itself is stopped in ${part}, and everybody else is served`, async (t) => {
      const receiver = await receiverFor(t);
      const pipelineId = await pipeline();
      const { path = '/', ...rest } = fields as { path?: string };
      const id = await hook(pipelineId, `${receiver.url}${path}`, rest);
      await act(pipelineId);
      const { reason } = await untilStatus(id, 'skipped');
      const why = new RegExp(
        `^Not sent: ${part} cannot be made: it becomes longer than ${most} characters|memory`,
      );
      assert.match(reason, why);
      assert.equal(receiver.requests.length, 0);
    });
  }

  test('the parts of a body share its length', async (t) => {
    const receiver = await receiverFor(t);
    const pipelineId = await pipeline();
    const half = '{% for i in (1..600000) %}x{% endfor %}';
    const id = await hook(pipelineId, receiver.url, { settings: { request_body: [half, half] } });
    await act(pipelineId);
    assert.match((await untilStatus(id, 'skipped')).reason, /longer than|template render limit/);
  });

  test('a template that includes another is refused, and lists go on', async () => {
    for (const tag of ['include', 'render', 'layout']) {
      const request_body = { a: `{% ${tag} "x" %}` };
      await refused({ settings: { request_body } }, 'settings.request_body.a', /does not parse/);
    }
  });

  test('a host that commit_state does not know is refused at once', async () => {
    for (const filter of ['commit_state: "githb"', 'commit_state', "commit_state: ''"]) {
      const request_body = { state: `{{ action.status | ${filter} }}` };
      await refused(
        { settings: { request_body } },
        'settings.request_body.state',
        /must name one of "github"/,
      );
    }
    const request_body = { state: '{{ action.status | commit_state: application.source_provider.code }}' };
    assert.equal((await create({ settings: { request_body } })).status, 201);
  });

  test('a hook copied from what an answer shows does not send the mask', async () => {
    const request_headers = [{ name: 'Authorization', value: 'Bearer ********' }];
    await refused({ settings: { request_headers } }, 'settings.request_headers.0.value', /shows a secret/);
    const request_body = { password: '********' };
    await refused({ settings: { request_body } }, 'settings.request_body', /shows a secret/);
  });

  test('a body with thousands of texts or secrets is refused, and what is shown stays short', async () => {
    const texts = Array.from({ length: 1001 }, () => 'x');
    await refused({ settings: { request_body: texts } }, 'settings.request_body', /more than 1000 texts/);
    const secrets = { token: Array.from({ length: 101 }, (_, index) => `secret-${index}`) };
    await refused({ settings: { request_body: secrets } }, 'settings.request_body', /at most 100/);
    const many = (length: number) => Array.from({ length }, (_, index) => `{{ no${index} }}`).join('');
    await refused(
      { settings: { request_body: [many(2001)] } },
      'settings.request_body.0',
      /2000 expressions/,
    );
    const names = many(1990);
    const { status, body } = await create({ settings: { request_body: names } });
    assert.equal(status, 201);
    assert.equal(body.warnings.length, 20);
  });

  test('a key so large that each handshake would hold up everybody is refused', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 4224 });
    const client_key = privateKey.export({ type: 'pkcs8', format: 'pem' });
    const client_certificate = readFileSync(
      join(import.meta.dirname, 'support', 'tls', 'client.pem'),
      'utf8',
    );
    await refused({ tls: { client_certificate, client_key } }, 'tls.client_key', /at most 4096 bits/);
  });

  test('a first body with secrets goes to no other host, and its secrets are masked when the hook has new ones', async (t) => {
    const [first, other] = [await receiverFor(t), await receiverFor(t)];
    const pipelineId = await pipeline();
    const body = (token: string) => ({ settings: { request_body: { api_token: token, as: '{{ event }}' } } });
    const id = await hook(pipelineId, first.url, body('SuperSecretToken-123'));
    await act(pipelineId);
    const { id: delivery } = await untilStatus(id, 'delivered');
    const again = `/hooks/outgoing/${id}/deliveries/${delivery}/redeliver`;

    await app.api.request('PUT', `/hooks/outgoing/${id}`, body('AnotherSecret-456'));
    await app.api.post(again, { content: 'original' });
    await first.waitFor(2);
    await untilAttempts(id, 2);
    assert.deepEqual(first.requests[1]?.json(), { api_token: 'SuperSecretToken-123', as: 'action.created' });
    const records = await app.api.get<{ id: string }[]>(`/hooks/outgoing/${id}/requests`);
    for (const record of records) {
      const shown = JSON.stringify(await app.api.get(`/hook-requests/${record.id}`));
      assert.doesNotMatch(shown, /SuperSecretToken|AnotherSecret/);
    }

    const moved = { target_url: other.url, settings: { request_body: { x: 1 } } };
    assert.equal((await app.api.request('PUT', `/hooks/outgoing/${id}`, moved)).status, 204);
    await app.api.post(again, { content: 'original' });
    const { reason } = await untilStatus(id, 'skipped');
    assert.match(reason, /holds secrets, and the hook sends to another host now/);
    assert.equal(other.requests.length, 0);
  });

  test('what a receiver repeats of a secret is masked before its complaint is cut short', async (t) => {
    const receiver = await receiverFor(t, {
      behave: ({ headers }) => ({
        kind: 'answer',
        status: 422,
        body: JSON.stringify({ message: `${'x'.repeat(180)} ${headers.authorization}` }),
      }),
    });
    const pipelineId = await pipeline();
    const request_headers = [{ name: 'Authorization', value: 'Bearer glpat-ABCDEFGHIJ1234567890' }];
    const id = await hook(pipelineId, receiver.url, { settings: { request_headers } });
    await act(pipelineId);
    const { reason } = await untilStatus(id, 'rejected');
    assert.match(reason, /^Rejected: answered 422: x{180} \*{8}/);
    assert.doesNotMatch(JSON.stringify(await app.api.get(`/hooks/outgoing/${id}`)), /glpat-A/);
  });

  test('an answer to what was sent before a hook was changed does not switch the changed hook off', async (t) => {
    const gone = await receiverFor(t, { behave: () => ({ kind: 'answer', status: 410, delayMs: 300 }) });
    const pipelineId = await pipeline();
    const id = await hook(pipelineId, gone.url);
    await act(pipelineId);
    await gone.waitFor(1);
    const changed = { target_url: `${gone.url}/new` };
    assert.equal((await app.api.request('PUT', `/hooks/outgoing/${id}`, changed)).status, 204);
    await untilStatus(id, 'rejected');
    assert.equal((await app.api.get<{ active: boolean }>(`/hooks/outgoing/${id}`)).active, true);
  });

  test('a node whose lease looks lapsed does not send a second time what it is sending', async (t) => {
    const receiver = await receiverFor(t, { behave: () => ({ kind: 'hang' }) });
    const pipelineId = await pipeline();
    const id = await hook(pipelineId, receiver.url);
    await act(pipelineId);
    await receiver.waitFor(1);
    // As after a machine was suspended: the delivery worker looks before the lease is renewed.
    await executeSql(database, 'update nodes set expires_at = 0');
    await app.clock.advance(3000);
    assert.deepEqual(
      (await deliveriesOf(id)).map(({ status }) => status),
      ['sending'],
    );
    assert.equal(receiver.requests.length, 1);
  });

  test('who may only look gets no signature, and is told what the hook never hears of', async () => {
    const [pipelineId, strange] = [await pipeline(), await pipeline()];
    const id = await hook(pipelineId, 'http://127.0.0.1:9/', { signing: true });
    const own = await act(pipelineId);
    const tried = (action_id: number) =>
      app.api.post<Preview>(`/hooks/outgoing/${id}/test`, { action_id, event: 'action.created' });
    const preview = await tried(own);
    assert.equal(preview.would_send, true, preview.reason);
    assert.equal(preview.request?.headers['webhook-signature'], 'v1,********');
    const foreign = await tried(await act(strange));
    assert.equal(foreign.would_send, false);
    assert.match(foreign.reason, /is of another pipeline/);
  });

  test('a receiver that announces its answer for ever is not listened to for ever', async (t) => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket
        .on('error', () => undefined)
        .once('data', () => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(500)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const pipelineId = await pipeline();
    const id = await hook(pipelineId, `http://127.0.0.1:${port}/`);
    await act(pipelineId);
    const { reason, status } = await untilAttempts(id, 1);
    assert.equal(status, 'pending');
    assert.match(reason, /1xx again and again/);
  });

  test('what waits for an earlier event says so, and is tried at once when the hook is changed', async (t) => {
    const receiver = await receiverFor(t, {
      behave: (_request, index) => ({ kind: 'answer', status: index === 0 ? 500 : 200 }),
    });
    const pipelineId = await pipeline();
    const events = ['action.created', 'action.completed'];
    const id = await hook(pipelineId, receiver.url, { trigger_when: { events } });
    await act(pipelineId);
    const [first, next] = await until(async () => {
      const all = await deliveriesOf(id);
      return all.length === 2 && all[0]!.attempts === 1 && all[0]!.status === 'pending' && all;
    }, 'the first to wait for its retry');
    assert.ok(Date.parse(first!.next_attempt_at ?? '') > app.clock.now());
    assert.equal(next!.reason, 'Waits until action.created of the same action is settled.');
    assert.equal(next!.next_attempt_at, null);
    await app.api.request('PUT', `/hooks/outgoing/${id}`, { name: 'looked at' });
    await receiver.waitFor(3, 'both, although no time has passed');
  });

  test('what is being sent when its recovery is cancelled is not tried again', async (t) => {
    const receiver = await receiverFor(t, { behave: () => ({ kind: 'answer', status: 400 }) });
    const pipelineId = await pipeline();
    const id = await hook(pipelineId, receiver.url);
    await act(pipelineId);
    await untilStatus(id, 'rejected');
    receiver.setBehaviour(() => ({ kind: 'hang' }));
    const since = new Date(app.clock.now() - minute).toISOString();
    const { id: recovery } = await app.api.post<{ id: string }>(`/hooks/outgoing/${id}/recover`, { since });
    await app.clock.advance(1000);
    await receiver.waitFor(2);
    await app.api.post(`/hooks/outgoing/${id}/recoveries/${recovery}/cancel`);
    await app.clock.advance(15_000);
    const { reason } = await untilStatus(id, 'failed');
    assert.equal(reason, 'Not sent again: the recovery was cancelled.');
  });
});
