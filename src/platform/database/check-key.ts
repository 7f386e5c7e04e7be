import { ConfigFault } from '../config-fault.ts';
import type { SecretBox } from '../secret-box.ts';
import type { Db } from './connect.ts';
import { countSealed } from './reseal.ts';

/** Refuses to start without the keys that the database's secrets were sealed with. */
export async function checkKey(db: Db, box: SecretBox): Promise<void> {
  const keyIds = box.keyIds();
  await db
    .insertInto('meta')
    .values({ key: 'secret_key_id', value: keyIds[0] })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute();
  const { value } = await db
    .selectFrom('meta')
    .select('value')
    .where('key', '=', 'secret_key_id')
    .executeTakeFirstOrThrow();
  if (!keyIds.includes(value)) {
    throw new ConfigFault(
      `The secrets in this database were sealed with key ${value}, but the key given is ${keyIds.join(', ')}. ` +
        'Put the right key into HOOKLINE_SECRET_KEY, or restore the file secret.key of the data folder from a backup.',
    );
  }
  // A rotation that was not complete when its old key was taken away, or that other nodes have not heard of.
  const missing = missingKeys(await countSealed(db), keyIds);
  if (missing.length > 0) throw new ConfigFault(`${missing.join(' ')} ${addIt}`);
}

/** Notes that everything is sealed with this key. */
export async function recordKey(db: Db, keyId: string): Promise<void> {
  await db
    .insertInto('meta')
    .values({ key: 'secret_key_id', value: keyId })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value: keyId }))
    .execute();
}

/** A sentence for each key that values need and that is not known. */
export function missingKeys(counts: { keyId: string; count: number }[], known: string[]): string[] {
  const needed = new Map<string, number>();
  for (const { keyId, count } of counts) needed.set(keyId, (needed.get(keyId) ?? 0) + count);
  return [...needed]
    .filter(([keyId]) => keyId !== 'unknown' && !known.includes(keyId))
    .map(
      ([keyId, count]) =>
        `${count} ${count === 1 ? 'secret of this database was' : 'secrets of this database were'} sealed with key ${keyId}, but the keys known are ${known.join(', ')}.`,
    );
}

export const addIt =
  'Add that key after the current one, in HOOKLINE_SECRET_KEY after a comma or in the file secret.key on a line of its own.';
