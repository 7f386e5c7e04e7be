import { Anchor, Group, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ActionRelation } from '#sdk';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Time } from '../../components/time.tsx';

/** The state of the newest run and when it was, as a link to it. */
export function LastRun({ action, isPending }: { action: ActionRelation | undefined; isPending: boolean }) {
  if (!action)
    return (
      <Text span inherit c="dimmed">
        {isPending ? '…' : 'Not lately'}
      </Text>
    );
  return (
    <Group gap="xs">
      <Anchor
        inherit
        aria-label={`${action.status_human_readable}, action ${action.id}`}
        renderRoot={(props) => (
          <Link to="/actions/$actionId" params={{ actionId: String(action.id) }} {...props} />
        )}
      >
        <StatusBadge status={action.status} />
      </Anchor>
      <Time at={action.started_at ?? action.created_at} />
    </Group>
  );
}
