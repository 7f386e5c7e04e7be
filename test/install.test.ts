import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { providerRow } from '../src/incoming/install/provider-hooks.ts';
import { apiUrlOf, providerApi } from '../src/inventory/credentials/provider-api.ts';
import { until } from './support/api-client.ts';
import type { Behaviour } from './support/behaviour.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { queryRows } from './support/execute-sql.ts';
import { json, unknown } from './support/fake-provider.ts';
import type { FakeHost } from './support/fake-provider.ts';
import { accessToken, createInstallScene, hosts, places } from './support/install-scene.ts';
import type { Hook, Refusal } from './support/install-scene.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import type { InProcessApp } from './support/in-process-app.ts';
import { addMember, createTeam, roleId } from './support/people.ts';
import { startReceiver } from './support/receiver.ts';
import type { ReceivedRequest } from './support/receiver.ts';
import { dumpTables } from './support/table-dump.ts';

const publicUrl = 'https://hooks.example.com';

test('the page of the webhooks is found at the site of the provider', () => {
  const pages = [
    ['github', null, 'https://github.com/a/b/settings/hooks'],
    ['github', 'https://github.com', 'https://github.com/a/b/settings/hooks'],
    ['github', 'https://api.acme.ghe.com', 'https://acme.ghe.com/a/b/settings/hooks'],
    ['github', 'https://git.example.com/api/v3/', 'https://git.example.com/a/b/settings/hooks'],
    ['gitlab', null, 'https://gitlab.com/a/b/-/hooks'],
    ['gitlab', 'https://example.com/gitlab/api/v4', 'https://example.com/gitlab/a/b/-/hooks'],
    ['bitbucket', null, 'https://bitbucket.org/a/b/admin/webhooks'],
    [
      'bitbucket',
      'https://example.com/bitbucket',
      'https://example.com/bitbucket/plugins/servlet/webhooks/projects/a/repos/b',
    ],
  ] as const;
  for (const [provider, given, page] of pages) {
    const api = providerApi(provider, apiUrlOf(provider, given));
    assert.equal(providerRow(api.host).settingsUrl({ ...api, owner: 'a', name: 'b' }), page);
  }
});

for (const kind of databaseKinds) {
  describe(`installing hooks (${kind})`, { timeout: 600_000 }, () => {
    const stack = new AsyncDisposableStack();
    after(() => stack.disposeAsync());
    let database: TestDatabase;
    let app: InProcessApp;
    const scene = createInstallScene(() => app);

    before(async () => {
      database = stack.adopt(await createTestDatabase(kind), (made) => made.drop());
      const env = { HOOKLINE_URL: publicUrl };
      app = stack.adopt(await startInProcessApp({ database, env }), (started) => started.stop());
    });

    for (const host of hosts) {
      const place = places[host];

      test(`at ${host}: installed, again with another secret and other events, uninstalled, each time twice`, async (t) => {
        const provider = await scene.provider(t, host);
        const hook = await scene.hook(provider, host);
        assert.equal(hook.installation, null);
        const other = provider.add({ url: 'https://ci.example.com/hook', repository: place.stored });

        const first = await scene.install(hook);
        const [, made, ...more] = provider.hooks;
        assert.ok(made);
        assert.deepEqual(more, []);
        assert.deepEqual(first, {
          provider: provider.provider,
          repository: place.shown,
          provider_hook_id: made.id,
          url: `${publicUrl}/api/hooks/${hook.id}/trigger`,
          events: place.events.all,
          created: true,
          settings_url: place.settings(new URL(provider.apiUrl).origin),
          warnings: [],
        });
        assert.equal(made.url, first.url);
        assert.equal(made.secret, hook.secret);
        assert.equal(made.repository, place.stored);
        assert.deepEqual(made.events, place.events.all);
        assert.ok(made.active);
        const installation = await scene.installationOf(hook);
        assert.deepEqual(installation, {
          provider: provider.provider,
          repository: place.shown,
          provider_hook_id: made.id,
          events: place.events.all,
          installed_at: new Date(app.clock.now()).toISOString(),
        });

        assert.deepEqual(await scene.install(hook), { ...first, created: false });
        const narrowed = await scene.install(hook, { events: ['push'] });
        assert.deepEqual(narrowed, { ...first, created: false, events: place.events.push });
        assert.deepEqual(made.events, place.events.push);

        const rotated = await app.api.post<{ secret: string }>(
          `/hooks/incoming/${hook.id}/rotate-secret`,
          {},
        );
        assert.notEqual(rotated.secret, hook.secret);
        assert.deepEqual(await scene.install(hook), narrowed, 'the events stay as they were');
        assert.equal(made.secret, rotated.secret);
        const tagged = await scene.install(hook, { events: ['tag'] });
        assert.deepEqual(tagged.events, place.events.tag);
        assert.deepEqual((await scene.installationOf(hook))?.events, place.events.tag);
        assert.deepEqual(provider.hooks, [other, made]);

        const gone = await scene.uninstall(hook);
        const { provider: code, repository, settings_url } = first;
        assert.deepEqual(gone, { provider: code, repository, settings_url, removed: true, warnings: [] });
        assert.deepEqual(provider.hooks, [other]);
        assert.equal(await scene.installationOf(hook), null);
        assert.deepEqual(await scene.uninstall(hook), { ...gone, removed: false });
        assert.deepEqual(provider.hooks, [other]);
      });
    }

    test('two at once leave one webhook, and both are told of the same', async (t) => {
      for (const host of hosts) {
        const provider = await scene.provider(t, host);
        const hook = await scene.hook(provider, host);
        provider.delayLists(300);
        const answers = await Promise.all([scene.install(hook), scene.install(hook), scene.install(hook)]);
        assert.equal(provider.hooks.length, 1, host);
        for (const answer of answers) assert.equal(answer.provider_hook_id, provider.hooks[0]!.id, host);
        assert.equal(answers.filter(({ created }) => created).length, 1, host);
        assert.ok(provider.methods().filter((method) => method === 'POST').length > 1, host);
        assert.equal((await scene.installationOf(hook))?.provider_hook_id, provider.hooks[0]!.id);
      }
    });

    test('the lists of hooks show what is installed, and deleting a hook leaves the provider alone', async (t) => {
      const provider = await scene.provider(t, 'github');
      const application = await scene.application(
        { provider_code: 'github', api_url: provider.apiUrl },
        'octocat/hello-world',
      );
      const [one, two] = [await scene.hookOf(application, {}), await scene.hookOf(application, {})];
      await scene.install(one);
      const list = await app.api.get<Hook[]>(`/applications/${application.id}/hooks`);
      assert.deepEqual(
        list.map(({ id, installation }) => [id, installation?.provider_hook_id ?? null]),
        [
          [two.id, null],
          [one.id, provider.hooks[0]!.id],
        ],
      );
      await app.api.delete(`/hooks/incoming/${one.id}`);
      assert.equal(provider.hooks.length, 1);
      const kept = `select * from hook_installations where api_url = '${provider.apiUrl}/api/v3'`;
      assert.deepEqual(await queryRows(database, kept), []);
    });
  });
}

describe('installing hooks', { timeout: 600_000 }, () => {
  const stack = new AsyncDisposableStack();
  after(() => stack.disposeAsync());
  let database: TestDatabase;
  let app: InProcessApp;
  const scene = createInstallScene(() => app);

  before(async () => {
    database = stack.adopt(await createTestDatabase('sqlite'), (made) => made.drop());
    const env = { HOOKLINE_URL: publicUrl };
    app = stack.adopt(await startInProcessApp({ database, env }), (started) => started.stop());
  });

  /** An app on a database of its own, with other settings. */
  async function another(t: TestContext, env: Record<string, string>) {
    const otherDatabase = await createTestDatabase('sqlite');
    const other = await startInProcessApp({ database: otherDatabase, env });
    t.after(async () => {
      await other.stop();
      await otherDatabase.drop();
    });
    return createInstallScene(() => other);
  }

  test('what was deleted at the provider by hand is made anew', async (t) => {
    for (const host of hosts) {
      const provider = await scene.provider(t, host);
      const hook = await scene.hook(provider, host);
      const first = await scene.install(hook);
      provider.remove(provider.hooks[0]!);
      const second = await scene.install(hook);
      assert.ok(second.created);
      assert.notEqual(second.provider_hook_id, first.provider_hook_id);
      assert.equal((await scene.installationOf(hook))?.provider_hook_id, second.provider_hook_id);
      provider.remove(provider.hooks[0]!);
      assert.equal((await scene.uninstall(hook)).removed, false);
      assert.equal(await scene.installationOf(hook), null);
    }
  });

  test('a webhook that goes while it is changed is made anew, one that goes while it is deleted is gone', async (t) => {
    const provider = await scene.provider(t, 'gitlab');
    const hook = await scene.hook(provider, 'gitlab');
    await scene.install(hook);
    const goesWith = (wanted: string) =>
      provider.interrupt(({ method }) => {
        if (method === wanted && provider.hooks[0]) provider.remove(provider.hooks[0]);
        return null;
      });
    goesWith('PUT');
    assert.ok((await scene.install(hook)).created);
    goesWith('DELETE');
    assert.equal((await scene.uninstall(hook)).removed, true);
    assert.deepEqual(provider.hooks, []);
  });

  test('a webhook with the address of the hook is taken over, also one from when HOOKLINE_URL was another', async (t) => {
    for (const host of hosts) {
      const provider = await scene.provider(t, host);
      const hook = await scene.hook(provider, host);
      const repository = places[host].stored;
      const old = provider.add({
        url: `http://old.example.com/base/api/hooks/${hook.id}/trigger`,
        repository,
      });
      const decoys = [
        provider.add({ url: `${publicUrl}/api/hooks/${randomUUID()}/trigger`, repository }),
        provider.add({ url: `https://other.example.com/?for=/hooks/${hook.id}/trigger`, repository }),
        provider.add({ url: `${publicUrl}/api/hooks/${hook.id}/trigger`, repository: `${repository}-too` }),
      ].map((decoy) => structuredClone(decoy));
      const answer = await scene.install(hook);
      assert.deepEqual([answer.created, answer.provider_hook_id], [false, old.id]);
      assert.equal(old.url, `${publicUrl}/api/hooks/${hook.id}/trigger`);
      assert.equal(old.secret, hook.secret);
      assert.deepEqual(provider.hooks.slice(1), decoys);
    }
  });

  test('several with the address of the hook become one: the oldest', async (t) => {
    const provider = await scene.provider(t, 'bitbucket');
    const hook = await scene.hook(provider, 'bitbucket');
    const [repository, url] = [places.bitbucket.stored, `${publicUrl}/api/hooks/${hook.id}/trigger`];
    const [, oldest] = [
      provider.add({ url, repository, createdAt: 2000 }),
      provider.add({ url, repository, createdAt: 1000 }),
      provider.add({ url, repository, createdAt: 3000 }),
    ];
    assert.equal((await scene.install(hook)).provider_hook_id, oldest.id);
    assert.deepEqual(provider.hooks, [oldest]);
    provider.add({ url, repository });
    assert.equal((await scene.uninstall(hook)).removed, true);
    assert.deepEqual(provider.hooks, []);
  });

  test('it is found among hundreds of other webhooks, which are left alone', async (t) => {
    for (const host of hosts) {
      const provider = await scene.provider(t, host);
      const hook = await scene.hook(provider, host);
      const repository = places[host].stored;
      for (let count = 0; count < 230; count++)
        provider.add({ url: `https://ci.example.com/${count}`, repository });
      assert.ok((await scene.install(hook)).created);
      for (let count = 0; count < 30; count++)
        provider.add({ url: `https://cd.example.com/${count}`, repository });
      assert.equal((await scene.install(hook)).created, false);
      assert.equal(provider.hooks.length, 261);
      assert.equal((await scene.uninstall(hook)).removed, true);
      assert.equal(provider.hooks.length, 260);
      assert.deepEqual(new Set(provider.requests.map(({ headers }) => headers.authorization)).size, 1);
    }
  });

  test('a list that does not end is given up', async (t) => {
    const provider = await scene.provider(t, 'github');
    const hook = await scene.hook(provider, 'github');
    const link = `<${provider.apiUrl}/x?per_page=100&page=2>; rel="next"`;
    provider.interrupt(() => json(200, [], { link }));
    await scene.refused(hook, 503, /^GitHub could not be asked\. Its list of webhooks does not end/);
    assert.equal(provider.requests.length, 50);
  });

  test('the links to further pages lead the token to no other host', async (t) => {
    const thief = await startReceiver();
    t.after(() => thief.close());
    for (const host of ['github', 'gitlab', 'bitbucket'] as const) {
      const provider = await scene.provider(t, host);
      const hook = await scene.hook(provider, host);
      const next = `${thief.url}/steal?page=2`;
      provider.interrupt(({ path }) => {
        if (path.includes('page=2')) return null;
        return host === 'bitbucket'
          ? json(200, { values: [], next })
          : json(200, [], { link: `<${next}>; rel="next"` });
      });
      await scene.attempt(hook);
      assert.ok(provider.requests.some(({ path }) => path.includes('page=2')));
      provider.interrupt(() => null);
    }
    assert.equal(thief.requests.length, 0);
  });

  test('a hook without a secret is installed without one; the one from before is taken away', async (t) => {
    for (const host of hosts) {
      const provider = await scene.provider(t, host);
      const hook = await scene.hook(provider, host);
      await scene.install(hook);
      assert.equal(provider.hooks[0]!.secret, hook.secret);
      await app.api.put(`/hooks/incoming/${hook.id}`, { requires_secret: false });
      await scene.install(hook);
      assert.equal(provider.hooks[0]!.secret, '');
      const open = await scene.hook(provider, host, {});
      await scene.install(open);
      assert.equal(provider.hooks[1]!.secret, '');
    }
  });

  test('a hook that waits for its secret is not installed without one', async (t) => {
    const provider = await scene.provider(t, 'gitlab');
    const waiting = await scene.hook(provider, 'gitlab', {
      requires_secret: true,
      signature_scheme: 'slack',
    });
    await app.api.put(`/hooks/incoming/${waiting.id}`, { signature_scheme: 'slack' });
    await scene.refused(waiting, 409, /This one checks requests as Slack signs them: enter its URL there/);
    assert.equal(provider.hooks.length, 0);
  });

  test('a hook of a preset is installed for what the preset was made for', async (t) => {
    const wanted = [
      { fields: { preset: 'github' }, events: ['push'] },
      {
        fields: { preset: 'github', trigger_when: { events: ['push', 'pull_request'] } },
        events: ['push', 'pull_request'],
      },
    ];
    for (const { fields, events } of wanted) {
      const provider = await scene.provider(t, 'github');
      const hook = await scene.hook(provider, 'github', fields);
      assert.deepEqual((await scene.install(hook)).events, events);
      const other = { trigger_when: { events: ['tag', 'pull_request'] } };
      await app.api.put(`/hooks/incoming/${hook.id}`, other);
      assert.deepEqual((await scene.install(hook)).events, ['push', 'pull_request'], 'tags come as pushes');
      await app.api.put(`/hooks/incoming/${hook.id}`, { trigger_when: { events: ['pull_request'] } });
      assert.deepEqual((await scene.install(hook)).events, ['pull_request']);
      assert.deepEqual(provider.hooks[0]!.events, ['pull_request']);
    }
  });

  test('a scheme whose header, algorithm, encoding or prefix was changed fits no provider', async (t) => {
    const changes = [
      { secret_header_name: 'x-other' },
      { secret_algorithm: 'sha512' },
      { signature_encoding: 'base64' },
      { signature_prefix: 'v1=' },
    ];
    const provider = await scene.provider(t, 'github');
    for (const change of changes) {
      const hook = await scene.hook(provider, 'github', { preset: 'github', ...change });
      await scene.refused(hook, 409, /Leave its header, algorithm, encoding and prefix/);
    }
  });

  test('GitLab is given its signing token, and a GitLab that does not know of it is told', async (t) => {
    const provider = await scene.provider(t, 'gitlab');
    const secret = `whsec_${randomBytes(32).toString('base64')}`;
    const signed = { requires_secret: true, secret, signature_scheme: 'gitlab-signed' };
    const hook = await scene.hook(provider, 'gitlab', signed);
    assert.deepEqual((await scene.install(hook)).warnings, []);
    assert.equal(provider.hooks[0]!.signingToken, secret);
    assert.equal(provider.hooks[0]!.secret, '');
    provider.interrupt(({ method }) => {
      const [only] = provider.hooks;
      return method === 'PUT' ? json(200, { id: Number(only!.id), url: only!.url }) : null;
    });
    const { warnings } = await scene.install(hook);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /does not say that it took the signing token.*"gitlab-token"/);
    const short = `whsec_${randomBytes(24).toString('base64')}`;
    const other = await scene.hook(provider, 'gitlab', { ...signed, secret: short });
    await scene.refused(other, 409, /whsec_ and 32 bytes in base64: .*rotate-secret/);
  });

  test('a webhook that GitLab has paused is told of', async (t) => {
    const provider = await scene.provider(t, 'gitlab');
    const hook = await scene.hook(provider, 'gitlab');
    const { provider_hook_id } = await scene.install(hook);
    const paused = { id: Number(provider_hook_id), url: hook.url, alert_status: 'temporarily_disabled' };
    provider.interrupt(({ method }) => (method === 'PUT' ? json(200, paused) : null));
    assert.match((await scene.install(hook)).warnings.join(), /GitLab has paused this webhook/);
  });

  const unfit: [FakeHost, Record<string, unknown>, RegExp][] = [
    ['github', { secret_header_name: 'x-hub-signature' }, /signature_scheme "github"/],
    ['github', { signature_scheme: 'gitlab-token' }, /GitHub signs with sha256/],
    ['gitlab', {}, /^GitLab sends the token itself: give the hook signature_scheme "gitlab-token"/],
    ['gitlab', { secret_header_name: 'x-gitlab-token' }, /signature_scheme "gitlab-token"/],
    ['gitlab', { signature_scheme: 'github' }, /signature_scheme "gitlab-token"/],
    ['bitbucket', {}, /signature_scheme "bitbucket"/],
    ['bitbucket', { secret_header_name: 'x-hub-signature', secret_algorithm: 'sha1' }, /"bitbucket"/],
    ['bitbucket-data-center', { signature_scheme: 'github' }, /signature_scheme "bitbucket"/],
    ['bitbucket', { signature_scheme: 'stripe' }, /as Stripe signs them: enter its URL there/],
  ];
  for (const [host, fields, message] of unfit) {
    test(`a hook with ${JSON.stringify(fields)} does not fit ${host}, which is said before anything is asked`, async (t) => {
      const provider = await scene.provider(t, host);
      const hook = await scene.hook(provider, host, { requires_secret: true, ...fields });
      await scene.refused(hook, 409, message);
      assert.equal(provider.requests.length, 0);
    });
  }

  const fit: [FakeHost, Record<string, unknown>][] = [
    ['github', { signature_scheme: 'github' }],
    ['github', { signature_scheme: 'hmac' }],
    ['github', { secret_header_name: 'X-Hub-Signature', secret_algorithm: 'sha1' }],
    ['bitbucket', { signature_scheme: 'bitbucket' }],
    ['bitbucket-data-center', { signature_scheme: 'bitbucket' }],
  ];
  for (const [host, fields] of fit) {
    test(`a hook with ${JSON.stringify(fields)} fits ${host}`, async (t) => {
      const provider = await scene.provider(t, host);
      const hook = await scene.hook(provider, host, { requires_secret: true, ...fields });
      await scene.install(hook);
      assert.equal(provider.hooks[0]!.secret, hook.secret);
    });
  }

  test('a secret that is too long for Bitbucket is not sent', async (t) => {
    const provider = await scene.provider(t, 'bitbucket');
    const fields = { ...places.bitbucket.hook, secret: 'x'.repeat(129) };
    const hook = await scene.hook(provider, 'bitbucket', fields);
    await scene.refused(hook, 409, /^Bitbucket takes secrets of at most 128 characters/);
    assert.equal(provider.requests.length, 0);
  });

  const exception = (name: string, message: string) => ({
    errors: [{ context: null, message, exceptionName: `com.atlassian.bitbucket.${name}` }],
  });
  const isChange = ({ method }: ReceivedRequest) => method !== 'GET';
  /** What a provider answers, to which requests, and what is told of it. */
  const lacking: {
    what: string;
    host: FakeHost;
    to?: (request: ReceivedRequest) => boolean;
    answer: Behaviour;
    message: RegExp;
  }[] = [
    {
      what: 'a classic token without the scope',
      host: 'github',
      answer: json(
        404,
        { message: 'Not Found' },
        {
          'x-oauth-scopes': 'repo:status',
          'x-accepted-oauth-scopes': 'admin:repo_hook, repo, write:repo_hook',
        },
      ),
      message:
        /^GitHub does not let the token manage the webhooks of octocat\/hello-world: it has repo:status, and needs admin:repo_hook, repo or write:repo_hook; a fine-grained token needs Webhooks, read and write\.$/,
    },
    {
      what: 'a classic token that may only read',
      host: 'github',
      to: isChange,
      answer: json(
        404,
        { message: 'Not Found' },
        { 'x-oauth-scopes': 'read:repo_hook, gist', 'x-accepted-oauth-scopes': 'admin:repo_hook' },
      ),
      message: /it has read:repo_hook and gist, and needs admin:repo_hook;/,
    },
    {
      what: 'a classic token without any scope',
      host: 'github',
      answer: json(404, { message: 'Not Found' }, { 'x-oauth-scopes': '' }),
      message: /it has no scope, and needs admin:repo_hook or write:repo_hook;/,
    },
    {
      what: 'a fine-grained token without the permission',
      host: 'github',
      to: isChange,
      answer: json(
        403,
        { message: 'Resource not accessible by personal access token' },
        { 'x-accepted-github-permissions': 'repository_hooks=write' },
      ),
      message: /it lacks the repository permission Webhooks, read and write \(repository_hooks=write\)\.$/,
    },
    {
      what: 'a token that is not authorized for single sign-on',
      host: 'github',
      answer: json(
        403,
        { message: 'Resource protected by organization SAML enforcement' },
        {
          'x-github-sso':
            'required; url=https://github.com/orgs/acme/sso?authorization_request=secret-of-a-link',
        },
      ),
      message: /its organization wants single sign-on, for which the token must be authorized\.$/,
    },
    {
      what: 'an archived repository',
      host: 'github',
      to: isChange,
      answer: json(403, { message: 'Repository was archived so is read-only.' }),
      message:
        /octocat\/hello-world: Repository was archived so is read-only\. It must be of an administrator/,
    },
    {
      what: 'a token that has expired',
      host: 'github',
      answer: json(401, { message: 'Bad credentials' }),
      message:
        /^GitHub does not accept the token: it is wrong, has expired or was revoked\. Give the credential/,
    },
    {
      what: 'a token without the scope',
      host: 'gitlab',
      answer: json(403, {
        error: 'insufficient_scope',
        error_description: 'The request requires higher privileges than provided by the access token.',
        scope: 'api read_api',
      }),
      message: /^GitLab does not .* of group\/sub\.group\/web: it lacks the scope api or read_api\.$/,
    },
    {
      what: 'a token of a developer',
      host: 'gitlab',
      answer: json(403, { message: '403 Forbidden' }),
      message: /: 403 Forbidden\. It must be with the scope api, of at least a Maintainer of the project\.$/,
    },
    {
      what: 'a token that was revoked',
      host: 'gitlab',
      answer: json(401, { error: 'invalid_token', error_description: 'Token was revoked.' }),
      message: /^GitLab does not accept the token/,
    },
    {
      what: 'an address that GitLab does not send to',
      host: 'gitlab',
      to: isChange,
      answer: json(422, { message: { url: ['Url is blocked: Requests to localhost are not allowed'] } }),
      message:
        /^GitLab refused the webhook for .* with 422: Url is blocked: Requests to localhost are not allowed\.$/,
    },
    {
      what: 'a token without the scope',
      host: 'bitbucket',
      answer: json(403, {
        type: 'error',
        error: {
          message: 'Your credentials lack one or more required privilege scopes.',
          detail: { granted: ['repository', 'account'], required: ['webhook'] },
        },
      }),
      message: /acme\/web\.site: it has repository and account, and needs webhook\.$/,
    },
    {
      what: 'a token of somebody who is no administrator',
      host: 'bitbucket',
      to: isChange,
      answer: json(403, { type: 'error', error: { message: 'Access denied. You must have admin access.' } }),
      message:
        /: Access denied\. You must have admin access\. It must be of an administrator of the repository/,
    },
    {
      what: 'a token without the permission',
      host: 'bitbucket-data-center',
      answer: json(401, exception('AuthorisationException', 'You are not permitted to access this resource')),
      message: /it lacks the permission REPO_ADMIN: You are not permitted to access this resource\.$/,
    },
    {
      what: 'a token that is not known',
      host: 'bitbucket-data-center',
      answer: json(401, exception('auth.IncorrectPasswordException', 'Authentication failed')),
      message: /^Bitbucket Data Center does not accept the token/,
    },
    {
      what: 'a webhook that is refused',
      host: 'bitbucket-data-center',
      to: isChange,
      answer: json(400, exception('validation.ArgumentValidationException', `Too long: ${'x'.repeat(500)}`)),
      message: /with 400: Too long: x{190}\.$/,
    },
    ...hosts.map((host) => ({
      what: 'a repository that is not there',
      host,
      answer: unknown[host],
      message: /was not found at .*, or the token may not see it or its webhooks\. It must be/,
    })),
    {
      what: 'a repository that has moved',
      host: 'github',
      answer: json(
        301,
        { message: 'Moved Permanently' },
        { location: 'http://127.0.0.1:9/repositories/1/hooks' },
      ),
      message:
        /answered 301, a redirect, which is not followed\. Check whether octocat\/hello-world was renamed/,
    },
    {
      what: 'a page where the API should be',
      host: 'gitlab',
      answer: {
        kind: 'answer',
        status: 200,
        headers: { 'content-type': 'text/html; charset=utf-8' },
        body: '<html>Sign in</html>',
      },
      message: /^What answered 200 at .* \(text\/html\) is not the API of GitLab\. Check the api_url/,
    },
    {
      what: 'JSON that is something else',
      host: 'bitbucket',
      answer: json(200, { hello: 'world' }),
      message: /is not the API of Bitbucket\./,
    },
    {
      what: 'nothing that says what was made',
      host: 'github',
      to: isChange,
      answer: json(201, null),
      message: /is not the API of GitHub\./,
    },
    {
      what: 'a page for what is not there',
      host: 'gitlab',
      answer: { kind: 'answer', status: 404, headers: { 'content-type': 'text/html' }, body: '<html>' },
      message: /was not found at GitLab.* Check the api_url of the credential too\.$/,
    },
  ];
  for (const { what, host, to = () => true, answer, message } of lacking) {
    test(`${host} answers with ${what}: the reason says what to do`, async (t) => {
      const provider = await scene.provider(t, host);
      const hook = await scene.hook(provider, host);
      provider.interrupt((request) => (to(request) ? answer : null));
      await scene.refused(hook, 409, message);
      assert.equal(await scene.installationOf(hook), null);
      assert.deepEqual(provider.hooks, []);
    });
  }

  test('a token that may read but not change is told so of an installed webhook too, which stays noted', async (t) => {
    const provider = await scene.provider(t, 'github');
    const hook = await scene.hook(provider, 'github');
    await scene.install(hook);
    const headers = { 'x-oauth-scopes': 'read:repo_hook', 'x-accepted-oauth-scopes': 'admin:repo_hook' };
    provider.interrupt((request) =>
      isChange(request) ? json(404, { message: 'Not Found' }, headers) : null,
    );
    await scene.refused(hook, 409, /it has read:repo_hook, and needs admin:repo_hook/);
    await scene.refused(hook, 409, /it has read:repo_hook, and needs admin:repo_hook/, 'uninstall');
    assert.equal(provider.hooks.length, 1);
    assert.ok(await scene.installationOf(hook));
  });

  const limits: [what: string, host: FakeHost, answer: () => Behaviour, seconds: string][] = [
    ['Retry-After', 'gitlab', () => json(429, { message: 'Retry later' }, { 'retry-after': '17' }), '17'],
    [
      'a limit that ends',
      'github',
      () =>
        json(
          403,
          { message: 'API rate limit exceeded' },
          {
            'x-ratelimit-remaining': '0',
            'x-ratelimit-reset': String(Math.ceil(app.clock.now() / 1000) + 90),
          },
        ),
      '90',
    ],
    [
      'a secondary limit',
      'github',
      () => json(403, { message: 'You have exceeded a secondary rate limit' }, { 'retry-after': '60' }),
      '60',
    ],
    ['nothing', 'bitbucket', () => json(429, { type: 'error', error: { message: 'Rate limit' } }), '30'],
  ];
  for (const [what, host, answer, seconds] of limits) {
    test(`a rate limit of ${host} that tells ${what} is passed on`, async (t) => {
      const provider = await scene.provider(t, host);
      const hook = await scene.hook(provider, host);
      provider.interrupt(answer);
      const refused = await scene.attempt(hook);
      assert.equal(refused.status, 429);
      assert.equal(refused.headers.get('retry-after'), seconds);
      assert.match(refused.body.message, /takes no more requests with this token for now\. Try again in/);
    });
  }

  const failures: [what: string, answer: Behaviour, message: RegExp][] = [
    ['is down', json(502, {}), /^GitHub answered 502\. Try again later\.$/],
    ['breaks off', { kind: 'reset' }, /^GitHub could not be asked\. .* Try again later\.$/],
    ['breaks off its answer', { kind: 'half', body: '[{"id": 1}]' }, /broke off, or was too long/],
    ['answers without an end', { kind: 'flood', bytes: Infinity }, /broke off, or was too long/],
  ];
  for (const [what, answer, message] of failures) {
    test(`a provider that ${what} is answered 503, to be tried again`, async (t) => {
      const provider = await scene.provider(t, 'github');
      const hook = await scene.hook(provider, 'github');
      provider.interrupt(() => answer);
      const refused = await scene.attempt(hook);
      assert.equal(refused.status, 503);
      assert.equal(refused.headers.get('retry-after'), '30');
      assert.match(refused.body.message, message);
    });
  }

  test('a provider that hangs is given up after 15 seconds, and holds up no other change of the hook', async (t) => {
    const provider = await scene.provider(t, 'github');
    const hook = await scene.hook(provider, 'github');
    provider.interrupt(() => ({ kind: 'hang' }));
    const waiting = scene.attempt(hook);
    await until(async () => provider.requests.length === 1, 'the provider to be asked');
    await app.api.put(`/hooks/incoming/${hook.id}`, { name: 'renamed meanwhile' });
    await app.clock.advance(15_000);
    const refused = await waiting;
    assert.equal(refused.status, 503);
    assert.match(refused.body.message, /No answer within 15 s\. Try again later\.$/);
  });

  test('a provider at which nobody listens is answered 503', async (t) => {
    const provider = await scene.provider(t, 'gitlab');
    const hook = await scene.hook(provider, 'gitlab');
    await provider.close();
    await scene.refused(hook, 503, /^GitLab could not be asked\. The connection was refused/);
  });

  test('a private address that is not open is not asked', async () => {
    for (const api_url of ['http://10.0.0.1', 'http://169.254.169.254/api/v4']) {
      const application = await scene.application({ provider_code: 'gitlab', api_url }, 'a/b');
      const hook = await scene.hookOf(application, {});
      await scene.refused(hook, 409, /^GitLab was not asked: .* private or reserved .*HOOKLINE_EGRESS_ALLOW/);
    }
  });

  test('a hook that has no repository is told what is missing', async (t) => {
    const none = await scene.hookOf(await scene.application(null, 'a/b'), {});
    await scene.refused(none, 409, /has no source provider: give it a credential/);
    await scene.refused(none, 409, /has no source provider: give it a credential/, 'uninstall');
    const off = { provider_code: 'github', active: false };
    const inactive = await scene.hookOf(await scene.application(off, 'a/b'), {});
    await scene.refused(inactive, 409, /^The credential credential-\w+ is not active/);

    const { id } = await app.api.post<{ id: number }>(`/environments/${app.environmentId}/servers`, {
      hostname: `host-${randomUUID().slice(0, 8)}`,
    });
    const body = { name: 'in', resource_type: 'server', resource_id: id, action_type: 'get_status' };
    const ofServer = await app.api.post<Hook>('/hooks/incoming', body);
    await scene.refused(ofServer, 409, /^This hook belongs to a server/);

    const provider = await scene.provider(t, 'github');
    const hook = await scene.hook(provider, 'github');
    const outgoing = await app.api.post<Hook>('/hooks/outgoing', {
      ...body,
      target_url: 'https://example.com/',
    });
    await scene.refused(outgoing, 404, /incoming hook was not found/);
    await scene.refused({ ...hook, id: randomUUID() }, 404, /There is no hook/);
    assert.equal((await scene.attempt(hook, { events: ['issues'] })).status, 422);
    assert.equal((await scene.attempt(hook, { events: [] })).status, 422);
    assert.equal(provider.requests.length, 0);
  });

  test('whoever may not change hooks, see the application or see the hook at all may not install it', async (t) => {
    const provider = await scene.provider(t, 'github');
    const hook = await scene.hook(provider, 'github');
    const { id: team } = await createTeam(app);
    const place = `/environments/${app.environmentId}/teams/${team}`;
    const member = await addMember(app, team);
    for (const [role, status, message] of [
      ['viewer', 403, /hook:update/],
      ['developer', 200, undefined],
    ] as const) {
      await app.api.post(`${place}/link`, { role_id: await roleId(app, role) });
      for (const verb of ['install', 'uninstall']) {
        const answer = await member.api.request<Refusal>('POST', `/hooks/incoming/${hook.id}/${verb}`);
        assert.equal(answer.status, status, JSON.stringify(answer.body));
        if (message) assert.match(answer.body.message, message);
      }
      await app.api.delete(`${place}/unlink`);
    }
    const answer = await member.api.request('POST', `/hooks/incoming/${hook.id}/install`);
    assert.equal(answer.status, 404);
  });

  test('what would keep requests from arriving is told', async (t) => {
    const plain = await another(t, { HOOKLINE_URL: 'http://hooks.example.com' });
    const provider = await scene.provider(t, 'github');
    const hook = await scene.hook(provider, 'github');
    await app.api.put(`/hooks/incoming/${hook.id}`, { active: false });
    assert.deepEqual((await scene.install(hook)).warnings, [
      'The hook is not active: what the provider sends is answered 404 until it is.',
    ]);
    const overHttp = await plain.install(await plain.hook(provider, 'github'));
    assert.deepEqual(overHttp.warnings, [
      'HOOKLINE_URL is not https: what GitHub sends can be read and changed on its way.',
    ]);
  });

  for (const url of [
    '',
    'https://10.1.2.3',
    'https://[::1]:8443',
    'https://hookline',
    'https://ci.corp.internal',
  ]) {
    test(`${url || 'localhost'} can be reached by a provider nearby, and by none on the internet`, async (t) => {
      const local = await another(t, url ? { HOOKLINE_URL: url } : {});
      const provider = await local.provider(t, 'gitlab');
      const near = await local.install(await local.hook(provider, 'gitlab'));
      assert.match(near.warnings[0]!, /^HOOKLINE_URL is .* GitLab must be there too\.$/);
      for (const provider_code of ['github', 'gitlab', 'bitbucket']) {
        const application = await local.application({ provider_code }, 'a/b');
        const hook = await local.hookOf(application, {});
        await local.refused(hook, 409, /cannot reach http.*: set HOOKLINE_URL to an address/);
      }
      const tenant = { provider_code: 'github', api_url: 'https://api.acme.ghe.com' };
      const ofTenant = await local.hookOf(await local.application(tenant, 'a/b'), {});
      await local.refused(ofTenant, 409, /set HOOKLINE_URL/);
    });
  }

  test('a hook whose application has another repository now is installed there, and taken away at the old one', async (t) => {
    const provider = await scene.provider(t, 'github');
    const credential = { provider_code: 'github', api_url: provider.apiUrl };
    const application = await scene.application(credential, 'octocat/old');
    const hook = await scene.hookOf(application, {});
    await scene.install(hook, { events: ['push'] });
    await app.api.put(`/applications/${application.id}`, { repository: 'octocat/new' });
    const moved = await scene.install(hook);
    assert.deepEqual(
      [moved.repository, moved.created, moved.events, moved.warnings],
      ['octocat/new', true, ['push', 'pull_request'], []],
    );
    assert.deepEqual(
      provider.hooks.map(({ repository }) => repository),
      ['octocat/new'],
    );
    await app.api.put(`/applications/${application.id}`, { repository: 'octocat/newest' });
    provider.interrupt(({ path }) => (path.includes('/octocat/new/') ? unknown.github : null));
    const { warnings, provider_hook_id } = await scene.install(hook);
    const left = `The webhook ${moved.provider_hook_id} that was installed for octocat/new at ${provider.apiUrl}/api/v3 could not be taken away: delete it there.`;
    assert.deepEqual(warnings, [left]);
    assert.equal((await scene.installationOf(hook))?.provider_hook_id, provider_hook_id);
    provider.interrupt(() => null);
    await app.api.put(`/applications/${application.id}`, { repository: 'octocat/elsewhere' });
    assert.equal((await scene.uninstall(hook)).repository, 'octocat/newest');
    assert.deepEqual(
      provider.hooks.map(({ repository }) => repository),
      ['octocat/new'],
    );
  });

  test('the token of another provider goes to no address where the hook was installed before', async (t) => {
    const [before, now] = [await scene.provider(t, 'github'), await scene.provider(t, 'gitlab')];
    const application = await scene.application(
      { provider_code: 'github', api_url: before.apiUrl },
      'octocat/hello-world',
    );
    const hook = await scene.hookOf(application, {});
    await scene.install(hook);
    const asked = before.requests.length;
    const { credential_id } = await scene.application(
      { provider_code: 'gitlab', api_url: now.apiUrl },
      'octocat/hello-world',
    );
    await app.api.put(`/applications/${application.id}`, { credential_id });
    const gone = await scene.uninstall(hook);
    assert.equal(gone.removed, false);
    assert.match(gone.warnings[0]!, /^The webhook \d+ that was installed for octocat\/hello-world at http/);
    const installed = await scene.install(hook);
    assert.deepEqual([installed.provider, installed.warnings], ['gitlab', []]);
    assert.equal(before.requests.length, asked);
    assert.equal(before.hooks.length, 1);
  });

  test('a hook that is deleted, or gets another secret, while the provider is asked', async (t) => {
    const provider = await scene.provider(t, 'gitlab');
    const rotating = await scene.hook(provider, 'gitlab');
    provider.delayLists(300);
    const installing = scene.install(rotating);
    await until(async () => provider.requests.length > 0, 'the provider to be asked');
    await app.api.post(`/hooks/incoming/${rotating.id}/rotate-secret`, {});
    assert.deepEqual((await installing).warnings, [
      'The secret of the hook was changed meanwhile: install it again.',
    ]);
    const deleted = await scene.hook(provider, 'gitlab');
    const attempt = scene.attempt(deleted);
    const asked = provider.requests.length;
    await until(async () => provider.requests.length > asked, 'the provider to be asked');
    await app.api.delete(`/hooks/incoming/${deleted.id}`);
    assert.equal((await attempt).status, 404);
    assert.equal(provider.hooks.length, 1);
  });

  test('nothing secret comes back: not in answers, the log, the audit or the database', async (t) => {
    const hook: Hook[] = [];
    const secrets = [accessToken];
    const seen: string[] = [];
    for (const host of hosts) {
      const provider = await scene.provider(t, host);
      const one = await scene.hook(provider, host);
      hook.push(one);
      secrets.push(one.secret);
      const note = async (verb: string) => void seen.push(JSON.stringify(await scene.attempt(one, {}, verb)));
      await note('install');
      await note('install');
      // Repeats all it was sent, and in the place of a reason.
      const echo = ({ headers, body }: ReceivedRequest, status: number) => {
        const said = `${headers.authorization} ${body} ${one.secret} ${accessToken}`;
        return json(
          status,
          {
            message: said,
            error: { message: said, detail: { required: [said] } },
            errors: [{ message: said }],
          },
          { 'x-oauth-scopes': 'gist', 'x-accepted-oauth-scopes': said, 'content-type': said.slice(0, 60) },
        );
      };
      for (const status of [200, 301, 400, 401, 403, 404, 409, 422, 429, 500, 503])
        for (const verb of ['install', 'uninstall']) {
          provider.interrupt((request) => echo(request, status));
          await note(verb);
          provider.interrupt((request) => (isChange(request) ? echo(request, status) : null));
          await note(verb);
        }
      provider.interrupt(() => null);
      await note('uninstall');
      seen.push(JSON.stringify(await app.api.get(`/hooks/incoming/${one.id}`)));
    }
    const events = await app.api.get<unknown[]>(
      `/organizations/${app.organizationId}/audit-events?per_page=100`,
    );
    const all = [...seen, JSON.stringify(events), app.log(), await dumpTables(database)].join('\n');
    for (const secret of secrets) {
      const at = all.indexOf(secret);
      assert.ok(at < 0, all.slice(at - 200, at));
    }
    assert.ok(seen.join().includes('********'));
  });
});
