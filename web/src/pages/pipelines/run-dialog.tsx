import {
  ActionIcon,
  Alert,
  Button,
  Group,
  Input,
  Modal,
  MultiSelect,
  Select,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { addPipelineAction, HooklineError, type PipelineActionCreate } from '#sdk';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Icon } from '../../components/icon.tsx';
import { ownersQuery } from './owners.ts';

export type RunTarget = {
  /** One of them is run. */
  pipelines: { id: number; name: string }[];
  environmentId: number;
  resourceType: 'application' | 'server';
  /** It acts on its own server from outside: no others can be chosen. */
  isLifecycle?: boolean;
  defaultBranch?: string;
  warning?: string | null;
};

type Source = NonNullable<PipelineActionCreate['source_type']> | 'default';
type Variable = { key: number; name: string; value: string };

const refLabels = { branch: 'Branch', tag: 'Tag', commit: 'Commit' };

export default function RunDialog({
  pipelines,
  environmentId,
  resourceType,
  isLifecycle = false,
  defaultBranch,
  warning,
  label,
  onClose,
}: RunTarget & { label: string; onClose: () => void }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const { data: owners } = useQuery(ownersQuery(environmentId));
  const [pipelineId, setPipelineId] = useState(pipelines[0]?.id ?? 0);
  const [source, setSource] = useState<Source>('default');
  const [ref, setRef] = useState('');
  const [servers, setServers] = useState<string[]>([]);
  const [variables, setVariables] = useState<Variable[]>([]);
  const [comment, setComment] = useState('');
  const run = useMutation({
    mutationFn: () => {
      const given = variables.filter(({ name }) => name.trim());
      return addPipelineAction({
        path: { pipeline_id: pipelineId },
        body: {
          ...(source === 'default' ? {} : { source_type: source, source_ref: ref.trim() }),
          ...(servers.length > 0 ? { servers: servers.map(Number) } : {}),
          ...(given.length > 0
            ? { variables: Object.fromEntries(given.map(({ name, value }) => [name.trim(), value])) }
            : {}),
          ...(comment.trim() ? { trigger_comment: comment.trim() } : {}),
        },
      });
    },
    onSuccess: async ({ id }) => {
      void client.invalidateQueries({ queryKey: ['pipeline-actions', pipelineId] });
      void client.invalidateQueries({ queryKey: ['latest-actions'] });
      onClose();
      await navigate({ to: '/actions/$actionId', params: { actionId: String(id) } });
    },
  });
  const faults = run.error instanceof HooklineError ? run.error.faultsByField : {};
  const submit = (event: FormEvent) => {
    event.preventDefault();
    run.mutate();
  };
  const set = (key: number, change: Partial<Variable>) =>
    setVariables((before) => before.map((one) => (one.key === key ? { ...one, ...change } : one)));
  return (
    <Modal opened onClose={onClose} title={label} size="lg">
      <form onSubmit={submit}>
        <Stack>
          {warning && (
            <Alert color="yellow" icon={<Icon name="warning" />}>
              {warning}
            </Alert>
          )}
          {pipelines.length > 1 && (
            <Select
              label="Pipeline"
              allowDeselect={false}
              data={pipelines.map(({ id, name }) => ({ value: String(id), label: `${name} (${id})` }))}
              value={String(pipelineId)}
              onChange={(value) => value && setPipelineId(Number(value))}
            />
          )}
          {resourceType === 'application' && (
            <Group align="flex-start" grow preventGrowOverflow={false}>
              <Select
                label="Source"
                allowDeselect={false}
                data={[
                  {
                    value: 'default',
                    label: defaultBranch ? `The default branch, ${defaultBranch}` : 'The default branch',
                  },
                  { value: 'branch', label: 'A branch' },
                  { value: 'tag', label: 'A tag' },
                  { value: 'commit', label: 'A commit' },
                ]}
                value={source}
                onChange={(value) => value && setSource(value as Source)}
              />
              {source !== 'default' && (
                <TextInput
                  label={refLabels[source]}
                  placeholder={source === 'commit' ? 'Its hash, seven digits or more' : undefined}
                  required
                  maxLength={255}
                  value={ref}
                  error={faults['source_ref']}
                  onChange={(event) => setRef(event.currentTarget.value)}
                />
              )}
            </Group>
          )}
          {!isLifecycle && (owners?.servers.length ?? 0) > 0 && (
            <MultiSelect
              label="Servers"
              description={
                resourceType === 'application'
                  ? 'Empty for those that the application is linked to.'
                  : 'Empty for the server that the pipeline belongs to.'
              }
              data={(owners?.servers ?? []).map(({ id, name }) => ({ value: String(id), label: name }))}
              searchable
              clearable
              value={servers}
              onChange={setServers}
            />
          )}
          <Input.Wrapper
            label="Variables"
            labelElement="div"
            description="As a hook gives them: a step finds “environment” in $HOOKLINE_VAR_ENVIRONMENT."
          >
            <Stack gap="xs" mt={6}>
              {variables.map(({ key, name, value }, index) => (
                <Group key={key} gap="xs" wrap="nowrap" align="flex-start">
                  <TextInput
                    flex={1}
                    aria-label={`Name of variable ${index + 1}`}
                    placeholder="name"
                    autoFocus
                    maxLength={60}
                    value={name}
                    error={faults[`variables.${name.trim()}`]}
                    onChange={(event) => set(key, { name: event.currentTarget.value })}
                  />
                  <TextInput
                    flex={2}
                    aria-label={`Value of variable ${index + 1}`}
                    placeholder="value"
                    maxLength={8192}
                    value={value}
                    onChange={(event) => set(key, { value: event.currentTarget.value })}
                  />
                  <ActionIcon
                    variant="subtle"
                    color="gray"
                    size="input-sm"
                    aria-label={`Remove variable ${index + 1}`}
                    onClick={() => setVariables((before) => before.filter((one) => one.key !== key))}
                  >
                    <Icon name="cross" />
                  </ActionIcon>
                </Group>
              ))}
              <Button
                variant="subtle"
                size="compact-sm"
                w="fit-content"
                leftSection={<Icon name="plus" size={14} />}
                onClick={() =>
                  setVariables((before) => [
                    ...before,
                    { key: (before.at(-1)?.key ?? 0) + 1, name: '', value: '' },
                  ])
                }
              >
                Add a variable
              </Button>
            </Stack>
          </Input.Wrapper>
          <TextInput
            label="Why"
            description="Kept with the run, for those who look at it later."
            maxLength={1000}
            value={comment}
            onChange={(event) => setComment(event.currentTarget.value)}
          />
          {run.error && <ErrorNotice error={run.error} />}
          <Group justify="space-between">
            <Text size="sm" c="dimmed">
              Its page opens next.
            </Text>
            <Group gap="xs">
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button type="submit" leftSection={<Icon name="play" />} loading={run.isPending}>
                Run
              </Button>
            </Group>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
