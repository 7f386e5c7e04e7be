import { NumberInput, Paper, Select, Stack, Switch, TextInput } from '@mantine/core';
import type { Pipeline } from '#sdk';
import { durationText } from '../../components/time.tsx';
import type { Draft } from './draft.ts';

type Props = {
  pipeline: Pipeline;
  draft: Draft;
  /** What the server has refused, by the names of its fields. */
  faults: Record<string, string>;
  onChange: (change: (before: Draft) => Draft) => void;
};

export function OptionsPanel({ pipeline, draft, faults, onChange }: Props) {
  const set = (change: Partial<Draft>) => onChange((before) => ({ ...before, ...change }));
  const mayRelease = pipeline.resource_type === 'application' && pipeline.operation === 'deploy';
  return (
    <Paper withBorder p="lg" maw={720} bg="var(--app-raised)">
      <Stack>
        <TextInput
          label="Name"
          required
          maxLength={60}
          value={draft.name}
          error={faults['name'] ?? (draft.name.trim() ? undefined : 'A pipeline needs a name.')}
          onChange={(event) => set({ name: event.currentTarget.value })}
        />
        {mayRelease && (
          <Switch
            label="Make releases"
            description="Hookline fetches the source into a folder of its own, switches to it once your steps have succeeded, and can roll back. Without, only your steps run."
            checked={draft.defaultSteps}
            onChange={(event) => set({ defaultSteps: event.currentTarget.checked })}
          />
        )}
        <NumberInput
          label="Runs at the same time"
          description="Those beyond wait, first in, first out; 0 for no limit. One for what restarts something."
          min={0}
          max={10}
          allowDecimal={false}
          value={draft.maxParallel}
          error={faults['max_parallel_actions']}
          onChange={(value) => set({ maxParallel: typeof value === 'number' ? value : 0 })}
        />
        <Select
          label="While one waits already"
          allowDeselect={false}
          data={[
            { value: 'queue', label: 'A new run queues behind it' },
            { value: 'replace', label: 'A new run takes its place, and it is skipped' },
          ]}
          value={draft.whenWaiting}
          onChange={(value) => value && set({ whenWaiting: value as Draft['whenWaiting'] })}
        />
        <NumberInput
          label="Time limit of a whole run, in seconds"
          description={
            draft.timeoutSeconds === null
              ? 'Empty for a day. Each step has a limit of its own besides.'
              : `${durationText(draft.timeoutSeconds * 1000)}. Each step has a limit of its own besides.`
          }
          min={1}
          max={604_800}
          allowDecimal={false}
          value={draft.timeoutSeconds ?? ''}
          error={faults['timeout_seconds']}
          onChange={(value) => set({ timeoutSeconds: typeof value === 'number' ? value : null })}
        />
      </Stack>
    </Paper>
  );
}
