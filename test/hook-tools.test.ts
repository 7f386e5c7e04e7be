import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { until } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import {
  createApplication,
  createIncomingHook,
  createOutgoingHook,
  createPipeline,
  sendSigned,
  untilAction,
} from './support/fixtures.ts';
import type { Receipt } from './support/fixtures.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import type { InProcessApp } from './support/in-process-app.ts';
import { addPerson, createRole } from './support/people.ts';
import { startReceiver } from './support/receiver.ts';

type Refusal = { message: string };
type TryOut = {
  outcome: string;
  status_code: number;
  reason: string;
  signature: { valid: boolean; reason: string | null };
  variables: Record<string, unknown>;
  conditions: { path: string; met: boolean; found: unknown }[];
  pipeline_id: number | null;
};
type Preview = {
  would_send: boolean;
  reason: string;
  event: string;
  request: { url: string; headers: Record<string, string>; body: string } | null;
  missing: string[];
};
type Listed = { id: string; outcome: string; retry_of: string | null; action_id: number | null };

const minute = 60_000;

for (const kind of databaseKinds) {
  describe(`tools around a hook (${kind})`, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let app: InProcessApp;
    let pipeline: number;

    before(async () => {
      const database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
      app = ends.adopt(await startInProcessApp({ database }), (started) => started.stop());
      const application = await createApplication(app);
      pipeline = await createPipeline(app, application, ['echo "ref $HOOKLINE_VAR_REF"']);
    });

    const variables = { settings: { variables: [{ name: 'ref', path: 'ref', required: true }] } };
    const onMain = {
      trigger_when: { conditions: [{ name: 'main', path: 'ref', accepted_values: ['refs/heads/main'] }] },
    };
    const push = (ref: string) => JSON.stringify({ ref });

    test('after a rotation both secrets are accepted until the time given, and then the new one alone', async () => {
      const hook = await createIncomingHook(app, pipeline);
      const path = `/hooks/incoming/${hook.id}`;
      const rotated = await app.api.post<{ secret: string; previous_secret_valid_until: string }>(
        `${path}/rotate-secret`,
        { previous_valid_for_seconds: 60 },
      );
      assert.notEqual(rotated.secret, hook.secret);
      assert.equal(Date.parse(rotated.previous_secret_valid_until), app.clock.now() + minute);
      const renewed = { id: hook.id, secret: rotated.secret };
      const statuses = async () => [
        (await sendSigned(app, hook, '{}')).status,
        (await sendSigned(app, renewed, '{}')).status,
        (await sendSigned(app, { id: hook.id, secret: 'neither of them' }, '{}')).status,
      ];
      assert.deepEqual(await statuses(), [202, 202, 401]);
      const shown = await app.api.get<{ secret: string; previous_secret_valid_until: string }>(path);
      assert.equal(shown.previous_secret_valid_until, rotated.previous_secret_valid_until);
      assert.ok(!JSON.stringify(shown).includes(rotated.secret));
      await app.clock.advance(minute);
      assert.deepEqual(await statuses(), [401, 202, 401]);
    });

    test('a rotation can end the old secret at once and take a secret that the sender dictates', async () => {
      const hook = await createIncomingHook(app, pipeline);
      const secret = 'dictated by the sender';
      await app.api.post(`/hooks/incoming/${hook.id}/rotate-secret`, {
        secret,
        previous_valid_for_seconds: 0,
      });
      assert.equal((await sendSigned(app, hook, '{}')).status, 401);
      assert.equal((await sendSigned(app, { id: hook.id, secret }, '{}')).status, 202);
    });

    test('a secret that is set by a change ends the one before a rotation too', async () => {
      const hook = await createIncomingHook(app, pipeline);
      await app.api.post(`/hooks/incoming/${hook.id}/rotate-secret`);
      assert.equal((await sendSigned(app, hook, '{}')).status, 202);
      await app.api.put(`/hooks/incoming/${hook.id}`, { secret: 'set on purpose' });
      assert.equal((await sendSigned(app, hook, '{}')).status, 401);
    });

    test('a hook without a secret has none to rotate, and a short secret is refused', async () => {
      const open = await createIncomingHook(app, pipeline, { requires_secret: false });
      const none = await app.api.request<Refusal>('POST', `/hooks/incoming/${open.id}/rotate-secret`);
      assert.equal(none.status, 409);
      assert.match(none.body.message, /no secret to rotate/);
      const hook = await createIncomingHook(app, pipeline);
      const short = await app.api.request('POST', `/hooks/incoming/${hook.id}/rotate-secret`, {
        secret: 'short',
      });
      assert.equal(short.status, 422);
    });

    test('trying a payload out tells signature, variables, conditions and pipeline, and runs nothing', async () => {
      const hook = await createIncomingHook(app, pipeline, { ...variables, ...onMain });
      const path = `/hooks/incoming/${hook.id}`;
      const nothing = await app.api.request('POST', `${path}/test`);
      assert.equal(nothing.status, 409);
      const met = await app.api.post<TryOut>(`${path}/test`, { body: { ref: 'refs/heads/main' } });
      assert.equal(met.outcome, 'accepted');
      assert.equal(met.pipeline_id, pipeline);
      assert.deepEqual(met.variables, { ref: 'refs/heads/main' });
      assert.deepEqual([met.conditions[0]?.met, met.conditions[0]?.found], [true, 'refs/heads/main']);
      assert.equal(met.signature.valid, false);
      assert.match(met.signature.reason ?? '', /missing/);
      const unmet = await app.api.post<TryOut>(`${path}/test`, { body: { ref: 'refs/heads/other' } });
      assert.deepEqual(
        [unmet.outcome, unmet.status_code, unmet.pipeline_id, unmet.conditions[0]?.met],
        ['skipped', 200, null, false],
      );
      const large = JSON.stringify({ ref: 'refs/heads/main', text: '"'.repeat(1_000_000) });
      assert.equal((await app.api.post<TryOut>(`${path}/test`, { body: large })).outcome, 'accepted');
      const broken = await app.api.post<TryOut>(`${path}/test`, { body: '{"ref":' });
      assert.deepEqual([broken.outcome, broken.status_code], ['refused', 400]);
      assert.deepEqual(await app.api.get(`${path}/requests`), []);
    });

    test('a change can be tried before it is saved, by whoever may make it', async () => {
      const hook = await createIncomingHook(app, pipeline, { ...variables, ...onMain });
      const path = `/hooks/incoming/${hook.id}`;
      const before = await app.api.get(path);
      const change = {
        settings: { variables: [{ name: 'where', path: 'ref', transform: { strip_prefix: 'refs/heads/' } }] },
        trigger_when: { conditions: [{ type: 'variable', path: 'where', accepted_values: ['dev'] }] },
        secret: 'another secret than the one it has',
      };
      const body = { ref: 'refs/heads/dev' };
      assert.equal((await app.api.post<TryOut>(`${path}/test`, { body })).outcome, 'skipped');
      const changed = await app.api.post<TryOut>(`${path}/test`, { body, hook: change });
      assert.equal(changed.outcome, 'accepted');
      assert.deepEqual(changed.variables, { where: 'dev' });
      const off = await app.api.post<TryOut>(`${path}/test`, { body, hook: { active: false } });
      assert.equal(off.status_code, 404);
      const unfit = await app.api.request<{ errors: { field: string }[] }>('POST', `${path}/test`, {
        body,
        hook: { trigger_when: { conditions: [{ path: 'ref' }] } },
      });
      assert.equal(unfit.status, 422);
      assert.equal(unfit.body.errors[0]?.field, 'trigger_when.conditions.0.accepted_values');
      assert.deepEqual(await app.api.get(path), before);
      const reader = await addPerson(app, {
        role: await createRole(app, ['hook:read']),
        on: 'environment',
      });
      assert.equal((await reader.api.request('POST', `${path}/test`, { body })).status, 200);
      assert.equal((await reader.api.request('POST', `${path}/test`, { body, hook: change })).status, 403);
    });

    test('the hooks of an environment are listed with the last that came of each', async () => {
      type Row = { id: string; name: string; latest: { outcome: string; reason: string } | null };
      const name = 'Hooks of the list';
      const quiet = await createIncomingHook(app, pipeline, { name });
      const called = await createIncomingHook(app, pipeline, { name, ...variables, ...onMain });
      const outgoing = await createOutgoingHook(app, pipeline, 'http://127.0.0.1:9/', {
        name,
        active: false,
      });
      await sendSigned(app, called, push('refs/heads/main'));
      await sendSigned(app, called, push('refs/heads/other'));
      const path = `/environments/${app.environmentId}/hooks?filter[name]=of the LIST`;
      // What an action tells its hooks is written after the request was answered.
      const rows = await until(async (): Promise<Row[] | false> => {
        const found = await app.api.get<Row[]>(path);
        return found[0]?.latest ? found : false;
      }, 'the delivery that was skipped');
      assert.deepEqual(
        rows.map(({ id, latest }) => [id, latest?.outcome]),
        [
          [outgoing, 'skipped'],
          [called.id, 'skipped'],
          [quiet.id, undefined],
        ],
      );
      assert.match(rows[1]?.latest?.reason ?? '', /must be "refs\/heads\/main"/);
      const incoming = await app.api.get<Row[]>(`${path}&hook_type=incoming`);
      assert.deepEqual(incoming, rows.slice(1));
    });

    test('without a body the last recorded request is tried, or the one that is named', async () => {
      const hook = await createIncomingHook(app, pipeline, variables);
      const path = `/hooks/incoming/${hook.id}/test`;
      const first = await sendSigned(app, hook, push('refs/heads/first'));
      await sendSigned(app, hook, push('refs/heads/second'));
      const last = await app.api.post<TryOut>(path);
      assert.deepEqual(last.variables, { ref: 'refs/heads/second' });
      assert.equal(last.signature.valid, true, 'the recorded signature is still right');
      const named = await app.api.post<TryOut>(path, { hook_request_id: first.body.hook_request_id });
      assert.deepEqual(named.variables, { ref: 'refs/heads/first' });
      const other = await createIncomingHook(app, pipeline);
      const foreign = await app.api.request('POST', `/hooks/incoming/${other.id}/test`, {
        hook_request_id: first.body.hook_request_id,
      });
      assert.equal(foreign.status, 404);
    });

    test('a replay runs the recorded request again, as the hook is now, and says of which it is one', async () => {
      const hook = await createIncomingHook(app, pipeline, { ...variables, ...onMain });
      const skipped = await sendSigned(app, hook, push('refs/heads/late'));
      assert.equal(skipped.status, 200);
      await app.api.put(`/hooks/incoming/${hook.id}`, {
        trigger_when: { conditions: [{ path: 'ref', accepted_values: ['refs/heads/late'] }] },
      });
      const original = skipped.body.hook_request_id;
      const answer = await app.api.request<Receipt>('POST', `/hook-requests/${original}/replay`);
      assert.equal(answer.status, 202);
      assert.equal(answer.headers.get('x-devopness-action-id'), String(answer.body.action_id));
      const action = await untilAction(app, answer.body.action_id!);
      assert.equal(action.status, 'completed');
      const from = action.triggered_from as { hook_parsed_variables: object; user_id: number };
      assert.deepEqual(from.hook_parsed_variables, { ref: 'refs/heads/late' });
      assert.equal(typeof from.user_id, 'number');
      const [replayed] = await app.api.get<Listed[]>(`/hooks/incoming/${hook.id}/requests`);
      assert.deepEqual(
        [replayed?.id, replayed?.retry_of, replayed?.outcome],
        [answer.body.hook_request_id, original, 'accepted'],
      );
      const events = await app.api.get<{ object: { id: string } }[]>(
        `/organizations/${app.organizationId}/audit-events?operation=replayHookRequest`,
      );
      assert.equal(events[0]?.object.id, original);
    });

    test('a replay of a delivery that was accepted before runs it once more, because somebody asked', async () => {
      const hook = await createIncomingHook(app, pipeline);
      const headers = { 'x-github-delivery': 'the-same-delivery' };
      const first = await sendSigned(app, hook, '{}', { headers });
      const repeat = await sendSigned(app, hook, '{}', { headers });
      assert.equal(repeat.body.action_id, first.body.action_id);
      const path = `/hook-requests/${first.body.hook_request_id}/replay`;
      const [one, two] = [await app.api.post<Receipt>(path), await app.api.post<Receipt>(path)];
      assert.equal(new Set([first.body.action_id, one.action_id, two.action_id]).size, 3);
    });

    test('a request that was refused before it was verified cannot be replayed, and says why', async () => {
      const hook = await createIncomingHook(app, pipeline);
      const forged = await sendSigned(app, { id: hook.id, secret: 'forged' }, '{}');
      const path = `/hook-requests/${forged.body.hook_request_id}/replay`;
      const answer = await app.api.request<Refusal>('POST', path);
      assert.equal(answer.status, 409);
      assert.match(answer.body.message, /was not kept/);
    });

    test('a preview shows what a past action would send, masked, and sends nothing', async () => {
      const receiver = ends.adopt(await startReceiver(), (started) => started.close());
      const application = await createApplication(app);
      const own = await createPipeline(app, application, ['true']);
      const hook = await createOutgoingHook(app, own, `${receiver.url}/{{ action.id }}`, {
        settings: {
          request_headers: [
            { name: 'Authorization', value: 'Bearer {{ application.source_provider.access_token }}' },
          ],
          request_body: { state: '{{ action.status }}', nothing: '{{ action.nothing }}' },
        },
        trigger_when: { events: ['action.failed'] },
      });
      const path = `/hooks/outgoing/${hook}/test`;
      assert.equal((await app.api.request('POST', path)).status, 409);
      const { id } = await app.api.post<{ id: number }>(`/pipelines/${own}/actions`);
      await untilAction(app, id);
      const preview = await app.api.post<Preview>(path);
      assert.equal(preview.event, 'action.completed');
      assert.equal(preview.would_send, false);
      assert.match(preview.reason, /does not ask for action.completed/);
      assert.equal(preview.request?.url, `${receiver.url}/${id}`);
      assert.deepEqual(JSON.parse(preview.request?.body ?? ''), { state: 'completed', nothing: '' });
      assert.deepEqual(preview.missing, ['action.nothing']);
      assert.ok(!JSON.stringify(preview).includes(application.accessToken));
      const wanted = await app.api.post<Preview>(path, { action_id: id, event: 'action.failed' });
      assert.equal(wanted.would_send, true);
      assert.equal(
        JSON.parse(wanted.request?.body ?? '').state,
        'failed',
        'as if it had taken the status that the event tells',
      );
      assert.deepEqual(receiver.requests, []);
      const closed = await createOutgoingHook(app, own, 'http://10.0.0.1/', {
        trigger_when: { events: ['action.completed'] },
      });
      const refused = await app.api.post<Preview>(`/hooks/outgoing/${closed}/test`);
      assert.equal(refused.would_send, false);
      assert.match(refused.reason, /private or reserved address/);
      const foreign = await app.api.request('POST', path, { action_id: 999_999 });
      assert.equal(foreign.status, 422);
    });

    test('a hook that is sent to another host does not take along secrets that whoever changes it was never shown', async () => {
      const secret = 'written-out-secret';
      const headers = (value: string) => [{ name: 'X-Api-Key', value }];
      const hook = await createOutgoingHook(app, pipeline, 'https://example.com/a', {
        settings: { request_headers: headers(secret), request_body: { token: secret, text: 'hello' } },
      });
      const path = `/hooks/outgoing/${hook}`;
      const change = async (body: object) => {
        const answer = await app.api.request<{ errors: { field: string }[] } | undefined>('PUT', path, body);
        return [answer.status, answer.body?.errors.map(({ field }) => field)];
      };
      const both = ['settings.request_headers.0.value', 'settings.request_body'];
      const target_url = 'https://elsewhere.example.com/a';
      assert.deepEqual(await change({ target_url }), [422, both]);
      const shown = await app.api.get<object>(path);
      assert.deepEqual(await change({ ...shown, target_url }), [422, both]);
      assert.deepEqual(await change({ target_url: 'https://example.com/b' }), [204, undefined]);
      const known = { request_headers: headers(secret), request_body: { token: secret } };
      assert.deepEqual(await change({ target_url, settings: known }), [204, undefined]);
      const none = { request_headers: [], request_body: null };
      const third = 'https://third.example.com/';
      assert.deepEqual(await change({ target_url: third, settings: none }), [204, undefined]);
    });

    test('a delivery that was rejected is sent again by replay, under the same webhook-id', async () => {
      const receiver = ends.adopt(
        await startReceiver({ behave: () => ({ kind: 'answer', status: 400 }) }),
        (started) => started.close(),
      );
      const application = await createApplication(app);
      const own = await createPipeline(app, application, ['true']);
      const hook = await createOutgoingHook(app, own, receiver.url, {
        trigger_when: { events: ['action.completed'] },
      });
      await app.api.post(`/pipelines/${own}/actions`);
      const list = `/hooks/outgoing/${hook}/requests`;
      const [attempt] = await until(async () => {
        const rows = await app.api.get<Listed[]>(list);
        return rows.length > 0 && rows;
      }, 'the first attempt');
      receiver.setBehaviour(() => ({ kind: 'answer', status: 200 }));
      const answer = await app.api.request('POST', `/hook-requests/${attempt!.id}/replay`);
      assert.equal(answer.status, 202);
      await receiver.waitFor(2);
      assert.equal(receiver.requests[1]!.headers['webhook-id'], receiver.requests[0]!.headers['webhook-id']);
      const [second] = await until(async () => {
        const rows = await app.api.get<Listed[]>(list);
        return rows.length === 2 && rows;
      }, 'the second attempt');
      assert.deepEqual([second?.outcome, second?.retry_of], ['delivered', attempt!.id]);
    });

    test('recover sends all again that failed since a time, and nothing older or delivered', async () => {
      const receiver = ends.adopt(
        await startReceiver({ behave: () => ({ kind: 'answer', status: 400 }) }),
        (started) => started.close(),
      );
      const application = await createApplication(app);
      const own = await createPipeline(app, application, ['true']);
      const hook = await createOutgoingHook(app, own, receiver.url, {
        trigger_when: { events: ['action.completed'] },
        settings: { request_body: { id: '{{ action.id }}' } },
      });
      const run = async () => {
        const { id } = await app.api.post<{ id: number }>(`/pipelines/${own}/actions`);
        await until(async () => {
          const rows = await app.api.get<{ status: string }[]>(`/actions/${id}/deliveries`);
          return rows[0]?.status === 'rejected';
        }, 'the delivery to be rejected');
        return id;
      };
      await run();
      await app.clock.advance(minute);
      const since = new Date(app.clock.now()).toISOString();
      const [second, third] = [await run(), await run()];
      receiver.setBehaviour(() => ({ kind: 'answer', status: 200 }));
      const before_ = receiver.requests.length;
      const path = `/hooks/outgoing/${hook}/recover`;
      type Begun = { status: string; recovered: number };
      const begun = await app.api.post<Begun>(path, { since });
      assert.deepEqual([begun.status, begun.recovered], ['running', 2]);
      const ids = await until(async () => {
        const sent = receiver.requests.slice(before_);
        return sent.length === 2 && sent.map((request) => Number((request.json() as { id: string }).id));
      }, 'two deliveries');
      assert.deepEqual(
        ids.sort((a, b) => a - b),
        [second, third],
      );
      await until(async () => {
        const rows = await app.api.get<{ status: string }[]>(`/hooks/outgoing/${hook}/deliveries`);
        return rows.filter(({ status }) => status === 'delivered').length === 2;
      }, 'both to be recorded');
      // The recovery sees that all of it is sent when it looks the next time.
      await app.clock.advance(minute);
      const again = await until(async () => {
        const answer = await app.api.request<Begun>('POST', path, { since });
        return answer.status === 202 && answer.body;
      }, 'the recovery to have ended');
      assert.deepEqual([again.status, again.recovered], ['completed', 0]);
      const odd = await app.api.request('POST', path, { since: 'yesterday' });
      assert.equal(odd.status, 422);
    });

    test('linking appends a copy of the step of another pipeline, puts back one that was unlinked, and leaves one that is there', async () => {
      const application = await createApplication(app);
      const from = await createPipeline(app, application, ['echo shared']);
      const to = await createPipeline(app, application, ['echo first']);
      type Steps = { steps: { id: number; command: string }[] };
      const stepsOf = async (id: number) => (await app.api.get<Steps>(`/pipelines/${id}`)).steps;
      const [shared] = await stepsOf(from);
      await app.api.post(`/pipelines/${to}/steps/${shared!.id}/link`);
      const steps = await stepsOf(to);
      assert.deepEqual(
        steps.map(({ command }) => command),
        ['echo first', 'echo shared'],
      );
      await app.api.post(`/pipelines/${to}/steps/${steps[1]!.id}/link`);
      assert.equal((await stepsOf(to)).length, 2);
      assert.equal((await stepsOf(from)).length, 1);
      await app.api.delete(`/pipelines/${to}/steps/${steps[0]!.id}/unlink`);
      assert.deepEqual(
        (await stepsOf(to)).map(({ command }) => command),
        ['echo shared'],
      );
      await app.api.post(`/pipelines/${to}/steps/${steps[0]!.id}/link`);
      assert.deepEqual(
        (await stepsOf(to)).map(({ id, command }) => [id, command]),
        [
          [steps[1]!.id, 'echo shared'],
          [steps[0]!.id, 'echo first'],
        ],
      );
      const none = await app.api.request('POST', `/pipelines/${to}/steps/999999/link`);
      assert.equal(none.status, 404);
    });
  });
}
