import { Alert, Anchor, Button, List, Skeleton, Stack, Tabs, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { lazy, Suspense, useEffect } from 'react';
import { deleteHook, updateHook, type Hook } from '#sdk';
import { ConfirmButton } from '../../components/confirm-button.tsx';
import { CopyField } from '../../components/copy.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Icon } from '../../components/icon.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { useSearchState } from '../../components/use-search-state.ts';
import { forgetFreshSecret } from './fresh-secrets.ts';
import { HookState } from './hook-state.tsx';
import { presetOf } from './presets.ts';
import { hookQuery } from './queries.ts';
import { RequestsTab } from './requests-tab.tsx';
import { SetupTab } from './setup-tab.tsx';

const EditTab = lazy(() => import('./edit-tab.tsx'));

const crumbs = [{ label: 'Hooks', to: '/hooks' as const }];

export function IncomingHookPage() {
  const { hookId } = useParams({ from: '/shell/hooks/incoming/$hookId' });
  const hook = useQuery({ ...hookQuery(hookId), refetchInterval: 10_000 });
  useEffect(() => () => forgetFreshSecret(hookId), [hookId]);
  if (hook.data) return <HookPage key={hookId} hook={hook.data} />;
  return (
    <>
      <PageHeader title="Incoming hook" crumbs={crumbs} />
      {hook.error ? (
        <ErrorNotice error={hook.error} onRetry={() => void hook.refetch()} />
      ) : (
        <Stack aria-busy="true" aria-label="Loading">
          <Skeleton h={60} />
          <Skeleton h={300} />
        </Stack>
      )}
    </>
  );
}

function HookPage({ hook }: { hook: Hook }) {
  const [{ tab }, setSearch] = useSearchState({ tab: 'requests' });
  return (
    <>
      <PageHeader
        title={hook.name}
        id={hook.id}
        crumbs={crumbs}
        badge={<HookState hook={hook} />}
        description={<Belongs hook={hook} />}
      >
        <Switches hook={hook} />
      </PageHeader>
      <Stack>
        {!hook.active && (
          <Alert color="yellow" icon={<Icon name="pause" />} title="This hook is disabled">
            {hook.disabled_reason ?? 'Every request is answered 404, and nothing runs.'}
          </Alert>
        )}
        {hook.warnings.length > 0 && (
          <Alert color="yellow" icon={<Icon name="warning" />} title="Something about this hook needs a look">
            <List size="sm">
              {hook.warnings.map(({ field, message }) => (
                <List.Item key={`${field} ${message}`}>
                  {field} {message}.
                </List.Item>
              ))}
            </List>
          </Alert>
        )}
        {tab !== 'setup' && <CopyField label="URL" value={hook.url ?? ''} />}
        <Tabs value={tab} onChange={(value) => setSearch({ tab: value ?? 'requests' })} keepMounted={false}>
          <Tabs.List mb="md">
            <Tabs.Tab value="requests">Requests</Tabs.Tab>
            <Tabs.Tab value="edit">Edit and preview</Tabs.Tab>
            <Tabs.Tab value="setup">Set up</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="requests">
            <RequestsTab hook={hook} toSetUp={() => setSearch({ tab: 'setup' })} />
          </Tabs.Panel>
          <Tabs.Panel value="edit">
            <Suspense fallback={<Skeleton h={300} />}>
              <EditTab hook={hook} />
            </Suspense>
          </Tabs.Panel>
          <Tabs.Panel value="setup">
            <SetupTab hook={hook} />
          </Tabs.Panel>
        </Tabs>
      </Stack>
    </>
  );
}

function Belongs({ hook }: { hook: Hook }) {
  const what =
    hook.pipeline_id === null ? (
      `every pipeline for ${hook.action_type} of ${hook.resource_type} ${hook.resource_id}`
    ) : (
      <Anchor
        inherit
        renderRoot={(props) => (
          <Link {...props} to="/pipelines/$pipelineId" params={{ pipelineId: String(hook.pipeline_id) }} />
        )}
      >
        pipeline {hook.pipeline_id}
      </Anchor>
    );
  return (
    <Text span inherit>
      Starts {what}
      {hook.preset === null ? '' : `, made for ${presetOf(hook.preset)?.label ?? hook.preset}`}.
    </Text>
  );
}

function Switches({ hook }: { hook: Hook }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { queryKey } = hookQuery(hook.id);
  const path = { hook_type: 'incoming', hook_id: hook.id } as const;
  const change = useMutation({
    mutationFn: (active: boolean) => updateHook({ path, body: { active } }),
    // Shown at once, and taken back if it fails.
    onMutate: (active) => queries.setQueryData(queryKey, (before) => before && { ...before, active }),
    onError: (error) =>
      notifications.show({ color: 'red', title: 'Nothing is changed', message: error.message }),
    onSettled: async () => {
      await queries.invalidateQueries({ queryKey });
      await queries.invalidateQueries({ queryKey: ['environment-hooks'] });
    },
  });
  const remove = async () => {
    await deleteHook({ path });
    await queries.invalidateQueries({ queryKey: ['environment-hooks'] });
    queries.removeQueries({ queryKey });
    await navigate({ to: '/hooks' });
  };
  return (
    <>
      {hook.active ? (
        <ConfirmButton
          title={`Disable ${hook.name}?`}
          warning="Every request is answered 404 meanwhile. What a sender does not send again is lost."
          confirm="Disable"
          onConfirm={() => change.mutateAsync(false)}
        >
          Disable
        </ConfirmButton>
      ) : (
        <Button loading={change.isPending} onClick={() => change.mutate(true)}>
          Enable
        </Button>
      )}
      <ConfirmButton
        color="red"
        variant="light"
        title={`Delete ${hook.name}?`}
        warning={
          hook.installation
            ? `Its URL is gone for good. The webhook at ${hook.installation.provider} stays there: uninstall it first under Set up.`
            : 'Its URL is gone for good: whoever calls it is answered 404. The records of its requests stay until they are pruned.'
        }
        confirm="Delete"
        typed={hook.name}
        onConfirm={remove}
      >
        Delete
      </ConfirmButton>
    </>
  );
}
