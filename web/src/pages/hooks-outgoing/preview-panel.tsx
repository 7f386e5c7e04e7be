import { Alert, Group, Paper, Select, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { listActionsByResourceType, listPipelineActions, type ActionRelation, type Hook } from '#sdk';
import { Icon } from '../../components/icon.tsx';
import { relativeTime } from '../../components/time.tsx';
import classes from './draft-form.module.css';
import { RequestView } from './request-view.tsx';
import { noAddress, type PreviewState } from './use-preview.ts';
import { events, type EventName } from './vocabulary.ts';

type Subject = { pipelineId: number | null; resourceType: string; resourceId: number; operation: string };
type Props = {
  preview: PreviewState;
  subject: Subject;
  about: { actionId: number | null; event: EventName | null };
  hasAddress: boolean;
  onAction: (id: number | null) => void;
  onEvent: (event: EventName | null) => void;
};

/** The request that the hook would send about a past action, as it is being written. */
export function PreviewPanel({ preview, subject, about, hasAddress, onAction, onEvent }: Props) {
  const actions = useQuery({
    queryKey: ['outgoing-actions', subject],
    queryFn: ({ signal }) => actionsOf(subject, signal),
    staleTime: 30_000,
  });
  const { answer, error, faults } = preview;
  const told = answer?.preview ?? null;
  const isFaulty = error !== null;
  const request = told?.request ?? null;
  return (
    <Paper withBorder p="md" data-preview>
      <Title order={2} size="h5" mb="xs">
        Preview
      </Title>
      <Group grow mb="sm" align="flex-end">
        <Select
          size="xs"
          label="About the action"
          placeholder={told ? `The last one (${told.action_id})` : 'The last one'}
          clearable
          searchable
          value={about.actionId === null ? null : String(about.actionId)}
          onChange={(id) => onAction(id === null ? null : Number(id))}
          data={(actions.data ?? []).map(({ id, status_human_readable, created_at }) => ({
            value: String(id),
            label: `${id} · ${status_human_readable} · ${relativeTime(Date.parse(created_at), Date.now())}`,
          }))}
          nothingFoundMessage="No such action"
        />
        <Select
          size="xs"
          label="Event"
          placeholder={told ? `As it is (${told.event})` : 'As it is'}
          clearable
          value={about.event}
          onChange={(event) => onEvent(event as EventName | null)}
          data={events.map(({ name }) => ({ value: name, label: name }))}
        />
      </Group>
      {preview.isPending && <Skeleton h={160} />}
      {isFaulty && (
        <Alert color="red" mb="sm" p="xs" icon={<Icon name="warning" />}>
          <Text size="sm">
            {Object.keys(faults).length > 0
              ? 'The request cannot be made yet: see the field that is marked.'
              : error.message}
          </Text>
          {Object.entries(faults)
            .filter(
              ([field]) => field === 'preset' || field === 'action_id' || field === 'trigger_when.events',
            )
            .map(([field, message]) => (
              <Text key={field} size="sm">
                {`${field} ${message}`}
              </Text>
            ))}
        </Alert>
      )}
      {answer && !told && !isFaulty && (
        <Text size="sm" c="dimmed">
          No action has run yet. Run the pipeline once, and what the hook would send about it is shown here.
        </Text>
      )}
      {told && (
        <Stack gap="xs" opacity={isFaulty ? 0.6 : 1}>
          <Alert
            p="xs"
            color={told.would_send ? 'green' : 'yellow'}
            icon={<Icon name={told.would_send ? 'check-circle' : 'info'} />}
          >
            <Text size="sm" data-reason>
              {hasAddress || !told.would_send ? told.reason : 'It would be sent, once there is an address.'}
            </Text>
          </Alert>
          {told.missing.length > 0 && (
            <Text
              size="sm"
              c="yellow"
            >{`Empty in the body, since this event does not have it: ${told.missing.join(', ')}.`}</Text>
          )}
          {request && (
            <RequestView
              url={request.url === noAddress ? null : request.url}
              headers={request.headers}
              body={request.body}
              className={classes['text']!}
            />
          )}
        </Stack>
      )}
    </Paper>
  );
}

async function actionsOf(subject: Subject, signal: AbortSignal): Promise<ActionRelation[]> {
  const { pipelineId, resourceType, resourceId, operation } = subject;
  if (pipelineId !== null)
    return await listPipelineActions({ path: { pipeline_id: pipelineId }, query: { per_page: 50 }, signal });
  return await listActionsByResourceType({
    // Safe: both are those of a hook.
    path: { resource_type: resourceType as Hook['resource_type'], resource_id: resourceId },
    query: { per_page: 50, operation: operation as Hook['action_type'] },
    signal,
  });
}
