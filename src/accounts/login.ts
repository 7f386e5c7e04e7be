import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { AppError } from '../platform/errors.ts';
import { networkOf } from '../platform/network-of.ts';
import { cookieSessionSeconds } from './authenticate.ts';
import { verifyPassword } from './passwords.ts';
import { findUser, findUserByEmail, insertSession, takeSessionByRefreshHash, type UserRow } from './store.ts';
import type { Throttle } from './throttle.ts';
import { hashToken, newToken } from './tokens.ts';

const accessTokenSeconds = 24 * 3600;
const refreshTokenSeconds = 30 * 24 * 3600;

export type IssuedTokens = {
  token_type: 'Bearer';
  /** Seconds. */
  expires_in: number;
  access_token: string;
  refresh_token: string;
};

type Context = { db: Db; clock: Clock; throttle: Throttle };
type Credentials = { email: string; password: string; ipAddress: string };

/** Wrong e-mail and wrong password are told alike, in the same time. Throws `unauthenticated` or `too_many`. */
export async function login(context: Context, input: Credentials): Promise<IssuedTokens> {
  return await issueTokens(context, (await whoSignsIn(context, input)).id);
}

/** The same for the dashboard: one token, for a cookie. */
export async function beginCookieSession(
  context: Context,
  input: Credentials,
): Promise<{ user: UserRow; token: string }> {
  const user = await whoSignsIn(context, input);
  const token = newToken('cookie');
  const now = context.clock.now();
  const expiresAt = now + cookieSessionSeconds * 1000;
  await insertSession(context.db, {
    user_id: user.id,
    access_hash: hashToken(token),
    // Of a token that nobody is given: this session is prolonged by being used.
    refresh_hash: hashToken(newToken('refresh')),
    access_expires_at: expiresAt,
    refresh_expires_at: expiresAt,
    created_at: now,
  });
  return { user, token };
}

async function whoSignsIn(context: Context, input: Credentials): Promise<UserRow> {
  const keys = [`address ${networkOf(input.ipAddress)}`, `account ${input.email.trim().toLowerCase()}`];
  context.throttle.begin(keys);
  const user = await findUserByEmail(context.db, input.email);
  const matches = await verifyPassword(input.password, user?.active ? user.password_hash : null);
  if (!user || !matches) throw new AppError('unauthenticated', 'E-mail or password is wrong.');
  context.throttle.succeeded(keys);
  return user;
}

/** Exchanges a refresh token, which serves once, for a new pair. Throws `unauthenticated`. */
export async function refresh(
  context: { db: Db; clock: Clock },
  refreshToken: string,
): Promise<IssuedTokens> {
  const session = await takeSessionByRefreshHash(context.db, hashToken(refreshToken));
  const user = session && (await findUser(context.db, session.user_id));
  if (!session || !user?.active || session.refresh_expires_at <= context.clock.now()) {
    throw new AppError('unauthenticated', 'This refresh token is not known or has expired. Sign in again.');
  }
  return await issueTokens(context, session.user_id);
}

async function issueTokens({ db, clock }: { db: Db; clock: Clock }, userId: number): Promise<IssuedTokens> {
  const access_token = newToken('access');
  const refresh_token = newToken('refresh');
  const now = clock.now();
  await insertSession(db, {
    user_id: userId,
    access_hash: hashToken(access_token),
    refresh_hash: hashToken(refresh_token),
    access_expires_at: now + accessTokenSeconds * 1000,
    refresh_expires_at: now + refreshTokenSeconds * 1000,
    created_at: now,
  });
  return { token_type: 'Bearer', expires_in: accessTokenSeconds, access_token, refresh_token };
}
