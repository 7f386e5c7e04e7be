import { randomBytes } from 'node:crypto';
import { hashPassword } from '../accounts/passwords.ts';
import { deleteSessionsOf, findUserByEmail, setPassword } from '../accounts/store.ts';
import type { Config } from '../config.ts';
import { ConfigFault } from '../platform/config-fault.ts';
import { connectBeside } from '../platform/database/connect.ts';
import { isMigrated } from '../platform/database/migrate.ts';

/** Also while a server is serving: gives an account a new password, prints it this once, and ends its sessions. Throws ConfigFault for an unknown e-mail. */
export async function resetPassword(config: Config, email: string): Promise<void> {
  const connection = await connectBeside(config);
  try {
    if (!(await isMigrated(connection).catch(() => false)))
      throw new ConfigFault(
        'The database has not the form of this version. Start Hookline once, then try again.',
      );
    const user = await findUserByEmail(connection.db, email);
    if (!user) throw new ConfigFault(`There is no account with the e-mail ${email}.`);
    const password = randomBytes(15).toString('base64url');
    const hash = await hashPassword(password);
    await connection.db.transaction().execute(async (trx) => {
      await setPassword(trx, user.id, hash, Date.now());
      await deleteSessionsOf(trx, user.id);
    });
    console.log(`The new password of ${user.email} is ${password}`);
    console.log(
      'It is shown only now. Sessions of this account have ended; personal access tokens go on working.',
    );
  } finally {
    await connection.close();
  }
}
