import { Anchor, Paper, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { listPipelineActions, type ActionRelation } from '#sdk';
import { useList } from '../../api/lists.ts';
import { BarChart } from '../../components/charts.tsx';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Duration, durationText, Time } from '../../components/time.tsx';
import { durationOf, latestRunsQuery } from './run-figures.ts';
import { nextLook } from './running.ts';

export function RunsPanel({ pipelineId }: { pipelineId: number }) {
  const navigate = useNavigate();
  const { data: latest } = useQuery(latestRunsQuery(pipelineId));
  const list = useList(
    ['pipeline-actions', pipelineId, 'all'],
    listPipelineActions,
    { path: { pipeline_id: pipelineId } },
    { refetchInterval: nextLook(latest) },
  );
  const client = useQueryClient();
  const state = latest?.map((run) => `${run.id} ${run.status}`).join();
  useEffect(() => {
    // The list shows at once what the figures show.
    if (state) void client.invalidateQueries({ queryKey: ['pipeline-actions', pipelineId, 'all'] });
  }, [state, client, pipelineId]);
  return (
    <>
      {latest && latest.some((run) => durationOf(run) !== null) && <RunsChart runs={latest} />}
      <DataTable
        label="Runs"
        columns={columns}
        {...list}
        rowKey={({ id }) => id}
        onOpen={({ id }) => void navigate({ to: '/actions/$actionId', params: { actionId: String(id) } })}
        empty={
          <EmptyState
            title="It has not run yet"
            icon="actions"
            text="“Run now” runs it by hand; an incoming hook runs it for each push."
          />
        }
      />
    </>
  );
}

/** The length of a bar is how long a run took, its colour what came of it. */
function RunsChart({ runs }: { runs: ActionRelation[] }) {
  const ended = runs.filter((run) => durationOf(run) !== null).toReversed();
  const seconds = (status: ActionRelation['status']) =>
    ended.map((run) => (run.status === status ? (durationOf(run) ?? 0) / 1000 : 0));
  return (
    <Paper withBorder p="md" mb="md" bg="var(--app-raised)">
      <BarChart
        title={ended.length === 1 ? 'How long the run took' : `How long the last ${ended.length} runs took`}
        labels={ended.map(({ id }) => `#${id}`)}
        series={[
          { label: 'Completed', color: 'var(--mantine-color-green-6)', values: seconds('completed') },
          { label: 'Failed', color: 'var(--mantine-color-red-6)', values: seconds('failed') },
        ]}
        format={(value) => (value === 0 ? '0' : durationText(value * 1000))}
      />
    </Paper>
  );
}

const columns: Column<ActionRelation>[] = [
  {
    key: 'status',
    header: 'Status',
    phone: 'bare',
    width: '190px',
    cell: (run) => (
      <Anchor
        inherit
        renderRoot={(props) => (
          <Link to="/actions/$actionId" params={{ actionId: String(run.id) }} {...props} />
        )}
      >
        <StatusBadge status={run.status} /> #{run.id}
      </Anchor>
    ),
  },
  {
    key: 'what',
    header: 'What',
    width: 'minmax(0, 2fr)',
    cell: (run) => <WhatRan run={run} />,
  },
  { key: 'who', header: 'Started by', cell: (run) => run.triggered_from.name },
  { key: 'when', header: 'When', cell: (run) => <Time at={run.started_at ?? run.created_at} /> },
  {
    key: 'took',
    header: 'Took',
    width: '100px',
    cell: (run) => <Duration from={run.started_at} to={run.completed_at} />,
  },
];

function WhatRan({ run }: { run: ActionRelation }) {
  const { action_data, status, status_reason_human_readable, trigger_comment } = run;
  if (status === 'failed' || status === 'skipped' || status === 'waiting')
    return <>{status_reason_human_readable}</>;
  const commit = action_data?.commit;
  return (
    <span>
      {commit && (
        <Text span inherit ff="monospace">
          {commit.hash.slice(0, 7)}{' '}
        </Text>
      )}
      {commit?.message.split('\n')[0] ?? trigger_comment ?? ''}
    </span>
  );
}
