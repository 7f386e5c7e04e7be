import { Alert, Anchor, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { getAction, type Action } from '#sdk';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Duration } from '../../components/time.tsx';
import classes from './first-steps.module.css';

const ended: ReadonlySet<string> = new Set(['completed', 'failed', 'skipped']);

/** A run, live: each of its steps, and the reason when it fails. */
export function RunWatch({ actionId }: { actionId: number }) {
  const { data, error, refetch } = useQuery({
    queryKey: ['action', actionId],
    queryFn: ({ signal }) => getAction({ path: { action_id: actionId }, signal }),
    refetchInterval: ({ state }) => (state.data && ended.has(state.data.status) ? false : 1000),
  });
  if (error && !data) return <ErrorNotice error={error} onRetry={() => void refetch()} />;
  if (!data) return null;
  return (
    <Stack gap="xs" aria-live="polite">
      <Group gap="xs">
        <StatusBadge status={data.status} />
        <Anchor renderRoot={(props) => <Link to={`/actions/${data.id}`} {...props} />}>
          {`${data.type_human_readable}, action ${data.id}`}
        </Anchor>
        <Text size="sm" c="dimmed" span>
          <Duration from={data.started_at} to={data.completed_at} />
        </Text>
      </Group>
      <Steps action={data} />
      {data.status === 'failed' && (
        <Alert color="red" title={data.status_reason_human_readable}>
          <Anchor size="sm" renderRoot={(props) => <Link to={`/actions/${data.id}`} {...props} />}>
            Look at its output
          </Anchor>
        </Alert>
      )}
    </Stack>
  );
}

function Steps({ action }: { action: Action }) {
  const steps = action.targets.flatMap((target) =>
    target.steps.map((step) => ({
      ...step,
      on: action.targets.length > 1 ? target.resource_data.hostname : '',
    })),
  );
  if (steps.length === 0) return null;
  return (
    <ul className={classes['rows']} aria-label="Steps of the run">
      {steps.map((step) => (
        <li key={step.id}>
          <StatusBadge status={step.status} />
          <Text size="sm">{`${step.name ?? `Step ${step.order}`}${step.on && ` on ${step.on}`}`}</Text>
          <Text size="sm" c="dimmed">
            <Duration from={step.started_at} to={step.completed_at} />
          </Text>
        </li>
      ))}
    </ul>
  );
}
