import { Alert, Anchor, Button, SegmentedControl, Stack, Text } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { listHookRequestsByHookType, type Hook, type HookRequestRelation } from '#sdk';
import { useList } from '../../api/lists.ts';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { Icon } from '../../components/icon.tsx';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Duration, Time } from '../../components/time.tsx';
import { useSearchState } from '../../components/use-search-state.ts';

const outcomes = [
  { value: '', label: 'All' },
  { value: 'accepted', label: 'Accepted' },
  { value: 'skipped', label: 'Skipped' },
  { value: 'refused', label: 'Refused' },
  { value: 'duplicate', label: 'Duplicate' },
];

type Outcome = 'accepted' | 'skipped' | 'refused' | 'duplicate';

/** Every request that came, with what became of it and why. It is read anew while one waits for the next. */
export function RequestsTab({ hook, toSetUp }: { hook: Hook; toSetUp: () => void }) {
  const navigate = useNavigate();
  const [{ outcome }, setSearch] = useSearchState({ outcome: '' });
  const { retry, ...list } = useList(
    ['hook-requests', hook.id, outcome],
    listHookRequestsByHookType,
    {
      path: { hook_type: 'incoming' as const, hook_id: hook.id },
      // Safe: the server refuses any other.
      query: { per_page: 100, outcome: outcome === '' ? undefined : (outcome as Outcome) },
    },
    { refetchInterval: 2000 },
  );
  return (
    <Stack>
      {hook.refused_requests > 0 && (
        <Alert color="yellow" icon={<Icon name="warning" />}>
          {hook.refused_requests === 1 ? (
            <>
              A request was refused <Time at={hook.last_refused_at} /> because nobody had rightly signed it.
            </>
          ) : (
            <>
              {hook.refused_requests} requests were refused because nobody had rightly signed them, the last{' '}
              <Time at={hook.last_refused_at} />.
            </>
          )}{' '}
          If the sender is yours, its secret is not the one of this hook.
        </Alert>
      )}
      <SegmentedControl
        aria-label="Outcome"
        w="fit-content"
        maw="100%"
        size="xs"
        value={outcome}
        onChange={(value) => setSearch({ outcome: value })}
        data={outcomes}
      />
      <DataTable
        label="Requests"
        columns={columns}
        rowKey={({ id }) => id}
        onOpen={({ id }) => void navigate({ to: '/hook-requests/$requestId', params: { requestId: id } })}
        {...list}
        retry={retry}
        empty={
          outcome === '' ? (
            <EmptyState
              title="Nothing has arrived yet"
              icon="incoming"
              text="Enter URL and secret at the sender and have it send a test event: it appears here within seconds, whatever becomes of it. If the sender says that it has sent something, compare its URL with this one, and see whether it can reach this server."
            >
              <Button variant="default" onClick={toSetUp}>
                URL and secret
              </Button>
            </EmptyState>
          ) : (
            <EmptyState
              title="No such request"
              icon="filter"
              text="Others may have come: look at all of them."
            />
          )
        }
      />
    </Stack>
  );
}

const columns: Column<HookRequestRelation>[] = [
  {
    key: 'outcome',
    header: 'Outcome',
    width: '110px',
    cell: ({ outcome }) => <StatusBadge status={outcome} />,
  },
  {
    key: 'reason',
    header: 'Why',
    width: 'minmax(0, 1fr)',
    phone: 'bare',
    cell: (row) => (
      <Stack gap={0}>
        <Anchor
          size="sm"
          c="inherit"
          renderRoot={(props) => (
            <Link {...props} to="/hook-requests/$requestId" params={{ requestId: row.id }} />
          )}
        >
          {row.reason}
        </Anchor>
        <Text size="xs" c="dimmed">
          {row.retry_of === null ? '' : 'A replay, '}
          answered {row.response_status_code} after <Duration ms={row.duration_ms} />, from {row.ip_address}
        </Text>
      </Stack>
    ),
  },
  {
    key: 'action',
    header: 'Action',
    width: '70px',
    cell: ({ action_id }) =>
      action_id === null ? (
        <Text span c="dimmed">
          –
        </Text>
      ) : (
        <Anchor
          size="sm"
          renderRoot={(props) => (
            <Link {...props} to="/actions/$actionId" params={{ actionId: String(action_id) }} />
          )}
        >
          {action_id}
        </Anchor>
      ),
  },
  { key: 'when', header: 'When', width: '110px', cell: (row) => <Time at={row.created_at} /> },
];
