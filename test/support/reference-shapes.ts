/*
 * What the strict Python client of the reference (2.8.5) accepts: per answer, which fields there must be and what may
 * stand in them. Facts only, read off its models; where its OpenAPI description says less or more,
 * the client decides, because it is what breaks.
 *
 * Notation: a field is a choice of types, `|` between them. `missing`: the field may be left out; without it a field
 * must be there, `null` or not. `string`, `int`, `number`, `bool`, `object` and `null` are JSON's; `time` is ISO 8601;
 * `any` is any value, null too. `string(3..255)` and `int(0..127)` bound a length or a value. `T[]` is a list, `(A|B)[]`
 * a mixed one. A capital names an enumeration or a model below; a model that is a string is another one's twin.
 *
 * Fields beyond these are ignored by the client, so Hookline may add its own. Of unions only the members are kept that
 * Hookline can mean: no networks, cron jobs or cloud providers. Lists of such things must be empty: `null[]`.
 *
 * Where the client differs from the description: nearly every nested object (`created_by_user`, `environment`,
 * `credential`, `parent`, …) may be null, though described as an object, but not be left out; every field
 * that is described as optional and nullable must be there; `action_data` has an undescribed inside.
 */

export type Shape = Readonly<Record<string, string>>;

const stamps = { created_at: 'string', updated_at: 'string' } as const;
const looseStamps = { created_at: 'string|null|missing', updated_at: 'string|null|missing' } as const;
const looseTimes = { created_at: 'time|null|missing', updated_at: 'time|null|missing' } as const;

// oxfmt-ignore
export const enumerations: Readonly<Record<string, readonly string[]>> = {
  ActionStatus: ['pending', 'waiting', 'skipped', 'queued', 'in-progress', 'completed', 'failed'],
  ActionStatusReasonCode: [
    'COMPLETED', 'FAILED_INSUFFICIENT_CREDITS', 'FAILED', 'IN_PROGRESS', 'PENDING', 'QUEUED', 'SKIPPED',
    'WAITING_CONCURRENCY_PIPELINE', 'WAITING_CONCURRENCY_TARGET',
  ],
  ActionTriggerType: ['hook', 'manual'],
  ActionType: [
    'check_provisioned', 'configure', 'delete', 'deploy', 'get_status', 'provision', 'reload', 'remove', 'restart',
    'rotate_key', 'start', 'stop',
  ],
  ApiTokenStatus: ['active', 'expired', 'revoked'],
  ApiTokenType: ['personal_access_token', 'project_api_token'],
  CloudOsVersionCode: ['centos_7', 'ubuntu_18_04', 'ubuntu_20_04', 'ubuntu_22_04', 'ubuntu_24_04', 'ubuntu_26_04'],
  DeploymentType: ['deploy', 'redeploy', 'rollback'],
  EnvironmentType: ['development', 'production', 'staging'],
  HookType: ['in', 'out'],
  HookVariableType: ['string', 'integer', 'array', 'boolean'],
  Language: ['en', 'pt'],
  PipelineStepRunnerName: ['composer', 'custom', 'npm', 'pip', 'yarn'],
  ProviderCode: ['aws', 'azure', 'bitbucket', 'digitalocean', 'gcp', 'github', 'gitlab', 'hetzner'],
  ProviderType: ['cloud_provider', 'source_provider'],
  ResourceType: [
    'application', 'credential', 'cronjob', 'daemon', 'deployment', 'network', 'network-rule', 'server', 'service',
    'ssh-key', 'ssl-certificate', 'subnet', 'virtual-host',
  ],
  ServerCloudServiceCode: [
    'aws-ec2', 'azure-rm', 'digitalocean-droplet', 'gcp-gce', 'hetzner-hcloud', 'self-hosted-custom',
  ],
  ServerStatus: [
    'configuring', 'failed', 'pending', 'provisioned', 'provisioning', 'restarting', 'running', 'stopped',
  ],
  SourceType: ['branch', 'commit', 'tag'],
  TeamInvitationStatus: ['accepted', 'expired', 'pending', 'rejected', 'active'],
  TeamInvitationType: ['private', 'public'],
  TriggerWhenConditionType: ['request_body'],
  UserType: ['user', 'org'],
  VariableTarget: [
    'my-cnf', 'newrelic-infra-yml', 'nginx-http-server', 'nginx-http', 'nginx-main', 'os-env-var',
    'php-cli_php-ini', 'php-fpm_php-fpm-conf', 'php-fpm_php-ini', 'php-fpm_pool-d-www-conf', 'redis-conf',
    'resource-config-file', 'resource-symlink', 'supervisord-conf', 'sysctl-conf',
  ],
  VariableType: ['file', 'symlink', 'variable'],
};

// oxfmt-ignore
export const models: Readonly<Record<string, Shape | string>> = {
  Action: {
    id: 'int', pipeline_id: 'int|null', retry_of: 'int|null', status: 'ActionStatus', status_human_readable: 'string',
    status_reason_code: 'ActionStatusReasonCode', status_reason_human_readable: 'string', type: 'ActionType',
    type_human_readable: 'string', url_web_permalink: 'string', trigger_comment: 'string|null',
    action_data: 'ActionData|null', triggered_from: 'ActionTriggeredFrom', parent: 'RelatedAction|null',
    children: '(RelatedAction|null)[]', triggered_by_user: 'UserRelation|null|missing', resource: 'ActionResource',
    summary: 'ActionSummary', environment: 'EnvironmentRelation|null', project: 'ProjectRelation|null',
    organization: 'OrganizationRelation|null', targets: 'ActionTarget[]|null|missing',
    hook_requests: 'ActionHookRequest|null|missing', started_at: 'string|null', completed_at: 'string|null',
    ...stamps,
  },
  ActionData: { release_name: 'string', commit: 'ActionDeploymentCommit', deployment: 'ActionDeploymentContent' },
  ActionDeploymentCommit: {
    repository: 'string', author_name: 'string', author_email: 'string', committed_at: 'time', hash: 'string',
    message: 'string', url: 'string', clone_url: 'string', download_url: 'string',
  },
  ActionDeploymentContent: {
    type: 'DeploymentType', source_type: 'SourceType', source_ref: 'string', repository: 'string',
    provider_name: 'string', pipeline_id: 'int',
  },
  ActionHookRequest: { incoming: 'HookRequestRelation|null|missing', outgoing: 'HookRequestRelation|null|missing' },
  ActionRelation: {
    id: 'int', status: 'ActionStatus', status_human_readable: 'string', status_reason_code: 'ActionStatusReasonCode',
    status_reason_human_readable: 'string', type: 'ActionType', type_human_readable: 'string',
    url_web_permalink: 'string', trigger_comment: 'string|null', action_data: 'ActionData|null|missing',
    triggered_from: 'ActionTriggeredFrom', resource: 'ActionResource', organization: 'OrganizationRelation|null',
    project: 'ProjectRelation|null', environment: 'EnvironmentRelation|null', summary: 'ActionSummary|null|missing',
    targets: 'ActionTarget[]|null|missing', started_at: 'string|null', completed_at: 'string|null', ...stamps,
  },
  ActionRelationShallow: {
    id: 'int', status: 'ActionStatus', status_human_readable: 'string', status_reason_code: 'ActionStatusReasonCode',
    status_reason_human_readable: 'string', type: 'ActionType', type_human_readable: 'string',
    url_web_permalink: 'string', action_data: 'ActionData|null|missing',
    triggered_from: 'ActionTriggeredFrom|null|missing', summary: 'ActionSummary|null|missing',
    targets: 'ActionTarget[]|null|missing', started_at: 'time|null', completed_at: 'time|null', created_at: 'time',
    updated_at: 'time',
  },
  ActionResource: {
    id: 'int', type: 'ResourceType', type_human_readable: 'string',
    data: 'ApplicationRelation|CredentialRelation|ServerRelation|null|missing',
  },
  ActionRetryResponse: 'Action',
  ActionStep: {
    id: 'int', action_id: 'int', action_target_id: 'int', name: 'string|null', description: 'string|null|missing',
    order: 'int', status: 'ActionStatus', status_human_readable: 'string|null|missing',
    status_reason_code: 'ActionStatusReasonCode|null|missing', status_reason_human_readable: 'string|null|missing',
    started_at: 'time|null|missing', completed_at: 'time|null|missing', ...looseTimes,
  },
  ActionSummary: { targets: 'ActionSummaryTarget' },
  ActionSummaryTarget: { count: 'int', pending: 'int', in_progress: 'int', completed: 'int', failed: 'int' },
  ActionTarget: {
    id: 'int', resource_type: 'string', resource_type_human_readable: 'string|null|missing', resource_id: 'int',
    status: 'ActionStatus', status_human_readable: 'string|null|missing',
    status_reason_code: 'ActionStatusReasonCode', status_reason_human_readable: 'string|null|missing',
    total_steps: 'int(0..127)|null', current_step: 'ActionStep|null', steps: '(ActionStep|null)[]|null|missing',
    resource_data: 'ActionTargetCredentialData|ActionTargetServerData|null', started_at: 'time|null|missing',
    completed_at: 'time|null|missing', created_at: 'time', updated_at: 'time',
  },
  ActionTargetCredentialData: {
    id: 'int', name: 'string', provider_type: 'ProviderType', provider_code: 'ProviderCode', provider_name: 'string',
    provider_name_human_readable: 'string',
  },
  ActionTargetLogStep: { order: 'int', started_at: 'time|null', completed_at: 'time|null', output: 'string|null' },
  ActionTargetServerData: {
    id: 'int', hostname: 'string', provider_name: 'string', provider_name_human_readable: 'string',
    ip_address: 'string|null', ssh_port: 'int', os_version_code: 'CloudOsVersionCode|null',
    provision_input: 'ServerProvisionInput',
  },
  ActionTriggeredFrom: {
    origin: 'string|null', trigger_type: 'ActionTriggerType', name: 'string', email: 'string|null',
    ip_address: 'string', user_id: 'int|null', hook_id: 'string|null', hook_request_id: 'string|null',
  },
  ApiToken: {
    id: 'string', name: 'string', type: 'ApiTokenType', token: 'string|null', status: 'ApiTokenStatus',
    role: 'RoleRelation|null', project: 'ProjectRelation|null', last_used_at: 'string|null', expires_at: 'string',
    revoked_at: 'string|null', ...stamps,
  },
  ApiTokenRelation: {
    id: 'string', name: 'string', type: 'ApiTokenType', status: 'ApiTokenStatus', role: 'RoleRelation|null',
    last_used_at: 'string|null', expires_at: 'string', revoked_at: 'string|null', ...stamps,
  },
  ApiTokenRotateResponse: 'ApiToken',
  Application: {
    id: 'int', project_id: 'int', environment_id: 'int', created_by: 'int', name: 'string', repository: 'string',
    repository_name: 'string', repository_owner: 'string', default_branch: 'string', programming_language: 'string',
    programming_language_human_readable: 'string', engine_version: 'string', framework: 'string',
    framework_human_readable: 'string', root_directory: 'string', deployments_keep: 'int',
    install_dependencies_command: 'string|null', build_command: 'string|null', created_by_user: 'UserRelation|null',
    last_deployments: 'ApplicationLastDeployments', environment: 'EnvironmentRelation|null',
    servers: '(ServerRelation|null)[]', credential: 'CredentialRelation|null', services: 'null[]', cronjobs: 'null[]',
    virtual_hosts: 'null[]', daemons: 'null[]', ...stamps,
  },
  ApplicationLastDeployments: {
    latest: 'ActionRelationShallow|null|missing', live: 'ActionRelationShallow|null|missing',
  },
  ApplicationRelation: {
    id: 'int', project_id: 'int', environment_id: 'int', created_by: 'int', name: 'string', repository: 'string',
    repository_name: 'string', repository_owner: 'string', default_branch: 'string', programming_language: 'string',
    programming_language_human_readable: 'string', engine_version: 'string', framework: 'string',
    framework_human_readable: 'string', root_directory: 'string|null', deployments_keep: 'int',
    install_dependencies_command: 'string|null', build_command: 'string|null',
    last_deployments: 'ApplicationLastDeployments|null|missing', credential: 'Credential|null|missing',
    ...looseStamps,
  },
  CloudResourceInstanceSpec: { memory: 'int', vcpus: 'int' },
  CloudServiceSettingsSelfHostedCustom: {
    os_version_code: 'CloudOsVersionCode|null', instance_spec: 'CloudResourceInstanceSpec|null|missing',
  },
  Credential: {
    id: 'int', name: 'string', provider: 'ProviderRelation', provider_type: 'string',
    provider_type_human_readable: 'string', provider_auth_type: 'string', provider_auth_type_human_readable: 'string',
    active: 'bool', organization: 'OrganizationRelation|null|missing', created_by_user: 'UserRelation|null',
    last_action: 'ActionRelationShallow|null|missing', ...stamps,
  },
  CredentialRelation: {
    id: 'int', name: 'string', provider: 'ProviderRelation', provider_type: 'ProviderType',
    provider_type_human_readable: 'string', provider_auth_type: 'string', provider_auth_type_human_readable: 'string',
    active: 'bool', created_by_user: 'UserRelation|null', last_action: 'ActionRelationShallow|null|missing',
    ...looseStamps,
  },
  Environment: {
    id: 'int', type: 'EnvironmentType', type_human_readable: 'string', name: 'string', description: 'string|null',
    is_archived: 'bool', resource_summary: 'ResourceSummaryItem[]|null|missing', teams: '(TeamRelation|null)[]',
    current_user_permissions: 'string[]', created_by_user: 'UserRelation|null', ...stamps,
  },
  EnvironmentRelation: {
    id: 'int', type: 'EnvironmentType', type_human_readable: 'string', name: 'string', description: 'string|null',
    used_credits: 'int|null|missing', resource_summary: 'ResourceSummaryItem[]|null|missing',
    archived_at: 'string|null', project: 'ProjectRelation|null', ...stamps,
  },
  Hook: {
    id: 'string', name: 'string', type: 'HookType', action_type: 'ActionType', url: 'string|null',
    target_url: 'string|null', is_auto_generated: 'bool', requires_secret: 'bool', verify_ssl: 'bool', active: 'bool',
    project_id: 'int', environment_id: 'int', pipeline_id: 'int|null', resource_type: 'ResourceType',
    resource_id: 'int', settings: 'HookIncomingSettings|HookOutgoingSettings|null', trigger_when: 'HookTriggerWhen',
    secret: 'string', secret_algorithm: 'string|null', secret_header_name: 'string|null',
    created_by_user: 'UserRelation|null', ...stamps,
  },
  HookIncomingSettings: { variables: 'HookVariable[]|null|missing' },
  HookOutgoingRequestHeader: { name: 'string(0..256)', value: 'string(0..4096)' },
  HookOutgoingSettings: { request_headers: 'HookOutgoingRequestHeader[]|null|missing', request_body: 'any|missing' },
  HookOutgoingTriggerWhenCondition: { path: 'string', accepted_values: 'string[]' },
  HookRelation: {
    id: 'string', name: 'string', type: 'HookType', action_type: 'ActionType', url: 'string|null',
    target_url: 'string|null', is_auto_generated: 'bool', requires_secret: 'bool', verify_ssl: 'bool', active: 'bool',
    project_id: 'int', environment_id: 'int', pipeline_id: 'int|null', resource_type: 'ResourceType',
    resource_id: 'int', settings: 'HookIncomingSettings|HookOutgoingSettings|null', trigger_when: 'HookTriggerWhen',
    ...stamps,
  },
  HookRequest: {
    id: 'string', hook_id: 'string', action_id: 'int|null', retry_of: 'string|null', ip_address: 'string',
    url: 'string', request_headers: 'object', request_body: 'object', response_status_code: 'int',
    response_headers: 'object', response_body: 'object', hook: 'HookRelation|null', ...stamps,
  },
  HookRequestRelation: {
    id: 'string', hook_id: 'string', action_id: 'int|null', retry_of: 'string|null', ip_address: 'string',
    url: 'string|null|missing', response_status_code: 'int|null|missing', ...looseTimes,
  },
  HookTriggerResponse: { message: 'string', errors: 'object|null' },
  HookTriggerWhen: {
    events: 'string[]|null|missing',
    conditions: '(HookOutgoingTriggerWhenCondition|TriggerWhenCondition)[]|null|missing',
  },
  HookVariable: {
    name: 'string|null|missing', path: 'string|null|missing', type: 'HookVariableType|null|missing',
    required: 'bool|null|missing', default_value: 'any[]|bool|number|string|null|missing',
  },
  Invitation: {
    id: 'string', type: 'TeamInvitationType', email: 'string|null', status: 'TeamInvitationStatus',
    status_human_readable: 'string', public_accept_url: 'string|null', accepted_from_ip: 'string|null',
    created_by_user: 'UserRelation|null', team: 'TeamRelation|null', accepted_at: 'string|null', expires_at: 'string',
    ...stamps,
  },
  InvitationRelation: {
    id: 'string', type: 'TeamInvitationType', email: 'string|null', status: 'TeamInvitationStatus',
    status_human_readable: 'string', public_accept_url: 'string|null', accepted_from_ip: 'string|null',
    created_by_user: 'UserRelation|null', team: 'TeamRelation|null', organization: 'OrganizationRelation|null',
    accepted_at: 'string|null', expires_at: 'string', ...stamps,
  },
  LinkedResourceData: {
    id: 'int', name: 'string', summary_fields: 'LinkedResourceSummaryField[]|null|missing',
    environment_id: 'int|null|missing', environment_name: 'string|null|missing', project_id: 'int|null|missing',
    project_name: 'string|null|missing', ...looseTimes,
  },
  LinkedResourceSummaryField: { field_name: 'string', field_name_human_readable: 'string', value: 'string' },
  Log: {
    target: 'ActionTargetCredentialData|ActionTargetServerData|null', step: 'ActionTargetLogStep|null',
    updated_at: 'string|null',
  },
  Member: { user: 'UserRelation|null', team: 'TeamRelation|null', ...stamps },
  MemberRelation: { user: 'UserRelation|null', ...stamps },
  MembershipRelation: {
    team: 'TeamRelation|null', role: 'RoleRelation|null', organization: 'OrganizationRelation|null',
    project: 'ProjectRelation|null', environment: 'EnvironmentRelation|null', ...stamps,
  },
  OperatingSystemVersion: {
    name: 'string', code_name: 'string', version: 'string', os_version_code: 'CloudOsVersionCode|null',
    os_version_code_human_readable: 'string|null|missing', released_at: 'string', end_standard_support_at: 'string',
    end_of_life_at: 'string',
  },
  Organization: {
    id: 'int', name: 'string', url_slug: 'string', resource_summary: 'ResourceSummaryItem[]|null|missing',
    current_user_permissions: 'string[]', owner: 'UserRelation|null', ...stamps,
  },
  OrganizationRelation: {
    id: 'int', name: 'string', url_slug: 'string', resource_summary: 'ResourceSummaryItem[]|null|missing',
    owner: 'UserRelation|null|missing', ...stamps,
  },
  OsUsersInner: { name: 'string' },
  PermissionRelation: { resource_type: 'string', human_readable: 'string', permissions: 'StaticPermission[]' },
  PersonalAccessToken: {
    id: 'string', name: 'string', type: 'ApiTokenType', token: 'string|null', status: 'ApiTokenStatus',
    user: 'UserRelation|null', last_used_at: 'string|null', expires_at: 'string', revoked_at: 'string|null',
    ...stamps,
  },
  PersonalAccessTokenRelation: {
    id: 'string', name: 'string', type: 'ApiTokenType', status: 'ApiTokenStatus', user: 'UserRelation|null',
    last_used_at: 'string|null', expires_at: 'string', revoked_at: 'string|null', ...stamps,
  },
  PersonalAccessTokenRotateResponse: 'PersonalAccessToken',
  Pipeline: {
    id: 'int', name: 'string', environment_id: 'int', project_id: 'int', organization_id: 'int',
    resource_type: 'ResourceType', resource_type_human_readable: 'string', resource_id: 'int', operation: 'string',
    operation_human_readable: 'string', max_parallel_actions: 'int', trigger_when: 'PipelineTriggerWhen|null',
    steps: 'Step[]', created_by_user: 'UserRelation|null', ...stamps,
  },
  PipelineRelation: {
    id: 'int', name: 'string', environment_id: 'int', project_id: 'int', organization_id: 'int',
    resource_type: 'string', resource_type_human_readable: 'string', resource_id: 'int', operation: 'string',
    operation_human_readable: 'string', max_parallel_actions: 'int', trigger_when: 'PipelineTriggerWhen|null',
    created_by_user: 'UserRelation|null', ...stamps,
  },
  PipelineTriggerWhen: { conditions: 'TriggerWhenCondition[]|null|missing' },
  Project: {
    id: 'int', user_id: 'int', name: 'string', logo_url: 'string|null',
    resource_summary: 'ResourceSummaryItem[]|null|missing', os_users: 'OsUsersInner[]',
    organization: 'OrganizationRelation|null', current_user_permissions: 'string[]',
    created_by_user: 'UserRelation|null', ...stamps,
  },
  ProjectRelation: {
    id: 'int', user_id: 'int', name: 'string', logo_url: 'string|null',
    resource_summary: 'ResourceSummaryItem[]|null|missing', os_users: 'OsUsersInner[]',
    organization: 'OrganizationRelation|null', created_by_user: 'UserRelation|null', used_credits: 'int|null|missing',
    ...stamps,
  },
  ProviderRelation: {
    active: 'bool', code: 'ProviderCode', code_human_readable: 'string', type: 'ProviderType',
    type_human_readable: 'string|null|missing',
  },
  RelatedAction: {
    id: 'int', status: 'ActionStatus', status_human_readable: 'string|null|missing', type: 'ActionType',
    type_human_readable: 'string', resource_name: 'string|null|missing', resource_type: 'ResourceType',
    resource_type_human_readable: 'string', url_web_permalink: 'string',
  },
  RequestRelation: {
    id: 'string', hook_id: 'string', action_id: 'int|null', retry_of: 'string|null', ip_address: 'string', ...stamps,
  },
  ResourceLinkChild: {
    link_type: 'string', resource_id: 'int', resource_type: 'string', resource_type_human_readable: 'string',
    can_be_unlinked: 'bool', linked_resource_data: 'LinkedResourceData', created_at: 'time', updated_at: 'time',
  },
  ResourceLinkRelation: {
    link_type: 'string', resource_type_human_readable: 'string', resource_type: 'string', resource_id: 'int',
    can_be_unlinked: 'bool', linked_resource_data: 'LinkedResourceData', children: 'ResourceLinkChild[]|null|missing',
    ...stamps,
  },
  ResourceSummaryItem: {
    resource_type: 'string', resource_type_plural: 'string', resource_type_human_readable: 'string',
    resource_type_human_readable_plural: 'string', summary: 'ResourceSummaryItemSummary',
  },
  ResourceSummaryItemSummary: { count: 'number' },
  Role: {
    id: 'int', name: 'string', description: 'string', is_predefined: 'bool', permissions: 'string[]',
    parent: 'RoleRelation|null', organization: 'OrganizationRelation|null|missing',
    created_by_user: 'UserRelation|null|missing', ...stamps,
  },
  RoleRelation: {
    id: 'int', name: 'string', description: 'string', is_predefined: 'bool', permissions: 'string[]',
    organization: 'OrganizationRelation|null|missing', created_by_user: 'UserRelation|null|missing', ...stamps,
  },
  Server: {
    id: 'int', created_by: 'int', name: 'string', hostname: 'string', provider_name: 'string',
    provider_name_human_readable: 'string', cloud_service_code: 'ServerCloudServiceCode',
    ip_address: 'string|null|missing', ssh_port: 'int', os: 'OperatingSystemVersion',
    os_version_code: 'CloudOsVersionCode|null', active: 'bool', status: 'ServerStatus', max_parallel_actions: 'int',
    blueprint: 'ServerBlueprint', provision_input: 'ServerProvisionInput', created_by_user: 'UserRelation|null',
    project: 'ProjectRelation|null', last_action: 'ActionRelation|null', environment: 'EnvironmentRelation|null',
    credential: 'CredentialRelation|null', ...stamps,
  },
  ServerBlueprint: {
    id: 'int|null|missing', name: 'string|null|missing', type: 'string|null|missing',
    spec: 'ServerBlueprintSpec|null|missing', ...looseTimes,
  },
  ServerBlueprintSpec: { services: 'null[]|null|missing' },
  ServerProvisionInput: {
    subnet_id: 'int|null|missing', cloud_service_code: 'ServerCloudServiceCode',
    settings: 'CloudServiceSettingsSelfHostedCustom|null|missing',
  },
  ServerRelation: {
    id: 'int', created_by: 'int', name: 'string', hostname: 'string', provider_name: 'string',
    provider_name_human_readable: 'string', credential: 'CredentialRelation|null|missing', region: 'string|null',
    region_human_readable: 'string|null', ip_address: 'string|null|missing', ssh_port: 'int', active: 'bool',
    status: 'ServerStatus', last_action: 'ActionRelationShallow|null|missing', ...looseStamps,
  },
  StaticPermission: {
    name: 'string', human_readable: 'string', hint: 'string', required_permissions: 'string[]|null|missing',
  },
  Step: {
    id: 'int', name: 'string|null|missing', description: 'string|null|missing', type: 'string', run_as_user: 'string',
    command: 'string', runner: 'PipelineStepRunnerName', script_id: 'int', pipeline_id: 'int', trigger_order: 'int',
    is_auto_generated: 'bool', is_default_step: 'bool', ...stamps,
  },
  Team: {
    id: 'int', name: 'string', photo_url: 'string|null', users: '(UserRelation|null)[]',
    organization: 'OrganizationRelation|null', created_by_user: 'UserRelation|null', ...stamps,
  },
  TeamInvitationRelation: 'InvitationRelation',
  TeamMembershipRelation: 'MembershipRelation',
  TeamRelation: {
    id: 'int', name: 'string', photo_url: 'string|null', organization: 'OrganizationRelation|null|missing',
    created_by_user: 'UserRelation|null', ...stamps,
  },
  TriggerWhenCondition: {
    name: 'string|null|missing', type: 'TriggerWhenConditionType', path: 'string',
    accepted_values: '(bool|number|string)[]',
  },
  User: { id: 'int', url_slug: 'string|null|missing', type: 'UserType' },
  UserLoginResponse: { token_type: 'string', expires_in: 'int', access_token: 'string', refresh_token: 'string' },
  UserMe: {
    id: 'int', name: 'string', email: 'string', url_slug: 'string|null|missing', language: 'Language|null',
    active: 'bool', social_accounts: 'null[]', ...stamps,
  },
  UserRefreshTokenResponse: 'UserLoginResponse',
  UserRelation: {
    id: 'int', name: 'string(3..255)', email: 'string', url_slug: 'string', language: 'Language|null|missing',
    active: 'bool|null|missing', ...looseTimes,
  },
  Variable: {
    id: 'int', key: 'string', type: 'VariableType', description: 'string|null', value: 'string|null',
    target: 'VariableTarget', target_human_readable: 'string', resource_id: 'int|null', resource_type: 'string',
    hidden: 'bool', created_by_user: 'UserRelation|null|missing', ...stamps,
  },
  VariableRelation: 'Variable',
};
