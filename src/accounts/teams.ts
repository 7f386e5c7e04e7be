import type { Selectable } from 'kysely';
import { Type, type Static } from 'typebox';
import { isoTime } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import type { Database } from '../platform/database/schema.ts';
import { Nullable, Time } from '../platform/http/schemas.ts';
import { UserRelation, type UserLookup } from './present.ts';

export type TeamRow = Selectable<Database['teams']>;

export const TeamRelation = Type.Object(
  {
    id: Type.Integer(),
    name: Type.String(),
    photo_url: Nullable(Type.String()),
    created_by_user: Nullable(UserRelation),
    created_at: Time,
    updated_at: Time,
  },
  { title: 'TeamRelation' },
);

export function presentTeam(row: TeamRow, users: UserLookup): Static<typeof TeamRelation> {
  return {
    id: row.id,
    name: row.name,
    photo_url: row.photo_url,
    created_by_user: users(row.created_by),
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  };
}

/** The teams that have a role on the environment itself. */
export async function teamsOfEnvironment(db: Db, environmentId: number): Promise<TeamRow[]> {
  return await db
    .selectFrom('teams')
    .innerJoin('team_links', 'team_links.team_id', 'teams.id')
    .where('team_links.environment_id', '=', environmentId)
    .selectAll('teams')
    .orderBy('teams.id', 'desc')
    .execute();
}
