import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createApiClient } from './support/api-client.ts';
import { createTestDatabase } from './support/database.ts';
import { createApplication, createPipeline } from './support/fixtures.ts';
import type { IncomingHook, Receipt } from './support/fixtures.ts';
import { githubPayload } from './support/github.ts';
import {
  changedExample,
  incomingExample,
  incomingExamples,
  providers,
  sendAs,
  signAs,
  type IncomingExample,
  type Provider,
  type SigningScheme,
} from './support/incoming-senders.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import type { InProcessApp } from './support/in-process-app.ts';

type Variable = { name: string; path?: string; type?: string; required?: boolean };
type Condition = { name?: string; path: string; accepted_values: unknown[]; globs?: string[] };
type Hook = IncomingHook & {
  name: string;
  preset: string | null;
  requires_secret: boolean;
  signature_scheme: string | null;
  secret_algorithm: string | null;
  secret_header_name: string | null;
  settings: { variables: Variable[]; delivery_id_paths: string[] };
  trigger_when: { events?: string[]; branches?: string[]; conditions: Condition[] };
  warnings: { field: string; message: string }[];
  updated_at: string;
};
type Refusal = { message: string; errors: { field: string; message: string }[] | null };

const every = { events: ['push', 'tag', 'pull_request'], branches: [] as string[] };
const hosts = ['github', 'gitlab', 'bitbucket', 'gitea'] as const;

/** What a hook is that was made of nothing but the name of its preset, for an application whose default branch is main. */
const filled = {
  github: {
    name: 'GitHub',
    scheme: 'github',
    header: 'x-hub-signature-256',
    ids: ['$headers.x-github-delivery'],
    variables: 'event repository source_type source_ref commit_hash commit_message author',
    conditions: ['event', 'branch or tag', 'not deleted'],
    events: ['push'],
  },
  gitlab: {
    name: 'GitLab',
    scheme: 'gitlab-token',
    header: 'x-gitlab-token',
    ids: ['$headers.webhook-id', '$headers.idempotency-key', '$headers.x-gitlab-event-uuid'],
    variables: 'event repository source_type source_ref commit_hash commit_message author',
    conditions: ['event', 'branch or tag', 'not deleted'],
    events: ['push'],
  },
  bitbucket: {
    name: 'Bitbucket',
    scheme: 'bitbucket',
    header: 'x-hub-signature',
    ids: ['$headers.x-request-uuid', '$headers.x-request-id'],
    variables: 'event repository source_type source_ref commit_hash commit_message author',
    conditions: ['event', 'branch', 'branch or tag'],
    events: ['push'],
  },
  gitea: {
    name: 'Gitea or Forgejo',
    scheme: 'gitea',
    header: 'x-gitea-signature',
    ids: ['$headers.x-gitea-delivery', '$headers.x-forgejo-delivery'],
    variables: 'event repository source_type source_ref commit_hash commit_message author',
    conditions: ['event', 'branch or tag', 'not deleted'],
    events: ['push'],
  },
  stripe: {
    name: 'Stripe',
    scheme: 'stripe',
    header: 'stripe-signature',
    ids: ['id'],
    variables: 'event event_id livemode object_id customer_id customer_email amount currency subscription_id',
    conditions: ['paid', 'no subscription', 'no invoice beside it', 'money has come'],
    events: ['paid'],
  },
  shopify: {
    name: 'Shopify',
    scheme: 'shopify',
    header: 'x-shopify-hmac-sha256',
    ids: ['$headers.x-shopify-webhook-id'],
    variables: 'event shop order_id order_name customer_email total_price currency',
    conditions: ['paid'],
    events: ['paid'],
  },
  slack: {
    name: 'Slack',
    scheme: 'slack',
    header: 'x-slack-signature',
    ids: ['event_id', 'trigger_id'],
    variables: 'event text user_id channel_id team_id',
    conditions: ['not from a bot'],
    events: undefined,
  },
  standard: {
    name: 'Standard Webhooks',
    scheme: 'standard-webhooks',
    header: 'webhook-signature',
    ids: ['$headers.webhook-id'],
    variables: 'event event_id',
    conditions: [],
    events: undefined,
  },
} as const;
type Preset = keyof typeof filled;
// Safe: the keys of the very table.
const presets = Object.keys(filled) as Preset[];

/** A request of each preset's provider that its hook takes as it is made. */
const wanted: Record<Exclude<Preset, 'github'>, string> = {
  gitlab: 'gitlab-push',
  bitbucket: 'bitbucket-push',
  gitea: 'gitea-push',
  stripe: 'stripe-invoice-paid',
  shopify: 'shopify-orders-paid',
  slack: 'slack-event-message',
  standard: 'standard-webhooks-invoice-paid',
};

/** GitHub's real push to `refs/heads/master`, as one to main, or changed further. */
function githubPush(change: Record<string, unknown> = {}): IncomingExample {
  const push = githubPayload('push', ({ ref }) => ref === 'refs/heads/master');
  return github('push', { ...push, ref: 'refs/heads/main', ...change });
}

type PullRequest = { number: number; head: { repo: { id: number } | null } };

function githubPullRequest(
  action: string,
  change: (payload: { pull_request: PullRequest }) => void = () => undefined,
): IncomingExample {
  // Safe: every payload of this event has these.
  const payload = githubPayload('pull_request', (one) => one.action === action) as {
    pull_request: PullRequest;
  };
  change(payload);
  return github('pull_request', payload);
}

function github(event: string, payload: object): IncomingExample {
  const headers = {
    'content-type': 'application/json',
    'x-github-event': event,
    'x-github-delivery': randomUUID(),
  };
  return { name: event, provider: 'github', event, headers, body: Buffer.from(JSON.stringify(payload)) };
}

function exampleFor(preset: Preset): IncomingExample {
  return preset === 'github' ? githubPush() : changedExample(wanted[preset]);
}

/** The variables that an accepted request must have among others; of one that is not, the condition and what was found. */
type Outcome = { variables: Record<string, unknown> } | { unmet: string; found: string } | { says: string };

const ofPush = (source_ref: string, commit_hash: string, more = {}): Outcome => ({
  variables: { source_type: 'branch', source_ref, commit_hash, repository: 'lighthouse/shop', ...more },
});
const ofTag = (source_ref: string, commit_hash: string, more = {}): Outcome => ({
  variables: { source_type: 'tag', source_ref, commit_hash, repository: 'lighthouse/shop', ...more },
});
const ofRequest = (pull_request_id: number, source_ref: string, commit_hash: string, more = {}): Outcome => ({
  variables: {
    source_type: 'branch',
    source_ref,
    commit_hash,
    pull_request_id,
    repository: 'lighthouse/shop',
    ...more,
  },
});
const skipped = (unmet: string, found: string): Outcome => ({ unmet, found });
const ping: Outcome = { says: 'Ping received: the hook is reachable.' };

/** What becomes of each example: at a hook of the preset alone, and at one for every event and branch where that differs. */
const outcomes: Record<string, { usual: Outcome; every?: Outcome }> = {
  'bitbucket-data-center-ping': { usual: ping },
  'bitbucket-data-center-pull-request-from-fork': {
    usual: skipped('event', '"pr:opened"'),
    every: skipped('not from a fork', '97'),
  },
  'bitbucket-data-center-pull-request-opened': {
    usual: skipped('event', '"pr:opened"'),
    every: ofRequest(11, 'feature/checkout', '9d2ca1039f3929c9c42ba10df17fd6dd91fc8708', {
      repository: 'shop',
      pull_request_title: 'Faster checkout',
      author: 'ada',
    }),
  },
  'bitbucket-data-center-refs-changed-several': {
    usual: skipped('branch', '["v1.4.0","feature/old"]'),
    every: ofTag('v1.4.0', '32d22ac3423bdeef1b99311530cd4ad753f0eff7', { repository: 'shop' }),
  },
  'bitbucket-data-center-refs-changed': {
    usual: ofPush('main', '32d22ac3423bdeef1b99311530cd4ad753f0eff7', { repository: 'shop', author: 'ada' }),
  },
  'bitbucket-data-center-source-branch-updated': {
    usual: skipped('event', '"pr:from_ref_updated"'),
    every: ofRequest(11, 'feature/checkout', '46bf600c4e19774ea5b95bc038e3a5cf9553fc34', {
      repository: 'shop',
    }),
  },
  'bitbucket-pull-request-created': {
    usual: skipped('event', '"pullrequest:created"'),
    every: ofRequest(17, 'feature/checkout', 'fe8aa7d4c3a2', { pull_request_title: 'Faster checkout' }),
  },
  'bitbucket-pull-request-from-fork': {
    usual: skipped('event', '"pullrequest:created"'),
    every: skipped('not from a fork', '"{a3a4ba1b-c973-4c29-a75c-75e3629938a1}"'),
  },
  'bitbucket-pull-request-fulfilled': { usual: skipped('event', '"pullrequest:fulfilled"') },
  'bitbucket-pull-request-updated': {
    usual: skipped('event', '"pullrequest:updated"'),
    every: ofRequest(17, 'feature/checkout', '6db303044a8c'),
  },
  'bitbucket-push-branch-deleted': {
    usual: skipped('branch', '[]'),
    every: skipped('branch or tag', 'nothing'),
  },
  'bitbucket-push-several-changes': {
    usual: ofPush('main', '0633961195c27d9d2445e233f84cf07b07986fab'),
  },
  'bitbucket-push-tag': {
    usual: skipped('branch', '["v1.4.0"]'),
    every: ofTag('v1.4.0', '0633961195c27d9d2445e233f84cf07b07986fab'),
  },
  'bitbucket-push-truncated': { usual: ofPush('main', '8aebda3606ac5b4e96f6d81ae6b4ddfd5f335148') },
  'bitbucket-push': {
    usual: ofPush('main', '0633961195c27d9d2445e233f84cf07b07986fab', { event: 'repo:push', author: 'ada' }),
  },
  'forgejo-push': { usual: ofPush('main', 'bd66312f886cb95219bc1a88d3ba2ef0c0e3ecad') },
  'gitea-create-tag': { usual: skipped('event', '"create"') },
  'gitea-delete-branch': { usual: skipped('event', '"delete"') },
  'gitea-pull-request-from-fork': {
    usual: skipped('event', '"pull_request"'),
    every: skipped('not from a fork', '151'),
  },
  'gitea-pull-request-opened': {
    usual: skipped('event', '"pull_request"'),
    every: ofRequest(7, 'feature/checkout', '1818361e105290a41d7b15fb960d4d7dacd510e2', { author: 'ada' }),
  },
  'gitea-pull-request-synchronized': {
    usual: skipped('event', '"pull_request"'),
    every: ofRequest(7, 'feature/checkout', '87123e914dbdc62f954214b6281560f513401f25'),
  },
  'gitea-push-form': { usual: ofPush('main', 'bd66312f886cb95219bc1a88d3ba2ef0c0e3ecad') },
  'gitea-push-tag': {
    usual: skipped('branch or tag', '"refs/tags/v1.4.0"'),
    every: ofTag('v1.4.0', 'bd66312f886cb95219bc1a88d3ba2ef0c0e3ecad'),
  },
  'gitea-push': {
    usual: ofPush('main', 'bd66312f886cb95219bc1a88d3ba2ef0c0e3ecad', {
      commit_message: 'Drop the old price table\n',
      author: 'ada',
    }),
  },
  'gitlab-merge-request-from-fork': {
    usual: skipped('event', '"merge_request"'),
    every: skipped('not from a fork', '73'),
  },
  'gitlab-merge-request-open': {
    usual: skipped('event', '"merge_request"'),
    every: ofRequest(7, 'feature/checkout', 'e509e165120e850b0741e7716ae33f0b96221da4', { author: 'ada' }),
  },
  'gitlab-merge-request-update-title': {
    usual: skipped('event', '"merge_request"'),
    every: skipped('opened or changed', '"update"'),
  },
  'gitlab-merge-request-update': {
    usual: skipped('event', '"merge_request"'),
    every: ofRequest(7, 'feature/checkout', '6214caad9bbb78ccddb003d66b4b529ee9752efe'),
  },
  'gitlab-pipeline': { usual: skipped('event', '"pipeline"') },
  'gitlab-push-branch-deleted': {
    usual: skipped('branch or tag', '"refs/heads/feature/warehouse"'),
    every: skipped('not deleted', `"${'0'.repeat(40)}"`),
  },
  'gitlab-push-many-commits': {
    usual: skipped('branch or tag', '"refs/heads/feature/warehouse"'),
    every: ofPush('feature/warehouse', '23a12df82ca63abced0ebb3af95bc25d9fa1127f'),
  },
  'gitlab-push': {
    usual: ofPush('main', 'd2d75d0a629f330208a3dd1e65620783162dd415', { event: 'push', author: 'ada' }),
  },
  // The tag is annotated: what `after` names is the tag itself, which nobody can check out as a commit.
  'gitlab-tag-push': {
    usual: skipped('event', '"tag_push"'),
    every: ofTag('v1.4.0', 'd2d75d0a629f330208a3dd1e65620783162dd415', { commit_message: 'Version 1.4.0' }),
  },
  'shopify-orders-create': { usual: skipped('paid', '"orders/create"') },
  'shopify-orders-paid': {
    usual: {
      variables: {
        event: 'orders/paid',
        shop: 'lighthouse.myshopify.com',
        order_id: 6_120_482_037_781,
        order_name: '#9999',
        customer_email: 'mira@stone.example',
        total_price: '369.97',
        currency: 'EUR',
      },
    },
  },
  'slack-event-message': {
    usual: {
      variables: {
        event: 'message',
        text: 'deploy shop v1.4.0',
        user_id: 'U0ADA',
        channel_id: 'C0DEPLOYS',
        team_id: 'T0LIGHTHOUSE',
      },
    },
  },
  // The examples are of one event: the first that comes runs.
  'slack-event-message-retried': { usual: { variables: { event: 'message', text: 'deploy shop v1.4.0' } } },
  'slack-interactivity': {
    usual: {
      variables: {
        event: 'block_actions',
        text: 'v1.4.0',
        user_id: 'U0ADA',
        channel_id: 'C0DEPLOYS',
        team_id: 'T0LIGHTHOUSE',
      },
    },
  },
  'slack-slash-command': {
    usual: {
      variables: {
        event: '/deploy',
        text: 'shop v1.4.0',
        user_id: 'U0ADA',
        channel_id: 'C0DEPLOYS',
        team_id: 'T0LIGHTHOUSE',
      },
    },
  },
  'slack-url-verification': { usual: { says: 'The challenge is answered.' } },
  'standard-webhooks-invoice-paid': {
    usual: { variables: { event: 'invoice.paid', event_id: 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W' } },
  },
  'stripe-checkout-session-completed': { usual: skipped('no subscription', '"subscription"') },
  'stripe-invoice-paid': {
    usual: {
      variables: {
        event: 'invoice.paid',
        event_id: 'evt_1RlHookline0001',
        livemode: false,
        object_id: 'in_1RlHookline0001',
        customer_id: 'cus_Hookline0001',
        customer_email: 'mira@stone.example',
        amount: 2900,
        currency: 'eur',
        subscription_id: 'sub_1RlHookline0001',
      },
    },
  },
  'stripe-invoice-payment-failed': { usual: skipped('paid', '"invoice.payment_failed"') },
};

describe('presets of incoming hooks', { timeout: 600_000 }, () => {
  const ends = new AsyncDisposableStack();
  after(() => ends.disposeAsync());
  let app: InProcessApp;
  let pipeline: number;

  before(async () => {
    const database = ends.adopt(await createTestDatabase('sqlite'), (made) => made.drop());
    // Nothing needs to run: what an action would get is known when it is created.
    const env = { HOOKLINE_ROLE: 'api' };
    app = ends.adopt(await startInProcessApp({ database, env }), (started) => started.stop());
    pipeline = await createPipeline(app, await createApplication(app));
  });

  const tryToCreate = (body: object, on = pipeline) =>
    app.api.request<Hook & Refusal>('POST', `/pipelines/${on}/hooks/incoming`, body);
  let created = 0;
  const create = async (body: object, on?: number): Promise<Hook> => {
    // An application has at most 200 hooks.
    if (++created % 150 === 0) pipeline = await createPipeline(app, await createApplication(app));
    const answer = await tryToCreate(body, on);
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    return answer.body;
  };
  /** With a secret where the provider makes that. */
  const createFor = (preset: Preset, more: object = {}, on?: number): Promise<Hook> => {
    const ofPreset = Object.values(providers).find((one) => one.preset === preset);
    const secret = ofPreset?.ownSecret ?? null;
    return create({ preset, ...(secret === null ? {} : { secret }), ...more }, on);
  };
  const read = (hook: { id: string }) => app.api.get<Hook>(`/hooks/incoming/${hook.id}`);
  const put = (hook: { id: string }, body: object) =>
    app.api.request<Refusal>('PUT', `/hooks/incoming/${hook.id}`, body);
  const send = (hook: IncomingHook, example: IncomingExample, scheme?: SigningScheme) =>
    // Safe: examples are of these providers alone.
    sendAs(scheme ?? providers[example.provider as Provider].scheme, app, hook, example, {
      at: app.clock.now(),
    });
  const variablesOf = async ({ action_id }: Receipt): Promise<Record<string, unknown>> => {
    type Action = { triggered_from: { hook_parsed_variables: Record<string, unknown> } };
    const { triggered_from } = await app.api.get<Action>(`/actions/${action_id}`);
    return triggered_from.hook_parsed_variables;
  };

  const assertOutcome = async (hook: IncomingHook, example: IncomingExample, expected: Outcome) => {
    const { status, body } = await send(hook, example);
    if ('variables' in expected) {
      // Slack's commands and buttons want a 200, and show its text.
      const isSlackForm = example.name.startsWith('slack-s') || example.name.startsWith('slack-i');
      assert.equal(status, isSlackForm ? 200 : 202, body.message);
      if (isSlackForm) assert.equal((body as { text?: string }).text, body.message);
      assert.match(body.message, /^Accepted as action \d+\.$/);
      const variables = await variablesOf(body);
      const among = Object.fromEntries(
        Object.keys(expected.variables).map((name) => [name, variables[name]]),
      );
      assert.deepEqual(among, expected.variables);
      return;
    }
    assert.equal(status, 200, body.message);
    assert.equal(body.action_id, null);
    if ('says' in expected) return assert.equal(body.message, expected.says);
    assert.match(body.message, /^Condition \d of \d /);
    assert.ok(body.message.includes(` (${expected.unmet}) is not met: `), body.message);
    assert.ok(body.message.endsWith(`, and found was ${expected.found}.`), body.message);
  };

  const assertRoundTrip = async (hook: { id: string }) => {
    const shown = await read(hook);
    const answer = await put(hook, shown);
    assert.equal(answer.status, 204, JSON.stringify(answer.body));
    const { updated_at: _, ...kept } = await read(hook);
    const { updated_at: __, ...was } = shown;
    assert.deepEqual(kept, was);
  };

  describe('what they fill in', () => {
    for (const preset of presets) {
      test(`nothing but the preset ${preset} makes a hook that is complete`, async () => {
        const expected = filled[preset];
        const hook = await create({ preset });
        assert.deepEqual(
          {
            preset: hook.preset,
            name: hook.name,
            scheme: hook.signature_scheme,
            algorithm: hook.secret_algorithm,
            header: hook.secret_header_name,
            ids: hook.settings.delivery_id_paths,
            variables: hook.settings.variables.map(({ name }) => name).join(' '),
            conditions: hook.trigger_when.conditions.map(({ name }) => name),
            events: hook.trigger_when.events,
          },
          { preset, algorithm: 'sha256', ...expected },
        );
        assert.equal(hook.requires_secret, true);
        const isOurs = !['stripe', 'slack', 'shopify'].includes(preset);
        const form = preset === 'standard' ? /^whsec_[A-Za-z0-9+/]{32,}=*$/ : /^[0-9a-f]{64}$/;
        assert.match(hook.secret, isOurs ? form : /^$/);
        assert.deepEqual(
          hook.warnings.map(({ field }) => field),
          isOurs ? [] : ['secret'],
        );
      });

      test(`a hook of the preset ${preset} that is sent back as it was read stays as it is, and its secret too`, async () => {
        const hook = await createFor(preset);
        await assertRoundTrip(hook);
        assert.equal((await send(hook, exampleFor(preset))).status, 202);
      });
    }

    for (const preset of hosts) {
      test(`a hook of the preset ${preset} for twenty branches, tags and pull requests can be sent back too`, async () => {
        const names = Array.from({ length: 18 }, (_, index) => `team-${index}/a-branch-with-a-long-name`);
        const trigger_when = { events: every.events, branches: ['main', 'release/*', ...names] };
        const hook = await createFor(preset, { trigger_when });
        await assertRoundTrip(hook);
        assert.equal((await send(hook, exampleFor(preset))).status, 202);
      });

      test(`a hook of the preset ${preset} for tags, or for pull requests, alone takes nothing else`, async () => {
        const on = (event: string) => createFor(preset, { trigger_when: { events: [event], branches: [] } });
        const [tags, requests] = [await on('tag'), await on('pull_request')];
        const push = async () => exampleFor(preset);
        assert.equal((await send(tags, await push())).status, 200);
        assert.equal((await send(requests, await push())).status, 200);
        const tag = preset === 'github' ? githubTag() : changedExample(tagOf[preset]);
        assert.equal((await send(tags, tag)).status, 202);
        assert.equal((await send(requests, tag)).status, 200);
        const request = preset === 'github' ? githubPullRequest('opened') : changedExample(requestOf[preset]);
        assert.equal((await send(tags, request)).status, 200);
        assert.equal((await send(requests, request)).status, 202);
        for (const hook of [tags, requests]) await assertRoundTrip(hook);
      });
    }

    for (const preset of ['stripe', 'slack', 'shopify'] as const) {
      test(`a hook of ${preset}, which makes the secret itself, refuses everything until it has that, and says so`, async () => {
        const hook = await create({ preset });
        const { ownSecret } = providers[preset];
        const early = await send({ id: hook.id, secret: ownSecret }, exampleFor(preset));
        assert.equal(early.status, 401);
        assert.match(early.body.message, /^The hook has no secret yet: .+\.$/);
        const empty = await send({ id: hook.id, secret: '' }, exampleFor(preset));
        assert.equal(empty.status, 401, 'anybody can sign with nothing');
        await assertRoundTrip(hook);
        const [warning] = (await read(hook)).warnings;
        assert.match(warning?.message ?? '', /every request is refused/);
        assert.equal((await put(hook, { secret: ownSecret })).status, 204);
        assert.deepEqual((await read(hook)).warnings, []);
        assert.equal((await send({ id: hook.id, secret: ownSecret }, exampleFor(preset))).status, 202);
      });
    }

    test('pushes to the default branch of the application count, whatever it is called', async () => {
      const own = await createPipeline(app, await createApplication(app, { default_branch: 'trunk' }));
      for (const preset of hosts) {
        const hook = await createFor(preset, {}, own);
        const example = exampleFor(preset);
        assert.equal((await send(hook, example)).status, 200, preset);
        const body = Buffer.from(
          example.body
            .toString()
            .replaceAll('"refs/heads/main"', '"refs/heads/trunk"')
            .replaceAll('"name":"main"', '"name":"trunk"'),
        );
        assert.equal((await send(hook, { ...example, body })).status, 202, preset);
      }
    });

    test('a pipeline of a server has no default branch: pushes to every branch count', async () => {
      const server = await app.api.post<{ id: number }>(`/environments/${app.environmentId}/servers`, {
        hostname: `server-${randomUUID().slice(0, 8)}`,
      });
      const own = await app.api.post<{ id: number }>(`/pipelines/server/${server.id}`, {
        name: 'configure',
        operation: 'configure',
        steps: [{ command: 'true' }],
      });
      for (const preset of presets) {
        const hook = await createFor(preset, {}, own.id);
        await assertRoundTrip(hook);
        assert.equal((await send(hook, exampleFor(preset))).status, 202, preset);
      }
      const hook = await createFor('github', {}, own.id);
      assert.equal((await send(hook, githubPush({ ref: 'refs/heads/any/branch' }))).status, 202);
      assert.equal((await send(hook, githubTag())).status, 200);
    });

    test('the older form takes a preset too', async () => {
      const application = await createApplication(app, { default_branch: 'release' });
      await createPipeline(app, application);
      const hook = await app.api.post<Hook>('/hooks/incoming', {
        preset: 'github',
        resource_type: 'application',
        resource_id: application.id,
        action_type: 'deploy',
      });
      assert.equal((await send(hook, githubPush())).status, 200);
      assert.equal((await send(hook, githubPush({ ref: 'refs/heads/release' }))).status, 202);
    });
  });

  describe('what can be said instead', () => {
    test('name, header, algorithm, encoding and prefix of the signature', async () => {
      const hook = await create({
        preset: 'github',
        name: 'Mine',
        secret_header_name: 'X-Hub-Signature',
        secret_algorithm: 'sha1',
      });
      assert.deepEqual(
        [hook.name, hook.signature_scheme, hook.secret_header_name, hook.secret_algorithm],
        ['Mine', 'github', 'x-hub-signature', 'sha1'],
      );
      const odd = await create({
        preset: 'shopify',
        secret: 'made by the sender',
        secret_header_name: 'X-Other',
        signature_encoding: 'hex',
        signature_prefix: 'sig=',
      });
      await assertRoundTrip(odd);
      const example = changedExample('shopify-orders-paid');
      const { body, headers } = example;
      const made = signAs('gitea', { secret: odd.secret, body, headers, seconds: 0 });
      const other = { ...headers, 'x-other': `sig=${made['x-gitea-signature']}` };
      assert.equal((await send(odd, { ...example, headers: other })).status, 202);
    });

    test('the scheme, as for a GitLab that signs', async () => {
      const secret = `whsec_${Buffer.alloc(32, 'k').toString('base64')}`;
      for (const given of [
        { preset: 'gitlab', secret },
        { preset: 'gitlab', signature_scheme: 'gitlab-signed' },
      ]) {
        const hook = await create(given);
        assert.deepEqual(
          [hook.signature_scheme, hook.secret_header_name],
          ['gitlab-signed', 'webhook-signature'],
        );
        assert.match(hook.secret, /^whsec_/);
        const example = changedExample('gitlab-push');
        assert.equal((await send(hook, example, 'gitlab-token')).status, 401, 'its token alone is enough');
        assert.equal((await send(hook, example, 'gitlab-signed')).status, 202);
        await assertRoundTrip(hook);
      }
    });

    test('that nothing is signed', async () => {
      const hook = await create({ preset: 'stripe', requires_secret: false });
      assert.deepEqual(
        [
          hook.signature_scheme,
          hook.secret_header_name,
          hook.secret,
          hook.warnings.map(({ field }) => field),
        ],
        [null, null, '', ['requires_secret']],
      );
      assert.equal((await send(hook, exampleFor('stripe'))).status, 202);
      await assertRoundTrip(hook);
    });

    test('a variable by its name, beside those of the preset, and more of them', async () => {
      const variables = [
        { name: 'author', path: 'pusher.email', type: 'string' },
        { name: 'forced', type: 'boolean' },
      ];
      const hook = await create({ preset: 'github', settings: { variables } });
      const names = hook.settings.variables.map(({ name }) => name);
      assert.deepEqual(names.toSorted(), [...filled.github.variables.split(' '), 'forced'].toSorted());
      const push = githubPush({ pusher: { email: 'ada@lighthouse.example' } });
      const found = await variablesOf((await send(hook, push)).body);
      assert.deepEqual(
        [found.author, found.forced, found.source_ref],
        ['ada@lighthouse.example', false, 'main'],
      );
    });

    test('conditions, all of them at once', async () => {
      const conditions = [{ path: 'ref', accepted_values: ['refs/heads/dev'] }];
      const hook = await create({ preset: 'github', trigger_when: { conditions } });
      assert.equal(hook.trigger_when.conditions.length, 1);
      assert.equal((await send(hook, githubPush())).status, 200);
      assert.equal((await send(hook, githubPush({ ref: 'refs/heads/dev' }))).status, 202);
      const none = await create({ preset: 'github', trigger_when: { conditions: [] } });
      assert.deepEqual(none.trigger_when.conditions, []);
      // What they kept out comes in: that is said.
      assert.equal(none.trigger_when.branches, undefined);
      assert.deepEqual(
        none.warnings.map(({ field }) => field),
        ['trigger_when.conditions'],
      );
      assert.equal((await send(none, githubPush({ ref: 'refs/heads/dev' }))).status, 202);
    });

    test('where the id of a delivery stands', async () => {
      const hook = await create({ preset: 'github', settings: { delivery_id_paths: ['head_commit.id'] } });
      assert.deepEqual(hook.settings.delivery_id_paths, ['head_commit.id']);
      const [first, second] = [await send(hook, githubPush()), await send(hook, githubPush())];
      assert.equal(second.body.action_id, first.body.action_id);
    });

    test('anything of it later, by a change', async () => {
      const hook = await createFor('gitea');
      const shown = await read(hook);
      const conditions = shown.trigger_when.conditions.filter(({ name }) => name !== 'branch or tag');
      assert.equal((await put(hook, { ...shown, trigger_when: { conditions } })).status, 204);
      const example = changedExample('gitea-push', (payload) => (payload.ref = 'refs/heads/other'));
      assert.equal((await send(hook, example)).status, 202);
    });

    test('branches by name and by pattern: the pattern stays within a part of the name', async () => {
      for (const preset of hosts) {
        const branches = ['main', 'release/*'];
        const hook = await createFor(preset, { trigger_when: { branches } });
        const push = (branch: string) => branchPush(preset, branch);
        for (const [branch, status] of [
          ['main', 202],
          ['release/1', 202],
          ['release/1/2', 200],
          ['main2', 200],
          ['Main', 200],
          ['a/main', 200],
        ] as const) {
          const answer = await send(hook, push(branch));
          assert.equal(answer.status, status, `${preset}: ${branch}: ${answer.body.message}`);
        }
      }
    });

    test('patterns of branches leave tags and pull requests as they are', async () => {
      for (const preset of hosts) {
        const trigger_when = { events: every.events, branches: ['release/*'] };
        const hook = await createFor(preset, { trigger_when });
        const tag = preset === 'github' ? githubTag() : changedExample(tagOf[preset]);
        const request = preset === 'github' ? githubPullRequest('opened') : changedExample(requestOf[preset]);
        for (const example of [tag, request]) {
          const answer = await send(hook, example);
          assert.equal(answer.status, 202, `${preset}: ${answer.body.message}`);
        }
        assert.equal((await send(hook, branchPush(preset, 'main'))).status, 200, preset);
      }
    });
  });

  describe('what they refuse', () => {
    const refusals: [what: string, body: object, field: string, message: RegExp][] = [
      [
        'an event that the preset does not know',
        { preset: 'github', trigger_when: { events: ['push', 'paid'] } },
        'trigger_when.events',
        /paid is none of the preset github\. Its events are push, tag, pull_request/,
      ],
      [
        'a push of a payment',
        { preset: 'stripe', trigger_when: { events: ['push'] } },
        'trigger_when.events',
        /push is none of the preset stripe\. Its events are paid/,
      ],
      [
        'an event of a preset that has none',
        { preset: 'slack', trigger_when: { events: ['push'] } },
        'trigger_when.events',
        /push is none of the preset slack\. It has none to choose from/,
      ],
      [
        'an event that nobody knows',
        { preset: 'github', trigger_when: { events: ['pushed'] } },
        'trigger_when.events.0',
        /push/,
      ],
      ['no event at all', { preset: 'github', trigger_when: { events: [] } }, 'trigger_when.events', /\w/],
      [
        'branches of a preset that knows no pushes',
        { preset: 'stripe', trigger_when: { branches: ['main'] } },
        'trigger_when.branches',
        /stripe/,
      ],
      [
        'events without a preset',
        { name: 'in', trigger_when: { events: ['push'] } },
        'trigger_when.events',
        /needs a preset/,
      ],
      [
        'branches without a preset',
        { name: 'in', trigger_when: { branches: ['main'] } },
        'trigger_when.branches',
        /needs a preset/,
      ],
      ['a hook with neither name nor preset', {}, 'name', /required without a preset/],
      ['a preset that nobody knows', { preset: 'gitHub' }, 'preset', /github/],
      [
        'a secret that is none for the scheme',
        { preset: 'standard', secret: 'not a whsec_ one' },
        'secret',
        /whsec_/,
      ],
    ];
    for (const [what, body, field, message] of refusals) {
      test(`${what} is refused with the field and the reason`, async () => {
        const answer = await tryToCreate(body);
        assert.equal(answer.status, 422, JSON.stringify(answer.body));
        const fault = answer.body.errors?.find((one) => one.field === field);
        assert.match(fault?.message ?? `only ${JSON.stringify(answer.body.errors)}`, message);
      });
    }

    test('other events and branches make conditions and variables anew; what was added by hand stays', async () => {
      for (const preset of hosts) {
        const mine = { name: 'mine', path: 'repository.id', type: 'string', default_value: 'none' };
        const hook = await createFor(preset, { settings: { variables: [mine] } });
        const wanted = { events: ['push', 'pull_request'], branches: ['dev', 'release/*'] };
        assert.equal((await put(hook, { trigger_when: wanted })).status, 204);
        const anew = await createFor(preset, { trigger_when: wanted, settings: { variables: [mine] } });
        const [changed, made] = [await read(hook), await read(anew)];
        assert.deepEqual(changed.trigger_when, made.trigger_when);
        assert.deepEqual(changed.settings, made.settings);
        assert.equal((await send(hook, exampleFor(preset))).status, 200);
      }
    });

    test('an answer that is sent back with other branches has its conditions made anew', async () => {
      const hook = await createFor('github', { trigger_when: { branches: ['none'] } });
      const shown = await read(hook);
      const branches = ['*'];
      const answer = await put(hook, { ...shown, trigger_when: { ...shown.trigger_when, branches } });
      assert.equal(answer.status, 204, JSON.stringify(answer.body));
      assert.equal((await send(hook, exampleFor('github'))).status, 202);
    });

    test('conditions beside events or branches are added to those of the preset, or stand for the one of their place', async () => {
      const files = { name: 'the API', path: '$changed_files', globs: ['apps/api/**'] };
      const trigger_when = { events: ['push', 'pull_request'], branches: ['main'], conditions: [files] };
      const hook = await createFor('github', { trigger_when });
      const names = ({ trigger_when: { conditions } }: Hook) => conditions.map(({ name }) => name);
      assert.deepEqual(names(hook), [
        'event',
        'branch or tag',
        'not deleted',
        'opened or changed',
        'not from a fork',
        'the API',
      ]);
      assert.deepEqual(hook.warnings, []);
      const pushes = { path: 'ref', accepted_values: ['refs/heads/mine'] };
      const other = await createFor('github', { trigger_when: { events: ['push'], conditions: [pushes] } });
      assert.deepEqual(names(other), ['event', 'not deleted', undefined]);
      assert.deepEqual(
        other.warnings.map(({ message }) => message),
        ['are without those of the preset named branch or tag: what these kept out runs'],
      );
    });

    test('conditions that were added by hand stay when branches change', async () => {
      const hook = await createFor('github');
      const files = { name: 'the API', path: '$changed_files', globs: ['apps/api/**'] };
      const { trigger_when } = await read(hook);
      const conditions = [...trigger_when.conditions, files];
      assert.equal((await put(hook, { trigger_when: { conditions } })).status, 204);
      assert.equal((await put(hook, { trigger_when: { branches: ['refs/heads/dev'] } })).status, 204);
      const changed = await read(hook);
      assert.deepEqual(changed.trigger_when.branches, ['dev']);
      assert.deepEqual(
        changed.trigger_when.conditions.map(({ name }) => name),
        ['event', 'branch or tag', 'not deleted', 'the API'],
      );
      assert.ok(JSON.stringify(changed.trigger_when.conditions).includes('refs/heads/dev'));
      assert.equal((await put(hook, { trigger_when: { branches: ['refs/heads/dev'] } })).status, 204);
      assert.deepEqual(
        (await read(hook)).trigger_when.branches,
        ['dev'],
        'given again, it is the same branch',
      );
    });

    test('a change of a hook without a preset to events or branches is refused, also to no branches', async () => {
      const hook = await create({ name: 'plain', requires_secret: false });
      for (const trigger_when of [{ branches: [] }, { events: ['push'] }, { branches: ['main'] }]) {
        const answer = await put(hook, { trigger_when });
        assert.equal(answer.status, 422, JSON.stringify(trigger_when));
        assert.match(JSON.stringify(answer.body), /needs a preset/);
      }
    });

    test('a hook that is signed again, or is given a signing secret, has the scheme that its provider then uses', async () => {
      const hook = await create({ preset: 'gitlab', requires_secret: false });
      const secret = 'a-secret-of-gitlab';
      assert.equal((await put(hook, { requires_secret: true, secret })).status, 204);
      assert.equal((await read(hook)).signature_scheme, 'gitlab-token');
      const signing = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
      assert.equal((await put(hook, { secret: signing })).status, 204);
      const { signature_scheme, secret_header_name } = await read(hook);
      assert.deepEqual([signature_scheme, secret_header_name], ['gitlab-signed', 'webhook-signature']);
    });

    test('what is null in a condition is not there, and an answer with nulls changes nothing', async () => {
      const hook = await createFor('github');
      const shown = await read(hook);
      const nulls = {
        fallback_paths: null,
        matches: null,
        globs: null,
        same_as: null,
        exists: null,
        not: null,
      };
      const conditions = shown.trigger_when.conditions.map((condition) => ({ ...nulls, ...condition }));
      const branches = ['*'];
      const answer = await put(hook, { trigger_when: { ...shown.trigger_when, conditions, branches } });
      assert.equal(answer.status, 204, JSON.stringify(answer.body));
      const { trigger_when } = await read(hook);
      assert.deepEqual(trigger_when.branches, ['*']);
      assert.notDeepEqual(trigger_when.conditions, shown.trigger_when.conditions);
      assert.ok(!JSON.stringify(trigger_when.conditions).includes('null'));
    });

    test('what git would not take as the name of a branch is refused', async () => {
      for (const branch of ['release/[0-9]', 'a b', 'a:b', 'a^']) {
        const answer = await tryToCreate({ preset: 'github', trigger_when: { branches: [branch] } });
        assert.equal(answer.status, 422);
        assert.match(answer.body.errors?.[0]?.message ?? '', /is no branch, nor a pattern/);
      }
    });
  });

  describe('what they make of requests', () => {
    test('every example has an outcome that is written here, and every outcome an example', () => {
      assert.deepEqual(
        incomingExamples()
          .map(({ name }) => name)
          .toSorted(),
        Object.keys(outcomes).toSorted(),
      );
    });

    for (const [name, expected] of Object.entries(outcomes)) {
      test(`${name}, at a hook of the preset alone`, async () => {
        const example = incomingExample(name);
        // Safe, here and below: examples are of these providers alone.
        const { preset } = providers[example.provider as Provider];
        await assertOutcome(await createFor(preset), example, expected.usual);
      });
      const { preset } = providers[incomingExample(name).provider as Provider];
      if (!(hosts as readonly string[]).includes(preset)) continue;
      test(`${name}, at a hook for pushes, tags and pull requests of all branches`, async () => {
        const hook = await createFor(preset, { trigger_when: every });
        await assertOutcome(hook, incomingExample(name), expected.every ?? expected.usual);
      });
    }

    const noCommit = '0'.repeat(40);
    const commit = '6113728f27ae82c7b1a177c8d03f9e96e0adf246';
    const ofGithub: [what: string, example: () => IncomingExample, usual: Outcome, every?: Outcome][] = [
      [
        'a push to main',
        githubPush,
        {
          variables: {
            event: 'push',
            repository: 'Codertocat/Hello-World',
            source_type: 'branch',
            source_ref: 'main',
            commit_hash: commit,
            commit_message: 'Initial commit',
            author: 'Codertocat',
          },
        },
      ],
      [
        'a push to another branch, whose name has a slash',
        () => githubPush({ ref: 'refs/heads/feature/x' }),
        skipped('branch or tag', '"refs/heads/feature/x"'),
        { variables: { source_type: 'branch', source_ref: 'feature/x', commit_hash: commit } },
      ],
      [
        'a push to a branch that is called as a tag is written',
        () => githubPush({ ref: 'refs/heads/refs/tags/v1' }),
        skipped('branch or tag', '"refs/heads/refs/tags/v1"'),
        { variables: { source_type: 'branch', source_ref: 'refs/tags/v1', commit_hash: commit } },
      ],
      [
        'a tag that is called as the branch',
        () => githubPush({ ref: 'refs/tags/main' }),
        skipped('branch or tag', '"refs/tags/main"'),
        { variables: { source_type: 'tag', source_ref: 'main' } },
      ],
      [
        'a push that deleted the branch',
        () => githubPush({ after: noCommit, deleted: true, head_commit: null }),
        skipped('not deleted', `"${noCommit}"`),
      ],
      [
        'a push that deleted the branch of a repository with SHA-256',
        () => githubPush({ after: '0'.repeat(64), deleted: true, head_commit: null }),
        skipped('not deleted', `"${'0'.repeat(64)}"`),
      ],
      [
        'an annotated tag, whose `after` is no commit',
        () => githubTag(),
        skipped('branch or tag', '"refs/tags/v2"'),
        { variables: { source_type: 'tag', source_ref: 'v2', commit_hash: commit } },
      ],
      [
        'a push as a form',
        () => {
          const { body, headers, ...rest } = githubPush();
          const form = new URLSearchParams({ payload: body.toString() }).toString();
          const type = { 'content-type': 'application/x-www-form-urlencoded' };
          return { ...rest, headers: { ...headers, ...type }, body: Buffer.from(form) };
        },
        { variables: { source_type: 'branch', source_ref: 'main', commit_hash: commit } },
      ],
      [
        'a pull request that was opened',
        () => githubPullRequest('opened'),
        skipped('event', '"pull_request"'),
        {
          variables: {
            event: 'pull_request',
            source_type: 'branch',
            source_ref: 'changes',
            commit_hash: 'ec26c3e57ca3a959ca5aad62de7213c562f8c821',
            pull_request_id: 2,
            pull_request_title: 'Update the README with new information.',
            author: 'Codertocat',
          },
        },
      ],
      ...(['reopened', 'synchronize'] as const).map(
        (action): [string, () => IncomingExample, Outcome, Outcome] => [
          `a pull request: ${action}`,
          () => githubPullRequest(action),
          skipped('event', '"pull_request"'),
          { variables: { source_ref: 'changes', pull_request_id: 2 } },
        ],
      ),
      ...(['closed', 'labeled', 'assigned', 'converted_to_draft', 'locked'] as const).map(
        (action): [string, () => IncomingExample, Outcome, Outcome] => [
          `a pull request: ${action}`,
          () => githubPullRequest(action),
          skipped('event', '"pull_request"'),
          skipped('opened or changed', `"${action}"`),
        ],
      ),
      [
        'a pull request whose title alone was changed',
        () => {
          const { body, ...rest } = githubPullRequest('opened');
          const payload = { ...(JSON.parse(body.toString()) as object), action: 'edited' };
          return { ...rest, body: Buffer.from(JSON.stringify(payload)) };
        },
        skipped('event', '"pull_request"'),
        skipped('opened or changed', '"edited"'),
      ],
      [
        'a pull request from a fork',
        () => githubPullRequest('opened', ({ pull_request: { head } }) => (head.repo = { id: 1 })),
        skipped('event', '"pull_request"'),
        skipped('not from a fork', '1'),
      ],
      [
        'a pull request from a fork that is gone',
        () => githubPullRequest('opened', ({ pull_request: { head } }) => (head.repo = null)),
        skipped('event', '"pull_request"'),
        skipped('not from a fork', 'nothing'),
      ],
      ['a ping', () => github('ping', githubPayload('ping')), ping],
      [
        'a comment on an issue',
        () => github('issue_comment', githubPayload('issue_comment')),
        skipped('event', '"issue_comment"'),
      ],
    ];
    for (const [what, example, usual, ofEvery] of ofGithub) {
      test(`of GitHub ${what}`, async () => {
        await assertOutcome(await createFor('github'), example(), usual);
        const hook = await createFor('github', { trigger_when: every });
        await assertOutcome(hook, example(), ofEvery ?? usual);
      });
    }

    test('of a Bitbucket push to several branches the one that is wanted is deployed, at its own commit', async () => {
      for (const [name, change] of [
        ['bitbucket-push', cloudChanges],
        ['bitbucket-data-center-refs-changed', dataCenterChanges],
      ] as const) {
        const pushed = (...changes: Change[]) => changedExample(name, (payload) => change(payload, changes));
        const both = () =>
          pushed(
            { kind: 'branch', name: 'feature/a', to: 'a'.repeat(40) },
            { kind: 'tag', name: 'main', to: 'b'.repeat(40) },
            { kind: 'branch', name: 'release/1', to: 'c'.repeat(40) },
            { kind: 'branch', name: 'gone', to: null },
            { kind: 'branch', name: 'main', to: 'd'.repeat(40) },
            { kind: 'tag', name: 'v1', to: 'e'.repeat(40) },
          );
        const at = (source_type: string, source_ref: string, digit: string): Outcome => ({
          variables: { source_type, source_ref, commit_hash: digit.repeat(40) },
        });
        const cases: [trigger_when: object, example: IncomingExample, expected: Outcome][] = [
          [{}, both(), at('branch', 'main', 'd')],
          [{ branches: ['release/1'] }, both(), at('branch', 'release/1', 'c')],
          [{ branches: ['release/*'] }, both(), at('branch', 'release/1', 'c')],
          [{ branches: ['none', 'release/*'] }, both(), at('branch', 'release/1', 'c')],
          [{ branches: [] }, both(), at('branch', 'feature/a', 'a')],
          [{ events: ['tag'] }, both(), at('tag', 'main', 'b')],
          [{ events: ['push', 'tag'], branches: ['none'] }, both(), at('tag', 'main', 'b')],
        ];
        // Nobody who may push tags alone is to deploy them as the branch.
        const none: [trigger_when: object, example: IncomingExample][] = [
          [{}, pushed({ kind: 'tag', name: 'main', to: 'b'.repeat(40) })],
          [{}, pushed({ kind: 'branch', name: 'main', to: null })],
          [
            { branches: [] },
            pushed({ kind: 'branch', name: 'gone', to: null }, { kind: 'tag', name: 'gone', to: null }),
          ],
        ];
        for (const [trigger_when, example] of none) {
          const answer = await send(await createFor('bitbucket', { trigger_when }), example);
          assert.equal(answer.status, 200, `${answer.body.message} ${JSON.stringify(trigger_when)}`);
        }
        for (const [trigger_when, example, expected] of cases) {
          const hook = await createFor('bitbucket', { trigger_when });
          await assertOutcome(hook, example, expected);
          await assertRoundTrip(hook);
        }
      }
    });

    const paid = (change: object): IncomingExample =>
      changedExample('stripe-checkout-session-completed', (payload) =>
        Object.assign(payload.data.object, { mode: 'payment', invoice: null, subscription: null }, change),
      );
    const ofStripe: [what: string, example: () => IncomingExample, expected: Outcome][] = [
      [
        'a checkout that is paid',
        () => paid({}),
        { variables: { amount: 2900, currency: 'eur', customer_email: 'mira@stone.example' } },
      ],
      [
        'a checkout whose money is still to come',
        () => paid({ payment_status: 'unpaid' }),
        skipped('money has come', '"unpaid"'),
      ],
      [
        'a checkout whose money has come later',
        () => {
          const { body, ...rest } = paid({});
          const payload = {
            ...(JSON.parse(body.toString()) as object),
            type: 'checkout.session.async_payment_succeeded',
          };
          return { ...rest, body: Buffer.from(JSON.stringify(payload)) };
        },
        { variables: { event: 'checkout.session.async_payment_succeeded' } },
      ],
      [
        'a checkout that only stores a card',
        () => paid({ mode: 'setup', payment_status: 'no_payment_required' }),
        skipped('no subscription', '"setup"'),
      ],
    ];
    for (const [what, example, expected] of ofStripe) {
      test(`of Stripe ${what}`, async () => {
        await assertOutcome(await createFor('stripe'), example(), expected);
      });
    }

    test('of Slack what a bot says starts nothing, since it may be the answer to what it has caused', async () => {
      const example = changedExample('slack-event-message', ({ event }) => (event.bot_id = 'B0BOT'));
      await assertOutcome(await createFor('slack'), example, skipped('not from a bot', '"B0BOT"'));
    });
  });

  describe('pings and challenges', () => {
    const records = (hook: IncomingHook) =>
      app.api.get<{ outcome: string; reason: string; response_status_code: number }[]>(
        `/hooks/incoming/${hook.id}/requests`,
      );

    test('Data Center tests a connection without signing, and is told that it stands; nothing else passes unsigned', async () => {
      const hook = await createFor('bitbucket');
      const post = (event: string) =>
        createApiClient(app.url).request<Receipt>('POST', `/hooks/${hook.id}/trigger`, '{"test":true}', {
          'x-event-key': event,
        });
      const answer = await post('diagnostics:ping');
      assert.equal(answer.status, 200);
      assert.match(answer.body.message, /^Ping received: .* not signed/);
      assert.equal((await post('repo:refs_changed')).status, 401);
      const other = await createFor('github');
      const elsewhere = await createApiClient(app.url).request('POST', `/hooks/${other.id}/trigger`, '{}', {
        'x-event-key': 'diagnostics:ping',
      });
      assert.equal(elsewhere.status, 401);
    });

    test("GitHub's ping and that of Bitbucket Data Center are answered 200 and recorded; with a wrong signature 401", async () => {
      for (const [preset, example] of [
        ['github', github('ping', githubPayload('ping'))],
        ['bitbucket', incomingExample('bitbucket-data-center-ping')],
      ] as const) {
        const hook = await createFor(preset);
        const answer = await send(hook, example);
        assert.equal(answer.status, 200);
        const [record] = await records(hook);
        assert.deepEqual(
          [record?.outcome, record?.reason, record?.response_status_code],
          ['skipped', 'Ping received: the hook is reachable.', 200],
        );
        assert.equal((await send({ id: hook.id, secret: 'another' }, example)).status, 401);
      }
    });

    test("Slack's challenge is answered with itself and recorded", async () => {
      const hook = await createFor('slack');
      const example = incomingExample('slack-url-verification');
      const { challenge } = JSON.parse(example.body.toString()) as { challenge: string };
      const answer = await send(hook, example);
      assert.equal(answer.status, 200);
      assert.equal(answer.body.challenge, challenge);
      const [record] = await records(hook);
      assert.deepEqual([record?.outcome, record?.reason], ['skipped', 'The challenge is answered.']);
    });

    test("Slack's challenge without a right signature is refused, and not given back", async () => {
      const example = incomingExample('slack-url-verification');
      const { challenge } = JSON.parse(example.body.toString()) as { challenge: string };
      const hook = await createFor('slack');
      const headers = { ...example.headers };
      const at = app.clock.now();
      const unsigned = { 'x-slack-signature': '', 'x-slack-request-timestamp': '' };
      const answers = [
        await sendAs('slack', app, hook, { headers, body: example.body }, { at, headers: unsigned }),
        await send({ id: hook.id, secret: 'of another app' }, example),
        await sendAs('slack', app, hook, example, { at: at - 301_000 }),
        await send(await create({ preset: 'slack' }), example, 'slack'),
      ];
      for (const { status, body } of answers) {
        assert.equal(status, 401);
        assert.ok(!JSON.stringify(body).includes(challenge), 'anybody is answered');
      }
      assert.ok((await records(hook)).every(({ outcome }) => outcome === 'refused'));
    });

    test('a challenge is none at a hook of another scheme', async () => {
      const hook = await create({ preset: 'slack', requires_secret: false });
      const answer = await send(hook, incomingExample('slack-url-verification'));
      assert.equal(answer.body.challenge, undefined);
    });
  });
});

const tagOf = {
  gitlab: 'gitlab-tag-push',
  bitbucket: 'bitbucket-push-tag',
  gitea: 'gitea-push-tag',
} as const;
const requestOf = {
  gitlab: 'gitlab-merge-request-open',
  bitbucket: 'bitbucket-pull-request-created',
  gitea: 'gitea-pull-request-opened',
} as const;

/** What `git push origin v2` makes GitHub send: `after` is the tag itself, the commit is in `head_commit`. */
function githubTag(): IncomingExample {
  const base = 'refs/heads/main';
  return githubPush({ ref: 'refs/tags/v2', after: '7'.repeat(40), base_ref: base, created: true });
}

function branchPush(preset: (typeof hosts)[number], branch: string): IncomingExample {
  const ref = `refs/heads/${branch}`;
  if (preset === 'github') return githubPush({ ref });
  if (preset === 'bitbucket')
    return changedExample('bitbucket-push', (payload) => (payload.push.changes[0].new.name = branch));
  return changedExample(wanted[preset], (payload) => (payload.ref = ref));
}

type Change = { kind: 'branch' | 'tag'; name: string; to: string | null };

function cloudChanges(payload: { push: { changes: object[] } }, changes: Change[]): void {
  payload.push.changes = changes.map(({ kind, name, to }) => {
    const state = (hash: string) => ({ type: kind, name, target: { type: 'commit', hash } });
    return {
      old: kind === 'branch' ? state('9'.repeat(40)) : null,
      new: to === null ? null : state(to),
      closed: to === null,
    };
  });
}

function dataCenterChanges(payload: { changes: object[] }, changes: Change[]): void {
  payload.changes = changes.map(({ kind, name, to }) => {
    const id = `refs/${kind === 'tag' ? 'tags' : 'heads'}/${name}`;
    return {
      ref: { id, displayId: name, type: kind.toUpperCase() },
      refId: id,
      fromHash: kind === 'tag' ? '0'.repeat(40) : '9'.repeat(40),
      toHash: to ?? '0'.repeat(40),
      type: to === null ? 'DELETE' : kind === 'tag' ? 'ADD' : 'UPDATE',
    };
  });
}
