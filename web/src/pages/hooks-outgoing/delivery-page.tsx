import { Accordion, Alert, Anchor, Group, SimpleGrid, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import {
  getHook,
  getHookRequest,
  getOutgoingHookDelivery,
  type DeliveryAttempt,
  type DeliveryDetails,
} from '#sdk';
import { EmptyState } from '../../components/empty-state.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Duration, Time } from '../../components/time.tsx';
import classes from './outgoing-hook-page.module.css';
import { RedeliverButton } from './redeliver-button.tsx';
import { BodyText, recordedBody, RequestView } from './request-view.tsx';
import { TimingBar } from './timing-bar.tsx';
import { eventLabel } from './vocabulary.ts';

export function DeliveryPage() {
  const { hookId, deliveryId } = useParams({ from: '/shell/hooks/outgoing/$hookId/deliveries/$deliveryId' });
  const hook = useQuery({
    queryKey: ['outgoing-hook', hookId],
    queryFn: ({ signal }) => getHook({ path: { hook_type: 'outgoing', hook_id: hookId }, signal }),
  });
  const query = useQuery({
    queryKey: ['outgoing-delivery', deliveryId],
    queryFn: ({ signal }) =>
      getOutgoingHookDelivery({ path: { hook_id: hookId, delivery_id: deliveryId }, signal }),
    refetchInterval: ({ state }) =>
      state.data?.status === 'pending' || state.data?.status === 'sending' ? 1000 : 10_000,
  });
  const delivery = query.data;
  return (
    <>
      <PageHeader
        title={delivery ? `${eventLabel(delivery.event)}, action ${delivery.action_id}` : 'Delivery'}
        id={deliveryId}
        badge={delivery && <StatusBadge status={delivery.status} />}
        crumbs={[
          { label: 'Hooks', to: '/hooks' },
          { label: hook.data?.name ?? 'Outgoing hook', to: '/hooks/outgoing/$hookId', params: { hookId } },
        ]}
      >
        {delivery && <RedeliverButton delivery={delivery} />}
      </PageHeader>
      {query.error && !delivery && <ErrorNotice error={query.error} onRetry={() => void query.refetch()} />}
      {!delivery && !query.error && <Skeleton h={240} />}
      {delivery && <Details delivery={delivery} />}
    </>
  );
}

const isBad = new Set(['failed', 'rejected']);

function Details({ delivery }: { delivery: DeliveryDetails }) {
  const { status, reason, next_attempt_at, requests } = delivery;
  const [opened, setOpened] = useState<string | null | undefined>();
  const last = requests.at(-1);
  const facts = [
    {
      label: 'Action',
      value: (
        <Anchor
          size="sm"
          renderRoot={(props) => (
            <Link to="/actions/$actionId" params={{ actionId: String(delivery.action_id) }} {...props} />
          )}
        >
          {delivery.action_id}
        </Anchor>
      ),
    },
    { label: 'Event', value: delivery.event },
    { label: 'Since', value: <Time at={delivery.created_at} /> },
    { label: 'Attempts', value: delivery.attempts },
    { label: 'Next attempt', value: <Time at={next_attempt_at} /> },
    {
      label: 'Content',
      value: delivery.content === 'original' ? 'As first sent' : 'Made with the hook as it is',
    },
  ];
  return (
    <Stack>
      <Alert
        color={isBad.has(status) ? 'red' : status === 'delivered' ? 'green' : 'blue'}
        title="Why"
        data-delivery-reason
      >
        {reason}
      </Alert>
      <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }} spacing="sm" component="dl" m={0}>
        {facts.map(({ label, value }) => (
          <div key={label}>
            <Text component="dt" size="xs" c="dimmed">
              {label}
            </Text>
            <Text component="dd" size="sm" m={0}>
              {value}
            </Text>
          </div>
        ))}
      </SimpleGrid>
      <Title order={2} size="h4">
        Attempts
      </Title>
      {last ? (
        <Accordion
          variant="separated"
          value={opened === undefined ? last.id : opened}
          onChange={setOpened}
          order={3}
        >
          {requests
            .map((attempt, index) => <Attempt key={attempt.id} attempt={attempt} number={index + 1} />)
            .toReversed()}
        </Accordion>
      ) : (
        <EmptyState title="Nothing was sent" icon="outgoing" text={reason} />
      )}
    </Stack>
  );
}

function Attempt({ attempt, number }: { attempt: DeliveryAttempt; number: number }) {
  const { id, outcome, response_status_code, reason, duration_ms, created_at } = attempt;
  return (
    <Accordion.Item value={id} data-attempt={number}>
      <Accordion.Control>
        <Group gap="sm">
          <Text size="sm" fw={600}>
            {number}
          </Text>
          <StatusBadge status={outcome}>
            {response_status_code === 0 ? 'No answer' : String(response_status_code)}
          </StatusBadge>
          <Text size="sm" c="dimmed">
            <Time at={created_at} />, <Duration ms={duration_ms} />
          </Text>
        </Group>
        <Text size="sm" mt={4}>
          {reason}
        </Text>
      </Accordion.Control>
      <Accordion.Panel>
        <AttemptDetails id={id} />
      </Accordion.Panel>
    </Accordion.Item>
  );
}

function AttemptDetails({ id }: { id: string }) {
  const query = useQuery({
    queryKey: ['hook-request', id],
    queryFn: ({ signal }) => getHookRequest({ path: { hook_request_id: id }, signal }),
    staleTime: Infinity,
  });
  const record = query.data;
  if (query.error) return <ErrorNotice error={query.error} onRetry={() => void query.refetch()} />;
  if (!record) return <Skeleton h={160} />;
  const text = classes['text']!;
  const answerBody = recordedBody(record.response_body);
  return (
    <Stack gap="md">
      <Text size="sm">
        <Time at={record.created_at} exact />
        {record.ip_address && `, to ${record.ip_address}`}
      </Text>
      {record.timing && <TimingBar timing={record.timing} />}
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <section>
          <Title order={4} size="sm" mb={4}>
            Request, secrets masked
          </Title>
          <RequestView
            url={record.url}
            headers={record.request_headers}
            body={recordedBody(record.request_body)}
            className={text}
          />
        </section>
        <section data-answer>
          <Title order={4} size="sm" mb={4}>
            Answer
          </Title>
          {record.response_status_code === 0 ? (
            <Text size="sm">There was none.</Text>
          ) : (
            <Stack gap="xs">
              <pre className={text}>{`HTTP ${record.response_status_code}`}</pre>
              {Object.keys(record.response_headers).length > 0 && (
                <pre className={text}>
                  {Object.entries(record.response_headers)
                    .map(([name, value]) => `${name}: ${value}`)
                    .join('\n')}
                </pre>
              )}
              <BodyText body={answerBody} className={text} />
              {record.response_truncated && (
                <Text size="xs" c="dimmed">
                  Only the first 16 KiB are kept.
                </Text>
              )}
            </Stack>
          )}
        </section>
      </SimpleGrid>
    </Stack>
  );
}
