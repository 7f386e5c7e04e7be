import { Anchor, Group, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ActionRelation } from '#sdk';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Duration, Time } from '../../components/time.tsx';
import classes from './overview.module.css';

/** An action in a line: what it does to what, how long it runs, and why it failed. */
export function ActionItem({ action }: { action: ActionRelation }) {
  const { id, status, started_at, completed_at, created_at } = action;
  const hasEnded = completed_at !== null;
  const isReasonTold = status === 'failed' || status === 'waiting';
  return (
    <li className={classes['item']}>
      <Group gap="xs">
        <StatusBadge status={status} />
        <Anchor renderRoot={(props) => <Link to={`/actions/${id}`} {...props} />}>
          {`${action.type_human_readable} ${nameOf(action)}`}
        </Anchor>
        <Text size="sm" c="dimmed" span>
          {`${id} by ${action.triggered_from.name}`}
        </Text>
      </Group>
      <span className={classes['side']}>
        {hasEnded || !started_at ? (
          <Time at={completed_at ?? created_at} />
        ) : (
          <Duration from={started_at} to={null} />
        )}
      </span>
      {isReasonTold && <div className={classes['reason']}>{action.status_reason_human_readable}</div>}
    </li>
  );
}

function nameOf({ resource }: ActionRelation): string {
  return resource.data?.name ?? `${resource.type} ${resource.id}`;
}
