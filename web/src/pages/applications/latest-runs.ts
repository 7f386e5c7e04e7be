import { queryOptions } from '@tanstack/react-query';
import { listActionsByResourceType } from '#sdk';
import { nextLook } from '../pipelines/running.ts';

/** The newest few runs of an application, of all its pipelines. */
export function latestRunsQuery(applicationId: number) {
  return queryOptions({
    queryKey: ['latest-actions', 'of-application', applicationId],
    queryFn: ({ signal }) =>
      listActionsByResourceType({
        path: { resource_type: 'application', resource_id: applicationId },
        query: { per_page: 3 },
        signal,
      }),
    refetchInterval: ({ state }) => nextLook(state.data),
  });
}
