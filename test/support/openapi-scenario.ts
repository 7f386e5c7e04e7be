import type { CallInput } from './generated-client.ts';

/** What a step of the walk finds: the last answer of each operation that was called before it. */
export type Walk = {
  /** The body of an operation's last answer. */
  answer<T = { id: number }>(operationId: string): T;
  /** The first entry of the list that an operation answered. */
  first<T = { id: number }>(operationId: string): T;
  /** Repeats an operation's last call until its body is as wanted. */
  until<T>(operationId: string, isWanted: (body: T) => boolean): Promise<T>;
  admin: { email: string; password: string };
};

/** `token` is sent in place of the one from signing in. */
export type StepInput = CallInput & { token?: string };

/**
 * One call of each operation, in an order in which every call can succeed. A step makes the input of its call from the
 * answers before it.
 */
export const scenario: Record<string, (walk: Walk) => StepInput | Promise<StepInput>> = {
  getOpenapi: () => ({}),
  loginUser: ({ admin }) => ({ body: admin }),
  getUserMe: () => ({}),
  listOrganizations: () => ({ query: { per_page: 5 } }),
  listProjects: () => ({}),
  listProjectEnvironments: ({ first }) => ({ path: { project_id: first('listProjects').id } }),
  addEnvironmentApplication: ({ first }) => ({
    path: { environment_id: first('listProjectEnvironments').id },
    body: { name: 'shop', repository: 'octocat/hello-world' },
  }),
  addPipeline: ({ answer }) => ({
    path: { resource_type: 'application', resource_id: answer('addEnvironmentApplication').id },
    body: { name: 'Deploy', operation: 'deploy', steps: [{ command: 'echo walked' }] },
  }),
  addPipelineIncomingHook: ({ answer }) => ({
    path: { pipeline_id: answer('addPipeline').id },
    body: { name: 'On push', requires_secret: false },
  }),
  triggerHook: ({ answer }) => ({
    path: { hook_id: answer('addPipelineIncomingHook').id },
    body: { ref: 'refs/heads/main' },
  }),
  getAction: ({ answer }) => ({
    path: { action_id: answer<{ action_id: number }>('triggerHook').action_id },
  }),
  getActionLog: async ({ until }) => {
    type Done = { id: number; status: string; targets: { id: number }[] };
    const action = await until<Done>('getAction', ({ status }) => status === 'completed');
    return { path: { action_id: action.id, target_id: action.targets[0]!.id, order: 1 } };
  },
};

/** Operations that the walk does not call yet; one that it calls must not stand here. */
export const notWalkedYet: readonly string[] = [
  'addApplicationVariable',
  'addEnvironmentCredential',
  'addEnvironmentServer',
  'addIncomingHook',
  'addOrganizationCredential',
  'addOutgoingHook',
  'addPipelineAction',
  'addPipelineOutgoingHook',
  'addPipelineStep',
  'addUserPersonalAccessToken',
  'addVariable',
  'deleteApplication',
  'deleteCredential',
  'deleteIncomingHook',
  'deleteOutgoingHook',
  'deletePipeline',
  'deleteServer',
  'deleteVariable',
  'getApplication',
  'getCredential',
  'getEnvironment',
  'getHookRequest',
  'getIncomingHook',
  'getOrganization',
  'getOutgoingHook',
  'getPipeline',
  'getProject',
  'getServer',
  'getUserLogout',
  'getUserPersonalAccessToken',
  'getVariable',
  'listActionDeliveries',
  'listActions',
  'listApplicationHooks',
  'listApplicationVariables',
  'listEnvironmentActions',
  'listEnvironmentApplications',
  'listEnvironmentCredentials',
  'listEnvironmentServers',
  'listIncomingHookRequests',
  'listOrganizationCredentials',
  'listOrganizationProjects',
  'listOutgoingHookDeliveries',
  'listOutgoingHookRequests',
  'listPipelineActions',
  'listPipelineHooks',
  'listPipelinesByResourceType',
  'listServerHooks',
  'listUserPersonalAccessTokens',
  'listVariablesByResourceType',
  'refreshTokenUser',
  'revokeUserPersonalAccessToken',
  'rotateUserPersonalAccessToken',
  'unlinkStepFromPipeline',
  'updateApplication',
  'updateCredential',
  'updateIncomingHook',
  'updateOutgoingHook',
  'updatePipeline',
  'updatePipelineStep',
  'updateServer',
  'updateVariable',
];
