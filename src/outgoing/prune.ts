import { sql } from 'kysely';
import type { Db } from '../platform/database/connect.ts';
import { pruneOlderThan } from '../platform/database/prune.ts';

/**
 * Removes deliveries from before `olderThan`, with their attempts, and the earlier templates and recoveries that only they
 * could need. What is still open stays.
 */
export async function pruneDeliveries(db: Db, olderThan: number): Promise<void> {
  await pruneOlderThan(db, 'deliveries', olderThan, sql`status in ('pending', 'sending')`);
  await pruneOlderThan(db, 'recoveries', olderThan, sql`status = 'running'`);
  await pruneOlderThan(db, 'hook_versions', olderThan);
}
