/** A thing that a path or a body names by its id, and a person by its name too. */
export type Kind = {
  noun: string;
  /** `--app`, and the first word of its commands. */
  flag: string;
  /** The operation that lists them; without one there is only the id. */
  list?: string;
  /** Instead: an operation that reads what has them, and where in it they are. */
  within?: { operation: string; items: string };
  /** Where an object of the list has what it may be called by. */
  names?: string[];
  /** Where its id is, if not in `id`. */
  id?: string;
  isUuid?: boolean;
  /** For examples. */
  sample: string;
};

/** By the name of the parameter. */
export const kinds: Record<string, Kind> = {
  application_id: {
    noun: 'application',
    flag: 'app',
    list: 'listEnvironmentApplications',
    names: ['name'],
    sample: 'shop',
  },
  pipeline_id: {
    noun: 'pipeline',
    flag: 'pipeline',
    list: 'listEnvironmentPipelines',
    names: ['name'],
    sample: 'deploy',
  },
  server_id: {
    noun: 'server',
    flag: 'server',
    list: 'listEnvironmentServers',
    names: ['hostname'],
    sample: 'web-1',
  },
  credential_id: {
    noun: 'credential',
    flag: 'credential',
    list: 'listEnvironmentCredentials',
    names: ['name'],
    sample: 'github',
  },
  environment_id: { noun: 'environment', flag: 'environment', names: ['name'], sample: 'production' },
  project_id: { noun: 'project', flag: 'project', list: 'listProjects', names: ['name'], sample: 'shop' },
  organization_id: {
    noun: 'organization',
    flag: 'organization',
    list: 'listOrganizations',
    names: ['url_slug', 'name'],
    sample: 'default',
  },
  hook_id: {
    noun: 'hook',
    flag: 'hook',
    list: 'listEnvironmentHooks',
    names: ['name'],
    isUuid: true,
    sample: 'push',
  },
  team_id: {
    noun: 'team',
    flag: 'team',
    list: 'listOrganizationTeams',
    names: ['name'],
    sample: 'developers',
  },
  role_id: {
    noun: 'role',
    flag: 'role',
    list: 'listOrganizationRoles',
    names: ['name'],
    sample: 'developer',
  },
  variable_id: {
    noun: 'variable',
    flag: 'variable',
    list: 'listVariablesByResourceType',
    names: ['key'],
    sample: '7',
  },
  step_id: {
    noun: 'step',
    flag: 'step',
    within: { operation: 'getPipeline', items: 'steps' },
    names: ['name'],
    sample: 'Build',
  },
  user_id: {
    noun: 'user',
    flag: 'user',
    list: 'listTeamMembers',
    id: 'user.id',
    names: ['user.email', 'user.name'],
    sample: 'ada@example.com',
  },
  token_id: {
    noun: 'token',
    flag: 'token-id',
    list: 'listProjectApiTokens',
    names: ['name'],
    isUuid: true,
    sample: 'CI',
  },
  personal_access_token_id: {
    noun: 'token',
    flag: 'token-id',
    list: 'listUserPersonalAccessTokens',
    names: ['name'],
    isUuid: true,
    sample: 'laptop',
  },
  action_id: { noun: 'action', flag: 'action', sample: '42' },
  hook_request_id: {
    noun: 'request',
    flag: 'request',
    isUuid: true,
    sample: '01938f2c-7b1d-7c5a-9f3e-6a4b2c1d0e9f',
  },
  delivery_id: {
    noun: 'delivery',
    flag: 'delivery',
    isUuid: true,
    sample: '01938f2c-7b1d-7c5a-9f3e-6a4b2c1d0e9f',
  },
  recovery_id: {
    noun: 'recovery',
    flag: 'recovery',
    isUuid: true,
    sample: '01938f2c-7b1d-7c5a-9f3e-6a4b2c1d0e9f',
  },
  team_invitation_id: {
    noun: 'invitation',
    flag: 'invitation',
    isUuid: true,
    sample: '01938f2c-7b1d-7c5a-9f3e-6a4b2c1d0e9f',
  },
};

export function kindOf(parameter: string): Kind {
  const kind = kinds[parameter];
  if (!kind) throw new Error(`No kind is known for the parameter ${parameter}`);
  return kind;
}

/** What a parameter names when others are fixed: the `child_id` of a link to a `server` is a `server_id`. */
export function thingOf(name: string, { fixed }: { fixed?: Record<string, string> }): string {
  const type = /^(resource|child)_id$/.test(name) ? fixed?.[name.replace(/_id$/, '_type')] : undefined;
  return type === undefined ? name : `${type}_id`;
}
