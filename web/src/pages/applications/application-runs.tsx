import { Anchor, Group, List, Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Time } from '../../components/time.tsx';
import { latestRunsQuery } from './latest-runs.ts';

/** What runs now or ran last, live, above everything else. */
export function ApplicationRuns({ applicationId }: { applicationId: number }) {
  const { data, isPending } = useQuery(latestRunsQuery(applicationId));
  if (isPending) return <Skeleton h={84} mb="lg" />;
  if (!data || data.length === 0) return null;
  return (
    <List listStyleType="none" mb="lg" spacing={4} aria-label="Latest runs">
      {data.map((run) => (
        <List.Item key={run.id}>
          <Group gap="sm">
            <Anchor
              size="sm"
              renderRoot={(props) => (
                <Link to="/actions/$actionId" params={{ actionId: String(run.id) }} {...props} />
              )}
            >
              <StatusBadge status={run.status} /> #{run.id}
            </Anchor>
            <Text span size="sm">
              {run.action_data?.deployment.type === 'rollback' ? 'Rollback' : run.type_human_readable}
              {', started by '}
              {run.triggered_from.name} <Time at={run.created_at} />
            </Text>
          </Group>
        </List.Item>
      ))}
    </List>
  );
}
