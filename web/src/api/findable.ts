import { queryOptions } from '@tanstack/react-query';
import {
  listApplicationHooks,
  listEnvironmentActions,
  listEnvironmentApplications,
  listEnvironmentServers,
  listPipelinesByResourceType,
  listServerHooks,
  pages,
} from '#sdk';
import type { IconName } from '../components/icon.tsx';
import { collect } from './lists.ts';

export type Findable = {
  /** Its address below the base. */
  to: string;
  kind: 'Application' | 'Server' | 'Pipeline' | 'Hook' | 'Action';
  label: string;
  description: string;
  icon: IconName;
};

/** So many of each are searched; the lists themselves go on. */
const most = 100;

/** What the command palette finds in an environment. */
export function findableQuery(environmentId: number) {
  return queryOptions({
    queryKey: ['findable', environmentId],
    staleTime: 30_000,
    queryFn: async ({ signal }): Promise<Findable[]> => {
      const path = { environment_id: environmentId };
      const [applications, servers, actions] = await Promise.all([
        collect(pages(listEnvironmentApplications, { path, signal }), most),
        collect(pages(listEnvironmentServers, { path, signal }), most),
        collect(pages(listEnvironmentActions, { path, signal }), most),
      ]);
      const owners = [
        ...applications.map(({ id, name }) => ({ id, name, type: 'application' as const })),
        ...servers.map(({ id, name }) => ({ id, name, type: 'server' as const })),
      ];
      const parts = await Promise.all(owners.map((owner) => partsOf(owner, signal)));
      return [
        ...applications.map(({ id, name }): Findable => ({
          to: `/applications/${id}`,
          kind: 'Application',
          label: name,
          description: `Application ${id}`,
          icon: 'applications',
        })),
        ...parts.flat(),
        ...servers.map(({ id, name }): Findable => ({
          to: `/servers/${id}`,
          kind: 'Server',
          label: name,
          description: `Server ${id}`,
          icon: 'servers',
        })),
        ...actions.map(({ id, type_human_readable, resource, status_human_readable }): Findable => ({
          to: `/actions/${id}`,
          kind: 'Action',
          label: `${type_human_readable} ${resource.data?.name ?? `${resource.type} ${resource.id}`}`,
          description: `Action ${id} · ${status_human_readable}`,
          icon: 'actions',
        })),
      ];
    },
  });
}

type Owner = { id: number; name: string; type: 'application' | 'server' };

async function partsOf({ id, name, type }: Owner, signal: AbortSignal): Promise<Findable[]> {
  const listed = listPipelinesByResourceType;
  const hooksOf =
    type === 'application'
      ? pages(listApplicationHooks, { path: { application_id: id }, signal })
      : pages(listServerHooks, { path: { server_id: id }, signal });
  const [pipelines, hooks] = await Promise.all([
    collect(pages(listed, { path: { resource_type: type, resource_id: id }, signal }), most),
    collect(hooksOf, most),
  ]);
  return [
    ...pipelines.map((pipeline): Findable => ({
      to: `/pipelines/${pipeline.id}`,
      kind: 'Pipeline',
      label: pipeline.name,
      description: `Pipeline ${pipeline.id} of ${name}`,
      icon: 'pipelines',
    })),
    ...hooks.map((hook): Findable => ({
      to: `/hooks/${hook.type === 'in' ? 'incoming' : 'outgoing'}/${hook.id}`,
      kind: 'Hook',
      label: hook.name,
      description: `${hook.type === 'in' ? 'Incoming' : 'Outgoing'} hook of ${name}`,
      icon: hook.type === 'in' ? 'incoming' : 'outgoing',
    })),
  ];
}
