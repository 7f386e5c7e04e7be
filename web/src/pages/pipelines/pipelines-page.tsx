import { Anchor, Button, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import {
  listEnvironmentActions,
  listEnvironmentPipelines,
  type ActionRelation,
  type PipelineRelation,
} from '#sdk';
import { useList } from '../../api/lists.ts';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { Icon } from '../../components/icon.tsx';
import { NameSearch } from '../../components/name-search.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { useSearchState } from '../../components/use-search-state.ts';
import { usePlace } from '../../shell/place.tsx';
import { LastRun } from './last-run.tsx';
import { OwnerLink } from './owner-link.tsx';
import { ownersQuery } from './owners.ts';
import { nextLook } from './running.ts';

export function PipelinesPage() {
  const { environment } = usePlace();
  const environmentId = environment?.id ?? 0;
  const [{ q }, setSearch] = useSearchState({ q: '' });
  const navigate = useNavigate();
  const path = { environment_id: environmentId };
  const list = useList(
    ['pipelines', environmentId, q],
    listEnvironmentPipelines,
    { path, query: { per_page: 100, ...(q && { 'filter[name]': q }) } },
    { enabled: environment !== null },
  );
  const { data: owners } = useQuery(ownersQuery(environmentId));
  const { data: actions, isPending: isLooking } = useQuery({
    queryKey: ['latest-actions', environmentId],
    enabled: environment !== null,
    queryFn: ({ signal }) => listEnvironmentActions({ path, query: { per_page: 100 }, signal }),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => nextLook(state.data),
  });
  const lastOf = new Map<number, ActionRelation>();
  for (const action of actions ?? [])
    if (action.pipeline_id !== null && !lastOf.has(action.pipeline_id))
      lastOf.set(action.pipeline_id, action);
  const nameOf = (row: PipelineRelation) =>
    row.resource_type === 'application'
      ? owners?.applications.find(({ id }) => id === row.resource_id)?.name
      : owners?.servers.find(({ id }) => id === row.resource_id)?.name;
  const columns: Column<PipelineRelation>[] = [
    {
      key: 'name',
      header: 'Pipeline',
      phone: 'bare',
      width: 'minmax(0, 1.4fr)',
      cell: (row) => (
        <Anchor
          fw={500}
          renderRoot={(props) => (
            <Link to="/pipelines/$pipelineId" params={{ pipelineId: String(row.id) }} {...props} />
          )}
        >
          {row.name}
        </Anchor>
      ),
    },
    {
      key: 'owner',
      header: 'Belongs to',
      width: 'minmax(0, 1.2fr)',
      cell: (row) => <OwnerLink type={row.resource_type} id={row.resource_id} name={nameOf(row)} />,
    },
    { key: 'does', header: 'Does', cell: (row) => row.operation_human_readable },
    {
      key: 'last',
      header: 'Last run',
      width: 'minmax(0, 1.4fr)',
      cell: (row) => <LastRun action={lastOf.get(row.id)} isPending={isLooking} />,
    },
    {
      key: 'id',
      header: 'Id',
      width: '60px',
      phone: 'hidden',
      cell: (row) => (
        <Text span inherit c="dimmed" ff="monospace">
          {row.id}
        </Text>
      ),
    },
  ];
  return (
    <>
      <PageHeader title="Pipelines">
        <NewPipeline />
      </PageHeader>
      <NameSearch value={q} onSearch={(name) => setSearch({ q: name })} maw={320} mb="md" />
      <DataTable
        label="Pipelines"
        columns={columns}
        {...list}
        rowKey={({ id }) => id}
        onOpen={({ id }) =>
          void navigate({ to: '/pipelines/$pipelineId', params: { pipelineId: String(id) } })
        }
        empty={
          q ? (
            <EmptyState title={`No pipeline is named like “${q}”`} icon="search">
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
              title="No pipelines yet"
              icon="pipelines"
              text="A pipeline says what is done, step by step: build and deploy an application, restart a service. A hook or a button runs it."
            >
              <NewPipeline />
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

function NewPipeline() {
  return (
    <Button
      leftSection={<Icon name="plus" />}
      renderRoot={(props) => <Link to="/pipelines/new" {...props} />}
    >
      New pipeline
    </Button>
  );
}
