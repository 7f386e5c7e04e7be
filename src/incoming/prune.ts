import { sql } from 'kysely';
import type { IncomingHook } from '../hooks/registry.ts';
import type { Db } from '../platform/database/connect.ts';
import { pruneOlderThan } from '../platform/database/prune.ts';

/** Removes records of requests from before `olderThan`, with their headers and bodies. */
export async function pruneRequests(db: Db, olderThan: number): Promise<void> {
  await pruneOlderThan(db, 'hook_requests', olderThan);
  await pruneOlderThan(db, 'request_payloads', olderThan);
}

/**
 * Removes, but for the last hundred of a hook, the records that anyone can cause without running anything: of a hook
 * with a secret what was refused before it was verified, of one without whatever ran nothing. What somebody had run
 * again is his, and stays.
 */
export async function pruneCausedByAnyone(db: Db, { row, definition }: IncomingHook): Promise<void> {
  const causedByAnyone = definition.requires_secret
    ? sql`outcome = 'refused' and payload_id is null`
    : sql`outcome <> 'accepted' and retry_of is null`;
  const { rows } = await sql<{ payload_id: number | null }>`delete from hook_requests
    where hook_id = ${row.id} and ${causedByAnyone} and id <= (
      select id from hook_requests where hook_id = ${row.id} and ${causedByAnyone} order by id desc limit 1 offset 100)
    returning payload_id`.execute(db);
  const payloadIds = [...new Set(rows.map(({ payload_id }) => payload_id))].filter((id) => id !== null);
  // Other records of the same commit may stand in the same payload.
  for (let from = 0; from < payloadIds.length; from += mostIds) {
    const ids = sql.join(payloadIds.slice(from, from + mostIds));
    await sql`delete from request_payloads where id in (${ids}) and not exists (
      select 1 from hook_requests where hook_requests.payload_id = request_payloads.id)`.execute(db);
  }
}

/** In one query, whose text is kept. */
const mostIds = 100;
