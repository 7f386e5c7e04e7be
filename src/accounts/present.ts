import { Type, type Static } from 'typebox';
import { isoTime } from '../platform/clock.ts';
import type { Db, Trx } from '../platform/database/connect.ts';
import { Nullable, OneOf, Time, UuidText } from '../platform/http/schemas.ts';
import { findUsers, type TokenRow, type UserRow } from './store.ts';

/** The languages that the reference knows. */
export const languages = ['en', 'pt'] as const;
type Language = (typeof languages)[number];

export const UserRelation = Type.Object(
  {
    id: Type.Integer(),
    name: Type.String(),
    email: Type.String(),
    url_slug: Type.String(),
    language: Nullable(OneOf(languages)),
    active: Type.Boolean(),
    created_at: Time,
    updated_at: Time,
  },
  { title: 'UserRelation' },
);
export type PresentedUser = Static<typeof UserRelation>;

export function presentUser(user: UserRow): PresentedUser {
  return {
    id: user.id,
    name: user.name,
    email: user.email,
    url_slug: slugOf(user.id),
    // Safe: only the schema's values are written.
    language: user.language as Language | null,
    active: user.active === 1,
    created_at: isoTime(user.created_at),
    updated_at: isoTime(user.updated_at),
  };
}

function slugOf(userId: number): string {
  return `user-${userId}`;
}

/** Finds a user among those that were loaded; null for none and for one that is gone. */
export type UserLookup = (id: number | null) => PresentedUser | null;

/** Loads the users of several rows with one query. */
export async function usersById(db: Db | Trx, ids: readonly (number | null)[]): Promise<UserLookup> {
  const rows = await findUsers(
    db,
    ids.filter((id) => id !== null),
  );
  const byId = new Map(rows.map((row) => [row.id, presentUser(row)]));
  return (id) => (id === null ? null : (byId.get(id) ?? null));
}

export const UserMe = Type.Object(
  {
    ...UserRelation.properties,
    social_accounts: Type.Array(Type.Unknown(), {
      description: 'Always empty: Hookline signs in by e-mail.',
    }),
  },
  { title: 'UserMe' },
);

/** What both kinds of token that a person or project keeps show alike. */
export const tokenProperties = {
  id: UuidText,
  name: Type.String(),
  status: OneOf(['active', 'expired', 'revoked']),
  last_used_at: Nullable(Time),
  expires_at: Time,
  revoked_at: Nullable(Time),
  created_at: Time,
  updated_at: Time,
};
export const tokenText = Nullable(
  Type.String({ description: 'Shown once, at creation and rotation; null ever after.' }),
);

export const PersonalAccessTokenRelation = Type.Object(
  { ...tokenProperties, type: OneOf(['personal_access_token']), user: Nullable(UserRelation) },
  { title: 'PersonalAccessTokenRelation' },
);

export const PersonalAccessToken = Type.Object(
  { ...PersonalAccessTokenRelation.properties, token: tokenText },
  { title: 'PersonalAccessToken' },
);

/** Of a personal access token or the API token of a project. */
export function presentToken(
  token: Pick<
    TokenRow,
    'id' | 'name' | 'revoked_at' | 'expires_at' | 'last_used_at' | 'created_at' | 'updated_at'
  >,
  now: number,
) {
  const status: 'active' | 'expired' | 'revoked' =
    token.revoked_at !== null ? 'revoked' : token.expires_at <= now ? 'expired' : 'active';
  return {
    id: token.id,
    name: token.name,
    status,
    last_used_at: isoTime(token.last_used_at),
    expires_at: isoTime(token.expires_at),
    revoked_at: isoTime(token.revoked_at),
    created_at: isoTime(token.created_at),
    updated_at: isoTime(token.updated_at),
  };
}

export function presentPersonalAccessToken(
  token: TokenRow,
  user: UserRow,
  now: number,
): Static<typeof PersonalAccessTokenRelation> {
  return { ...presentToken(token, now), type: 'personal_access_token', user: presentUser(user) };
}
