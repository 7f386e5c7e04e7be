import { Anchor, Group, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import type { Action, ActionStep } from '#sdk';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Duration } from '../../components/time.tsx';
import { stepName } from './describe.ts';
import classes from './timeline.module.css';

/** The targets with their steps, each over the time in which it ran; a step is chosen to see its output. */
export function Timeline({
  action,
  chosen,
  onChoose,
}: {
  action: Action;
  chosen: number | null;
  onChoose: (stepId: number) => void;
}) {
  const now = useNow(action.completed_at === null);
  const times = [
    action.started_at,
    ...action.targets.flatMap(({ steps }) => steps.map((step) => step.started_at)),
  ]
    .filter((at) => at !== null)
    .map((at) => Date.parse(at));
  const from = Math.min(...times);
  const to = action.completed_at ? Date.parse(action.completed_at) : now;
  const span = Math.max(1, to - from);
  const barOf = ({ started_at, completed_at }: ActionStep) => {
    if (!started_at) return null;
    const start = Date.parse(started_at);
    const end = completed_at ? Date.parse(completed_at) : now;
    const left = Math.max(0, Math.min(99.5, ((start - from) / span) * 100));
    return {
      left: `${left}%`,
      width: `${Math.min(100 - left, Math.max(0.5, ((end - start) / span) * 100))}%`,
    };
  };
  return (
    <div className={classes['timeline']}>
      {action.targets.map((target) => (
        <section
          key={target.id}
          className={classes['target']}
          aria-label={`Steps on ${target.resource_data.hostname}`}
        >
          <Group gap="sm" mb={6}>
            <Text component="h3" size="sm" fw={600} m={0}>
              {target.resource_type === 'server' && target.resource_id > 0 ? (
                <Anchor
                  inherit
                  renderRoot={(props) => (
                    <Link
                      to="/servers/$serverId"
                      params={{ serverId: String(target.resource_id) }}
                      {...props}
                    />
                  )}
                >
                  {target.resource_data.hostname}
                </Anchor>
              ) : (
                target.resource_data.hostname
              )}
            </Text>
            <StatusBadge status={target.status} />
            <Text size="sm" c="dimmed">
              <Duration from={target.started_at} to={target.completed_at} />
            </Text>
          </Group>
          <ol className={classes['steps']}>
            {target.steps.map((step) => {
              const bar = barOf(step);
              return (
                <li key={step.id}>
                  <button
                    type="button"
                    className={classes['step']}
                    aria-pressed={chosen === step.id}
                    title={step.status_reason_human_readable}
                    onClick={() => onChoose(step.id)}
                  >
                    <span className={classes['name']}>
                      {step.order}. {step.name ?? step.description ?? stepName(step)}
                    </span>
                    <span className={classes['status']}>
                      <StatusBadge status={step.status}>
                        {step.exit_code ? `Exit code ${step.exit_code}` : undefined}
                      </StatusBadge>
                    </span>
                    <span className={classes['track']} aria-hidden="true">
                      {bar && <span className={classes['bar']} data-status={step.status} style={bar} />}
                    </span>
                    <span className={classes['took']}>
                      <Duration from={step.started_at} to={step.completed_at} />
                    </span>
                  </button>
                </li>
              );
            })}
          </ol>
        </section>
      ))}
    </div>
  );
}

/** The time, once a second while something runs. */
function useNow(isTicking: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!isTicking) return;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [isTicking]);
  return now;
}
