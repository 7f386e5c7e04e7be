import { Anchor, Button, Group, Loader, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { addPipelineHook, listOutgoingHookDeliveries, retryAction, type Application } from '#sdk';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Time } from '../../components/time.tsx';
import { hosts, type HostCode } from './hosts.ts';
import classes from './first-steps.module.css';

type Props = {
  pipelineId: number;
  host: HostCode;
  application: Application;
  /** The outgoing hook, once it was made. */
  statusHook: string;
  /** The last run, which can be run again to see the status come. */
  lastAction: number | null;
  onDone: (hookId: string) => void;
};

/** Reports what becomes of each run to its commit, by the outgoing hook of a preset. */
export function StatusStep({ pipelineId, host, application, statusHook, lastAction, onDone }: Props) {
  const { label, statusPreset } = hosts[host];
  const add = useMutation({
    mutationFn: () =>
      addPipelineHook({
        path: { pipeline_id: pipelineId, hook_type: 'outgoing' },
        body: { preset: statusPreset },
      }),
    onSuccess: ({ id }) => onDone(id),
  });
  if (statusHook) return <Deliveries hookId={statusHook} lastAction={lastAction} />;
  if (application.credential?.provider.code !== host)
    return (
      <Text size="sm">
        {`It needs a token of ${label}: `}
        <Anchor
          inherit
          underline="always"
          renderRoot={(props) => <Link to={`/applications/${application.id}`} {...props} />}
        >
          give the application a credential
        </Anchor>
        {', or leave this out.'}
      </Text>
    );
  return (
    <Stack align="start">
      {add.error && <ErrorNotice error={add.error} />}
      <Button variant="default" loading={add.isPending} onClick={() => add.mutate()}>
        Report commit statuses
      </Button>
    </Stack>
  );
}

function Deliveries({ hookId, lastAction }: { hookId: string; lastAction: number | null }) {
  const { data, error, refetch } = useQuery({
    queryKey: ['hook', hookId, 'deliveries', 'first'],
    queryFn: ({ signal }) =>
      listOutgoingHookDeliveries({ path: { hook_id: hookId }, query: { per_page: 5 }, signal }),
    refetchInterval: 2000,
  });
  const again = useMutation({
    mutationFn: (actionId: number) => retryAction({ path: { action_id: actionId } }),
    onSettled: () => refetch(),
  });
  if (error) return <ErrorNotice error={error} onRetry={() => void refetch()} />;
  if (!data || data.length === 0)
    return (
      <Stack align="start" gap="sm">
        <Group gap="sm" role="status">
          <Loader size="xs" aria-hidden="true" />
          <Text size="sm">The next run will be reported: push a commit, send another test event, or</Text>
          {lastAction !== null && (
            <Button
              size="compact-sm"
              variant="default"
              loading={again.isPending}
              onClick={() => again.mutate(lastAction)}
            >
              run the last one again
            </Button>
          )}
        </Group>
        {again.error && <ErrorNotice error={again.error} />}
      </Stack>
    );
  return (
    <ul className={classes['rows']} aria-label="Statuses that were sent">
      {data.map((delivery) => (
        <li key={delivery.id}>
          <StatusBadge status={delivery.status} />
          <Anchor
            size="sm"
            renderRoot={(props) => (
              <Link to={`/hooks/outgoing/${hookId}/deliveries/${delivery.id}`} {...props} />
            )}
          >
            {delivery.event}
          </Anchor>
          <Text size="sm">{delivery.reason}</Text>
          <Text size="sm" c="dimmed">
            <Time at={delivery.updated_at} />
          </Text>
        </li>
      ))}
    </ul>
  );
}
