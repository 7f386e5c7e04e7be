import { Button, SimpleGrid, Skeleton, Stack, UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { getEnvironmentOverview, listEnvironmentApplications, listEnvironmentServers } from '#sdk';
import { EmptyState } from '../../components/empty-state.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { usePlace } from '../../shell/place.tsx';
import { ActionItem } from './action-items.tsx';
import { HookItem } from './hook-item.tsx';
import { HourCharts } from './hour-charts.tsx';
import { Section } from './section.tsx';
import classes from './overview.module.css';

const busyMs = 2000;
const idleMs = 5000;

export function OverviewPage() {
  const { environment, environments, isPending, error } = usePlace();
  if (error)
    return (
      <>
        <PageHeader title="Overview" />
        <ErrorNotice error={error} />
      </>
    );
  if (environment)
    return <EnvironmentPage key={environment.id} id={environment.id} name={environment.name} />;
  return (
    <>
      <PageHeader title="Overview" />
      {isPending ? (
        <Waiting />
      ) : (
        environments.length === 0 && (
          <EmptyState
            title="There is no environment that you may see"
            icon="overview"
            text="Ask an administrator of your organization for a role in one, or make one in the settings."
          />
        )
      )}
    </>
  );
}

function EnvironmentPage({ id, name }: { id: number; name: string }) {
  const path = { environment_id: id };
  const overview = useQuery({
    queryKey: ['overview', id],
    queryFn: ({ signal }) => getEnvironmentOverview({ path, signal }),
    refetchInterval: ({ state }) => (state.data && state.data.running > 0 ? busyMs : idleMs),
  });
  const inventory = useQuery({
    queryKey: ['overview', id, 'is empty'],
    queryFn: async ({ signal }) => {
      const query = { per_page: 1 };
      const [applications, servers] = await Promise.all([
        listEnvironmentApplications({ path, query, signal }),
        listEnvironmentServers({ path, query, signal }),
      ]);
      return applications.length + servers.length === 0;
    },
  });
  const { data } = overview;
  const isEmpty = inventory.data === true && data?.hours.every(({ actions }) => actions === 0);
  return (
    <>
      <PageHeader title="Overview" description={`${name}, now and in the last 24 hours.`}>
        {!isEmpty && (
          <Button variant="default" renderRoot={(props) => <Link to="/first-steps" {...props} />}>
            Connect a repository
          </Button>
        )}
      </PageHeader>
      {overview.error && !data && (
        <ErrorNotice error={overview.error} onRetry={() => void overview.refetch()} />
      )}
      {!data && !overview.error && <Waiting />}
      {isEmpty && (
        <EmptyState
          title="Nothing is connected yet"
          icon="rocket"
          text="Connect a repository, and each push runs your steps. It takes less than five minutes."
        >
          <Button renderRoot={(props) => <Link to="/first-steps" {...props} />}>Begin</Button>
        </EmptyState>
      )}
      {data && !isEmpty && (
        <Stack gap="md">
          <div className={classes['figures']}>
            <Figure to="/actions" number={data.running} label="running or waiting" />
            <Figure
              to="/actions"
              search={{ status: 'failed' }}
              number={data.failed}
              label="failed since yesterday"
              isBad
            />
            {data.waiting_deliveries !== null && (
              <Figure to="/hooks" number={data.waiting_deliveries} label="deliveries waiting" />
            )}
            {data.failed_deliveries !== null && (
              <Figure to="/hooks" number={data.failed_deliveries} label="deliveries failed" isBad />
            )}
          </div>
          <SimpleGrid cols={{ base: 1, lg: 2 }}>
            <Section title="Running now" empty="Nothing runs.">
              {data.running_actions.map((action) => (
                <ActionItem key={action.id} action={action} />
              ))}
            </Section>
            <Section title="Failed since yesterday" empty="Nothing has failed.">
              {data.failed_actions.map((action) => (
                <ActionItem key={action.id} action={action} />
              ))}
            </Section>
          </SimpleGrid>
          <HourCharts hours={data.hours} />
          {data.hooks && (
            <Section title="Hooks that need a look" empty="All hooks are on, and every delivery has arrived.">
              {data.hooks.map((hook) => (
                <HookItem key={hook.id} hook={hook} />
              ))}
            </Section>
          )}
        </Stack>
      )}
    </>
  );
}

type FigureProps = {
  to: string;
  search?: Record<string, string>;
  number: number;
  label: string;
  isBad?: boolean;
};

function Figure({ to, search, number, label, isBad = false }: FigureProps) {
  return (
    <UnstyledButton
      className={classes['figure']}
      data-bad={(isBad && number > 0) || undefined}
      renderRoot={(props) => <Link to={to} {...(search ? { search } : {})} {...props} />}
    >
      <span className={classes['number']}>{number.toLocaleString()}</span>
      <span className={classes['label']}>{label}</span>
    </UnstyledButton>
  );
}

/** As tall as what will stand here, so that nothing jumps. */
function Waiting() {
  return (
    <Stack aria-busy="true" aria-label="Loading">
      <div className={classes['figures']}>
        {[1, 2, 3, 4].map((key) => (
          <Skeleton key={key} h={80} />
        ))}
      </div>
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <Skeleton h={160} />
        <Skeleton h={160} />
      </SimpleGrid>
    </Stack>
  );
}
