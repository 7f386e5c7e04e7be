import { createApiClient, login } from './api-client.ts';
import type { ApiClient } from './api-client.ts';
import { executeSql } from './execute-sql.ts';
import { createApplication, createPipeline, untilAction } from './fixtures.ts';
import {
  addServer,
  createProjectToken,
  createRole,
  createTeam,
  fresh,
  inDays,
  invite,
  join,
  rejectDelivery,
  untilRejected,
} from './permission-world.ts';
import type { Ids, Person, World } from './permission-world.ts';

/** What goes into one call: what the address names beyond the objects of the world, and the rest. */
export type Call = {
  path?: Ids;
  query?: string;
  body?: unknown;
  /** A session of the caller that the call may use up. */
  api?: ApiClient;
};

const step = { command: 'true' };
const credential = { name: 'c', provider_code: 'github', settings: { access_token: 'ghp_0' } };

/** The bodies of those calls that need one; every call with them is right in form. */
export const bodies: Record<string, (world: World) => unknown> = {
  addApplicationDeployment: () => ({ type: 'deploy' }),
  addApplicationVariable: () => ({ key: fresh('K').replace(' ', '_'), value: 'v' }),
  addEnvironmentApplication: () => ({ name: fresh('app'), repository: 'a/b' }),
  addEnvironmentCredential: () => credential,
  addEnvironmentServer: () => ({ hostname: fresh('host').replace(' ', '-') }),
  addHook: ({ ids }) => ({
    name: 'h',
    resource_type: 'application',
    resource_id: ids['application_id'],
    action_type: 'deploy',
  }),
  addOrganization: () => ({ name: 'Another' }),
  addOrganizationCredential: () => credential,
  addOrganizationProject: () => ({ name: fresh('project') }),
  addOrganizationRole: () => ({ name: fresh('role'), permissions: ['project:read'] }),
  addOrganizationTeam: () => ({ name: fresh('team') }),
  addPipeline: () => ({ name: 'p', operation: 'configure', steps: [step] }),
  addPipelineAction: () => ({}),
  addPipelineHook: () => ({ name: 'h' }),
  previewNewIncomingHook: () => ({ hook: { name: 'h' } }),
  previewNewOutgoingHook: () => ({ hook: { name: 'h', target_url: 'https://example.com/' } }),
  previewOutgoingHookChange: () => ({ hook: {} }),
  addPipelineStep: () => step,
  addProject: () => ({ name: fresh('project') }),
  addProjectApiToken: ({ roleIds }) => ({
    name: 't',
    role_id: roleIds['viewer'],
    expires_at: inDays(1),
  }),
  addProjectEnvironment: () => ({ type: 'staging', name: 'e' }),
  addTeamInvitation: () => ({ type: 'private', email: 'somebody@example.com' }),
  addUserPersonalAccessToken: () => ({ name: 't', expires_at: inDays(1) }),
  addVariable: () => ({ key: fresh('K').replace(' ', '_'), value: 'v' }),
  linkTeamToEnvironment: ({ roleIds }) => ({ role_id: roleIds['viewer'] }),
  linkTeamToOrganization: ({ roleIds }) => ({ role_id: roleIds['viewer'] }),
  linkTeamToProject: ({ roleIds }) => ({ role_id: roleIds['viewer'] }),
  recoverOutgoingHook: () => ({ since: inDays(-1) }),
  rotateProjectApiToken: () => ({ expires_at: inDays(2) }),
  rotateUserPersonalAccessToken: () => ({ expires_at: inDays(2) }),
  testIncomingHook: () => ({ body: {} }),
  triggerHook: () => ({}),
  updateApplication: () => ({ default_branch: 'trunk' }),
  updateCredential: () => ({ name: fresh('credential') }),
  updateEnvironment: () => ({ description: fresh('environment') }),
  updateHook: () => ({ name: fresh('hook') }),
  updateOrganization: () => ({ name: fresh('organization') }),
  updatePipeline: () => ({ name: fresh('pipeline') }),
  updatePipelineStep: () => step,
  updateProject: () => ({ name: fresh('project') }),
  updateRole: () => ({ description: fresh('role') }),
  updateServer: () => ({ max_parallel_actions: 1 }),
  updateTeam: () => ({ name: fresh('team') }),
  updateUser: () => ({ language: 'en' }),
  updateVariable: () => ({ key: 'GREETING', value: fresh('hello') }),
};

const ownToken = async (_world: World, { api }: Person): Promise<Call> => {
  const body = { name: 't', expires_at: inDays(1) };
  const { id } = await api.post<{ id: string }>('/users/personal-access-tokens', body);
  return { path: { personal_access_token_id: id } };
};
const unlink =
  (place: 'organization' | 'project' | 'environment') =>
  async (world: World): Promise<Call> => {
    const team_id = await createTeam(world);
    const body = { role_id: world.roleIds['viewer'] };
    await world.api.post(`/${place}s/${world.ids[`${place}_id`]}/teams/${team_id}/link`, body);
    return { path: { team_id } };
  };
/** A hook of a repository at a provider that is there. */
const installable = async (world: World): Promise<Call> => {
  const { api, environmentId, providerUrl } = world;
  const { id: credential_id } = await api.post<{ id: number }>(`/environments/${environmentId}/credentials`, {
    ...credential,
    settings: { access_token: 'ghp_0', api_url: providerUrl },
  });
  const application = await createApplication(world, { credential_id });
  const pipeline = await createPipeline(world, application);
  const { id } = await api.post<{ id: string }>(`/pipelines/${pipeline}/hooks/incoming`, { name: 'in' });
  return { path: { hook_id: id } };
};
const freshTeam = async (world: World): Promise<Call> => ({ path: { team_id: await createTeam(world) } });

/**
 * What a call needs made before it so that it can succeed, over and over: objects to delete, things of the caller's own.
 * `me` is who calls; for a call without a valid token, somebody.
 */
export const preparations: Record<string, (world: World, me: Person) => Promise<Call>> = {
  loginUser: async (_world, { email, password }) => ({ body: { email, password } }),
  addSession: async (_world, { email, password }) => ({ body: { email, password } }),
  deleteSession: async ({ url }, { email, password }) => ({
    api: createApiClient(url, (await login(url, email, password)).access_token),
  }),
  refreshTokenUser: async ({ url }, { email, password }) => ({
    body: { refresh_token: (await login(url, email, password)).refresh_token },
  }),
  addUser: async (world) => {
    const link = await invite(world.api, await createTeam(world));
    const email = `${fresh('new').replace(' ', '-')}@example.com`;
    return {
      body: {
        name: 'New',
        email,
        password: 'long enough',
        invitation_id: link.id,
        invitation_token: link.token,
      },
    };
  },
  acceptTeamInvitation: async (world) => {
    const link = await invite(world.api, await createTeam(world));
    return { path: { team_invitation_id: link.id }, query: `?token=${link.token}` };
  },
  rejectTeamInvitation: async (world) => {
    const link = await invite(world.api, await createTeam(world), 'nobody@example.com');
    return { path: { team_invitation_id: link.id }, query: `?token=${link.token}` };
  },
  updateUser: async (_world, { id }) => ({ path: { user_id: id } }),
  getUserPersonalAccessToken: ownToken,
  rotateUserPersonalAccessToken: ownToken,
  revokeUserPersonalAccessToken: ownToken,
  recoverOutgoingHook: async ({ outgoingHook }) => ({ path: { hook_id: outgoingHook } }),
  previewOutgoingHookChange: async ({ outgoingHook }) => ({ path: { hook_id: outgoingHook } }),
  testOutgoingHook: async ({ outgoingHook }) => ({ path: { hook_id: outgoingHook } }),
  // Streams that would not end.
  streamEnvironmentEvents: async () => ({ query: '?follow=false' }),
  listenToOutgoingHook: async ({ outgoingHook }) => ({
    path: { hook_id: outgoingHook },
    query: '?follow=false',
  }),
  getOutgoingHookDelivery: async ({ rejected }) => ({ path: rejected }),
  redeliverOutgoingHookDelivery: async (world) => {
    // The call before may be sending it just now.
    await untilRejected(world, world.rejected.hook_id);
    return { path: world.rejected };
  },
  listOutgoingHookRecoveries: async ({ rejected }) => ({ path: rejected }),
  getOutgoingHookRecovery: async ({ rejected }) => ({ path: rejected }),
  cancelOutgoingHookRecovery: async (world) => {
    const { api, ids } = world;
    const { hook_id } = await rejectDelivery(world, Number(ids['application_id']));
    // Nobody listens there, which is a reason to try again for a day.
    await api.put(`/hooks/outgoing/${hook_id}`, { target_url: 'http://127.0.0.1:9/' });
    const { id } = await api.post<{ id: string }>(`/hooks/outgoing/${hook_id}/recover`, {
      since: inDays(-1),
    });
    return { path: { hook_id, recovery_id: id } };
  },
  rotateHookSecret: async ({ api, ids }) => {
    const { id } = await api.post<{ id: string }>(`/pipelines/${ids['pipeline_id']}/hooks/incoming`, {
      name: 'brief',
      requires_secret: true,
    });
    return { path: { hook_id: id } };
  },
  installIncomingHook: installable,
  uninstallIncomingHook: installable,
  linkStepToPipeline: async ({ api, ids }) => {
    const { id } = await api.post<{ id: number }>(`/pipelines/${ids['pipeline_id']}/steps`, step);
    return { path: { step_id: id } };
  },
  listOutgoingHookDeliveries: async ({ outgoingHook }) => ({ path: { hook_id: outgoingHook } }),
  addProject: async ({ organizationId, strangers, stranger }, me) => ({
    body: {
      name: fresh('project'),
      organization_id: me.id === stranger.id ? strangers.organizationId : organizationId,
    },
  }),

  deleteOrganization: async ({ api }) => {
    const { id } = await api.post<{ id: number }>('/organizations', { name: 'Brief' });
    const roles = await api.get<{ id: number }[]>(`/organizations/${id}/roles`);
    const team = await api.post<{ id: number }>(`/organizations/${id}/teams`, { name: 'crew' });
    await api.post(`/organizations/${id}/teams/${team.id}/link`, { role_id: roles[0]!.id });
    return { path: { organization_id: id } };
  },
  deleteProject: async ({ api, organizationId, roleIds }) => {
    const { id } = await api.post<{ id: number }>(`/organizations/${organizationId}/projects`, {
      name: 'brief',
    });
    await createProjectToken(api, id, roleIds['viewer']!);
    return { path: { project_id: id } };
  },
  deleteEnvironment: async ({ api, projectId }) => {
    const body = { type: 'staging', name: 'brief' };
    const { id } = await api.post<{ id: number }>(`/projects/${projectId}/environments`, body);
    return { path: { environment_id: id } };
  },
  deleteApplication: async (world) => ({ path: { application_id: (await createApplication(world)).id } }),
  deleteServer: async (world) => ({ path: { server_id: await addServer(world) } }),
  deleteCredential: async ({ api, environmentId }) => {
    const { id } = await api.post<{ id: number }>(`/environments/${environmentId}/credentials`, credential);
    return { path: { credential_id: id } };
  },
  deleteVariable: async ({ api, ids }) => {
    const body = { key: fresh('K').replace(' ', '_'), value: 'v' };
    const { id } = await api.post<{ id: number }>(`/applications/${ids['application_id']}/variables`, body);
    return { path: { variable_id: id } };
  },
  deletePipeline: async (world) => ({
    path: {
      pipeline_id: await createPipeline(world, { id: Number(world.ids['application_id']) }, [], {
        operation: 'configure',
      }),
    },
  }),
  unlinkStepFromPipeline: async ({ api, ids }) => {
    const { id } = await api.post<{ id: number }>(`/pipelines/${ids['pipeline_id']}/steps`, step);
    return { path: { step_id: id } };
  },
  deleteHook: async ({ api, ids }) => {
    const { id } = await api.post<{ id: string }>(`/pipelines/${ids['pipeline_id']}/hooks/incoming`, {
      name: 'brief',
    });
    return { path: { hook_id: id } };
  },
  retryAction: async (world) => {
    const { id } = await world.api.post<{ id: number }>(`/pipelines/${world.ids['pipeline_id']}/actions`, {});
    await untilAction(world, id);
    return { path: { action_id: id } };
  },
  cancelAction: async (world) => {
    const application = { id: Number(world.ids['application_id']) };
    const pipelineId = await createPipeline(world, application, ['sleep 300'], { operation: 'configure' });
    const { id } = await world.api.post<{ id: number }>(`/pipelines/${pipelineId}/actions`, {});
    return { path: { action_id: id } };
  },
  rollbackApplication: async (world) => {
    const application = await createApplication(world);
    await createPipeline(world, application, [], { default_steps: true });
    const now = Date.now();
    const release = (count: number) =>
      `(${application.id}, ${-1000 * application.id - count}, 'release-${count}', 'ready', ${now + count}, ${now}, ${now})`;
    await executeSql(
      world.database,
      `insert into releases (application_id, action_id, name, status, activated_at, created_at, updated_at) values ${release(1)}, ${release(2)}`,
    );
    return { path: { application_id: application.id } };
  },
  unlinkResourceLinkFromResourceLink: async ({ api, ids }) => {
    await api.post(`/resource-links/application/${ids['application_id']}/server/${ids['server_id']}/link`);
    return {};
  },
  deleteRole: async (world) => ({ path: { role_id: await createRole(world, ['project:read']) } }),
  deleteTeam: freshTeam,
  linkTeamToEnvironment: freshTeam,
  linkTeamToOrganization: freshTeam,
  linkTeamToProject: freshTeam,
  unlinkTeamFromEnvironment: unlink('environment'),
  unlinkTeamFromOrganization: unlink('organization'),
  unlinkTeamFromProject: unlink('project'),
  deleteTeamInvitation: async (world) => ({
    path: { team_invitation_id: (await invite(world.api, Number(world.ids['team_id']))).id },
  }),
  deleteTeamMember: async (world) => {
    const team_id = await createTeam(world);
    return { path: { team_id, user_id: (await join(world, team_id)).id } };
  },
  rotateProjectApiToken: async ({ api, projectId, roleIds }) => ({
    path: { token_id: (await createProjectToken(api, projectId, roleIds['viewer']!)).id },
  }),
  revokeProjectApiToken: async ({ api, projectId, roleIds }) => ({
    path: { token_id: (await createProjectToken(api, projectId, roleIds['viewer']!)).id },
  }),
  getUserLogout: async ({ url }, { email, password }) => ({
    api: createApiClient(url, (await login(url, email, password)).access_token),
  }),
};
