import { getHook, HooklineError, pages, type Client } from '#sdk';
import { environmentNamed, isId, listEnvironments } from './environment.ts';
import { CliFault } from './fault.ts';
import { callOperation, factsOf, listOperation } from './operation.ts';

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

/** How the parameters of a path are found that no person names: the environment, the only project. */
export type PathSource = (parameter: string) => Promise<unknown>;

/** The id that a person means by an id or a name. Throws a CliFault when there is none, or more than one. */
export async function findId(
  client: Client,
  parameter: string,
  text: string,
  source: PathSource,
): Promise<string | number> {
  const kind = kindOf(parameter);
  if (kind.isUuid ? isUuid(text) : isId(text)) return kind.isUuid ? text : Number(text);
  if (parameter === 'environment_id') return environmentNamed(await listEnvironments(client), text).id;
  const names = kind.names;
  if (!names)
    throw new CliFault(
      `"${text}" is not the id of a${/^[aeiou]/.test(kind.noun) ? 'n' : ''} ${kind.noun}.`,
      'usage',
    );
  const found: { id: unknown; name: string }[] = [];
  for await (const item of itemsOf(client, kind, source))
    if (names.some((name) => valueAt(item, name) === text))
      found.push({ id: valueAt(item, kind.id ?? 'id'), name: String(valueAt(item, names[0] ?? '')) });
  const [first, second] = found;
  if (!first)
    throw new CliFault(
      `There is no ${kind.noun} "${text}" here. See: hookline ${kind.flag}s list`,
      'notFound',
    );
  if (second)
    throw new CliFault(
      `There are ${found.length} ${kind.noun}s "${text}"; say which by its id: ${found.map(({ id }) => String(id)).join(', ')}`,
      'usage',
    );
  // Safe: the ids of the API are one or the other.
  return first.id as string | number;
}

/** Whether a hook is incoming or outgoing, which its path needs. */
export async function hookTypeOf(client: Client, hookId: string): Promise<'incoming' | 'outgoing'> {
  try {
    await getHook({ client, path: { hook_type: 'incoming', hook_id: hookId } });
    return 'incoming';
  } catch (error) {
    if (!(error instanceof HooklineError) || error.status !== 404) throw error;
    await getHook({ client, path: { hook_type: 'outgoing', hook_id: hookId } });
    return 'outgoing';
  }
}

/** Those of a kind that can be seen from here: for names, and for completion. */
export async function* itemsOf(
  client: Client,
  kind: Kind,
  source: PathSource,
): AsyncGenerator<Record<string, unknown>> {
  if (kind.within) {
    const facts = factsOf(kind.within.operation);
    const { data } = await callOperation(client, facts, {
      path: await pathFrom(facts.path_parameters, source),
    });
    const items = valueAt(data, kind.within.items);
    // Safe: the document says that these are objects.
    if (Array.isArray(items)) yield* items as Record<string, unknown>[];
    return;
  }
  if (!kind.list) return;
  const facts = factsOf(kind.list);
  yield* pages(listOperation(client, facts), { path: await pathFrom(facts.path_parameters, source) });
}

async function pathFrom(
  parameters: { name: string }[],
  source: PathSource,
): Promise<Record<string, unknown>> {
  const path: Record<string, unknown> = {};
  for (const { name } of parameters) path[name] = await source(name);
  return path;
}

/** `user.name` of an object; `steps.*.name` of each. */
export function valueAt(value: unknown, path: string): unknown {
  let found = value;
  const names = path.split('.');
  for (const [at, name] of names.entries()) {
    if (name === '*' && Array.isArray(found))
      return found.map((item) => valueAt(item, names.slice(at + 1).join('.')));
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined;
    // Safe: an object with that name of its own.
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}
