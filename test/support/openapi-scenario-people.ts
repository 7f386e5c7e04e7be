import { step, type Walk } from './openapi-scenario-step.ts';

const day = 24 * 3_600_000;
const inDays = (days: number) => new Date(Date.now() + days * day).toISOString();
const grace = { email: 'grace@example.com', password: 'nanosecond-wire' };

type Invitation = { id: string; public_accept_url: string };
type Tokens = { access_token: string; refresh_token: string };

/** The token in the link that an invitation was answered with. */
export function linkToken({ answer }: Walk, name: string): string {
  return new URL(answer<Invitation>(name).public_accept_url).searchParams.get('token') ?? '';
}

const organization = ({ id }: Walk) => ({ organization_id: id('addOrganization') });
const project = ({ id }: Walk) => ({ project_id: id('addOrganizationProject') });
const environment = ({ id }: Walk) => ({ environment_id: id('addProjectEnvironment') });

const placeOf: Record<string, (walk: Walk) => Record<string, unknown>> = {
  Organization: organization,
  Project: project,
  Environment: environment,
};

/** Accounts and tokens of one's own; organizations, projects and environments; roles, teams and invitations. */
export const peopleSteps = {
  arriving: [
    step('loginUser', ({ admin }) => ({ body: admin })),
    step('getUserMe'),
    step('updateUser', ({ id }) => ({
      path: { user_id: id('getUserMe') },
      body: { name: 'Ada Lovelace', language: 'en' },
    })),
    step('loginUser', ({ admin }) => ({ body: admin }), 'another session'),
    step('refreshTokenUser', ({ answer }) => ({
      body: { refresh_token: answer<Tokens>('another session').refresh_token },
    })),
    step('getUserLogout', ({ answer }) => ({ token: answer<Tokens>('refreshTokenUser').access_token })),

    step('addSession', ({ admin }) => ({ body: admin })),
    step('loginUser', ({ admin }) => ({ body: admin }), 'a session to end'),
    step('deleteSession', ({ answer }) => ({ token: answer<Tokens>('a session to end').access_token })),

    step('addUserPersonalAccessToken', () => ({ body: { name: 'Nightly report', expires_at: inDays(30) } })),
    step(
      'getUserMe',
      ({ answer }) => ({ token: answer<{ token: string }>('addUserPersonalAccessToken').token }),
      'by token',
    ),
    step('listUserPersonalAccessTokens', () => ({ query: { page: 1, per_page: 5 } })),
    step('getUserPersonalAccessToken', ({ id }) => ({
      path: { personal_access_token_id: id('addUserPersonalAccessToken') },
    })),
    step('rotateUserPersonalAccessToken', ({ id }) => ({
      path: { personal_access_token_id: id('addUserPersonalAccessToken') },
      body: { expires_at: inDays(60) },
    })),

    step('addOrganization', () => ({ body: { name: 'Example Ltd', url_slug: 'example' } })),
    step('listOrganizations', () => ({ query: { per_page: 1 } })),
    step('getOrganization', () => ({ path: { organization_id: 'example' } })),
    step('updateOrganization', (walk) => ({ path: organization(walk), body: { name: 'Example' } })),
    step('addOrganizationProject', (walk) => ({ path: organization(walk), body: { name: 'Shop' } })),
    step('listOrganizationProjects', (walk) => ({ path: organization(walk) })),
    step('addProject', ({ id }) => ({ body: { name: 'Blog', organization_id: id('addOrganization') } })),
    step('listProjects'),
    step('getProject', (walk) => ({ path: project(walk) })),
    step('updateProject', (walk) => ({ path: project(walk), body: { name: 'The shop' } })),
    step('addProjectEnvironment', (walk) => ({
      path: project(walk),
      body: { type: 'production', name: 'production', description: 'What customers see.' },
    })),
    step(
      'addProjectEnvironment',
      (walk) => ({ path: project(walk), body: { type: 'staging', name: 'staging' } }),
      'spare environment',
    ),
    step('listProjectEnvironments', (walk) => ({ path: project(walk) })),
    step('updateEnvironment', (walk) => ({ path: environment(walk), body: { description: null } })),

    step('listPermissions'),
    step('listStaticPermissions'),
    step('listOrganizationRoles', (walk) => ({ path: organization(walk) })),
    step('addOrganizationRole', (walk) => ({
      path: organization(walk),
      body: {
        name: 'Releaser',
        description: 'May deploy what is there.',
        permissions: ['project:read', 'environment:read', 'application:read', 'application:deploy'],
      },
    })),
    step(
      'addOrganizationRole',
      (walk) => ({ path: organization(walk), body: { name: 'Guest', permissions: ['project:read'] } }),
      'spare role',
    ),
    step('getRole', ({ id }) => ({ path: { role_id: id('addOrganizationRole') } })),
    step('updateRole', ({ id }) => ({
      path: { role_id: id('addOrganizationRole') },
      body: { description: 'May deploy, and see what comes of it.' },
    })),

    step('addOrganizationTeam', (walk) => ({
      path: organization(walk),
      body: { name: 'Shop team', photo_url: 'https://example.com/shop-team.png' },
    })),
    step(
      'addOrganizationTeam',
      (walk) => ({ path: organization(walk), body: { name: 'Operations' } }),
      'spare team',
    ),
    step('listOrganizationTeams', (walk) => ({ path: organization(walk) })),
    step('updateTeam', ({ id }) => ({
      path: { team_id: id('addOrganizationTeam') },
      body: { name: 'The shop' },
    })),
    ...['Organization', 'Project', 'Environment'].map((place) =>
      step(`linkTeamTo${place}`, (walk) => ({
        path: {
          ...placeOf[place]!(walk),
          team_id: walk.id('addOrganizationTeam'),
        },
        body: { role_id: walk.id('addOrganizationRole') },
      })),
    ),
    ...['Organization', 'Project', 'Environment'].map((place) =>
      step(
        `linkTeamTo${place}`,
        (walk) => ({
          path: { ...placeOf[place]!(walk), team_id: walk.id('spare team') },
          body: { role_id: walk.id('addOrganizationRole') },
        }),
        `spare link of a team: ${place}`,
      ),
    ),
    step('listOrganizationTeamMemberships', (walk) => ({ path: organization(walk) })),
    step('listProjectTeamMemberships', (walk) => ({ path: project(walk) })),
    step('listEnvironmentTeamMemberships', (walk) => ({ path: environment(walk) })),
    step('listTeamMemberships', ({ id }) => ({ path: { team_id: id('addOrganizationTeam') } })),
    step('getEnvironment', (walk) => ({ path: environment(walk) })),

    step('addTeamInvitation', ({ id }) => ({
      path: { team_id: id('addOrganizationTeam') },
      body: { type: 'private', email: grace.email },
    })),
    step(
      'addTeamInvitation',
      ({ id }) => ({
        path: { team_id: id('addOrganizationTeam') },
        body: { type: 'private', email: 'nobody@example.com' },
      }),
      'unwanted invitation',
    ),
    step(
      'addTeamInvitation',
      ({ id }) => ({
        path: { team_id: id('spare team') },
        body: { type: 'public' },
      }),
      'public invitation',
    ),
    step(
      'addTeamInvitation',
      ({ id }) => ({
        path: { team_id: id('addOrganizationTeam') },
        body: { type: 'private', email: 'alan@example.com' },
      }),
      'open invitation',
    ),
    step('listTeamInvitations', ({ id }) => ({ path: { team_id: id('addOrganizationTeam') } })),
    step('addUser', (walk) => ({
      body: {
        ...grace,
        name: 'Grace Hopper',
        invitation_id: walk.id('addTeamInvitation'),
        invitation_token: linkToken(walk, 'addTeamInvitation'),
      },
    })),
    step('loginUser', () => ({ body: grace }), 'grace'),
    step('acceptTeamInvitation', (walk) => ({
      token: walk.answer<Tokens>('grace').access_token,
      path: { team_invitation_id: walk.id('public invitation') },
      query: { token: linkToken(walk, 'public invitation') },
    })),
    step('rejectTeamInvitation', (walk) => ({
      path: { team_invitation_id: walk.id('unwanted invitation') },
      query: { token: linkToken(walk, 'unwanted invitation') },
    })),
    step(
      'listTeamInvitations',
      ({ id }) => ({ path: { team_id: id('addOrganizationTeam') } }),
      'used invitations',
    ),
    step('getTeam', ({ id }) => ({ path: { team_id: id('addOrganizationTeam') } })),
    step('listTeamMembers', ({ id }) => ({ path: { team_id: id('addOrganizationTeam') } })),
    step('getTeamMember', ({ id }) => ({
      path: { team_id: id('addOrganizationTeam'), user_id: id('addUser') },
    })),

    step('addProjectApiToken', (walk) => ({
      path: project(walk),
      body: { name: 'Deploys', role_id: walk.id('addOrganizationRole'), expires_at: inDays(90) },
    })),
    step(
      'addProjectApiToken',
      (walk) => ({
        path: project(walk),
        body: { name: 'Spare', role_id: walk.id('addOrganizationRole'), expires_at: inDays(1) },
      }),
      'spare token',
    ),
    step('listProjectApiTokens', (walk) => ({ path: project(walk) })),
    step('getProjectApiToken', (walk) => ({
      path: { ...project(walk), token_id: walk.id('addProjectApiToken') },
    })),
    step('rotateProjectApiToken', (walk) => ({
      path: { ...project(walk), token_id: walk.id('addProjectApiToken') },
      body: { expires_at: inDays(180) },
    })),
  ],

  /** What others than the administrator see. */
  working: [
    step(
      'listProjects',
      ({ answer }) => ({ token: answer<Tokens>('grace').access_token }),
      "a member's projects",
    ),
    step(
      'getProject',
      (walk) => ({
        path: project(walk),
        token: walk.answer<{ token: string }>('rotateProjectApiToken').token,
      }),
      "a token's project",
    ),
    step(
      'addApplicationDeployment',
      (walk) => ({
        path: { application_id: walk.id('addEnvironmentApplication') },
        body: { type: 'redeploy', pipeline_id: walk.id('addPipeline') },
        token: walk.answer<{ token: string }>('rotateProjectApiToken').token,
      }),
      'deployed by a token',
    ),
    step(
      'getAction',
      ({ actionOf }) => ({ path: { action_id: actionOf('deployed by a token') } }),
      'action of a token',
    ),
    step('listOrganizationAuditEvents', (walk) => ({ path: organization(walk), query: { per_page: 100 } })),
    step(
      'listOrganizationAuditEvents',
      (walk) => ({
        path: organization(walk),
        query: { operation: 'addProjectApiToken', user_id: walk.id('getUserMe') },
      }),
      'some audit events',
    ),
  ],

  leaving: [
    step('revokeProjectApiToken', (walk) => ({
      path: { ...project(walk), token_id: walk.id('spare token') },
    })),
    step('revokeUserPersonalAccessToken', ({ id }) => ({
      path: { personal_access_token_id: id('addUserPersonalAccessToken') },
    })),
    step('deleteTeamInvitation', ({ id }) => ({ path: { team_invitation_id: id('public invitation') } })),
    step('deleteTeamMember', ({ id }) => ({ path: { team_id: id('spare team'), user_id: id('addUser') } })),
    ...['Organization', 'Project', 'Environment'].map((place) =>
      step(`unlinkTeamFrom${place}`, (walk) => ({
        path: {
          ...placeOf[place]!(walk),
          team_id: walk.id('spare team'),
        },
      })),
    ),
    step('deleteTeam', ({ id }) => ({ path: { team_id: id('spare team') } })),
    step('deleteRole', ({ id }) => ({ path: { role_id: id('spare role') } })),
    step('deleteEnvironment', ({ id }) => ({ path: { environment_id: id('spare environment') } })),
    step('deleteProject', ({ id }) => ({ path: { project_id: id('addProject') } })),
    step('addOrganization', () => ({ body: { name: 'Short-lived' } }), 'spare organization'),
    step('deleteOrganization', ({ id }) => ({ path: { organization_id: id('spare organization') } })),
  ],
};
