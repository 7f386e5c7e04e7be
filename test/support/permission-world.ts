import assert from 'node:assert/strict';
import { createApiClient, login, until } from './api-client.ts';
import type { ApiClient } from './api-client.ts';
import type { TestDatabase } from './database.ts';
import { executeSql } from './execute-sql.ts';
import {
  createApplication,
  createOutgoingHook,
  createPipeline,
  openWorkplace,
  untilAction,
} from './fixtures.ts';
import type { Workplace } from './fixtures.ts';
import type { ListedDelivery } from './lists.ts';
import type { TestServer } from './server.ts';

export type Person = { id: number; email: string; password: string; api: ApiClient };
/** `teamId` is of the team that gives them their role. */
export type TeamMember = Person & { teamId: number };
export type Link = { id: string; token: string };
export type Ids = Record<string, string | number>;

/** An organization with people in every role, and all kinds of objects; made through the public API alone. */
export type World = Workplace & {
  database: TestDatabase;
  owner: Person;
  /** Each in a team that has the role on the whole organization. */
  admin: TeamMember;
  developer: TeamMember;
  viewer: TeamMember;
  /** The owner of another organization. */
  stranger: Person;
  strangers: { organizationId: number; projectId: number; environmentId: number };
  /** Another project of the same organization, and an API token with the role owner there. */
  otherProjectId: number;
  otherProject: ApiClient;
  revoked: ApiClient[];
  expired: ApiClient[];
  /** Of the roles, by name. */
  roleIds: Record<string, number>;
  /** One object of each kind, by the name of its parameter in addresses. */
  ids: Ids;
  outgoingHook: string;
  /** The address of a GitHub of one's own; empty where the test has none. */
  providerUrl: string;
  /** A hook whose one delivery was rejected, and a recovery of it that has ended. */
  rejected: RejectedDelivery & { recovery_id: string };
  /** The access token of the credential, which no answer may hold. */
  secret: string;
};

export const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();

let count = 0;
/** A name that nothing has yet. */
export const fresh = (what: string): string => `${what} ${++count}`;

export async function createTeam({ api, organizationId }: Workplace, name = fresh('team')): Promise<number> {
  return (await api.post<{ id: number }>(`/organizations/${organizationId}/teams`, { name })).id;
}

export async function invite(api: ApiClient, teamId: number, email?: string): Promise<Link> {
  const body = email === undefined ? { type: 'public' } : { type: 'private', email };
  const { id, public_accept_url } = await api.post<{ id: string; public_accept_url: string }>(
    `/teams/${teamId}/invitations`,
    body,
  );
  return { id, token: new URL(public_accept_url).searchParams.get('token') ?? assert.fail('no token') };
}

/** Makes somebody who is in one team. */
export async function join({ api, url }: Workplace, teamId: number, name = fresh('person')): Promise<Person> {
  const email = `${name.replaceAll(' ', '-')}@example.com`;
  const password = `password of ${name}`;
  const { id: invitation_id, token: invitation_token } = await invite(api, teamId, email);
  const body = { name, email, password, invitation_id, invitation_token };
  const { id } = await createApiClient(url).post<{ id: number }>('/users', body);
  const { access_token } = await login(url, email, password);
  return { id, email, password, api: createApiClient(url, access_token) };
}

/** Somebody in a team of their own that has a role in one place, e.g. `/projects/7`. */
export async function personWithRole(
  workplace: Workplace,
  place: string,
  roleId: number,
): Promise<TeamMember> {
  const teamId = await createTeam(workplace);
  await workplace.api.post(`${place}/teams/${teamId}/link`, { role_id: roleId });
  return { ...(await join(workplace, teamId)), teamId };
}

export async function createProjectToken(
  api: ApiClient,
  projectId: number,
  roleId: number,
): Promise<{ id: string; token: string }> {
  const body = { name: fresh('token'), role_id: roleId, expires_at: inDays(1) };
  return await api.post<{ id: string; token: string }>(`/projects/${projectId}/tokens`, body);
}

export async function createRole(
  { api, organizationId }: Workplace,
  permissions: readonly string[],
): Promise<number> {
  const body = { name: fresh('role'), permissions };
  return (await api.post<{ id: number }>(`/organizations/${organizationId}/roles`, body)).id;
}

export async function buildWorld(
  server: TestServer,
  database: TestDatabase,
  providerUrl = '',
): Promise<World> {
  const workplace = await openWorkplace(server);
  const { api, organizationId, projectId, url } = workplace;
  const roles = await api.get<{ id: number; name: string }[]>(`/organizations/${organizationId}/roles`);
  const roleIds = Object.fromEntries(roles.map(({ id, name }) => [name, id]));
  const me = await api.get<{ id: number; email: string }>('/users/me');
  const owner = { ...me, password: 'correct-horse-battery', api };
  const inRole = (name: string) =>
    personWithRole(workplace, `/organizations/${organizationId}`, roleIds[name]!);
  const [admin, developer, viewer] = [
    await inRole('admin'),
    await inRole('developer'),
    await inRole('viewer'),
  ];

  const passing = await createTeam(workplace, 'passing through');
  // Only somebody who may change an organization can found another one.
  await api.post(`/organizations/${organizationId}/teams/${passing}/link`, { role_id: roleIds['admin'] });
  const stranger = await join(workplace, passing, 'stranger');
  const founded = await stranger.api.post<{ id: number }>('/organizations', { name: 'Strangers' });
  await api.delete(`/teams/${passing}`);
  const strangers = await furnish(stranger.api, founded.id);

  const other = await api.post<{ id: number }>(`/organizations/${organizationId}/projects`, {
    name: 'other',
  });
  const theirs = await createProjectToken(api, other.id, roleIds['owner']!);

  const tokensOf = async () => {
    const personal = await api.post<{ id: string; token: string }>('/users/personal-access-tokens', {
      name: fresh('token'),
      expires_at: inDays(1),
    });
    return { personal, project: await createProjectToken(api, projectId, roleIds['owner']!) };
  };
  const [revoked, expired] = [await tokensOf(), await tokensOf()];
  await api.delete(`/users/personal-access-tokens/${revoked.personal.id}/revoke`);
  await api.delete(`/projects/${projectId}/tokens/${revoked.project.id}/revoke`);
  for (const [table, { id }] of [
    ['personal_access_tokens', expired.personal],
    ['project_api_tokens', expired.project],
  ] as const)
    await executeSql(database, `update ${table} set expires_at = ${Date.now() - 1} where id = '${id}'`);
  const clients = ({ personal, project }: Awaited<ReturnType<typeof tokensOf>>) =>
    [personal, project].map(({ token }) => createApiClient(url, token));

  return {
    ...workplace,
    owner,
    admin,
    developer,
    viewer,
    stranger,
    strangers,
    otherProjectId: other.id,
    otherProject: createApiClient(url, theirs.token),
    revoked: clients(revoked),
    expired: clients(expired),
    database,
    roleIds,
    providerUrl,
    ...(await objectsOf(workplace, roleIds['viewer']!)),
  };
}

async function furnish(api: ApiClient, organizationId: number): Promise<World['strangers']> {
  const project = await api.post<{ id: number }>('/projects', { name: 'theirs' });
  const environment = await api.post<{ id: number }>(`/projects/${project.id}/environments`, {
    type: 'staging',
    name: 'theirs',
  });
  return { organizationId, projectId: project.id, environmentId: environment.id };
}

async function objectsOf(
  workplace: Workplace,
  viewerRoleId: number,
): Promise<Pick<World, 'ids' | 'outgoingHook' | 'rejected' | 'secret'>> {
  const { api, organizationId, projectId, environmentId } = workplace;
  const application = await createApplication(workplace);
  const server = await addServer(workplace);
  const variable = await api.post<{ id: number }>(`/applications/${application.id}/variables`, {
    key: 'GREETING',
    value: 'hello',
  });
  const pipeline_id = await createPipeline(workplace, application, ['echo hello']);
  const pipeline = await api.get<{ steps: { id: number }[] }>(`/pipelines/${pipeline_id}`);
  const hook = await api.post<{ id: string }>(`/pipelines/${pipeline_id}/hooks/incoming`, { name: 'in' });
  const outgoingHook = await createOutgoingHook(workplace, pipeline_id, 'http://127.0.0.1:9/', {
    trigger_when: { events: ['action.failed'] },
  });
  const receipt = await api.post<{ action_id: number; hook_request_id: string }>(
    `/hooks/${hook.id}/trigger`,
    {},
  );
  const action = await untilAction(workplace, receipt.action_id);
  const team_id = await createTeam(workplace);
  const member = await join(workplace, team_id);
  const token = await createProjectToken(api, projectId, viewerRoleId);
  const personal = await api.post<{ id: string }>('/users/personal-access-tokens', {
    name: 'personal',
    expires_at: inDays(1),
  });
  const delivery = await rejectDelivery(workplace, application.id);
  const rejected = { ...delivery, recovery_id: await recover(workplace, delivery.hook_id) };
  const ids = {
    organization_id: organizationId,
    project_id: projectId,
    environment_id: environmentId,
    credential_id: application.credentialId,
    application_id: application.id,
    server_id: server,
    variable_id: variable.id,
    pipeline_id,
    step_id: pipeline.steps[0]!.id,
    action_id: action.id,
    // Safe: an action that has ended has a target.
    target_id: (action['targets'] as { id: number }[])[0]!.id,
    order: 1,
    hook_type: 'incoming',
    hook_id: hook.id,
    hook_request_id: receipt.hook_request_id,
    delivery_id: rejected.delivery_id,
    recovery_id: rejected.recovery_id,
    resource_type: 'application',
    resource_id: application.id,
    link_type: 'child',
    child_type: 'server',
    child_id: server,
    team_id,
    user_id: member.id,
    role_id: await createRole(workplace, ['pipeline:read']),
    team_invitation_id: (await invite(api, team_id)).id,
    token_id: token.id,
    personal_access_token_id: personal.id,
  };
  return { ids, outgoingHook, rejected, secret: application.accessToken };
}

export type RejectedDelivery = { hook_id: string; delivery_id: string };

/** A hook whose one delivery goes where none may go. */
export async function rejectDelivery(workplace: Workplace, applicationId: number): Promise<RejectedDelivery> {
  const { api } = workplace;
  const pipeline = await createPipeline(workplace, { id: applicationId }, ['true'], {
    operation: 'configure',
  });
  const hook_id = await createOutgoingHook(workplace, pipeline, 'http://10.0.0.1/', {
    trigger_when: { events: ['action.completed'] },
  });
  const { id } = await api.post<{ id: number }>(`/pipelines/${pipeline}/actions`, {});
  await untilAction(workplace, id);
  return { hook_id, delivery_id: await untilRejected(workplace, hook_id) };
}

/** The id of the only delivery of a hook, once it is rejected, again if need be. */
export async function untilRejected({ api }: Workplace, hookId: string): Promise<string> {
  return await until(async () => {
    const [one] = await api.get<ListedDelivery[]>(`/hooks/outgoing/${hookId}/deliveries`);
    return one?.status === 'rejected' && one.id;
  }, `the delivery of hook ${hookId} to be rejected`);
}

/** The id of a recovery, once it has ended. */
async function recover({ api }: Workplace, hookId: string): Promise<string> {
  const path = `/hooks/outgoing/${hookId}`;
  const { id } = await api.post<{ id: string }>(`${path}/recover`, { since: inDays(-1) });
  return await until(async () => {
    const { status } = await api.get<{ status: string }>(`${path}/recoveries/${id}`);
    return status === 'completed' && id;
  }, `recovery ${id} to end`);
}

/** A server that nobody answers for; its pipelines fail at once. */
export async function addServer({ api, environmentId }: Workplace): Promise<number> {
  const body = { hostname: fresh('server').replace(' ', '-'), ip_address: '127.0.0.1', ssh_port: 1 };
  return (await api.post<{ id: number }>(`/environments/${environmentId}/servers`, body)).id;
}
