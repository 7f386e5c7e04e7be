import {
  Button,
  Checkbox,
  Group,
  Modal,
  PasswordInput,
  Select,
  Stack,
  TagsInput,
  Text,
  TextInput,
} from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { addPipelineHook } from '#sdk';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { keepFreshSecret } from './fresh-secrets.ts';
import { eventLabels, presetOf, presets, type HookEvent, type Preset } from './presets.ts';
import type { PlacedPipeline } from './queries.ts';

type Props = { pipelines: PlacedPipeline[]; pipelineId: number | null; onClose: () => void };

const free = 'free';

/** Asks for as little as possible; everything else can be changed on the page of the hook. */
export default function NewHook({ pipelines, pipelineId, onClose }: Props) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [chosen, setChosen] = useState(pipelineId === null ? null : String(pipelineId));
  const pipeline = chosen ?? (pipelines.length === 1 ? String(pipelines[0]!.id) : null);
  const [preset, setPreset] = useState<string>('github');
  const [name, setName] = useState('');
  const [events, setEvents] = useState<HookEvent[]>(['push']);
  const [branches, setBranches] = useState<string[]>([]);
  const [secret, setSecret] = useState('');
  const facts = presetOf(preset);
  const isOfGit = facts?.events.includes('push') ?? false;
  const create = useMutation({
    mutationFn: () =>
      addPipelineHook({
        path: { pipeline_id: Number(pipeline), hook_type: 'incoming' },
        body: {
          ...(name === '' ? {} : { name }),
          ...(preset === free ? { requires_secret: true } : { preset: preset as Preset }),
          ...(secret === '' ? {} : { secret }),
          ...(isOfGit ? { trigger_when: { events, ...(branches.length > 0 ? { branches } : {}) } } : {}),
        },
      }),
    onSuccess: async (hook) => {
      keepFreshSecret(hook.id, hook.secret);
      await queries.invalidateQueries({ queryKey: ['environment-hooks'] });
      await navigate({
        to: '/hooks/incoming/$hookId',
        params: { hookId: hook.id },
        search: { tab: 'setup' } as never,
      });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  const choose = (value: string | null) => {
    if (value === null) return;
    setPreset(value);
    setSecret('');
  };
  return (
    <Modal opened onClose={onClose} title="New incoming hook" size="lg">
      <form onSubmit={submit}>
        <Stack>
          <Select
            label="Pipeline"
            description="What a request starts."
            required
            searchable
            data-autofocus
            nothingFoundMessage="There is no such pipeline"
            placeholder={pipelines.length === 0 ? 'Make a pipeline first' : 'Choose one'}
            data={pipelines.map(({ id, name: own, owner }) => ({
              value: String(id),
              label: `${own} of ${owner}`,
            }))}
            value={pipeline}
            onChange={setChosen}
          />
          <Select
            label="Sender"
            description="Fills in how it signs, which variables it gives and when it starts the pipeline."
            allowDeselect={false}
            data={[
              ...Object.entries(presets).map(([value, { label }]) => ({ value, label })),
              { value: free, label: 'Another sender' },
            ]}
            value={preset}
            onChange={choose}
          />
          {isOfGit && (
            <>
              <Checkbox.Group
                label="Starts the pipeline at"
                value={events}
                onChange={(values) => setEvents(values as HookEvent[])}
              >
                <Group mt={4}>
                  {facts?.events.map((event) => (
                    <Checkbox key={event} value={event} label={eventLabels[event]} />
                  ))}
                </Group>
              </Checkbox.Group>
              {events.includes('push') && (
                <TagsInput
                  label="Branches"
                  description="Such as main or release/*. Empty: the application's default branch."
                  value={branches}
                  onChange={setBranches}
                />
              )}
            </>
          )}
          <TextInput
            label="Name"
            required={preset === free}
            placeholder={facts?.label ?? ''}
            maxLength={60}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <PasswordInput
            label="Secret"
            description={
              facts?.secretFrom === 'sender'
                ? `${facts.label} shows it once the URL is entered there. It can be put in later.`
                : 'Leave it empty to have a strong one made.'
            }
            autoComplete="new-password"
            value={secret}
            onChange={(event) => setSecret(event.currentTarget.value)}
          />
          {create.error && <ErrorNotice error={create.error} />}
          {pipelines.length === 0 && (
            <Text size="sm" c="dimmed">
              A hook belongs to a pipeline, and this environment has none yet.
            </Text>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button
              type="submit"
              loading={create.isPending}
              disabled={pipeline === null || (isOfGit && events.length === 0)}
            >
              Create
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
