import type { Config } from '../config.ts';
import { addIt, missingKeys } from '../platform/database/check-key.ts';
import { countSealed } from '../platform/database/reseal.ts';
import { withSecrets } from './open-secrets.ts';

/** Prints which keys are known and what each has sealed. Ends with 1 when a key is missing. */
export async function secretsStatus(config: Config): Promise<void> {
  await withSecrets(config, async ({ db, box, keyFile }) => {
    const counts = await countSealed(db);
    const known = box.keyIds();
    console.log(`Keys from ${keyFile ?? 'HOOKLINE_SECRET_KEY'}:`);
    for (const [index, keyId] of known.entries()) {
      const own = counts.filter((count) => count.keyId === keyId);
      const role = index === 0 ? 'seals and opens' : 'opens only';
      console.log(`  ${keyId}  ${role}; secrets: ${own.reduce((sum, { count }) => sum + count, 0)}`);
      for (const { column, count } of own) console.log(`            ${column}: ${count}`);
    }
    const missing = missingKeys(counts, known);
    if (missing.length === 0) return;
    console.error(`${missing.join(' ')} ${addIt}`);
    process.exitCode = 1;
  });
}
