import { randomUUID } from 'node:crypto';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { invalid, notFound } from '../platform/errors.ts';
import {
  findPersonalAccessToken,
  insertPersonalAccessToken,
  updatePersonalAccessToken,
  type TokenRow,
} from './store.ts';
import { hashToken, newToken, readExpiry } from './tokens.ts';

type Context = { db: Db; clock: Clock };

/** Returns the stored token and, this once, its text. `expiresAt` is ISO 8601. Throws `invalid`. */
export async function createPersonalAccessToken(
  { db, clock }: Context,
  input: { userId: number; name: string; expiresAt: string },
): Promise<{ row: TokenRow; token: string }> {
  const token = newToken('personal');
  const now = clock.now();
  const row: TokenRow = {
    id: randomUUID(),
    user_id: input.userId,
    name: input.name,
    token_hash: hashToken(token),
    last_used_at: null,
    expires_at: readExpiry(input.expiresAt, now),
    revoked_at: null,
    created_at: now,
    updated_at: now,
  };
  await insertPersonalAccessToken(db, row);
  return { row, token };
}

/** The old text stops working at once. A revoked token is not brought back. Throws `not_found` or `invalid`. */
export async function rotatePersonalAccessToken(
  context: Context,
  input: { userId: number; id: string; expiresAt: string },
): Promise<{ row: TokenRow; token: string }> {
  const row = await ownToken(context.db, input);
  if (row.revoked_at !== null)
    throw invalid([{ field: 'id', message: 'names a revoked token; create a new one' }]);
  const token = newToken('personal');
  const now = context.clock.now();
  const change = {
    token_hash: hashToken(token),
    expires_at: readExpiry(input.expiresAt, now),
    updated_at: now,
  };
  await updatePersonalAccessToken(context.db, row.id, change);
  return { row: { ...row, ...change }, token };
}

export async function revokePersonalAccessToken(
  context: Context,
  input: { userId: number; id: string },
): Promise<void> {
  const row = await ownToken(context.db, input);
  const now = context.clock.now();
  if (row.revoked_at === null) {
    await updatePersonalAccessToken(context.db, row.id, { revoked_at: now, updated_at: now });
  }
}

/** Someone else's token is answered like one that does not exist. */
export async function ownToken(db: Db, { userId, id }: { userId: number; id: string }): Promise<TokenRow> {
  const row = await findPersonalAccessToken(db, userId, id);
  if (!row) throw notFound('The personal access token');
  return row;
}
