import type { Selectable } from 'kysely';
import type { Db } from '../platform/database/connect.ts';
import type { Database } from '../platform/database/schema.ts';

/** How an outgoing hook has been doing since its last success; `outgoing/breaker.ts` decides it. */
export type HookHealthRow = Selectable<Database['hook_health']>;

export type BreakerState = 'closed' | 'open' | 'half-open';
export const breakerStates = ['closed', 'open', 'half-open'] as const satisfies BreakerState[];

/** `half-open` is an open breaker whose time is over: the next delivery probes. A hook that is well has no row. */
export function breakerState(
  health: Pick<HookHealthRow, 'state' | 'blocked_until'> | undefined,
  now: number,
): BreakerState {
  if (health?.state !== 'open') return 'closed';
  return (health.blocked_until ?? 0) <= now ? 'half-open' : 'open';
}

/** By the id of the hook; those that are well are not in it. */
export async function healthOfHooks(db: Db, hookIds: number[]): Promise<Map<number, HookHealthRow>> {
  if (hookIds.length === 0) return new Map();
  const rows = await db.selectFrom('hook_health').selectAll().where('hook_id', 'in', hookIds).execute();
  return new Map(rows.map((row) => [row.hook_id, row]));
}

/** What waits is tried at once, whatever came of it before. */
export async function tryAtOnce(db: Db, hookId: number, now: number): Promise<void> {
  await db.deleteFrom('hook_health').where('hook_id', '=', hookId).execute();
  await db
    .updateTable('deliveries')
    .set({ next_attempt_at: now })
    .where('hook_id', '=', hookId)
    .where('status', '=', 'pending')
    .where('next_attempt_at', '>', now)
    .execute();
}
