import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { operationsOf } from './openapi-document.ts';
import { linkToken } from './openapi-scenario-people.ts';
import type { StepInput, Walk } from './openapi-scenario-step.ts';

type Found = ReturnType<typeof operationsOf>[number];

/** A refusal that many operations share: what to send to one of them, given what the walk sent; null if it is none of them. */
export type GeneralRefusal = {
  why: string;
  status: number;
  input(found: Found, walked: StepInput, walk: Walk): StepInput | null;
};

/** Grace's role allows these alone; whoever has any permission in an organization may read it. */
const granted = new Set([
  'organization:read',
  'project:read',
  'environment:read',
  'application:read',
  'application:deploy',
]);

const takesJson = ({ operation }: Found) =>
  Object.keys(operation.requestBody?.content ?? {}).join() === 'application/json';
const takesPage = ({ operation }: Found) =>
  operation.parameters?.some(({ name }) => name === 'page') ?? false;

export const generalRefusals: readonly GeneralRefusal[] = [
  {
    why: 'a call without a token',
    status: 401,
    input: ({ operation }, walked) => (operation.security.length > 0 ? { ...walked, token: '' } : null),
  },
  {
    why: 'a token that does not exist',
    status: 401,
    input: ({ operation }, walked) =>
      operation.security.length > 0 ? { ...walked, token: 'hl_at_x' } : null,
  },
  {
    why: 'a caller without the permission',
    status: 403,
    input: ({ method, operation }, walked, walk) => {
      const [, permission] = /permission `(.+?)` where/.exec(operation.description) ?? [];
      if (permission === undefined || granted.has(permission) || method === 'delete') return null;
      return { ...walked, token: tokenOf(walk, 'grace') };
    },
  },
  {
    why: 'an object that does not exist',
    status: 404,
    input: (_found, walked) => {
      const path = unknownPath(walked.path ?? {});
      return isDeepStrictEqual(path, walked.path ?? {}) ? null : { ...walked, path };
    },
  },
  {
    why: 'a body that is not JSON',
    status: 400,
    input: (found, walked) => (takesJson(found) ? { ...walked, rawBody: '{"name": ' } : null),
  },
  {
    why: 'a body of another content type',
    status: 415,
    input: (found, walked) =>
      takesJson(found) ? { ...walked, rawBody: 'name', headers: { 'content-type': 'text/plain' } } : null,
  },
  {
    why: 'a body that is too large',
    status: 413,
    input: (found, walked) =>
      takesJson(found) ? { ...walked, rawBody: JSON.stringify('x'.repeat(1024 * 1024)) } : null,
  },
  {
    why: 'a body of another form',
    status: 422,
    input: (found, walked) => (takesJson(found) ? { ...walked, rawBody: '[]' } : null),
  },
  {
    why: 'a page that cannot be',
    status: 422,
    input: (found, walked) => (takesPage(found) ? { ...walked, query: { page: 0 } } : null),
  },
];

/** The same address with ids that nothing has. */
function unknownPath(path: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(path).map(([name, value]) => [name, unknownId(value)]));
}

function unknownId(value: unknown): unknown {
  if (typeof value === 'number') return 2 ** 40 + value;
  if (typeof value === 'string' && /^[0-9a-f-]{36}$/.test(value)) return randomUUID();
  return value === 'example' ? 'nobody' : value;
}

function tokenOf({ answer }: Walk, step: string): string {
  return answer<{ access_token: string }>(step).access_token;
}

/** A call with a refusal of its own, after the walk. */
export type Refusal = {
  why: string;
  operationId: string;
  status: number;
  input: (walk: Walk) => StepInput;
};

const project = ({ id }: Walk) => ({ project_id: id('addOrganizationProject') });
const unsigned = ({ id }: Walk) => ({ hook_id: id('addHook') });
const signed = ({ id }: Walk) => ({ hook_id: id('addPipelineHook') });
const ofProject = ({ answer }: Walk) => answer<{ token: string }>('rotateProjectApiToken').token;

export const refusals: readonly Refusal[] = [
  {
    why: 'a wrong password',
    operationId: 'loginUser',
    status: 401,
    input: ({ admin }) => ({ body: { ...admin, password: 'x' } }),
  },
  {
    why: 'a refresh token that was used',
    operationId: 'refreshTokenUser',
    status: 401,
    input: ({ answer }) => ({
      body: { refresh_token: answer<{ refresh_token: string }>('another session').refresh_token },
    }),
  },
  {
    why: 'a token of a project where a person is asked for',
    operationId: 'getUserMe',
    status: 403,
    input: (walk) => ({ token: ofProject(walk) }),
  },
  {
    why: 'a project by somebody who may not create one',
    operationId: 'addProject',
    status: 403,
    input: (walk) => ({ body: { name: 'Mine' }, token: tokenOf(walk, 'grace') }),
  },
  {
    why: 'a project in one of several organizations',
    operationId: 'addProject',
    status: 422,
    input: () => ({ body: { name: 'Where' } }),
  },
  {
    why: 'an invitation for somebody else',
    operationId: 'addUser',
    status: 403,
    input: (walk) => ({
      body: {
        name: 'Mallory',
        email: 'mallory@example.com',
        password: 'another-password',
        invitation_id: walk.id('open invitation'),
        invitation_token: linkToken(walk, 'open invitation'),
      },
    }),
  },
  {
    why: 'an invitation without its token',
    operationId: 'addUser',
    status: 404,
    input: ({ id }) => ({
      body: {
        name: 'Mallory',
        email: 'mallory@example.com',
        password: 'another-password',
        invitation_id: id('open invitation'),
        invitation_token: 'guessed',
      },
    }),
  },
  {
    why: 'an invitation that was used',
    operationId: 'acceptTeamInvitation',
    status: 409,
    input: (walk) => ({
      path: { team_invitation_id: walk.id('addTeamInvitation') },
      query: { token: linkToken(walk, 'addTeamInvitation') },
    }),
  },
  {
    why: 'an organization with projects',
    operationId: 'deleteOrganization',
    status: 409,
    input: ({ id }) => ({ path: { organization_id: id('addOrganization') } }),
  },
  {
    why: 'a project with environments',
    operationId: 'deleteProject',
    status: 409,
    input: (walk) => ({ path: project(walk) }),
  },
  {
    why: 'an environment with applications',
    operationId: 'deleteEnvironment',
    status: 409,
    input: ({ id }) => ({ path: { environment_id: id('addProjectEnvironment') } }),
  },
  {
    why: 'a role that somebody has',
    operationId: 'deleteRole',
    status: 409,
    input: ({ id }) => ({ path: { role_id: id('addOrganizationRole') } }),
  },
  {
    why: 'a predefined role',
    operationId: 'updateRole',
    status: 409,
    input: ({ answer }) => ({
      path: {
        role_id: answer<{ id: number; is_predefined: boolean }[]>('listOrganizationRoles').find(
          (role) => role.is_predefined,
        )?.id,
      },
      body: { name: 'Changed' },
    }),
  },
  {
    why: 'a credential that an application uses',
    operationId: 'deleteCredential',
    status: 409,
    input: ({ id }) => ({ path: { credential_id: id('addEnvironmentCredential') } }),
  },
  {
    why: 'an action whose pipeline is gone',
    operationId: 'retryAction',
    status: 409,
    input: ({ id }) => ({ path: { action_id: id('action of the blog') } }),
  },
  {
    why: 'the end of a recovery that has ended',
    operationId: 'cancelOutgoingHookRecovery',
    status: 409,
    input: ({ id }) => ({
      path: { hook_id: id('refused hook'), recovery_id: id('recovery of the refused hook') },
    }),
  },
  {
    why: 'a first secret for a hook that takes unsigned requests',
    operationId: 'rotateHookSecret',
    status: 409,
    input: (walk) => ({ path: { hook_type: 'incoming', ...unsigned(walk) }, body: {} }),
  },
  {
    why: 'the installation of a hook at a provider that cannot reach it',
    operationId: 'installIncomingHook',
    status: 409,
    input: (walk) => ({ path: signed(walk) }),
  },
  {
    why: 'the installation of a hook for events that there are not',
    operationId: 'installIncomingHook',
    status: 422,
    input: (walk) => ({ path: signed(walk), body: { events: ['issues'] } }),
  },
  {
    why: 'a hook without an address and without a preset',
    operationId: 'addPipelineHook',
    status: 422,
    input: ({ id }) => ({
      path: { pipeline_id: id('addPipeline'), hook_type: 'outgoing' },
      body: { name: 'Nowhere' },
    }),
  },
  {
    why: 'a permission without the one that it needs',
    operationId: 'addOrganizationRole',
    status: 422,
    input: ({ id }) => ({
      path: { organization_id: id('addOrganization') },
      body: { name: 'Blind', permissions: ['application:update'] },
    }),
  },
  {
    why: 'a name that is taken',
    operationId: 'addEnvironmentApplication',
    status: 422,
    input: ({ id }) => ({
      path: { environment_id: id('addProjectEnvironment') },
      body: { name: 'shop', repository: 'octocat/hello-world' },
    }),
  },
  {
    why: 'a token that expired before it was made',
    operationId: 'addUserPersonalAccessToken',
    status: 422,
    input: () => ({ body: { name: 'Late', expires_at: '2020-01-01T00:00:00Z' } }),
  },
  {
    why: 'a trigger whose body is cut off',
    operationId: 'triggerHook',
    status: 400,
    input: (walk) => ({ path: unsigned(walk), rawBody: '{"ref": ' }),
  },
  {
    why: 'a trigger without a signature',
    operationId: 'triggerHook',
    status: 401,
    input: (walk) => ({ path: signed(walk), body: {} }),
  },
  {
    why: 'a trigger with a wrong signature',
    operationId: 'triggerHook',
    status: 401,
    input: (walk) => ({
      path: signed(walk),
      body: {},
      headers: { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` },
    }),
  },
  {
    why: 'a trigger of a hook that is not active',
    operationId: 'triggerHook',
    status: 404,
    input: ({ id }) => ({ path: { hook_id: id('inactive hook') }, body: {} }),
  },
  {
    why: 'a trigger whose body is too large',
    operationId: 'triggerHook',
    status: 413,
    input: (walk) => ({ path: unsigned(walk), body: { text: 'x'.repeat(100_000) } }),
  },
  {
    why: 'a trigger with a text',
    operationId: 'triggerHook',
    status: 415,
    input: (walk) => ({ path: unsigned(walk), rawBody: 'go', headers: { 'content-type': 'text/plain' } }),
  },
  {
    why: 'a trigger without its variables',
    operationId: 'triggerHook',
    status: 422,
    input: ({ id }) => ({ path: { hook_id: id('demanding hook') }, body: { count: 'many' } }),
  },
];
