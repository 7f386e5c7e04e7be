import { randomUUID } from 'node:crypto';
import { createApiClient, login } from './api-client.ts';
import type { ApiClient } from './api-client.ts';
import type { Workplace } from './fixtures.ts';

export type TestTeam = { id: number; name: string };
export type TestInvitation = {
  id: string;
  /** The whole link, and its two halves. */
  link: string;
  token: string;
  email_sent: boolean | null;
};
export type Person = { id: number; name: string; email: string; password: string; api: ApiClient };

/** Where a team can have a role. */
export type RoleOn = 'organization' | 'project' | 'environment';

/** The id of a role of the workplace's organization, predefined or not. */
export async function roleId({ api, organizationId }: Workplace, name: string): Promise<number> {
  const roles = await api.get<{ id: number; name: string }[]>(
    `/organizations/${organizationId}/roles?per_page=100`,
  );
  const role = roles.find((one) => one.name === name);
  if (!role) throw new Error(`the organization has no role ${name}`);
  return role.id;
}

/** A custom role; returns its id. */
export async function createRole(workplace: Workplace, permissions: readonly string[]): Promise<number> {
  const { api, organizationId } = workplace;
  const name = `role-${randomUUID().slice(0, 8)}`;
  return (await api.post<{ id: number }>(`/organizations/${organizationId}/roles`, { name, permissions })).id;
}

/** A team without members; with `role` (the name or id of one) it has that on the workplace's own place. */
export async function createTeam(
  workplace: Workplace,
  { name = `team-${randomUUID().slice(0, 8)}`, role, on = 'organization' }: TeamOptions = {},
): Promise<TestTeam> {
  const { api, organizationId } = workplace;
  const team = await api.post<TestTeam>(`/organizations/${organizationId}/teams`, { name });
  if (role !== undefined) {
    const role_id = typeof role === 'number' ? role : await roleId(workplace, role);
    await api.post(`/${on}s/${workplace[`${on}Id`]}/teams/${team.id}/link`, { role_id });
  }
  return { id: team.id, name };
}

type TeamOptions = { name?: string; role?: string | number; on?: RoleOn };

/** An invitation to a team; public unless an e-mail address is given. */
export async function invite(api: ApiClient, teamId: number, email?: string): Promise<TestInvitation> {
  const body = email === undefined ? { type: 'public' } : { type: 'private', email };
  const { id, public_accept_url, email_sent } = await api.post<{
    id: string;
    public_accept_url: string;
    email_sent: boolean | null;
  }>(`/teams/${teamId}/invitations`, body);
  const token = new URL(public_accept_url).searchParams.get('token') ?? '';
  return { id, link: public_accept_url, token, email_sent };
}

/** The body of `POST /users` for an invitation, of a person that nobody has seen before. */
export function newAccount(
  { id, token }: Pick<TestInvitation, 'id' | 'token'>,
  email = `${randomUUID().slice(0, 8)}@example.com`,
) {
  return {
    name: `Person ${email}`,
    email,
    password: `password of ${email}`,
    invitation_id: id,
    invitation_token: token,
  };
}

/** Makes an account with a public invitation to a team, and signs it in. */
export async function addMember({ api, url }: Workplace, teamId: number): Promise<Person> {
  const account = newAccount(await invite(api, teamId));
  const { name, email, password } = account;
  const { id } = await createApiClient(url).post<{ id: number }>('/users', account);
  return { id, name, email, password, api: await signIn(url, { email, password }) };
}

export async function signIn(
  url: string,
  { email, password }: { email: string; password: string },
): Promise<ApiClient> {
  return createApiClient(url, (await login(url, email, password)).access_token);
}

/** Somebody new whose only way in is a team of their own with one role in one place. */
export async function addPerson(
  workplace: Workplace,
  options: { role: string | number; on?: RoleOn },
): Promise<Person & { teamId: number }> {
  const team = await createTeam(workplace, options);
  return { ...(await addMember(workplace, team.id)), teamId: team.id };
}

/** An organization with a project and an environment, all of them the caller's. */
export async function createOrganization(url: string, api: ApiClient): Promise<Workplace> {
  const { id: organizationId } = await api.post<{ id: number }>('/organizations', { name: 'Another' });
  const { id: projectId } = await api.post<{ id: number }>(`/organizations/${organizationId}/projects`, {
    name: 'Its project',
  });
  const { id: environmentId } = await api.post<{ id: number }>(`/projects/${projectId}/environments`, {
    name: 'live',
    type: 'production',
  });
  return { url, api, organizationId, projectId, environmentId };
}
