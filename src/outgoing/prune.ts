import { sql } from 'kysely';
import type { Db } from '../platform/database/connect.ts';
import { pruneOlderThan } from '../platform/database/prune.ts';

/** Removes deliveries from before `olderThan`, with their attempts. One that is still open stays. */
export async function pruneDeliveries(db: Db, olderThan: number): Promise<void> {
  await pruneOlderThan(db, 'deliveries', olderThan, sql`status in ('pending', 'sending')`);
}
