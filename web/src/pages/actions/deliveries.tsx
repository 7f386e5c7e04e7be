import { Anchor, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { listActionDeliveries, listPipelineHooks, pages, type Action, type Delivery } from '#sdk';
import { collect, useList } from '../../api/lists.ts';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Time } from '../../components/time.tsx';

const isOpen = ({ status }: Delivery) => status === 'pending' || status === 'sending';

/** The messages that it caused. */
export function Deliveries({ action }: { action: Action }) {
  const navigate = useNavigate();
  const path = { action_id: action.id };
  const { data: hooks = [] } = useQuery({
    queryKey: ['pipeline-hooks', action.pipeline_id],
    queryFn: ({ signal }) =>
      collect(pages(listPipelineHooks, { path: { pipeline_id: action.pipeline_id ?? 0 }, signal })),
    enabled: action.pipeline_id !== null,
  });
  const { data: first = [] } = useQuery({
    queryKey: ['action-deliveries-open', action.id],
    queryFn: ({ signal }) => listActionDeliveries({ path, query: { per_page: 100 }, signal }),
    refetchInterval: ({ state }) =>
      action.completed_at === null || (state.data ?? []).some(isOpen) ? 2000 : false,
  });
  const isLive = action.completed_at === null || first.some(isOpen);
  const list = useList(
    ['action-deliveries', action.id],
    listActionDeliveries,
    { path },
    {
      refetchInterval: isLive ? 2000 : false,
    },
  );
  const names = useMemo(() => new Map(hooks.map(({ id, name }) => [id, name])), [hooks]);
  const columns = useMemo(() => columnsWith(names), [names]);
  return (
    <section aria-labelledby="deliveries">
      <Title order={2} size="h4" mb="xs" id="deliveries">
        Deliveries
      </Title>
      <DataTable
        {...list}
        label="Deliveries"
        columns={columns}
        rowKey={({ id }) => id}
        onOpen={({ hook_id, id }) =>
          void navigate({
            to: '/hooks/outgoing/$hookId/deliveries/$deliveryId',
            params: { hookId: hook_id, deliveryId: id },
          })
        }
        empty={
          <Text c="dimmed" size="sm">
            No outgoing hook has asked for what happened here.
          </Text>
        }
      />
    </section>
  );
}

function columnsWith(names: Map<string, string>): Column<Delivery>[] {
  return [
    {
      key: 'status',
      header: 'Status',
      width: '120px',
      phone: 'bare',
      cell: ({ status }) => <StatusBadge status={status} />,
    },
    {
      key: 'event',
      header: 'Event',
      phone: 'bare',
      cell: ({ event, hook_id, id }) => (
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
          {event}
        </Anchor>
      ),
    },
    {
      key: 'hook',
      header: 'Hook',
      cell: ({ hook_id }) => (
        <Anchor
          size="sm"
          renderRoot={(props) => (
            <Link to="/hooks/outgoing/$hookId" params={{ hookId: hook_id }} {...props} />
          )}
        >
          {names.get(hook_id) ?? 'Deleted hook'}
        </Anchor>
      ),
    },
    { key: 'reason', header: 'Reason', width: 'minmax(0, 2fr)', cell: ({ reason }) => reason },
    { key: 'attempts', header: 'Attempts', width: '80px', cell: ({ attempts }) => attempts },
    {
      key: 'next',
      header: 'Next attempt',
      width: '110px',
      cell: ({ next_attempt_at }) => <Time at={next_attempt_at} />,
    },
  ];
}
