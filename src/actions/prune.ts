import type { Db } from '../platform/database/connect.ts';
import { pruneOlderThan } from '../platform/database/prune.ts';

/** Removes output and events from before `olderThan`; the actions themselves stay. */
export async function pruneRuns(db: Db, olderThan: number): Promise<void> {
  await pruneOlderThan(db, 'action_stream', olderThan);
  await pruneOlderThan(db, 'action_events', olderThan);
}
