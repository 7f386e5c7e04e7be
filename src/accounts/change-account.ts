import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { orTaken } from '../platform/database/errors.ts';
import { AppError, invalid } from '../platform/errors.ts';
import { networkOf } from '../platform/network-of.ts';
import type { Principal } from './authenticate.ts';
import { hashPassword, verifyPassword } from './passwords.ts';
import { deleteOtherSessions, findUser, updateUser } from './store.ts';
import type { Throttle } from './throttle.ts';

export const mostPasswordCharacters = 1024;

export const emailPattern = /^[^@\s]+@[^@\s]+$/;
/** Of the address that an account is opened with or changed to. */
export const emailRules = { minLength: 3, maxLength: 320, pattern: emailPattern.source };

/** Changes the caller's own account. Throws `invalid` for a wrong current password, and `too_many` for guessing it. */
export async function changeAccount(
  { db, clock, throttle }: { db: Db; clock: Clock; throttle: Throttle },
  principal: Principal,
  input: {
    name?: string;
    email?: string;
    language?: 'en' | 'pt';
    password?: string;
    current_password?: string;
    ipAddress: string;
  },
): Promise<void> {
  const user = await findUser(db, principal.userId);
  if (!user) throw new AppError('unauthenticated', 'This account no longer exists.');
  const email = input.email?.trim().toLowerCase() ?? user.email;
  const isSensitive = input.password !== undefined || email !== user.email;
  if (isSensitive) {
    const field = 'current_password';
    if (input.current_password === undefined) {
      throw invalid([{ field, message: 'is required to change the e-mail address or the password' }]);
    }
    const keys = [`address ${networkOf(input.ipAddress)}`, `account ${user.email}`];
    throttle.begin(keys);
    if (!(await verifyPassword(input.current_password, user.password_hash)))
      throw invalid([{ field, message: 'is wrong' }]);
    throttle.succeeded(keys);
  }
  const password_hash = input.password === undefined ? null : await hashPassword(input.password);
  const change = db.transaction().execute(async (trx) => {
    await updateUser(trx, user.id, {
      name: input.name ?? user.name,
      email,
      language: input.language ?? user.language,
      ...(password_hash === null ? {} : { password_hash }),
      updated_at: clock.now(),
    });
    if (isSensitive) {
      await deleteOtherSessions(trx, user.id, principal.via === 'session' ? Number(principal.tokenId) : 0);
    }
  });
  await orTaken('email', 'is the address of another account', change);
}
