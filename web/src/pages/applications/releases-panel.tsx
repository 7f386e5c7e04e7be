import { Anchor, Button, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect } from 'react';
import {
  actionIdOf,
  addApplicationDeployment,
  listApplicationReleases,
  rollbackApplication,
  withResponse,
  type Application,
  type Release,
} from '#sdk';
import { useList } from '../../api/lists.ts';
import { ConfirmButton } from '../../components/confirm-button.tsx';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Icon } from '../../components/icon.tsx';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Time } from '../../components/time.tsx';
import { isRunning, nextLook } from '../pipelines/running.ts';
import { latestRunsQuery } from './latest-runs.ts';

type Props = { application: Application; hasPipeline: boolean };

/** The releases, which one is live, and the way back to an earlier one. */
export function ReleasesPanel({ application, hasPipeline }: Props) {
  const { id, name } = application;
  const client = useQueryClient();
  const { data: runs } = useQuery(latestRunsQuery(id));
  const isBusy = runs?.some(isRunning) ?? false;
  const list = useList(
    ['releases', id],
    listApplicationReleases,
    { path: { application_id: id } },
    { refetchInterval: nextLook(runs) },
  );
  const state = runs?.map((run) => `${run.id} ${run.status}`).join();
  useEffect(() => {
    // A run that has just ended may have made one live.
    if (state) void client.invalidateQueries({ queryKey: ['releases', id] });
  }, [state, client, id]);
  const live = list.rows.find(({ is_live }) => is_live);
  const startedAction = (actionId: number | null, what: string) => {
    void client.invalidateQueries({ queryKey: ['latest-actions'] });
    notifications.show({
      message: actionId === null ? `${what} has started.` : `${what} runs: #${actionId}.`,
    });
  };
  const again = useMutation({
    mutationFn: () =>
      withResponse(addApplicationDeployment, {
        path: { application_id: id },
        body: { type: 'redeploy' as const },
      }),
    onSuccess: ({ response }) => startedAction(actionIdOf(response), 'The deployment'),
  });
  const rollBack = async (release: Release) => {
    const { id: actionId } = await rollbackApplication({
      path: { application_id: id },
      body: { release_name: release.name },
    });
    startedAction(actionId, `The rollback to ${release.name}`);
  };
  const columns: Column<Release>[] = [
    {
      key: 'name',
      header: 'Release',
      phone: 'bare',
      width: '190px',
      cell: (row) => (
        <Text span inherit ff="monospace" fw={row.is_live ? 600 : 400}>
          {row.name}
        </Text>
      ),
    },
    { key: 'status', header: 'State', width: '110px', cell: (row) => <ReleaseStatus release={row} /> },
    {
      key: 'commit',
      header: 'Commit',
      cell: ({ commit }) =>
        commit ? (
          <span>
            <Text span inherit ff="monospace" title={commit.hash}>
              {commit.hash.slice(0, 7)}
            </Text>{' '}
            {commit.message.split('\n')[0]}{' '}
            <Text span inherit c="dimmed">
              {commit.author_name}
            </Text>
          </span>
        ) : (
          '–'
        ),
    },
    {
      key: 'action',
      header: 'Made by',
      width: '80px',
      cell: ({ action_id }) => (
        <Anchor
          inherit
          aria-label={`Action ${action_id}`}
          renderRoot={(props) => (
            <Link to="/actions/$actionId" params={{ actionId: String(action_id) }} {...props} />
          )}
        >
          #{action_id}
        </Anchor>
      ),
    },
    {
      key: 'live',
      header: 'Last made live',
      width: '130px',
      cell: ({ activated_at }) => <Time at={activated_at} />,
    },
    {
      key: 'back',
      header: 'Rollback',
      width: '120px',
      phone: 'bare',
      cell: (row) =>
        row.status === 'ready' && !row.is_live ? (
          <ConfirmButton
            size="compact-sm"
            aria-label={`Roll back to ${row.name}`}
            title={`Roll ${name} back to ${row.name}?`}
            warning={
              <>
                {describe(row)} becomes live on every target
                {live ? `, in place of ${describe(live)}` : ''}. Nothing is fetched or built; the steps for
                when a release is live run again. It can be undone in the same way.
              </>
            }
            confirm="Roll back"
            onConfirm={() => rollBack(row)}
          >
            Roll back
          </ConfirmButton>
        ) : null,
    },
  ];
  return (
    <>
      {live && (
        <Group mb="sm" justify="space-between">
          <Text>
            <StatusBadge status="active">Live</StatusBadge> {describe(live)}, <Time at={live.activated_at} />
          </Text>
          <Button
            variant="default"
            size="xs"
            leftSection={<Icon name="repeat" size={14} />}
            loading={again.isPending}
            disabled={isBusy}
            onClick={() => again.mutate()}
          >
            Deploy the last one again
          </Button>
        </Group>
      )}
      {again.error && <ErrorNotice error={again.error} />}
      <DataTable
        label="Releases"
        columns={columns}
        {...list}
        rowKey={({ name: one }) => one}
        empty={
          <EmptyState
            title="Nothing was deployed yet"
            icon="rocket"
            text={
              hasPipeline
                ? '“Deploy now” fetches the default branch, builds it and makes it live; a push hook does it for each push.'
                : 'A deploy pipeline fetches a commit, builds it and makes it live. There is none yet.'
            }
          />
        }
      />
    </>
  );
}

function describe({ name, commit }: Release): string {
  return commit ? `${commit.hash.slice(0, 7)} “${commit.message.split('\n')[0]}”` : name;
}

const statuses = {
  building: <StatusBadge status="in-progress">Building</StatusBadge>,
  ready: <StatusBadge status="skipped">Ready</StatusBadge>,
  failed: <StatusBadge status="failed" />,
  removed: <StatusBadge status="disabled">Removed</StatusBadge>,
} satisfies Record<Release['status'], React.ReactNode>;

function ReleaseStatus({ release }: { release: Release }) {
  return release.is_live ? <StatusBadge status="active">Live</StatusBadge> : statuses[release.status];
}
