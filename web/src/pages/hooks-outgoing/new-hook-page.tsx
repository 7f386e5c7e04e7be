import { Alert, Button, Group, Select, Stack, Text, UnstyledButton } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, Navigate } from '@tanstack/react-router';
import { useMemo, useRef, useState } from 'react';
import {
  addPipelineHook,
  getPipeline,
  HooklineError,
  listEnvironmentApplications,
  listEnvironmentServers,
  listPipelinesByResourceType,
  pages,
  previewNewOutgoingHook,
  type Hook,
} from '#sdk';
import { collect } from '../../api/lists.ts';
import { queryClient } from '../../app/query-client.ts';
import { CopyField } from '../../components/copy.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { PageHeader, type Crumb } from '../../components/page-header.tsx';
import { PagePending } from '../../components/page-pending.tsx';
import { useSearchState } from '../../components/use-search-state.ts';
import { usePlace } from '../../shell/place.tsx';
import { bodyFault, draftOfPreset, emptyDraft, inputOf, type Draft } from './draft.ts';
import { DraftForm } from './draft-form.tsx';
import classes from './new-hook-page.module.css';
import { LeaveWarning } from './leave-warning.tsx';
import { noAddress } from './use-preview.ts';
import { presets, type Preset } from './vocabulary.ts';

/** `/hooks/outgoing/new?pipeline=7`: what it is for, then what it sends. */
export function NewOutgoingHookPage() {
  const [{ pipeline, preset }, setSearch] = useSearchState({ pipeline: '', preset: '' });
  const id = Number(pipeline);
  if (!Number.isSafeInteger(id) || id <= 0)
    return (
      <>
        <PageHeader title="New outgoing hook" crumbs={[{ label: 'Hooks', to: '/hooks' }]} />
        <PipelineChoice onChoose={(chosen) => setSearch({ pipeline: chosen })} />
      </>
    );
  return (
    <NewHook key={id} pipelineId={id} chosen={preset} onChoose={(name) => setSearch({ preset: name })} />
  );
}

function PipelineChoice({ onChoose }: { onChoose: (id: string) => void }) {
  const { environment } = usePlace();
  const environmentId = environment?.id;
  const found = useQuery({
    queryKey: ['outgoing-pipelines', environmentId],
    enabled: environmentId !== undefined,
    queryFn: async ({ signal }) => {
      const path = { environment_id: environmentId ?? 0 };
      const [applications, servers] = await Promise.all([
        collect(pages(listEnvironmentApplications, { path, signal }), 200),
        collect(pages(listEnvironmentServers, { path, signal }), 200),
      ]);
      const owners = [
        ...applications.map(({ id, name }) => ({ id, name, type: 'application' as const })),
        ...servers.map(({ id, name }) => ({ id, name, type: 'server' as const })),
      ];
      return await Promise.all(
        owners.map(async ({ id, name, type }) => ({
          group: name,
          items: (
            await collect(
              pages(listPipelinesByResourceType, { path: { resource_type: type, resource_id: id }, signal }),
            )
          ).map((one) => ({ value: String(one.id), label: `${one.name} (${one.id})` })),
        })),
      );
    },
  });
  if (found.error) return <ErrorNotice error={found.error} onRetry={() => void found.refetch()} />;
  if (found.data?.every(({ items }) => items.length === 0))
    return (
      <EmptyState
        title="There is no pipeline yet"
        icon="pipelines"
        text="A hook tells of the runs of a pipeline."
      >
        <Button renderRoot={(props) => <Link to="/pipelines" {...props} />}>To the pipelines</Button>
      </EmptyState>
    );
  return (
    <Select
      label="Of which pipeline shall it tell?"
      maw={420}
      searchable
      data={found.data ?? []}
      disabled={found.isPending}
      onChange={(id) => {
        if (id !== null) onChoose(id);
      }}
    />
  );
}

type NewProps = { pipelineId: number; chosen: string; onChoose: (name: string) => void };

function NewHook({ pipelineId, chosen, onChoose }: NewProps) {
  const pipeline = useQuery({
    queryKey: ['outgoing-pipeline', pipelineId],
    queryFn: ({ signal }) => getPipeline({ path: { pipeline_id: pipelineId }, signal }),
  });
  const preset = presets.find(({ name }) => name === chosen);
  const isFree = chosen === 'free';
  const made = useQuery({
    queryKey: ['outgoing-preset', pipelineId, chosen],
    enabled: preset !== undefined,
    queryFn: ({ signal }) =>
      previewNewOutgoingHook({
        path: { pipeline_id: pipelineId },
        body: { hook: { preset: chosen as Preset, ...(preset?.address ? { target_url: noAddress } : {}) } },
        signal,
      }),
    staleTime: Infinity,
  });
  const [edited, setEdited] = useState<{ of: string; draft: Draft } | null>(null);
  const [created, setCreated] = useState<Hook | null>(null);
  const isSaved = useRef(false);
  const initial = useMemo(() => {
    if (isFree) return emptyDraft;
    return made.data && preset ? draftOfPreset(made.data, preset.address ? '' : made.data.target_url) : null;
  }, [isFree, made.data, preset]);
  const draft = edited?.of === chosen ? edited.draft : initial;
  const save = useMutation({
    mutationFn: async (given: Draft) =>
      await addPipelineHook({
        path: { pipeline_id: pipelineId, hook_type: 'outgoing' },
        body: {
          ...inputOf(given),
          ...(preset && hasHeadersOf(initial, given) ? { preset: preset.name } : {}),
        },
      }),
    onSuccess: (hook) => {
      void queryClient.invalidateQueries({ queryKey: ['findable'] });
      void queryClient.invalidateQueries({ queryKey: ['hooks'] });
      isSaved.current = true;
      setCreated(hook);
    },
  });
  const crumbs: Crumb[] = [
    { label: 'Hooks', to: '/hooks' },
    ...(pipeline.data
      ? [
          {
            label: pipeline.data.name,
            to: '/pipelines/$pipelineId',
            params: { pipelineId: String(pipelineId) },
          } as const,
        ]
      : []),
  ];
  const header = (
    <PageHeader
      title="New outgoing hook"
      crumbs={crumbs}
      description="Tells another service what becomes of each run."
    />
  );
  if (pipeline.error) return <ErrorNotice error={pipeline.error} onRetry={() => void pipeline.refetch()} />;
  if (created?.secret === '')
    return <Navigate to="/hooks/outgoing/$hookId" params={{ hookId: created.id }} replace />;
  if (created)
    return (
      <>
        {header}
        <SecretOnce hook={created} />
      </>
    );
  const faults = save.error instanceof HooklineError ? save.error.faultsByField : {};
  const isReady =
    draft !== null &&
    draft.url.trim() !== '' &&
    draft.name.trim() !== '' &&
    draft.events.length > 0 &&
    bodyFault(draft) === null;
  return (
    <>
      {header}
      <Stack>
        <div className={classes['presets']} role="group" aria-label="What it is for">
          {[
            ...presets,
            { name: 'free', label: 'Free form', text: 'Address, headers and body as you write them' },
          ].map(({ name, label, text }) => (
            <UnstyledButton
              key={name}
              className={classes['preset']}
              aria-pressed={chosen === name}
              onClick={() => onChoose(name)}
            >
              <Text component="span" display="block" fw={600} size="sm">
                {label}
              </Text>
              <Text component="span" display="block" size="xs" c="dimmed">
                {text}
              </Text>
            </UnstyledButton>
          ))}
        </div>
        {made.error && <ErrorNotice error={made.error} />}
        {preset && made.isPending && <PagePending />}
        {draft && pipeline.data && (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              if (isReady) save.mutate(draft);
            }}
          >
            <LeaveWarning when={edited !== null} isSaved={isSaved} />
            <DraftForm
              key={chosen}
              place={{ pipelineId }}
              subject={{
                pipelineId,
                resourceType: pipeline.data.resource_type,
                resourceId: pipeline.data.resource_id,
                operation: pipeline.data.operation,
              }}
              draft={draft}
              onChange={(changed) => setEdited({ of: chosen, draft: changed })}
              faults={faults}
              address={preset?.address}
            />
            {save.error && (
              <Stack mt="md">
                <ErrorNotice error={save.error} />
              </Stack>
            )}
            <Group mt="lg">
              <Button type="submit" loading={save.isPending} disabled={!isReady}>
                Create the hook
              </Button>
              {!isReady && (
                <Text size="sm" c="dimmed">
                  It needs a name, an address, an event and a body that is whole.
                </Text>
              )}
            </Group>
          </form>
        )}
      </Stack>
    </>
  );
}

/** The server puts back what a preset has; whoever has removed a header has another hook than the preset's. */
function hasHeadersOf(initial: Draft | null, given: Draft): boolean {
  const names = new Set(given.headers.map(({ name }) => name.trim().toLowerCase()));
  return initial?.headers.every(({ name }) => names.has(name.toLowerCase())) ?? true;
}

function SecretOnce({ hook }: { hook: Hook }) {
  return (
    <Stack maw={640}>
      <Alert color="green" title={`${hook.name} is made.`}>
        The receiver needs this secret to check the signatures. It is not shown again.
      </Alert>
      <CopyField label="Secret" value={hook.secret} />
      <Group>
        <Button
          renderRoot={(props) => (
            <Link to="/hooks/outgoing/$hookId" params={{ hookId: hook.id }} {...props} />
          )}
        >
          To the hook
        </Button>
      </Group>
    </Stack>
  );
}
