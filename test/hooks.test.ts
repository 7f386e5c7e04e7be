import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { until } from './support/api-client.ts';
import type { ApiAnswer } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import {
  createApplication,
  createIncomingHook,
  createOutgoingHook,
  createPipeline,
  openWorkplace,
  sendSigned,
  untilAction,
} from './support/fixtures.ts';
import type { TestApplication, Workplace } from './support/fixtures.ts';
import { startReceiver } from './support/receiver.ts';
import type { Receiver } from './support/receiver.ts';
import { startServer } from './support/server.ts';
import type { TestServer } from './support/server.ts';

const MASK = '********';

type Header = { name: string; value: string };
type Hook = {
  id: string;
  name: string;
  type: string;
  url: string | null;
  target_url: string | null;
  secret: string;
  active: boolean;
  action_type: string;
  requires_secret: boolean;
  secret_algorithm: string | null;
  secret_header_name: string | null;
  pipeline_id: number | null;
  settings: { variables?: unknown[]; request_headers?: Header[]; request_body?: unknown };
  trigger_when: { events?: string[]; conditions: unknown[] };
};
type Faults = { message: string; errors: { field: string; message: string }[] | null };

for (const kind of databaseKinds) {
  describe(`the definition of hooks on ${kind}`, () => {
    let database: TestDatabase;
    let server: TestServer;
    let receiver: Receiver;
    let workplace: Workplace;
    let application: TestApplication;
    let pipelineId: number;

    before(async () => {
      database = await createTestDatabase(kind);
      receiver = await startReceiver();
      server = await startServer({ database });
      workplace = await openWorkplace(server);
      application = await createApplication(workplace);
      pipelineId = await createPipeline(workplace, application);
    });
    after(async () => {
      await server?.stop();
      await receiver?.close();
      await database?.drop();
    });

    const send = <T = Faults>(method: string, path: string, body?: unknown): Promise<ApiAnswer<T>> =>
      workplace.api.request<T>(method, path, body);
    const read = (direction: 'incoming' | 'outgoing', id: string) =>
      workplace.api.get<Hook>(`/hooks/${direction}/${id}`);
    const addIncoming = (body: object) =>
      send<Hook & Faults>('POST', `/pipelines/${pipelineId}/hooks/incoming`, { name: 'in', ...body });
    const addOutgoing = (body: object) =>
      send<Hook & Faults>('POST', `/pipelines/${pipelineId}/hooks/outgoing`, {
        name: 'out',
        target_url: 'https://example.com/',
        ...body,
      });
    const older = (body: object = {}) => ({
      name: 'older',
      resource_type: 'application',
      resource_id: application.id,
      action_type: 'deploy',
      ...body,
    });
    const fieldsOf = ({ body }: ApiAnswer<Faults>) =>
      [...new Set((body.errors ?? []).map(({ field }) => field))].sort();

    describe('incoming', () => {
      test('creation shows the URL and the secret, which is shown this once', async () => {
        const { status, body } = await addIncoming({ requires_secret: true });
        assert.equal(status, 201);
        assert.equal(body.type, 'in');
        assert.match(body.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        assert.ok(body.url?.endsWith(`/api/hooks/${body.id}/trigger`));
        assert.match(body.secret, /^[0-9a-f]{64}$/);
        assert.equal(body.secret_algorithm, 'sha256');
        assert.equal(body.secret_header_name, 'x-hub-signature-256');
        assert.equal(body.action_type, 'deploy');
        const shown = [
          await read('incoming', body.id),
          ...(await workplace.api.get<Hook[]>(`/pipelines/${pipelineId}/hooks?per_page=100`)),
          ...(await workplace.api.get<Hook[]>(`/applications/${application.id}/hooks?per_page=100`)),
        ];
        assert.ok(shown.filter(({ id }) => id === body.id).every(({ secret }) => secret === MASK));
        assert.ok(!JSON.stringify(shown).includes(body.secret));
        assert.equal(shown[0]?.url, body.url);
      });

      test('a name is all that a hook without a secret needs', async () => {
        const { status, body } = await addIncoming({});
        assert.equal(status, 201);
        assert.equal(body.requires_secret, false);
        assert.equal(body.secret, '');
        assert.equal((await sendSigned(server, body, '{}')).status, 202);
      });

      test('a change that omits the secret keeps it, and one that sends back the mask too', async () => {
        const hook = await createIncomingHook(workplace, pipelineId);
        assert.equal((await send('PUT', `/hooks/incoming/${hook.id}`, { name: 'renamed' })).status, 204);
        assert.equal((await sendSigned(server, hook, '{}')).status, 202);
        assert.equal(
          (await send('PUT', `/hooks/incoming/${hook.id}`, await read('incoming', hook.id))).status,
          204,
        );
        assert.equal((await sendSigned(server, hook, '{}')).status, 202);
        assert.equal((await read('incoming', hook.id)).name, 'renamed');
      });

      test('a hook that is sent back as it was read stays as it is, without a secret too', async () => {
        for (const fields of [
          {},
          { requires_secret: true, secret_algorithm: 'sha512' },
          { settings: { variables: [{ name: 'a', type: 'string', required: true }] } },
        ]) {
          const { id } = (await addIncoming(fields)).body;
          const shown = await read('incoming', id);
          const answer = await send('PUT', `/hooks/incoming/${id}`, shown);
          assert.equal(answer.status, 204, JSON.stringify(answer.body));
          const { updated_at: _, ...kept } = { updated_at: '', ...(await read('incoming', id)) };
          const { updated_at: __, ...was } = { updated_at: '', ...shown };
          assert.deepEqual(kept, was);
        }
      });

      test('a given secret is used, at creation and by a change, and shown at creation alone', async () => {
        const { body } = await addIncoming({ secret: 'dictated by the sender' });
        assert.equal(body.requires_secret, true);
        assert.equal(body.secret, 'dictated by the sender');
        assert.equal((await sendSigned(server, body, '{}')).status, 202);
        assert.equal(
          (await send('PUT', `/hooks/incoming/${body.id}`, { secret: 'another one' })).status,
          204,
        );
        assert.equal((await sendSigned(server, body, '{}')).status, 401);
        assert.equal((await sendSigned(server, { id: body.id, secret: 'another one' }, '{}')).status, 202);
        assert.equal((await read('incoming', body.id)).secret, MASK);
      });

      test('the mask is never taken for a secret', async () => {
        const { body } = await addIncoming({ requires_secret: true, secret: MASK });
        if (body.id === undefined) return;
        assert.notEqual(
          (await sendSigned(server, { id: body.id, secret: MASK }, '{}')).status,
          202,
          'anyone can sign with the mask',
        );
      });

      test('a secret given to a hook that had none is asked for from then on', async () => {
        const { id } = (await addIncoming({})).body;
        await workplace.api.put(`/hooks/incoming/${id}`, { secret: 'from now on' });
        assert.equal((await sendSigned(server, { id, secret: 'wrong' }, '{}')).status, 401);
        assert.equal((await sendSigned(server, { id, secret: 'from now on' }, '{}')).status, 202);
      });

      test('a hook without a secret cannot be told to require one without getting it', async () => {
        const { id } = (await addIncoming({})).body;
        const answer = await send('PUT', `/hooks/incoming/${id}`, { requires_secret: true });
        assert.equal(answer.status, 422);
        assert.deepEqual(fieldsOf(answer), ['secret']);
        assert.equal((await sendSigned(server, { id, secret: '' }, '{}')).status, 202);
      });

      test('a change of algorithm and header takes effect at once', async () => {
        const hook = await createIncomingHook(workplace, pipelineId);
        await workplace.api.put(`/hooks/incoming/${hook.id}`, {
          secret_algorithm: 'sha1',
          secret_header_name: 'X-Hub-Signature',
        });
        const hidden = { 'x-hub-signature': '' };
        assert.equal((await sendSigned(server, hook, '{}', { headers: hidden })).status, 401);
        assert.equal((await sendSigned(server, hook, '{}')).status, 202);
      });

      test('every fault of an incoming hook is named at once', async () => {
        const answer = await send('POST', `/pipelines/${pipelineId}/hooks/incoming`, {
          name: 'x'.repeat(61),
          requires_secret: 'yes',
          secret_algorithm: 'md5',
          secret_header_name: 'a b',
          settings: {
            variables: [{ name: 'a', type: 'float' }, { name: '1a', type: 'string' }, { type: 'string' }],
          },
          trigger_when: {
            conditions: [
              { path: 'a', accepted_values: [{}] },
              { type: 'nonsense', path: '', accepted_values: ['x'] },
            ],
          },
        });
        assert.equal(answer.status, 422);
        const named = fieldsOf(answer);
        for (const field of [
          'name',
          'requires_secret',
          'secret_algorithm',
          'secret_header_name',
          'settings.variables.0.type',
          'settings.variables.1.name',
          'settings.variables.2.name',
          'trigger_when.conditions.0.accepted_values.0',
          'trigger_when.conditions.1.type',
          'trigger_when.conditions.1.path',
        ]) {
          assert.ok(named.includes(field), `${field} is not among ${named.join(', ')}`);
        }
      });

      test('a default of another type, a repeated name and a short secret are refused', async () => {
        const variables = [
          { name: 'a', type: 'integer', default_value: 'one' },
          { name: 'a', type: 'string' },
          { name: 'b', type: 'array', default_value: 'x' },
          { name: 'c', type: 'boolean', default_value: 0 },
          { name: 'd', type: 'integer', default_value: 1.5 },
        ];
        const answer = await addIncoming({ settings: { variables }, secret: 'short' });
        assert.equal(answer.status, 422);
        assert.deepEqual(fieldsOf(answer), [
          'secret',
          'settings.variables.0.default_value',
          'settings.variables.1.name',
          'settings.variables.2.default_value',
          'settings.variables.3.default_value',
          'settings.variables.4.default_value',
        ]);
      });

      test('a glob in a path that is too long is refused, wherever the path stands', async () => {
        const path = `changes.[name~${'?'.repeat(300)}].id`;
        const answer = await addIncoming({
          settings: { variables: [{ name: 'a', path }], delivery_id_paths: [path] },
          trigger_when: { conditions: [{ path: 'a', fallback_paths: [path], exists: true }] },
        });
        assert.equal(answer.status, 422);
        assert.deepEqual(fieldsOf(answer), [
          'settings.delivery_id_paths.0',
          'settings.variables.0.path',
          'trigger_when.conditions.0.fallback_paths.0',
        ]);
      });

      test('a default of a known variable is checked by the type that it is read with', async () => {
        const fields = (default_value: unknown) => ({
          settings: { variables: [{ name: 'pipeline_id', default_value }] },
        });
        assert.equal((await addIncoming(fields(pipelineId))).status, 201);
        assert.equal((await addIncoming(fields('main'))).status, 422);
      });
    });

    describe('outgoing', () => {
      test('creation gives the definition back, with the usual events where none are named', async () => {
        const { status, body } = await addOutgoing({
          settings: { request_body: { a: ['{{ action.id }}', 1, null] } },
        });
        assert.equal(status, 201);
        assert.equal(body.type, 'out');
        assert.equal(body.url, null);
        assert.equal(body.target_url, 'https://example.com/');
        assert.deepEqual(body.settings.request_body, { a: ['{{ action.id }}', 1, null] });
        assert.deepEqual(body.trigger_when.events, ['action.started', 'action.completed', 'action.failed']);
        assert.equal((await read('outgoing', body.id)).target_url, body.target_url);
      });

      test('a template that does not parse is refused with its field, line and column, all of them at once', async () => {
        const answer = await addOutgoing({
          target_url: 'https://example.com/{{ action.id',
          settings: {
            request_headers: [
              { name: 'x-fine', value: '{{ action.id }}' },
              { name: 'x-bad', value: 'one {% if %}' },
            ],
            request_body: {
              fine: 'yes',
              text: 'first\nsecond {{ action.id | no_such_filter }}',
              list: [{ deep: '{% endfor %}' }],
            },
          },
        });
        assert.equal(answer.status, 422);
        const faults = new Map(answer.body.errors?.map(({ field, message }) => [field, message]));
        const expected: Record<string, RegExp> = {
          target_url: /line 1, column 21/,
          'settings.request_headers.1.value': /line 1, column (5|10)\b/,
          'settings.request_body.text': /line 2, column 8/,
          'settings.request_body.list.0.deep': /line 1, column 1/,
        };
        assert.deepEqual([...faults.keys()].sort(), Object.keys(expected).sort());
        for (const [field, place] of Object.entries(expected))
          assert.match(faults.get(field) ?? '', place, field);
        const text = await addOutgoing({ settings: { request_body: 'hello\n{{ a' } });
        assert.match(text.body.errors?.[0]?.message ?? '', /line 2, column 1/);
      });

      test('a template that does not parse is refused by a change too, which then changes nothing', async () => {
        const id = await createOutgoingHook(workplace, pipelineId, 'https://example.com/ok');
        const answer = await send('PUT', `/hooks/outgoing/${id}`, {
          name: 'changed',
          target_url: 'https://example.com/{{',
        });
        assert.equal(answer.status, 422);
        const hook = await read('outgoing', id);
        assert.deepEqual([hook.name, hook.target_url], ['out', 'https://example.com/ok']);
      });

      for (const [target_url, why] of [
        ['https://<target_url>/{{ action.id }}', /<target_url>/],
        ['ftp://example.com/', /https?:\/\//],
        ['file:///etc/passwd', /https?:\/\//],
        ['javascript:alert(1)', /https?:\/\//],
        ['example.com/x', /https?:\/\//],
        ['{{ action.id }}', /https?:\/\//],
        ['https://', /https?:\/\//],
        ['https://me:secret@example.com/', /password/],
        ['https://token@example.com/', /password/],
        ['', /./],
      ] as const) {
        test(`the target ${JSON.stringify(target_url)} is refused with the reason`, async () => {
          const answer = await addOutgoing({ target_url });
          assert.equal(answer.status, 422);
          assert.deepEqual(fieldsOf(answer), ['target_url']);
          assert.match(answer.body.errors?.[0]?.message ?? '', why);
          assert.ok(!JSON.stringify(answer.body).includes('secret@'));
        });
      }

      test('events must be known, and at least one', async () => {
        const unknown = await addOutgoing({
          trigger_when: { events: ['action.started', 'action.exploded'] },
        });
        assert.equal(unknown.status, 422);
        assert.deepEqual(fieldsOf(unknown), ['trigger_when.events.1']);
        assert.match(unknown.body.errors?.[0]?.message ?? '', /action\.status_changed/);
        assert.deepEqual(fieldsOf(await addOutgoing({ trigger_when: { events: [] } })), [
          'trigger_when.events',
        ]);
        assert.deepEqual(fieldsOf(await addOutgoing({ trigger_when: { events: 'action.started' } })), [
          'trigger_when.events',
        ]);
      });

      test('what is written out in a sensitive header is masked in every answer, and kept when it comes back', async () => {
        const literal = 'zebra-written-out';
        const request_headers: Header[] = [
          { name: 'Authorization', value: `Bearer ${literal}-1` },
          { name: 'X-Api-Key', value: `${literal}-2` },
          { name: 'X-Plain', value: 'shown' },
          { name: 'Private-Token', value: '{{ application.source_provider.access_token }}' },
        ];
        const target = `${receiver.url}/kept`;
        const { body } = await addOutgoing({
          target_url: target,
          settings: { request_headers },
          trigger_when: { events: ['action.completed'] },
        });
        const shown = await read('outgoing', body.id);
        const lists = [
          await workplace.api.get(`/pipelines/${pipelineId}/hooks?per_page=100`),
          await workplace.api.get(`/applications/${application.id}/hooks?per_page=100`),
        ];
        assert.ok(!JSON.stringify([body, shown, lists]).includes(literal));
        assert.deepEqual(
          shown.settings.request_headers?.map(({ value }) => value),
          [`Bearer ${MASK}`, MASK, 'shown', '{{ application.source_provider.access_token }}'],
        );
        assert.equal((await send('PUT', `/hooks/outgoing/${body.id}`, shown)).status, 204);

        const action = await workplace.api.post<{ id: number }>(`/pipelines/${pipelineId}/actions`, {});
        await untilAction(workplace, action.id);
        const [request] = await receiver.waitFor(({ path }) => path === '/kept');
        assert.equal(request.headers.authorization, `Bearer ${literal}-1`);
        assert.equal(request.headers['x-api-key'], `${literal}-2`);
        assert.equal(request.headers['private-token'], application.accessToken);
        const [record] = await until(async () => {
          const requests = await workplace.api.get<{ id: string }[]>(`/hooks/outgoing/${body.id}/requests`);
          return requests.length > 0 && requests;
        }, 'the record of the request');
        const full = JSON.stringify(await workplace.api.get(`/hook-requests/${record?.id}`));
        assert.ok(!full.includes(literal) && !full.includes(application.accessToken), full);
        await workplace.api.delete(`/hooks/outgoing/${body.id}`);
      });

      test('a header can be changed beside others that come back masked', async () => {
        const { body } = await addOutgoing({
          settings: {
            request_headers: [
              { name: 'Authorization', value: 'Bearer old-one' },
              { name: 'X-Api-Key', value: 'old-key' },
            ],
          },
        });
        await workplace.api.put(`/hooks/outgoing/${body.id}`, {
          settings: {
            request_headers: [
              { name: 'X-Api-Key', value: MASK },
              { name: 'Authorization', value: 'token new-one' },
            ],
          },
        });
        const shown = await read('outgoing', body.id);
        assert.deepEqual(shown.settings.request_headers, [
          { name: 'X-Api-Key', value: MASK },
          { name: 'Authorization', value: `token ${MASK}` },
        ]);
      });

      test('a header name or value that could begin another header is refused or made harmless', async () => {
        for (const name of ['', 'a b', 'a:b', 'a\r\nb', 'é']) {
          const answer = await addOutgoing({ settings: { request_headers: [{ name, value: 'x' }] } });
          assert.equal(answer.status, 422, JSON.stringify(name));
          assert.deepEqual(fieldsOf(answer), ['settings.request_headers.0.name']);
        }
      });

      test('a change keeps what it leaves out', async () => {
        const { body } = await addOutgoing({
          settings: { request_headers: [{ name: 'a', value: 'b' }], request_body: { x: 1 } },
          trigger_when: {
            events: ['action.failed'],
            conditions: [{ path: 'action.type', accepted_values: ['deploy'] }],
          },
        });
        await workplace.api.put(`/hooks/outgoing/${body.id}`, { active: false });
        const hook = await read('outgoing', body.id);
        assert.equal(hook.active, false);
        assert.deepEqual(hook.settings, body.settings);
        assert.deepEqual(hook.trigger_when, body.trigger_when);
        await workplace.api.put(`/hooks/outgoing/${body.id}`, { settings: { request_body: null } });
        const changed = await read('outgoing', body.id);
        assert.equal(changed.settings.request_body, null);
        assert.deepEqual(changed.settings.request_headers, body.settings.request_headers);
      });
    });

    describe('both', () => {
      test("an action type that is not the pipeline's is refused, the right one and none are taken", async () => {
        for (const add of [addIncoming, addOutgoing]) {
          const answer = await add({ action_type: 'restart' });
          assert.equal(answer.status, 422);
          assert.deepEqual(fieldsOf(answer), ['action_type']);
          assert.match(answer.body.errors?.[0]?.message ?? '', /deploy/);
          assert.equal((await add({ action_type: 'deploy' })).status, 201);
        }
      });

      test('the older form names its resource and operation, and none of them may be missing', async () => {
        for (const direction of ['incoming', 'outgoing']) {
          const answer = await send('POST', `/hooks/${direction}`, {
            name: 'x',
            target_url: 'https://example.com/',
          });
          assert.equal(answer.status, 422);
          assert.deepEqual(fieldsOf(answer), ['action_type', 'resource_id', 'resource_type']);
          const none = await send(
            'POST',
            `/hooks/${direction}`,
            older({ resource_id: 999_999, target_url: 'https://example.com/' }),
          );
          assert.equal(none.status, 404);
          assert.equal((await send('POST', `/hooks/${direction}`)).status, 422);
        }
      });

      test('the lists of a pipeline and of its application hold both directions and both forms', async () => {
        const own = await createApplication(workplace);
        const [deploy, second] = [await createPipeline(workplace, own), await createPipeline(workplace, own)];
        const restart = await createPipeline(workplace, own, ['true'], { operation: 'restart' });
        const of = (action_type: string) =>
          older({ resource_id: own.id, action_type, target_url: 'https://example.com/' });
        const add = async (direction: string, action_type: string) =>
          (await workplace.api.post<Hook>(`/hooks/${direction}`, of(action_type))).id;
        const onDeploy = [
          (await createIncomingHook(workplace, deploy)).id,
          await createOutgoingHook(workplace, deploy, 'https://example.com/'),
        ];
        const onSecond = [(await createIncomingHook(workplace, second)).id];
        const everyDeploy = [await add('incoming', 'deploy'), await add('outgoing', 'deploy')];
        const everyRestart = [await add('incoming', 'restart')];
        const idsAt = async (path: string) =>
          (await workplace.api.get<Hook[]>(path)).map(({ id }) => id).sort();
        assert.deepEqual(await idsAt(`/pipelines/${deploy}/hooks`), [...onDeploy, ...everyDeploy].sort());
        assert.deepEqual(await idsAt(`/pipelines/${second}/hooks`), [...onSecond, ...everyDeploy].sort());
        assert.deepEqual(await idsAt(`/pipelines/${restart}/hooks`), everyRestart);
        assert.deepEqual(
          await idsAt(`/applications/${own.id}/hooks`),
          [...onDeploy, ...onSecond, ...everyDeploy, ...everyRestart].sort(),
        );
        const older_ = (await workplace.api.get<Hook[]>(`/applications/${own.id}/hooks`)).find(
          ({ id }) => id === everyRestart[0],
        );
        assert.deepEqual([older_?.pipeline_id, older_?.action_type, older_?.type], [null, 'restart', 'in']);
      });

      test('a hook on the pipeline of a server is listed with that server', async () => {
        const machine = await workplace.api.post<{ id: number }>(
          `/environments/${workplace.environmentId}/servers`,
          { hostname: 'hooked' },
        );
        const pipeline = await workplace.api.post<{ id: number }>(`/pipelines/server/${machine.id}`, {
          name: 'restart',
          operation: 'restart',
        });
        const hook = await createIncomingHook(workplace, pipeline.id);
        assert.deepEqual(
          (await workplace.api.get<Hook[]>(`/servers/${machine.id}/hooks`)).map(({ id }) => id),
          [hook.id],
        );
      });

      test("one direction's address does not read, change or delete the other's hook", async () => {
        const incoming = await createIncomingHook(workplace, pipelineId);
        const outgoing = await createOutgoingHook(workplace, pipelineId, 'https://example.com/');
        for (const path of [`/hooks/outgoing/${incoming.id}`, `/hooks/incoming/${outgoing}`]) {
          assert.equal((await send('GET', path)).status, 404);
          assert.equal((await send('PUT', path, { name: 'x' })).status, 404);
          assert.equal((await send('DELETE', path)).status, 404);
          assert.equal((await send('GET', `${path}/requests`)).status, 404);
        }
        assert.equal((await read('incoming', incoming.id.toUpperCase())).id, incoming.id);
      });

      test('a deleted hook is gone from everywhere', async () => {
        const id = await createOutgoingHook(workplace, pipelineId, 'https://example.com/');
        assert.equal((await send('DELETE', `/hooks/outgoing/${id}`)).status, 204);
        assert.equal((await send('GET', `/hooks/outgoing/${id}`)).status, 404);
        assert.equal((await send('DELETE', `/hooks/outgoing/${id}`)).status, 404);
        assert.ok(
          !JSON.stringify(await workplace.api.get(`/pipelines/${pipelineId}/hooks?per_page=100`)).includes(
            id,
          ),
        );
      });
    });
  });
}
