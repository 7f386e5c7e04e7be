import { sql } from 'kysely';
import type { Db } from '../connect.ts';

/** What anyone can cause is found and removed without a look at what else a hook has received. */
export async function up(db: Db): Promise<void> {
  await sql`create index hook_requests_unverified on hook_requests (hook_id, id) where outcome = 'refused' and payload_id is null`.execute(
    db,
  );
  await sql`create index hook_requests_not_run on hook_requests (hook_id, id) where outcome <> 'accepted'`.execute(
    db,
  );
  await sql`create index hook_requests_payload on hook_requests (payload_id) where payload_id is not null`.execute(
    db,
  );
}
