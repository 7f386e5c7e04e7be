import { Button, Group, SegmentedControl, Stack, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { addPipelineHook, type Hook } from '#sdk';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { hosts, type HostCode } from './hosts.ts';

/** Makes the incoming hook; its answer is the only one that holds the secret. */
export function HookStep({
  pipelineId,
  host: usualHost,
  branch: usualBranch,
  onDone,
}: {
  pipelineId: number;
  host: HostCode;
  branch: string;
  onDone: (hook: Hook) => void;
}) {
  const [host, setHost] = useState(usualHost);
  const [branch, setBranch] = useState(usualBranch);
  const save = useMutation({
    mutationFn: () =>
      addPipelineHook({
        path: { pipeline_id: pipelineId, hook_type: 'incoming' },
        body: { preset: host, trigger_when: { branches: branch.trim() ? [branch.trim()] : [] } },
      }),
    onSuccess: onDone,
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <Stack>
        <SegmentedControl
          aria-label="Sent by"
          data={Object.values(hosts).map(({ code, label }) => ({ value: code, label }))}
          value={host}
          // Safe: one of the very table.
          onChange={(value) => setHost(value as HostCode)}
        />
        <TextInput
          label="Branch"
          description="Only pushes to it run the pipeline; release/* is a pattern, and without any every branch does."
          value={branch}
          onChange={(event) => setBranch(event.currentTarget.value)}
        />
        {save.error && <ErrorNotice error={save.error} />}
        <Group>
          <Button type="submit" loading={save.isPending}>
            Get the URL and the secret
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
