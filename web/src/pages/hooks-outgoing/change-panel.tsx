import { Button, Group, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { HooklineError, updateHook, type Hook } from '#sdk';
import { queryClient } from '../../app/query-client.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { bodyFault, draftOf, inputOf, type Draft } from './draft.ts';
import { DraftForm } from './draft-form.tsx';
import { LeaveWarning } from './leave-warning.tsx';

/** The request of a hook that there is. What is masked and left as it is, the server keeps. */
export function ChangePanel({ hook }: { hook: Hook }) {
  // What one writes is not taken away by a reading of the hook meanwhile.
  const [saved, setSaved] = useState<Draft>(() => draftOf(hook));
  const [draft, setDraft] = useState(saved);
  const isChanged = draft !== saved;
  const save = useMutation({
    mutationFn: (given: Draft) =>
      updateHook({ path: { hook_type: 'outgoing', hook_id: hook.id }, body: inputOf(given) }),
    onSuccess: async (_answer, given) => {
      setSaved(given);
      notifications.show({ color: 'green', message: 'Saved. What waits is tried at once.' });
      await queryClient.invalidateQueries({ queryKey: ['outgoing-hook', hook.id] });
      await queryClient.invalidateQueries({ queryKey: ['outgoing-preview'] });
    },
  });
  const faults = save.error instanceof HooklineError ? save.error.faultsByField : {};
  const isWhole =
    draft.url.trim() !== '' &&
    draft.name.trim() !== '' &&
    draft.events.length > 0 &&
    bodyFault(draft) === null;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (isWhole) save.mutate(draft);
      }}
    >
      <LeaveWarning when={isChanged} keys={['tab']} />
      <DraftForm
        place={{ hookId: hook.id }}
        subject={{
          pipelineId: hook.pipeline_id,
          resourceType: hook.resource_type,
          resourceId: hook.resource_id,
          operation: hook.action_type,
        }}
        draft={draft}
        onChange={setDraft}
        faults={faults}
        canSign={hook.signing}
      />
      {save.error && (
        <Stack mt="md">
          <ErrorNotice error={save.error} />
        </Stack>
      )}
      <Group mt="lg">
        <Button type="submit" loading={save.isPending} disabled={!isChanged || !isWhole}>
          Save
        </Button>
        <Button variant="default" disabled={!isChanged} onClick={() => setDraft(saved)}>
          Undo the changes
        </Button>
        {isChanged && (
          <Text size="sm" c="dimmed">
            Not saved yet
          </Text>
        )}
      </Group>
    </form>
  );
}
