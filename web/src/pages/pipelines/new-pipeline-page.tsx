import { Button, Group, Paper, Select, Stack, Switch, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useState, type FormEvent } from 'react';
import { addPipeline, HooklineError, type PipelineCreate } from '#sdk';
import { EmptyState } from '../../components/empty-state.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Icon } from '../../components/icon.tsx';
import { LeaveGuard } from '../../components/leave-guard.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { PagePending } from '../../components/page-pending.tsx';
import { useSearchState } from '../../components/use-search-state.ts';
import { usePlace } from '../../shell/place.tsx';
import { ownersQuery } from './owners.ts';
import { operations } from './operations.ts';

const CodeEditor = lazy(() => import('../../components/code-editor.tsx'));

/** `?of=application-3` or `?of=server-2` says what it belongs to. */
export function NewPipelinePage() {
  const { environment } = usePlace();
  const [{ of }, setSearch] = useSearchState({ of: '' });
  const navigate = useNavigate();
  const client = useQueryClient();
  const owners = useQuery(ownersQuery(environment?.id ?? 0));
  const [name, setName] = useState('');
  const [operation, setOperation] = useState<PipelineCreate['operation']>('deploy');
  const [defaultSteps, setDefaultSteps] = useState(true);
  const [command, setCommand] = useState('');
  const choices = [
    {
      group: 'Applications',
      items: (owners.data?.applications ?? []).map((one) => ({
        value: `application-${one.id}`,
        label: one.name,
      })),
    },
    {
      group: 'Servers',
      items: (owners.data?.servers ?? []).map((one) => ({ value: `server-${one.id}`, label: one.name })),
    },
  ].filter(({ items }) => items.length > 0);
  const all = choices.flatMap(({ items }) => items);
  const owner = all.find(({ value }) => value === of)?.value ?? all[0]?.value ?? null;
  const isApplication = owner?.startsWith('application-') ?? false;
  const mayRelease = isApplication && operation === 'deploy';
  const create = useMutation({
    mutationFn: () =>
      addPipeline({
        path: {
          resource_type: isApplication ? 'application' : 'server',
          resource_id: Number(owner?.split('-')[1]),
        },
        body: {
          name: name.trim(),
          operation,
          ...(mayRelease ? { default_steps: defaultSteps } : {}),
          steps: command.trim() ? [{ command }] : [],
        },
      }),
    onSuccess: async ({ id }) => {
      void client.invalidateQueries({ queryKey: ['pipelines'] });
      void client.invalidateQueries({ queryKey: ['findable'] });
      await navigate({
        to: '/pipelines/$pipelineId',
        params: { pipelineId: String(id) },
        ignoreBlocker: true,
      });
    },
  });
  const faults = create.error instanceof HooklineError ? create.error.faultsByField : {};
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  if (owners.error) return <ErrorNotice error={owners.error} onRetry={() => void owners.refetch()} />;
  if (owners.isPending) return <PagePending />;
  return (
    <>
      <PageHeader title="New pipeline" crumbs={[{ label: 'Pipelines', to: '/pipelines' }]} />
      <LeaveGuard when={name !== '' || command !== ''} />
      {all.length === 0 ? (
        <EmptyState
          title="A pipeline belongs to an application or a server"
          icon="applications"
          text="There is none in this environment yet."
        >
          <Button renderRoot={(props) => <Link to="/applications/new" {...props} />}>New application</Button>
        </EmptyState>
      ) : (
        <Paper withBorder p="lg" maw={720} bg="var(--app-raised)">
          <form onSubmit={submit}>
            <Stack>
              <Select
                label="Belongs to"
                description="An application's steps run on its servers, and without any on the machine of Hookline."
                data={choices}
                searchable
                allowDeselect={false}
                value={owner}
                onChange={(value) => value && setSearch({ of: value })}
              />
              <TextInput
                label="Name"
                placeholder="Deploy"
                required
                maxLength={60}
                value={name}
                error={faults['name']}
                onChange={(event) => setName(event.currentTarget.value)}
              />
              <Select
                label="What it does"
                description="Hooks and calls name it by this; its runs are of this type."
                data={operations}
                searchable
                allowDeselect={false}
                value={operation}
                onChange={(value) => value && setOperation(value as PipelineCreate['operation'])}
              />
              {mayRelease && (
                <Switch
                  label="Make releases"
                  description="Hookline fetches the source into a folder of its own, switches to it once your steps have succeeded, and can roll back. Without, only your steps run."
                  checked={defaultSteps}
                  onChange={(event) => setDefaultSteps(event.currentTarget.checked)}
                />
              )}
              <Suspense fallback={<Text c="dimmed">…</Text>}>
                <CodeEditor
                  label="First step"
                  description="A bash script; more steps can be added next. It may be left empty."
                  language="shell"
                  value={command}
                  onChange={setCommand}
                />
              </Suspense>
              {create.error && <ErrorNotice error={create.error} />}
              <Group justify="flex-end">
                <Button variant="default" renderRoot={(props) => <Link to="/pipelines" {...props} />}>
                  Cancel
                </Button>
                <Button type="submit" loading={create.isPending} leftSection={<Icon name="plus" />}>
                  Create the pipeline
                </Button>
              </Group>
            </Stack>
          </form>
        </Paper>
      )}
    </>
  );
}
