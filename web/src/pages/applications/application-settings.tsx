import { Anchor, Button, Group, Paper, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useEffect, useState, type FormEvent } from 'react';
import {
  deleteApplication,
  getApplication,
  HooklineError,
  linkResourceLinkToResourceLink,
  unlinkResourceLinkFromResourceLink,
  updateApplication,
  type Application,
} from '#sdk';
import { ConfirmButton } from '../../components/confirm-button.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Icon } from '../../components/icon.tsx';
import { LeaveGuard } from '../../components/leave-guard.tsx';
import { draftOf, fieldsOf } from './application-fields.ts';
import { ApplicationForm } from './application-form.tsx';

export function ApplicationSettings({ application }: { application: Application }) {
  const { id, name } = application;
  const client = useQueryClient();
  const navigate = useNavigate();
  const [stored, setStored] = useState(application);
  const [draft, setDraft] = useState(() => draftOf(application));
  const isDirty = JSON.stringify(draft) !== JSON.stringify(draftOf(stored));
  useEffect(() => {
    if (isDirty || stored === application) return;
    setStored(application);
    setDraft(draftOf(application));
  }, [isDirty, stored, application]);
  const readAgain = () => {
    for (const key of ['application', 'applications', 'owners', 'findable'])
      void client.invalidateQueries({ queryKey: [key] });
  };
  const save = useMutation({
    mutationFn: async () => {
      await updateApplication({ path: { application_id: id }, body: fieldsOf(draft) });
      const before = stored.servers.map((server) => server.id);
      const link = (serverId: number) => ({
        path: {
          resource_type: 'application',
          resource_id: id,
          child_type: 'server',
          child_id: serverId,
        } as const,
      });
      for (const serverId of draft.serverIds.filter((one) => !before.includes(one)))
        await linkResourceLinkToResourceLink(link(serverId));
      for (const serverId of before.filter((one) => !draft.serverIds.includes(one)))
        await unlinkResourceLinkFromResourceLink(link(serverId));
      return await getApplication({ path: { application_id: id } });
    },
    onSuccess: (fresh) => {
      setStored(fresh);
      setDraft(draftOf(fresh));
      client.setQueryData(['application', id], fresh);
      notifications.show({ message: 'Saved. The next deployment goes by it.', color: 'green' });
    },
    onSettled: readAgain,
  });
  const remove = async () => {
    await deleteApplication({ path: { application_id: id } });
    readAgain();
    notifications.show({ message: `The application ${name} is deleted.` });
    await navigate({ to: '/applications', ignoreBlocker: true });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Stack maw={820}>
      <LeaveGuard when={isDirty} />
      <Paper withBorder p="lg" bg="var(--app-raised)">
        <Group justify="space-between">
          <Text>What its steps find in their environment: tokens, addresses, flags.</Text>
          <Anchor
            renderRoot={(props) => (
              // Safe: a page of the settings, whose addresses are not ours to name; it reads `of` from the address.
              <Link
                to={'/settings/variables' as '/settings'}
                search={{ of: `application-${id}` } as never}
                {...props}
              />
            )}
          >
            Variables of {name}
          </Anchor>
        </Group>
      </Paper>
      <Paper withBorder p="lg" bg="var(--app-raised)">
        <form onSubmit={submit}>
          <Stack>
            <ApplicationForm
              environmentId={application.environment_id}
              draft={draft}
              faults={save.error instanceof HooklineError ? save.error.faultsByField : {}}
              onChange={(change) => setDraft((before) => ({ ...before, ...change }))}
            />
            {save.error && <ErrorNotice error={save.error} />}
            <Group justify="flex-end">
              <Button
                variant="default"
                disabled={!isDirty || save.isPending}
                onClick={() => setDraft(draftOf(stored))}
              >
                Discard
              </Button>
              <Button type="submit" loading={save.isPending} disabled={!isDirty}>
                Save
              </Button>
            </Group>
          </Stack>
        </form>
      </Paper>
      <Paper withBorder p="lg" bg="var(--app-raised)">
        <Group justify="space-between">
          <Text maw={460}>
            Deleting the application takes its variables, pipelines and hooks along. What is deployed stays on
            its targets.
          </Text>
          <ConfirmButton
            color="red"
            variant="light"
            leftSection={<Icon name="trash" />}
            title={`Delete the application ${name}?`}
            warning="Its variables, pipelines and all their hooks are deleted; what a git host sends to them is refused from then on, and there is no way back to an earlier release from here. Past runs and what is deployed stay. This cannot be undone."
            confirm="Delete"
            typed={name}
            onConfirm={remove}
          >
            Delete the application
          </ConfirmButton>
        </Group>
      </Paper>
    </Stack>
  );
}
