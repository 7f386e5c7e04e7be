import { ConfigFault } from '../config-fault.ts';
import type { SecretBox } from '../secret-box.ts';
import type { Db } from './connect.ts';

/** Refuses to start with another key than the one that the database's secrets were sealed with. */
export async function checkKey(db: Db, box: SecretBox): Promise<void> {
  await db
    .insertInto('meta')
    .values({ key: 'secret_key_id', value: box.keyId })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute();
  const { value } = await db
    .selectFrom('meta')
    .select('value')
    .where('key', '=', 'secret_key_id')
    .executeTakeFirstOrThrow();
  if (value === box.keyId) return;
  throw new ConfigFault(
    `The secrets in this database were sealed with key ${value}, but the key given is ${box.keyId}. ` +
      'Put the right key into HOOKLINE_SECRET_KEY, or restore the file secret.key of the data folder from a backup.',
  );
}
