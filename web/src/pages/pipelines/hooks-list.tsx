import { Anchor, Text } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import type { Hook } from '#sdk';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { Icon } from '../../components/icon.tsx';
import { StatusBadge } from '../../components/status-badge.tsx';

type Props = {
  label: string;
  hooks: {
    rows: Hook[];
    isPending: boolean;
    error: Error | null;
    retry: () => void;
    hasMore?: boolean;
    isLoadingMore?: boolean;
    loadMore?: () => void;
  };
  empty: React.ReactNode;
};

/** Hooks of both directions, each with a link to its page. */
export function HooksList({ label, hooks, empty }: Props) {
  const navigate = useNavigate();
  return (
    <DataTable
      label={label}
      columns={columns}
      {...hooks}
      rowKey={({ id }) => id}
      onOpen={(hook) => void navigate(pageOf(hook))}
      empty={empty}
    />
  );
}

function pageOf({ id, type }: Hook) {
  return type === 'in'
    ? ({ to: '/hooks/incoming/$hookId', params: { hookId: id } } as const)
    : ({ to: '/hooks/outgoing/$hookId', params: { hookId: id } } as const);
}

const columns: Column<Hook>[] = [
  {
    key: 'name',
    header: 'Hook',
    phone: 'bare',
    width: 'minmax(0, 1.2fr)',
    cell: (hook) => (
      <Anchor fw={500} inherit renderRoot={(props) => <Link {...pageOf(hook)} {...props} />}>
        {hook.name}
      </Anchor>
    ),
  },
  {
    key: 'direction',
    header: 'Direction',
    width: '120px',
    cell: ({ type }) => (
      <Text span inherit style={{ whiteSpace: 'nowrap' }}>
        <Icon name={type === 'in' ? 'incoming' : 'outgoing'} size={14} />{' '}
        {type === 'in' ? 'Incoming' : 'Outgoing'}
      </Text>
    ),
  },
  {
    key: 'where',
    header: 'From or to',
    width: 'minmax(0, 1.4fr)',
    cell: ({ type, preset, target_url }) => target_url || preset || (type === 'in' ? 'Any sender' : '–'),
  },
  {
    key: 'state',
    header: 'State',
    width: '200px',
    cell: ({ active, disabled_at, blocked_until, breaker_state }) =>
      disabled_at ? (
        <StatusBadge status="disabled-by-faults" />
      ) : !active ? (
        <StatusBadge status="disabled" />
      ) : breaker_state === 'open' || blocked_until ? (
        <StatusBadge status="waiting">Paused after failures</StatusBadge>
      ) : (
        <StatusBadge status="active" />
      ),
  },
];
