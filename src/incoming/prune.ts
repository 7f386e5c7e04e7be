import { sql } from 'kysely';
import type { Db } from '../platform/database/connect.ts';
import { pruneOlderThan } from '../platform/database/prune.ts';

/** Removes records of requests from before `olderThan`, with their headers and bodies. */
export async function pruneRequests(db: Db, olderThan: number): Promise<void> {
  await pruneOlderThan(db, 'hook_requests', olderThan);
  await pruneOlderThan(db, 'request_payloads', olderThan);
}

/** Anyone can cause refused requests, so only the last hundred of a hook are kept. */
export async function pruneRefused(db: Db, hookId: number): Promise<void> {
  await sql`delete from hook_requests where hook_id = ${hookId} and outcome = 'refused' and id <= (
    select id from hook_requests where hook_id = ${hookId} and outcome = 'refused' order by id desc limit 1 offset 100)`.execute(
    db,
  );
}
