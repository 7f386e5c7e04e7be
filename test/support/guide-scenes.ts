import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { until, type ApiClient } from './api-client.ts';
import type { BlockRun } from './document-shell.ts';
import { json, startFakeProvider, type FakeHost, type FakeProvider } from './fake-provider.ts';
import { startReceiver } from './receiver.ts';

export type Page = {
  api: ApiClient;
  environmentId: number;
  environmentName: string;
  folder: string;
  /** What stands in place of what is printed, since the reader would put something of their own there. */
  places: Record<string, string>;
  /** What `<pipeline_id>` and the like stand for, from what was answered. */
  answers: Record<string, string>;
  /** Runs the block of that name once more, changed if need be. */
  again(name: string, change?: (script: string) => string): Promise<BlockRun>;
};

/** What a document needs around its commands, and what is to come of them, by the names of its blocks. */
export type Scene = (
  t: TestContext,
  page: Page,
) => Promise<{
  before?: Record<string, () => Promise<void>>;
  after?: Record<string, (run: BlockRun) => Promise<void> | void>;
}>;

export const guideScenes: Record<string, Scene> = {
  'docs/guides/github.md': async (t, page) => {
    const { host, status } = await hostWithStatuses(t, page, 'github', '/repos/you/web/statuses/');
    return {
      before: { deliveries: () => untilDelivered(page) },
      after: {
        install: () => assert.deepEqual(host.hooks[0]?.events, ['push']),
        async deliveries() {
          // Of both ways of sending.
          const bodies = (await status.delivered(6)).slice(3);
          assert.deepEqual(
            bodies.map(({ state }) => state),
            ['pending', 'pending', 'success'],
          );
          assert.equal(bodies[0]?.['context'], `hookline/${page.environmentName}/Deploy`);
        },
        'pull request': () => assert.deepEqual(host.hooks[1]?.events, ['pull_request']),
      },
    };
  },

  'docs/guides/gitlab.md': async (t, page) => {
    const { host, status } = await hostWithStatuses(t, page, 'gitlab', '/projects/you%2Fweb/statuses/');
    return {
      before: { deliveries: () => untilDelivered(page) },
      after: {
        install: () => assert.deepEqual(host.hooks[0]?.events, ['push_events']),
        async deliveries() {
          // Of both ways of sending.
          const bodies = (await status.delivered(6)).slice(3);
          assert.deepEqual(
            bodies.map(({ state }) => state),
            ['pending', 'running', 'success'],
          );
        },
        'merge request': () => assert.deepEqual(host.hooks[1]?.events, ['merge_requests_events']),
      },
    };
  },

  'docs/guides/bitbucket.md': async (t, page) => {
    const { host, status } = await hostWithStatuses(t, page, 'bitbucket', '/repositories/you/web/commit/');
    return {
      before: { deliveries: () => untilDelivered(page) },
      after: {
        install: () => assert.deepEqual(host.hooks[0]?.events, ['repo:push']),
        async deliveries() {
          // Of both ways of sending.
          const bodies = (await status.delivered(6)).slice(3);
          assert.deepEqual(
            bodies.map(({ state }) => state),
            ['INPROGRESS', 'INPROGRESS', 'SUCCESSFUL'],
          );
        },
        'pull request': () => assert.ok(host.hooks[1]?.events.includes('pullrequest:created')),
      },
    };
  },

  'docs/guides/ci-commit-status.md': async (t, page) => {
    const github = await startReceiver();
    t.after(() => github.close());
    page.places['https://api.github.com'] = github.url;
    await writeFile(join(page.folder, 'token.txt'), 'ghp_made_up\n');
    // Of the hooks by hand, which name no environment.
    const states = () =>
      github.requests
        // Safe: the assertions look at what is in it.
        .map((request) => request.json() as { state: string; context: string })
        .filter(({ context }) => context === 'ci/hookline(build)')
        .map(({ state }) => state);
    const ended = (state: string, count: number) =>
      github.waitFor(() => states().filter((one) => one === state).length === count, state);
    return {
      after: {
        async run() {
          await ended('success', 1);
          assert.deepEqual(states().toSorted(), ['pending', 'success']);
        },
        broken: async () => void (await ended('failure', 1)),
      },
    };
  },

  'docs/guides/from-devopness.md': async (t, page) => {
    const host = await startReceiver({ tls: true });
    t.after(() => host.close());
    page.answers['target_url'] = `localhost:${host.port}/told`;
    return {};
  },

  'docs/guides/from-adnanh-webhook.md': async (_t, { folder, places }) => {
    // Both ways are shown, and a reader takes one: the hooks of the second are of another name.
    places['hookline import webhook hooks.json\n'] =
      'sed s/redeploy/again/ hooks.json >again.json; hookline import webhook again.json\n';
    return {
      after: {
        file: async ({ stdout }) => {
          assert.match(stdout, /secret: taken from the variable WEBHOOK_SECRET_REDEPLOY/);
          const text = await readFile(join(folder, 'hookline.yaml'), 'utf8');
          assert.ok(!text.includes('the secret of the webhook'));
        },
        apply: ({ stdout }) =>
          assert.match(stdout, /^application deploys, pipeline redeploy, incoming hook redeploy$/m),
        direct: ({ stdout }) => assert.match(stdout, /^again {2}http\S+\/trigger$/m),
      },
    };
  },

  'docs/guides/stripe-provisioning.md': async (t, page) => {
    const stripe = await startReceiver();
    t.after(() => stripe.close());
    page.places['https://api.stripe.com'] = stripe.url;
    await writeFile(join(page.folder, 'whsec.txt'), 'whsec_made_up_for_this_page\n');
    return {
      after: {
        try({ stdout }) {
          for (const name of ['the plan', 'live', 'paid']) assert.match(stdout, new RegExp(`✓ ${name}: `));
        },
        async answer({ stdout }) {
          assert.match(stdout, /\/v1\/customers\/cus_1/);
          await page.again('paid');
          // A repeat runs nothing, so what comes is of a payment of its own.
          assert.equal(stripe.requests.length, 0);
          await page.again('paid', (script) => script.replace('evt_1', 'evt_2'));
          await stripe.waitFor(() => stripe.requests.length > 0, 'what is told to Stripe');
          const request = stripe.requests[0] ?? assert.fail();
          assert.equal(request.path, '/v1/customers/cus_1');
          assert.equal(request.headers.authorization, 'Bearer rk_live_your_key');
          const form = new URLSearchParams(request.body);
          assert.equal(form.get('metadata[provisioned]'), 'completed');
          assert.match(form.get('metadata[provisioned_by]') ?? '', /\/actions\/\d+$/);
        },
      },
    };
  },

  'docs/guides/slack.md': async (t, page) => {
    const slack = await startReceiver();
    t.after(() => slack.close());
    page.places['https://hooks.slack.com'] = slack.url;
    await writeFile(join(page.folder, 'slack.txt'), 'made-up-signing-secret\n');
    return {
      after: {
        preview: ({ stdout }) => assert.match(stdout, /Deploy for web in /),
        async text() {
          const refused = await page.again('command', (script) => script.replace('U0ADA', 'U0EVE'));
          // What Slack shows.
          assert.match((JSON.parse(refused.stdout) as { text: string }).text, /who may deploy/);
          await page.again('command', (script) => script.replace('1.2.made-up', '1.3.made-up'));
          await slack.waitFor(() => slack.requests.length > 0, 'the message');
          assert.deepEqual(slack.requests[0]?.json(), { text: 'web: completed' });
        },
      },
    };
  },
};

/** Until nothing of the environment waits to be sent. */
async function untilDelivered({ api: client, environmentId }: Page): Promise<void> {
  type Delivery = { status: string };
  await until(async () => {
    const hooks = await client.get<{ id: string; type: string }[]>(`/environments/${environmentId}/hooks`);
    const outgoing = hooks.filter(({ type }) => type === 'out');
    const all = await Promise.all(
      outgoing.map(({ id }) => client.get<Delivery[]>(`/hooks/outgoing/${id}/deliveries`)),
    );
    return all.flat().length > 0 && all.flat().every(({ status }) => !/pending|sending/.test(status));
  }, 'the end of all deliveries');
}

/** A git host that keeps webhooks and takes statuses, in place of the one on the internet; its token is in token.txt. */
async function hostWithStatuses(
  t: TestContext,
  { folder, places }: Page,
  kind: FakeHost,
  path: string,
): Promise<{
  host: FakeProvider;
  /** Of the statuses that have come, once there are as many. */
  status: { delivered(count: number): Promise<Record<string, unknown>[]> };
}> {
  const host = await startFakeProvider(kind);
  t.after(async () => {
    await host.close();
    assert.deepEqual(host.faults, []);
  });
  const token = `token-${kind}`;
  await writeFile(join(folder, 'token.txt'), `${token}\n`);
  const withToken = '--set settings.access_token=@token.txt';
  places[withToken] = `${withToken} --set settings.api_url=${host.apiUrl}`;
  const bodies: Record<string, unknown>[] = [];
  host.interrupt((request) => {
    if (request.method !== 'POST' || !request.path.includes(path)) return null;
    assert.equal(request.headers.authorization, `Bearer ${token}`);
    // Safe: the assertions look at what is in it.
    bodies.push(request.json() as Record<string, unknown>);
    return json(201, {});
  });
  const delivered = async (count: number) => {
    await until(async () => bodies.length >= count, `${count} statuses`);
    return bodies;
  };
  return { host, status: { delivered } };
}
