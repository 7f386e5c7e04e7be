import { Alert, Button, Group, Text } from '@mantine/core';
import type { Hook } from '#sdk';
import { Icon } from '../../components/icon.tsx';
import { Time } from '../../components/time.tsx';

type Props = {
  hook: Hook;
  isBusy: boolean;
  onEnable: () => void;
  onTry: () => void;
  onRecover: () => void;
  onMend: () => void;
};

/** What is wrong with a hook, since when, what comes next, and what helps. Nothing for one that is well. */
export function HookHealth({ hook, isBusy, onEnable, onTry, onRecover, onMend }: Props) {
  const { active, disabled_reason, disabled_at, breaker_state, blocked_until, failing_since } = hook;
  const buttons = (
    <Group gap="xs" mt="sm">
      <Button size="xs" loading={isBusy} onClick={active ? onTry : onEnable}>
        {active ? 'Try now' : 'Enable'}
      </Button>
      <Button size="xs" variant="default" onClick={onMend}>
        Look at the request
      </Button>
      <Button size="xs" variant="default" onClick={onRecover}>
        Recover what failed
      </Button>
    </Group>
  );
  const last =
    hook.last_failure === null ? null : (
      <Text size="sm">
        Last: <span data-last-failure>{hook.last_failure}</span>
      </Text>
    );
  if (!active && disabled_reason !== null)
    return (
      <Alert
        color="red"
        mb="md"
        icon={<Icon name="warning" />}
        title="Hookline has disabled this hook"
        data-health
      >
        <Text size="sm">
          {disabled_reason} <Time at={disabled_at} />. What it misses is kept as failed: enable it, then
          recover.
        </Text>
        {last}
        {buttons}
      </Alert>
    );
  if (!active)
    return (
      <Alert color="gray" mb="md" icon={<Icon name="pause" />} title="This hook is disabled" data-health>
        <Text size="sm">It sends nothing; what happens meanwhile is recorded as skipped.</Text>
      </Alert>
    );
  if (breaker_state === 'open')
    return (
      <Alert
        color="red"
        mb="md"
        icon={<Icon name="ban" />}
        title="The breaker is open: nothing is sent"
        data-health
      >
        <Text size="sm">
          {hook.failed_attempts} attempts failed since <Time at={failing_since} />. It is tried again{' '}
          <Time at={blocked_until} />, with one delivery first.
        </Text>
        {last}
        {buttons}
      </Alert>
    );
  if (breaker_state === 'half-open')
    return (
      <Alert color="yellow" mb="md" icon={<Icon name="clock" />} title="The breaker is half open" data-health>
        <Text size="sm">The next delivery is a probe: when it arrives, everything goes on.</Text>
        {last}
        {buttons}
      </Alert>
    );
  if (blocked_until !== null)
    return (
      <Alert
        color="yellow"
        mb="md"
        icon={<Icon name="clock" />}
        title="The receiver asked to wait"
        data-health
      >
        <Text size="sm">
          Nothing is sent before <Time at={blocked_until} />.
        </Text>
        {last}
        {buttons}
      </Alert>
    );
  if (failing_since !== null)
    return (
      <Alert
        color="yellow"
        mb="md"
        icon={<Icon name="warning" />}
        title="Its last attempts failed"
        data-health
      >
        <Text size="sm">
          {hook.failed_attempts} {hook.failed_attempts === 1 ? 'attempt' : 'attempts'} without a success since{' '}
          <Time at={failing_since} />.
        </Text>
        {last}
        {buttons}
      </Alert>
    );
  return null;
}
