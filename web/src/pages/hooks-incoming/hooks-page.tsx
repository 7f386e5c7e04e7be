import { Anchor, Button, Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useMemo } from 'react';
import { listEnvironmentHooks, type EnvironmentHook } from '#sdk';
import { useList } from '../../api/lists.ts';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { Icon } from '../../components/icon.tsx';
import { NameSearch } from '../../components/name-search.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Time } from '../../components/time.tsx';
import { useSearchState } from '../../components/use-search-state.ts';
import { usePlace } from '../../shell/place.tsx';
import { HookState } from './hook-state.tsx';
import { placedPipelinesQuery, type PlacedPipeline } from './queries.ts';

const NewHook = lazy(() => import('./new-hook.tsx'));

/** The hooks of the environment in both directions, with what came of each last. */
export function HooksPage() {
  const { environment } = usePlace();
  const navigate = useNavigate();
  const [search, setSearch] = useSearchState({ direction: 'all', q: '', new: '', pipeline: '' });
  const { data: pipelines = [] } = useQuery(placedPipelinesQuery(environment?.id));
  const { retry, ...list } = useList(
    ['environment-hooks', environment?.id, search.direction, search.q],
    listEnvironmentHooks,
    {
      path: { environment_id: environment?.id ?? 0 },
      query: {
        per_page: 100,
        // Safe: the server refuses any other.
        hook_type: search.direction === 'all' ? undefined : (search.direction as 'incoming' | 'outgoing'),
        'filter[name]': search.q === '' ? undefined : search.q,
      },
    },
    { enabled: environment !== null, refetchInterval: 10_000 },
  );
  const columns = useMemo(() => columnsOf(new Map(pipelines.map((one) => [one.id, one]))), [pipelines]);
  const isFiltered = search.q !== '' || search.direction !== 'all';
  const begin = () => setSearch({ new: 'incoming' });
  return (
    <>
      <PageHeader title="Hooks" description="What starts a pipeline, and who is told of what came of it.">
        <Button
          variant="default"
          leftSection={<Icon name="plus" />}
          renderRoot={(props) => <Link to="/hooks/outgoing/new" {...props} />}
        >
          New outgoing hook
        </Button>
        <Button leftSection={<Icon name="plus" />} onClick={begin}>
          New incoming hook
        </Button>
      </PageHeader>
      <Group mb="md" gap="sm">
        <SegmentedControl
          aria-label="Direction"
          value={search.direction}
          onChange={(direction) => setSearch({ direction })}
          data={[
            { value: 'all', label: 'All' },
            { value: 'incoming', label: 'Incoming' },
            { value: 'outgoing', label: 'Outgoing' },
          ]}
        />
        <NameSearch
          value={search.q}
          onSearch={(name) => setSearch({ q: name })}
          w={{ base: '100%', xs: 240 }}
        />
      </Group>
      <DataTable
        label="Hooks"
        columns={columns}
        rowKey={(hook) => hook.id}
        onOpen={(hook) => void navigate(linkOf(hook))}
        {...list}
        retry={retry}
        empty={
          isFiltered ? (
            <EmptyState title="No hook fits" icon="search" text="Try another name, or both directions." />
          ) : (
            <EmptyState
              title="No hooks yet"
              icon="hooks"
              text="An incoming hook gives GitHub, GitLab, Bitbucket or any other sender a URL that starts a pipeline. An outgoing hook tells others what came of it."
            >
              <Button leftSection={<Icon name="plus" />} onClick={begin}>
                New incoming hook
              </Button>
            </EmptyState>
          )
        }
      />
      <Suspense>
        {search.new === 'incoming' && (
          <NewHook
            pipelines={pipelines}
            pipelineId={search.pipeline === '' ? null : Number(search.pipeline)}
            onClose={() => setSearch({ new: '', pipeline: '' })}
          />
        )}
      </Suspense>
    </>
  );
}

function linkOf({ id, type }: Pick<EnvironmentHook, 'id' | 'type'>) {
  const to = type === 'in' ? '/hooks/incoming/$hookId' : '/hooks/outgoing/$hookId';
  return { to, params: { hookId: id } } as const;
}

function columnsOf(pipelines: Map<number, PlacedPipeline>): Column<EnvironmentHook>[] {
  return [
    {
      key: 'name',
      header: 'Hook',
      width: 'minmax(0, 1.3fr)',
      phone: 'bare',
      cell: (hook) => (
        <Group gap="xs" wrap="nowrap" align="start">
          <Text span c="dimmed" pt={2}>
            <Icon name={hook.type === 'in' ? 'incoming' : 'outgoing'} />
          </Text>
          <Stack gap={0} miw={0}>
            <Anchor size="sm" fw={600} renderRoot={(props) => <Link {...props} {...linkOf(hook)} />}>
              {hook.name}
            </Anchor>
            <Text size="xs" c="dimmed">
              {hook.type === 'in' ? 'Incoming' : 'Outgoing'} · {placeOf(hook, pipelines)}
            </Text>
          </Stack>
        </Group>
      ),
    },
    { key: 'state', header: 'State', width: '150px', cell: (hook) => <HookState hook={hook} /> },
    {
      key: 'latest',
      header: 'Last outcome',
      width: 'minmax(0, 2fr)',
      cell: (hook) => <Latest hook={hook} />,
    },
    { key: 'when', header: 'When', width: '110px', cell: ({ latest }) => <Time at={latest?.created_at} /> },
  ];
}

function placeOf(hook: EnvironmentHook, pipelines: Map<number, PlacedPipeline>): string {
  if (hook.pipeline_id === null)
    return `every ${hook.action_type} of ${hook.resource_type} ${hook.resource_id}`;
  const pipeline = pipelines.get(hook.pipeline_id);
  return pipeline ? `${pipeline.name} of ${pipeline.owner}` : `pipeline ${hook.pipeline_id}`;
}

function Latest({ hook }: { hook: EnvironmentHook }) {
  const trouble = hook.disabled_reason ?? (hook.failing_since === null ? null : hook.last_failure);
  if (!hook.latest)
    return (
      <Text size="sm" c="dimmed">
        {hook.type === 'in' ? 'Nothing has arrived yet.' : 'Nothing was to be sent yet.'}
      </Text>
    );
  return (
    <Stack gap={2} align="start">
      <StatusBadge status={hook.latest.outcome} />
      <Text size="xs" c="dimmed" lineClamp={2}>
        {trouble ?? hook.latest.reason}
      </Text>
    </Stack>
  );
}
