import { SimpleGrid } from '@mantine/core';
import { useMemo } from 'react';
import type { EnvironmentOverview } from '#sdk';
import { BarChart } from '../../components/charts.tsx';
import classes from './overview.module.css';

const hourFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const colours = {
  good: 'light-dark(var(--mantine-color-petrol-6), var(--mantine-color-petrol-4))',
  bad: 'light-dark(var(--mantine-color-red-6), var(--mantine-color-red-4))',
  idle: 'light-dark(var(--mantine-color-gray-5), var(--mantine-color-dark-3))',
};

/** Requests and actions of the last 24 hours, side by side over the same axis. */
export function HourCharts({ hours }: { hours: EnvironmentOverview['hours'] }) {
  const { labels, requests, actions } = useMemo(() => {
    const accepted = hours.map(({ accepted_requests }) => accepted_requests ?? 0);
    return {
      labels: hours.map(({ starts_at }) => hourFormat.format(new Date(starts_at))),
      requests: [
        { label: 'started a run', color: colours.good, values: accepted },
        {
          label: 'ran nothing',
          color: colours.idle,
          values: hours.map(({ requests: all }, index) => (all ?? 0) - accepted[index]!),
        },
      ],
      actions: [
        {
          label: 'not failed',
          color: colours.good,
          values: hours.map((hour) => hour.actions - hour.failed_actions),
        },
        { label: 'failed', color: colours.bad, values: hours.map((hour) => hour.failed_actions) },
      ],
    };
  }, [hours]);
  const isKnown = hours.some((hour) => hour.requests !== null);
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }}>
      {isKnown && (
        <div className={classes['card']}>
          <BarChart title="Requests per hour" labels={labels} series={requests} format={wholeOnly} />
        </div>
      )}
      <div className={classes['card']}>
        <BarChart title="Actions per hour" labels={labels} series={actions} format={wholeOnly} />
      </div>
    </SimpleGrid>
  );
}

function wholeOnly(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString() : '';
}
