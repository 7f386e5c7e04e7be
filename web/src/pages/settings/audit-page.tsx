import { Button, Code, Group, Select, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { listOrganizationAuditEvents, type AuditEvent, type ListOrganizationAuditEventsData } from '#sdk';
import { useList } from '../../api/lists.ts';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { Time } from '../../components/time.tsx';
import { useSearchState } from '../../components/use-search-state.ts';
import { peopleQuery } from './people.ts';
import { useOrganization } from './settings-data.ts';

const types = [
  'action',
  'application',
  'credential',
  'environment',
  'hook',
  'organization',
  'pipeline',
  'project',
  'role',
  'server',
  'team',
  'token',
  'user',
  'variable',
];
const none = { type: '', id: '', operation: '', user: '' };

export function AuditPage() {
  const { organization } = useOrganization();
  const [filters, setFilters] = useSearchState(none);
  const { data: people = [] } = useQuery({
    ...peopleQuery(organization?.id ?? 0),
    enabled: organization !== null,
  });
  const query: NonNullable<ListOrganizationAuditEventsData['query']> = {
    ...(filters.type ? { object_type: filters.type } : {}),
    ...(filters.id ? { object_id: filters.id } : {}),
    ...(filters.operation ? { operation: filters.operation } : {}),
    ...(Number(filters.user) > 0 ? { user_id: Number(filters.user) } : {}),
  };
  const path = { organization_id: String(organization?.id) };
  const list = useList(
    ['audit', path.organization_id, query],
    listOrganizationAuditEvents,
    { path, query },
    { enabled: organization !== null },
  );
  const isFiltered = Object.keys(query).length > 0;
  return (
    <>
      <PageHeader
        title="Audit"
        description="Every change: what, by whom, with which token and from where. Values are never written down. Kept for a year."
      />
      <Group mb="md" gap="sm" align="flex-end">
        <Select
          label="Kind"
          w={150}
          data={types}
          clearable
          searchable
          placeholder="Any"
          value={filters.type || null}
          onChange={(value) => setFilters({ type: value ?? '' })}
        />
        <Typed label="Id" w={110} value={filters.id} onChange={(id) => setFilters({ id })} />
        <Typed
          label="Operation"
          w={190}
          placeholder="updateHook"
          value={filters.operation}
          onChange={(operation) => setFilters({ operation })}
        />
        <Select
          label="By"
          w={190}
          data={people.map(({ user }) => ({ value: String(user.id), label: user.name }))}
          clearable
          searchable
          placeholder="Anybody"
          value={filters.user || null}
          onChange={(value) => setFilters({ user: value ?? '' })}
        />
        {isFiltered && (
          <Button variant="subtle" onClick={() => setFilters(none)}>
            Clear
          </Button>
        )}
      </Group>
      <DataTable
        {...list}
        isPending={list.isPending}
        label="Changes"
        columns={columns}
        rowKey={({ id }) => id}
        empty={
          <EmptyState
            icon="book"
            title={isFiltered ? 'Nothing was changed that fits' : 'Nothing was changed yet'}
          />
        }
      />
    </>
  );
}

const columns: Column<AuditEvent>[] = [
  { key: 'at', header: 'When', width: '120px', cell: ({ created_at }) => <Time at={created_at} /> },
  {
    key: 'operation',
    header: 'What',
    width: '1.6fr',
    phone: 'bare',
    cell: ({ operation, fields }) => (
      <>
        <Text span size="sm" fw={600}>
          {operation}
        </Text>
        {fields.length > 0 && (
          <Text size="xs" c="dimmed">
            {fields.join(', ')}
          </Text>
        )}
      </>
    ),
  },
  {
    key: 'object',
    header: 'To',
    cell: ({ object }) => (
      <>
        {object.name ?? '–'}
        <Text size="xs" c="dimmed">
          {object.type.replaceAll('_', ' ')} {object.id.length > 12 ? `${object.id.slice(0, 8)}…` : object.id}
        </Text>
      </>
    ),
  },
  {
    key: 'by',
    header: 'By',
    cell: ({ user, token, ip_address }) => (
      <>
        {user.name}
        <Text size="xs" c="dimmed">
          {token.type.replaceAll('_', ' ')}
          {token.name ? ` ${token.name}` : ''}, {ip_address}
        </Text>
      </>
    ),
  },
  {
    key: 'request',
    header: 'Request',
    width: '120px',
    phone: 'hidden',
    cell: ({ request_id }) => <Code title={request_id}>{request_id.slice(0, 10)}</Code>,
  },
];

/** A filter that is typed: it counts once one has paused, or pressed Enter. */
function Typed({
  label,
  value,
  onChange,
  ...input
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  w: number;
  placeholder?: string;
}) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onChange(text.trim()), 300);
    return () => clearTimeout(timer);
  }, [text, value, onChange]);
  return (
    <TextInput
      {...input}
      label={label}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onKeyDown={(event) => event.key === 'Enter' && onChange(text.trim())}
    />
  );
}
