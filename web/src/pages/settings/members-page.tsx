import { Anchor, Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { Time } from '../../components/time.tsx';
import { InviteButton } from './invite-button.tsx';
import { peopleQuery, type Person } from './people.ts';
import { teamsQuery, useOrganization } from './settings-data.ts';

export function MembersPage() {
  const { organization } = useOrganization();
  const id = organization?.id ?? 0;
  const enabled = organization !== null;
  const people = useQuery({ ...peopleQuery(id), enabled });
  const { data: teams = [] } = useQuery({ ...teamsQuery(id), enabled });
  return (
    <>
      <PageHeader
        title="Members"
        description="Everybody who is in a team. What somebody may do is decided by the roles of their teams."
      >
        <InviteButton teams={teams} />
      </PageHeader>
      <DataTable
        label="Members"
        columns={columns}
        rows={people.data ?? []}
        rowKey={({ user }) => user.id}
        isPending={people.isPending}
        error={people.error}
        retry={() => void people.refetch()}
        empty={
          <EmptyState
            icon="team"
            title="Nobody is in a team yet"
            text="Make a team, give it a role, and invite your colleagues to it."
          >
            <Anchor renderRoot={(props) => <Link to="/settings/teams" {...props} />}>To the teams</Anchor>
          </EmptyState>
        }
      />
    </>
  );
}

const columns: Column<Person>[] = [
  {
    key: 'name',
    header: 'Name',
    phone: 'bare',
    cell: ({ user }) => (
      <Text span size="sm" fw={600}>
        {user.name}
      </Text>
    ),
  },
  { key: 'email', header: 'E-mail', width: '1.4fr', cell: ({ user }) => user.email },
  {
    key: 'teams',
    header: 'Teams',
    cell: ({ teams }) => (
      <Group gap="xs">
        {teams.map(({ id, name }) => (
          <Anchor
            key={id}
            size="sm"
            renderRoot={(props) => (
              <Link to="/settings/teams/$teamId" params={{ teamId: String(id) }} {...props} />
            )}
          >
            {name}
          </Anchor>
        ))}
      </Group>
    ),
  },
  { key: 'since', header: 'Since', width: '120px', cell: ({ since }) => <Time at={since} /> },
];
