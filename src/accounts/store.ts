import type { Selectable, Updateable } from 'kysely';
import type { Db, Trx } from '../platform/database/connect.ts';
import { listPage } from '../platform/database/listing.ts';
import type { Database } from '../platform/database/schema.ts';
import type { Page, Listing } from '../platform/http/pagination.ts';

export type UserRow = Selectable<Database['users']>;
export type TokenRow = Selectable<Database['personal_access_tokens']>;

export async function insertUser(
  db: Db | Trx,
  user: { name: string; email: string; password_hash: string; now: number },
): Promise<UserRow> {
  return await db
    .insertInto('users')
    .values({
      name: user.name,
      email: user.email.toLowerCase(),
      password_hash: user.password_hash,
      active: 1,
      created_at: user.now,
      updated_at: user.now,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

export async function findUser(db: Db | Trx, id: number): Promise<UserRow | undefined> {
  return await db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function findUsers(db: Db | Trx, ids: readonly number[]): Promise<UserRow[]> {
  if (ids.length === 0) return [];
  return await db
    .selectFrom('users')
    .selectAll()
    .where('id', 'in', [...new Set(ids)])
    .execute();
}

export async function findUserByEmail(db: Db | Trx, email: string): Promise<UserRow | undefined> {
  return await db
    .selectFrom('users')
    .selectAll()
    .where('email', '=', email.trim().toLowerCase())
    .executeTakeFirst();
}

export async function insertSession(
  db: Db,
  session: Omit<Selectable<Database['sessions']>, 'id'>,
): Promise<void> {
  await db.deleteFrom('sessions').where('refresh_expires_at', '<', session.created_at).execute();
  await db.insertInto('sessions').values(session).execute();
}

/** A session by cookie, which has no refresh token: both ends move together. */
export async function prolongSession(db: Db, id: number, expiresAt: number): Promise<void> {
  await db
    .updateTable('sessions')
    .set({ access_expires_at: expiresAt, refresh_expires_at: expiresAt })
    .where('id', '=', id)
    .execute();
}

/** Removes the session of a refresh token and returns its user, so that a refresh token serves once. */
export async function takeSessionByRefreshHash(
  db: Db,
  refreshHash: string,
): Promise<{ user_id: number; refresh_expires_at: number } | undefined> {
  return await db
    .deleteFrom('sessions')
    .where('refresh_hash', '=', refreshHash)
    .returning(['user_id', 'refresh_expires_at'])
    .executeTakeFirst();
}

/** Ends the sessions of a user but for one. */
export async function deleteOtherSessions(trx: Trx, userId: number, exceptId: number): Promise<void> {
  await trx.deleteFrom('sessions').where('user_id', '=', userId).where('id', '!=', exceptId).execute();
}

export async function deleteSessionsOf(db: Db, userId: number): Promise<void> {
  await db.deleteFrom('sessions').where('user_id', '=', userId).execute();
}

export async function updateUser(
  db: Db | Trx,
  id: number,
  change: Updateable<Database['users']>,
): Promise<void> {
  await db.updateTable('users').set(change).where('id', '=', id).execute();
}

export async function setPassword(db: Db, userId: number, hash: string, now: number): Promise<void> {
  await db
    .updateTable('users')
    .set({ password_hash: hash, updated_at: now })
    .where('id', '=', userId)
    .execute();
}

export async function deleteSession(db: Db, id: number): Promise<void> {
  await db.deleteFrom('sessions').where('id', '=', id).execute();
}

export async function insertPersonalAccessToken(db: Db, token: TokenRow): Promise<void> {
  await db.insertInto('personal_access_tokens').values(token).execute();
}

export async function findPersonalAccessToken(
  db: Db,
  userId: number,
  id: string,
): Promise<TokenRow | undefined> {
  return await db
    .selectFrom('personal_access_tokens')
    .selectAll()
    .where('user_id', '=', userId)
    .where('id', '=', id)
    .executeTakeFirst();
}

export async function listPersonalAccessTokens(
  db: Db,
  userId: number,
  page: Page,
): Promise<Listing<TokenRow>> {
  const mine = db
    .selectFrom('personal_access_tokens')
    .where('user_id', '=', userId)
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc');
  return await listPage(mine, page);
}

export async function updatePersonalAccessToken(
  db: Db,
  id: string,
  change: Partial<Pick<TokenRow, 'token_hash' | 'expires_at' | 'revoked_at'>> & { updated_at: number },
): Promise<void> {
  await db.updateTable('personal_access_tokens').set(change).where('id', '=', id).execute();
}
