import type { Db } from '../platform/database/connect.ts';

/** The last thing that a hook received, or that it was to send. */
export type LatestRow = { id: string; outcome: string; reason: string; at: number };

/** By the id of the hook; those that nothing has come of yet are not in it. */
export async function latestOfHooks(db: Db, hookIds: number[]): Promise<Map<number, LatestRow>> {
  if (hookIds.length === 0) return new Map();
  const received = await db
    .selectFrom('hooks')
    .innerJoin('hook_requests as latest', (join) =>
      join.on('latest.id', '=', (eb) =>
        eb
          .selectFrom('hook_requests')
          .select('hook_requests.id')
          .whereRef('hook_requests.hook_id', '=', 'hooks.id')
          .orderBy('hook_requests.id', 'desc')
          .limit(1),
      ),
    )
    .select(['hooks.id as hook_id', 'latest.uuid as id', 'latest.outcome', 'latest.reason'])
    .select('latest.created_at as at')
    .where('hooks.id', 'in', hookIds)
    .execute();
  const sent = await db
    .selectFrom('hooks')
    .innerJoin('deliveries as latest', (join) =>
      join.on('latest.id', '=', (eb) =>
        eb
          .selectFrom('deliveries')
          .select('deliveries.id')
          .whereRef('deliveries.hook_id', '=', 'hooks.id')
          .orderBy('deliveries.id', 'desc')
          .limit(1),
      ),
    )
    .select(['hooks.id as hook_id', 'latest.uuid as id', 'latest.status as outcome', 'latest.reason'])
    .select('latest.updated_at as at')
    .where('hooks.id', 'in', hookIds)
    .execute();
  return new Map([...received, ...sent].map(({ hook_id, ...row }) => [hook_id, row]));
}
