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
  // Safe: the page of hooks reads it from the address; the addresses of pages do not know their searches.
  const search = { pipeline: String(pipelineId) } as never;
  return (
    <>
      {hooks.rows.length > 0 && (
        <Group justify="flex-end" mb="sm">
          <Button
            variant="default"
            leftSection={<Icon name="plus" />}
            renderRoot={(props) => <Link to="/hooks" search={search} {...props} />}
          >
            Add a hook
          </Button>
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
            <Button renderRoot={(props) => <Link to="/hooks" search={search} {...props} />}>
              Add a hook
            </Button>
          </EmptyState>
        }
      />
    </>
  );
}
