import { queryOptions } from '@tanstack/react-query';
import {
  getHook,
  getHookRequest,
  listEnvironmentApplications,
  listEnvironmentServers,
  listPipelinesByResourceType,
  pages,
} from '#sdk';
import { collect } from '../../api/lists.ts';

export function hookQuery(hookId: string) {
  return queryOptions({
    queryKey: ['hook', hookId],
    queryFn: ({ signal }) => getHook({ path: { hook_type: 'incoming', hook_id: hookId }, signal }),
  });
}

export function hookRequestQuery(requestId: string) {
  return queryOptions({
    queryKey: ['hook-request', requestId],
    // A record does not change.
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) => getHookRequest({ path: { hook_request_id: requestId }, signal }),
  });
}

export type PlacedPipeline = { id: number; name: string; owner: string; operation: string };

/** Every pipeline of an environment, with the name of what it belongs to. */
export function placedPipelinesQuery(environmentId: number | undefined) {
  return queryOptions({
    queryKey: ['placed-pipelines', environmentId],
    enabled: environmentId !== undefined,
    staleTime: 30_000,
    queryFn: async ({ signal }): Promise<PlacedPipeline[]> => {
      const path = { environment_id: environmentId! };
      const [applications, servers] = await Promise.all([
        collect(pages(listEnvironmentApplications, { path, signal })),
        collect(pages(listEnvironmentServers, { path, signal })),
      ]);
      const owners = [
        ...applications.map(({ id, name }) => ({ id, name, type: 'application' as const })),
        ...servers.map(({ id, name }) => ({ id, name, type: 'server' as const })),
      ];
      const each = owners.map(async (owner) => {
        const of = { resource_type: owner.type, resource_id: owner.id };
        const found = await collect(pages(listPipelinesByResourceType, { path: of, signal }));
        return found.map(({ id, name, operation }) => ({ id, name, owner: owner.name, operation }));
      });
      return (await Promise.all(each)).flat();
    },
  });
}
