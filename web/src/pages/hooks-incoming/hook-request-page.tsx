import { Anchor, Button, Group, SimpleGrid, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useMemo, type ReactNode } from 'react';
import type { HookRequest } from '#sdk';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Icon } from '../../components/icon.tsx';
import { JsonTree } from '../../components/json-tree.tsx';
import { PageHeader, type Crumb } from '../../components/page-header.tsx';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Duration, Time } from '../../components/time.tsx';
import classes from './hook.module.css';
import { payloadOf } from './payload.ts';
import { PayloadTrees } from './payload-trees.tsx';
import { hookRequestQuery } from './queries.ts';
import { ReplayButton } from './replay-button.tsx';

/** One request: what came in (or was sent), what became of it, and why. */
export function HookRequestPage() {
  const { requestId } = useParams({ from: '/shell/hook-requests/$requestId' });
  const request = useQuery(hookRequestQuery(requestId));
  if (request.data) return <RequestPage key={requestId} request={request.data} />;
  return (
    <>
      <PageHeader title="Request" id={requestId} crumbs={[{ label: 'Hooks', to: '/hooks' }]} />
      {request.error ? (
        <ErrorNotice error={request.error} onRetry={() => void request.refetch()} />
      ) : (
        <Stack aria-busy="true" aria-label="Loading">
          <Skeleton h={80} />
          <Skeleton h={300} />
        </Stack>
      )}
    </>
  );
}

function RequestPage({ request }: { request: HookRequest }) {
  const navigate = useNavigate();
  const payload = useMemo(() => payloadOf(request), [request]);
  const isIncoming = request.outcome !== 'delivered' && request.outcome !== 'failed';
  const isUnproved = request.outcome === 'refused' && request.response_status_code === 401;
  const hookLink = isIncoming
    ? ({ to: '/hooks/incoming/$hookId', params: { hookId: request.hook_id } } as const)
    : ({ to: '/hooks/outgoing/$hookId', params: { hookId: request.hook_id } } as const);
  const crumbs: Crumb[] = [
    { label: 'Hooks', to: '/hooks' },
    { label: 'Hook', ...hookLink },
  ];
  const toEdit = (take?: string) =>
    void navigate({
      to: '/hooks/incoming/$hookId',
      params: { hookId: request.hook_id },
      search: { tab: 'edit', request: request.id, ...(take === undefined ? {} : { take }) } as never,
    });
  return (
    <>
      <PageHeader
        title="Request"
        id={request.id}
        crumbs={crumbs}
        badge={<StatusBadge status={request.outcome} />}
      >
        {isIncoming && !isUnproved && (
          <Button variant="default" leftSection={<Icon name="pen" />} onClick={() => toEdit()}>
            Edit the hook with it
          </Button>
        )}
      </PageHeader>
      <Stack gap="lg">
        <div className={classes['verdict']} data-outcome={request.outcome}>
          <Stack gap="xs">
            <Text fw={600}>{request.reason}</Text>
            {isUnproved && (
              <Text size="sm">
                Nothing proves who sent it: its body was not kept, and it cannot be replayed. If the sender is
                yours, compare its secret with the one of the hook, or make a new one.
              </Text>
            )}
            {isIncoming && !isUnproved && <ReplayButton requestId={request.id} />}
          </Stack>
        </div>
        <Facts request={request} />
        <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
          <section aria-label={isIncoming ? 'What came in' : 'What was sent'} className={classes['card']}>
            <Title order={2} size="h4">
              {isIncoming ? 'What came in' : 'What was sent'}
            </Title>
            {isIncoming && !isUnproved && (
              <Text size="sm" c="dimmed" mb="sm">
                A click on a value makes it a variable of the hook.
              </Text>
            )}
            <PayloadTrees payload={payload} onPick={isIncoming && !isUnproved ? toEdit : undefined} />
          </section>
          <section aria-label="The answer" className={classes['card']}>
            <Title order={2} size="h4" mb="sm">
              The answer: {request.response_status_code || 'none'}
            </Title>
            <JsonTree value={request.response_body} />
            {request.response_truncated && (
              <Text size="xs" c="dimmed">
                Only its beginning was read.
              </Text>
            )}
            <Title order={3} size="h5" mt="sm" mb={4}>
              Headers
            </Title>
            <JsonTree value={request.response_headers} />
          </section>
        </SimpleGrid>
      </Stack>
    </>
  );
}

function Facts({ request }: { request: HookRequest }) {
  const facts: [string, ReactNode][] = [
    ['When', <Time key="when" at={request.created_at} exact />],
    ['From', request.ip_address],
    ['Took', <Duration key="took" ms={request.duration_ms} />],
    [
      'Action',
      request.action_id === null ? (
        'none'
      ) : (
        <Anchor
          key="action"
          inherit
          renderRoot={(props) => (
            <Link {...props} to="/actions/$actionId" params={{ actionId: String(request.action_id) }} />
          )}
        >
          {request.action_id}
        </Anchor>
      ),
    ],
    ...(request.retry_of === null
      ? []
      : ([
          [
            'Replay of',
            <Anchor
              key="retry"
              inherit
              renderRoot={(props) => (
                <Link {...props} to="/hook-requests/$requestId" params={{ requestId: request.retry_of! }} />
              )}
            >
              an earlier request
            </Anchor>,
          ],
        ] as [string, ReactNode][])),
  ];
  return (
    <Group component="dl" gap="xl" m={0}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <Text component="dt" size="xs" c="dimmed">
            {name}
          </Text>
          <Text component="dd" size="sm" m={0}>
            {value}
          </Text>
        </div>
      ))}
    </Group>
  );
}
