import { sql } from 'kysely';
import type { Config } from '../config.ts';
import { systemClock } from '../platform/clock.ts';
import { ConfigFault } from '../platform/config-fault.ts';
import { checkKey, recordKey } from '../platform/database/check-key.ts';
import { reseal } from '../platform/database/reseal.ts';
import { newKey, replaceKeys } from '../platform/key-file.ts';
import { keyId } from '../platform/secret-box.ts';
import { withSecrets, type Secrets } from './open-secrets.ts';

/**
 * Seals every secret again with a new key, while a server may be serving. With a key file the new key is made here, and
 * a serving process finds it there; with keys from the environment the first one given is the new one. It may be
 * interrupted anywhere and run again: the keys are written before the first value that needs them.
 */
export async function secretsRotate(config: Config): Promise<void> {
  await withSecrets(config, async (secrets) => {
    const { db, box, keyFile } = secrets;
    await checkKey(db, box);
    if (keyFile === null) tellKeysOfEnvironment(secrets);
    else addNewKey(secrets, keyFile);
    const current = box.keyIds()[0];
    const { changed, broken } = await reseal(db, box);
    for (const { column, count } of changed) console.log(`  ${column}: ${count} sealed again`);
    if (broken.length > 0) {
      throw new ConfigFault(
        `These could not be opened with any key and were left as they are: ${broken.join(', ')}. All others are sealed with key ${current}. ` +
          'Restore these from a backup, or give them a new value, and run this again.',
      );
    }
    await recordKey(db, current);
    await clearLog(secrets);
    tellWhatIsNext(secrets, current);
  });
}

function addNewKey({ keys, box, recordedKeyId }: Secrets, keyFile: string): void {
  const [current] = box.keyIds();
  if (recordedKeyId !== current) {
    console.log(
      `An earlier rotation to key ${current} did not come to its end, or that key was put into ${keyFile} by hand; going on with it.`,
    );
    return;
  }
  const made = newKey();
  replaceKeys(keyFile, [made, ...keys()]);
  console.log(
    `Made key ${keyId(made)}; it is now the first one in ${keyFile}. A running server uses it at once.`,
  );
}

function tellKeysOfEnvironment({ box }: Secrets): void {
  const [current, ...older] = box.keyIds();
  if (older.length > 0) console.log(`Sealing with key ${current}, the first one of HOOKLINE_SECRET_KEY.`);
  else {
    console.log(
      `HOOKLINE_SECRET_KEY holds one key, ${current}, so there is none to rotate from. To rotate, follow "Keys" in docs/operations.md.`,
    );
  }
}

const mostClearAttempts = 100;
const clearPauseMs = 50;

/**
 * The log of SQLite still holds the old pages until it begins anew. A checkpoint of the server's that is under way makes
 * ours answer "busy" at once, without the wait that a lock has, so it is asked again.
 */
async function clearLog({ db, dialect }: Secrets): Promise<void> {
  if (dialect !== 'sqlite') return;
  for (let attempt = 1; attempt <= mostClearAttempts; attempt++) {
    // The first does the work beside writers, so that the second keeps them waiting for a moment only.
    await sql`pragma wal_checkpoint(passive)`.execute(db);
    const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(db);
    if (rows[0]?.busy === 0) return;
    await systemClock.sleep(clearPauseMs);
  }
  console.log(
    'The log beside the database (hookline.db-wal) is in use and still holds values under the old key. It begins anew when the server is restarted.',
  );
}

function tellWhatIsNext({ box, keyFile }: Secrets, current: string): void {
  const older = box.keyIds().slice(1);
  console.log(`Every secret is sealed with key ${current}.`);
  if (older.length === 0) return;
  console.log(
    keyFile === null
      ? `Once every node has been started with key ${current} first, take ${older.join(', ')} out of HOOKLINE_SECRET_KEY and restart them.`
      : `Key ${older.join(', ')} stays in ${keyFile} for what a running server had in hand. After a minute remove it with: npx hookline secrets forget-old`,
  );
  console.log('Backups made before this need the old key: keep it with them, or make new ones.');
}
