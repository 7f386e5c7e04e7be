import { Anchor, Group } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { TroubledHook } from '#sdk';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Time } from '../../components/time.tsx';
import classes from './overview.module.css';

/** A hook that needs a look, and why. */
export function HookItem({ hook }: { hook: TroubledHook }) {
  const { id, name, type, active, disabled_at, disabled_reason, breaker_state, blocked_until } = hook;
  const to = `/hooks/${type === 'in' ? 'incoming' : 'outgoing'}/${id}`;
  const isBlocked = breaker_state === 'open' || breaker_state === 'half-open';
  const deliveries = [
    hook.waiting_deliveries > 0 && `${hook.waiting_deliveries} waiting`,
    hook.failed_deliveries > 0 && `${hook.failed_deliveries} failed since yesterday`,
  ].filter((text) => text !== false);
  return (
    <li className={classes['item']}>
      <Group gap="xs">
        {!active ? (
          <StatusBadge status={disabled_at ? 'disabled-by-faults' : 'disabled'} />
        ) : isBlocked ? (
          <StatusBadge status="waiting">Held back</StatusBadge>
        ) : hook.failed_deliveries > 0 || hook.last_failure ? (
          <StatusBadge status="failed">Failing</StatusBadge>
        ) : (
          <StatusBadge status="pending">Sending</StatusBadge>
        )}
        <Anchor renderRoot={(props) => <Link to={to} {...props} />}>{name}</Anchor>
      </Group>
      <span className={classes['side']}>
        {!active && disabled_at ? <Time at={disabled_at} /> : type === 'in' ? 'incoming' : 'outgoing'}
      </span>
      {(deliveries.length > 0 || disabled_reason || hook.last_failure) && (
        <div className={classes['reason']}>
          {deliveries.length > 0 && <div>{`Deliveries: ${deliveries.join(', ')}.`}</div>}
          {disabled_reason ?? hook.last_failure}
          {active && breaker_state === 'open' && blocked_until && (
            <>
              {' Tried again '}
              <Time at={blocked_until} />.
            </>
          )}
        </div>
      )}
    </li>
  );
}
