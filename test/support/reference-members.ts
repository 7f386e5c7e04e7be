import { randomUUID } from 'node:crypto';
import { createApiClient } from './api-client.ts';
import { joinTeam } from './fixtures.ts';
import type { Workplace } from './fixtures.ts';

type Invitation = { id: string; public_accept_url: string };

/** Organizations, teams, roles, invitations and the tokens of a project, for the scene of the reference. */
export async function buildMembers(work: Workplace, nextYear: string) {
  const { api, url, organizationId, projectId, environmentId } = work;
  const at = `/organizations/${organizationId}`;
  const name = (prefix: string) => `${prefix} ${randomUUID()}`;
  const idOf = async <Id = number>(path: string, body: object): Promise<Id> =>
    (await api.post<{ id: Id }>(path, body)).id;

  const organization = (fields: object = {}): Promise<number> =>
    idOf('/organizations', { name: name('other'), ...fields });
  const project = (): Promise<number> => idOf(`${at}/projects`, { name: name('project') });
  const environment = (fields: object = {}): Promise<number> =>
    idOf(`/projects/${projectId}/environments`, { type: 'staging', name: name('staging'), ...fields });
  const role = (fields: object = {}): Promise<number> =>
    idOf(`${at}/roles`, { name: name('role'), permissions: ['application:read'], ...fields });
  const team = (fields: object = {}): Promise<number> =>
    idOf(`${at}/teams`, { name: name('team'), ...fields });
  const invitation = async (teamId: number, fields: object = { type: 'public' }) => {
    const made = await api.post<Invitation>(`/teams/${teamId}/invitations`, fields);
    return { id: made.id, token: new URL(made.public_accept_url).searchParams.get('token')! };
  };
  const token = async (role_id: number = roles.admin) =>
    await api.post<{ id: string; token: string }>(`/projects/${projectId}/tokens`, {
      name: name('token').slice(0, 60),
      role_id,
      expires_at: nextYear,
    });

  const predefined = (
    await api.get<{ id: number; name: string; is_predefined: boolean }[]>(`${at}/roles`)
  ).find((one) => one.is_predefined && one.name.toLowerCase() === 'admin');
  const roles = {
    admin: predefined!.id,
    custom: await role({ description: 'why' }),
    bare: await role(),
  };
  const teams = { full: await team({ photo_url: 'https://example.com/team.png' }), bare: await team() };
  const places = [at, `/projects/${projectId}`, `/environments/${environmentId}`];
  for (const place of places) await api.post(`${place}/teams/${teams.full}/link`, { role_id: roles.admin });
  const colleague = await joinTeam(work, teams.full);
  const used = await token();
  await createApiClient(url, used.token).get(`/projects/${projectId}`);
  const revoked = await token();
  await api.delete(`/projects/${projectId}/tokens/${revoked.id}/revoke`);

  return {
    colleague,
    roles,
    teams,
    environments: { described: await environment({ description: 'why' }), empty: await environment() },
    projectTokens: {
      unused: (await token()).id,
      used: used.id,
      revoked: revoked.id,
    },
    newOrganization: () => organization(),
    newProject: () => project(),
    newEnvironment: () => environment(),
    newRole: () => role(),
    newRoleOfRevokedToken: async (): Promise<number> => {
      const id = await role();
      await api.delete(`/projects/${projectId}/tokens/${(await token(id)).id}/revoke`);
      return id;
    },
    newTeam: () => team(),
    newMember: async () => (await joinTeam(work, teams.full)).id,
    newInvitation: () => invitation(teams.full),
    newProjectToken: async () => (await token()).id,
    /** A team with a role at `place`, so that the role can be taken away. */
    newTeamAt: async (place: string): Promise<number> => {
      const id = await team();
      await api.post(`${place}/teams/${id}/link`, { role_id: roles.custom });
      return id;
    },
  };
}
