import {
  Button,
  Checkbox,
  Group,
  Paper,
  Progress,
  Radio,
  Select,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import {
  cancelOutgoingHookRecovery,
  listOutgoingHookRecoveries,
  recoverOutgoingHook,
  type Hook,
  type HookRecoveryProgress,
} from '#sdk';
import { queryClient } from '../../app/query-client.ts';
import { ConfirmButton } from '../../components/confirm-button.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Time } from '../../components/time.tsx';

const hour = 3_600_000;
const periods = [
  { value: String(hour), label: 'The last hour' },
  { value: String(24 * hour), label: 'The last 24 hours' },
  { value: String(7 * 24 * hour), label: 'The last 7 days' },
  { value: String(30 * 24 * hour), label: 'The last 30 days' },
  { value: 'time', label: 'Since a time' },
];

/** Sends again what failed since a time, and shows how far that has come. */
export function RecoverPanel({ hook }: { hook: Hook }) {
  const [period, setPeriod] = useState(String(24 * hour));
  const [time, setTime] = useState('');
  const [content, setContent] = useState<'current' | 'original'>('current');
  const [withOvertaken, setWithOvertaken] = useState(false);
  const key = ['outgoing-recoveries', hook.id];
  const recoveries = useQuery({
    queryKey: key,
    queryFn: ({ signal }) =>
      listOutgoingHookRecoveries({ path: { hook_id: hook.id }, query: { per_page: 20 }, signal }),
    refetchInterval: ({ state }) =>
      state.data?.some(({ status, waiting }) => status === 'running' || waiting > 0) ? 1000 : 10_000,
  });
  const again = () => queryClient.invalidateQueries({ queryKey: key });
  const begin = useMutation({
    mutationFn: () => {
      const since = period === 'time' ? new Date(time) : new Date(Date.now() - Number(period));
      return recoverOutgoingHook({
        path: { hook_id: hook.id },
        body: { since: since.toISOString(), content, include_overtaken: withOvertaken },
      });
    },
    onSettled: again,
  });
  const isTimely = period !== 'time' || !Number.isNaN(Date.parse(time));
  const isRunning = recoveries.data?.some(({ status }) => status === 'running') ?? false;
  return (
    <Stack>
      <Paper withBorder p="md" maw={720}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            begin.mutate();
          }}
        >
          <Stack gap="sm">
            <Text size="sm">
              Everything that failed, was rejected or could not be made goes out again, the oldest first,
              under its own webhook-id.
            </Text>
            <Group align="flex-end">
              <Select
                label="What failed in"
                data={periods}
                value={period}
                allowDeselect={false}
                onChange={(value) => setPeriod(value ?? String(24 * hour))}
              />
              {period === 'time' && (
                <TextInput
                  type="datetime-local"
                  label="Since"
                  required
                  value={time}
                  onChange={(event) => setTime(event.currentTarget.value)}
                />
              )}
            </Group>
            <Radio.Group
              label="Content"
              value={content}
              onChange={(value) => setContent(value as 'current' | 'original')}
            >
              <Stack gap={4} mt={4}>
                <Radio value="current" label="Made anew, with the hook as it is now" />
                <Radio value="original" label="The body as it was first sent" />
              </Stack>
            </Radio.Group>
            <Checkbox
              label="What was overtaken too"
              description="An old status sent now replaces the later one that has arrived."
              checked={withOvertaken}
              onChange={(event) => setWithOvertaken(event.currentTarget.checked)}
            />
            {begin.error && <ErrorNotice error={begin.error} />}
            <Group>
              <Button
                type="submit"
                loading={begin.isPending}
                disabled={!isTimely || isRunning || !hook.active}
              >
                Recover
              </Button>
              {!hook.active && (
                <Text size="sm" c="dimmed">
                  Enable the hook first.
                </Text>
              )}
            </Group>
          </Stack>
        </form>
      </Paper>
      {recoveries.error && <ErrorNotice error={recoveries.error} onRetry={() => void recoveries.refetch()} />}
      {recoveries.data?.map((recovery) => (
        <RecoveryCard key={recovery.id} recovery={recovery} onCancelled={again} />
      ))}
    </Stack>
  );
}

function RecoveryCard({
  recovery,
  onCancelled,
}: {
  recovery: HookRecoveryProgress;
  onCancelled: () => Promise<void>;
}) {
  const { recovered, delivered, failed, skipped, left_out, waiting, not_begun, status } = recovery;
  const parts = [
    { label: 'delivered', count: delivered, color: 'green' },
    { label: 'failed again', count: failed, color: 'red' },
    { label: 'skipped', count: skipped, color: 'gray' },
    { label: 'left out, since overtaken', count: left_out, color: 'gray' },
    { label: 'waiting', count: waiting, color: 'yellow' },
    { label: 'not begun', count: not_begun, color: 'gray' },
  ];
  const settled = delivered + failed + skipped + left_out;
  return (
    <Paper withBorder p="md" maw={720} data-recovery={recovery.id}>
      <Group justify="space-between" mb="xs">
        <Group gap="sm">
          <StatusBadge
            status={status === 'running' ? 'in-progress' : status === 'cancelled' ? 'skipped' : status}
          >
            {status === 'running' ? 'Running' : status === 'cancelled' ? 'Cancelled' : 'Completed'}
          </StatusBadge>
          <Title order={3} size="sm" fw={500}>
            Since <Time at={recovery.since} exact />
          </Title>
        </Group>
        {status === 'running' && (
          <ConfirmButton
            size="xs"
            title="Stop this recovery?"
            warning="What it has not sent yet stays failed. It can be recovered later."
            confirm="Stop it"
            onConfirm={async () => {
              await cancelOutgoingHookRecovery({
                path: { hook_id: recovery.hook_id, recovery_id: recovery.id },
              });
              await onCancelled();
            }}
          >
            Cancel
          </ConfirmButton>
        )}
      </Group>
      <Progress.Root size="lg" aria-label="Progress of the recovery">
        {parts.slice(0, 4).map(({ label, count, color }) => (
          <Progress.Section
            key={label}
            value={recovered === 0 ? 0 : (100 * count) / recovered}
            color={color}
            aria-label={`${count} ${label}`}
          />
        ))}
      </Progress.Root>
      <Text size="sm" mt="xs">
        {`${settled} of ${recovered} settled: `}
        {parts
          .filter(({ count }) => count > 0)
          .map(({ label, count }) => `${count} ${label}`)
          .join(', ') || 'nothing had failed'}
        .
      </Text>
      <Text size="xs" c="dimmed">
        {recovery.reason} Begun <Time at={recovery.created_at} />,{' '}
        {recovery.content === 'original' ? 'with the bodies as first sent' : 'with the hook as it is now'}.
      </Text>
    </Paper>
  );
}
