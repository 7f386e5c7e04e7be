import { Alert, Button, Code, Group, List, Text } from '@mantine/core';
import { HooklineError } from '#sdk';
import { CopyButton } from './copy.tsx';
import { Icon } from './icon.tsx';

/** What went wrong in the server's words, with the id under which its log tells more. */
export function ErrorNotice({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const known = error instanceof HooklineError ? error : null;
  const message = error instanceof Error ? error.message : 'Something went wrong.';
  return (
    <Alert color="red" icon={<Icon name="warning" />} title={message} role="alert">
      {known && known.faults.length > 0 && (
        <List size="sm" mb="xs">
          {known.faults.map((fault) => (
            <List.Item key={`${fault.field} ${fault.message}`}>
              <Code>{fault.field}</Code> {fault.message}
            </List.Item>
          ))}
        </List>
      )}
      <Group gap="xs">
        {known?.requestId && (
          <>
            <Text size="xs">
              Request <Code>{known.requestId}</Code>
            </Text>
            <CopyButton value={known.requestId} what="the request id" />
          </>
        )}
        {onRetry && (
          <Button size="compact-sm" variant="default" onClick={onRetry}>
            Try again
          </Button>
        )}
      </Group>
    </Alert>
  );
}
