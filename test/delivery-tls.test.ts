import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { until } from './support/api-client.ts';
import { createTestDatabase } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { createApplication, createOutgoingHook, createPipeline } from './support/fixtures.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import type { InProcessApp } from './support/in-process-app.ts';
import { listAll } from './support/lists.ts';
import type { ListedDelivery } from './support/lists.ts';
import { startReceiver, testPem } from './support/receiver.ts';
import type { Receiver, ReceiverTls } from './support/receiver.ts';
import { dumpTables } from './support/table-dump.ts';

type Tls = Record<'ca_certificate' | 'client_certificate' | 'client_key', string | null>;
type Fields = { verify_ssl?: boolean; tls?: Partial<Tls> | null };
type Attempt = { id: string; reason: string; outcome: string; response_status_code: number };

const mask = '********';
const privateCa = { ca_certificate: testPem('private-ca') };
const client = { client_certificate: testPem('client'), client_key: testPem('client-key') };
const otherClient = { client_certificate: testPem('other-client'), client_key: testPem('other-client-key') };

describe('TLS of outgoing hooks', { timeout: 600_000 }, () => {
  const ends = new AsyncDisposableStack();
  after(() => ends.disposeAsync());
  let database: TestDatabase;
  let app: InProcessApp;
  let applicationId: number;

  before(async () => {
    database = ends.adopt(await createTestDatabase('sqlite'), (made) => made.drop());
    app = ends.adopt(await startInProcessApp({ database }), (started) => started.stop());
    applicationId = (await createApplication(app)).id;
  });

  async function receiverFor(t: TestContext, tls: ReceiverTls | false): Promise<Receiver> {
    const receiver = await startReceiver({ tls });
    t.after(() => receiver.close());
    return receiver;
  }

  type Hook = { id: string; pipelineId: number };
  /** A hook of a pipeline of its own; made inactive in the end, since it may go on trying. */
  async function hookFor(t: TestContext, url: string, fields: Fields = {}): Promise<Hook> {
    const pipelineId = await createPipeline(app, { id: applicationId });
    const trigger_when = { events: ['action.completed'] };
    const id = await createOutgoingHook(app, pipelineId, url, { trigger_when, ...fields });
    t.after(() => app.api.put(`/hooks/outgoing/${id}`, { active: false }));
    return { id, pipelineId };
  }

  /** What came of the first attempt about another run. */
  async function tell({ id, pipelineId }: Hook): Promise<ListedDelivery & { attempt: Attempt }> {
    const action = await app.api.post<{ id: number }>(`/pipelines/${pipelineId}/actions`, {});
    return await until(async () => {
      const [delivery] = await app.api.get<ListedDelivery[]>(`/actions/${action.id}/deliveries`);
      if (!delivery || delivery.attempts === 0 || delivery.status === 'sending') return false;
      const [attempt] = await listAll<Attempt>(app.api, `/hooks/outgoing/${id}/requests`);
      return attempt && { ...delivery, attempt };
    }, 'the first attempt');
  }

  const accepted: [what: string, tls: ReceiverTls, fields: Fields][] = [
    ['of a CA that the hook trusts', { certificate: 'private-server' }, { tls: privateCa }],
    [
      'of one of several CAs that the hook trusts',
      { certificate: 'private-server' },
      { tls: { ca_certificate: `# both\n${testPem('other-ca')}\n${testPem('private-ca')}` } },
    ],
    [
      'that is self-signed and trusted as such',
      { certificate: 'self-signed' },
      { tls: { ca_certificate: testPem('self-signed') } },
    ],
    ...['self-signed', 'private-server', 'expired-server', 'early-server', 'misnamed-server'].map(
      (certificate): [string, ReceiverTls, Fields] => [
        `${certificate} without verify_ssl`,
        { certificate },
        { verify_ssl: false },
      ],
    ),
    [
      'of another CA than that of the hook without verify_ssl',
      { certificate: 'private-server' },
      { verify_ssl: false, tls: { ca_certificate: testPem('other-ca') } },
    ],
    [
      'of a receiver that wants a client certificate, and gets it',
      { certificate: 'private-server', clientCa: 'private-ca' },
      { tls: { ...privateCa, ...client } },
    ],
    [
      'of a receiver with TLS 1.2 that wants a client certificate, and gets it',
      { certificate: 'private-server', clientCa: 'private-ca', maxVersion: 'TLSv1.2' },
      { tls: { ...privateCa, ...client } },
    ],
    [
      'of a receiver that wants a client certificate, which need not be verified itself',
      { certificate: 'expired-server', clientCa: 'other-ca' },
      { verify_ssl: false, tls: otherClient },
    ],
  ];
  for (const [what, tls, fields] of accepted) {
    test(`a certificate ${what} is accepted`, async (t) => {
      const receiver = await receiverFor(t, tls);
      const { status, reason } = await tell(await hookFor(t, receiver.url, fields));
      assert.equal(status, 'delivered', reason);
      assert.equal(receiver.requests.length, 1);
    });
  }

  const refused: [what: string, tls: ReceiverTls, fields: Fields, reason: RegExp][] = [
    [
      'that is self-signed',
      { certificate: 'self-signed' },
      {},
      /^TLS: the certificate is self-signed\. Give it/,
    ],
    [
      'of a CA that nobody knows',
      { certificate: 'private-server' },
      {},
      /^TLS: the certificate cannot be verified: its issuer is not known here/,
    ],
    [
      'of another CA than that of the hook',
      { certificate: 'private-server' },
      { tls: { ca_certificate: testPem('other-ca') } },
      /^TLS: the certificate (cannot be verified|is from a CA that is not known here)/,
    ],
    [
      'that has expired',
      { certificate: 'expired-server' },
      { tls: privateCa },
      /^TLS: the certificate has expired/,
    ],
    [
      'that is not valid yet',
      { certificate: 'early-server' },
      { tls: privateCa },
      /^TLS: the certificate is not valid yet/,
    ],
    [
      'for another name',
      { certificate: 'misnamed-server' },
      { tls: privateCa },
      /^TLS: the certificate is for another name/,
    ],
    [
      'of a receiver that wants a client certificate, and the hook has none',
      { certificate: 'private-server', clientCa: 'private-ca' },
      { tls: privateCa },
      /^TLS: the receiver wants a client certificate: give the hook tls.client_certificate and tls.client_key/,
    ],
    [
      'of a receiver with TLS 1.2 that wants a client certificate, and the hook has none',
      { certificate: 'private-server', clientCa: 'private-ca', maxVersion: 'TLSv1.2' },
      { tls: privateCa },
      /^TLS: the receiver broke off the handshake: it wants a client certificate, or/,
    ],
    [
      'of a receiver that wants a client certificate, and verify_ssl is off',
      { certificate: 'private-server', clientCa: 'private-ca' },
      { verify_ssl: false },
      /^TLS: the receiver wants a client certificate: give the hook tls.client_certificate and tls.client_key/,
    ],
  ];
  for (const [what, tls, fields, reason] of refused) {
    test(`a certificate ${what}: nothing is sent, and the reason says it`, async (t) => {
      const receiver = await receiverFor(t, tls);
      const delivery = await tell(await hookFor(t, receiver.url, fields));
      assert.match(delivery.reason, reason);
      assert.match(delivery.reason, /\([A-Z0-9_/]+\)\.$/, 'with the code to search for');
      assert.equal(delivery.status, 'pending', 'it is tried again');
      assert.equal(delivery.attempt.reason, delivery.reason);
      assert.equal(delivery.attempt.outcome, 'failed');
      assert.equal(delivery.attempt.response_status_code, 0);
      assert.equal(receiver.requests.length, 0);
    });
  }

  test('a client certificate of a CA that the receiver does not know is refused by it', async (t) => {
    const receiver = await receiverFor(t, { certificate: 'private-server', clientCa: 'private-ca' });
    const delivery = await tell(await hookFor(t, receiver.url, { tls: { ...privateCa, ...otherClient } }));
    assert.equal(delivery.status, 'pending');
    assert.match(
      delivery.reason,
      /^(TLS: the receiver does not accept|The connection was (reset|closed) by the receiver)/,
    );
    assert.equal(receiver.requests.length, 0);
  });

  test('HTTP at an https address is told as such', async (t) => {
    const receiver = await receiverFor(t, false);
    const delivery = await tell(await hookFor(t, receiver.url.replace('http:', 'https:')));
    assert.match(
      delivery.reason,
      /^TLS: no TLS is spoken at that port; the address may have to begin with http:\/\//,
    );
    assert.equal(receiver.requests.length, 0);
  });

  test('TLS at an http address is told as such', async (t) => {
    const receiver = await receiverFor(t, { certificate: 'private-server' });
    const delivery = await tell(await hookFor(t, receiver.url.replace('https:', 'http:')));
    assert.match(
      delivery.reason,
      /^The connection was closed by the receiver before .* the address has to begin with https:\/\//,
    );
    assert.equal(delivery.status, 'pending');
    assert.equal(receiver.requests.length, 0);
  });

  test('an answer that is not HTTP, such as an alert of TLS, is told as such', async (t) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(Buffer.from('15030100020246', 'hex')));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    t.after(() => once(server.close(), 'close'));
    const { port } = server.address() as AddressInfo;
    const { reason } = await tell(await hookFor(t, `http://127.0.0.1:${port}/`));
    assert.match(
      reason,
      /^The answer cannot be read as HTTP: Response .*\. If TLS is spoken at that port, .* https:\/\/\.$/,
    );
  });

  test('hooks with different TLS settings share no connection; those with the same do', async (t) => {
    const receiver = await receiverFor(t, { certificate: 'private-server', clientCa: 'private-ca' });
    const trusted = await hookFor(t, receiver.url, { tls: { ...privateCa, ...client } });
    const same = await hookFor(t, receiver.url, { tls: { ...privateCa, ...client } });
    const lax = await hookFor(t, receiver.url, { verify_ssl: false, tls: client });
    const nameless = await hookFor(t, receiver.url, { tls: privateCa });
    const strict = await hookFor(t, receiver.url, { tls: client });
    assert.equal((await tell(trusted)).status, 'delivered');
    assert.equal((await tell(same)).status, 'delivered');
    assert.equal(receiver.connections(), 1);
    assert.equal((await tell(lax)).status, 'delivered');
    assert.equal(receiver.connections(), 2);
    // Both connections are open still, and neither is theirs.
    assert.match((await tell(nameless)).reason, /^TLS: the receiver wants a client certificate/);
    assert.match((await tell(strict)).reason, /^TLS: the certificate is from a CA that is not known/);
    assert.equal(receiver.connections(), 4);
    assert.equal(receiver.requests.length, 3);
  });

  test('what is changed in the TLS of a hook counts from the next attempt on', async (t) => {
    const receiver = await receiverFor(t, { certificate: 'private-server' });
    const hook = await hookFor(t, receiver.url, { tls: privateCa });
    assert.equal((await tell(hook)).status, 'delivered');
    await app.api.put(`/hooks/outgoing/${hook.id}`, { tls: { ca_certificate: testPem('other-ca') } });
    assert.match((await tell(hook)).reason, /^TLS: /);
    await app.api.put(`/hooks/outgoing/${hook.id}`, { verify_ssl: false });
    assert.equal((await tell(hook)).status, 'delivered');
    await app.api.put(`/hooks/outgoing/${hook.id}`, { verify_ssl: true, tls: null });
    assert.match((await tell(hook)).reason, /^TLS: /);
    await app.api.put(`/hooks/outgoing/${hook.id}`, { tls: privateCa });
    assert.equal((await tell(hook)).status, 'delivered');
  });

  type Shown = { tls: Tls | null };
  const read = (id: string): Promise<Shown> => app.api.get<Shown>(`/hooks/outgoing/${id}`);

  test('the key is never shown again; its mask sent back keeps it, and null takes it away', async (t) => {
    const receiver = await receiverFor(t, { certificate: 'private-server', clientCa: 'private-ca' });
    const pipelineId = await createPipeline(app, { id: applicationId });
    const body = { name: 'mutual', target_url: receiver.url, trigger_when: { events: ['action.completed'] } };
    const created = await app.api.post<Shown & { id: string }>(`/pipelines/${pipelineId}/hooks/outgoing`, {
      ...body,
      tls: { ...privateCa, ...client },
    });
    const hook = { id: created.id, pipelineId };
    t.after(() => app.api.delete(`/hooks/outgoing/${hook.id}`));
    const shown = { ...privateCa, client_certificate: client.client_certificate, client_key: mask };
    assert.deepEqual(created.tls, shown);
    const before = await read(hook.id);
    assert.deepEqual(before.tls, shown);
    const lists = await Promise.all([
      app.api.get(`/pipelines/${pipelineId}/hooks`),
      app.api.get(`/applications/${applicationId}/hooks`),
      app.api.get(`/organizations/${app.organizationId}/audit-events`),
    ]);
    const keyLines = client.client_key
      .split('\n')
      .filter((line) => line.length > 8 && !line.startsWith('--'));
    const everything = JSON.stringify(lists) + (await dumpTables(database)) + app.log();
    assert.deepEqual(
      keyLines.filter((line) => everything.includes(line)),
      [],
    );

    await app.api.put(`/hooks/outgoing/${hook.id}`, before);
    assert.equal((await tell(hook)).status, 'delivered', 'sent back as it was read');
    await app.api.put(`/hooks/outgoing/${hook.id}`, { name: 'renamed', tls: { client_key: mask } });
    assert.equal((await tell(hook)).status, 'delivered', 'only the mask');
    await app.api.put(`/hooks/outgoing/${hook.id}`, { tls: {} });
    assert.equal((await tell(hook)).status, 'delivered', 'nothing of it');

    const both = { client_certificate: null, client_key: null };
    await app.api.put(`/hooks/outgoing/${hook.id}`, { tls: both });
    assert.deepEqual((await read(hook.id)).tls, { ...privateCa, ...both });
    assert.match((await tell(hook)).reason, /^TLS: the receiver wants a client certificate/);
    await app.api.put(`/hooks/outgoing/${hook.id}`, { tls: { ca_certificate: null } });
    assert.equal((await read(hook.id)).tls, null);
    await app.api.put(`/hooks/outgoing/${hook.id}`, { tls: { ...privateCa, ...client } });
    assert.equal((await tell(hook)).status, 'delivered');
    await app.api.put(`/hooks/outgoing/${hook.id}`, { tls: null });
    assert.equal((await read(hook.id)).tls, null);
  });

  test('a key that comes back in an answer is masked in the record', async (t) => {
    const { client_key } = client;
    const receiver = await startReceiver({
      tls: { certificate: 'private-server', clientCa: 'private-ca' },
      behave: () => ({
        kind: 'answer',
        status: 200,
        headers: { 'x-line': client_key.split('\n')[1]! },
        body: `${client_key} ${encodeURIComponent(client_key)} ${Buffer.from(client_key).toString('base64')}`,
      }),
    });
    t.after(() => receiver.close());
    const { attempt } = await tell(await hookFor(t, receiver.url, { tls: { ...privateCa, ...client } }));
    const record = await app.api.get<{ response_body: { raw: string }; response_headers: object }>(
      `/hook-requests/${attempt.id}`,
    );
    assert.equal(record.response_body.raw, `${mask} ${mask} ${mask}`);
    assert.ok(JSON.stringify(record.response_headers).includes(`"x-line":"${mask}"`));
  });

  const encrypted = generateKeyPairSync('ec', {
    namedCurve: 'prime256v1',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'hush' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const broken = testPem('client').replace(/[A-Za-z0-9+/]{20}/, '????');
  const faulty: [what: string, tls: Partial<Tls>, field: string, message: RegExp][] = [
    ['a CA that is no PEM', { ca_certificate: 'trust me' }, 'tls.ca_certificate', /in PEM/],
    [
      'a CA that is a key',
      { ca_certificate: client.client_key },
      'tls.ca_certificate',
      /a certificate in PEM/,
    ],
    ['a CA that is broken', { ca_certificate: broken }, 'tls.ca_certificate', /in PEM/],
    [
      'a CA of which the second one is broken',
      { ca_certificate: `${testPem('other-ca')}\n${broken}` },
      'tls.ca_certificate',
      /in PEM/,
    ],
    [
      'a certificate that is no PEM',
      { ...client, client_certificate: 'me' },
      'tls.client_certificate',
      /a certificate in PEM/,
    ],
    ['a key that is no PEM', { ...client, client_key: 'secret' }, 'tls.client_key', /a private key in PEM/],
    [
      'a key that is a certificate',
      { ...client, client_key: client.client_certificate },
      'tls.client_key',
      /a private key in PEM/,
    ],
    [
      'a public key in place of the key',
      { ...client, client_key: encrypted.publicKey },
      'tls.client_key',
      /a private key in PEM/,
    ],
    [
      'a key with a passphrase',
      { ...client, client_key: encrypted.privateKey },
      'tls.client_key',
      /passphrase/,
    ],
    [
      'a key of another certificate',
      { ...client, client_key: otherClient.client_key },
      'tls.client_key',
      /is not the key of client_certificate/,
    ],
    [
      'a certificate without its key',
      { client_certificate: client.client_certificate },
      'tls.client_key',
      /is needed together with client_certificate/,
    ],
    [
      'a key without its certificate',
      { client_key: client.client_key },
      'tls.client_certificate',
      /is needed together with client_key/,
    ],
    [
      'a mask in place of a key that never was',
      { client_certificate: client.client_certificate, client_key: mask },
      'tls.client_key',
      /is needed together with client_certificate/,
    ],
  ];
  for (const [what, tls, field, message] of faulty) {
    test(`${what} is answered 422, which names ${field}`, async (t) => {
      const pipelineId = await createPipeline(app, { id: applicationId });
      const path = `/pipelines/${pipelineId}/hooks/outgoing`;
      const { id } = await hookFor(t, 'https://example.com/');
      for (const [method, where, body] of [
        ['POST', path, { name: 'out', target_url: 'https://example.com/', tls }],
        ['PUT', `/hooks/outgoing/${id}`, { tls }],
      ] as const) {
        const answer = await app.api.request<{ errors: { field: string; message: string }[] }>(
          method,
          where,
          body,
        );
        assert.equal(answer.status, 422);
        assert.deepEqual(
          answer.body.errors.map((error) => error.field),
          [field],
        );
        assert.match(answer.body.errors[0]!.message, message);
        assert.doesNotMatch(JSON.stringify(answer.body), /PRIVATE|MIG|hush/, 'and repeats no secret');
      }
      assert.equal((await read(id)).tls, null);
    });
  }

  test('half of a pair that is changed must fit the other half, which is kept', async (t) => {
    const { id } = await hookFor(t, 'https://example.com/', { tls: client });
    for (const [tls, field] of [
      [{ client_key: otherClient.client_key }, 'tls.client_key'],
      [{ client_certificate: otherClient.client_certificate }, 'tls.client_key'],
      [{ client_key: null }, 'tls.client_key'],
      [{ client_certificate: null }, 'tls.client_certificate'],
    ] as const) {
      const answer = await app.api.request<{ errors: { field: string }[] }>('PUT', `/hooks/outgoing/${id}`, {
        tls,
      });
      assert.equal(answer.status, 422);
      assert.equal(answer.body.errors[0]?.field, field);
    }
    await app.api.put(`/hooks/outgoing/${id}`, { tls: otherClient });
    assert.equal((await read(id)).tls?.client_certificate, otherClient.client_certificate);
  });
});
