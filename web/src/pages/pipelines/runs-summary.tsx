import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { durationText } from '../../components/time.tsx';
import { LastRun } from './last-run.tsx';
import classes from './pipelines.module.css';
import { counted, figuresOf, latestRunsQuery } from './run-figures.ts';

/** How the pipeline fares, above everything else. */
export function RunsSummary({ pipelineId }: { pipelineId: number }) {
  const { data = [], isPending } = useQuery(latestRunsQuery(pipelineId));
  const { completed, failed, successRate, medianMs } = figuresOf(data);
  const ended = completed + failed;
  return (
    <dl className={classes['facts']}>
      <div>
        <dt>Last run</dt>
        <dd>
          {!isPending && data.length === 0 ? 'None yet' : <LastRun action={data[0]} isPending={isPending} />}
        </dd>
      </div>
      <div>
        <dt>{`Success, of the last ${ended === 0 ? counted : ended} that ended`}</dt>
        <dd>
          {successRate === null ? (
            '–'
          ) : (
            <>
              {percent(successRate)}{' '}
              <Text span size="sm" c="dimmed">
                {failed === 0 ? 'none failed' : `${failed} failed`}
              </Text>
            </>
          )}
        </dd>
      </div>
      <div>
        <dt>Median duration</dt>
        <dd>{medianMs === null ? '–' : durationText(medianMs)}</dd>
      </div>
    </dl>
  );
}

function percent(rate: number): string {
  // What failed once is not all of it.
  return `${rate === 1 ? 100 : Math.min(99, Math.round(rate * 100))} %`;
}
