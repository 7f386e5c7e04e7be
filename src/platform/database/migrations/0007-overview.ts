import { sql } from 'kysely';
import type { Db } from '../connect.ts';

/** What an environment's overview asks for is found without a look at everything else that ever ran there. */
export async function up(db: Db): Promise<void> {
  await sql`create index actions_failed on actions (environment_id, id) where status = 'failed'`.execute(db);
  await sql`create index hooks_environment on hooks (environment_id)`.execute(db);
}
