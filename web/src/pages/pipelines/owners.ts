import { queryOptions } from '@tanstack/react-query';
import { listEnvironmentApplications, listEnvironmentServers, pages } from '#sdk';
import { collect } from '../../api/lists.ts';

/** The applications and servers of an environment: what a pipeline can belong to, and where it can run. */
export function ownersQuery(environmentId: number) {
  return queryOptions({
    queryKey: ['owners', environmentId],
    staleTime: 30_000,
    enabled: environmentId > 0,
    queryFn: async ({ signal }) => {
      const path = { environment_id: environmentId };
      const [applications, servers] = await Promise.all([
        collect(pages(listEnvironmentApplications, { path, signal })),
        collect(pages(listEnvironmentServers, { path, signal })),
      ]);
      return { applications, servers };
    },
  });
}
