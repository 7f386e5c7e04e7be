import { statSync } from 'node:fs';
import type { Config } from '../config.ts';
import { ConfigFault } from '../platform/config-fault.ts';
import { connectBeside, type Connection, type Db } from '../platform/database/connect.ts';
import { lockFile } from '../platform/database/file-lock.ts';
import { isMigrated } from '../platform/database/migrate.ts';
import { keyFilePath, watchKeyFile } from '../platform/key-file.ts';
import { createSecretBox, type KeySource, type SecretBox } from '../platform/secret-box.ts';

/** What the commands about secrets work with, beside a server that may be running. */
export type Secrets = {
  db: Db;
  dialect: Connection['dialect'];
  keys: KeySource;
  box: SecretBox;
  /** Where the keys are kept, or null when they come from the environment. */
  keyFile: string | null;
  /** What `meta` names as the key that everything is sealed with. */
  recordedKeyId: string | null;
};

/** Unlike a start it makes neither a key nor a database. Throws ConfigFault with a sentence when one is missing. */
export async function withSecrets(config: Config, work: (secrets: Secrets) => Promise<void>): Promise<void> {
  const { secretKeys } = config;
  const keyFile = secretKeys ? null : keyFilePath(config.dataDirectory);
  if (keyFile !== null && !statSync(keyFile, { throwIfNoEntry: false })) {
    throw new ConfigFault(
      `There is no key file ${keyFile}. Set HOOKLINE_DATA, or HOOKLINE_SECRET_KEY, as the server has it.`,
    );
  }
  // Two rotations at once would each write a key file that lacks the other's new key.
  const lock = keyFile === null ? null : lockFile(`${keyFile}.lock`);
  if (keyFile !== null && !lock) {
    throw new ConfigFault('Another command is working with the keys of this data folder. Wait for its end.');
  }
  try {
    const keys: KeySource = secretKeys ? () => secretKeys : watchKeyFile(keyFile!);
    const connection = await connectBeside(config);
    try {
      if (!(await isMigrated(connection).catch(() => false))) {
        throw new ConfigFault(
          'The database does not have the form that this version of Hookline needs. Start this version once, then run the command again.',
        );
      }
      const { db, dialect } = connection;
      const recorded = await db
        .selectFrom('meta')
        .select('value')
        .where('key', '=', 'secret_key_id')
        .executeTakeFirst();
      const box = createSecretBox(keys);
      await work({ db, dialect, keys, box, keyFile, recordedKeyId: recorded?.value ?? null });
    } finally {
      await connection.close();
    }
  } finally {
    lock?.unlock();
  }
}
