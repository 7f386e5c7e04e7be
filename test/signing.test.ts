import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, mock, test } from 'node:test';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { until } from './support/api-client.ts';
import { createTestDatabase } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { createApplication, createPipeline } from './support/fixtures.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import type { InProcessApp } from './support/in-process-app.ts';
import { listAll } from './support/lists.ts';
import { startReceiver } from './support/receiver.ts';
import type { ReceivedRequest, Receiver } from './support/receiver.ts';
import { dumpTables } from './support/table-dump.ts';

const second = 1000;
const hour = 3600 * second;
const mask = '********';

type Hook = { id: string; pipelineId: number; secret: string };
type Shown = { secret: string; signing: boolean; previous_secret_valid_until: string | null };
type Faults = { errors: { field: string; message: string }[] };

describe('signatures of outgoing hooks', { timeout: 600_000 }, () => {
  const ends = new AsyncDisposableStack();
  after(() => ends.disposeAsync());
  let database: TestDatabase;
  let app: InProcessApp;
  let receiver: Receiver;
  let applicationId: number;

  before(async () => {
    database = ends.adopt(await createTestDatabase('sqlite'), (made) => made.drop());
    app = ends.adopt(await startInProcessApp({ database }), (started) => started.stop());
    receiver = ends.adopt(await startReceiver(), (started) => started.close());
    applicationId = (await createApplication(app)).id;
  });
  beforeEach(() => receiver.setBehaviour(() => ({ kind: 'answer', status: 200 })));

  async function hookWith(fields: Record<string, unknown>): Promise<Hook> {
    const pipelineId = await createPipeline(app, { id: applicationId });
    const { id, secret } = await app.api.post<{ id: string; secret: string }>(
      `/pipelines/${pipelineId}/hooks/outgoing`,
      {
        name: 'signed',
        target_url: `${receiver.url}/${pipelineId}`,
        trigger_when: { events: ['action.completed'] },
        settings: { request_body: { at: '{{ action.id }}' } },
        ...fields,
      },
    );
    return { id, pipelineId, secret };
  }

  const read = (hook: Hook): Promise<Shown> => app.api.get<Shown>(`/hooks/outgoing/${hook.id}`);
  const change = (hook: Hook, fields: object) => app.api.put(`/hooks/outgoing/${hook.id}`, fields);
  const rotate = (hook: Hook, body?: object) =>
    app.api.post<{ secret: string; previous_secret_valid_until: string }>(
      `/hooks/outgoing/${hook.id}/rotate-secret`,
      body,
    );

  const arrivedAt = ({ pipelineId }: Hook): ReceivedRequest[] =>
    receiver.requests.filter(({ path }) => path === `/${pipelineId}`);

  /** The next request of the hook, about another run. */
  async function next(hook: Hook): Promise<ReceivedRequest> {
    const before = arrivedAt(hook).length;
    await app.api.post(`/pipelines/${hook.pipelineId}/actions`, {});
    await receiver.waitFor(() => arrivedAt(hook).length > before);
    return arrivedAt(hook).at(-1)!;
  }

  /** Whether the library takes it, at the time that the app has now. */
  function verifies(secret: string, { headers, bytes }: Pick<ReceivedRequest, 'headers' | 'bytes'>): boolean {
    mock.timers.enable({ apis: ['Date'], now: app.clock.now() });
    try {
      new Webhook(secret).verify(bytes, headers as Record<string, string>, { jsonParse: false });
      return true;
    } catch (error) {
      assert.ok(error instanceof WebhookVerificationError, String(error));
      return false;
    } finally {
      mock.timers.reset();
    }
  }

  async function refusal(
    method: 'POST' | 'PUT',
    path: string,
    body: object,
  ): Promise<Faults['errors'][number]> {
    const answer = await app.api.request<Faults>(method, path, body);
    assert.equal(answer.status, 422, JSON.stringify(answer.body));
    assert.equal(answer.body.errors.length, 1);
    return answer.body.errors[0]!;
  }

  test('signing shows a whsec_ secret once, and with it the library verifies what arrives', async () => {
    const hook = await hookWith({ signing: true });
    assert.match(hook.secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
    const shown = await read(hook);
    assert.equal(shown.secret, mask);
    assert.equal(shown.signing, true);
    const lists = await Promise.all([
      app.api.get(`/pipelines/${hook.pipelineId}/hooks`),
      app.api.get(`/organizations/${app.organizationId}/audit-events`),
    ]);
    assert.ok(!JSON.stringify(lists).includes(hook.secret.slice(6)));

    const request = await next(hook);
    assert.ok(verifies(hook.secret, request));
    assert.ok(!verifies((await hookWith({ signing: true })).secret, request), 'another secret');
    const { headers, bytes } = request;
    assert.ok(!verifies(hook.secret, { headers, bytes: Buffer.concat([bytes, Buffer.from(' ')]) }));
    for (const name of ['webhook-id', 'webhook-timestamp']) {
      const forged = { ...headers, [name]: `${headers[name]}1` };
      assert.ok(!verifies(hook.secret, { headers: forged, bytes }), name);
    }
  });

  test('a hook that does not sign sends id and time, and no signature', async () => {
    const hook = await hookWith({});
    assert.equal(hook.secret, '');
    const { headers } = await next(hook);
    assert.equal(headers['webhook-signature'], undefined);
    assert.match(headers['webhook-id'] as string, /^[0-9a-f-]{36}$/);
    assert.equal(headers['webhook-timestamp'], String(Math.floor(app.clock.now() / second)));
  });

  test('a secret that is given is signed with, and to give one is to want signatures', async () => {
    for (const bytes of [24, 25, 26, 32, 64]) {
      const secret = `whsec_${randomBytes(bytes).toString('base64')}`;
      const hook = await hookWith({ secret });
      assert.equal(hook.secret, secret);
      assert.equal((await read(hook)).signing, true);
      assert.ok(verifies(secret, await next(hook)), `${bytes} bytes`);
    }
  });

  const base64 = (bytes: number) => Buffer.alloc(bytes, 7).toString('base64');
  const badSecrets: Record<string, string> = {
    'without its prefix': base64(32),
    'with another prefix': `whsk_${base64(32)}`,
    'of a prefix alone': 'whsec_',
    'of too few bytes': `whsec_${base64(23)}`,
    'of too many bytes': `whsec_${base64(65)}`,
    'that is no base64': `whsec_${'*'.repeat(44)}`,
    'in base64 for URLs': `whsec_${Buffer.alloc(33, 0xff).toString('base64url')}`,
    'with a line break': `whsec_${base64(32)}\n`,
    'with a space in it': `whsec_${base64(16)} ${base64(16)}`,
  };
  for (const [what, secret] of Object.entries(badSecrets)) {
    test(`a secret ${what} is answered 422`, async () => {
      const hook = await hookWith({ signing: true });
      const path = `/hooks/outgoing/${hook.id}`;
      const body = { name: 'out', target_url: receiver.url, secret };
      const faults = [
        await refusal('POST', `/pipelines/${hook.pipelineId}/hooks/outgoing`, body),
        await refusal('PUT', path, { secret }),
        await refusal('POST', `${path}/rotate-secret`, { secret }),
      ];
      for (const { field, message } of faults) {
        assert.equal(field, 'secret');
        assert.match(message, /whsec_ and 24 to 64 bytes in base64/);
        assert.ok(!message.includes(secret.slice(6) || '\0'));
      }
      assert.ok(verifies(hook.secret, await next(hook)), 'and changes nothing');
    });
  }

  test('after a rotation both secrets verify until the old one has had its time, then the new one alone', async () => {
    const hook = await hookWith({ signing: true });
    const { secret, previous_secret_valid_until: until } = await rotate(hook, {
      previous_valid_for_seconds: 3600,
    });
    assert.notEqual(secret, hook.secret);
    assert.equal(Date.parse(until), app.clock.now() + hour);
    const shown = await read(hook);
    assert.equal(shown.secret, mask);
    assert.equal(shown.previous_secret_valid_until, until);

    for (const wait of [0, hour - 1]) {
      await app.clock.jump(wait);
      const request = await next(hook);
      assert.ok(verifies(secret, request), `the new one after ${wait} ms`);
      assert.ok(verifies(hook.secret, request), `the old one after ${wait} ms`);
      assert.match(request.headers['webhook-signature'] as string, /^v1,\S{44} v1,\S{44}$/);
    }
    await app.clock.jump(1);
    const request = await next(hook);
    assert.ok(verifies(secret, request));
    assert.ok(!verifies(hook.secret, request));
    assert.match(request.headers['webhook-signature'] as string, /^v1,\S{44}$/);
  });

  test('a rotation without time for the old secret ends it at once; of two rotations the first is forgotten', async () => {
    const hook = await hookWith({ signing: true });
    const { secret } = await rotate(hook, { previous_valid_for_seconds: 0 });
    const request = await next(hook);
    assert.ok(verifies(secret, request));
    assert.ok(!verifies(hook.secret, request));

    const given = `whsec_${randomBytes(32).toString('base64')}`;
    await rotate(hook);
    assert.equal((await rotate(hook, { secret: given })).secret, given);
    const later = await next(hook);
    assert.ok(verifies(given, later));
    assert.ok(!verifies(secret, later));
    assert.equal(String(later.headers['webhook-signature']).split(' ').length, 2);

    const set = `whsec_${randomBytes(32).toString('base64')}`;
    await change(hook, { secret: set });
    const last = await next(hook);
    assert.ok(verifies(set, last));
    assert.ok(!verifies(given, last), 'one that is set in place of another ends it');
  });

  test('signing: false stops it; to begin again takes a secret or a rotation, and the refusal says so', async () => {
    const hook = await hookWith({ signing: true });
    await rotate(hook);
    await change(hook, { signing: false });
    const shown = await read(hook);
    assert.deepEqual([shown.signing, shown.secret, shown.previous_secret_valid_until], [false, '', null]);
    assert.equal((await next(hook)).headers['webhook-signature'], undefined);

    const { field, message } = await refusal('PUT', `/hooks/outgoing/${hook.id}`, { signing: true });
    assert.equal(field, 'secret');
    assert.ok(message.includes(`POST /api/hooks/outgoing/${hook.id}/rotate-secret`), message);
    assert.equal((await next(hook)).headers['webhook-signature'], undefined);

    const { secret } = await rotate(hook);
    assert.equal((await read(hook)).signing, true);
    const request = await next(hook);
    assert.ok(verifies(secret, request));
    assert.ok(!verifies(hook.secret, request), 'what was ended stays so');

    await change(hook, { signing: false });
    const given = `whsec_${randomBytes(24).toString('base64')}`;
    await change(hook, { signing: true, secret: given });
    assert.ok(verifies(given, await next(hook)));
  });

  test('a hook that is sent back as it was read keeps its secret', async () => {
    const hook = await hookWith({ signing: true });
    await change(hook, await read(hook));
    assert.ok(verifies(hook.secret, await next(hook)));
  });

  const bodies: Record<string, { body: unknown; type?: string; sent?: RegExp }> = {
    empty: { body: null, sent: /^$/ },
    'of an empty text': { body: '', sent: /^$/ },
    'in many scripts': {
      body: { text: 'Zürich → 東京 😀 \u0001 \u2028 e\u0301 é', id: '{{ action.id | json }}' },
    },
    'with a lone surrogate in its template': { body: { text: 'a\ud800b' } },
    'of text with line ends of all kinds': { body: 'one\r\ntwo\nthree\rfour\t', type: 'text/plain' },
    'that begins with a byte order mark': { body: '\ufeffbom', type: 'text/plain' },
    'of a form': { body: 'a=1&b={{ action.status }}', type: 'application/x-www-form-urlencoded' },
    large: { body: { text: 'ü'.repeat(100_000) } },
  };
  for (const [what, { body, type, sent }] of Object.entries(bodies)) {
    test(`what is signed of a body ${what} is what is sent, byte for byte`, async () => {
      const request_headers = type ? [{ name: 'Content-Type', value: type }] : [];
      const hook = await hookWith({ signing: true, settings: { request_body: body, request_headers } });
      const request = await next(hook);
      if (sent) assert.match(request.body, sent);
      assert.ok(verifies(hook.secret, request));
      // The library decodes the bytes; here they are taken as they are.
      const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signature } = request.headers;
      const signed = createHmac('sha256', Buffer.from(hook.secret.slice(6), 'base64'))
        .update(`${id as string}.${time as string}.`)
        .update(request.bytes)
        .digest('base64');
      assert.equal(signature, `v1,${signed}`);
    });
  }

  test('each attempt bears the same id and is signed for its own time, with the secrets of that time', async () => {
    const hook = await hookWith({ signing: true });
    receiver.setBehaviour(() => ({ kind: 'answer', status: 500 }));
    const first = await next(hook);
    await receiver.waitFor(() => arrivedAt(hook).length === 1);
    const { secret } = await rotate(hook, { previous_valid_for_seconds: 1 });
    receiver.setBehaviour(() => ({ kind: 'answer', status: 200 }));
    await untilTried(hook);
    await app.clock.advance(5 * second);
    await receiver.waitFor(() => arrivedAt(hook).length === 2);
    const again = arrivedAt(hook)[1]!;
    assert.equal(again.headers['webhook-id'], first.headers['webhook-id']);
    assert.equal(Number(again.headers['webhook-timestamp']) - Number(first.headers['webhook-timestamp']), 5);
    assert.deepEqual(again.bytes, first.bytes);
    assert.ok(verifies(secret, again));
    assert.ok(!verifies(hook.secret, again), 'its second is over');
    await app.clock.jump(301 * second);
    assert.ok(!verifies(secret, again), 'too old for the library');
  });

  const untilTried = (hook: Hook) =>
    until(async () => {
      const path = `/hooks/outgoing/${hook.id}/deliveries`;
      const [delivery] = await app.api.get<{ status: string; attempts: number }[]>(path);
      return delivery?.status === 'pending' && delivery.attempts > 0;
    }, 'the first attempt to be settled');

  for (const name of ['webhook-signature', 'Webhook-Signature', 'WEBHOOK-ID', 'webhook-timestamp']) {
    test(`a header ${name} of one's own is refused`, async () => {
      const hook = await hookWith({ signing: true });
      const settings = {
        request_headers: [
          { name: 'X-Fine', value: 'yes' },
          { name, value: 'v1,forged' },
        ],
      };
      const body = { name: 'out', target_url: receiver.url, settings };
      const faults = [
        await refusal('POST', `/pipelines/${hook.pipelineId}/hooks/outgoing`, body),
        await refusal('PUT', `/hooks/outgoing/${hook.id}`, { settings }),
      ];
      for (const { field, message } of faults) {
        assert.equal(field, 'settings.request_headers.1.name');
        assert.equal(message, `${name} is set by Hookline; leave it out`);
      }
    });
  }

  test('the secret is in no record and no table, even when the receiver gives it back', async () => {
    const hook = await hookWith({ signing: true });
    const { secret } = await rotate(hook);
    const keys = [hook.secret, secret].map((one) => one.slice(6));
    receiver.setBehaviour(() => ({
      kind: 'answer',
      status: 200,
      headers: { 'x-echo': secret },
      body: [hook.secret, secret, ...keys, ...keys.map(encodeURIComponent)].join(' '),
    }));
    const { headers } = await next(hook);
    const action = headers['webhook-id'] as string;
    const [{ id }] = await until(async () => {
      const records = await listAll<{ id: string }>(app.api, `/hooks/outgoing/${hook.id}/requests`);
      return records.length > 0 && (records as [{ id: string }]);
    }, 'the record');
    const record = await app.api.get<{
      request_headers: Record<string, string>;
      response_headers: Record<string, string>;
      response_body: { raw: string };
    }>(`/hook-requests/${id}`);
    assert.equal(record.request_headers['webhook-id'], action);
    assert.equal(
      record.request_headers['webhook-signature'],
      headers['webhook-signature'],
      'a proof, no secret',
    );
    assert.equal(record.response_body.raw, Array.from({ length: 6 }, () => mask).join(' '));
    assert.equal(record.response_headers['x-echo'], mask);
    const tables = await dumpTables(database);
    for (const key of keys) {
      assert.ok(!tables.includes(key));
      assert.ok(!tables.includes(encodeURIComponent(key)));
    }
  });
});
