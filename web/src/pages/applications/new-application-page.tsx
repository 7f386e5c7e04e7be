import { Button, Group, Paper, Stack } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { addEnvironmentApplication, HooklineError } from '#sdk';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Icon } from '../../components/icon.tsx';
import { LeaveGuard } from '../../components/leave-guard.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { usePlace } from '../../shell/place.tsx';
import { emptyApplication, fieldsOf } from './application-fields.ts';
import { ApplicationForm } from './application-form.tsx';

export function NewApplicationPage() {
  const { environment } = usePlace();
  const environmentId = environment?.id ?? 0;
  const navigate = useNavigate();
  const client = useQueryClient();
  const [draft, setDraft] = useState(emptyApplication);
  const create = useMutation({
    mutationFn: () =>
      addEnvironmentApplication({
        path: { environment_id: environmentId },
        body: {
          ...fieldsOf(draft),
          linked_resources: draft.serverIds.map((id) => ({ resource_type: 'server', resource_id: id })),
        },
      }),
    onSuccess: async ({ id }) => {
      for (const key of ['applications', 'owners', 'findable', 'variable-owners'])
        void client.invalidateQueries({ queryKey: [key] });
      await navigate({
        to: '/applications/$applicationId',
        params: { applicationId: String(id) },
        ignoreBlocker: true,
      });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <>
      <PageHeader title="New application" crumbs={[{ label: 'Applications', to: '/applications' }]} />
      <LeaveGuard when={draft !== emptyApplication} />
      <Paper withBorder p="lg" maw={820} bg="var(--app-raised)">
        <form onSubmit={submit}>
          <Stack>
            <ApplicationForm
              environmentId={environmentId}
              draft={draft}
              faults={create.error instanceof HooklineError ? create.error.faultsByField : {}}
              onChange={(change) => setDraft((before) => ({ ...before, ...change }))}
            />
            {create.error && <ErrorNotice error={create.error} />}
            <Group justify="flex-end">
              <Button variant="default" renderRoot={(props) => <Link to="/applications" {...props} />}>
                Cancel
              </Button>
              <Button
                type="submit"
                leftSection={<Icon name="plus" />}
                loading={create.isPending}
                disabled={environmentId === 0}
              >
                Create the application
              </Button>
            </Group>
          </Stack>
        </form>
      </Paper>
    </>
  );
}
