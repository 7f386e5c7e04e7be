import type { Config } from '../config.ts';
import { connect } from '../platform/database/connect.ts';
import { migrate } from '../platform/database/migrate.ts';

export async function migrateCommand(config: Config): Promise<void> {
  const connection = await connect(config, console.error);
  try {
    const done = await migrate(connection);
    console.log(done.length > 0 ? `Migrated: ${done.join(', ')}.` : 'The database is up to date.');
  } finally {
    await connection.close();
  }
}
