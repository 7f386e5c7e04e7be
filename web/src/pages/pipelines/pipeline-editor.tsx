import { Alert, Button, Group, Paper, Tabs, Text } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { deletePipeline, getPipeline, HooklineError, type Pipeline } from '#sdk';
import { ConfirmButton } from '../../components/confirm-button.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Icon } from '../../components/icon.tsx';
import { LeaveGuard } from '../../components/leave-guard.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { useSearchState } from '../../components/use-search-state.ts';
import { draftOf, isChanged, isSameState, type Draft } from './draft.ts';
import { OptionsPanel } from './options-panel.tsx';
import { OwnerLink } from './owner-link.tsx';
import { ownersQuery } from './owners.ts';
import { PipelineHooks } from './pipeline-hooks.tsx';
import classes from './pipelines.module.css';
import { RunButton } from './run-button.tsx';
import { RunsPanel } from './runs-panel.tsx';
import { RunsSummary } from './runs-summary.tsx';
import { saveDraft } from './save-draft.ts';
import { StepsPanel } from './steps-panel.tsx';

/** Steps and options are one draft, saved together; `pipeline` is the state of the server as it is now. */
export function PipelineEditor({ pipeline }: { pipeline: Pipeline }) {
  const { id } = pipeline;
  const client = useQueryClient();
  const navigate = useNavigate();
  const [{ tab }, setSearch] = useSearchState({ tab: 'steps' });
  const [stored, setStored] = useState(pipeline);
  const [draft, setDraft] = useState<Draft>(() => draftOf(pipeline));
  const isDirty = isChanged(draft, draftOf(stored));
  const isStale = !isSameState(pipeline, stored);
  const take = (fresh: Pipeline) => {
    setStored(fresh);
    setDraft(draftOf(fresh));
  };
  useEffect(() => {
    if (isStale && !isDirty) take(pipeline);
  }, [isStale, isDirty, pipeline]);
  const { data: owners } = useQuery(ownersQuery(pipeline.environment_id));
  const owner =
    pipeline.resource_type === 'application'
      ? owners?.applications.find((one) => one.id === pipeline.resource_id)
      : owners?.servers.find((one) => one.id === pipeline.resource_id);

  const read = () => getPipeline({ path: { pipeline_id: id } });
  const save = useMutation({
    mutationFn: async () => {
      const now = await read();
      // What somebody else has changed meanwhile is shown first; a second click saves over it.
      if (!isStale && !isSameState(now, stored)) {
        client.setQueryData(['pipeline', id], now);
        return false;
      }
      await saveDraft(id, { draft, stored: draftOf(now) }, (key, stepId) =>
        setDraft((before) => ({
          ...before,
          steps: before.steps.map((step) => (step.key === key ? { ...step, id: stepId } : step)),
        })),
      );
      return true;
    },
    onSuccess: async (isSaved) => {
      if (!isSaved) return;
      const fresh = await read();
      take(fresh);
      client.setQueryData(['pipeline', id], fresh);
      void client.invalidateQueries({ queryKey: ['pipelines'] });
      void client.invalidateQueries({ queryKey: ['findable'] });
      notifications.show({ message: 'Saved. The next run goes by it.', color: 'green' });
    },
    onError: async () => {
      // A part of it may have been stored.
      const fresh = await read().catch(() => null);
      if (!fresh) return;
      setStored(fresh);
      client.setQueryData(['pipeline', id], fresh);
    },
  });
  const isEmptyStep = draft.steps.some(({ isRemoved, command }) => !isRemoved && !command.trim());
  const maySave = isDirty && !isEmptyStep && draft.name.trim() !== '' && !save.isPending;
  useHotkeys([['mod+S', () => maySave && save.mutate()]], []);
  const remove = async () => {
    await deletePipeline({ path: { pipeline_id: id } });
    void client.invalidateQueries({ queryKey: ['pipelines'] });
    void client.invalidateQueries({ queryKey: ['findable'] });
    notifications.show({ message: `The pipeline ${pipeline.name} is deleted.` });
    await navigate({ to: '/pipelines', ignoreBlocker: true });
  };
  const faults = save.error instanceof HooklineError ? save.error.faultsByField : {};
  return (
    <>
      <PageHeader
        title={pipeline.name}
        id={id}
        crumbs={[{ label: 'Pipelines', to: '/pipelines' }]}
        description={
          <>
            {pipeline.operation_human_readable} of{' '}
            <OwnerLink type={pipeline.resource_type} id={pipeline.resource_id} name={owner?.name} isInText />
          </>
        }
      >
        <RunButton
          pipelines={[pipeline]}
          environmentId={pipeline.environment_id}
          resourceType={pipeline.resource_type}
          isLifecycle={pipeline.resource_type === 'server' && pipeline.is_auto_generated}
          warning={isDirty ? 'Your changes are not saved: this runs the pipeline as it is stored.' : null}
        />
      </PageHeader>
      <RunsSummary pipelineId={id} />
      <LeaveGuard when={isDirty} />
      <Tabs
        value={tab}
        onChange={(value) => setSearch({ tab: value ?? 'steps' })}
        keepMounted={false}
        className={classes['tabs']!}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="steps">Steps</Tabs.Tab>
          <Tabs.Tab value="runs">Runs</Tabs.Tab>
          <Tabs.Tab value="hooks">Hooks</Tabs.Tab>
          <Tabs.Tab value="options">Options</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="steps">
          <StepsPanel pipeline={stored} draft={draft} onChange={setDraft} />
        </Tabs.Panel>
        <Tabs.Panel value="runs">
          <RunsPanel pipelineId={id} />
        </Tabs.Panel>
        <Tabs.Panel value="hooks">
          <PipelineHooks pipelineId={id} />
        </Tabs.Panel>
        <Tabs.Panel value="options">
          <OptionsPanel pipeline={stored} draft={draft} faults={faults} onChange={setDraft} />
          <Paper withBorder p="lg" mt="lg" maw={720} bg="var(--app-raised)">
            <Group justify="space-between">
              <Text maw={420}>Deleting the pipeline takes its steps and hooks along. Past runs stay.</Text>
              <ConfirmButton
                color="red"
                variant="light"
                leftSection={<Icon name="trash" />}
                title={`Delete the pipeline ${pipeline.name}?`}
                warning={
                  <>
                    Its {draft.steps.length} steps and all its hooks are deleted; what a git host sends to
                    them is refused from then on. Runs that wait fail; past runs and their logs stay. This
                    cannot be undone.
                  </>
                }
                confirm="Delete"
                typed={pipeline.name}
                onConfirm={remove}
              >
                Delete the pipeline
              </ConfirmButton>
            </Group>
          </Paper>
        </Tabs.Panel>
      </Tabs>
      {(isDirty || save.error) && (
        <Paper
          withBorder
          shadow="md"
          p="sm"
          mt="lg"
          className={classes['bar']!}
          role="region"
          aria-label="Unsaved changes"
        >
          {isStale && isDirty && (
            <Alert
              color="yellow"
              mb="sm"
              icon={<Icon name="warning" />}
              title="Somebody has changed this pipeline since you began"
            >
              Saving writes your version over theirs.{' '}
              <Button size="compact-sm" variant="default" onClick={() => take(pipeline)}>
                Show theirs, and lose mine
              </Button>
            </Alert>
          )}
          {save.error && <ErrorNotice error={save.error} />}
          {isDirty && (
            <Group justify="space-between" mt={save.error ? 'sm' : 0}>
              <Text size="sm">
                {isEmptyStep ? 'A step without a script cannot be saved.' : 'Changes that are not saved.'}
              </Text>
              <Group gap="xs">
                <Button variant="default" onClick={() => take(pipeline)} disabled={save.isPending}>
                  Discard
                </Button>
                <Button
                  loading={save.isPending}
                  disabled={!maySave && !save.isPending}
                  aria-keyshortcuts="Control+S Meta+S"
                  onClick={() => save.mutate()}
                >
                  {isStale ? 'Save mine over it' : 'Save'}
                </Button>
              </Group>
            </Group>
          )}
        </Paper>
      )}
    </>
  );
}
