import { sql, type Selectable } from 'kysely';
import type { Db, Trx } from '../platform/database/connect.ts';
import type { Database } from '../platform/database/schema.ts';

/** How many requests to an incoming hook were refused that nobody had rightly signed, and when the last one was. */
export type HookRefusalsRow = Selectable<Database['hook_refusals']>;

/** By the id of the hook; those without any are not in it. */
export async function refusalsOfHooks(db: Db, hookIds: number[]): Promise<Map<number, HookRefusalsRow>> {
  if (hookIds.length === 0) return new Map();
  const rows = await db.selectFrom('hook_refusals').selectAll().where('hook_id', 'in', hookIds).execute();
  return new Map(rows.map((row) => [row.hook_id, row]));
}

/** Adds to what is there, whoever counted it; a hook that is gone needs no count. */
export async function addRefusals(trx: Trx, refusals: HookRefusalsRow[]): Promise<void> {
  // In the same order on every node, so that no two wait for each other.
  for (const { hook_id, count, last_at } of refusals.toSorted((a, b) => a.hook_id - b.hook_id)) {
    await sql`insert into hook_refusals (hook_id, count, last_at)
      select id, ${sql.lit(count)}, ${sql.lit(last_at)} from hooks where id = ${hook_id}
      on conflict (hook_id) do update set count = hook_refusals.count + excluded.count,
        last_at = case when excluded.last_at > hook_refusals.last_at then excluded.last_at else hook_refusals.last_at end`.execute(
      trx,
    );
  }
}
