import { randomUUID } from 'node:crypto';
import { createApiClient, login, until } from './api-client.ts';
import type { ApiClient } from './api-client.ts';
import {
  createApplication,
  createIncomingHook,
  createOutgoingHook,
  createPipeline,
  openWorkplace,
  sendSigned,
  untilAction,
} from './fixtures.ts';
import type { IncomingHook, Receipt, Workplace } from './fixtures.ts';
import { startReceiver } from './receiver.ts';
import type { Behave, Receiver } from './receiver.ts';
import { buildMembers } from './reference-members.ts';
import type { TestServer } from './server.ts';

const account = { email: 'admin@example.com', password: 'correct-horse-battery' };

/** One of each thing whose answer can take another form, by the name of what is different about it. */
export type Scene = Awaited<ReturnType<typeof buildScene>>;

/** Everything through the public API. Takes about two seconds. */
export async function buildScene(server: TestServer, ends: AsyncDisposableStack) {
  const work = await openWorkplace(server);
  const { api, environmentId, organizationId } = work;
  const home = `/environments/${environmentId}`;
  const idOf = async <Id = number>(path: string, body: object): Promise<Id> =>
    (await api.post<{ id: Id }>(path, body)).id;
  const credential = (provider_code: string, settings: object = {}, at = home): Promise<number> =>
    idOf(`${at}/credentials`, {
      name: `${provider_code} ${randomUUID()}`,
      provider_code,
      settings: { access_token: 'token', ...settings },
    });

  const credentials = {
    github: await credential('github'),
    gitlab: await credential('gitlab', { api_url: 'https://gitlab.example.com/api/v4' }),
    organization: await credential('bitbucket', {}, `/organizations/${organizationId}`),
  };
  const fullApplication = {
    repository: 'octocat/hello-world',
    credential_id: credentials.github,
    default_branch: 'main',
    programming_language: 'nodejs',
    engine_version: '26',
    framework: 'express',
    root_directory: '/web',
    deployments_keep: 4,
    install_dependencies_command: 'npm ci',
    build_command: 'npm run build',
  };
  const application = (fields: object): Promise<number> =>
    idOf(`${home}/applications`, { name: `app-${randomUUID()}`, ...fields });
  const server_ = (fields: object = {}): Promise<number> =>
    idOf(`${home}/servers`, { hostname: `server-${randomUUID().slice(0, 8)}`, ...fields });
  const receiver = ends.adopt(await startReceiver({ behave: answerByPath }), (started) => started.close());
  const servers = {
    addressed: await server_({ ip_address: '192.0.2.1' }),
    bare: await server_(),
    // Something listens there, which is all that get-status asks for.
    running: await server_({ ip_address: '127.0.0.1', ssh_port: receiver.port }),
    // And nothing there.
    switched: await server_({ ip_address: '127.0.0.1', ssh_port: 1 }),
  };
  const applications = {
    full: await application(fullApplication),
    linked: await application({
      repository: 'octocat/hello-world',
      linked_resources: [{ resource_type: 'server', resource_id: servers.addressed }],
    }),
    bare: await application({ repository: 'octocat/hello-world' }),
    byAddress: await application({ repository: 'https://git.example.com/team/app.git' }),
  };
  const variable = (at: string, fields: object): Promise<number> => idOf(at, { value: 'shown', ...fields });
  const ofApplication = `/variables/application/${applications.full}`;
  const variables = {
    shown: await variable(ofApplication, { key: 'SHOWN' }),
    hidden: await variable(ofApplication, { key: 'HIDDEN', hidden: true, description: 'why' }),
    ofServer: await variable(`/variables/server/${servers.addressed}`, { key: 'HERE' }),
  };
  const pipelines = {
    main: await createPipeline(work, { id: applications.full }, ['echo hello', 'true']),
    failing: await createPipeline(work, { id: applications.full }, ['false', 'true'], { operation: 'stop' }),
    stepless: await createPipeline(work, { id: applications.bare }, []),
    slow: await createPipeline(work, { id: applications.bare }, ['sleep 600'], {
      operation: 'start',
      max_parallel_actions: 1,
    }),
    spare: await createPipeline(work, { id: applications.byAddress }, [], { operation: 'reload' }),
    server: await idOf(`/pipelines/server/${servers.addressed}`, {
      name: 'restart',
      operation: 'restart',
      steps: [{ command: 'true', name: 'only', description: 'why' }],
    }),
  };
  const hooks = await createHooks(work, receiver, pipelines, applications.full);
  const actions = await runActions(work, pipelines, servers, hooks);
  const failed = await api.get<{ targets: { id: number }[] }>(`/actions/${actions.failed}`);
  const onServer = await api.get<{ targets: { id: number }[] }>(`/actions/${actions.onServer}`);
  const ran = await api.get<{ targets: { id: number }[] }>(`/actions/${actions.byHand}`);
  const day = 24 * 3600 * 1000;
  const nextYear = new Date(Date.now() + 300 * day).toISOString();
  const token = () =>
    api.post<{ id: string; token: string }>('/users/personal-access-tokens', {
      name: `token ${randomUUID()}`,
      expires_at: nextYear,
    });
  const used = await token();
  await createApiClient(server.url, used.token).get('/users/me');
  const revoked = await token();
  await api.delete(`/users/personal-access-tokens/${revoked.id}/revoke`);

  return {
    ...work,
    ...(await buildMembers(work, nextYear)),
    account,
    nextYear,
    refreshToken: (await login(server.url, account.email, account.password)).refresh_token,
    loginAgain: (): Promise<ApiClient> => server.login(),
    tokens: {
      unused: (await token()).id,
      used: used.id,
      revoked: revoked.id,
      toRevoke: (await token()).id,
    },
    credentials,
    fullApplication,
    applications,
    servers,
    variables,
    pipelines,
    hooks: { incoming: mapValues(hooks.incoming, ({ id }) => id), outgoing: hooks.outgoing },
    actions,
    logs: {
      ran: `/actions/${actions.byHand}/targets/${ran.targets[0]?.id}/steps/1/logs`,
      onServer: `/actions/${actions.onServer}/targets/${onServer.targets[0]?.id}/steps/1/logs`,
      skipped: `/actions/${actions.failed}/targets/${failed.targets[0]?.id}/steps/2/logs`,
    },
    records: await collectRecords(work, hooks),
    newCredential: () => credential('github'),
    newApplication: () => application({ repository: 'octocat/hello-world' }),
    newServer: () => server_(),
    newVariable: () => variable(ofApplication, { key: `K${randomUUID().replaceAll('-', '')}` }),
    newPipeline: () => createPipeline(work, { id: applications.bare }, [], { operation: 'configure' }),
    newStep: () => idOf(`/pipelines/${pipelines.spare}/steps`, { command: 'true' }),
    newHook: async () => (await createIncomingHook(work, pipelines.spare)).id,
  };
}

/** A part of the path chooses the answer. */
const answerByPath: Behave = ({ path }, index) => {
  if (path === '/list') return { kind: 'answer', status: 200, body: '[1,2]' };
  if (path === '/text') return { kind: 'answer', status: 500, body: 'no' };
  return { kind: 'answer', status: 200, body: JSON.stringify({ index }) };
};

type Hooks = Awaited<ReturnType<typeof createHooks>>;

async function createHooks(
  work: Workplace,
  receiver: Receiver,
  pipelines: { main: number },
  applicationId: number,
) {
  const incoming = (fields: object): Promise<IncomingHook> =>
    createIncomingHook(work, pipelines.main, { requires_secret: false, ...fields });
  const outgoing = (path: string, fields: Record<string, unknown> = {}): Promise<string> =>
    createOutgoingHook(work, pipelines.main, path.startsWith('/') ? `${receiver.url}${path}` : path, fields);
  const onText = { path: 'ref', accepted_values: ['refs/heads/main'] };
  const older = { resource_type: 'application', resource_id: applicationId, action_type: 'deploy' };
  return {
    incoming: {
      bare: await incoming({}),
      secret: await incoming({ requires_secret: true }),
      variables: await incoming({
        settings: {
          variables: [
            { name: 'bare' },
            { name: 'pathed', path: 'commits.0.id', type: 'string', required: false, default_value: 'none' },
            { name: 'count', type: 'integer', required: false, default_value: 1 },
            { name: 'flag', type: 'boolean', required: false, default_value: true },
            { name: 'list', type: 'array', required: false, default_value: [1, 'two', { three: [] }] },
            { name: 'event', path: '$headers.x-github-event', required: false, default_value: null },
          ],
        },
      }),
      bodyConditions: await incoming({
        trigger_when: {
          conditions: [
            { name: 'main', type: 'request_body', ...onText },
            { type: 'request_body', path: 'n', accepted_values: [1, true, 'x'] },
          ],
        },
      }),
      ownConditions: await incoming({
        trigger_when: {
          conditions: [
            { type: 'request_header', path: 'x-github-event', accepted_values: ['push'] },
            { type: 'variable', path: 'count', accepted_values: [1, true] },
          ],
        },
      }),
      untypedCondition: await incoming({
        trigger_when: { conditions: [{ path: 'n', accepted_values: [1] }] },
      }),
      inactive: await incoming({ active: false }),
      older: await work.api.post<IncomingHook>('/hooks/incoming', { name: 'older', ...older }),
    },
    outgoing: {
      bare: await outgoing('/bare'),
      string: await outgoing('/text', { settings: { request_body: 'done' } }),
      object: await outgoing('/object', { settings: { request_body: { text: '{{ action.id }}' } } }),
      array: await outgoing('/list', { settings: { request_body: ['{{ action.id }}'] } }),
      headers: await outgoing('/headers', {
        settings: {
          request_headers: [
            { name: 'Authorization', value: 'Bearer secret' },
            { name: 'X-Id', value: '{{ action.id }}' },
          ],
        },
      }),
      longHeader: await outgoing('/long', {
        active: false,
        settings: { request_headers: [{ name: 'X-Long', value: 'x'.repeat(4096) }] },
      }),
      conditions: await outgoing('/conditions', {
        trigger_when: {
          events: ['action.completed'],
          conditions: [{ path: 'action.status', accepted_values: ['completed'] }],
        },
      }),
      numbers: await outgoing('/numbers', {
        trigger_when: { conditions: [{ path: 'action.id', accepted_values: [1, true] }] },
      }),
      // Nobody listens there.
      unanswered: await outgoing('http://127.0.0.1:1/'),
      older: (
        await work.api.post<{ id: string }>('/hooks/outgoing', {
          name: 'older',
          target_url: `${receiver.url}/older`,
          ...older,
        })
      ).id,
    },
  };
}

async function runActions(
  work: Workplace,
  pipelines: Record<'main' | 'failing' | 'stepless' | 'slow' | 'server', number>,
  servers: { addressed: number; running: number },
  hooks: Hooks,
) {
  const start = async (pipelineId: number, body?: object): Promise<number> =>
    (await work.api.post<{ id: number }>(`/pipelines/${pipelineId}/actions`, body)).id;
  const gone = await createApplication(work);
  const { body: receipt } = await sendSigned(work, hooks.incoming.secret, '{"ref":"refs/heads/main"}');
  const actions = {
    byHand: await start(pipelines.main, { source_type: 'tag', source_ref: 'v1', trigger_comment: 'go' }),
    byHook: receipt.action_id ?? 0,
    failed: await start(pipelines.failing),
    stepless: await start(pipelines.stepless),
    onServer: await start(pipelines.main, { servers: [servers.addressed] }),
    ofServer: await start(pipelines.server),
    ofGone: await start(await createPipeline(work, gone)),
  };
  const looked = await work.api.request('POST', `/servers/${servers.running}/get-status`);
  const status = Number(looked.headers.get('x-devopness-action-id'));
  for (const id of [...Object.values(actions), status]) await untilAction(work, id);
  await work.api.delete(`/applications/${gone.id}`);
  await untilAction(work, await start(pipelines.slow), ['in-progress']);
  const waiting = await start(pipelines.slow);
  await untilAction(work, waiting, ['waiting']);
  return { ...actions, waiting };
}

type Record_ = { id: string; retry_of: string | null };

async function collectRecords(work: Workplace, { incoming, outgoing }: Hooks) {
  const send = async (
    hook: IncomingHook,
    body: string,
    headers: Record<string, string> = {},
  ): Promise<string> =>
    (await sendSigned(work, hook, body, { headers })).body
      .hook_request_id satisfies Receipt['hook_request_id'];
  const sent = (hookId: string, pick: (record: Record_) => boolean = () => true): Promise<string> =>
    until(async () => {
      const list = await work.api.get<Record_[]>(`/hooks/outgoing/${hookId}/requests?per_page=100`);
      return list.find(pick)?.id;
    }, `a request of the outgoing hook ${hookId}`);
  const sentAgain = async (hookId: string): Promise<string> => {
    await work.api.post(`/hook-requests/${await sent(hookId)}/replay`);
    return await sent(hookId, ({ retry_of }) => retry_of !== null);
  };
  return {
    accepted: await send(incoming.bare, '{"ref":"refs/heads/main"}'),
    list: await send(incoming.bare, '[1,2]'),
    form: await send(incoming.bare, 'a=1&b=2', { 'content-type': 'application/x-www-form-urlencoded' }),
    empty: await send(incoming.bare, ''),
    refused: await send({ ...incoming.secret, secret: 'another' }, '{}'),
    skipped: await send(incoming.bodyConditions, '{"ref":"other"}'),
    sent: await sent(outgoing.object),
    sentList: await sent(outgoing.array),
    sentText: await sent(outgoing.string),
    sentString: await sent(outgoing.string),
    unanswered: await sent(outgoing.unanswered),
    retry: await sentAgain(outgoing.object),
  };
}

function mapValues<Key extends string, From, To>(
  object: Record<Key, From>,
  change: (value: From) => To,
): Record<Key, To> {
  // Safe: the keys are the object's own.
  return Object.fromEntries(
    Object.entries<From>(object).map(([key, value]) => [key, change(value)]),
  ) as Record<Key, To>;
}
