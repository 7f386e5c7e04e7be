import { Anchor, Group, Select, Text } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { listOutgoingHookDeliveries, type Delivery, type Hook } from '#sdk';
import { useList } from '../../api/lists.ts';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Time } from '../../components/time.tsx';
import { useSearchState } from '../../components/use-search-state.ts';
import classes from './outgoing-hook-page.module.css';
import { deliveryStatuses, eventLabel, type DeliveryStatus } from './vocabulary.ts';

const columns: Column<Delivery>[] = [
  {
    key: 'status',
    header: 'Status',
    width: '120px',
    cell: ({ status }) => <StatusBadge status={status} />,
    phone: 'bare',
  },
  {
    key: 'event',
    header: 'Event',
    width: '150px',
    cell: ({ id, hook_id, event }) => (
      <Anchor
        size="sm"
        renderRoot={(props) => (
          <Link
            to="/hooks/outgoing/$hookId/deliveries/$deliveryId"
            params={{ hookId: hook_id, deliveryId: id }}
            {...props}
          />
        )}
      >
        {eventLabel(event)}
      </Anchor>
    ),
  },
  {
    key: 'action',
    header: 'Action',
    width: '80px',
    cell: ({ action_id }) => (
      <Anchor
        size="sm"
        renderRoot={(props) => (
          <Link to="/actions/$actionId" params={{ actionId: String(action_id) }} {...props} />
        )}
      >
        {action_id}
      </Anchor>
    ),
  },
  {
    key: 'reason',
    header: 'Reason',
    cell: ({ reason }) => (
      <Text size="sm" className={classes['reason']!} title={reason}>
        {reason}
      </Text>
    ),
    phone: 'bare',
  },
  { key: 'attempts', header: 'Attempts', width: '80px', cell: ({ attempts }) => attempts },
  {
    key: 'next',
    header: 'Next attempt',
    width: '120px',
    cell: ({ next_attempt_at }) => <Time at={next_attempt_at} />,
  },
  { key: 'at', header: 'Since', width: '120px', cell: ({ created_at }) => <Time at={created_at} /> },
];

/** What was sent, or not, and why. */
export function DeliveriesPanel({ hook }: { hook: Hook }) {
  const [{ status }, setFilters] = useSearchState({ status: '' });
  const navigate = useNavigate();
  const wanted = deliveryStatuses.find((one) => one === status);
  const list = useList(
    ['outgoing-deliveries', hook.id, wanted ?? ''],
    listOutgoingHookDeliveries,
    { path: { hook_id: hook.id }, query: { per_page: 100, status: wanted } },
    { refetchInterval: 2000 },
  );
  return (
    <>
      <Group mb="sm">
        <Select
          label="Status"
          w={180}
          size="xs"
          placeholder="All"
          clearable
          value={wanted ?? null}
          onChange={(value) => setFilters({ status: value ?? '' })}
          data={deliveryStatuses.map((one: DeliveryStatus) => ({
            value: one,
            label: one.charAt(0).toUpperCase() + one.slice(1),
          }))}
        />
      </Group>
      <DataTable
        label="Deliveries"
        columns={columns}
        rowKey={({ id }) => id}
        onOpen={({ id, hook_id }) =>
          void navigate({
            to: '/hooks/outgoing/$hookId/deliveries/$deliveryId',
            params: { hookId: hook_id, deliveryId: id },
          })
        }
        empty={
          wanted ? (
            <EmptyState title={`No delivery is ${wanted}`} icon="outgoing" />
          ) : (
            <EmptyState
              title="Nothing was to be sent yet"
              icon="outgoing"
              text={
                hook.pipeline_id === null
                  ? 'Run one of the pipelines that this hook tells of: what is sent is shown here, and what is not, with the reason.'
                  : 'Run its pipeline: what is sent is shown here, and what is not, with the reason.'
              }
            >
              {hook.pipeline_id !== null && (
                <Anchor
                  renderRoot={(props) => (
                    <Link
                      to="/pipelines/$pipelineId"
                      params={{ pipelineId: String(hook.pipeline_id) }}
                      {...props}
                    />
                  )}
                >
                  To the pipeline
                </Anchor>
              )}
            </EmptyState>
          )
        }
        {...list}
      />
    </>
  );
}
