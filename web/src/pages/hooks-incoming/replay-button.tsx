import { Alert, Anchor, Button, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { replayHookRequest } from '#sdk';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Icon } from '../../components/icon.tsx';

/** Runs a recorded request again with the hook as it is now, and leads to what came of it. */
export function ReplayButton({ requestId, isDisabled = false }: { requestId: string; isDisabled?: boolean }) {
  const queries = useQueryClient();
  const replay = useMutation({
    mutationFn: () => replayHookRequest({ path: { hook_request_id: requestId } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['hook-requests'] }),
  });
  const { data, error } = replay;
  return (
    <Stack gap="xs" align="start">
      <Group gap="xs">
        <Button
          size="compact-sm"
          leftSection={<Icon name="repeat" />}
          loading={replay.isPending}
          disabled={isDisabled}
          onClick={() => replay.mutate()}
        >
          Replay
        </Button>
        <Text size="xs" c="dimmed">
          {isDisabled
            ? 'Save first: a replay takes the hook as it is saved.'
            : 'Runs it with the hook as it is now.'}
        </Text>
      </Group>
      {error && <ErrorNotice error={error} />}
      {data && (
        <Alert
          w="100%"
          color={data.action_id === null ? 'yellow' : 'green'}
          icon={<Icon name={data.action_id === null ? 'info' : 'check-circle'} />}
          title={data.message}
          role="status"
        >
          <Group gap="md">
            {data.action_id !== null && (
              <Anchor
                size="sm"
                renderRoot={(props) => (
                  <Link {...props} to="/actions/$actionId" params={{ actionId: String(data.action_id) }} />
                )}
              >
                Action {data.action_id}
              </Anchor>
            )}
            {data.hook_request_id !== null && (
              <Anchor
                size="sm"
                renderRoot={(props) => (
                  <Link
                    {...props}
                    to="/hook-requests/$requestId"
                    params={{ requestId: data.hook_request_id! }}
                  />
                )}
              >
                The new record
              </Anchor>
            )}
          </Group>
        </Alert>
      )}
    </Stack>
  );
}
