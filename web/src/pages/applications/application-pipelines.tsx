import { Anchor, Button, Group, Text } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import type { PipelineRelation } from '#sdk';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { Icon } from '../../components/icon.tsx';

type Props = {
  applicationId: number;
  pipelines: PipelineRelation[] | undefined;
  error: Error | null;
  retry: () => void;
};

export function ApplicationPipelines({ applicationId, pipelines, error, retry }: Props) {
  const navigate = useNavigate();
  const add = (
    <Button
      leftSection={<Icon name="plus" />}
      renderRoot={(props) => (
        <Link
          to="/pipelines/new"
          // Safe: the page reads it from the address.
          search={{ of: `application-${applicationId}` } as never}
          {...props}
        />
      )}
    >
      New pipeline
    </Button>
  );
  return (
    <>
      {pipelines && pipelines.length > 0 && (
        <Group justify="flex-end" mb="sm">
          {add}
        </Group>
      )}
      <DataTable
        label="Pipelines of the application"
        columns={columns}
        rows={pipelines ?? []}
        isPending={!pipelines && !error}
        error={error}
        retry={retry}
        rowKey={({ id }) => id}
        onOpen={({ id }) =>
          void navigate({ to: '/pipelines/$pipelineId', params: { pipelineId: String(id) } })
        }
        empty={
          <EmptyState
            title="No pipelines yet"
            icon="pipelines"
            text="A pipeline says what is done with the application: deploy, restart, stop. It is run by hooks or by hand."
          >
            {add}
          </EmptyState>
        }
      />
    </>
  );
}

const columns: Column<PipelineRelation>[] = [
  {
    key: 'name',
    header: 'Pipeline',
    phone: 'bare',
    cell: (row) => (
      <Anchor
        fw={500}
        inherit
        renderRoot={(props) => (
          <Link to="/pipelines/$pipelineId" params={{ pipelineId: String(row.id) }} {...props} />
        )}
      >
        {row.name}
      </Anchor>
    ),
  },
  { key: 'does', header: 'Does', cell: (row) => row.operation_human_readable },
  {
    key: 'releases',
    header: 'Makes releases',
    cell: (row) => (row.default_steps ? 'Yes' : 'No, only its steps'),
  },
  {
    key: 'id',
    header: 'Id',
    width: '60px',
    phone: 'hidden',
    cell: (row) => (
      <Text span inherit c="dimmed" ff="monospace">
        {row.id}
      </Text>
    ),
  },
];
