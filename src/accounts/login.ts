import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { AppError } from '../platform/errors.ts';
import { networkOf } from '../platform/network-of.ts';
import { verifyPassword } from './passwords.ts';
import { findUser, findUserByEmail, insertSession, takeSessionByRefreshHash } from './store.ts';
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

/** Wrong e-mail and wrong password are told alike, in the same time. Throws `unauthenticated` or `too_many`. */
export async function login(
  context: { db: Db; clock: Clock; throttle: Throttle },
  input: { email: string; password: string; ipAddress: string },
): Promise<IssuedTokens> {
  const keys = [`address ${networkOf(input.ipAddress)}`, `account ${input.email.trim().toLowerCase()}`];
  context.throttle.begin(keys);
  const user = await findUserByEmail(context.db, input.email);
  const matches = await verifyPassword(input.password, user?.active ? user.password_hash : null);
  if (!user || !matches) throw new AppError('unauthenticated', 'E-mail or password is wrong.');
  context.throttle.succeeded(keys);
  return await issueTokens(context, user.id);
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
