import {
  addEnvironmentApplication,
  addPipeline,
  addPipelineHook,
  listEnvironmentApplications,
  listPipelineHooks,
  listPipelinesByResourceType,
  pages,
  type Client,
} from '#sdk';
import { CliFault } from '../fault.ts';
import type { ImportedHook } from './convert.ts';
import { incomingHookOf, nameOf, pipelineOf } from './resources.ts';
import { resolveReference } from './templates.ts';

export type Created = { id: string; pipeline_id: number; hook_id: string; url: string; is_new: boolean };

/**
 * Makes the pipelines and hooks in an environment. What is there under its name already stays as it is, so an import that
 * was cut off can be run again.
 */
export async function createHooks(
  client: Client,
  hooks: ImportedHook[],
  target: {
    environmentId: number;
    application: string;
    repository: string;
    env: Record<string, string | undefined>;
    progress: (text: string) => void;
    /** Hears of each as soon as it is there. */
    made: (one: Created) => void;
  },
): Promise<Created[]> {
  const secrets = hooks.map((hook) => secretOf(hook, target.env));
  const applicationId = await findApplication(client, target);
  const pipelines = new Map<string, number>();
  const path = { resource_type: 'application' as const, resource_id: applicationId };
  for await (const { id, name } of pages(listPipelinesByResourceType, { client, path }))
    pipelines.set(name, id);
  const created: Created[] = [];
  const keep = (one: Created) => {
    created.push(one);
    target.made(one);
  };
  for (const [index, hook] of hooks.entries()) {
    target.progress(`${index + 1} of ${hooks.length}: ${hook.id}`);
    const name = nameOf(hook);
    const known = pipelines.get(name);
    const pipelineId = known ?? (await addPipeline({ client, path, body: pipelineOf(hook) })).id;
    const before = known === undefined ? null : await hookNamed(client, pipelineId, name);
    if (before) {
      keep({
        id: hook.id,
        pipeline_id: pipelineId,
        hook_id: before.id,
        url: before.url,
        is_new: false,
      });
      continue;
    }
    const secret = secrets[index];
    const made = await addPipelineHook({
      client,
      path: { pipeline_id: pipelineId, hook_type: 'incoming' },
      body: { ...incomingHookOf(hook), ...(secret ? { secret } : {}) },
    });
    keep({
      id: hook.id,
      pipeline_id: pipelineId,
      hook_id: made.id,
      url: made.url ?? '',
      is_new: true,
    });
  }
  return created;
}

function secretOf(hook: ImportedHook, env: Record<string, string | undefined>): string | null {
  const secret = hook.signature?.secret ?? null;
  if (secret === null) return null;
  const value = 'text' in secret ? secret.text : resolveReference(secret, env);
  if (value !== null) return value;
  const where =
    'env' in secret ? `the variable ${secret.env}` : 'file' in secret ? `the file ${secret.file}` : '';
  throw new CliFault(
    `The secret of "${hook.id}" is in ${where}, which is not there or empty. Nothing was made.`,
  );
}

async function findApplication(
  client: Client,
  target: { environmentId: number; application: string; repository: string },
): Promise<number> {
  const path = { environment_id: target.environmentId };
  for await (const { id, name } of pages(listEnvironmentApplications, { client, path }))
    if (name === target.application) return id;
  const body = { name: target.application, repository: target.repository };
  return (await addEnvironmentApplication({ client, path, body })).id;
}

async function hookNamed(client: Client, pipelineId: number, name: string) {
  for await (const hook of pages(listPipelineHooks, { client, path: { pipeline_id: pipelineId } }))
    if (hook.type === 'in' && hook.name === name) return { id: hook.id, url: hook.url ?? '' };
  return null;
}
