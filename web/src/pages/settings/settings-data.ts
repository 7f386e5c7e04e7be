import { queryOptions, useQuery } from '@tanstack/react-query';
import {
  listOrganizationProjects,
  listOrganizationRoles,
  listOrganizationTeams,
  listOrganizations,
  listPermissions,
  pages,
  type OrganizationRelation,
} from '#sdk';
import { collect } from '../../api/lists.ts';
import { queryClient } from '../../app/query-client.ts';
import { usePlace } from '../../shell/place.tsx';

const organizationsQuery = queryOptions({
  queryKey: ['organizations'],
  queryFn: ({ signal }) => collect(pages(listOrganizations, { signal })),
});

/** The organization of the environment that is chosen, or the first that one may see. */
export function useOrganization(): {
  organization: OrganizationRelation | null;
  organizations: OrganizationRelation[];
  isPending: boolean;
  error: Error | null;
} {
  const { environment, isPending: isPlacePending } = usePlace();
  const { data = [], isPending, error } = useQuery(organizationsQuery);
  const id = environment?.project?.organization?.id;
  return {
    organization: data.find((one) => one.id === id) ?? (isPlacePending ? null : (data[0] ?? null)),
    organizations: data,
    isPending: isPending || isPlacePending,
    error,
  };
}

export const teamsQuery = (organizationId: number) =>
  queryOptions({
    queryKey: ['teams', organizationId],
    queryFn: ({ signal }) =>
      collect(pages(listOrganizationTeams, { path: { organization_id: String(organizationId) }, signal })),
  });

export const rolesQuery = (organizationId: number) =>
  queryOptions({
    queryKey: ['roles', organizationId],
    queryFn: ({ signal }) =>
      collect(pages(listOrganizationRoles, { path: { organization_id: String(organizationId) }, signal })),
  });

export const projectsQuery = (organizationId: number) =>
  queryOptions({
    queryKey: ['projects', organizationId],
    queryFn: ({ signal }) =>
      collect(pages(listOrganizationProjects, { path: { organization_id: String(organizationId) }, signal })),
  });

export const permissionsQuery = queryOptions({
  queryKey: ['permissions'],
  staleTime: Infinity,
  queryFn: ({ signal }) => listPermissions({ signal }),
});

/** After a change: what is shown of it is read again. */
export async function readAgain(...keys: string[]): Promise<void> {
  await Promise.all(keys.map((key) => queryClient.invalidateQueries({ queryKey: [key] })));
}
