import { Anchor, Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { listEnvironmentActions, listPipelineActions, type Action, type ActionStep } from '#sdk';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Duration, Time } from '../../components/time.tsx';
import type { ActionLogs } from './action-logs.ts';
import { titleOf } from './describe.ts';
import { firstError } from './first-error.ts';
import classes from './action-page.module.css';

/** What came of it and why, before anything else. */
export function ActionStatus({
  action,
  logs,
  isCancelling,
  isLost,
  onShowError,
}: {
  action: Action;
  logs: ActionLogs;
  isCancelling: boolean;
  isLost: boolean;
  onShowError: (failed: ActionStep) => void;
}) {
  const failed = action.targets
    .flatMap((target) => target.steps)
    .find(({ status, started_at }) => status === 'failed' && started_at !== null);
  const isHeldUp = ['waiting', 'queued', 'pending'].includes(action.status);
  return (
    <section className={classes['status']} data-status={action.status} aria-label="Status">
      <Group gap="sm">
        <StatusBadge status={action.status}>{isCancelling ? 'Being cancelled' : undefined}</StatusBadge>
        <Text size="sm" c="dimmed">
          {action.completed_at ? (
            <>
              Ended <Time at={action.completed_at} />
              {action.started_at && (
                <>
                  {' '}
                  after <Duration from={action.started_at} to={action.completed_at} />
                </>
              )}
            </>
          ) : action.started_at ? (
            <>
              Running for <Duration from={action.started_at} />
            </>
          ) : (
            <>
              Created <Time at={action.created_at} />
            </>
          )}
        </Text>
        {isLost && (
          <Text size="sm" c="yellow.8" role="status">
            The connection was lost; it is being taken up again.
          </Text>
        )}
      </Group>
      <p className={classes['reason']} role="status">
        {isCancelling ? 'Its processes are being ended.' : action.status_reason_human_readable}
      </p>
      {action.status === 'failed' && failed && (
        <FirstError key={failed.id} step={failed} logs={logs} onShow={() => onShowError(failed)} />
      )}
      {isHeldUp && <HeldUpBy action={action} />}
      {action.retry_of !== null && (
        <Text size="sm" mt="xs">
          Runs{' '}
          <Anchor
            inherit
            renderRoot={(props) => (
              <Link to="/actions/$actionId" params={{ actionId: String(action.retry_of) }} {...props} />
            )}
          >
            action {action.retry_of}
          </Anchor>{' '}
          again.
        </Text>
      )}
      {action.trigger_comment && (
        <Text size="sm" mt="xs">
          “{action.trigger_comment}”
        </Text>
      )}
    </section>
  );
}

/** The line of the log that tells what went wrong. */
function FirstError({ step, logs, onShow }: { step: ActionStep; logs: ActionLogs; onShow: () => void }) {
  const [text, setText] = useState<string | null>(null);
  useEffect(() => {
    const gone = new AbortController();
    const look = async () => {
      await logs.read(step);
      const log = logs.of(step.id);
      if (!log.isComplete) await new Promise<void>((resolve) => onceComplete(log, gone.signal, resolve));
      const line = gone.signal.aborted ? null : await firstError(log, gone.signal);
      if (line === null || gone.signal.aborted) return;
      setText(
        log
          .line(line)
          .spans.map((span) => span.text)
          .join('')
          .trim(),
      );
    };
    // Without it there is still the button.
    look().catch(() => undefined);
    return () => gone.abort();
  }, [step, logs]);
  return (
    <button type="button" className={classes['excerpt']} onClick={onShow} title="Show it in the log">
      {text ? text.slice(0, 300) : 'Show the first error in the log'}
    </button>
  );
}

function onceComplete(
  log: { isComplete: boolean; subscribe: (listener: () => void) => () => void },
  signal: AbortSignal,
  resolve: () => void,
): void {
  const done = () => {
    stop();
    resolve();
  };
  const stop = log.subscribe(() => log.isComplete && done());
  signal.addEventListener('abort', done, { once: true });
}

/** What runs in its place. */
function HeldUpBy({ action }: { action: Action }) {
  const ofPipeline =
    action.status_reason_code !== 'WAITING_CONCURRENCY_TARGET' && action.pipeline_id !== null;
  const { data = [] } = useQuery({
    queryKey: ['held-up-by', ofPipeline ? `pipeline ${action.pipeline_id}` : `all ${action.environment?.id}`],
    queryFn: ({ signal }) => {
      const query = { status: 'in-progress', per_page: 5 } as const;
      return ofPipeline
        ? listPipelineActions({ path: { pipeline_id: action.pipeline_id ?? 0 }, query, signal })
        : listEnvironmentActions({ path: { environment_id: action.environment?.id ?? 0 }, query, signal });
    },
    refetchInterval: 2000,
  });
  if (data.length === 0) return null;
  return (
    <Text component="div" size="sm" mt="xs">
      {ofPipeline ? 'Running in this pipeline: ' : 'Running now: '}
      {data.map((other, index) => (
        <span key={other.id}>
          {index > 0 && ', '}
          <Anchor
            inherit
            renderRoot={(props) => (
              <Link to="/actions/$actionId" params={{ actionId: String(other.id) }} {...props} />
            )}
          >
            {titleOf(other)} #{other.id}
          </Anchor>{' '}
          (<Duration from={other.started_at} />)
        </span>
      ))}
    </Text>
  );
}
