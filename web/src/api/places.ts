import { queryOptions } from '@tanstack/react-query';
import { listProjectEnvironments, listProjects, pages, type EnvironmentRelation } from '#sdk';
import { collect } from './lists.ts';

/** Every environment that one may see, project by project. */
export const environmentsQuery = queryOptions({
  queryKey: ['environments'],
  staleTime: 60_000,
  queryFn: async ({ signal }): Promise<EnvironmentRelation[]> => {
    const projects = await collect(pages(listProjects, { signal }));
    const each = projects.map(({ id }) =>
      collect(pages(listProjectEnvironments, { path: { project_id: id }, signal })),
    );
    return (await Promise.all(each)).flat();
  },
});
