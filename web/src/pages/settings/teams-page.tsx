import { Anchor, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { addOrganizationTeam, type TeamRelation } from '#sdk';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { Time } from '../../components/time.tsx';
import { FormButton } from './form-button.tsx';
import { readAgain, teamsQuery, useOrganization } from './settings-data.ts';

export function TeamsPage() {
  const { organization } = useOrganization();
  const navigate = useNavigate();
  const teams = useQuery({ ...teamsQuery(organization?.id ?? 0), enabled: organization !== null });
  const open = (id: number) => navigate({ to: '/settings/teams/$teamId', params: { teamId: String(id) } });
  return (
    <>
      <PageHeader
        title="Teams"
        description="A team has members, and a role on the whole organization, on projects or on environments."
      >
        {organization && (
          <FormButton
            label="Add a team"
            button={{ variant: 'filled' }}
            title="Add a team"
            submit="Add"
            onSubmit={async ({ text }) => {
              const made = await addOrganizationTeam({
                path: { organization_id: String(organization.id) },
                body: { name: text('name') },
              });
              await readAgain('teams');
              void open(made.id);
            }}
          >
            {(faults) => (
              <TextInput label="Name" name="name" required data-autofocus error={faults['name']} />
            )}
          </FormButton>
        )}
      </PageHeader>
      <DataTable
        label="Teams"
        columns={columns}
        rows={teams.data ?? []}
        rowKey={({ id }) => id}
        onOpen={({ id }) => void open(id)}
        isPending={teams.isPending}
        error={teams.error}
        retry={() => void teams.refetch()}
        empty={
          <EmptyState
            icon="team"
            title="No team yet"
            text="Colleagues come in by a team: add one, give it a role somewhere, and invite them."
          />
        }
      />
    </>
  );
}

const columns: Column<TeamRelation>[] = [
  {
    key: 'name',
    header: 'Name',
    phone: 'bare',
    cell: ({ id, name }) => (
      <Anchor
        size="sm"
        fw={600}
        renderRoot={(props) => (
          <Link to="/settings/teams/$teamId" params={{ teamId: String(id) }} {...props} />
        )}
      >
        {name}
      </Anchor>
    ),
  },
  {
    key: 'by',
    header: 'Made by',
    cell: ({ created_by_user }) => <Text size="sm">{created_by_user?.name ?? '–'}</Text>,
  },
  { key: 'at', header: 'Made', width: '140px', cell: ({ created_at }) => <Time at={created_at} /> },
];
