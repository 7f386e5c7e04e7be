import { absent, empty, filled, fresh, get, holds, present, send } from './reference-case.ts';
import type { Case, Cases, Sees } from './reference-case.ts';
import { memberCases } from './reference-member-cases.ts';
import type { OperationId } from './reference-operations.ts';
import type { Scene } from './reference-scene.ts';
import { shapeFaults } from './shape-faults.ts';

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

/** Each runs a pipeline that the server began with. */
const serverCall = (path: string): Cases => ({
  '': send('POST', ({ servers }) => `/servers/${servers.switched}/${path}`),
});
const serverCalls = {
  startServer: serverCall('start'),
  stopServer: serverCall('stop'),
  restartServer: serverCall('restart'),
  getStatusServer: serverCall('get-status'),
};

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

  ...memberCases,
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
    'on a server': send(
      'POST',
      ({ environmentId }) => `/environments/${environmentId}/applications`,
      ({ servers }) => ({
        name: fresh('linked'),
        repository: 'octocat/hello-world',
        linked_resources: [{ resource_type: 'server', resource_id: servers.addressed }],
      }),
      { servers: filled },
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
    'with a server': get(({ applications }) => `/applications/${applications.linked}`, { servers: filled }),
    'without servers': get(({ applications }) => `/applications/${applications.bare}`, { servers: absent }),
    // Which deployment is live is not kept yet; the client takes null for both.
    'after deployments': get(({ applications }) => `/applications/${applications.full}`, {
      last_deployments: present,
    }),
  },
  updateApplication: {
    '': send('PUT', ({ applications }) => `/applications/${applications.byAddress}`, {
      default_branch: 'next',
    }),
  },
  addApplicationDeployment: {
    deploy: send('POST', ({ applications }) => `/applications/${applications.full}/deployments`, {
      type: 'deploy',
    }),
    'of a branch': send('POST', ({ applications }) => `/applications/${applications.full}/deployments`, {
      type: 'deploy',
      source_type: 'branch',
      source_ref: 'main',
    }),
    'with the pipeline and servers named': send(
      'POST',
      ({ applications }) => `/applications/${applications.full}/deployments`,
      ({ pipelines, servers }) => ({
        type: 'deploy',
        pipeline_id: pipelines.main,
        servers: [servers.addressed],
      }),
    ),
    redeploy: send('POST', ({ applications }) => `/applications/${applications.full}/deployments`, {
      type: 'redeploy',
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
    'that was found running': get(({ servers }) => `/servers/${servers.running}`, { status: 'running' }),
  },
  ...serverCalls,
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
  listResourceLinksByResourceTypeAndLinkType: {
    'the servers of an application': get(
      ({ applications }) =>
        `/resource-links/application/${applications.linked}/child?linked_resource_type=server`,
      { ...holds, 'each.resource_type': 'server' },
    ),
    'of the other kind': get(
      ({ applications }) => `/resource-links/application/${applications.linked}/parent`,
      empty,
    ),
  },
  listResourceLinksByResourceType: {
    'of an application': get(({ applications }) => `/resource-links/application/${applications.linked}`, {
      ...holds,
      'each.resource_type': 'server',
    }),
    'of a server': get(({ servers }) => `/resource-links/server/${servers.addressed}`, {
      ...holds,
      'each.resource_type': 'application',
    }),
    none: get(({ applications }) => `/resource-links/application/${applications.bare}`, empty),
  },
  linkResourceLinkToResourceLink: {
    'an application first': send(
      'POST',
      async (scene) =>
        `/resource-links/application/${await scene.newApplication()}/server/${scene.servers.bare}/link`,
    ),
    'a server first': send(
      'POST',
      async (scene) =>
        `/resource-links/server/${scene.servers.bare}/application/${await scene.newApplication()}/link`,
    ),
  },
  unlinkResourceLinkFromResourceLink: {
    '': send('DELETE', async (scene) => {
      const pair = `/resource-links/application/${await scene.newApplication()}/server/${scene.servers.bare}`;
      await scene.api.post(`${pair}/link`);
      return `${pair}/unlink`;
    }),
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
    'of a server': get(({ servers }) => `/pipelines/server/${servers.addressed}`, {
      ...holds,
      'each.created_by_user': present,
    }),
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
  linkStepToPipeline: {
    '': send(
      'POST',
      async (scene) => `/pipelines/${scene.pipelines.stepless}/steps/${await scene.newStep()}/link`,
    ),
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
  listEnvironmentActionsByResourceType: {
    '': get(({ environmentId }) => `/environments/${environmentId}/actions/application`, holds),
    filtered: get(
      ({ environmentId }) => `/environments/${environmentId}/actions/server?filter%5Boperation%5D=restart`,
      { ...holds, 'each.type': 'restart', 'each.resource.type': 'server' },
    ),
    'of a kind that Hookline has none of': get(
      ({ environmentId }) => `/environments/${environmentId}/actions/network`,
      empty,
    ),
  },
  listProjectActionsByResourceType: {
    '': get(({ projectId }) => `/projects/${projectId}/actions/server`, {
      ...holds,
      'each.resource.type': 'server',
    }),
  },
  listActionsByResourceType: {
    'of an application': get(({ applications }) => `/actions/application/${applications.full}`, holds),
    'of a server': get(({ servers }) => `/actions/server/${servers.addressed}`, holds),
    none: get(({ servers }) => `/actions/server/${servers.bare}`, empty),
  },
  listActionsByTargetResourceType: {
    '': get(({ servers }) => `/actions/targets/server/${servers.addressed}`, holds),
    none: get(({ servers }) => `/actions/targets/server/${servers.bare}`, empty),
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
  retryAction: {
    'that failed': send('POST', ({ actions }) => `/actions/${actions.failed}/retry`, undefined, {
      retry_of: present,
    }),
    'of a hook': send('POST', ({ actions }) => `/actions/${actions.byHook}/retry`, undefined, {
      retry_of: present,
      'triggered_from.trigger_type': 'manual',
    }),
    'of a server': send('POST', ({ actions }) => `/actions/${actions.ofServer}/retry`),
  },
  getActionLog: {
    'on a server': get(({ logs }) => logs.onServer, { 'step.started_at': present }),
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
