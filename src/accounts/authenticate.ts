import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { AppError } from '../platform/errors.ts';
import { mustComeFromOwnPage, tokenInCookie } from './session-cookie.ts';
import { prolongSession } from './store.ts';
import { hashToken, tokenPrefix } from './tokens.ts';

/** Who is calling, and by which token. For the API token of a project, `userId` is the person who made it. */
export type Principal = {
  userId: number;
  via: 'session' | 'personal_access_token' | 'project_api_token';
  tokenId: string;
  /** Null for a session. */
  tokenName: string | null;
  /** The text of a session's cookie that lasts longer from now on, and has to be set again. */
  prolongedCookie?: string;
};

const notKnown = 'This token is not known. Get a new one with POST /api/users/login.';

/** `last_used_at` is exact to a minute: a token used a hundred times a second does not cause a hundred writes. */
const lastUsedExactToMs = 60_000;

/** A session by cookie ends when it was not used for so long: as long as a refresh token lasts. */
export const cookieSessionSeconds = 30 * 24 * 3600;
/** It is prolonged at most so often. */
const prolongedExactToMs = 3_600_000;

/**
 * By the header `Authorization`, and without one by the cookie of a session. Throws AppError `unauthenticated`, saying
 * whether the token is missing, unknown, expired or revoked, and `forbidden` for another page's use of a cookie.
 */
export async function authenticate(
  { db, clock }: { db: Db; clock: Clock },
  request: { method: string; headers: IncomingHttpHeaders },
): Promise<Principal> {
  const { authorization } = request.headers;
  const cookie = tokenInCookie(request.headers);
  if (authorization === undefined && cookie !== undefined) {
    mustComeFromOwnPage(request);
    return await byCookie(db, cookie, clock.now());
  }
  const token = /^Bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1];
  if (!token) {
    throw new AppError(
      'unauthenticated',
      'Send a token: "Authorization: Bearer <token>". POST /api/users/login gives one.',
    );
  }
  if (token.startsWith(tokenPrefix.personal)) return await byPersonalAccessToken(db, token, clock.now());
  if (token.startsWith(tokenPrefix.project)) return await byProjectApiToken(db, token, clock.now());
  if (!token.startsWith(tokenPrefix.access)) throw new AppError('unauthenticated', notKnown);
  const session = await findSession(db, token);
  if (!session) throw new AppError('unauthenticated', notKnown);
  if (session.access_expires_at <= clock.now()) {
    throw new AppError('unauthenticated', 'This token has expired. Sign in again, or use the refresh token.');
  }
  return inSession(session);
}

/** The token of a cookie is none for the header and the other way round: each keeps to its own rules. */
async function byCookie(db: Db, token: string, now: number): Promise<Principal> {
  const session = token.startsWith(tokenPrefix.cookie) ? await findSession(db, token) : null;
  if (!session || session.access_expires_at <= now) {
    throw new AppError('unauthenticated', 'This session has ended. Sign in again.');
  }
  const expiresAt = now + cookieSessionSeconds * 1000;
  if (expiresAt - session.access_expires_at < prolongedExactToMs) return inSession(session);
  await prolongSession(db, session.id, expiresAt);
  return { ...inSession(session), prolongedCookie: token };
}

type FoundSession = { id: number; user_id: number; access_expires_at: number };

function inSession(session: FoundSession): Principal {
  return { userId: session.user_id, via: 'session', tokenId: String(session.id), tokenName: null };
}

async function findSession(db: Db, token: string): Promise<FoundSession | null> {
  const session = await db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .select(['sessions.id', 'sessions.user_id', 'sessions.access_expires_at', 'users.active'])
    .where('sessions.access_hash', '=', hashToken(token))
    .executeTakeFirst();
  return session?.active ? session : null;
}

async function byPersonalAccessToken(db: Db, token: string, now: number): Promise<Principal> {
  const found = await db
    .selectFrom('personal_access_tokens as token')
    .innerJoin('users', 'users.id', 'token.user_id')
    .select([
      'token.id',
      'token.name',
      'token.user_id',
      'token.expires_at',
      'token.revoked_at',
      'token.last_used_at',
      'users.active',
    ])
    .where('token.token_hash', '=', hashToken(token))
    .executeTakeFirst();
  if (!found || !found.active) throw new AppError('unauthenticated', notKnown);
  mustBeValid(found, now);
  if (isDue(found.last_used_at, now)) {
    await db
      .updateTable('personal_access_tokens')
      .set({ last_used_at: now })
      .where('id', '=', found.id)
      .execute();
  }
  return { userId: found.user_id, via: 'personal_access_token', tokenId: found.id, tokenName: found.name };
}

async function byProjectApiToken(db: Db, token: string, now: number): Promise<Principal> {
  const found = await db
    .selectFrom('project_api_tokens')
    .select(['id', 'name', 'created_by', 'expires_at', 'revoked_at', 'last_used_at'])
    .where('token_hash', '=', hashToken(token))
    .executeTakeFirst();
  if (!found) throw new AppError('unauthenticated', notKnown);
  mustBeValid(found, now);
  if (isDue(found.last_used_at, now)) {
    await db
      .updateTable('project_api_tokens')
      .set({ last_used_at: now })
      .where('id', '=', found.id)
      .execute();
  }
  return { userId: found.created_by, via: 'project_api_token', tokenId: found.id, tokenName: found.name };
}

function mustBeValid(token: { revoked_at: number | null; expires_at: number }, now: number): void {
  if (token.revoked_at !== null) throw new AppError('unauthenticated', 'This token was revoked.');
  if (token.expires_at <= now) throw new AppError('unauthenticated', 'This token has expired.');
}

function isDue(lastUsedAt: number | null, now: number): boolean {
  return lastUsedAt === null || now - lastUsedAt > lastUsedExactToMs;
}
