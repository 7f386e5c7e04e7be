import {
  getApplication,
  getPipeline,
  getServer,
  listEnvironmentApplications,
  listEnvironmentCredentials,
  listEnvironmentHooks,
  listEnvironmentPipelines,
  listEnvironmentServers,
  listVariablesByResourceType,
  pages,
  type Client,
  type EnvironmentHook,
  type Hook,
  type Pipeline,
} from '#sdk';
import { canonicalFields, flatten, type Fields, type Kind } from './kinds.ts';
import { addressOf } from './read-file.ts';

/** A resource as the server has it, secrets masked. */
export type Actual = {
  kind: Kind;
  name: string;
  id: number | string;
  owner: Actual | null;
  address: string;
  fields: Fields;
  updatedAt: string;
  /** It came with its owner, and nobody has changed it since. */
  isUntouched: boolean;
  /** Of a pipeline: its own steps as they are now. */
  steps: Pipeline['steps'];
  /** Of an incoming hook: the provider where it is installed. */
  installedAt: string | null;
};

export type ActualEnvironment = {
  id: number;
  /** Each behind its owner. */
  resources: Actual[];
  /** The ids of the credentials of the organization, by name; null where several bear it. */
  organizationCredentials: Map<string, number | null>;
};

/** Answers show it in the place of a secret. */
export const mask = '********';

/** Whole, so that what it says fits together; a few calls at a time. */
const mostAtOnce = 8;

/** Everything in an environment that a file can describe. */
export async function fetchEnvironment(client: Client, environmentId: number): Promise<ActualEnvironment> {
  const path = { environment_id: environmentId };
  const listed = { client, path };
  const [credentials, serverRows, applicationRows, pipelineRows, hookRows] = await Promise.all([
    all(pages(listEnvironmentCredentials, listed)),
    all(pages(listEnvironmentServers, listed)),
    all(pages(listEnvironmentApplications, listed)),
    all(pages(listEnvironmentPipelines, listed)),
    all(pages(listEnvironmentHooks, listed)),
  ]);
  const servers = await each(serverRows, ({ id }) => getServer({ client, path: { server_id: id } }));
  const applications = await each(applicationRows, ({ id }) =>
    getApplication({ client, path: { application_id: id } }),
  );
  const pipelines = await each(pipelineRows, ({ id }) => getPipeline({ client, path: { pipeline_id: id } }));
  const variables = await each(
    [
      ...servers.map(({ id }) => ({ resource_type: 'server' as const, resource_id: id })),
      ...applications.map(({ id }) => ({ resource_type: 'application' as const, resource_id: id })),
    ],
    (resource) => all(pages(listVariablesByResourceType, { client, path: resource })),
  );

  const resources: Actual[] = [];
  const add = (...given: Parameters<typeof resource>): Actual => {
    const one = resource(...given);
    resources.push(one);
    return one;
  };

  const own = credentials.filter(({ environment_id }) => environment_id !== null);
  for (const one of own) {
    add('credential', one, one.name, null, {
      provider_code: one.provider.code,
      active: one.active,
      settings: one.settings,
    });
  }
  const byResource = new Map<string, Actual>();
  for (const server of servers) {
    const fields = {
      ...server,
      ip_address: server.ip_address ?? null,
      // Never shown, but there: each server has one.
      ssh_private_key: mask,
    };
    byResource.set(`server ${server.id}`, add('server', server, server.hostname, null, fields));
  }
  for (const application of applications) {
    const { credential } = application;
    const fields = {
      ...application,
      servers: application.servers.map(({ hostname }) => hostname),
      credential: credential === null ? null : credentialField(credential),
    };
    byResource.set(
      `application ${application.id}`,
      add('application', application, application.name, null, fields),
    );
  }
  for (const variable of variables.flat()) {
    const owner = byResource.get(`${variable.resource_type} ${variable.resource_id}`) ?? null;
    add('variable', variable, variable.key, owner, variable);
  }
  const byPipeline = new Map<number, Actual>();
  for (const pipeline of pipelines) {
    const owner = byResource.get(`${pipeline.resource_type} ${pipeline.resource_id}`);
    // Made since the applications and servers were listed: the look before a change finds it.
    if (!owner) continue;
    const one = pipelineActual(pipeline, owner);
    resources.push(one);
    byPipeline.set(pipeline.id, one);
  }
  for (const hook of hookRows) {
    const owner =
      hook.pipeline_id === null
        ? byResource.get(`${hook.resource_type} ${hook.resource_id}`)
        : byPipeline.get(hook.pipeline_id);
    if (!owner) continue;
    const kind = hook.type === 'in' ? 'incoming_hook' : 'outgoing_hook';
    add(kind, hook, hook.name, owner, hookFields(hook), {
      installedAt: hook.installation?.provider ?? null,
    });
  }
  const organizationCredentials = new Map<string, number | null>();
  for (const { name, id, environment_id } of credentials) {
    if (environment_id !== null) continue;
    organizationCredentials.set(name, organizationCredentials.has(name) ? null : id);
  }
  return { id: environmentId, resources, organizationCredentials };
}

function resource(
  kind: Kind,
  { id, updated_at }: { id: number | string; updated_at: string },
  name: string,
  owner: Actual | null,
  fields: Fields,
  more: Partial<Actual> = {},
): Actual {
  return {
    kind,
    name,
    id,
    owner,
    address: addressOf(kind, name, owner),
    fields: canonicalFields(kind, flatten(fields)),
    updatedAt: updated_at,
    isUntouched: false,
    steps: [],
    installedAt: null,
    ...more,
  };
}

export function pipelineActual(pipeline: Pipeline, owner: Actual | null): Actual {
  const steps = ownSteps(pipeline);
  const fields = { ...pipeline, steps: steps.map(stepFields) };
  return resource('pipeline', pipeline, pipeline.name, owner, fields, {
    steps,
    isUntouched: isUntouched(pipeline),
  });
}

function credentialField({ name, environment_id }: { name: string; environment_id: number | null }) {
  return environment_id === null ? { organization: name } : name;
}

function ownSteps({ steps }: Pipeline): Pipeline['steps'] {
  return steps
    .filter(({ is_default_step }) => !is_default_step)
    .toSorted((one, other) => one.trigger_order - other.trigger_order);
}

function stepFields(step: Pipeline['steps'][number]): Fields {
  const { name, description, type, command, runner, run_as_user, after_activation, timeout_seconds } = step;
  return { name, description, type, command, runner, run_as_user, after_activation, timeout_seconds };
}

/** A pipeline that a server came with, as it was then: any change of it or of its steps leaves a later time. */
function isUntouched({ is_auto_generated, created_at, updated_at, steps }: Pipeline): boolean {
  const [step, ...others] = steps;
  return (
    is_auto_generated && created_at === updated_at && step?.updated_at === created_at && others.length === 0
  );
}

/** In the words of the file. The older form names its operation, today's has that of its pipeline. */
export function hookFields(hook: Hook | EnvironmentHook): Fields {
  const { action_type: _, tls, secret, ...rest } = hook;
  return {
    ...(hook.pipeline_id === null ? { action_type: hook.action_type } : {}),
    ...rest,
    ...(secret === '' ? {} : { secret: mask }),
    tls: tls ?? { ca_certificate: null, client_certificate: null, client_key: null },
  };
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  return await Array.fromAsync(items);
}

/** In order, a few at a time. */
async function each<Item, Result>(items: Item[], call: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += mostAtOnce)
    results.push(...(await Promise.all(items.slice(at, at + mostAtOnce).map(call))));
  return results;
}
