import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import { keyPair } from '../src/inventory/servers/key-pair.ts';
import { until } from './support/api-client.ts';
import { browserForTests, untilShown } from './support/browser.ts';
import { buildDashboard } from './support/built-dashboard.ts';
import {
  createApplication,
  createIncomingHook,
  createPipeline,
  openWorkplace,
  sendSigned,
  untilAction,
  type Workplace,
} from './support/fixtures.ts';
import { startReceiver, type Receiver } from './support/receiver.ts';
import { startServer, type TestServer } from './support/server.ts';

const { openSignedIn } = browserForTests();
const account = { email: 'admin@example.com', password: 'correct-horse-battery' };
let server: TestServer;
let receiver: Receiver;

before(async () => {
  await buildDashboard();
  server = await startServer();
  receiver = await startReceiver();
});
after(async () => {
  await server?.stop();
  await receiver?.close();
});

type Scene = {
  /** Each secret by what it is. */
  secrets: Record<string, string>;
  /** What stands in the place of each variable of an address; by what is before it where a name has two meanings. */
  values: Record<string, string | number>;
};

const made = (prefix = '') => `${prefix}${randomUUID().replaceAll('-', '')}`;

/** One of each secret that there is, all of them used by something that ran. */
async function makeSecrets(workplace: Workplace): Promise<Scene> {
  const { api, environmentId, organizationId, projectId } = workplace;
  const hidden = { application: made('hidden-'), server: made('hidden-') };
  const privateKey = keyPair(undefined, 'mine').privateKey;
  const header = made('header-');
  const expires_at = new Date(Date.now() + 86_400_000).toISOString();

  const application = await createApplication(workplace);
  await api.post(`/applications/${application.id}/variables`, {
    key: 'SHOP_SECRET',
    value: hidden.application,
    hidden: true,
  });
  const machine = await api.post<{ id: number }>(`/environments/${environmentId}/servers`, {
    hostname: 'web-1',
    ip_address: '127.0.0.1',
    ssh_port: 1,
    ssh_private_key: privateKey,
  });
  await api.post(`/variables/server/${machine.id}`, {
    key: 'MACHINE_SECRET',
    value: hidden.server,
    hidden: true,
  });

  const pipelineId = await createPipeline(workplace, application, ['echo "it is $SHOP_SECRET"; echo done']);
  const incoming = await createIncomingHook(workplace, pipelineId);
  const hook = await api.post<{ id: string; secret: string }>(`/pipelines/${pipelineId}/hooks/outgoing`, {
    name: 'out',
    target_url: receiver.url,
    signing: true,
    settings: { request_headers: [{ name: 'Authorization', value: `Bearer ${header}` }] },
  });
  const { body: receipt } = await sendSigned(workplace, incoming, JSON.stringify({ ref: 'refs/heads/main' }));
  assert.ok(receipt.action_id, receipt.message);
  await untilAction(workplace, receipt.action_id);
  const deliveries = `/hooks/outgoing/${hook.id}/deliveries`;
  const delivery = await until(
    async () =>
      (await api.get<{ id: string; status: string }[]>(deliveries)).find(
        ({ status }) => status === 'delivered',
      ),
    'a delivery',
  );

  const team = await api.post<{ id: number }>(`/organizations/${organizationId}/teams`, { name: 'Shop' });
  const invitation = await api.post<{ public_accept_url: string }>(`/teams/${team.id}/invitations`, {
    type: 'public',
  });
  const [role] = await api.get<{ id: number }[]>(`/organizations/${organizationId}/roles`);
  const tokenOf = async (path: string, fields: object) =>
    (await api.post<{ token: string }>(path, { name: 'CI', expires_at, ...fields })).token;
  return {
    secrets: {
      'the hidden variable of an application': hidden.application,
      'the hidden variable of a server': hidden.server,
      'the token of a credential': application.accessToken,
      'the private key of a server': privateKey.split('\n')[2] ?? '',
      'the secret of an incoming hook': incoming.secret,
      'the secret of an outgoing hook': hook.secret,
      'a header of an outgoing hook': header,
      'a personal token': await tokenOf('/users/personal-access-tokens', {}),
      'the token of a project': await tokenOf(`/projects/${projectId}/tokens`, { role_id: role?.id }),
      'an invitation': new URL(invitation.public_accept_url).searchParams.get('token') ?? '',
      'a password': account.password,
    },
    values: {
      actionId: receipt.action_id,
      pipelineId,
      'hooks/incoming': incoming.id,
      'hooks/outgoing': hook.id,
      requestId: receipt.hook_request_id,
      deliveryId: delivery.id,
      applicationId: application.id,
      serverId: machine.id,
      teamId: team.id,
    },
  };
}

/** Every address that the router knows, as it stands in the source: a new page cannot be forgotten. */
function addressesOf(values: Scene['values']): string[] {
  const routes = globSync('web/src/pages/**/index.ts').flatMap((file) => {
    const paths = [...readFileSync(file, 'utf8').matchAll(/path: '([^']*)'/g)].map(([, path = '']) => path);
    const isSettings = paths.includes('settings');
    return paths.map((path) => (isSettings && path !== 'settings' ? `settings/${path}` : path));
  });
  assert.ok(routes.length > 20, routes.join(' '));
  const addresses = routes.map((route) => {
    const path = route.replaceAll(/\$(\w+)/g, (_, name: string) => {
      const value = values[name] ?? values[route.slice(0, route.indexOf('/$'))];
      assert.ok(value !== undefined, `a value for $${name} of ${route}`);
      return String(value);
    });
    return `/${path.replace(/^\//, '').replace(/\/$/, '')}`;
  });
  return [
    ...new Set([
      ...addresses,
      '/settings/tokens?of=project',
      `/settings/variables?of=server-${values['serverId']}`,
    ]),
  ];
}

/** Whatever comes from the server, streams included; `settled` waits for what is still on its way. */
async function readTraffic(context: BrowserContext, page: Page) {
  const bodies: { from: string; text: string }[] = [];
  const pending = new Set<Promise<unknown>>();
  page.on('response', (response) => {
    if (response.headers()['content-type']?.startsWith('text/event-stream')) return;
    if (response.status() === 204 || response.status() === 304) return;
    const read = response.text().then(
      (text) => bodies.push({ from: `${response.request().method()} ${response.url()}`, text }),
      // Cut off when the page was left.
      () => undefined,
    );
    pending.add(read);
    void read.finally(() => pending.delete(read));
  });
  const devtools = await context.newCDPSession(page);
  await devtools.send('Network.enable');
  const streams = new Map<string, { from: string; text: string }>();
  const take = (id: string, data: string | undefined) => {
    const stream = streams.get(id);
    if (stream && data) stream.text += Buffer.from(data, 'base64').toString();
  };
  devtools.on('Network.responseReceived', ({ requestId, response }) => {
    if (response.mimeType !== 'text/event-stream') return;
    const stream = { from: `stream ${response.url}`, text: '' };
    streams.set(requestId, stream);
    bodies.push(stream);
    void devtools.send('Network.streamResourceContent', { requestId }).then(
      ({ bufferedData }) => take(requestId, bufferedData),
      () => undefined,
    );
  });
  devtools.on('Network.dataReceived', ({ requestId, data }) => take(requestId, data));
  return {
    bodies,
    settled: async () => {
      while (pending.size > 0) await Promise.all(pending);
    },
  };
}

/** What the page holds: its elements, what its fields contain, and what it has stored. */
const holds = `[
  document.documentElement.outerHTML,
  ...[...document.querySelectorAll('input, textarea')].map((field) => field.value),
  JSON.stringify({ ...localStorage }),
  JSON.stringify({ ...sessionStorage }),
].join('\\n')`;

test('a secret is in no page, and in no traffic', async (t) => {
  const { secrets, values } = await makeSecrets(await openWorkplace(server));
  for (const [what, secret] of Object.entries(secrets)) assert.ok(secret.length > 15, `${what}: ${secret}`);
  const { page, context } = await openSignedIn(t, server.url, '/', { account });
  const traffic = await readTraffic(context, page);

  const found: string[] = [];
  const search = (where: string, text: string) => {
    for (const [what, secret] of Object.entries(secrets)) {
      const forms = [secret, Buffer.from(secret).toString('base64'), encodeURIComponent(secret)];
      if (forms.some((form) => text.includes(form))) found.push(`${what} in ${where}`);
    }
  };
  for (const address of addressesOf(values)) {
    await page.goto(server.url + address);
    await untilShown(page);
    await traffic.settled();
    search(address, await page.evaluate<string>(holds));
    // What is behind tabs, and in the windows in which things are changed.
    for (const tab of await page.getByRole('tab').all()) {
      await tab.click();
      await traffic.settled();
      search(`${address}, a tab`, await page.evaluate<string>(holds));
    }
    const edit = page.getByRole('main').getByRole('button', { name: /^Edit/ });
    if (!/^\/(settings|servers)/.test(address)) {
      // Changed in the page itself, or in a window: either way the fields are there at once.
      if ((await edit.count()) === 0) continue;
      await edit.first().click();
      await traffic.settled();
      search(`${address}, being changed`, await page.evaluate<string>(holds));
      continue;
    }
    for (const button of (await edit.all()).slice(0, 3)) {
      await button.click();
      await page.getByRole('dialog').waitFor();
      search(`${address}, a window`, await page.evaluate<string>(holds));
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    }
  }
  await traffic.settled();
  for (const { from, text } of traffic.bodies) search(from, text);
  assert.deepEqual(found, []);
  // That the search would have found something: what is no secret is there.
  const all = traffic.bodies.map(({ text }) => text).join('\n');
  for (const known of ['SHOP_SECRET', 'MACHINE_SECRET', account.email, String(values['requestId'])])
    assert.ok(all.includes(known), known);
});
