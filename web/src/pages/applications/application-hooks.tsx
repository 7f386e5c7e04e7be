import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { listApplicationHooks } from '#sdk';
import { useList } from '../../api/lists.ts';
import { EmptyState } from '../../components/empty-state.tsx';
import { HooksList } from '../pipelines/hooks-list.tsx';

export function ApplicationHooks({ applicationId }: { applicationId: number }) {
  const hooks = useList(['application-hooks', applicationId], listApplicationHooks, {
    path: { application_id: applicationId },
  });
  return (
    <HooksList
      label="Hooks of the application and its pipelines"
      hooks={hooks}
      empty={
        <EmptyState
          title="No hooks yet"
          icon="hooks"
          text="A hook belongs to a pipeline: an incoming one runs it, an outgoing one tells others how it goes."
        >
          <Button renderRoot={(props) => <Link to="/hooks" {...props} />}>To the hooks</Button>
        </EmptyState>
      }
    />
  );
}
