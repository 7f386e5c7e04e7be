import { ActionIcon, Button, Checkbox, Chip, Group, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { addPipeline, listPipelinesByResourceType, pages } from '#sdk';
import { collect } from '../../api/lists.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Icon } from '../../components/icon.tsx';
import { templates, type DraftStep } from './templates.ts';
import classes from './first-steps.module.css';

const CodeEditor = lazy(() => import('../../components/code-editor.tsx'));

/** A key that stays with its step when others go. */
type KeyedStep = DraftStep & { key: number };
let nextKey = 1;
const keyed = (step: DraftStep): KeyedStep => ({ ...step, key: nextKey++ });

/** Makes a pipeline from a template that one may change in every part, or takes one that is there. */
export function PipelineStep({
  applicationId,
  onDone,
}: {
  applicationId: number;
  onDone: (pipelineId: number) => void;
}) {
  const queryClient = useQueryClient();
  const path = { resource_type: 'application', resource_id: applicationId } as const;
  const { data: existing = [] } = useQuery({
    queryKey: ['first-steps', 'pipelines', applicationId],
    queryFn: ({ signal }) => collect(pages(listPipelinesByResourceType, { path, signal })),
  });
  const [code, setCode] = useState(templates[0]!.code);
  const template = templates.find((one) => one.code === code)!;
  const [name, setName] = useState('Deploy');
  const [isDeployment, setDeployment] = useState(template.isDeployment);
  const [steps, setSteps] = useState<KeyedStep[]>(() => template.steps.map(keyed));
  const choose = (next: string) => {
    const chosen = templates.find((one) => one.code === next)!;
    setCode(next);
    setDeployment(chosen.isDeployment);
    setSteps(chosen.steps.map(keyed));
  };
  const change = (key: number, changed: Partial<DraftStep>) =>
    setSteps((before) => before.map((step) => (step.key === key ? { ...step, ...changed } : step)));
  const save = useMutation({
    mutationFn: () =>
      addPipeline({
        path,
        body: {
          name,
          operation: 'deploy',
          default_steps: isDeployment,
          steps: steps.map((step) => ({
            name: step.name || null,
            command: step.command,
            after_activation: isDeployment && step.after_activation,
          })),
        },
      }),
    onSuccess: (pipeline) => {
      queryClient.setQueryData(['pipeline', pipeline.id], pipeline);
      onDone(pipeline.id);
    },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <Stack>
        {existing.length > 0 && (
          <Group gap="xs">
            <Text size="sm">Take one that is there:</Text>
            {existing.map((pipeline) => (
              <Button
                key={pipeline.id}
                size="compact-sm"
                variant="default"
                onClick={() => onDone(pipeline.id)}
              >
                {pipeline.name}
              </Button>
            ))}
          </Group>
        )}
        <div role="group" aria-label="Template">
          <Chip.Group value={code} onChange={(value) => choose(String(value))}>
            <Group gap="xs">
              {templates.map(({ code: value, label }) => (
                <Chip key={value} value={value} variant="outline">
                  {label}
                </Chip>
              ))}
            </Group>
          </Chip.Group>
          <Text size="sm" c="dimmed" mt={6}>
            {template.about}
          </Text>
        </div>
        <TextInput
          label="Name of the pipeline"
          required
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Checkbox
          label="Fetch the commit and make a release of it"
          description="Your steps run in its folder; it goes live at once, and the way back stays open."
          checked={isDeployment}
          onChange={(event) => setDeployment(event.currentTarget.checked)}
        />
        {steps.map((step, index) => (
          <div key={step.key} className={classes['draft']}>
            <Group align="end" wrap="nowrap" mb="xs">
              <TextInput
                label={`Step ${index + 1}`}
                flex={1}
                value={step.name}
                onChange={(event) => change(step.key, { name: event.currentTarget.value })}
              />
              <ActionIcon
                variant="subtle"
                color="gray"
                size={36}
                aria-label={`Remove step ${index + 1}`}
                disabled={steps.length === 1}
                onClick={() => setSteps(steps.filter(({ key }) => key !== step.key))}
              >
                <Icon name="trash" />
              </ActionIcon>
            </Group>
            <Suspense fallback={<Skeleton h={86} />}>
              <CodeEditor
                label={`Script of step ${index + 1}`}
                language="shell"
                minRows={3}
                value={step.command}
                onChange={(command) => change(step.key, { command })}
              />
            </Suspense>
            {isDeployment && (
              <Checkbox
                mt="xs"
                label="Runs once the release is live"
                checked={step.after_activation}
                onChange={(event) => change(step.key, { after_activation: event.currentTarget.checked })}
              />
            )}
          </div>
        ))}
        {save.error && <ErrorNotice error={save.error} />}
        <Group>
          <Button type="submit" loading={save.isPending}>
            Create the pipeline
          </Button>
          <Button
            variant="default"
            leftSection={<Icon name="plus" />}
            onClick={() => setSteps([...steps, keyed({ name: '', command: '', after_activation: false })])}
          >
            Add a step
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
