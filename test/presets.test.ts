import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { createApiClient, until } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { executeSql } from './support/execute-sql.ts';
import { createPipeline, untilAction, type IncomingHook, type Receipt } from './support/fixtures.ts';
import { githubPayload } from './support/github.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import type { InProcessApp } from './support/in-process-app.ts';
import type { ListedDelivery } from './support/lists.ts';
import { chatContracts } from './support/provider-contracts.ts';
import { senders, type ProviderEvent } from './support/provider-events.ts';
import { hosts, places, type Place, type StatusOfAction } from './support/provider-places.ts';
import { checkRequest } from './support/provider-request.ts';
import { startReceiver } from './support/receiver.ts';
import type { Receiver } from './support/receiver.ts';

type Refusal = { errors: { field: string; message: string }[] };
type Preview = {
  would_send: boolean;
  reason: string;
  missing: string[];
  request: { method: string; url: string; headers: Record<string, string>; body: string };
};
type Hook = {
  id: string;
  name: string;
  preset: string | null;
  target_url: string;
  secret: string;
  signing: boolean;
  settings: { request_headers: { name: string; value: string }[]; request_body: unknown };
  trigger_when: { events: string[]; conditions: unknown[] };
  warnings: unknown[];
};
type Variable = { name: string; path: string; type?: string; required?: boolean };

const eventOf: Record<StatusOfAction, string> = {
  pending: 'action.created',
  'in-progress': 'action.started',
  completed: 'action.completed',
  failed: 'action.failed',
  skipped: 'action.skipped',
};
const everyStatus: StatusOfAction[] = ['pending', 'in-progress', 'completed', 'failed', 'skipped'];
const ends: StatusOfAction[] = ['completed', 'failed'];

const accessToken = 'token-of-the-source-provider';

type GenericBody = {
  type: string;
  timestamp: string;
  data: {
    action: { id: number; status: string; updated_at: string };
    application: { id: number; name: string } | null;
    server: { hostname: string } | null;
    pipeline: { id: number };
    environment: { name: string };
    project: object;
  };
};

type Host = Place['host'];
const githubExample = (event: string) => (): ProviderEvent => ({
  payload: githubPayload(event),
  headers: { 'x-github-event': event },
});
const gitlabNote = (): ProviderEvent => ({
  payload: { object_kind: 'note', merge_request: { id: 7, iid: 4, last_commit: { id: 'f'.repeat(40) } } },
  headers: { 'x-gitlab-event': 'Note Hook' },
});

/** Where the events of the providers have what a preset is to find, under a name that tells nothing. */
const renamed: { host: Host; event: () => ProviderEvent; path: string; isCommit: boolean }[] = [
  ...(['github', 'gitlab', 'bitbucket', 'bitbucket-data-center'] as const).flatMap((host) => {
    const { push, request, paths } = senders[hosts[host].sender];
    return [
      { host, event: push, path: paths.pushedCommit, isCommit: true },
      { host, event: request, path: paths.requestedCommit, isCommit: true },
      { host, event: request, path: paths.requestNumber, isCommit: false },
    ];
  }),
  { host: 'github', event: senders.github.push, path: 'head_commit.id', isCommit: true },
  { host: 'github', event: senders.github.request, path: 'number', isCommit: false },
  { host: 'github', event: githubExample('issue_comment'), path: 'issue.number', isCommit: false },
  { host: 'gitlab', event: senders.gitlab.push, path: 'after', isCommit: true },
  { host: 'gitlab', event: gitlabNote, path: 'merge_request.iid', isCommit: false },
];

/** What is added to the address of a local receiver, for it to stand for the API, and where requests then go. */
const localPlaces = [
  { host: 'github', path: { given: '/api/v3', base: '/api/v3' }, repository: 'octocat/hello-world' },
  { host: 'gitlab', path: { given: '', base: '/api/v4' }, repository: 'a/b/c' },
  { host: 'bitbucket', path: { given: '/2.0', base: '/2.0' }, repository: 'acme/web.site' },
  { host: 'bitbucket-data-center', path: { given: '', base: '/rest/api/latest' }, repository: 'PROJ/repo' },
] as const;

const slackUrl = 'https://hooks.slack.com/services/T0/B0/secret';
const chats = [
  { name: 'slack-message', contract: chatContracts.slack, base: '', path: '/services/T0/B0/secret' },
  { name: 'discord-message', contract: chatContracts.discord, base: '/api', path: '/api/webhooks/123/abc' },
] as const;

/** The two variables that presets look for, from where the provider's request event has them. */
function usualVariables(host: Place['host']): Variable[] {
  const { paths } = senders[hosts[host].sender];
  return [
    { name: 'commit_hash', path: paths.requestedCommit },
    { name: 'pull_request_id', path: paths.requestNumber, type: 'integer' },
  ];
}

for (const kind of databaseKinds) {
  describe(`presets (${kind})`, { timeout: 600_000 }, () => {
    const stack = new AsyncDisposableStack();
    after(() => stack.disposeAsync());
    let database: TestDatabase;
    let app: InProcessApp;

    before(async () => {
      database = stack.adopt(await createTestDatabase(kind), (made) => made.drop());
      app = stack.adopt(await startInProcessApp({ database }), (started) => started.stop());
    });

    async function application(
      place: Pick<Place, 'host' | 'apiUrl' | 'repository'>,
    ): Promise<{ id: number }> {
      const credential = await app.api.post<{ id: number }>(
        `/environments/${app.environmentId}/credentials`,
        {
          name: `credential-${randomUUID().slice(0, 8)}`,
          provider_code: hosts[place.host].provider,
          settings: {
            access_token: accessToken,
            ...(place.apiUrl === null ? {} : { api_url: place.apiUrl }),
          },
        },
      );
      return await applicationWithout({ repository: place.repository, credential_id: credential.id });
    }

    async function applicationWithout(fields: Record<string, unknown> = {}): Promise<{ id: number }> {
      const name = `app-${randomUUID().slice(0, 8)}`;
      const body = { name, repository: 'octocat/hello-world', ...fields };
      return await app.api.post<{ id: number }>(`/environments/${app.environmentId}/applications`, body);
    }

    async function pipelineAt(
      place: Pick<Place, 'host' | 'apiUrl' | 'repository'>,
      commands?: string[],
      fields?: Record<string, unknown>,
    ): Promise<number> {
      return await createPipeline(app, await application(place), commands, fields);
    }

    const preset = (pipelineId: number, name: string, fields: Record<string, unknown> = {}): Promise<Hook> =>
      app.api.post<Hook>(`/pipelines/${pipelineId}/hooks/outgoing`, { preset: name, ...fields });

    const refused = async (pipelineId: number, body: object): Promise<Refusal['errors']> => {
      const path = `/pipelines/${pipelineId}/hooks/outgoing`;
      const answer = await app.api.request<Refusal>('POST', path, body);
      assert.equal(answer.status, 422);
      return answer.body.errors;
    };

    const incoming = (
      pipelineId: number,
      host: Place['host'],
      variables: Variable[],
    ): Promise<IncomingHook> =>
      app.api.post<IncomingHook>(`/pipelines/${pipelineId}/hooks/incoming`, {
        name: 'in',
        requires_secret: true,
        ...senders[hosts[host].sender].hook,
        settings: { variables },
      });

    /** Sends an event as its provider would, and waits for the end of the action that it causes. */
    async function trigger(
      hook: IncomingHook,
      host: Place['host'],
      { payload, headers }: ProviderEvent,
    ): Promise<number> {
      const body = JSON.stringify(payload);
      const signature = senders[hosts[host].sender].signature(hook.secret, body);
      const all = { 'content-type': 'application/json', ...headers, ...signature };
      const client = createApiClient(app.url);
      const answer = await client.request<Receipt>('POST', `/hooks/${hook.id}/trigger`, body, all);
      assert.equal(answer.status, 202, JSON.stringify(answer.body));
      const id = answer.body.action_id ?? assert.fail('no action');
      await untilAction(app, id);
      return id;
    }

    /** A pipeline whose last action was caused by an opened pull request, with an incoming hook for the usual variables. */
    async function requestedAction(
      place: Place,
      variables = usualVariables(place.host),
      fields?: Record<string, unknown>,
    ): Promise<{ pipelineId: number; actionId: number }> {
      const pipelineId = await pipelineAt(place, ['true'], fields);
      const hook = await incoming(pipelineId, place.host, variables);
      const event = senders[hosts[place.host].sender].request();
      return { pipelineId, actionId: await trigger(hook, place.host, event) };
    }

    /** Makes a past action one of that status, as no real one stays for long in most of them. */
    async function setStatus(actionId: number, status: StatusOfAction, reason = 'As it is.'): Promise<void> {
      const code = status.toUpperCase().replace('-', '_');
      const text = reason.replaceAll("'", "''");
      const change = `status = '${status}', reason_code = '${code}', reason = '${text}'`;
      await executeSql(database, `UPDATE actions SET ${change} WHERE id = ${actionId}`);
    }

    const preview = (hook: Hook, actionId: number, status: StatusOfAction): Promise<Preview> =>
      app.api.post<Preview>(`/hooks/outgoing/${hook.id}/test`, {
        action_id: actionId,
        event: eventOf[status],
      });

    async function receiverFor(t: TestContext, status = 200, body = ''): Promise<Receiver> {
      const receiver = await startReceiver({ behave: () => ({ kind: 'answer', status, body }) });
      t.after(() => receiver.close());
      return receiver;
    }

    const deliveriesOf = (hook: Hook): Promise<ListedDelivery[]> =>
      app.api.get<ListedDelivery[]>(`/hooks/outgoing/${hook.id}/deliveries`);

    async function untilEnded(hook: Hook, count: number): Promise<ListedDelivery[]> {
      return await until(async () => {
        const all = await deliveriesOf(hook);
        const isOver = all.every(({ status }) => !['pending', 'sending'].includes(status));
        return all.length === count && isOver && all;
      }, `${count} deliveries to have ended`);
    }

    for (const place of places) {
      const host = hosts[place.host];
      const where = `${place.repository} at ${place.apiUrl ?? `the usual ${place.host}`}`;

      test(`${host.status.preset} for ${where} tells of every status as the provider wants it`, async () => {
        const { pipelineId, actionId } = await requestedAction(place);
        const hook = await preset(pipelineId, host.status.preset);
        assert.deepEqual(hook.warnings, []);
        assert.deepEqual(
          hook.trigger_when.events,
          everyStatus.map((status) => eventOf[status]),
        );
        const commit = commitOf(place.host);
        for (const status of everyStatus) {
          await setStatus(actionId, status);
          const shown = await preview(hook, actionId, status);
          assert.deepEqual([shown.would_send, shown.missing], [true, []], shown.reason);
          const request = withAccess(shown.request);
          const { parameters, body } = checkRequest(host.status.contract, place.base, request);
          assert.deepEqual(parameters, { ...place.named, [host.commit]: commit });
          assert.equal(body['state'], host.status.states[status]);
          assert.equal(body['description'], 'As it is.');
          const link = String(body['target_url'] ?? body['url']);
          assert.ok(link.endsWith(`/actions/${actionId}`), link);
        }
      });

      test(`${host.comment.preset} for ${where} comments on how it ended`, async () => {
        const { pipelineId, actionId } = await requestedAction(place);
        const hook = await preset(pipelineId, host.comment.preset);
        assert.deepEqual(hook.warnings, []);
        assert.deepEqual(
          hook.trigger_when.events,
          ends.map((status) => eventOf[status]),
        );
        for (const status of ends) {
          await setStatus(actionId, status);
          const shown = await preview(hook, actionId, status);
          assert.deepEqual([shown.would_send, shown.missing], [true, []], shown.reason);
          const request = withAccess(shown.request);
          const { parameters, body } = checkRequest(host.comment.contract, place.base, request);
          assert.deepEqual(parameters, { ...place.named, [host.number]: numberOf(place.host) });
          const text = String(host.comment.textOf(body));
          assert.match(text, status === 'completed' ? /: As it is\./ : /: Failed\. As it is\./);
          assert.match(
            text,
            new RegExp(`\\[action ${actionId}\\]\\(http://[^)]+/actions/${actionId}\\)\\)$`),
          );
        }
      });
    }

    for (const { host, event, path, isCommit } of renamed) {
      test(`${isCommit ? 'a commit' : 'the number of a request'} of ${host} is known by ${path}, whatever the variable is called`, async () => {
        const place = places.find((one) => one.host === host)!;
        const { status, comment, commit, number } = hosts[host];
        const pipelineId = await pipelineAt(place);
        const variables = [{ name: 'renamed', path, type: isCommit ? 'string' : 'integer' }];
        const hook = await preset(pipelineId, 'generic', { target_url: 'https://example.com/' });
        assert.deepEqual(hook.warnings, []);
        const actionId = await trigger(await incoming(pipelineId, host, variables), host, event());
        const made = await preset(pipelineId, isCommit ? status.preset : comment.preset);
        assert.deepEqual(made.warnings, []);
        const shown = await preview(made, actionId, 'completed');
        assert.ok(shown.would_send, shown.reason);
        const { contract } = isCommit ? status : comment;
        const { parameters } = checkRequest(contract, place.base, withAccess(shown.request));
        assert.equal(parameters[isCommit ? commit : number], String(at(event().payload, path)));
      });
    }

    test('a variable of the usual name is taken rather than one of a known path', async () => {
      const place = places[0]!;
      const variables = [
        { name: 'build', path: 'number', type: 'integer' },
        { name: 'base', path: 'after' },
        { name: 'pull_request_id', path: 'ticket', type: 'integer' },
        { name: 'commit_hash', path: 'sha' },
      ];
      const pipelineId = await pipelineAt(place);
      const payload = { number: 7, ticket: 9, after: 'a'.repeat(40), sha: 'b'.repeat(40) };
      const hook = await incoming(pipelineId, 'github', variables);
      const actionId = await trigger(hook, 'github', { payload, headers: {} });
      const urlOf = async (name: string) =>
        (await preview(await preset(pipelineId, name), actionId, 'completed')).request.url;
      assert.match(await urlOf('github-commit-status'), /\/b{40}$/);
      assert.match(await urlOf('github-pr-comment'), /\/issues\/9\/comments$/);
    });

    for (const { host, path, repository } of localPlaces) {
      const { status, comment } = hosts[host];

      for (const [command, outcome] of [
        ['true', 'completed'],
        ['exit 3', 'failed'],
      ] as const) {
        test(`one ${status.preset} and one ${comment.preset} tell ${host} all about an action that has ${outcome}`, async (t) => {
          const statuses = await receiverFor(t);
          statuses.setBehaviour(({ path: asked }) => {
            const { contract } = asked.endsWith('/comments') || asked.endsWith('/notes') ? comment : status;
            return { kind: 'answer', status: contract.success[0]! };
          });
          const pipelineId = await pipelineAt({ host, apiUrl: statuses.url + path.given, repository }, [
            command,
          ]);
          const told = await preset(pipelineId, status.preset);
          const commented = await preset(pipelineId, comment.preset);
          const hook = await incoming(pipelineId, host, usualVariables(host));
          const actionId = await trigger(hook, host, senders[hosts[host].sender].request());
          const all = [...(await untilEnded(told, 3)), ...(await untilEnded(commented, 1))];
          assert.deepEqual(new Set(all.map((one) => one.status)), new Set(['delivered']));
          assert.deepEqual(
            all.filter(({ reason }) => reason.includes('Empty in the body')),
            [],
          );

          const base = statuses.url + path.base;
          const sent = statuses.requests.map((request) => ({ ...request, url: statuses.url + request.path }));
          for (const { headers } of sent) assert.equal(headers.authorization, `Bearer ${accessToken}`);
          const isComment = (url: string) => /\/(comments|notes)$/.test(url);
          const states = sent
            .filter(({ url }) => !isComment(url))
            .map((request) => checkRequest(status.contract, base, request).body);
          assert.deepEqual(
            states.map(({ state }) => state),
            [status.states.pending, status.states['in-progress'], status.states[outcome]],
          );
          const names = states.map(({ key, context, name }) => JSON.stringify([key, context, name]));
          assert.equal(new Set(names).size, 1, 'the statuses of an action replace each other');
          const [text, ...others] = sent
            .filter(({ url }) => isComment(url))
            .map((request) => comment.textOf(checkRequest(comment.contract, base, request).body));
          assert.match(String(text), outcome === 'failed' ? /Failed\..*exited with code 3/ : /Completed\./);
          assert.ok(String(text).includes(`/actions/${actionId}`));
          assert.deepEqual(others, []);
        });
      }
    }

    for (const { name, contract, base, path } of chats) {
      for (const owner of ['application', 'server'] as const) {
        test(`${name} tells of the end of an action of the ${owner}, and pings nobody`, async (t) => {
          const receiver = await receiverFor(t, contract.success[0]);
          const { pipelineId, label } = await (owner === 'server' ? serverPipeline() : namedApplication());
          const hook = await preset(pipelineId, name, { target_url: receiver.url + path });
          assert.deepEqual(hook.warnings, []);
          await run(pipelineId);
          const [delivery] = await untilEnded(hook, 1);
          assert.equal(delivery!.reason, `Delivered: answered ${contract.success[0]}.`);
          const [request] = receiver.requests;
          const sent = { ...request!, url: receiver.url + path };
          const { body } = checkRequest(contract, receiver.url + base, sent);
          const text = String(body['text'] ?? body['content']);
          assert.match(text, new RegExp(` for ${label} in production: (Completed|Failed)\\.`));
          assert.deepEqual(body['allowed_mentions'], name === 'discord-message' ? { parse: [] } : undefined);
        });
      }
    }

    test('what stands in a Slack message is text, whoever wrote it', async () => {
      const { pipelineId } = await namedApplication({ name: 'a < b & <!channel>' });
      const hook = await preset(pipelineId, 'slack-message', { target_url: slackUrl });
      const actionId = await run(pipelineId);
      await setStatus(actionId, 'failed', 'Ask <@U1> & <https://evil.example|us>');
      const { request } = await preview(hook, actionId, 'failed');
      const { body } = checkRequest(chatContracts.slack, 'https://hooks.slack.com', request);
      const text = String(body['text']);
      assert.ok(text.startsWith('a &lt; b &amp; &lt;!channel&gt; for '), text);
      assert.ok(text.includes('Ask &lt;@U1&gt; &amp; &lt;https://evil.example|us&gt; <http'), text);
    });

    test('the longest names and reasons keep a Discord message within what Discord takes', async () => {
      const longest = (length: number) => '🙂'.repeat(length / 2);
      const { pipelineId } = await namedApplication({ name: longest(60) });
      const hook = await preset(pipelineId, 'discord-message', {
        target_url: 'https://discord.com/api/webhooks/123/abc',
      });
      const actionId = await run(pipelineId);
      await setStatus(actionId, 'failed', longest(4000));
      const { request } = await preview(hook, actionId, 'failed');
      checkRequest(chatContracts.discord, 'https://discord.com/api', request);
    });

    for (const owner of ['application', 'server'] as const) {
      test(`generic signs every change of an action of the ${owner}, and shows its secret once`, async (t) => {
        const receiver = await receiverFor(t, 204);
        const { pipelineId, label } = await (owner === 'server' ? serverPipeline() : namedApplication());
        const hook = await preset(pipelineId, 'generic', { target_url: receiver.url });
        assert.match(hook.secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
        assert.equal(hook.signing, true);
        assert.deepEqual(hook.warnings, []);
        const read = await app.api.get<Hook>(`/hooks/outgoing/${hook.id}`);
        assert.ok(!JSON.stringify(read).includes(hook.secret.slice(6)));
        const actionId = await run(pipelineId);
        const { status: end } = await untilAction(app, actionId);
        const deliveries = (await untilEnded(hook, 4)).toReversed();
        for (const { reason } of deliveries) assert.equal(reason, 'Delivered: answered 204.');
        const bodies = receiver.requests.map((request) => {
          const { headers, body } = request;
          const key = Buffer.from(hook.secret.slice('whsec_'.length), 'base64');
          const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
          const digest = createHmac('sha256', key).update(signed).digest('base64');
          assert.equal(headers['webhook-signature'], `v1,${digest}`);
          return request.json() as GenericBody;
        });
        assert.deepEqual(
          receiver.requests.map(({ headers }) => headers['webhook-id']),
          deliveries.map(({ id }) => id),
        );
        assert.deepEqual(
          bodies.map(({ type, data }) => `${type} ${data.action.status}`),
          [
            'action.created pending',
            'action.status_changed queued',
            'action.status_changed in-progress',
            `action.status_changed ${end}`,
          ],
        );
        for (const { timestamp, data } of bodies) {
          assert.equal(timestamp, data.action.updated_at);
          assert.equal(new Date(timestamp).toISOString(), timestamp);
          assert.equal(data.action.id, actionId);
          assert.equal(data.pipeline.id, pipelineId);
          assert.equal(data.environment.name, 'production');
          assert.deepEqual(Object.keys(data.project).toSorted(), ['id', 'name']);
          const subject = owner === 'server' ? data.server?.hostname : data.application?.name;
          assert.equal(subject, label);
          assert.equal(owner === 'server' ? data.application : data.server, null);
        }
      });
    }

    test('a preset that cannot know what is needed says what that is', async () => {
      const github = await pipelineAt(places[0]!);
      const none = await createPipeline(app, await applicationWithout());
      const { pipelineId: ofServer } = await serverPipeline();
      const cases: [number, string, string, RegExp][] = [
        [
          github,
          'gitlab-commit-status',
          'preset',
          /is for GitLab, but .* GitHub.* github-commit-status and github-pr-comment/,
        ],
        [github, 'bitbucket-pr-comment', 'preset', /is for Bitbucket/],
        [none, 'github-commit-status', 'preset', /source provider of GitHub: give it a credential first/],
        [ofServer, 'github-pr-comment', 'preset', /needs the pipeline of an application/],
        [github, 'slack-message', 'target_url', /incoming webhook that Slack made/],
        [github, 'discord-message', 'target_url', /webhook that Discord made/],
        [none, 'generic', 'target_url', /address that is to receive the events/],
      ];
      for (const [pipelineId, name, field, message] of cases) {
        const [error, ...others] = await refused(pipelineId, { preset: name });
        assert.equal(error?.field, field, name);
        assert.match(error?.message ?? '', message);
        assert.deepEqual(others, []);
      }
      const [unknown] = await refused(github, { preset: 'jenkins' });
      assert.match(unknown?.message ?? '', /github-commit-status/);
    });

    test('each part of a preset can be overridden, and the others stay', async () => {
      const pipelineId = await pipelineAt(places[0]!);
      const usual = await preset(pipelineId, 'github-commit-status');
      const changed = async (fields: Record<string, unknown>): Promise<Hook> => {
        const hook = await preset(pipelineId, 'github-commit-status', fields);
        assert.equal(hook.preset, 'github-commit-status');
        return hook;
      };
      const same = (one: Hook, ...but: (keyof Hook | 'request_body' | 'request_headers')[]) => {
        const parts = ({ name, target_url, settings, trigger_when }: Hook) => ({
          name,
          target_url,
          trigger_when,
          ...settings,
        });
        const kept = (hook: Hook) =>
          Object.entries(parts(hook)).filter(([key]) => !but.some((other) => other === key));
        assert.deepEqual(kept(one), kept(usual));
      };

      const named = await changed({ name: 'Mine' });
      assert.equal(named.name, 'Mine');
      same(named, 'name');

      const elsewhere = await changed({ target_url: 'https://proxy.example.com/{{ action.commit.hash }}' });
      assert.equal(elsewhere.target_url, 'https://proxy.example.com/{{ action.commit.hash }}');
      same(elsewhere, 'target_url');

      const headers = [
        { name: 'AUTHORIZATION', value: 'token {{ application.source_provider.access_token }}' },
        { name: 'X-More', value: '1' },
      ];
      const other = await changed({ settings: { request_headers: headers } });
      const left = usual.settings.request_headers.filter(({ name }) => name !== 'Authorization');
      assert.equal(left.length, usual.settings.request_headers.length - 1);
      assert.deepEqual(other.settings.request_headers, [...left, ...headers]);
      same(other, 'request_headers');

      const request_body = { state: '{{ action.status | commit_state: "github" }}', context: 'mine' };
      const bodied = await changed({ settings: { request_body } });
      assert.deepEqual(bodied.settings.request_body, request_body);
      same(bodied, 'request_body');

      const late = await changed({ trigger_when: { events: ['action.failed'] } });
      assert.deepEqual(late.trigger_when, { events: ['action.failed'], conditions: [] });
      same(late, 'trigger_when');
      const conditions = [{ path: 'environment.name', accepted_values: ['production'] }];
      const some = await changed({ trigger_when: { conditions } });
      assert.deepEqual(some.trigger_when, { events: usual.trigger_when.events, conditions });
    });

    test('with an address given, a preset is made for any pipeline', async () => {
      const pipelineId = await createPipeline(app, await applicationWithout());
      const target_url = 'https://bridge.example.com/{{ action.id }}';
      const hook = await preset(pipelineId, 'github-commit-status', { target_url });
      assert.equal(hook.target_url, target_url);
    });

    test('a generic hook can be made without signing, and with a secret that is given', async () => {
      const pipelineId = await createPipeline(app, await applicationWithout());
      const target_url = 'https://example.com/';
      const plain = await preset(pipelineId, 'generic', { target_url, signing: false });
      assert.deepEqual([plain.signing, plain.secret], [false, '']);
      const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
      assert.equal((await preset(pipelineId, 'generic', { target_url, secret })).secret, secret);
    });

    test('a long reason is cut to what each provider takes', async () => {
      for (const [host, most] of [
        ['github', 140],
        ['gitlab', 255],
        ['bitbucket', 255],
        ['bitbucket-data-center', 255],
      ] as const) {
        const place = places.find((one) => one.host === host)!;
        const { status } = hosts[host];
        const name = `${'n'.repeat(58)}é🙂`.slice(0, 60);
        const { pipelineId, actionId } = await requestedAction(place, usualVariables(host), { name });
        const hook = await preset(pipelineId, status.preset);
        for (const text of ['x'.repeat(5000), '🙂'.repeat(5000)]) {
          await setStatus(actionId, 'failed', text);
          const shown = await preview(hook, actionId, 'failed');
          const { body } = checkRequest(status.contract, place.base, withAccess(shown.request));
          assert.equal([...String(body['description'])].length, most, host);
          assert.ok(String(body['description']).endsWith('...'));
          assert.ok(shown.request.body.isWellFormed());
        }
      }
    });

    test('no line of a comment is one that a name or a reason has begun', async () => {
      const place = places.find(({ host }) => host === 'gitlab')!;
      const { comment } = hosts.gitlab;
      const fields = { name: 'Deploy\n/merge' };
      const { pipelineId, actionId } = await requestedAction(place, usualVariables('gitlab'), fields);
      await setStatus(actionId, 'failed', 'It said:\n/close\r\n/label ~bug');
      const hook = await preset(pipelineId, comment.preset);
      const { request } = await preview(hook, actionId, 'failed');
      const { body } = checkRequest(comment.contract, place.base, withAccess(request));
      assert.doesNotMatch(String(comment.textOf(body)), /[\r\n]/);
    });

    test('the key of a build is that of its pipeline, whatever the status', async () => {
      for (const host of ['bitbucket', 'bitbucket-data-center'] as const) {
        const place = places.find((one) => one.host === host)!;
        const { pipelineId, actionId } = await requestedAction(place);
        const hook = await preset(pipelineId, 'bitbucket-build-status');
        for (const status of everyStatus) {
          await setStatus(actionId, status);
          const { request } = await preview(hook, actionId, status);
          const { key } = JSON.parse(request.body) as { key: string };
          assert.equal(key, `hookline-${pipelineId}`);
          assert.ok(key.length <= 40);
        }
      }
    });

    test('GitLab is told the branch where it is known, by its short name, and else null', async () => {
      const place = places.find(({ host }) => host === 'gitlab')!;
      const commit = { name: 'commit_hash', path: 'checkout_sha' };
      for (const [variables, ref] of [
        [[commit], null],
        [[commit, { name: 'source_ref', path: 'ref' }], 'master'],
        [[commit, { name: 'branch', path: 'project.default_branch' }], 'master'],
      ] as const) {
        const pipelineId = await pipelineAt(place);
        const hook = await preset(pipelineId, 'gitlab-commit-status');
        const from = await incoming(pipelineId, 'gitlab', [...variables]);
        const actionId = await trigger(from, 'gitlab', senders.gitlab.push());
        const { request, missing } = await preview(hook, actionId, 'completed');
        const { body } = checkRequest(hosts.gitlab.status.contract, place.base, withAccess(request));
        assert.equal(body['ref'], ref);
        assert.deepEqual(missing, []);
      }
    });

    test('an action without a commit has nothing to report to a commit, and says so', async () => {
      const pipelineId = await pipelineAt(places[0]!);
      const hook = await preset(pipelineId, 'github-commit-status');
      await run(pipelineId);
      for (const { status, reason } of await untilEnded(hook, 3)) {
        assert.equal(status, 'skipped');
        assert.match(reason, /the URL names action\.commit\.hash, which this event does not have/);
      }
    });

    test('a status that GitLab has already counts as delivered, another refusal does not', async (t) => {
      const [running, pending] = ['run', 'enqueue'].map((via) => {
        const from = via === 'run' ? 'running' : 'pending';
        const reasons = `(Reason(s): Status cannot transition via "${via}")`;
        return JSON.stringify({ message: `Cannot transition status via :${via} from :${from} ${reasons}` });
      });
      const bodies = [pending!, running!, '{"message":{"name":["has already been taken"]}}'];
      const receiver = await receiverFor(t);
      receiver.setBehaviour((_request, index) => ({
        kind: 'answer',
        status: 400,
        headers: { 'content-type': 'application/json' },
        body: bodies[index] ?? '',
      }));
      const place = { host: 'gitlab', apiUrl: receiver.url, repository: 'a/b/c' } as const;
      const pipelineId = await pipelineAt(place);
      const hook = await preset(pipelineId, 'gitlab-commit-status');
      const from = await incoming(pipelineId, 'gitlab', usualVariables('gitlab'));
      await trigger(from, 'gitlab', senders.gitlab.request());
      const told = (await untilEnded(hook, 3)).toReversed();
      assert.deepEqual(
        told.map(({ event, status, reason }) => [event, status, reason]),
        [
          [
            'action.created',
            'delivered',
            'Delivered: answered 400, which GitLab does when a commit has a state already, or is past it.',
          ],
          [
            'action.started',
            'delivered',
            'Delivered: answered 400, which GitLab does when a commit has a state already, or is past it.',
          ],
          ['action.completed', 'rejected', 'Rejected: answered 400.'],
        ],
      );
    });

    test("an API address that is the provider's own site, or empty, is its API", async () => {
      for (const [host, apiUrl, url] of [
        ['github', 'https://github.com/', 'https://api.github.com/repos/'],
        ['github', '', 'https://api.github.com/repos/'],
        ['gitlab', 'https://gitlab.com', 'https://gitlab.com/api/v4/projects/'],
        ['bitbucket', 'https://bitbucket.org', 'https://api.bitbucket.org/2.0/repositories/'],
      ] as const) {
        const pipelineId = await pipelineAt({ host, apiUrl, repository: 'acme/web' });
        const { target_url } = await preset(pipelineId, hosts[host].status.preset);
        assert.ok(target_url.startsWith(url), target_url);
      }
    });

    async function run(pipelineId: number): Promise<number> {
      const { id } = await app.api.post<{ id: number }>(`/pipelines/${pipelineId}/actions`, {});
      await untilAction(app, id);
      return id;
    }

    async function namedApplication(
      fields?: Record<string, unknown>,
    ): Promise<{ pipelineId: number; label: string }> {
      const name = `app-${randomUUID().slice(0, 8)}`;
      const pipelineId = await createPipeline(app, await applicationWithout({ name }), ['true'], fields);
      return { pipelineId, label: name };
    }

    async function serverPipeline(): Promise<{ pipelineId: number; label: string }> {
      const label = `machine-${randomUUID().slice(0, 8)}`;
      const path = `/environments/${app.environmentId}/servers`;
      const { id } = await app.api.post<{ id: number }>(path, { hostname: label });
      const pipeline = { name: 'Restart', operation: 'restart', steps: [{ command: 'true' }] };
      const made = await app.api.post<{ id: number }>(`/pipelines/server/${id}`, pipeline);
      return { pipelineId: made.id, label };
    }
  });
}

/** A preview shows no access; that it is sent is seen where something is delivered. */
function withAccess(request: Preview['request']): Preview['request'] {
  return { ...request, headers: { ...request.headers, authorization: 'Bearer x' } };
}

/** The commit and the number in the opened request of each provider. */
function commitOf(host: Place['host']): string {
  const { request, paths } = senders[hosts[host].sender];
  return String(at(request().payload, paths.requestedCommit));
}
function numberOf(host: Place['host']): string {
  const { request, paths } = senders[hosts[host].sender];
  return String(at(request().payload, paths.requestNumber));
}

function at(payload: unknown, path: string): unknown {
  let value = payload;
  for (const name of path.split('.')) value = (value as Record<string, unknown>)[name];
  return value ?? assert.fail(`nothing at ${path}`);
}
