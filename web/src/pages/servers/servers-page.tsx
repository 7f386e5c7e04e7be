import { Anchor, Text } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { addEnvironmentServer, listEnvironmentServers, type ServerRelation } from '#sdk';
import { useList } from '../../api/lists.ts';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { Time } from '../../components/time.tsx';
import { usePlace } from '../../shell/place.tsx';
import { FormButton } from '../settings/form-button.tsx';
import { readAgain } from '../settings/settings-data.ts';
import { ServerFields, serverOf } from './server-fields.tsx';
import { ServerStatus } from './server-status.tsx';

export function ServersPage() {
  const { environment, isPending, error } = usePlace();
  const navigate = useNavigate();
  const path = { environment_id: environment?.id ?? 0 };
  const list = useList(
    ['servers', path.environment_id],
    listEnvironmentServers,
    { path },
    { enabled: environment !== null },
  );
  const open = (id: number) => navigate({ to: '/servers/$serverId', params: { serverId: String(id) } });
  const add = environment && (
    <FormButton
      label="Add a server"
      button={{ variant: 'filled' }}
      title="Add a server"
      submit="Add"
      onSubmit={async (fields) => {
        const made = await addEnvironmentServer({ path, body: serverOf(fields) });
        await readAgain('servers');
        void open(made.id);
      }}
    >
      {(faults) => <ServerFields faults={faults} />}
    </FormButton>
  );
  const isEmpty = !list.isPending && list.rows.length === 0;
  return (
    <>
      <PageHeader
        title="Servers"
        description="Machines that Hookline runs steps on by SSH. Nothing of Hookline is installed there."
      >
        {isEmpty ? null : add}
      </PageHeader>
      <DataTable
        {...list}
        isPending={list.isPending && (isPending || environment !== null)}
        error={list.error ?? error}
        label="Servers"
        columns={columns}
        rowKey={({ id }) => id}
        onOpen={({ id }) => void open(id)}
        empty={
          <EmptyState
            icon="servers"
            title="No server in this environment"
            text="Without one, steps run on the machine of Hookline itself. Add a server: you get a line to run there once, and the connection is tested for you."
          >
            {add}
          </EmptyState>
        }
      />
    </>
  );
}

const columns: Column<ServerRelation>[] = [
  {
    key: 'name',
    header: 'Name',
    phone: 'bare',
    cell: ({ id, name }) => (
      <Anchor
        size="sm"
        fw={600}
        renderRoot={(props) => <Link to="/servers/$serverId" params={{ serverId: String(id) }} {...props} />}
      >
        {name}
      </Anchor>
    ),
  },
  {
    key: 'address',
    header: 'Address',
    width: '1.4fr',
    cell: ({ ssh_user, ssh_port, ip_address, hostname }) => (
      <Text span size="sm" ff="monospace">
        {ssh_user}@{ip_address ?? hostname}
        {ssh_port === 22 ? '' : `:${ssh_port}`}
      </Text>
    ),
  },
  {
    key: 'status',
    header: 'Status',
    width: '130px',
    cell: ({ status }) => <ServerStatus status={status} />,
  },
  { key: 'changed', header: 'Changed', width: '130px', cell: ({ updated_at }) => <Time at={updated_at} /> },
];
