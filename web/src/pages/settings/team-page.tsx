import { Group, Select, Stack, Table, Text, TextInput, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import {
  deleteTeam,
  deleteTeamInvitation,
  deleteTeamMember,
  getTeam,
  linkTeamToEnvironment,
  linkTeamToOrganization,
  linkTeamToProject,
  listTeamInvitations,
  listTeamMembers,
  listTeamMemberships,
  pages,
  unlinkTeamFromEnvironment,
  unlinkTeamFromOrganization,
  unlinkTeamFromProject,
  updateTeam,
  type RoleRelation,
  type Team,
  type TeamMembership,
} from '#sdk';
import { collect } from '../../api/lists.ts';
import { useMe } from '../../api/session.ts';
import { ConfirmButton } from '../../components/confirm-button.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { PageHeader } from '../../components/page-header.tsx';
import { PagePending } from '../../components/page-pending.tsx';
import { StatusBadge } from '../../components/status-badge.tsx';
import { Time } from '../../components/time.tsx';
import { usePlace } from '../../shell/place.tsx';
import { FormButton } from './form-button.tsx';
import { InviteButton } from './invite-button.tsx';
import { projectsQuery, readAgain, rolesQuery } from './settings-data.ts';

/** Where a team has a role. */
type Place = { kind: 'organization' | 'project' | 'environment'; id: number };

export function TeamPage() {
  const { teamId } = useParams({ from: '/shell/settings/teams/$teamId' });
  const team = useQuery({
    queryKey: ['team', Number(teamId)],
    queryFn: ({ signal }) => getTeam({ path: { team_id: Number(teamId) }, signal }),
  });
  if (team.error) return <ErrorNotice error={team.error} onRetry={() => void team.refetch()} />;
  if (!team.data) return <PagePending />;
  return <LoadedTeam team={team.data} />;
}

function LoadedTeam({ team }: { team: Team }) {
  const navigate = useNavigate();
  const path = { team_id: team.id };
  return (
    <>
      <PageHeader title={team.name} id={team.id} crumbs={[{ label: 'Teams', to: '/settings/teams' }]}>
        <FormButton
          label="Rename"
          title={`Rename ${team.name}`}
          submit="Save"
          onSubmit={async ({ text }) => {
            await updateTeam({ path, body: { name: text('name') } });
            await readAgain('team', 'teams', 'people');
          }}
        >
          {(faults) => (
            <TextInput label="Name" name="name" required defaultValue={team.name} error={faults['name']} />
          )}
        </FormButton>
        <ConfirmButton
          title={`Delete the team ${team.name}?`}
          warning="Its members lose what they may do by it, with their very next request. Open invitations end."
          confirm="Delete"
          onConfirm={async () => {
            await deleteTeam({ path });
            await readAgain('teams', 'people');
            await navigate({ to: '/settings/teams' });
          }}
        >
          Delete
        </ConfirmButton>
        <InviteButton teams={[team]} chosen={team.id} />
      </PageHeader>
      <Stack gap="xl">
        <Roles team={team} />
        <Members team={team} />
        <Invitations team={team} />
      </Stack>
    </>
  );
}

function Roles({ team }: { team: Team }) {
  const organizationId = team.organization?.id ?? 0;
  const memberships = useQuery({
    queryKey: ['memberships', team.id],
    queryFn: ({ signal }) => collect(pages(listTeamMemberships, { path: { team_id: team.id }, signal })),
  });
  const { data: roles = [] } = useQuery(rolesQuery(organizationId));
  const { data: projects = [] } = useQuery(projectsQuery(organizationId));
  const { environments } = usePlace();
  const taken = new Set((memberships.data ?? []).map((one) => keyOf(placeOf(one))));
  const places = [
    {
      group: 'Organization',
      items: [{ value: `organization-${organizationId}`, label: team.organization?.name ?? '' }],
    },
    {
      group: 'Projects',
      items: projects.map(({ id, name }) => ({ value: `project-${id}`, label: name })),
    },
    {
      group: 'Environments',
      items: environments
        .filter(({ project }) => projects.some(({ id }) => id === project?.id))
        .map(({ id, name, project }) => ({
          value: `environment-${id}`,
          label: `${project?.name} / ${name}`,
        })),
    },
  ]
    .map(({ group, items }) => ({ group, items: items.filter(({ value }) => !taken.has(value)) }))
    .filter(({ items }) => items.length > 0);
  return (
    <Part
      title="Roles"
      error={memberships.error}
      text={memberships.data?.length === 0 ? 'No role anywhere yet: its members may do nothing.' : null}
      button={
        <FormButton
          label="Give a role"
          button={{ size: 'compact-sm', disabled: places.length === 0 }}
          title={`Give ${team.name} a role`}
          submit="Give it"
          onSubmit={async ({ text }) => {
            const [kind, id] = text('place').split('-');
            await giveRole(team.id, { kind: kindOf(kind), id: Number(id) }, Number(text('role_id')));
          }}
        >
          {(faults) => (
            <>
              <Select
                label="Where"
                description="The role holds there and in everything below."
                name="place"
                required
                searchable
                allowDeselect={false}
                data={places}
                defaultValue={places[0]?.items[0]?.value ?? null}
              />
              <Select
                label="Role"
                name="role_id"
                required
                allowDeselect={false}
                data={roles.map(({ id, name }) => ({ value: String(id), label: name }))}
                defaultValue={roles.at(-1) ? String(roles.at(-1)?.id) : null}
                error={faults['role_id']}
              />
            </>
          )}
        </FormButton>
      }
    >
      <Table aria-label="Roles of the team">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Where</Table.Th>
            <Table.Th>Role</Table.Th>
            <Table.Th>Change</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {memberships.data?.map((membership) => (
            <Membership key={keyOf(placeOf(membership))} team={team} membership={membership} roles={roles} />
          ))}
        </Table.Tbody>
      </Table>
    </Part>
  );
}

function Membership({
  team,
  membership,
  roles,
}: {
  team: Team;
  membership: TeamMembership;
  roles: RoleRelation[];
}) {
  const [error, setError] = useState<unknown>(null);
  // Shown at once; what the server says wins.
  const [chosen, setChosen] = useState<string | null>(null);
  const place = placeOf(membership);
  const name =
    membership.environment?.name ?? membership.project?.name ?? membership.organization?.name ?? '–';
  const change = async (roleId: string) => {
    setChosen(roleId);
    setError(null);
    try {
      await giveRole(team.id, place, Number(roleId));
    } catch (fault) {
      setError(fault);
    } finally {
      setChosen(null);
    }
  };
  return (
    <Table.Tr>
      <Table.Td>
        {name}
        <Text size="xs" c="dimmed">
          {place.kind}
        </Text>
      </Table.Td>
      <Table.Td>
        <Select
          size="xs"
          w={{ base: 110, sm: 150 }}
          aria-label={`Role on ${name}`}
          allowDeselect={false}
          data={roles.map((role) => ({ value: String(role.id), label: role.name }))}
          value={chosen ?? (membership.role ? String(membership.role.id) : null)}
          onChange={(value) => value && void change(value)}
        />
        {error !== null && <ErrorNotice error={error} />}
      </Table.Td>
      <Table.Td>
        <ConfirmButton
          size="compact-sm"
          aria-label={`Take the role on ${name} away`}
          title={`Take the role on ${name} away?`}
          warning={`The members of ${team.name} lose it with their very next request.`}
          confirm="Take it away"
          onConfirm={() => takeRole(team.id, place)}
        >
          Take away
        </ConfirmButton>
      </Table.Td>
    </Table.Tr>
  );
}

function Members({ team }: { team: Team }) {
  const me = useMe();
  const members = useQuery({
    queryKey: ['members', team.id],
    queryFn: ({ signal }) => collect(pages(listTeamMembers, { path: { team_id: team.id }, signal })),
  });
  return (
    <Part
      title="Members"
      error={members.error}
      text={members.data?.length === 0 ? 'Nobody yet. Invite somebody.' : null}
    >
      <Table aria-label="Members of the team">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th visibleFrom="sm">Since</Table.Th>
            <Table.Th>Change</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {members.data?.map(
            ({ user, created_at }) =>
              user && (
                <Table.Tr key={user.id}>
                  <Table.Td>
                    {user.name}
                    {user.id === me?.id && ' (you)'}
                    <Text size="xs" c="dimmed">
                      {user.email}
                    </Text>
                  </Table.Td>
                  <Table.Td visibleFrom="sm">
                    <Time at={created_at} />
                  </Table.Td>
                  <Table.Td>
                    <ConfirmButton
                      size="compact-sm"
                      aria-label={`Remove ${user.name}`}
                      title={`Remove ${user.name} from ${team.name}?`}
                      warning={
                        user.id === me?.id
                          ? 'That is you: what you may do by this team is gone with your next request.'
                          : 'What they may do by this team is gone with their next request, whatever token it comes with.'
                      }
                      confirm="Remove"
                      onConfirm={async () => {
                        await deleteTeamMember({ path: { team_id: team.id, user_id: user.id } });
                        await readAgain('members', 'people', 'team');
                      }}
                    >
                      Remove
                    </ConfirmButton>
                  </Table.Td>
                </Table.Tr>
              ),
          )}
        </Table.Tbody>
      </Table>
    </Part>
  );
}

function Invitations({ team }: { team: Team }) {
  const invitations = useQuery({
    queryKey: ['invitations', team.id],
    queryFn: ({ signal }) => collect(pages(listTeamInvitations, { path: { team_id: team.id }, signal })),
  });
  if (invitations.data?.length === 0) return null;
  return (
    <Part title="Invitations" error={invitations.error} text={null}>
      <Table aria-label="Invitations to the team">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>For</Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th visibleFrom="sm">Expires</Table.Th>
            <Table.Th>Change</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {invitations.data?.map((invitation) => {
            const who = invitation.email ?? 'Everybody with the link';
            return (
              <Table.Tr key={invitation.id}>
                <Table.Td>{who}</Table.Td>
                <Table.Td>
                  <StatusBadge status={invitation.status}>{invitation.status_human_readable}</StatusBadge>
                </Table.Td>
                <Table.Td visibleFrom="sm">
                  <Time at={invitation.expires_at} />
                </Table.Td>
                <Table.Td>
                  <ConfirmButton
                    size="compact-sm"
                    aria-label={`Delete the invitation for ${who}`}
                    title="Delete the invitation?"
                    warning="Its link no longer works."
                    confirm="Delete"
                    onConfirm={async () => {
                      await deleteTeamInvitation({ path: { team_invitation_id: invitation.id } });
                      await readAgain('invitations');
                    }}
                  >
                    Delete
                  </ConfirmButton>
                </Table.Td>
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
    </Part>
  );
}

function Part({
  title,
  error,
  text,
  button,
  children,
}: {
  title: string;
  error: Error | null;
  /** In place of the list. */
  text: string | null;
  button?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section aria-label={title}>
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h4">
          {title}
        </Title>
        {button}
      </Group>
      {error ? (
        <ErrorNotice error={error} />
      ) : text ? (
        <Text c="dimmed" size="sm">
          {text}
        </Text>
      ) : (
        children
      )}
    </section>
  );
}

function placeOf({ environment, project, organization }: TeamMembership): Place {
  if (environment) return { kind: 'environment', id: environment.id };
  if (project) return { kind: 'project', id: project.id };
  return { kind: 'organization', id: organization?.id ?? 0 };
}

function keyOf({ kind, id }: Place): string {
  return `${kind}-${id}`;
}

function kindOf(text: string | undefined): Place['kind'] {
  return text === 'environment' || text === 'project' ? text : 'organization';
}

async function giveRole(team_id: number, { kind, id }: Place, role_id: number): Promise<void> {
  const body = { role_id };
  if (kind === 'environment') await linkTeamToEnvironment({ path: { environment_id: id, team_id }, body });
  else if (kind === 'project') await linkTeamToProject({ path: { project_id: id, team_id }, body });
  else await linkTeamToOrganization({ path: { organization_id: String(id), team_id }, body });
  await readAgain('memberships');
}

async function takeRole(team_id: number, { kind, id }: Place): Promise<void> {
  if (kind === 'environment') await unlinkTeamFromEnvironment({ path: { environment_id: id, team_id } });
  else if (kind === 'project') await unlinkTeamFromProject({ path: { project_id: id, team_id } });
  else await unlinkTeamFromOrganization({ path: { organization_id: String(id), team_id } });
  await readAgain('memberships');
}
