import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import {
  cancelAction,
  listApplicationReleases,
  retryAction,
  rollbackApplication,
  type Action,
  type Release,
} from '#sdk';
import { ConfirmButton } from '../../components/confirm-button.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Icon } from '../../components/icon.tsx';
import { titleOf } from './describe.ts';
import { actionKey, showAtOnce } from './use-action.ts';

/** What can be done about it. */
export function ActionButtons({
  action,
  isCancelling,
  setCancelling,
}: {
  action: Action;
  isCancelling: boolean;
  setCancelling: (isCancelling: boolean) => void;
}) {
  const client = useQueryClient();
  const openAction = useOpenAction();
  const path = { action_id: action.id };
  const retry = useMutation({
    mutationFn: () => retryAction({ path }),
    onSuccess: openAction,
    onError: (error) =>
      notifications.show({ color: 'red', autoClose: false, message: <ErrorNotice error={error} /> }),
  });
  const cancel = async () => {
    setCancelling(true);
    const takeBack = showAtOnce(client, action.id, { status_reason_human_readable: 'Being cancelled.' });
    try {
      client.setQueryData(actionKey(action.id), await cancelAction({ path }));
    } catch (error) {
      takeBack();
      setCancelling(false);
      throw error;
    }
  };
  if (action.completed_at === null)
    return (
      <ConfirmButton
        color="red"
        disabled={isCancelling}
        leftSection={<Icon name="ban" />}
        title={`Cancel ${titleOf(action)}?`}
        warning={
          action.started_at
            ? 'Its processes are ended where they are; what they have changed stays as it is.'
            : 'It will not run.'
        }
        confirm="Cancel the action"
        onConfirm={cancel}
      >
        {isCancelling ? 'Being cancelled' : 'Cancel'}
      </ConfirmButton>
    );
  return (
    <>
      <RollbackButton action={action} />
      {action.pipeline_id !== null && (
        <Button leftSection={<Icon name="repeat" />} loading={retry.isPending} onClick={() => retry.mutate()}>
          Retry
        </Button>
      )}
    </>
  );
}

/** For a deployment whose release is live, or could be again. */
function RollbackButton({ action }: { action: Action }) {
  const openAction = useOpenAction();
  const isDeployment = action.type === 'deploy' && action.resource.type === 'application';
  const { data: releases = [] } = useQuery({
    // Read anew when the action has ended, which has changed them.
    queryKey: ['releases', action.resource.id, 'at', action.completed_at],
    queryFn: ({ signal }) =>
      listApplicationReleases({
        path: { application_id: action.resource.id },
        query: { per_page: 100 },
        signal,
      }),
    enabled: isDeployment && action.resource.data !== null,
  });
  const own = releases.find(({ name }) => name === action.action_data?.release_name);
  const live = releases.find(({ is_live }) => is_live);
  const isOlder = (one: Release) => live !== undefined && one.name < live.name && one.status === 'ready';
  const before = releases.find(isOlder);
  const goesTo = own?.is_live ? before : own?.status === 'ready' && live ? own : undefined;
  if (!goesTo || !live) return null;
  const commit = goesTo.commit
    ? `${goesTo.commit.hash.slice(0, 8)} ${goesTo.commit.message.split('\n')[0]}`
    : '';
  return (
    <ConfirmButton
      leftSection={<Icon name="repeat" />}
      title={own?.is_live ? 'Roll back to the release before?' : 'Make this release live again?'}
      warning={`Release ${goesTo.name}${commit ? ` (${commit})` : ''} becomes live in place of ${live.name}. Nothing is fetched or built; the steps after the activation run.`}
      confirm={own?.is_live ? 'Roll back' : 'Make it live'}
      onConfirm={async () => {
        openAction(
          await rollbackApplication({
            path: { application_id: action.resource.id },
            body: {
              release_name: goesTo.name,
              ...(action.pipeline_id === null ? {} : { pipeline_id: action.pipeline_id }),
            },
          }),
        );
      }}
    >
      {own?.is_live ? 'Roll back' : 'Make live again'}
    </ConfirmButton>
  );
}

/** To the page of an action that was just started, which is shown at once. */
function useOpenAction(): (action: Action) => void {
  const client = useQueryClient();
  const navigate = useNavigate();
  return (action) => {
    client.setQueryData(actionKey(action.id), action);
    void navigate({ to: '/actions/$actionId', params: { actionId: String(action.id) } });
  };
}
