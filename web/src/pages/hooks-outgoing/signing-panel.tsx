import { Alert, Button, Code, Group, Select, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { rotateHookSecret, type Hook } from '#sdk';
import { queryClient } from '../../app/query-client.ts';
import { ConfirmButton } from '../../components/confirm-button.tsx';
import { CopyField } from '../../components/copy.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Time } from '../../components/time.tsx';

/** Whether requests are signed; a new secret, shown this once. */
export function SigningPanel({ hook }: { hook: Hook }) {
  const [keepSeconds, setKeepSeconds] = useState('86400');
  const rotate = useMutation({
    mutationFn: () =>
      rotateHookSecret({
        path: { hook_type: 'outgoing', hook_id: hook.id },
        body: { previous_valid_for_seconds: Number(keepSeconds) },
      }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ['outgoing-hook', hook.id] }),
  });
  return (
    <Stack maw={640}>
      <Text size="sm">
        {hook.signing
          ? 'Each request is signed as Standard Webhooks says, in webhook-id, webhook-timestamp and webhook-signature.'
          : 'Requests are not signed: a receiver cannot tell whether they come from here.'}
      </Text>
      {hook.previous_secret_valid_until && (
        <Text size="sm">
          Both the old and the new secret sign until <Time at={hook.previous_secret_valid_until} exact />.
        </Text>
      )}
      {hook.signing && (
        <Text size="sm" c="dimmed">
          A receiver checks it with a library of theirs:{' '}
          <Code>new Webhook(secret).verify(rawBody, headers)</Code>
        </Text>
      )}
      {rotate.data && (
        <>
          <Alert color="green" title="The new secret">
            Put it in at the receiver. It is not shown again.
          </Alert>
          <CopyField label="Secret" value={rotate.data.secret} />
        </>
      )}
      {rotate.error && <ErrorNotice error={rotate.error} />}
      {hook.signing ? (
        <Group align="flex-end">
          <Select
            label="The old secret signs too for"
            value={keepSeconds}
            allowDeselect={false}
            onChange={(value) => setKeepSeconds(value ?? '86400')}
            data={[
              { value: '86400', label: 'A day' },
              { value: '3600', label: 'An hour' },
              { value: '0', label: 'No time: it ends at once' },
            ]}
          />
          <ConfirmButton
            title="Make a new secret?"
            warning={
              keepSeconds === '0'
                ? 'The old one ends at once: until the receiver has the new one, it refuses what is sent.'
                : 'The receiver must have the new one before the old one ends.'
            }
            confirm="Make a new secret"
            onConfirm={() => rotate.mutateAsync()}
          >
            New secret
          </ConfirmButton>
        </Group>
      ) : (
        <Group>
          <Button loading={rotate.isPending} onClick={() => rotate.mutate()}>
            Sign from now on
          </Button>
        </Group>
      )}
    </Stack>
  );
}
