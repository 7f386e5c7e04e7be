import { Anchor, Badge, Button, Group, Paper, SimpleGrid, Skeleton, Tabs, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { deleteHook, getHook, getPipeline, updateHook, type Hook } from '#sdk';
import { queryClient } from '../../app/query-client.ts';
import { ConfirmButton } from '../../components/confirm-button.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Time } from '../../components/time.tsx';
import { useSearchState } from '../../components/use-search-state.ts';
import { ChangePanel } from './change-panel.tsx';
import { DeliveriesPanel } from './deliveries-panel.tsx';
import classes from './outgoing-hook-page.module.css';
import { HookHealth } from './hook-health.tsx';
import { RecoverPanel } from './recover-panel.tsx';
import { SigningPanel } from './signing-panel.tsx';
import { eventLabel, presets } from './vocabulary.ts';

const tabs = [
  { value: 'deliveries', label: 'Deliveries' },
  { value: 'request', label: 'Request and preview' },
  { value: 'recover', label: 'Recover' },
  { value: 'signing', label: 'Signing' },
];

export function outgoingHookKey(hookId: string) {
  return ['outgoing-hook', hookId];
}

export function OutgoingHookPage() {
  const { hookId } = useParams({ from: '/shell/hooks/outgoing/$hookId' });
  const [{ tab }, setSearch] = useSearchState({ tab: 'deliveries' });
  const navigate = useNavigate();
  const key = outgoingHookKey(hookId);
  const path = { hook_type: 'outgoing', hook_id: hookId } as const;
  const query = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => getHook({ path, signal }),
    refetchInterval: 5000,
  });
  const hook = query.data;
  const pipelineId = hook?.pipeline_id ?? null;
  const pipeline = useQuery({
    queryKey: ['outgoing-pipeline', pipelineId],
    queryFn: ({ signal }) => getPipeline({ path: { pipeline_id: pipelineId ?? 0 }, signal }),
    enabled: pipelineId !== null,
    staleTime: 60_000,
  });
  const change = useMutation({
    mutationFn: (body: { active?: boolean }) => updateHook({ path, body }),
    // What it says at once; the next reading tells whether it holds.
    onMutate: ({ active }) => {
      const before = queryClient.getQueryData<Hook>(key);
      if (before && active !== undefined)
        queryClient.setQueryData<Hook>(key, { ...before, active, disabled_at: null, disabled_reason: null });
      return before;
    },
    onError: (_error, _change, before) => queryClient.setQueryData(key, before),
    onSettled: async () => {
      await queryClient.invalidateQueries({ queryKey: key });
      await queryClient.invalidateQueries({ queryKey: ['outgoing-deliveries', hookId] });
    },
  });
  if (!hook)
    return (
      <>
        <PageHeader title="Outgoing hook" id={hookId} crumbs={[{ label: 'Hooks', to: '/hooks' }]} />
        {query.error ? (
          <ErrorNotice error={query.error} onRetry={() => void query.refetch()} />
        ) : (
          <Skeleton h={240} />
        )}
      </>
    );
  const status = hook.active ? 'active' : hook.disabled_reason === null ? 'disabled' : 'disabled-by-faults';
  const owner =
    hook.resource_type === 'application'
      ? ({ to: '/applications/$applicationId', params: { applicationId: String(hook.resource_id) } } as const)
      : ({ to: '/servers/$serverId', params: { serverId: String(hook.resource_id) } } as const);
  return (
    <>
      <PageHeader
        title={hook.name}
        id={hook.id}
        badge={<StatusBadge status={status} />}
        crumbs={[
          { label: 'Hooks', to: '/hooks' },
          {
            label: `${hook.resource_type === 'application' ? 'Application' : 'Server'} ${hook.resource_id}`,
            ...owner,
          },
          ...(hook.pipeline_id === null
            ? []
            : [
                {
                  label: pipeline.data?.name ?? `Pipeline ${hook.pipeline_id}`,
                  to: '/pipelines/$pipelineId',
                  params: { pipelineId: String(hook.pipeline_id) },
                } as const,
              ]),
        ]}
      >
        {hook.active ? (
          <ConfirmButton
            title={`Disable ${hook.name}?`}
            warning="What happens meanwhile is not sent, and cannot be recovered: it is recorded as skipped."
            confirm="Disable"
            onConfirm={() => change.mutateAsync({ active: false })}
          >
            Disable
          </ConfirmButton>
        ) : (
          <Button loading={change.isPending} onClick={() => change.mutate({ active: true })}>
            Enable
          </Button>
        )}
        <ConfirmButton
          title={`Delete ${hook.name}?`}
          warning="Its templates, its secret and what waits to be sent are lost. The records of its requests stay."
          confirm="Delete"
          color="red"
          variant="outline"
          onConfirm={async () => {
            await deleteHook({ path });
            void queryClient.invalidateQueries({ queryKey: ['findable'] });
            void queryClient.invalidateQueries({ queryKey: ['hooks'] });
            notifications.show({ message: `${hook.name} is deleted.` });
            await navigate({ to: '/hooks' });
            queryClient.removeQueries({ queryKey: key });
          }}
        >
          Delete
        </ConfirmButton>
      </PageHeader>
      {change.error && <ErrorNotice error={change.error} />}
      <HookHealth
        hook={hook}
        isBusy={change.isPending}
        onEnable={() => change.mutate({ active: true })}
        onTry={() => change.mutate({})}
        onRecover={() => setSearch({ tab: 'recover' })}
        onMend={() => setSearch({ tab: 'request' })}
      />
      <Summary hook={hook} />
      <Tabs
        value={tab}
        onChange={(value) => setSearch({ tab: value ?? 'deliveries' })}
        keepMounted={false}
        mt="lg"
      >
        <Tabs.List className={classes['tabs']!}>
          {tabs.map(({ value, label }) => (
            <Tabs.Tab key={value} value={value}>
              {label}
              {value === 'request' && hook.warnings.length > 0 && (
                <Badge size="xs" ml={6} color="yellow" variant="light">
                  {hook.warnings.length}
                </Badge>
              )}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="deliveries" pt="md">
          <DeliveriesPanel hook={hook} />
        </Tabs.Panel>
        <Tabs.Panel value="request" pt="md">
          <ChangePanel key={hook.id} hook={hook} />
        </Tabs.Panel>
        <Tabs.Panel value="recover" pt="md">
          <RecoverPanel hook={hook} />
        </Tabs.Panel>
        <Tabs.Panel value="signing" pt="md">
          <SigningPanel hook={hook} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function Summary({ hook }: { hook: Hook }) {
  const preset = presets.find(({ name }) => name === hook.preset);
  const facts: { label: string; value: React.ReactNode }[] = [
    { label: 'Sends to', value: <span className={classes['url']}>{hook.target_url}</span> },
    { label: 'When', value: (hook.trigger_when.events ?? []).map(eventLabel).join(', ') },
    { label: 'Made from', value: preset?.label ?? 'Free form' },
    { label: 'Changed', value: <Time at={hook.updated_at} /> },
  ];
  return (
    <Paper withBorder p="md">
      <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }} spacing="sm" component="dl" m={0}>
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
      {hook.pipeline_id === null && (
        <Group mt="xs">
          <Text size="xs" c="dimmed">
            It tells of every pipeline of its resource that does {hook.action_type}.{' '}
            <Anchor size="xs" renderRoot={(props) => <Link to="/pipelines" {...props} />}>
              Pipelines
            </Anchor>
          </Text>
        </Group>
      )}
    </Paper>
  );
}
