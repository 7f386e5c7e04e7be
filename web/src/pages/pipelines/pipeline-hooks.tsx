import { Button, Group } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { listPipelineHooks } from '#sdk';
import { useList } from '../../api/lists.ts';
import { EmptyState } from '../../components/empty-state.tsx';
import { Icon } from '../../components/icon.tsx';
import { HooksList } from './hooks-list.tsx';

export function PipelineHooks({ pipelineId }: { pipelineId: number }) {
  const hooks = useList(['pipeline-hooks', pipelineId], listPipelineHooks, {
    path: { pipeline_id: pipelineId },
  });
  const pipeline = String(pipelineId);
  const add = (
    <Group gap="xs">
      <Button
        variant="default"
        leftSection={<Icon name="incoming" />}
        renderRoot={(props) => (
          // Safe, here and below: the pages of hooks read it from the address.
          <Link to="/hooks" search={{ new: 'incoming', pipeline } as never} {...props} />
        )}
      >
        New incoming hook
      </Button>
      <Button
        variant="default"
        leftSection={<Icon name="outgoing" />}
        renderRoot={(props) => <Link to="/hooks/outgoing/new" search={{ pipeline } as never} {...props} />}
      >
        New outgoing hook
      </Button>
    </Group>
  );
  return (
    <>
      {hooks.rows.length > 0 && (
        <Group justify="flex-end" mb="sm">
          {add}
        </Group>
      )}
      <HooksList
        label="Hooks of the pipeline"
        hooks={hooks}
        empty={
          <EmptyState
            title="No hooks yet"
            icon="hooks"
            text="An incoming hook runs this pipeline when a git host or a program calls it. An outgoing one tells others how its runs go."
          >
            {add}
          </EmptyState>
        }
      />
    </>
  );
}
