import type { ApiAnswer } from './api-client.ts';
import type { OperationId } from './reference-operations.ts';
import type { Scene } from './reference-scene.ts';
import { shapeFaults } from './shape-faults.ts';

/** One call of an operation, under the name of what is different about it. */
export type Case = {
  call: (scene: Scene) => Promise<ApiAnswer<unknown>>;
  /**
   * What must be in the answer for the case to mean anything: by the path of a field its value, or one of `present`,
   * `absent` and `filled`; the path `` is the answer, and `each.status` that of every entry.
   */
  sees?: Sees;
};
export type Cases = Readonly<Record<string, Case>>;
type Sees = Readonly<Record<string, unknown>>;

const get = (path: (scene: Scene) => string, sees: Sees = {}): Case => ({
  call: (scene) => scene.api.request('GET', path(scene)),
  sees,
});
const send = (
  method: 'POST' | 'PUT' | 'DELETE',
  path: (scene: Scene) => string | Promise<string>,
  body?: object | ((scene: Scene) => object),
  sees: Sees = {},
): Case => ({
  call: async (scene) =>
    await scene.api.request(method, await path(scene), typeof body === 'function' ? body(scene) : body),
  sees,
});

const present = (value: unknown): boolean => value !== null && value !== undefined && value !== '';
const absent = (value: unknown): boolean => !present(value) || (Array.isArray(value) && value.length === 0);
const filled = (value: unknown): boolean => Array.isArray(value) && value.length > 0;
const holds: Sees = { '': filled };
const empty: Sees = { '': absent };
/** The client takes any settings, but for those of an incoming hook when they are not quite an outgoing one's. */
const outgoingSettings = (value: unknown): boolean => shapeFaults('HookOutgoingSettings', value).length === 0;

const hookOf = (name: keyof Scene['hooks']['incoming'], sees?: Sees): Case =>
  get(({ hooks }) => `/hooks/incoming/${hooks.incoming[name]}`, sees);
const outgoingHookOf = (name: keyof Scene['hooks']['outgoing'], sees?: Sees): Case =>
  get(({ hooks }) => `/hooks/outgoing/${hooks.outgoing[name]}`, { settings: outgoingSettings, ...sees });
const recordOf = (name: keyof Scene['records'], sees?: Sees): Case =>
  get(({ records }) => `/hook-requests/${records[name]}`, sees);
const actionOf = (name: keyof Scene['actions'], sees?: Sees): Case =>
  get(({ actions }) => `/actions/${actions[name]}`, sees);

let serial = 0;
const fresh = (prefix: string): string => `${prefix}-${++serial}`;

/** What Hookline answers today. Each case is a test; an operation without one must be in `notYetPresent`. */
export const cases: Partial<Record<OperationId, Cases>> = {
  loginUser: {
    '': send(
      'POST',
      () => '/users/login',
      ({ account }) => account,
    ),
  },
  refreshTokenUser: {
    '': send(
      'POST',
      () => '/users/refresh-token',
      ({ refreshToken }) => ({ refresh_token: refreshToken }),
    ),
  },
  getUserLogout: {
    '': { call: async (scene) => (await scene.loginAgain()).request('GET', '/users/logout') },
  },
  getUserMe: { '': get(() => '/users/me') },
  listUserPersonalAccessTokens: { '': get(() => '/users/personal-access-tokens', holds) },
  addUserPersonalAccessToken: {
    '': send(
      'POST',
      () => '/users/personal-access-tokens',
      ({ nextYear }) => ({
        name: fresh('token'),
        expires_at: nextYear,
      }),
    ),
  },
  getUserPersonalAccessToken: {
    'never used': get(({ tokens }) => `/users/personal-access-tokens/${tokens.unused}`),
    used: get(({ tokens }) => `/users/personal-access-tokens/${tokens.used}`, { last_used_at: present }),
    revoked: get(({ tokens }) => `/users/personal-access-tokens/${tokens.revoked}`, { status: 'revoked' }),
  },
  rotateUserPersonalAccessToken: {
    '': send(
      'POST',
      ({ tokens }) => `/users/personal-access-tokens/${tokens.unused}/rotate`,
      ({ nextYear }) => ({
        expires_at: nextYear,
      }),
    ),
  },
  revokeUserPersonalAccessToken: {
    '': send('DELETE', ({ tokens }) => `/users/personal-access-tokens/${tokens.toRevoke}/revoke`),
  },

  listOrganizations: { '': get(() => '/organizations', holds) },
  getOrganization: {
    'with its owner': get(({ organizationId }) => `/organizations/${organizationId}`, { owner: present }),
  },
  listOrganizationCredentials: {
    '': get(({ organizationId }) => `/organizations/${organizationId}/credentials`, holds),
  },
  addOrganizationCredential: {
    '': send(
      'POST',
      ({ organizationId }) => `/organizations/${organizationId}/credentials`,
      () => ({
        name: fresh('bitbucket'),
        provider_code: 'bitbucket',
        settings: { access_token: 'token' },
      }),
    ),
  },
  listProjects: { '': get(() => '/projects', holds) },
  getProject: {
    'with its organization': get(({ projectId }) => `/projects/${projectId}`, { organization: present }),
  },
  listProjectEnvironments: { '': get(({ projectId }) => `/projects/${projectId}/environments`, holds) },
  getEnvironment: { '': get(({ environmentId }) => `/environments/${environmentId}`) },

  listEnvironmentCredentials: {
    '': get(({ environmentId }) => `/environments/${environmentId}/credentials`, holds),
  },
  getCredential: {
    'of GitHub': get(({ credentials }) => `/credentials/${credentials.github}`),
    'of a GitLab of their own': get(({ credentials }) => `/credentials/${credentials.gitlab}`),
    'of an organization': get(({ credentials }) => `/credentials/${credentials.organization}`),
  },
  updateCredential: {
    '': send('PUT', ({ credentials }) => `/credentials/${credentials.gitlab}`, { name: 'lab' }),
  },
  deleteCredential: { '': send('DELETE', async (scene) => `/credentials/${await scene.newCredential()}`) },

  listEnvironmentApplications: {
    '': get(({ environmentId }) => `/environments/${environmentId}/applications`, holds),
  },
  addEnvironmentApplication: {
    bare: send(
      'POST',
      ({ environmentId }) => `/environments/${environmentId}/applications`,
      () => ({
        name: fresh('bare'),
        repository: 'octocat/hello-world',
      }),
    ),
    full: send(
      'POST',
      ({ environmentId }) => `/environments/${environmentId}/applications`,
      (scene) => ({
        ...scene.fullApplication,
        name: fresh('full'),
      }),
    ),
  },
  getApplication: {
    bare: get(({ applications }) => `/applications/${applications.bare}`, {
      credential: absent,
      build_command: absent,
    }),
    'with credential, root directory and commands': get(
      ({ applications }) => `/applications/${applications.full}`,
      { credential: present, root_directory: '/web', build_command: present },
    ),
    'of a full git address': get(({ applications }) => `/applications/${applications.byAddress}`),
    'after deployments': get(({ applications }) => `/applications/${applications.full}`, {
      'last_deployments.latest': present,
    }),
  },
  updateApplication: {
    '': send('PUT', ({ applications }) => `/applications/${applications.byAddress}`, {
      default_branch: 'next',
    }),
  },
  deleteApplication: { '': send('DELETE', async (scene) => `/applications/${await scene.newApplication()}`) },

  listEnvironmentServers: { '': get(({ environmentId }) => `/environments/${environmentId}/servers`, holds) },
  addEnvironmentServer: {
    'with an address': send(
      'POST',
      ({ environmentId }) => `/environments/${environmentId}/servers`,
      () => ({
        hostname: fresh('server'),
        ip_address: '192.0.2.7',
      }),
    ),
    'without an address': send(
      'POST',
      ({ environmentId }) => `/environments/${environmentId}/servers`,
      () => ({
        hostname: fresh('server'),
      }),
    ),
  },
  getServer: {
    'with an address': get(({ servers }) => `/servers/${servers.addressed}`, { ip_address: '192.0.2.1' }),
    'without an address': get(({ servers }) => `/servers/${servers.bare}`, { ip_address: absent }),
  },
  updateServer: { '': send('PUT', ({ servers }) => `/servers/${servers.bare}`, { ssh_port: 2222 }) },
  deleteServer: { '': send('DELETE', async (scene) => `/servers/${await scene.newServer()}`) },

  listApplicationVariables: {
    '': get(({ applications }) => `/applications/${applications.full}/variables`, holds),
    none: get(({ applications }) => `/applications/${applications.bare}/variables`, empty),
  },
  addApplicationVariable: {
    '': send(
      'POST',
      ({ applications }) => `/applications/${applications.full}/variables`,
      () => ({
        key: fresh('KEY').replace('-', '_'),
        value: 'value',
      }),
    ),
  },
  listVariablesByResourceType: {
    'of a server': get(({ servers }) => `/variables/server/${servers.addressed}`, holds),
  },
  addVariable: {
    hidden: send(
      'POST',
      ({ servers }) => `/variables/server/${servers.addressed}`,
      () => ({
        key: fresh('KEY').replace('-', '_'),
        value: 'value',
        hidden: true,
        description: 'why',
      }),
    ),
  },
  getVariable: {
    shown: get(({ variables }) => `/variables/${variables.shown}`, { value: 'shown' }),
    hidden: get(({ variables }) => `/variables/${variables.hidden}`, { hidden: present }),
  },
  updateVariable: {
    '': send('PUT', ({ variables }) => `/variables/${variables.shown}`, { key: 'SHOWN', value: 'shown' }),
  },
  deleteVariable: { '': send('DELETE', async (scene) => `/variables/${await scene.newVariable()}`) },

  listPipelinesByResourceType: {
    'of an application': get(({ applications }) => `/pipelines/application/${applications.full}`, holds),
    'of a server': get(({ servers }) => `/pipelines/server/${servers.addressed}`, holds),
  },
  addPipeline: {
    '': send(
      'POST',
      ({ applications }) => `/pipelines/application/${applications.bare}`,
      () => ({
        name: fresh('pipeline'),
        operation: 'configure',
      }),
    ),
  },
  getPipeline: {
    'with steps': get(({ pipelines }) => `/pipelines/${pipelines.main}`, { steps: filled }),
    'without steps': get(({ pipelines }) => `/pipelines/${pipelines.stepless}`, { steps: absent }),
    'of a server': get(({ pipelines }) => `/pipelines/${pipelines.server}`),
  },
  updatePipeline: {
    '': send('PUT', ({ pipelines }) => `/pipelines/${pipelines.spare}`, { max_parallel_actions: 2 }),
  },
  deletePipeline: { '': send('DELETE', async (scene) => `/pipelines/${await scene.newPipeline()}`) },
  addPipelineStep: {
    'with no more than a command': send('POST', ({ pipelines }) => `/pipelines/${pipelines.spare}/steps`, {
      command: 'true',
    }),
    'with everything': send('POST', ({ pipelines }) => `/pipelines/${pipelines.spare}/steps`, {
      name: 'build',
      description: 'why',
      type: 'command',
      runner: 'npm',
      command: 'run build',
      run_as_user: 'root',
    }),
  },
  updatePipelineStep: {
    '': send('PUT', async (scene) => `/pipelines/${scene.pipelines.spare}/steps/${await scene.newStep()}`, {
      command: 'false',
    }),
  },
  unlinkStepFromPipeline: {
    '': send(
      'DELETE',
      async (scene) => `/pipelines/${scene.pipelines.spare}/steps/${await scene.newStep()}/unlink`,
    ),
  },

  listActions: {
    '': get(() => '/actions?per_page=100', holds),
    'filtered as its clients do': get(
      ({ environmentId }) => `/actions?filter%5Benvironment_id%5D=${environmentId}&filter%5Bstatus%5D=failed`,
      { '': filled, 'each.status': 'failed' },
    ),
    'filtered by something that nothing has': get(() => '/actions?filter%5Bresource_id%5D=987654321', empty),
  },
  listEnvironmentActions: {
    '': get(({ environmentId }) => `/environments/${environmentId}/actions?per_page=100`, holds),
    'filtered as its clients do': get(
      ({ environmentId }) => `/environments/${environmentId}/actions?page=1&filter%5Bstatus%5D=failed`,
      { '': filled, 'each.status': 'failed' },
    ),
  },
  listPipelineActions: { '': get(({ pipelines }) => `/pipelines/${pipelines.main}/actions`, holds) },
  addPipelineAction: {
    'by hand': send('POST', ({ pipelines }) => `/pipelines/${pipelines.main}/actions`, {
      trigger_comment: 'now',
    }),
    'of a branch': send('POST', ({ pipelines }) => `/pipelines/${pipelines.main}/actions`, {
      source_type: 'branch',
      source_ref: 'main',
    }),
    'with no body': send('POST', ({ pipelines }) => `/pipelines/${pipelines.main}/actions`),
  },
  getAction: {
    'by hand': actionOf('byHand', { 'triggered_from.trigger_type': 'manual' }),
    'by a hook': actionOf('byHook', { 'triggered_from.trigger_type': 'hook' }),
    failed: actionOf('failed', { status: 'failed' }),
    'with no steps': actionOf('stepless'),
    'on a chosen server': actionOf('onServer'),
    'of a server': actionOf('ofServer', { 'resource.type': 'server' }),
    'that waits': actionOf('waiting', { status: 'waiting', started_at: absent }),
    'of an application that is gone': actionOf('ofGone', { 'resource.data': absent }),
  },
  getActionLog: {
    'of a step that ran': get(({ logs }) => logs.ran, { 'step.output': 'hello\n' }),
    'of a step that was skipped': get(({ logs }) => logs.skipped, { 'step.started_at': absent }),
  },

  listPipelineHooks: {
    '': get(({ pipelines }) => `/pipelines/${pipelines.main}/hooks?per_page=100`, holds),
    none: get(({ pipelines }) => `/pipelines/${pipelines.spare}/hooks`, empty),
  },
  listApplicationHooks: {
    '': get(({ applications }) => `/applications/${applications.full}/hooks?per_page=100`, holds),
  },
  addPipelineHook: {
    incoming: send('POST', ({ pipelines }) => `/pipelines/${pipelines.main}/hooks/incoming`, { name: 'in' }),
    'incoming with a secret': send(
      'POST',
      ({ pipelines }) => `/pipelines/${pipelines.main}/hooks/incoming`,
      { name: 'in', requires_secret: true },
      { secret: present },
    ),
    outgoing: send('POST', ({ pipelines }) => `/pipelines/${pipelines.main}/hooks/outgoing`, {
      name: 'out',
      target_url: 'https://example.com/',
    }),
  },
  getHook: {
    'incoming, bare': hookOf('bare', { requires_secret: false }),
    'incoming with a secret': hookOf('secret', { requires_secret: present }),
    'incoming with variables of each kind': hookOf('variables', { 'settings.variables': filled }),
    'incoming with conditions on the body': hookOf('bodyConditions', { 'trigger_when.conditions': filled }),
    'incoming with conditions of our own': hookOf('ownConditions', { 'trigger_when.conditions': filled }),
    'incoming with a condition that states no type': hookOf('untypedCondition'),
    'incoming, inactive': hookOf('inactive', { active: false }),
    'incoming in the older form': hookOf('older', { pipeline_id: absent }),
    'outgoing, bare': outgoingHookOf('bare'),
    'outgoing with a string as body': outgoingHookOf('string', { 'settings.request_body': 'done' }),
    'outgoing with an object as body': outgoingHookOf('object', { 'settings.request_body.text': present }),
    'outgoing with an array as body': outgoingHookOf('array', { 'settings.request_body': filled }),
    'outgoing with headers': outgoingHookOf('headers', { 'settings.request_headers': filled }),
    'outgoing with a header of 8,192 characters': outgoingHookOf('longHeader'),
    'outgoing with conditions on texts': outgoingHookOf('conditions', { 'trigger_when.conditions': filled }),
    'outgoing with conditions on numbers': outgoingHookOf('numbers', { 'trigger_when.conditions': filled }),
    'outgoing in the older form': outgoingHookOf('older', { pipeline_id: absent }),
  },
  updateHook: {
    incoming: send('PUT', ({ hooks }) => `/hooks/incoming/${hooks.incoming.secret}`, { name: 'in' }),
    outgoing: send('PUT', ({ hooks }) => `/hooks/outgoing/${hooks.outgoing.bare}`, { name: 'out' }),
  },
  deleteHook: { incoming: send('DELETE', async (scene) => `/hooks/incoming/${await scene.newHook()}`) },
  triggerHook: {
    accepted: send(
      'POST',
      ({ hooks }) => `/hooks/${hooks.incoming.bare}/trigger`,
      {},
      { action_id: present },
    ),
    'with nothing to run': send(
      'POST',
      ({ hooks }) => `/hooks/${hooks.incoming.bodyConditions}/trigger`,
      { ref: 'other' },
      { action_id: absent },
    ),
  },
  listHookRequestsByHookType: {
    incoming: get(({ hooks }) => `/hooks/incoming/${hooks.incoming.bare}/requests`, holds),
    'incoming, refused': get(({ hooks }) => `/hooks/incoming/${hooks.incoming.secret}/requests`, holds),
    outgoing: get(({ hooks }) => `/hooks/outgoing/${hooks.outgoing.object}/requests`, holds),
    'outgoing without an answer': get(
      ({ hooks }) => `/hooks/outgoing/${hooks.outgoing.unanswered}/requests`,
      holds,
    ),
  },
  getHookRequest: {
    'accepted, an object': recordOf('accepted', { action_id: present }),
    'accepted, a list': recordOf('list'),
    'accepted, a form': recordOf('form'),
    'accepted, empty': recordOf('empty'),
    refused: recordOf('refused', { response_status_code: 401 }),
    skipped: recordOf('skipped', { response_status_code: 200 }),
    'sent, answered with an object': recordOf('sent', { response_status_code: 200 }),
    'sent, answered with a list': recordOf('sentList', { response_status_code: 200 }),
    'sent, answered with a text': recordOf('sentText', { response_status_code: 500 }),
    'sent a text': recordOf('sentString'),
    'sent in vain': recordOf('unanswered', { response_status_code: 0 }),
    'sent again': recordOf('retry', { retry_of: present }),
  },
};

/** The paths at which an answer is not what its case is about. */
export function unseen(sees: Sees = {}, body: unknown): string[] {
  return Object.entries(sees)
    .filter(([path, wanted]) => {
      const values = path.startsWith('each.')
        ? (Array.isArray(body) ? body : []).map((entry) => valueAt(entry, path.slice(5)))
        : [valueAt(body, path)];
      return !values.every((value) => (typeof wanted === 'function' ? wanted(value) : value === wanted));
    })
    .map(([path]) => path);
}

function valueAt(value: unknown, path: string): unknown {
  let found = value;
  for (const key of path === '' ? [] : path.split('.')) {
    found = typeof found === 'object' && found !== null ? Reflect.get(found, key) : undefined;
  }
  return found;
}
