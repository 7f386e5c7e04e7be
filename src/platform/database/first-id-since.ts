import type { Db } from './connect.ts';

type Timed =
  | 'actions'
  | 'action_stream'
  | 'hook_requests'
  | 'deliveries'
  | 'delivery_attempts'
  | 'delivery_endings';

/**
 * The first id of a table from `time` (ms since 1970) on; one beyond the last when there is none. Ids rise with time, so it is
 * found by halving.
 */
export async function firstIdSince(db: Db, table: Timed, time: number): Promise<number> {
  const edge = (order: 'asc' | 'desc') =>
    db.selectFrom(table).select('id').orderBy('id', order).limit(1).executeTakeFirst();
  let low = (await edge('asc'))?.id ?? 1;
  let high = ((await edge('desc'))?.id ?? 0) + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const row = await db
      .selectFrom(table)
      .select(['id', 'created_at'])
      .where('id', '>=', middle)
      .orderBy('id')
      .limit(1)
      .executeTakeFirst();
    if (row && row.created_at < time) low = row.id + 1;
    else high = middle;
  }
  return low;
}
