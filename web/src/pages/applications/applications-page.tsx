import { Anchor, Button } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import {
  listEnvironmentActionsByResourceType,
  listEnvironmentApplications,
  type ActionRelation,
  type ApplicationRelation,
} from '#sdk';
import { useList } from '../../api/lists.ts';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { Icon } from '../../components/icon.tsx';
import { NameSearch } from '../../components/name-search.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { useSearchState } from '../../components/use-search-state.ts';
import { usePlace } from '../../shell/place.tsx';
import { LastRun } from '../pipelines/last-run.tsx';
import { nextLook } from '../pipelines/running.ts';

export function ApplicationsPage() {
  const { environment } = usePlace();
  const environmentId = environment?.id ?? 0;
  const [{ q }, setSearch] = useSearchState({ q: '' });
  const navigate = useNavigate();
  const path = { environment_id: environmentId };
  const list = useList(
    ['applications', environmentId, q],
    listEnvironmentApplications,
    { path, query: { per_page: 100, ...(q && { 'filter[name]': q }) } },
    { enabled: environment !== null },
  );
  const { data: actions, isPending: isLooking } = useQuery({
    queryKey: ['latest-actions', environmentId, 'application'],
    enabled: environment !== null,
    queryFn: ({ signal }) =>
      listEnvironmentActionsByResourceType({
        path: { ...path, resource_type: 'application' },
        query: { per_page: 100 },
        signal,
      }),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => nextLook(state.data),
  });
  const lastOf = new Map<number, ActionRelation>();
  for (const action of actions ?? [])
    if (!lastOf.has(action.resource.id)) lastOf.set(action.resource.id, action);
  const columns: Column<ApplicationRelation>[] = [
    {
      key: 'name',
      header: 'Application',
      phone: 'bare',
      cell: (row) => (
        <Anchor
          fw={500}
          inherit
          renderRoot={(props) => (
            <Link to="/applications/$applicationId" params={{ applicationId: String(row.id) }} {...props} />
          )}
        >
          {row.name}
        </Anchor>
      ),
    },
    { key: 'repository', header: 'Repository', cell: ({ repository }) => repository },
    { key: 'branch', header: 'Branch', width: '140px', cell: ({ default_branch }) => default_branch },
    {
      key: 'last',
      header: 'Last run',
      width: 'minmax(0, 1.2fr)',
      cell: ({ id }) => <LastRun action={lastOf.get(id)} isPending={isLooking} />,
    },
  ];
  return (
    <>
      <PageHeader title="Applications">
        <NewApplication />
      </PageHeader>
      <NameSearch value={q} onSearch={(name) => setSearch({ q: name })} maw={320} mb="md" />
      <DataTable
        label="Applications"
        columns={columns}
        {...list}
        rowKey={({ id }) => id}
        onOpen={({ id }) =>
          void navigate({ to: '/applications/$applicationId', params: { applicationId: String(id) } })
        }
        empty={
          q ? (
            <EmptyState title={`No application is named like “${q}”`} icon="search">
              <Button
                variant="default"
                onClick={() => {
                  setSearch({ q: '' });
                }}
              >
                Show all
              </Button>
            </EmptyState>
          ) : (
            <EmptyState
              title="No applications yet"
              icon="applications"
              text="An application is a repository that is deployed: to its servers, or to the machine of Hookline."
            >
              <NewApplication />
              <Anchor renderRoot={(props) => <Link to="/first-steps" {...props} />}>
                Or be led through from the repository to the first run
              </Anchor>
            </EmptyState>
          )
        }
      />
    </>
  );
}

function NewApplication() {
  return (
    <Button
      leftSection={<Icon name="plus" />}
      renderRoot={(props) => <Link to="/applications/new" {...props} />}
    >
      New application
    </Button>
  );
}
