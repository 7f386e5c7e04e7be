import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { createApiClient, until } from './support/api-client.ts';
import type { ApiAnswer } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import {
  createApplication,
  createIncomingHook,
  createPipeline,
  openWorkplace,
  sendSigned,
  untilAction,
} from './support/fixtures.ts';
import type { IncomingHook, Receipt, TestApplication, Workplace } from './support/fixtures.ts';
import { githubHeaders, githubPayload, pullRequestPayload, pushPayload, sign } from './support/github.ts';
import { startServer } from './support/server.ts';
import type { TestServer } from './support/server.ts';

const MAX_BODY_BYTES = 32_768;
const MASK = '********';

type RecordRelation = {
  id: string;
  hook_id: string;
  action_id: number | null;
  ip_address: string;
  url: string;
  outcome: string;
  reason: string;
  duration_ms: number;
  response_status_code: number;
};
type FullRecord = RecordRelation & {
  request_headers: Record<string, string>;
  request_body: unknown;
  response_body: Receipt;
};

for (const kind of databaseKinds) {
  describe(`requests to an incoming hook, on ${kind}`, () => {
    let database: TestDatabase;
    let server: TestServer;
    let workplace: Workplace;
    let application: TestApplication;
    let pipelineId: number;

    before(async () => {
      database = await createTestDatabase(kind);
      server = await startServer({ database, env: { HOOKLINE_MAX_BODY_BYTES: String(MAX_BODY_BYTES) } });
      workplace = await openWorkplace(server);
      application = await createApplication(workplace);
      pipelineId = await createPipeline(workplace, application);
    });
    after(async () => {
      await server?.stop();
      await database?.drop();
    });

    const hookWith = (fields: Record<string, unknown> = {}) =>
      createIncomingHook(workplace, pipelineId, fields);
    const unsigned = (fields: Record<string, unknown> = {}) =>
      hookWith({ requires_secret: false, ...fields });
    const withVariables = (...variables: Record<string, unknown>[]) => unsigned({ settings: { variables } });

    async function post(
      hook: { id: string },
      body: string | Buffer | undefined,
      headers: Record<string, string> = {},
    ): Promise<ApiAnswer<Receipt>> {
      return await createApiClient(server.url).request<Receipt>(
        'POST',
        `/hooks/${hook.id}/trigger`,
        body,
        headers,
      );
    }

    const records = (hook: { id: string }, query = '') =>
      workplace.api.get<RecordRelation[]>(`/hooks/incoming/${hook.id}/requests${query}`);
    const recordOf = (id: string) => workplace.api.get<FullRecord>(`/hook-requests/${id}`);

    async function onlyRecord(hook: { id: string }): Promise<RecordRelation> {
      const [record, ...others] = await records(hook);
      assert.equal(others.length, 0, 'more than one record');
      return record ?? assert.fail('no record');
    }

    async function variablesOf(answer: ApiAnswer<Receipt>): Promise<unknown> {
      assert.equal(answer.status, 202, JSON.stringify(answer.body));
      const action = await untilAction(workplace, answer.body.action_id ?? assert.fail('no action'));
      return (action.triggered_from as { hook_parsed_variables: unknown }).hook_parsed_variables;
    }

    async function actionsOf(hook: { id: string }): Promise<number[]> {
      const actions =
        await workplace.api.get<{ id: number; triggered_from: { hook_id: string } }[]>(
          '/actions?per_page=100',
        );
      return actions.filter(({ triggered_from }) => triggered_from.hook_id === hook.id).map(({ id }) => id);
    }

    describe('by mistake', () => {
      test('an address that is opened in a browser says that it wants a POST', async () => {
        const hook = await hookWith({});
        for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
          const answer = await fetch(`${server.url}/api/hooks/${hook.id}/trigger`, { method });
          assert.equal(answer.status, 405, method);
          assert.equal(answer.headers.get('allow'), 'POST');
          assert.match(await answer.text(), new RegExp(`Send a POST to .*; ${method} does nothing`));
        }
      });

      test('a signature of another form is told which form it should have, and a secret in its place what to do', async () => {
        const hook = await hookWith({ signature_encoding: 'base64', signature_prefix: 'v1=' });
        const of = (value: string) => post(hook, '{}', { 'x-hub-signature-256': value });
        const other = await of('0'.repeat(64));
        assert.equal(other.status, 401);
        assert.match(other.body.message, /expected is v1= and 44 characters of base64\.$/);
        assert.match((await of(hook.secret)).body.message, /holds the secret itself\. Sign the body/);
      });

      test('a hook that takes unsigned requests says so, and a secret that it would not look at is refused', async () => {
        const hook = await unsigned({});
        const { warnings } = await workplace.api.get<{ warnings: { field: string }[] }>(
          `/hooks/incoming/${hook.id}`,
        );
        assert.deepEqual(
          warnings.map(({ field }) => field),
          ['requires_secret'],
        );
        const answer = await workplace.api.request<{ errors: { field: string }[] }>(
          'PUT',
          `/hooks/incoming/${hook.id}`,
          { requires_secret: false, secret: 'a secret of one' },
        );
        assert.equal(answer.status, 422);
        assert.equal(answer.body.errors[0]?.field, 'secret');
      });

      test('fields that nobody knows are named at creation, with what may be meant', async () => {
        const { warnings } = await workplace.api.post<{ warnings: { field: string; message: string }[] }>(
          `/pipelines/${pipelineId}/hooks/incoming`,
          {
            name: 'in',
            secrt: 'x',
            settings: { variables: [{ name: 'a', pth: 'b' }], variable: [] },
            trigger_when: { event: ['push'], conditions: [{ path: 'a', exists: true, anything: 1 }] },
          },
        );
        const told = warnings.filter(({ message }) => message.startsWith('is not known'));
        assert.deepEqual(
          told.map(({ field, message }) => [field, /: is (\w+) meant\?$/.exec(message)?.[1] ?? null]).sort(),
          [
            ['secrt', 'secret'],
            ['settings.variable', 'variables'],
            ['settings.variables.0.pth', 'path'],
            ['trigger_when.conditions.0.anything', null],
            ['trigger_when.event', 'events'],
          ],
        );
      });

      test('records can be listed by their outcome', async () => {
        const hook = await unsigned({ trigger_when: { conditions: [{ path: 'a', accepted_values: [1] }] } });
        for (const body of ['{"a":1}', '{"a":2}', '{', '{"a":3}']) await post(hook, body);
        const outcomes = async (outcome: string) => {
          const path = `/hooks/incoming/${hook.id}/requests?outcome=${outcome}`;
          return (await workplace.api.get<{ outcome: string }[]>(path)).map((record) => record.outcome);
        };
        assert.deepEqual(await outcomes('skipped'), ['skipped', 'skipped']);
        assert.deepEqual(await outcomes('refused'), ['refused']);
        assert.deepEqual(await outcomes('duplicate'), []);
      });
    });

    describe('accepted', () => {
      test('a signed request is answered 202 with the action it caused and the record of it', async () => {
        const hook = await hookWith();
        const answer = await sendSigned(server, hook, pushPayload());
        assert.equal(answer.status, 202);
        assert.equal(answer.body.errors, null);
        assert.equal(answer.body.message, `Accepted as action ${answer.body.action_id}.`);
        const record = await onlyRecord(hook);
        assert.equal(record.id, answer.body.hook_request_id);
        assert.equal(record.action_id, answer.body.action_id);
        assert.equal(record.outcome, 'accepted');
        assert.equal(record.response_status_code, 202);
        assert.equal(record.ip_address, '127.0.0.1');
        const action = await untilAction(workplace, answer.body.action_id ?? assert.fail('no action'));
        assert.equal(action.status, 'completed');
        assert.equal(action.pipeline_id, pipelineId);
      });

      test('a repeat of a delivery is answered 202 with the same action and runs nothing again', async () => {
        const hook = await hookWith();
        const headers = { 'x-github-delivery': randomUUID() };
        const first = await sendSigned(server, hook, pushPayload(), { headers });
        const repeat = await sendSigned(server, hook, pushPayload(), { headers });
        assert.equal(first.status, 202);
        assert.equal(repeat.status, 202);
        assert.equal(repeat.body.action_id, first.body.action_id);
        assert.notEqual(repeat.body.hook_request_id, first.body.hook_request_id);
        assert.match(repeat.body.message, /accepted before/);
        assert.deepEqual(await actionsOf(hook), [first.body.action_id]);
        const [second, original] = await records(hook);
        assert.equal(original?.outcome, 'accepted');
        assert.equal(second?.outcome, 'duplicate');
        assert.equal(second.action_id, first.body.action_id);
        assert.ok(second.reason.includes(first.body.hook_request_id), second.reason);
      });

      test('copies of a delivery sent at the same instant cause one action', async () => {
        const hook = await hookWith();
        const headers = { 'x-github-delivery': randomUUID() };
        const body = pushPayload();
        const answers = await Promise.all(
          Array.from({ length: 8 }, () => sendSigned(server, hook, body, { headers })),
        );
        assert.deepEqual(
          answers.map(({ status }) => status),
          Array(8).fill(202),
        );
        assert.equal(new Set(answers.map((answer) => answer.body.action_id)).size, 1);
        assert.equal(new Set(answers.map((answer) => answer.body.hook_request_id)).size, 8);
        assert.equal((await actionsOf(hook)).length, 1);
        const outcomes = (await records(hook)).map(({ outcome }) => outcome).sort();
        assert.deepEqual(outcomes, ['accepted', ...Array(7).fill('duplicate')]);
      });

      test('the same delivery id at another hook is not a repeat', async () => {
        const headers = { 'x-github-delivery': randomUUID() };
        const [one, other] = [await hookWith(), await hookWith()];
        const first = await sendSigned(server, one, pushPayload(), { headers });
        const second = await sendSigned(server, other, pushPayload(), { headers });
        assert.equal(second.status, 202);
        assert.notEqual(second.body.action_id, first.body.action_id);
      });

      test('a delivery that was refused before is taken when it comes again in order', async () => {
        const variables = [{ name: 'ref', type: 'string', required: true }];
        const hook = await hookWith({ settings: { variables } });
        const headers = { 'x-github-delivery': randomUUID() };
        const forged = { ...headers, 'x-hub-signature-256': sign('wrong', '{"ref":"a"}') };
        assert.equal((await sendSigned(server, hook, '{"ref":"a"}', { headers: forged })).status, 401);
        assert.equal((await sendSigned(server, hook, '{}', { headers })).status, 422);
        const taken = await sendSigned(server, hook, '{"ref":"a"}', { headers });
        assert.equal(taken.status, 202);
        assert.match(taken.body.message, /^Accepted as action/);
      });

      test('a delivery skipped for its conditions is looked at again when it is repeated', async () => {
        const conditions = [{ path: 'ref', accepted_values: ['main'] }];
        const hook = await hookWith({ trigger_when: { conditions } });
        const headers = { 'x-github-delivery': randomUUID() };
        assert.equal((await sendSigned(server, hook, '{"ref":"dev"}', { headers })).status, 200);
        assert.equal((await sendSigned(server, hook, '{"ref":"main"}', { headers })).status, 202);
      });

      test('an empty body is an empty object', async () => {
        const hook = await hookWith({ settings: { variables: [{ name: 'ref', default_value: 'main' }] } });
        const answer = await sendSigned(server, hook, '');
        assert.deepEqual(await variablesOf(answer), { ref: 'main' });
        const bare = await raw(server, hook, {
          headers: { 'x-hub-signature-256': sign(hook.secret, '') },
          chunks: [],
        });
        assert.equal(bare.status, 202);
      });

      test('a form with a payload field is read as the JSON in it', async () => {
        const hook = await hookWith({
          settings: { variables: [{ name: 'ref', path: 'ref', required: true }] },
        });
        const body = new URLSearchParams({ payload: pushPayload().toString() }).toString();
        const headers = { 'content-type': 'application/x-www-form-urlencoded' };
        const answer = await sendSigned(server, hook, body, { headers });
        assert.deepEqual(await variablesOf(answer), { ref: 'refs/heads/master' });
      });

      test('a form without a payload field is read as its fields', async () => {
        const hook = await withVariables({ name: 'command' }, { name: 'text' });
        const answer = await post(hook, 'command=%2Fdeploy&text=main+now', {
          'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
        });
        assert.deepEqual(await variablesOf(answer), { command: '/deploy', text: 'main now' });
      });

      test('a body of a +json type, or of none, is read as JSON', async () => {
        const hook = await withVariables({ name: 'ref', required: true });
        const headers = { 'content-type': 'application/cloudevents+json; charset=utf-8' };
        assert.deepEqual(await variablesOf(await post(hook, '{"ref":"a"}', headers)), { ref: 'a' });
        assert.equal((await raw(server, hook, { chunks: ['{"ref":"a"}'] })).status, 202);
      });
    });

    describe('signatures', () => {
      for (const [algorithm, header] of [
        ['sha1', 'x-hub-signature'],
        ['sha256', 'x-hub-signature-256'],
        ['sha512', 'x-bitbucket-signature'],
      ] as const) {
        test(`a hook of ${algorithm} takes a ${algorithm} signature in the header it names, and no other`, async () => {
          const hook = await hookWith({ secret_algorithm: algorithm, secret_header_name: header });
          const body = pushPayload();
          const signature = sign(hook.secret, body, algorithm);
          assert.equal((await post(hook, body, { [header]: signature })).status, 202);
          assert.equal((await post(hook, body, { [header]: signature.split('=')[1]! })).status, 202);
          assert.equal((await post(hook, body, { 'x-other': signature })).status, 401);
          for (const other of ['sha1', 'sha256', 'sha512', 'md5'].filter((name) => name !== algorithm)) {
            const wrong = await post(hook, body, { [header]: sign(hook.secret, body, other) });
            assert.equal(wrong.status, 401, other);
          }
        });
      }

      test("GitHub's published test vector is accepted", async () => {
        const hook = await hookWith({ secret: "It's a Secret to Everybody" });
        const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
        const headers = { 'content-type': 'text/plain', 'x-hub-signature-256': signature };
        // Its body is no JSON: that it gets past the signature is the promise.
        assert.equal((await post(hook, 'Hello, World!', headers)).status, 415);
        assert.equal((await post(hook, 'Hello, World?', headers)).status, 401);
      });

      test('header names count in any case, in the definition as in the request', async () => {
        const hook = await hookWith({ secret_header_name: 'X-Hub-Signature-256' });
        const body = '{"ref":"main"}';
        for (const name of ['X-HUB-SIGNATURE-256', 'x-hub-signature-256', 'X-Hub-Signature-256']) {
          const answer = await raw(server, hook, {
            headers: { [name]: sign(hook.secret, body) },
            chunks: [body],
          });
          assert.equal(answer.status, 202, name);
        }
      });

      const body = pullRequestPayload();
      const forgeries: Record<string, (secret: string) => Record<string, string>> = {
        wrong: () => ({ 'x-hub-signature-256': sign('another secret', body) }),
        missing: () => ({}),
        empty: () => ({ 'x-hub-signature-256': '' }),
        truncated: (secret) => ({ 'x-hub-signature-256': sign(secret, body).slice(0, -2) }),
        'that of another algorithm': (secret) => ({ 'x-hub-signature-256': sign(secret, body, 'sha1') }),
        'that of the re-serialised body': (secret) => ({
          'x-hub-signature-256': sign(secret, JSON.stringify(JSON.parse(body.toString()), null, 2)),
        }),
        'twice the right one': (secret) => ({
          'x-hub-signature-256': `${sign(secret, body)}, ${sign(secret, body)}`,
        }),
      };
      for (const [what, headers] of Object.entries(forgeries)) {
        test(`a request whose signature is ${what} is answered 401 and leaves a record that says why`, async () => {
          const hook = await hookWith();
          const answer = await post(hook, body, headers(hook.secret));
          assert.equal(answer.status, 401);
          assert.equal(answer.body.action_id, null);
          assert.match(answer.body.message, /signature/i);
          const record = await onlyRecord(hook);
          assert.equal(record.id, answer.body.hook_request_id);
          assert.equal(record.outcome, 'refused');
          assert.equal(record.response_status_code, 401);
          assert.equal(record.action_id, null);
          assert.equal(record.reason, answer.body.message);
          const full = await recordOf(record.id);
          assert.deepEqual(full.request_body, {}, 'the body of a stranger was kept');
          assert.ok(!JSON.stringify(full).includes(hook.secret));
          assert.deepEqual(await actionsOf(hook), []);
        });
      }

      test('one changed byte of the body makes its signature wrong', async () => {
        const hook = await hookWith();
        const original = '{"ref":"main"}';
        const headers = { 'x-hub-signature-256': sign(hook.secret, original) };
        assert.equal((await post(hook, '{"ref":"mbin"}', headers)).status, 401);
        assert.equal((await post(hook, `${original}\n`, headers)).status, 401);
        assert.equal((await post(hook, original, headers)).status, 202);
      });
    });

    describe('nothing to run', () => {
      test('a request whose conditions are not met is answered 200 and told which value was found', async () => {
        const conditions = [
          { path: 'action', accepted_values: ['opened', 'reopened'] },
          { name: 'base', path: 'pull_request.base.ref', accepted_values: ['release'] },
        ];
        const hook = await hookWith({ trigger_when: { conditions } });
        const answer = await sendSigned(server, hook, pullRequestPayload(), { event: 'pull_request' });
        assert.equal(answer.status, 200);
        assert.equal(answer.body.action_id, null);
        assert.match(answer.body.message, /Condition 2 of 2 \(base\) is not met/);
        assert.match(
          answer.body.message,
          /pull_request\.base\.ref must be "release", and found was "master"/,
        );
        const record = await onlyRecord(hook);
        assert.equal(record.outcome, 'skipped');
        assert.equal(record.reason, answer.body.message);
        assert.deepEqual(await actionsOf(hook), []);
      });

      test('conditions may look at headers and variables', async () => {
        const hook = await hookWith({
          settings: { variables: [{ name: 'branch', path: 'pull_request.base.ref' }] },
          trigger_when: {
            conditions: [
              { type: 'request_header', path: 'X-GitHub-Event', accepted_values: ['pull_request'] },
              { type: 'variable', path: 'branch', accepted_values: ['master'] },
              { type: 'request_body', path: 'number', accepted_values: [2] },
            ],
          },
        });
        const met = await sendSigned(server, hook, pullRequestPayload(), { event: 'pull_request' });
        assert.equal(met.status, 202, met.body.message);
        const other = await sendSigned(server, hook, pushPayload(), { event: 'push' });
        assert.equal(other.status, 200);
        assert.match(other.body.message, /Condition 1 of 3.*found was "push"/);
      });

      test('a request that the conditions exclude is not refused for a missing variable', async () => {
        const hook = await unsigned({
          settings: { variables: [{ name: 'ref', required: true }] },
          trigger_when: { conditions: [{ path: 'action', accepted_values: ['opened'] }] },
        });
        assert.equal((await post(hook, '{"action":"closed"}')).status, 200);
        assert.equal((await post(hook, '{"action":"opened"}')).status, 422);
      });

      for (const [header, value] of [
        ['x-github-event', 'ping'],
        ['x-gitea-event', 'ping'],
        ['x-event-key', 'diagnostics:ping'],
      ] as const) {
        test(`a ping (${header}: ${value}) is answered 200 and runs nothing`, async () => {
          const hook = await hookWith({ settings: { variables: [{ name: 'ref', required: true }] } });
          const body = '{"zen":"Keep it logically awesome."}';
          const answer = await sendSigned(server, hook, body, { headers: { [header]: value } });
          assert.equal(answer.status, 200);
          assert.match(answer.body.message, /ping/i);
          assert.equal((await onlyRecord(hook)).outcome, 'skipped');
        });
      }

      test('a ping with a wrong signature is answered 401, since that is what its sender wants to know', async () => {
        const hook = await hookWith();
        const headers = { 'x-github-event': 'ping', 'x-hub-signature-256': sign('wrong', '{}') };
        assert.equal((await post(hook, '{}', headers)).status, 401);
      });
    });

    describe('refused', () => {
      const broken: [what: string, contentType: string, body: string][] = [
        ['that is not JSON', 'application/json', '{"ref": main}'],
        ['that is cut off', 'application/json', '{"ref": "main"'],
        [
          'of which the form field payload is not JSON',
          'application/x-www-form-urlencoded',
          'payload=%7Bref',
        ],
      ];
      for (const [what, contentType, body] of broken) {
        test(`a body ${what} is answered 400 and leaves a record`, async () => {
          const hook = await hookWith();
          const answer = await sendSigned(server, hook, body, { headers: { 'content-type': contentType } });
          assert.equal(answer.status, 400);
          assert.match(answer.body.message, /not valid JSON/);
          assert.equal(answer.body.action_id, null);
          const record = await onlyRecord(hook);
          assert.equal(record.id, answer.body.hook_request_id);
          assert.equal(record.outcome, 'refused');
          assert.equal(record.response_status_code, 400);
          assert.deepEqual((await recordOf(record.id)).request_body, { raw: body });
        });
      }

      test('an unknown hook and a malformed id are answered 404', async () => {
        for (const id of [
          randomUUID(),
          'nonsense',
          '%00',
          "1' or '1'='1",
          'x'.repeat(150),
          '..%2f..%2fetc',
        ]) {
          const answer = await post({ id: encodeURI(id) }, '{}');
          assert.equal(answer.status, 404, id);
          assert.equal(answer.body.errors, null);
          assert.match(answer.body.message, /\w/);
        }
      });

      test('an outgoing hook is none that can be triggered', async () => {
        const { id } = await workplace.api.post<{ id: string }>(`/pipelines/${pipelineId}/hooks/outgoing`, {
          name: 'out',
          target_url: 'https://example.com/',
        });
        assert.equal((await post({ id }, '{}')).status, 404);
      });

      test('a hook that is not active is answered 404, and runs again once it is', async () => {
        const hook = await hookWith({ active: false });
        const answer = await sendSigned(server, hook, pushPayload());
        assert.equal(answer.status, 404);
        assert.deepEqual(await actionsOf(hook), []);
        assert.match((await onlyRecord(hook)).reason, /not active/);
        await workplace.api.put(`/hooks/incoming/${hook.id}`, { active: true });
        assert.equal((await sendSigned(server, hook, pushPayload())).status, 202);
        await workplace.api.put(`/hooks/incoming/${hook.id}`, { active: false });
        assert.equal((await sendSigned(server, hook, pushPayload())).status, 404);
      });

      test('a deleted hook is answered 404, at once', async () => {
        const hook = await hookWith();
        assert.equal((await sendSigned(server, hook, pushPayload())).status, 202);
        await workplace.api.delete(`/hooks/incoming/${hook.id}`);
        assert.equal((await sendSigned(server, hook, pushPayload())).status, 404);
      });

      test('a hook of a deleted pipeline is answered 404', async () => {
        const doomed = await createPipeline(workplace, application);
        const hook = await createIncomingHook(workplace, doomed);
        assert.equal((await sendSigned(server, hook, pushPayload())).status, 202);
        await workplace.api.delete(`/pipelines/${doomed}`);
        assert.equal((await sendSigned(server, hook, pushPayload())).status, 404);
      });

      test('an older-form hook whose pipelines were all deleted is answered 422 and says so', async () => {
        const lone = await createApplication(workplace);
        const only = await createPipeline(workplace, lone);
        const hook = await workplace.api.post<IncomingHook>('/hooks/incoming', {
          name: 'older',
          requires_secret: true,
          resource_type: 'application',
          resource_id: lone.id,
          action_type: 'deploy',
        });
        assert.equal((await sendSigned(server, hook, '{}')).status, 202);
        await workplace.api.delete(`/pipelines/${only}`);
        const answer = await sendSigned(server, hook, '{}');
        assert.equal(answer.status, 422);
        assert.match(answer.body.message, /no deploy pipeline/);
      });

      test('a body over the limit in one piece is answered 413 and leaves a record', async () => {
        const hook = await hookWith();
        const body = Buffer.alloc(MAX_BODY_BYTES + 1, ' ');
        const answer = await raw(server, hook, {
          headers: { ...githubHeaders('push', hook.secret, body), 'content-length': String(body.length) },
          chunks: [body],
        });
        await assertTooLarge(hook, answer);
      });

      test('a body over the limit in chunks is answered 413 and leaves a record', async () => {
        const hook = await hookWith();
        const body = Buffer.alloc(MAX_BODY_BYTES + 1, ' ');
        const answer = await raw(server, hook, {
          headers: githubHeaders('push', hook.secret, body),
          chunks: [body.subarray(0, 20_000), body.subarray(20_000)],
        });
        await assertTooLarge(hook, answer);
      });

      test('a body of exactly the limit is taken', async () => {
        const hook = await hookWith();
        const body = `{"a":"${'x'.repeat(MAX_BODY_BYTES - 8)}"}`;
        assert.equal(Buffer.byteLength(body), MAX_BODY_BYTES);
        assert.equal((await sendSigned(server, hook, body)).status, 202);
      });

      async function assertTooLarge(hook: IncomingHook, answer: RawAnswer): Promise<void> {
        assert.equal(answer.status, 413);
        assert.match(answer.body.message, /too large/);
        const record = await until(async () => (await records(hook))[0], 'the record of the 413');
        assert.equal(record.outcome, 'refused');
        assert.equal(record.response_status_code, 413);
        assert.equal(answer.body.action_id, null, 'the answer has not the form of the others');
        assert.equal(answer.body.hook_request_id, record.id);
      }

      for (const contentType of [
        'text/plain',
        'application/xml; charset=utf-8',
        'multipart/form-data; boundary=x',
        'nonsense',
        'a/b/c',
      ]) {
        test(`a body of the type ${contentType} is answered 415 and leaves a record that names it`, async () => {
          const hook = await hookWith();
          const answer = await sendSigned(server, hook, '{"ref":"main"}', {
            headers: { 'content-type': contentType },
          });
          assert.equal(answer.status, 415);
          const record = await onlyRecord(hook);
          assert.equal(record.id, answer.body.hook_request_id);
          assert.equal(record.response_status_code, 415);
          assert.ok(record.reason.includes(contentType.split(';')[0]!), record.reason);
        });
      }

      test('every missing or mistyped variable is listed in one 422', async () => {
        const hook = await withVariables(
          { name: 'ref', path: 'ref', required: true },
          { name: 'number', path: 'pull_request.number', type: 'integer', required: true },
          { name: 'commits', type: 'array' },
          { name: 'draft', type: 'boolean' },
          { name: 'title' },
          { name: 'optional', type: 'integer' },
        );
        const payload = { pull_request: { number: '7' }, commits: {}, draft: 'true', title: 5 };
        const answer = await post(hook, JSON.stringify(payload));
        assert.equal(answer.status, 422);
        assert.equal(answer.body.action_id, null);
        assert.deepEqual(
          answer.body.errors?.map(({ field }) => field),
          ['ref', 'number', 'commits', 'draft', 'title'],
        );
        const [missing, mistyped] = answer.body.errors ?? [];
        assert.match(missing?.message ?? '', /required/);
        assert.match(
          mistyped?.message ?? '',
          /pull_request\.number must be of type integer, but is string "7"/,
        );
        const record = await onlyRecord(hook);
        assert.equal(record.outcome, 'refused');
        for (const name of ['ref', 'number', 'commits', 'draft', 'title'])
          assert.ok(record.reason.includes(name));
        assert.deepEqual((await recordOf(record.id)).response_body.errors, answer.body.errors);
        assert.deepEqual(await actionsOf(hook), []);
      });

      test('a value too large for the environment of a step is answered 422', async () => {
        const hook = await withVariables({ name: 'big' }, { name: 'more' }, { name: 'most' });
        const answer = await post(hook, JSON.stringify({ big: 'x'.repeat(30_000) }));
        assert.equal(answer.status, 202);
        const list = await withVariables(
          ...Array.from({ length: 10 }, (_, index) => ({ name: `v${index}`, path: 'big' })),
        );
        const refused = await post(list, JSON.stringify({ big: 'x'.repeat(30_000) }));
        assert.equal(refused.status, 422);
        assert.match(refused.body.message, /too large/);
      });

      test('of the refused requests of a hook only the last hundred are kept, and nothing else is lost', async () => {
        const hook = await hookWith();
        const kept = await sendSigned(server, hook, '{}');
        for (let batch = 0; batch < 4; batch++) {
          await Promise.all(
            Array.from({ length: 50 }, () => post(hook, '{}', { 'x-hub-signature-256': 'sha256=0' })),
          );
        }
        const last = await post(hook, '{}');
        await until(
          async () =>
            (await records(hook, '?per_page=100&page=3')).length === 0 &&
            (await records(hook, '?per_page=100&page=2')).length <= 2,
          'old refused requests to go',
        );
        const all = [
          ...(await records(hook, '?per_page=100')),
          ...(await records(hook, '?per_page=100&page=2')),
        ];
        assert.ok(
          all.some(({ id }) => id === kept.body.hook_request_id),
          'an accepted request was removed',
        );
        assert.equal(all[0]?.id, last.body.hook_request_id);
        assert.ok(all.length >= 101, `only ${all.length} are left`);
      });
    });

    describe('variables', () => {
      test('paths reach into objects, arrays, headers and keys with dots, and fall back to defaults', async () => {
        const hook = await hookWith({
          settings: {
            variables: [
              { name: 'first', path: 'commits.0.id' },
              { name: 'last_file', path: 'commits.0.modified.0' },
              { name: 'event', path: '$headers.x-github-event' },
              { name: 'delivery', path: '$headers.X-GitHub-Delivery' },
              { name: 'ref' },
              { name: 'beyond', path: 'commits.99.id', default_value: 'none' },
              { name: 'nothing', path: 'no.such.path' },
              { name: 'null_is_absent', path: 'base_ref', default_value: 'fallback' },
              { name: 'dotted', path: 'a.b.c' },
            ],
          },
        });
        const push = githubPayload('push', (example) => example.ref === 'refs/heads/master');
        push.commits = [{ id: 'c0ffee', modified: ['README.md'] }];
        push.base_ref = null;
        push.a = { 'b.c': 'found' };
        const delivery = randomUUID();
        const answer = await sendSigned(server, hook, JSON.stringify(push), {
          headers: { 'x-github-delivery': delivery },
        });
        assert.deepEqual(await variablesOf(answer), {
          first: 'c0ffee',
          last_file: 'README.md',
          event: 'push',
          delivery,
          ref: 'refs/heads/master',
          beyond: 'none',
          nothing: null,
          null_is_absent: 'fallback',
          dotted: 'found',
        });
      });

      test('a value keeps its type: integer, array, boolean, text', async () => {
        const hook = await withVariables(
          { name: 'whole', type: 'integer' },
          { name: 'zero', type: 'integer' },
          { name: 'list', type: 'array' },
          { name: 'no', type: 'boolean' },
          { name: 'empty', type: 'string' },
          { name: 'given', type: 'array', default_value: ['a', 1] },
          { name: 'off', type: 'boolean', default_value: false },
        );
        const payload = { whole: 12, zero: 0, list: [1, { a: 'b' }], no: false, empty: '' };
        assert.deepEqual(await variablesOf(await post(hook, JSON.stringify(payload))), {
          ...payload,
          given: ['a', 1],
          off: false,
        });
      });

      test('a number that is not whole is no integer', async () => {
        const hook = await withVariables({ name: 'n', type: 'integer' });
        for (const n of ['1.5', '1e400', 'true', '"1"']) {
          assert.equal((await post(hook, `{"n":${n}}`)).status, 422, n);
        }
        assert.equal((await post(hook, '{"n":1e3}')).status, 202);
      });

      test('an integer beyond 2^53 stays exact, in a list too', async () => {
        const hook = await withVariables({ name: 'n', type: 'integer' }, { name: 'list', type: 'array' });
        const answer = await post(hook, '{"n":9007199254740993,"list":[{"id":-12345678901234567890}]}');
        assert.equal(answer.status, 202, JSON.stringify(answer.body));
        const url = `${server.url}/api/actions/${answer.body.action_id}`;
        const headers = { authorization: `Bearer ${workplace.api.token}` };
        const text = await (await fetch(url, { headers })).text();
        assert.match(
          text,
          /"hook_parsed_variables":\{"n":9007199254740993,"list":\[\{"id":-12345678901234567890\}\]\}/,
        );
      });

      test('a payload with __proto__ and constructor keys changes nothing but its own values', async () => {
        const hook = await withVariables(
          { name: 'polluted', path: 'polluted', default_value: 'clean' },
          { name: 'deep', path: '__proto__.polluted', default_value: 'clean' },
          { name: 'built', path: 'constructor.prototype.polluted', default_value: 'clean' },
          { name: 'method', path: 'list.length', type: 'integer', default_value: -1 },
        );
        const body =
          '{"__proto__":{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}},"list":[1,2],"a":{"__proto__":{"b":1}}}';
        const values = (await variablesOf(await post(hook, body))) as Record<string, unknown>;
        assert.equal(values.polluted, 'clean');
        assert.equal(values.deep, 'clean');
        assert.equal(values.built, 'clean');
        const next = await variablesOf(await post(hook, '{}'));
        assert.deepEqual(next, { polluted: 'clean', deep: 'clean', built: 'clean', method: -1 });
      });

      test('paths of names that every object has find nothing that was not sent', async () => {
        const hook = await withVariables(
          { name: 'a', path: 'constructor', default_value: 'nothing' },
          { name: 'b', path: 'toString', default_value: 'nothing' },
          { name: 'c', path: '$headers.constructor', default_value: 'nothing' },
          { name: 'd', path: '$headers.__proto__', default_value: 'nothing' },
        );
        const values = await variablesOf(await post(hook, '{}'));
        assert.deepEqual(values, { a: 'nothing', b: 'nothing', c: 'nothing', d: 'nothing' });
      });

      test('a variable may have the name of something that every object has', async () => {
        const hook = await withVariables(
          { name: 'constructor' },
          { name: 'toString' },
          { name: 'hasOwnProperty' },
        );
        const answer = await post(hook, '{"constructor":"a","toString":"b","hasOwnProperty":"c"}');
        assert.deepEqual(await variablesOf(answer), { constructor: 'a', toString: 'b', hasOwnProperty: 'c' });
        assert.equal((await post(hook, '{"toString":{"x":1}}')).status, 422);
      });

      test('NUL and half surrogate pairs in a payload are stored and read again', async () => {
        const hook = await withVariables({ name: 'text' });
        const answer = await post(hook, '{"text":"a\\u0000b\\ud800c","more":"\\u0000"}');
        assert.equal(answer.status, 202);
        assert.deepEqual(await variablesOf(answer), { text: 'a\u0000b\ud800c' });
        const skipping = await unsigned({
          trigger_when: { conditions: [{ path: 'text', accepted_values: ['x'] }] },
        });
        assert.equal((await post(skipping, '{"text":"a\\u0000b\\ud800c"}')).status, 200);
        assert.match((await onlyRecord(skipping)).reason, /must be "x"/);
      });
    });

    describe('records', () => {
      test('a record shows what came in and what was answered, and masks tokens in its headers', async () => {
        const hook = await hookWith();
        const answer = await sendSigned(server, hook, pullRequestPayload(), {
          event: 'pull_request',
          headers: {
            authorization: 'Bearer let-me-in',
            cookie: 'session=let-me-in',
            'x-gitlab-token': 'let-me-in',
          },
        });
        const record = await recordOf(answer.body.hook_request_id);
        assert.equal(record.hook_id, hook.id);
        assert.equal(record.action_id, answer.body.action_id);
        assert.ok(record.url.endsWith(`/api/hooks/${hook.id}/trigger`));
        assert.deepEqual(record.request_body, JSON.parse(pullRequestPayload().toString()));
        assert.equal(record.request_headers['x-github-event'], 'pull_request');
        // Whoever reads it beside the body could send the request again.
        assert.equal(record.request_headers['x-hub-signature-256'], MASK);
        assert.equal(record.request_headers.authorization, MASK);
        assert.equal(record.request_headers.cookie, MASK);
        assert.equal(record.request_headers['x-gitlab-token'], MASK);
        assert.ok(!JSON.stringify(record).includes('let-me-in'));
        assert.equal(record.response_body.action_id, answer.body.action_id);
        assert.equal(record.response_body.hook_request_id, answer.body.hook_request_id);
        assert.ok(record.duration_ms >= 0);
      });

      test('the records of a hook are listed newest first, by pages, each with its reason', async () => {
        const hook = await hookWith();
        await sendSigned(server, hook, '{}');
        await post(hook, '{}');
        await sendSigned(server, hook, '{"a":1}', { event: 'ping' });
        const page = await workplace.api.request<RecordRelation[]>(
          'GET',
          `/hooks/incoming/${hook.id}/requests?per_page=2`,
        );
        assert.deepEqual(
          page.body.map(({ outcome }) => outcome),
          ['skipped', 'refused'],
        );
        assert.match(page.headers.get('link') ?? '', /requests\?per_page=2&page=2>; rel="next"/);
        const [oldest] = await records(hook, '?per_page=2&page=2');
        assert.equal(oldest?.outcome, 'accepted');
        for (const { reason } of page.body) assert.match(reason, /\w+.*[.?]$/);
      });

      test('a record outlives its hook', async () => {
        const hook = await hookWith();
        const answer = await sendSigned(server, hook, '{"a":1}');
        await workplace.api.delete(`/hooks/incoming/${hook.id}`);
        const record = await recordOf(answer.body.hook_request_id);
        assert.deepEqual(record.request_body, { a: 1 });
      });

      test('records are for those who may read the hook', async () => {
        const hook = await hookWith();
        const { body } = await sendSigned(server, hook, '{}');
        const stranger = createApiClient(server.url);
        assert.equal((await stranger.request('GET', `/hooks/incoming/${hook.id}/requests`)).status, 401);
        assert.equal((await stranger.request('GET', `/hook-requests/${body.hook_request_id}`)).status, 401);
        assert.equal((await workplace.api.request('GET', `/hook-requests/${randomUUID()}`)).status, 404);
        assert.equal((await workplace.api.request('GET', '/hook-requests/nonsense')).status, 404);
      });
    });
  });
}

type RawAnswer = { status: number; body: Receipt };

/** A request made of exactly these headers and chunks, chunked unless they give a length. */
async function raw(
  server: TestServer,
  hook: { id: string },
  { headers = {}, chunks }: { headers?: Record<string, string>; chunks: (Buffer | string)[] },
): Promise<RawAnswer> {
  return await new Promise((resolve, reject) => {
    const outgoing = httpRequest(`${server.url}/api/hooks/${hook.id}/trigger`, {
      method: 'POST',
      headers,
      agent: false,
    });
    outgoing.on('response', (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) as Receipt }));
    });
    outgoing.on('error', reject);
    for (const chunk of chunks) outgoing.write(chunk);
    outgoing.end();
  });
}
