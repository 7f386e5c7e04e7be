import { Type, type Static } from 'typebox';
import { isoTime } from '../platform/clock.ts';
import { Nullable, Time } from '../platform/http/schemas.ts';
import type { TokenRow, UserRow } from './store.ts';

export const UserRelation = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  email: Type.String(),
  url_slug: Type.String(),
  language: Nullable(Type.String()),
  active: Type.Boolean(),
  created_at: Time,
  updated_at: Time,
});

export function presentUser(user: UserRow): Static<typeof UserRelation> {
  return {
    id: user.id,
    name: user.name,
    email: user.email,
    url_slug: `user-${user.id}`,
    language: null,
    active: user.active === 1,
    created_at: isoTime(user.created_at),
    updated_at: isoTime(user.updated_at),
  };
}

export const UserMe = Type.Object({
  ...UserRelation.properties,
  social_accounts: Type.Array(Type.Unknown()),
});

export const PersonalAccessTokenRelation = Type.Object({
  id: Type.String(),
  name: Type.String(),
  type: Type.Literal('personal_access_token'),
  status: Type.Unsafe<'active' | 'expired' | 'revoked'>({
    type: 'string',
    enum: ['active', 'expired', 'revoked'],
  }),
  user: Nullable(UserRelation),
  last_used_at: Nullable(Time),
  expires_at: Time,
  revoked_at: Nullable(Time),
  created_at: Time,
  updated_at: Time,
});

export const PersonalAccessToken = Type.Object({
  ...PersonalAccessTokenRelation.properties,
  token: Nullable(Type.String({ description: 'Shown once, at creation and rotation; null ever after.' })),
});

export function presentPersonalAccessToken(
  token: TokenRow,
  user: UserRow,
  now: number,
): Static<typeof PersonalAccessTokenRelation> {
  return {
    id: token.id,
    name: token.name,
    type: 'personal_access_token',
    status: token.revoked_at !== null ? 'revoked' : token.expires_at <= now ? 'expired' : 'active',
    user: presentUser(user),
    last_used_at: isoTime(token.last_used_at),
    expires_at: isoTime(token.expires_at),
    revoked_at: isoTime(token.revoked_at),
    created_at: isoTime(token.created_at),
    updated_at: isoTime(token.updated_at),
  };
}
