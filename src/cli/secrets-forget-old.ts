import { statSync } from 'node:fs';
import type { Config } from '../config.ts';
import { ConfigFault } from '../platform/config-fault.ts';
import { countSealed } from '../platform/database/reseal.ts';
import { replaceKeys } from '../platform/key-file.ts';
import { withSecrets } from './open-secrets.ts';

/** Longer than any write of a server can wait that sealed its value just before the keys were changed. */
const graceMs = 60_000;

/** Takes the keys out of the key file that no secret needs any more. Throws ConfigFault while one does. */
export async function secretsForgetOld(config: Config): Promise<void> {
  await withSecrets(config, async ({ db, box, keys, keyFile, recordedKeyId }) => {
    const [current, ...older] = box.keyIds();
    const counts = await countSealed(db);
    const uses = older.flatMap((keyId) => {
      const own = counts.filter((count) => count.keyId === keyId);
      const places = own.map(({ column, count }) => `${column} (${count})`);
      return places.length > 0 ? [`Key ${keyId} is still needed by ${places.join(', ')}.`] : [];
    });
    if (uses.length > 0 || recordedKeyId !== current) {
      const why = uses.length > 0 ? uses.join(' ') : `The rotation to key ${current} is not complete.`;
      throw new ConfigFault(`Nothing was removed. ${why} Run: npx hookline secrets rotate`);
    }
    if (older.length === 0) {
      console.log(`There is one key, ${current}, and no old one to forget.`);
      return;
    }
    if (keyFile === null) {
      console.log(
        `No secret needs ${older.join(', ')}: take it out of HOOKLINE_SECRET_KEY and restart the nodes.`,
      );
      return;
    }
    const waitMs = statSync(keyFile).mtimeMs + graceMs - Date.now();
    if (waitMs > 0) {
      throw new ConfigFault(
        `Nothing was removed. The keys were changed less than a minute ago, and a running server may still be writing what it sealed before. Run this again in ${Math.ceil(waitMs / 1000)} s.`,
      );
    }
    replaceKeys(keyFile, [keys()[0]]);
    console.log(
      `Removed ${older.join(', ')} from ${keyFile}. Backups made with it cannot be read without it.`,
    );
  });
}
