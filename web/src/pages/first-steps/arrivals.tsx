import { Anchor, Button, Group, Loader, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { listHookRequestsByHookType, madeUpCommit, type Application, type Hook } from '#sdk';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Time } from '../../components/time.tsx';
import type { HostCode } from './hosts.ts';
import { RunWatch } from './run-watch.tsx';
import { sendTestEvent } from './test-event.ts';
import classes from './first-steps.module.css';

const shown = 5;

type Props = {
  hook: Hook;
  host: HostCode;
  application: Application;
  /** Whether the pipeline fetches the commit, which then has to be a real one. */
  fetches: boolean;
  secret: string | null;
};

/** Sends a test event, and shows each request that arrives with what became of it. */
export function Arrivals({ hook, host, application, fetches, secret }: Props) {
  const [commit, setCommit] = useState('');
  const requests = useQuery({
    queryKey: ['hook', hook.id, 'requests', 'first'],
    queryFn: ({ signal }) =>
      listHookRequestsByHookType({
        path: { hook_type: 'incoming', hook_id: hook.id },
        query: { per_page: shown },
        signal,
      }),
    refetchInterval: 2000,
  });
  const send = useMutation({
    mutationFn: () =>
      sendTestEvent(hook.id, secret ?? '', {
        host,
        repository: `${application.repository_owner}/${application.repository_name}`,
        branch: branchOf(hook) ?? application.default_branch,
        commit: commit.trim() || madeUpCommit(),
      }),
    onSettled: () => requests.refetch(),
  });
  const rows = requests.data ?? [];
  const latest = rows.find(({ action_id }) => action_id !== null)?.action_id ?? null;
  return (
    <Stack>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          send.mutate();
        }}
      >
        <Group align="end">
          <TextInput
            label="Commit"
            description={
              fetches
                ? 'A full hash that the repository has, such as git rev-parse HEAD prints.'
                : 'A full hash, for a status to appear at it; a made-up one if left empty.'
            }
            flex="1 1 280px"
            required={fetches}
            value={commit}
            onChange={(event) => setCommit(event.currentTarget.value)}
          />
          <Button type="submit" loading={send.isPending} disabled={secret === null}>
            Send a test event
          </Button>
        </Group>
        {secret === null && (
          <Text size="sm" c="dimmed" mt={4}>
            It is signed with the secret, which is not kept here: make a new one above, or push a commit.
          </Text>
        )}
      </form>
      {send.error && <ErrorNotice error={send.error} />}
      {requests.error && <ErrorNotice error={requests.error} onRetry={() => void requests.refetch()} />}
      {rows.length === 0 ? (
        <Group gap="sm" role="status">
          <Loader size="xs" aria-hidden="true" />
          <Text size="sm">Waiting for the first request …</Text>
        </Group>
      ) : (
        <ul className={classes['rows']} aria-label="Requests that have arrived">
          {rows.map((request) => (
            <li key={request.id}>
              <StatusBadge status={request.outcome} />
              <Anchor
                size="sm"
                renderRoot={(props) => <Link to={`/hook-requests/${request.id}`} {...props} />}
              >
                <Time at={request.created_at} />
              </Anchor>
              <Text size="sm">{request.reason}</Text>
            </li>
          ))}
        </ul>
      )}
      {latest !== null && <RunWatch key={latest} actionId={latest} />}
    </Stack>
  );
}

/** The branch that the hook was made for, if it is a name and no pattern. */
function branchOf({ trigger_when }: Hook): string | null {
  const [branch] = trigger_when.branches ?? [];
  return branch && !/[*?\]]/.test(branch) ? branch : null;
}
