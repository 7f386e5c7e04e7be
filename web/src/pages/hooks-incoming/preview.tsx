import {
  Group,
  Loader,
  SegmentedControl,
  Select,
  Stack,
  Text,
  Textarea,
  TextInput,
  Title,
} from '@mantine/core';
import type { ReactNode } from 'react';
import type { HookTryOut } from '#sdk';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Icon } from '../../components/icon.tsx';
import { StatusBadge } from '../../components/status-badge.tsx';
import { relativeTime } from '../../components/time.tsx';
import { Found } from './found.tsx';
import classes from './hook.module.css';
import { PayloadTrees } from './payload-trees.tsx';
import { ReplayButton } from './replay-button.tsx';
import { pasted, type PreviewState } from './use-preview.ts';

type Props = {
  preview: PreviewState;
  isChanged: boolean;
  picks: 'variable' | 'condition';
  onPicks: (what: 'variable' | 'condition') => void;
  onPick: (path: string, value: unknown) => void;
};

/** What would become of a recorded or pasted request, and the request itself to click into. */
export function Preview({ preview, isChanged, picks, onPicks, onPick }: Props) {
  const { recorded, source, choose, paste, payload, tryOut, error, isBusy } = preview;
  const now = Date.now();
  const choices = recorded.map(({ id, outcome, created_at }) => ({
    value: id,
    label: `${outcome}, ${relativeTime(Date.parse(created_at), now)} · ${id.slice(-6)}`,
  }));
  const isListed = source === '' || source === pasted || recorded.some(({ id }) => id === source);
  return (
    <section aria-label="Preview">
      <Stack gap="md">
        <Group justify="space-between">
          <Title order={2} size="h4">
            Preview
          </Title>
          <Group gap="xs" h={22}>
            {isBusy && <Loader size="xs" aria-label="Trying" />}
            {isChanged && (
              <Text size="xs" c="dimmed">
                with your changes, nothing runs
              </Text>
            )}
          </Group>
        </Group>
        <Select
          label="Tried with"
          allowDeselect={false}
          data={[
            ...(isListed ? [] : [{ value: source, label: `Request ${source.slice(-6)}` }]),
            ...choices,
            { value: pasted, label: 'What I paste' },
          ]}
          value={source === '' ? null : source}
          onChange={(value) => value && choose(value)}
        />
        {source === pasted && (
          <Stack gap="xs">
            <Textarea
              label="Body"
              placeholder='{"ref": "refs/heads/main"}'
              rows={8}
              spellCheck={false}
              styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12 } }}
              onChange={(event) => paste({ body: event.currentTarget.value })}
            />
            <details className={classes['more']}>
              <summary>Headers and parameters</summary>
              <Textarea
                mt="xs"
                label="Headers"
                placeholder="X-GitHub-Event: push"
                rows={3}
                spellCheck={false}
                onChange={(event) => paste({ headers: event.currentTarget.value })}
              />
              <TextInput
                mt="xs"
                label="Parameters"
                placeholder="env=prod"
                onChange={(event) => paste({ query: event.currentTarget.value })}
              />
            </details>
          </Stack>
        )}
        <div aria-live="polite">
          {error && !payload ? <ErrorNotice error={error} /> : error ? <PreviewFault error={error} /> : null}
          {tryOut && (
            <Verdict tryOut={tryOut} isRecorded={source !== pasted}>
              {source !== pasted && tryOut.outcome === 'accepted' && (
                <ReplayButton requestId={source} isDisabled={isChanged} />
              )}
            </Verdict>
          )}
        </div>
        {payload && (
          <Stack gap="sm">
            <Group justify="space-between" gap="xs">
              <Text size="sm" c="dimmed">
                A click on a value makes it a
              </Text>
              <SegmentedControl
                size="xs"
                aria-label="What a click makes"
                value={picks}
                onChange={(value) => onPicks(value as 'variable' | 'condition')}
                data={['variable', 'condition']}
              />
            </Group>
            <PayloadTrees payload={payload} onPick={onPick} />
          </Stack>
        )}
        {source === pasted && !payload && (
          <Text size="sm" c="dimmed">
            Paste what the sender sent, for instance from the list of its deliveries, to see what the hook
            makes of it.
          </Text>
        )}
      </Stack>
    </section>
  );
}

function PreviewFault({ error }: { error: Error }) {
  return (
    <div className={classes['verdict']} data-outcome="refused">
      <Text size="sm" className={classes['bad'] ?? ''}>
        {error.message} The fields say where.
      </Text>
    </div>
  );
}

function Verdict({
  tryOut,
  isRecorded,
  children,
}: {
  tryOut: HookTryOut;
  isRecorded: boolean;
  children?: ReactNode;
}) {
  const { outcome, reason, conditions, signature } = tryOut;
  const unmet = conditions.filter(({ met }) => !met).length;
  return (
    <div className={classes['verdict']} data-outcome={outcome} data-testid="verdict">
      <Stack gap="xs">
        <Group gap="xs">
          <StatusBadge status={outcome}>
            {outcome === 'accepted'
              ? 'Would run'
              : outcome === 'skipped'
                ? 'Would be skipped'
                : 'Would be refused'}
          </StatusBadge>
          {conditions.length > 0 && (
            <Text size="xs">
              {unmet === 0
                ? `all ${conditions.length} conditions met`
                : `${unmet} of ${conditions.length} not met`}
            </Text>
          )}
        </Group>
        <Text size="sm">{reason}</Text>
        {conditions.length > 0 && (
          <Stack gap={2} component="ul" aria-label="Conditions tried" m={0} p={0}>
            {conditions.map((condition, index) => (
              <Group key={index} component="li" gap={6} wrap="nowrap" align="start">
                <Text span className={condition.met ? classes['good'] : classes['bad']} pt={2}>
                  <Icon name={condition.met ? 'check' : 'cross'} size={14} />
                </Text>
                <Text size="xs" component="span">
                  {condition.met ? 'Met' : 'Not met'}: {condition.name ?? condition.path} is{' '}
                  <Found value={condition.found} />
                </Text>
              </Group>
            ))}
          </Stack>
        )}
        {isRecorded && !signature.valid && (
          <Text size="xs" className={classes['bad'] ?? ''}>
            Its signature would not be right: {signature.reason}
          </Text>
        )}
        {!isRecorded && (
          <Text size="xs" c="dimmed">
            The signature is left aside.
          </Text>
        )}
        {children}
      </Stack>
    </div>
  );
}
