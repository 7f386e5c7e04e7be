import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import {
  HooklineError,
  listEnvironmentActions,
  listEnvironmentApplications,
  listEnvironmentHooks,
  listEnvironmentPipelines,
  listEnvironmentServers,
  pages,
  type ActionRelation,
  type ListOperation,
  type PipelineRelation,
} from '#sdk';
import type { IconName } from '../components/icon.tsx';
import { collect } from './lists.ts';

export type Findable = {
  /** Its address below the base. */
  to: string;
  kind: 'Application' | 'Pipeline' | 'Hook' | 'Server' | 'Action';
  label: string;
  description: string;
  icon: IconName;
};

/** So many of each are known at once; beyond them the server searches. */
const most = 100;
/** So many of each that the server finds. */
const mostFound = 20;

/** What the command palette knows of an environment: the newest of each kind. */
export function findableQuery(environmentId: number) {
  return queryOptions({
    queryKey: ['findable', environmentId],
    staleTime: 30_000,
    queryFn: async ({ signal }): Promise<Findable[]> => {
      const path = { environment_id: environmentId };
      const [applications, pipelines, hooks, servers, actions] = await Promise.all([
        readable(listEnvironmentApplications, { path, signal }),
        readable(listEnvironmentPipelines, { path, signal }),
        readable(listEnvironmentHooks, { path, signal }),
        readable(listEnvironmentServers, { path, signal }, 1000),
        readable(listEnvironmentActions, { path, signal }),
      ]);
      const names = new Map<string, string>([
        ...applications.map(({ id, name }) => [`application ${id}`, name] as const),
        ...servers.map(({ id, name }) => [`server ${id}`, name] as const),
      ]);
      const ofOwner = (one: Findable, owner: { resource_type: string; resource_id: number }): Findable => {
        const name = names.get(`${owner.resource_type} ${owner.resource_id}`);
        return name === undefined ? one : { ...one, description: `${one.description} of ${name}` };
      };
      return [
        ...applications.map(findable.application),
        ...pipelines.map((pipeline) => ofOwner(findable.pipeline(pipeline), pipeline)),
        ...hooks.map((hook) => ofOwner(findable.hook(hook), hook)),
        ...servers.map(findable.server),
        ...actions.map(findable.action),
      ];
    },
  });
}

/** What the server finds by a text; an environment may hold more than the palette knows. */
export function foundQuery(environmentId: number, text: string) {
  return queryOptions({
    queryKey: ['findable', environmentId, 'found', text],
    staleTime: 30_000,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }): Promise<Findable[]> => {
      const path = { environment_id: environmentId };
      const named = { path, query: { 'filter[name]': text.slice(0, 60), per_page: mostFound }, signal };
      const asked = { path, query: { search: text.slice(0, 200), per_page: mostFound }, signal };
      const [applications, pipelines, hooks, actions] = await Promise.all([
        readable(listEnvironmentApplications, named, mostFound),
        readable(listEnvironmentPipelines, named, mostFound),
        readable(listEnvironmentHooks, named, mostFound),
        readable(listEnvironmentActions, asked, mostFound),
      ]);
      return [
        ...applications.map(findable.application),
        ...pipelines.map(findable.pipeline),
        ...hooks.map(findable.hook),
        ...actions.map(findable.action),
      ];
    },
  });
}

/** Who may not read one kind finds the others nevertheless. */
async function readable<O extends Parameters<typeof pages>[1], T>(
  operation: ListOperation<O, T>,
  options: O,
  limit = most,
): Promise<T[]> {
  try {
    return await collect(pages(operation, options), limit);
  } catch (error) {
    if (error instanceof HooklineError && error.status === 403) return [];
    throw error;
  }
}

const findable = {
  application: ({ id, name }: { id: number; name: string }): Findable => ({
    to: `/applications/${id}`,
    kind: 'Application',
    label: name,
    description: `Application ${id}`,
    icon: 'applications',
  }),
  server: ({ id, name }: { id: number; name: string }): Findable => ({
    to: `/servers/${id}`,
    kind: 'Server',
    label: name,
    description: `Server ${id}`,
    icon: 'servers',
  }),
  pipeline: ({ id, name }: PipelineRelation): Findable => ({
    to: `/pipelines/${id}`,
    kind: 'Pipeline',
    label: name,
    description: `Pipeline ${id}`,
    icon: 'pipelines',
  }),
  hook: ({ id, name, type }: { id: string; name: string; type: 'in' | 'out' }): Findable => ({
    to: `/hooks/${type === 'in' ? 'incoming' : 'outgoing'}/${id}`,
    kind: 'Hook',
    label: name,
    description: `${type === 'in' ? 'Incoming' : 'Outgoing'} hook`,
    icon: type === 'in' ? 'incoming' : 'outgoing',
  }),
  action: ({ id, type_human_readable, resource, status_human_readable }: ActionRelation): Findable => ({
    to: `/actions/${id}`,
    kind: 'Action',
    label: `${type_human_readable} ${resource.data?.name ?? `${resource.type} ${resource.id}`}`,
    description: `Action ${id} · ${status_human_readable}`,
    icon: 'actions',
  }),
};
