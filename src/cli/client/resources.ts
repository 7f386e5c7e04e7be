import type { CommandRow, Group } from './command-row.ts';

export type ResourceGroup = Group & {
  /** By the word of the command. */
  rows: Record<string, CommandRow>;
};

const action = [
  'id',
  'status',
  'status_reason_human_readable as Reason',
  'type as Does',
  'resource.data.name as Of',
  'action_data.deployment.source_ref as Source',
  'action_data.commit.hash as Commit',
  'triggered_from.name as By',
  'trigger_comment as Comment',
  'targets.*.resource_data.hostname as On',
  'created_at',
  'started_at',
  'completed_at',
  'url_web_permalink as Page',
];

/** What the commands of resources are: a row each, whose operation tells everything else. */
export const resourceGroups: ResourceGroup[] = [
  {
    name: 'apps',
    subject: 'application_id',
    rows: {
      list: {
        operation: 'listEnvironmentApplications',
        columns: ['id', 'name', 'repository', 'default_branch as Branch', 'updated_at'],
      },
      get: { operation: 'getApplication' },
      create: { operation: 'addEnvironmentApplication' },
      edit: { operation: 'updateApplication', reads: { operation: 'getApplication' } },
      delete: { operation: 'deleteApplication' },
      deploy: { operation: 'addApplicationDeployment', starts: true },
      rollback: { operation: 'rollbackApplication', starts: true },
      releases: {
        operation: 'listApplicationReleases',
        columns: [
          'name',
          'status',
          'is_live as Live',
          'commit.hash as Commit',
          'commit.message as Message',
          'activated_at',
          'action_id as Action',
        ],
      },
      hooks: {
        operation: 'listApplicationHooks',
        columns: ['id', 'name', 'type', 'active', 'url', 'target_url as Target'],
      },
      link: {
        operation: 'linkResourceLinkToResourceLink',
        fixed: { resource_type: 'application', child_type: 'server' },
        named: ['resource_id', 'child_id'],
        about: 'run the pipelines of an application on a server',
      },
      unlink: {
        operation: 'unlinkResourceLinkFromResourceLink',
        fixed: { resource_type: 'application', child_type: 'server' },
        named: ['resource_id', 'child_id'],
        about: 'run them there no longer',
      },
    },
  },
  {
    name: 'pipelines',
    subject: 'pipeline_id',
    rows: {
      list: {
        operation: 'listEnvironmentPipelines',
        columns: ['id', 'name', 'operation', 'resource_type as Of', 'resource_id as Id', 'updated_at'],
      },
      get: { operation: 'getPipeline' },
      create: { operation: 'addPipeline' },
      edit: { operation: 'updatePipeline', reads: { operation: 'getPipeline' } },
      delete: { operation: 'deletePipeline' },
      hooks: {
        operation: 'listPipelineHooks',
        columns: ['id', 'name', 'type', 'active', 'url', 'target_url as Target'],
      },
      actions: {
        operation: 'listPipelineActions',
        columns: [
          'id',
          'status',
          'triggered_from.name as By',
          'status_reason_human_readable as Reason',
          'created_at',
        ],
      },
      'add-step': { operation: 'addPipelineStep', named: ['pipeline_id'] },
      'edit-step': {
        operation: 'updatePipelineStep',
        reads: { operation: 'getPipeline', items: 'steps' },
      },
      'remove-step': { operation: 'unlinkStepFromPipeline' },
    },
  },
  {
    name: 'hooks',
    subject: 'hook_id',
    rows: {
      list: {
        operation: 'listEnvironmentHooks',
        columns: [
          'id',
          'name',
          'type',
          'active',
          'preset',
          'pipeline_id as Pipeline',
          'latest.outcome as Latest',
          'target_url as Target',
        ],
      },
      get: { operation: 'getHook' },
      create: { operation: 'addPipelineHook', named: ['hook_type'] },
      edit: { operation: 'updateHook', reads: { operation: 'getHook' } },
      delete: { operation: 'deleteHook' },
      requests: {
        operation: 'listHookRequestsByHookType',
        columns: [
          'id',
          'outcome',
          'response_status_code as Code',
          'reason',
          'action_id as Action',
          'created_at',
        ],
      },
      request: { operation: 'getHookRequest', named: ['hook_request_id'] },
      replay: { operation: 'replayHookRequest', named: ['hook_request_id'], starts: true },
      'rotate-secret': { operation: 'rotateHookSecret' },
      install: { operation: 'installIncomingHook' },
      uninstall: { operation: 'uninstallIncomingHook', asks: 'Take the hook away at its provider' },
      preview: { operation: 'testOutgoingHook' },
    },
  },
  {
    name: 'actions',
    subject: 'action_id',
    rows: {
      list: {
        operation: 'listEnvironmentActions',
        columns: [
          'id',
          'status',
          'type as Does',
          'resource.data.name as Of',
          'triggered_from.name as By',
          'status_reason_human_readable as Reason',
          'created_at',
        ],
      },
      get: { operation: 'getAction', columns: action },
      cancel: { operation: 'cancelAction', columns: action },
      retry: { operation: 'retryAction', columns: action, starts: true },
      deliveries: {
        operation: 'listActionDeliveries',
        columns: ['id', 'event', 'status', 'attempts', 'reason', 'updated_at'],
      },
    },
  },
  {
    name: 'deliveries',
    subject: 'hook_id',
    rows: {
      list: {
        operation: 'listOutgoingHookDeliveries',
        columns: ['id', 'event', 'action_id as Action', 'status', 'attempts', 'reason', 'updated_at'],
      },
      get: { operation: 'getOutgoingHookDelivery' },
      redeliver: { operation: 'redeliverOutgoingHookDelivery' },
      recover: { operation: 'recoverOutgoingHook' },
      recoveries: {
        operation: 'listOutgoingHookRecoveries',
        columns: ['id', 'status', 'since', 'recovered', 'delivered', 'failed', 'waiting', 'created_at'],
      },
      recovery: { operation: 'getOutgoingHookRecovery' },
      'cancel-recovery': { operation: 'cancelOutgoingHookRecovery' },
    },
  },
  {
    name: 'servers',
    subject: 'server_id',
    rows: {
      list: {
        operation: 'listEnvironmentServers',
        columns: [
          'id',
          'hostname',
          'ip_address as Address',
          'ssh_user as User',
          'ssh_port as Port',
          'status',
          'updated_at',
        ],
      },
      get: { operation: 'getServer' },
      create: { operation: 'addEnvironmentServer' },
      edit: { operation: 'updateServer', reads: { operation: 'getServer' } },
      delete: { operation: 'deleteServer' },
      test: { operation: 'testServerConnection', expects: 'ok' },
      start: { operation: 'startServer', starts: true },
      stop: { operation: 'stopServer', starts: true },
      restart: { operation: 'restartServer', starts: true },
      status: { operation: 'getStatusServer', starts: true },
      hooks: {
        operation: 'listServerHooks',
        columns: ['id', 'name', 'type', 'active', 'url', 'target_url as Target'],
      },
    },
  },
  {
    name: 'credentials',
    subject: 'credential_id',
    rows: {
      list: {
        operation: 'listEnvironmentCredentials',
        columns: ['id', 'name', 'provider.code as Provider', 'active', 'updated_at'],
      },
      get: { operation: 'getCredential' },
      create: { operation: 'addEnvironmentCredential' },
      edit: { operation: 'updateCredential', reads: { operation: 'getCredential' } },
      delete: { operation: 'deleteCredential' },
    },
  },
  {
    name: 'variables',
    subject: 'variable_id',
    rows: {
      list: {
        operation: 'listVariablesByResourceType',
        columns: ['id', 'key', 'value', 'hidden', 'description', 'updated_at'],
      },
      get: { operation: 'getVariable' },
      create: { operation: 'addVariable' },
      edit: { operation: 'updateVariable', reads: { operation: 'getVariable' } },
      delete: { operation: 'deleteVariable' },
    },
  },
  {
    name: 'environments',
    subject: 'environment_id',
    rows: {
      get: { operation: 'getEnvironment' },
      create: { operation: 'addProjectEnvironment' },
      edit: { operation: 'updateEnvironment', reads: { operation: 'getEnvironment' } },
      delete: { operation: 'deleteEnvironment' },
      overview: { operation: 'getEnvironmentOverview', named: [] },
    },
  },
  {
    name: 'projects',
    subject: 'project_id',
    rows: {
      list: {
        operation: 'listProjects',
        columns: ['id', 'name', 'organization.name as Organization', 'updated_at'],
      },
      get: { operation: 'getProject' },
      create: { operation: 'addProject' },
      edit: { operation: 'updateProject', reads: { operation: 'getProject' } },
      delete: { operation: 'deleteProject' },
    },
  },
  {
    name: 'organizations',
    subject: 'organization_id',
    rows: {
      list: { operation: 'listOrganizations', columns: ['id', 'name', 'url_slug as Slug', 'updated_at'] },
      get: { operation: 'getOrganization' },
      create: { operation: 'addOrganization' },
      edit: { operation: 'updateOrganization', reads: { operation: 'getOrganization' } },
      delete: { operation: 'deleteOrganization' },
    },
  },
  {
    name: 'teams',
    subject: 'team_id',
    rows: {
      list: {
        operation: 'listOrganizationTeams',
        columns: ['id', 'name', 'created_by_user.name as By', 'updated_at'],
      },
      get: { operation: 'getTeam' },
      create: { operation: 'addOrganizationTeam' },
      edit: { operation: 'updateTeam', reads: { operation: 'getTeam' } },
      delete: { operation: 'deleteTeam' },
      members: {
        operation: 'listTeamMembers',
        columns: ['user.id as ID', 'user.name', 'user.email', 'created_at as Since'],
      },
      'remove-member': { operation: 'deleteTeamMember' },
      places: {
        operation: 'listTeamMemberships',
        columns: [
          'role.name as Role',
          'organization.name as Organization',
          'project.name as Project',
          'environment.name as Environment',
          'created_at as Since',
        ],
      },
      link: { operation: 'linkTeamToEnvironment', about: 'give a team a role on an environment' },
      unlink: { operation: 'unlinkTeamFromEnvironment' },
      'link-project': { operation: 'linkTeamToProject', about: 'give a team a role on a project' },
      'unlink-project': { operation: 'unlinkTeamFromProject' },
      'link-organization': {
        operation: 'linkTeamToOrganization',
        about: 'give a team a role on the organization',
      },
      'unlink-organization': { operation: 'unlinkTeamFromOrganization' },
      invite: { operation: 'addTeamInvitation' },
      invitations: {
        operation: 'listTeamInvitations',
        columns: ['id', 'type', 'email', 'status', 'expires_at as Expires'],
      },
      uninvite: { operation: 'deleteTeamInvitation', named: ['team_invitation_id'] },
    },
  },
  {
    name: 'roles',
    subject: 'role_id',
    rows: {
      list: {
        operation: 'listOrganizationRoles',
        columns: ['id', 'name', 'is_predefined as Predefined', 'description'],
      },
      get: { operation: 'getRole' },
      create: { operation: 'addOrganizationRole' },
      edit: { operation: 'updateRole', reads: { operation: 'getRole' } },
      delete: { operation: 'deleteRole' },
      permissions: {
        operation: 'listPermissions',
        columns: ['resource_type as Of', 'permissions.*.permission as Permissions'],
      },
    },
  },
  {
    name: 'tokens',
    subject: 'personal_access_token_id',
    rows: {
      list: {
        operation: 'listUserPersonalAccessTokens',
        columns: ['id', 'name', 'status', 'last_used_at', 'expires_at'],
      },
      get: { operation: 'getUserPersonalAccessToken' },
      create: { operation: 'addUserPersonalAccessToken' },
      rotate: { operation: 'rotateUserPersonalAccessToken' },
      revoke: { operation: 'revokeUserPersonalAccessToken' },
    },
  },
  {
    name: 'project-tokens',
    subject: 'token_id',
    rows: {
      list: {
        operation: 'listProjectApiTokens',
        columns: ['id', 'name', 'status', 'role.name as Role', 'last_used_at', 'expires_at'],
      },
      get: { operation: 'getProjectApiToken' },
      create: { operation: 'addProjectApiToken' },
      rotate: { operation: 'rotateProjectApiToken' },
      revoke: { operation: 'revokeProjectApiToken' },
    },
  },
  {
    name: 'audit',
    subject: '',
    rows: {
      list: {
        operation: 'listOrganizationAuditEvents',
        columns: [
          'created_at as When',
          'user.name as Who',
          'operation',
          'object.type as What',
          'object.name',
          'fields',
          'ip_address as From',
        ],
      },
    },
  },
];
