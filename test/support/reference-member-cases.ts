import { absent, empty, filled, fresh, get, holds, present, send } from './reference-case.ts';
import type { Case, Cases } from './reference-case.ts';
import type { OperationId } from './reference-operations.ts';
import type { Scene } from './reference-scene.ts';

const ofOrganization = ({ organizationId }: Scene): string => `/organizations/${organizationId}`;
const ofProject = ({ projectId }: Scene): string => `/projects/${projectId}`;
const ofEnvironment = ({ environmentId }: Scene): string => `/environments/${environmentId}`;
const ofTeam = ({ teams }: Scene): string => `/teams/${teams.full}`;

/** A team may be given a role, and have it taken away, at each kind of place alike. */
const memberships = (place: (scene: Scene) => string, sees: string): Cases => ({
  '': get((scene) => `${place(scene)}/team-memberships`, {
    ...holds,
    'each.role': present,
    [`each.${sees}`]: present,
  }),
});
const link = (place: (scene: Scene) => string): Cases => ({
  '': send(
    'POST',
    async (scene) => `${place(scene)}/teams/${await scene.newTeam()}/link`,
    ({ roles }) => ({ role_id: roles.custom }),
  ),
  'in place of another role': send(
    'POST',
    async (scene) => `${place(scene)}/teams/${await scene.newTeamAt(place(scene))}/link`,
    ({ roles }) => ({ role_id: roles.bare }),
  ),
});
const unlink = (place: (scene: Scene) => string): Cases => ({
  '': send('DELETE', async (scene) => `${place(scene)}/teams/${await scene.newTeamAt(place(scene))}/unlink`),
});
const answerInvitation = (verb: 'accept' | 'reject'): Case => ({
  call: async (scene) => {
    const { id, token } = await scene.newInvitation();
    return await scene.colleague.api.request('POST', `/team-invitations/${id}/${verb}?token=${token}`);
  },
});

/** The cases of places, and of who may do what there. */
export const memberCases: Partial<Record<OperationId, Cases>> = {
  updateUser: {
    'of oneself': {
      call: ({ colleague }) =>
        colleague.api.request('PUT', `/users/${colleague.id}`, { name: 'Another Name', language: 'pt' }),
    },
  },

  listOrganizations: { '': get(() => '/organizations', holds) },
  addOrganization: {
    'with a slug': send(
      'POST',
      () => '/organizations',
      () => ({ name: fresh('organization'), url_slug: fresh('slug') }),
    ),
    'without a slug': send('POST', () => '/organizations', { name: 'Ours' }, { url_slug: present }),
  },
  getOrganization: {
    'with its owner': get(ofOrganization, { owner: present, current_user_permissions: filled }),
  },
  updateOrganization: {
    '': send('PUT', async (scene) => `/organizations/${await scene.newOrganization()}`, { name: 'Theirs' }),
  },
  deleteOrganization: {
    '': send('DELETE', async (scene) => `/organizations/${await scene.newOrganization()}`),
  },
  listOrganizationTeamMemberships: memberships(ofOrganization, 'organization'),
  linkTeamToOrganization: link(ofOrganization),
  unlinkTeamFromOrganization: unlink(ofOrganization),

  listProjects: { '': get(() => '/projects', holds) },
  addProject: {
    'in the organization named': send(
      'POST',
      () => '/projects',
      ({ organizationId }) => ({ name: fresh('project'), organization_id: organizationId }),
    ),
    'in the only one there is': {
      call: ({ colleague }) => colleague.api.request('POST', '/projects', { name: fresh('project') }),
      sees: { organization: present },
    },
  },
  addOrganizationProject: {
    '': send(
      'POST',
      (scene) => `${ofOrganization(scene)}/projects`,
      () => ({ name: fresh('project') }),
    ),
  },
  getProject: { 'with its organization': get(ofProject, { organization: present }) },
  updateProject: {
    '': send('PUT', async (scene) => `/projects/${await scene.newProject()}`, { name: 'New' }),
  },
  deleteProject: { '': send('DELETE', async (scene) => `/projects/${await scene.newProject()}`) },
  listProjectTeamMemberships: memberships(ofProject, 'project'),
  linkTeamToProject: link(ofProject),
  unlinkTeamFromProject: unlink(ofProject),

  listProjectEnvironments: {
    '': get((scene) => `${ofProject(scene)}/environments`, { ...holds, 'each.project': present }),
  },
  addProjectEnvironment: {
    'with a description': send(
      'POST',
      (scene) => `${ofProject(scene)}/environments`,
      () => ({ type: 'development', name: fresh('environment'), description: 'why' }),
    ),
    'without a description': send(
      'POST',
      (scene) => `${ofProject(scene)}/environments`,
      () => ({ type: 'production', name: fresh('environment') }),
    ),
  },
  getEnvironment: {
    'with teams': get(ofEnvironment, { teams: filled }),
    'with a description': get(({ environments }) => `/environments/${environments.described}`, {
      description: 'why',
    }),
    'without teams and description': get(({ environments }) => `/environments/${environments.empty}`, {
      teams: absent,
      description: absent,
    }),
  },
  updateEnvironment: {
    '': send('PUT', ({ environments }) => `/environments/${environments.empty}`, { type: 'development' }),
  },
  deleteEnvironment: { '': send('DELETE', async (scene) => `/environments/${await scene.newEnvironment()}`) },
  listEnvironmentTeamMemberships: memberships(ofEnvironment, 'environment'),
  linkTeamToEnvironment: link(ofEnvironment),
  unlinkTeamFromEnvironment: unlink(ofEnvironment),

  listStaticPermissions: { '': get(() => '/static/permissions', holds) },
  listOrganizationRoles: { '': get((scene) => `${ofOrganization(scene)}/roles`, holds) },
  addOrganizationRole: {
    'with a description': send(
      'POST',
      (scene) => `${ofOrganization(scene)}/roles`,
      () => ({ name: fresh('role'), description: 'why', permissions: ['hook:read', 'hook:create'] }),
    ),
    'without a description': send(
      'POST',
      (scene) => `${ofOrganization(scene)}/roles`,
      () => ({ name: fresh('role'), permissions: ['hook:read'] }),
    ),
  },
  getRole: {
    'of its own': get(({ roles }) => `/roles/${roles.custom}`, { is_predefined: false, description: 'why' }),
    predefined: get(({ roles }) => `/roles/${roles.admin}`, { is_predefined: true, created_by_user: absent }),
  },
  updateRole: {
    '': send('PUT', async (scene) => `/roles/${await scene.newRole()}`, { permissions: ['server:read'] }),
  },
  deleteRole: {
    '': send('DELETE', async (scene) => `/roles/${await scene.newRole()}`),
    'that a revoked token had': send(
      'DELETE',
      async (scene) => `/roles/${await scene.newRoleOfRevokedToken()}`,
    ),
  },

  listOrganizationTeams: { '': get((scene) => `${ofOrganization(scene)}/teams?per_page=100`, holds) },
  addOrganizationTeam: {
    'with a picture': send(
      'POST',
      (scene) => `${ofOrganization(scene)}/teams`,
      () => ({ name: fresh('team'), photo_url: 'https://example.com/a.png' }),
      { photo_url: present },
    ),
    'without a picture': send(
      'POST',
      (scene) => `${ofOrganization(scene)}/teams`,
      () => ({ name: fresh('team') }),
      { photo_url: absent },
    ),
  },
  getTeam: {
    'with members and a picture': get(ofTeam, { users: filled, photo_url: present, organization: present }),
    'with neither': get(({ teams }) => `/teams/${teams.bare}`, { users: absent, photo_url: absent }),
  },
  updateTeam: {
    '': send(
      'PUT',
      ({ teams }) => `/teams/${teams.bare}`,
      () => ({ name: fresh('team') }),
    ),
  },
  deleteTeam: { '': send('DELETE', async (scene) => `/teams/${await scene.newTeam()}`) },
  listTeamMembers: {
    '': get((scene) => `${ofTeam(scene)}/members`, { ...holds, 'each.user': present }),
    none: get(({ teams }) => `/teams/${teams.bare}/members`, empty),
  },
  getTeamMember: {
    '': get((scene) => `${ofTeam(scene)}/members/${scene.colleague.id}`, { user: present, team: present }),
  },
  deleteTeamMember: {
    '': send('DELETE', async (scene) => `${ofTeam(scene)}/members/${await scene.newMember()}`),
  },
  listTeamMemberships: {
    'in each kind of place': get((scene) => `${ofTeam(scene)}/memberships`, {
      ...holds,
      '2.project': absent,
      '1.project': present,
      '1.environment': absent,
      '0.environment': present,
    }),
  },

  addTeamInvitation: {
    private: send(
      'POST',
      (scene) => `${ofTeam(scene)}/invitations`,
      () => ({ type: 'private', email: `${fresh('somebody')}@example.com` }),
      { email: present, public_accept_url: present },
    ),
    public: send('POST', (scene) => `${ofTeam(scene)}/invitations`, { type: 'public' }, { email: absent }),
  },
  listTeamInvitations: {
    'used and unused': {
      call: async (scene) => {
        await scene.newInvitation();
        return await scene.api.request('GET', `${ofTeam(scene)}/invitations?per_page=100`);
      },
      sees: { ...holds, '0.accepted_at': absent },
    },
    none: get(({ teams }) => `/teams/${teams.bare}/invitations`, empty),
  },
  acceptTeamInvitation: { '': answerInvitation('accept') },
  rejectTeamInvitation: { '': answerInvitation('reject') },
  deleteTeamInvitation: {
    '': send('DELETE', async (scene) => `/team-invitations/${(await scene.newInvitation()).id}`),
  },

  listProjectApiTokens: {
    '': get((scene) => `${ofProject(scene)}/tokens`, { ...holds, 'each.role': present }),
  },
  addProjectApiToken: {
    '': send(
      'POST',
      (scene) => `${ofProject(scene)}/tokens`,
      ({ roles, nextYear }) => ({ name: fresh('token'), role_id: roles.custom, expires_at: nextYear }),
      { token: present, role: present, project: present },
    ),
  },
  getProjectApiToken: {
    'never used': get((scene) => `${ofProject(scene)}/tokens/${scene.projectTokens.unused}`, {
      last_used_at: absent,
      token: absent,
    }),
    used: get((scene) => `${ofProject(scene)}/tokens/${scene.projectTokens.used}`, { last_used_at: present }),
    revoked: get((scene) => `${ofProject(scene)}/tokens/${scene.projectTokens.revoked}`, {
      status: 'revoked',
    }),
  },
  rotateProjectApiToken: {
    '': send(
      'POST',
      (scene) => `${ofProject(scene)}/tokens/${scene.projectTokens.unused}/rotate`,
      ({ nextYear }) => ({ expires_at: nextYear }),
      { token: present },
    ),
  },
  revokeProjectApiToken: {
    '': send('DELETE', async (scene) => `${ofProject(scene)}/tokens/${await scene.newProjectToken()}/revoke`),
  },
};
