import { queryOptions } from '@tanstack/react-query';
import { listOrganizationTeams, listTeamMembers, pages, type TeamRelation, type UserRelation } from '#sdk';
import { collect } from '../../api/lists.ts';

export type Person = { user: UserRelation; teams: TeamRelation[]; since: string };

/** Everybody who is in a team of the organization, by name. */
export const peopleQuery = (organizationId: number) =>
  queryOptions({
    queryKey: ['people', organizationId],
    queryFn: async ({ signal }): Promise<Person[]> => {
      const path = { organization_id: String(organizationId) };
      const teams = await collect(pages(listOrganizationTeams, { path, signal }));
      const people = new Map<number, Person>();
      const members = await Promise.all(
        teams.map(({ id }) => collect(pages(listTeamMembers, { path: { team_id: id }, signal }))),
      );
      for (const [index, team] of teams.entries()) {
        for (const { user, created_at } of members[index] ?? []) {
          if (!user) continue;
          const person = people.get(user.id) ?? { user, teams: [], since: created_at };
          person.teams.push(team);
          if (created_at < person.since) person.since = created_at;
          people.set(user.id, person);
        }
      }
      return [...people.values()].sort((a, b) => a.user.name.localeCompare(b.user.name));
    },
  });
