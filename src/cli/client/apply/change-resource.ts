import {
  addEnvironmentApplication,
  addEnvironmentCredential,
  addEnvironmentServer,
  addPipeline,
  addVariable,
  deleteApplication,
  deleteCredential,
  deleteHook,
  deletePipeline,
  deleteServer,
  deleteVariable,
  getApplication,
  linkResourceLinkToResourceLink,
  unlinkResourceLinkFromResourceLink,
  updateApplication,
  updateCredential,
  updatePipeline,
  updateServer,
  updateVariable,
} from '#sdk';
import { changeHook, createHook } from './change-hook.ts';
import { changeSteps } from './change-steps.ts';
import { toSend } from './compare.ts';
import type { Scene } from './execute-plan.ts';
import { nest, type Fields } from './kinds.ts';
import type { Change } from './plan.ts';
import type { Desired } from './read-file.ts';
import { takeOwnPipeline } from './server-pipelines.ts';

/* One change by the calls of the API. Fields have been checked against the API's own names and types. */

/** What goes into a body. The server checks it once more. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the one cast between fields by name and the types of bodies
type Body = any;

export async function createResource(scene: Scene, change: Change): Promise<void> {
  const { client, environment, ids, onMade } = scene;
  const desired = change.desired!;
  const given = sentFields(change, Object.keys(change.fields));
  const path = { environment_id: environment.id };
  const created = async (): Promise<number | string> => {
    switch (desired.kind) {
      case 'credential': {
        const body: Body = { name: desired.name, ...nest(given) };
        return (await addEnvironmentCredential({ client, path, body })).id;
      }
      case 'server': {
        const body: Body = { hostname: desired.name, ...given };
        const server = await addEnvironmentServer({ client, path, body });
        if (given['ssh_private_key'] === undefined)
          await onMade({ resource: desired.address, ssh_install_command: server.ssh_install_command });
        return server.id;
      }
      case 'application': {
        const { credential, servers, ...rest } = given;
        const body: Body = {
          name: desired.name,
          ...rest,
          credential_id: credentialId(scene, credential),
          linked_resources: serverIds(scene, servers).map((resource_id) => ({
            resource_type: 'server',
            resource_id,
          })),
        };
        return (await addEnvironmentApplication({ client, path, body })).id;
      }
      case 'variable': {
        const body: Body = { key: desired.name, ...given };
        return (await addVariable({ client, path: ownerPath(scene, desired), body })).id;
      }
      case 'pipeline': {
        const own = await takeOwnPipeline(scene, desired);
        if (own) {
          await updateResource(scene, own);
          return own.actual!.id;
        }
        const body: Body = { name: desired.name, ...given };
        return (await addPipeline({ client, path: ownerPath(scene, desired), body })).id;
      }
      case 'incoming_hook':
      case 'outgoing_hook':
        return await createHook(scene, change, given);
      default:
        throw desired.kind satisfies never;
    }
  };
  ids.set(desired, await created());
}

export async function updateResource(scene: Scene, change: Change): Promise<void> {
  const { client } = scene;
  const { kind, fields, renamedFrom } = change;
  const [desired, actual] = [change.desired!, change.actual!];
  const id = Number(actual.id);
  const changed = sentFields(
    change,
    change.changes.map(({ field }) => field),
  );
  const renamed = (field: string): Fields => (renamedFrom === null ? {} : { [field]: desired.name });
  switch (kind) {
    case 'credential': {
      const body: Body = { ...renamed('name'), ...nest(changed) };
      return void (await updateCredential({ client, path: { credential_id: id }, body }));
    }
    case 'server': {
      // A new address makes the server forget its host key, which the file may name.
      const hostKey = fields['ssh_host_key'] === undefined ? {} : { ssh_host_key: fields['ssh_host_key'] };
      const body: Body = { ...renamed('hostname'), ...changed, ...hostKey };
      return void (await updateServer({ client, path: { server_id: id }, body }));
    }
    case 'application': {
      const { credential, servers, ...rest } = changed;
      const body: Body = {
        ...renamed('name'),
        ...rest,
        ...('credential' in changed ? { credential_id: credentialId(scene, credential) } : {}),
      };
      if (Object.keys(body).length > 0)
        await updateApplication({ client, path: { application_id: id }, body });
      if (servers !== undefined) await linkServers(scene, change);
      return;
    }
    case 'variable': {
      const body: Body = {
        key: desired.name,
        value: toSend('value', fields['value'], actual.fields['value'], change.options),
        ...changed,
      };
      return void (await updateVariable({ client, path: { variable_id: id }, body }));
    }
    case 'pipeline': {
      const { steps, ...rest } = changed;
      const body: Body = { ...renamed('name'), ...rest };
      if (Object.keys(body).length > 0) await updatePipeline({ client, path: { pipeline_id: id }, body });
      // Safe: the shape was checked.
      if (steps !== undefined)
        await changeSteps(client, id, { wanted: steps as Fields[], now: actual.steps });
      return;
    }
    case 'incoming_hook':
    case 'outgoing_hook':
      return await changeHook(scene, change, { ...renamed('name'), ...changed });
    default:
      throw kind satisfies never;
  }
}

export async function deleteResource({ client }: Scene, { kind, actual }: Change): Promise<void> {
  const id = Number(actual!.id);
  switch (kind) {
    case 'credential':
      return void (await deleteCredential({ client, path: { credential_id: id } }));
    case 'server':
      return void (await deleteServer({ client, path: { server_id: id } }));
    case 'application':
      return void (await deleteApplication({ client, path: { application_id: id } }));
    case 'variable':
      return void (await deleteVariable({ client, path: { variable_id: id } }));
    case 'pipeline':
      return void (await deletePipeline({ client, path: { pipeline_id: id } }));
    case 'incoming_hook':
    case 'outgoing_hook': {
      const hook_type = kind === 'incoming_hook' ? 'incoming' : 'outgoing';
      const path = { hook_type, hook_id: String(actual!.id) } as const;
      return void (await deleteHook({ client, path }));
    }
    default:
      throw kind satisfies never;
  }
}

/** With the values of secrets, where they are to be sent. */
function sentFields({ fields, actual, options }: Change, names: string[]): Fields {
  const entries = names
    .map((field): [string, unknown] => [field, toSend(field, fields[field], actual?.fields[field], options)])
    .filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries);
}

/** Of the application or server that something belongs to. */
function ownerPath({ ids }: Scene, { owner }: Desired) {
  const resource_type = owner?.kind === 'server' ? ('server' as const) : ('application' as const);
  return { resource_type, resource_id: Number(ids.get(owner!)) };
}

function credentialId({ ids, environment }: Scene, credential: unknown): number | null {
  if (typeof credential === 'string') return Number(idNamed(ids, 'credential', credential));
  if (typeof credential !== 'object' || credential === null) return null;
  // Safe: the shape was checked, and the plan has found it.
  const { organization } = credential as { organization: string };
  return environment.organizationCredentials.get(organization) ?? null;
}

function serverIds({ ids }: Scene, names: unknown): number[] {
  // Safe: the shape was checked.
  return ((names ?? []) as string[]).map((name) => Number(idNamed(ids, 'server', name)));
}

function idNamed(ids: Scene['ids'], kind: Desired['kind'], name: string): number | string | undefined {
  return [...ids].find(([one]) => one.kind === kind && one.name === name)?.[1];
}

async function linkServers(scene: Scene, { fields, actual }: Change): Promise<void> {
  const { client } = scene;
  const wanted = new Set(serverIds(scene, fields['servers']));
  const application = { resource_type: 'application', resource_id: Number(actual!.id) } as const;
  const { servers } = await getApplication({ client, path: { application_id: application.resource_id } });
  const now = new Set(servers.map(({ id }) => id));
  const path = (child_id: number) => ({ ...application, child_type: 'server', child_id }) as const;
  for (const id of wanted.difference(now)) await linkResourceLinkToResourceLink({ client, path: path(id) });
  for (const id of now.difference(wanted))
    await unlinkResourceLinkFromResourceLink({ client, path: path(id) });
}
