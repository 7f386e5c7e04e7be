import { Anchor, Button, Group, Select, Text, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import type { ActionRelation } from '#sdk';
import { findableQuery, type Findable } from '../../api/findable.ts';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { Icon } from '../../components/icon.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Duration, Time } from '../../components/time.tsx';
import { useSearchState } from '../../components/use-search-state.ts';
import { usePlace } from '../../shell/place.tsx';
import { sourceOf, titleOf } from './describe.ts';
import { useLiveActions, type ActionQuery } from './use-live-actions.ts';
import classes from './actions-page.module.css';

const noFilters = { q: '', status: '', pipeline: '', resource: '', trigger: '', from: '', to: '' };
type Filters = typeof noFilters;

const statuses = [
  { value: 'failed', label: 'Failed' },
  { value: 'in-progress', label: 'In progress' },
  { value: 'waiting', label: 'Waiting' },
  { value: 'queued', label: 'Queued' },
  { value: 'pending', label: 'Pending' },
  { value: 'completed', label: 'Completed' },
  { value: 'skipped', label: 'Skipped' },
];
const triggers = [
  { value: 'hook', label: 'By a hook' },
  { value: 'manual', label: 'By a person or token' },
];

export function ActionsPage() {
  const { environment } = usePlace();
  const [filters, setFilters] = useSearchState(noFilters);
  const query = useMemo(() => queryOf(filters), [filters]);
  const list = useLiveActions(environment?.id ?? null, query);
  const navigate = useNavigate();
  const { data: findable = [] } = useQuery({
    ...findableQuery(environment?.id ?? 0),
    enabled: environment !== null,
  });
  const names = useMemo(() => new Map(findable.map(({ to, label }) => [to, label])), [findable]);
  const columns = useMemo(() => columnsWith(names), [names]);
  const isFiltered = Object.values(filters).some((value) => value !== '');
  const clear = () => setFilters(noFilters);
  return (
    <>
      <PageHeader title="Actions" />
      <FilterBar filters={filters} setFilters={setFilters} findable={findable} />
      <DataTable
        {...list}
        label="Actions"
        columns={columns}
        rowKey={({ id }) => id}
        onOpen={({ id }) => void navigate({ to: '/actions/$actionId', params: { actionId: String(id) } })}
        empty={
          isFiltered ? (
            <EmptyState title="No action is like that" icon="filter" text="Take a filter away to see more.">
              <Button variant="default" onClick={clear}>
                Clear the filters
              </Button>
            </EmptyState>
          ) : (
            <EmptyState
              title="Nothing has run yet"
              icon="actions"
              text="An action is one run of a pipeline. A hook starts one when a request comes in; you can start one by hand too."
            >
              <Group justify="center">
                <Button renderRoot={(props) => <Link to="/pipelines" {...props} />}>Run a pipeline</Button>
                <Button variant="default" renderRoot={(props) => <Link to="/hooks" {...props} />}>
                  Why did my hook not fire?
                </Button>
              </Group>
            </EmptyState>
          )
        }
      />
    </>
  );
}

function FilterBar({
  filters,
  setFilters,
  findable,
}: {
  filters: Filters;
  setFilters: (change: Partial<Filters>) => void;
  findable: Findable[];
}) {
  const [text, setText] = useState(filters.q);
  const search = useDebouncedCallback((q: string) => setFilters({ q: q.trim() }), 200);
  // Also when the address changes by itself, as by "clear".
  useEffect(() => setText((before) => (before.trim() === filters.q ? before : filters.q)), [filters.q]);
  const choices = (kinds: Findable['kind'][]) =>
    findable
      .filter(({ kind }) => kinds.includes(kind))
      .map(({ to, label, kind, description }) => ({
        value: to.slice(1),
        label: kind === 'Pipeline' ? `${label} · ${description.replace(/^Pipeline \d+ of /, '')}` : label,
      }));
  const withChosen = (data: { value: string; label: string }[], value: string) =>
    value === '' || data.some((one) => one.value === value) ? data : [...data, { value, label: value }];
  const filterCount = Object.entries(filters).filter(([name, value]) => name !== 'q' && value !== '').length;
  const isFiltered = filterCount > 0 || filters.q !== '';
  const [isOpen, setOpen] = useState(false);
  const pipeline = filters.pipeline && `pipelines/${filters.pipeline}`;
  return (
    <search className={classes['filters']} data-open={isOpen || undefined}>
      <TextInput
        className={classes['search']}
        label="Search"
        placeholder="Name, branch, commit, reason, person or #id"
        leftSection={<Icon name="search" />}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          search(event.currentTarget.value);
        }}
      />
      <Button
        className={classes['toggle']}
        variant="default"
        leftSection={<Icon name="filter" />}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        {filterCount > 0 ? `Filters (${filterCount})` : 'Filters'}
      </Button>
      <Select
        label="Status"
        placeholder="Any"
        clearable
        data={statuses}
        value={filters.status || null}
        onChange={(status) => setFilters({ status: status ?? '' })}
      />
      <Select
        label="App or server"
        placeholder="Any"
        clearable
        searchable
        data={withChosen(choices(['Application', 'Server']), filters.resource)}
        value={filters.resource || null}
        onChange={(resource) => setFilters({ resource: resource ?? '' })}
      />
      <Select
        label="Pipeline"
        placeholder="Any"
        clearable
        searchable
        data={withChosen(choices(['Pipeline']), pipeline)}
        value={pipeline || null}
        onChange={(value) => setFilters({ pipeline: value?.replace('pipelines/', '') ?? '' })}
      />
      <Select
        label="Started"
        placeholder="By anything"
        clearable
        data={triggers}
        value={filters.trigger || null}
        onChange={(trigger) => setFilters({ trigger: trigger ?? '' })}
      />
      <TextInput
        type="date"
        label="From"
        max={filters.to || undefined}
        value={filters.from}
        onChange={(event) => setFilters({ from: event.currentTarget.value })}
      />
      <TextInput
        type="date"
        label="To"
        min={filters.from || undefined}
        value={filters.to}
        onChange={(event) => setFilters({ to: event.currentTarget.value })}
      />
      <Button variant="subtle" disabled={!isFiltered} onClick={() => setFilters(noFilters)}>
        Clear
      </Button>
    </search>
  );
}

function columnsWith(names: Map<string, string>): Column<ActionRelation>[] {
  return [
    {
      key: 'status',
      header: 'Status',
      width: '120px',
      phone: 'bare',
      cell: ({ status }) => <StatusBadge status={status} />,
    },
    {
      key: 'what',
      header: 'Action',
      width: 'minmax(0, 2.4fr)',
      phone: 'bare',
      cell: (action) => (
        <>
          <Group gap={6} wrap="nowrap">
            <Anchor
              className={classes['clip']}
              fw={600}
              size="sm"
              renderRoot={(props) => (
                <Link to="/actions/$actionId" params={{ actionId: String(action.id) }} {...props} />
              )}
            >
              {titleOf(action)}
            </Anchor>
            <Text span size="xs" c="dimmed" ff="monospace">
              #{action.id}
            </Text>
          </Group>
          <Text size="xs" c="dimmed" className={classes['clip']} title={action.status_reason_human_readable}>
            {action.status === 'completed'
              ? (action.trigger_comment ??
                action.action_data?.commit.message.split('\n')[0] ??
                action.status_reason_human_readable)
              : action.status_reason_human_readable}
          </Text>
        </>
      ),
    },
    {
      key: 'pipeline',
      header: 'Pipeline',
      cell: ({ pipeline_id }) =>
        pipeline_id === null ? (
          <Text span inherit c="dimmed">
            deleted
          </Text>
        ) : (
          <span className={classes['clip']}>{names.get(`/pipelines/${pipeline_id}`) ?? pipeline_id}</span>
        ),
    },
    {
      key: 'trigger',
      header: 'Started by',
      cell: ({ triggered_from: { trigger_type, name } }) => (
        <Group gap={6} wrap="nowrap">
          <Icon name={trigger_type === 'hook' ? 'incoming' : 'user'} size={14} />
          <span className={classes['clip']}>{name}</span>
        </Group>
      ),
    },
    {
      key: 'source',
      header: 'Source',
      cell: (action) => (
        <Text span size="xs" ff="monospace" className={classes['clip']}>
          {sourceOf(action) ?? '–'}
        </Text>
      ),
    },
    { key: 'when', header: 'Created', width: '120px', cell: ({ created_at }) => <Time at={created_at} /> },
    {
      key: 'took',
      header: 'Took',
      width: '80px',
      cell: ({ started_at, completed_at }) => <Duration from={started_at} to={completed_at} />,
    },
  ];
}

function queryOf(filters: Filters): ActionQuery {
  const [, kind, id] = /^(applications|servers)\/(\d{1,15})$/.exec(filters.resource) ?? [];
  const pipeline = /^\d{1,15}$/.test(filters.pipeline) ? Number(filters.pipeline) : null;
  const status = statuses.find(({ value }) => value === filters.status)?.value;
  const trigger = triggers.find(({ value }) => value === filters.trigger)?.value;
  const from = dayOf(filters.from, '00:00:00.000');
  const to = dayOf(filters.to, '23:59:59.999');
  return {
    ...(filters.q ? { search: filters.q.slice(0, 200) } : {}),
    // Safe, both: the values of the tables above.
    ...(status ? { status: status as NonNullable<ActionQuery['status']> } : {}),
    ...(trigger ? { trigger_type: trigger as NonNullable<ActionQuery['trigger_type']> } : {}),
    ...(pipeline ? { pipeline_id: pipeline } : {}),
    ...(kind
      ? { resource_type: kind === 'servers' ? 'server' : 'application', resource_id: Number(id) }
      : {}),
    ...(from ? { created_from: from } : {}),
    ...(to ? { created_to: to } : {}),
  };
}

/** The beginning or the end of a day as the browser's clock has it. */
function dayOf(day: string, time: string): string | null {
  const at = new Date(`${day}T${time}`);
  return Number.isNaN(at.getTime()) ? null : at.toISOString();
}
