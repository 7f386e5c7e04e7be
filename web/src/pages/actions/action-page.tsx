import { Anchor, Button, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useParams } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import type { Action } from '#sdk';
import { addressOf } from '../../app/page.ts';
import { EmptyState } from '../../components/empty-state.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Icon } from '../../components/icon.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { useSearchState } from '../../components/use-search-state.ts';
import { ActionButtons } from './action-buttons.tsx';
import type { ActionLogs } from './action-logs.ts';
import { ActionStatus } from './action-status.tsx';
import { Deliveries } from './deliveries.tsx';
import { stepName, stepToShow, titleOf } from './describe.ts';
import { LogViewer } from './log-viewer.tsx';
import { Source } from './source.tsx';
import { Timeline } from './timeline.tsx';
import { Trigger } from './trigger.tsx';
import { useAction } from './use-action.ts';
import classes from './action-page.module.css';

export function ActionPage() {
  const { actionId } = useParams({ from: '/shell/actions/$actionId' });
  const id = Number(actionId);
  if (!Number.isSafeInteger(id) || id < 1)
    return <EmptyState title="There is no such action" icon="search" text="The address may be mistyped." />;
  return <OneAction key={id} id={id} />;
}

function OneAction({ id }: { id: number }) {
  const { action, logs, isWatched, isLost, error, streamFault, retry, watchAgain } = useAction(id);
  const [isCancelling, setCancelling] = useState(false);
  const [errorJump, setErrorJump] = useState(0);
  const [place, setPlace] = useSearchState({ step: '', line: '' });
  if (!action) {
    if (error) return <ErrorNotice error={error} onRetry={retry} />;
    return (
      <Stack aria-busy="true" aria-label="Loading">
        <PageHeader title="Action" id={id} />
        <Skeleton h={120} />
        <Skeleton h={240} />
      </Stack>
    );
  }
  const steps = action.targets.flatMap((target) => target.steps);
  const step = steps.find((one) => String(one.id) === place.step) ?? stepToShow(action);
  return (
    <>
      <PageHeader title={titleOf(action)} id={id} crumbs={[{ label: 'Actions', to: '/actions' }]}>
        <ActionButtons action={action} isCancelling={isCancelling} setCancelling={setCancelling} />
      </PageHeader>
      <Stack gap="lg">
        <ActionStatus
          action={action}
          logs={logs}
          isCancelling={isCancelling && action.completed_at === null}
          isLost={isLost}
          onShowError={(failed) => {
            setPlace({ step: String(failed.id), line: '' });
            setErrorJump((count) => count + 1);
          }}
        />
        {streamFault !== null && <ErrorNotice error={streamFault} onRetry={watchAgain} />}
        {error && <ErrorNotice error={error} onRetry={retry} />}
        {action.targets.length > 0 && (
          <section aria-labelledby="steps">
            <Title order={2} size="h4" mb="xs" id="steps">
              Steps
            </Title>
            <Timeline
              action={action}
              chosen={step?.id ?? null}
              onChoose={(stepId) => setPlace({ step: String(stepId), line: '' })}
            />
          </section>
        )}
        {step && (
          <Output
            key={step.id}
            action={action}
            step={step}
            logs={logs}
            isWatched={isWatched}
            line={/^\d{1,9}$/.test(place.line) ? Number(place.line) : null}
            onLine={(line) => setPlace({ step: String(step.id), line: line === null ? '' : String(line) })}
            jumpToError={errorJump}
          />
        )}
        <div className={classes['cards']}>
          <Trigger action={action} />
          <Source action={action} />
        </div>
        <Deliveries action={action} />
      </Stack>
    </>
  );
}

function Output({
  action,
  step,
  logs,
  isWatched,
  line,
  onLine,
  jumpToError,
}: {
  action: Action;
  step: Action['targets'][number]['steps'][number];
  logs: ActionLogs;
  isWatched: boolean;
  line: number | null;
  onLine: (line: number | null) => void;
  jumpToError: number;
}) {
  const [fault, setFault] = useState<unknown>(null);
  const [attempt, setAttempt] = useState(0);
  const hasBegun = step.started_at !== null;
  useEffect(() => {
    if (isWatched) return;
    setFault(null);
    if (hasBegun) logs.read(step).catch(setFault);
    else logs.of(step.id).end();
  }, [isWatched, logs, step, hasBegun, attempt]);
  const target = action.targets.find(({ id }) => id === step.action_target_id);
  const name = stepName(step);
  const where = action.targets.length > 1 ? ` on ${target?.resource_data.hostname}` : '';
  const download = (query: string) => addressOf(`api/actions/${action.id}/logs?colours=strip${query}`);
  return (
    <section>
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h4">
          Output of {name}
          {where}
        </Title>
        <Anchor size="sm" href={download('')} download={`action-${action.id}.txt`}>
          <Group gap={4} component="span">
            <Icon name="download" size={14} />
            Output of all steps
          </Group>
        </Anchor>
      </Group>
      {fault !== null ? (
        <ErrorNotice error={fault} onRetry={() => setAttempt((count) => count + 1)} />
      ) : (
        <LogViewer
          log={logs.of(step.id)}
          label={`Output of ${name}${where}`}
          isRunning={isWatched && step.completed_at === null}
          line={line}
          onLine={onLine}
          jumpToError={jumpToError}
          empty={
            <Text span inherit>
              {step.status === 'skipped'
                ? step.status_reason_human_readable
                : hasBegun
                  ? step.completed_at === null
                    ? 'Nothing was printed yet.'
                    : 'Nothing was printed.'
                  : 'It has not begun yet.'}
            </Text>
          }
        >
          <Button
            component="a"
            size="compact-sm"
            variant="default"
            href={download(`&target_id=${step.action_target_id}&step=${step.order}`)}
            download={`action-${action.id}-step-${step.order}.txt`}
            leftSection={<Icon name="download" size={14} />}
          >
            Download
          </Button>
        </LogViewer>
      )}
    </section>
  );
}
