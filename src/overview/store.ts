import { sql, type RawBuilder, type SelectQueryBuilder } from 'kysely';
import { idsIn } from '../accounts/grants.ts';
import { isActive, isPending, type ActionRow } from '../actions/store.ts';
import type { HookRow } from '../hooks/store.ts';
import type { Db } from '../platform/database/connect.ts';
import type { Database } from '../platform/database/schema.ts';

/* Each of these reads an index between two ids, and rows only of what is shown. */

export type Found = { rows: ActionRow[]; count: number };
const mostShown = 20;

/**
 * What runs or waits to run, the oldest first. Indexes: actions_active, actions_pending; the plus keeps SQLite from reading
 * all actions of the environment in their order instead.
 */
export async function underWay(db: Db, environmentId: number): Promise<Found> {
  const found = (condition: RawBuilder<boolean>) =>
    db
      .selectFrom('actions')
      .where(condition)
      .where(sql<boolean>`+actions.environment_id = ${environmentId}`);
  const show = (condition: RawBuilder<boolean>) =>
    found(condition)
      .selectAll()
      .orderBy(sql`+actions.id`)
      .limit(mostShown)
      .execute();
  const rows = [...(await show(isActive)), ...(await show(isPending))].slice(0, mostShown);
  const count = (await countAll(found(isActive))) + (await countAll(found(isPending)));
  return { rows, count };
}

/** Index: actions_failed. */
const hasFailed = sql<boolean>`actions.status = 'failed'`;

/** What has failed, the newest first. */
export async function failedSince(db: Db, environmentId: number, firstId: number): Promise<Found> {
  const found = db
    .selectFrom('actions')
    .where(hasFailed)
    .where('environment_id', '=', environmentId)
    .where('id', '>=', firstId);
  const rows = await found.selectAll().orderBy('id', 'desc').limit(mostShown).execute();
  return { rows, count: await countAll(found) };
}

async function countAll(found: SelectQueryBuilder<Database, 'actions', object>): Promise<number> {
  const { count } = await found
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** How many actions of each hour there were, and how many of them have failed. `bounds` are the first ids of the hours. */
export async function actionsByHour(
  db: Db,
  environmentId: number,
  bounds: number[],
): Promise<{ all: number[]; failed: number[] }> {
  const from = sql`from actions where environment_id = ${environmentId}`;
  return {
    all: await countRanges(db, from, bounds),
    failed: await countRanges(db, sql`${from} and ${hasFailed}`, bounds),
  };
}

/** How many requests the hooks of an environment got, and how many of them ran nothing. */
export async function requestsByHour(
  db: Db,
  hookIds: number[],
  bounds: number[],
): Promise<{ all: number[]; notRun: number[] }> {
  const none = bounds.map(() => 0);
  if (hookIds.length === 0) return { all: none, notRun: none };
  const from = sql`from hook_requests where hook_id in (${sql.join(idsIn(hookIds))})`;
  return {
    all: await countRanges(db, from, bounds),
    // Index: hook_requests_not_run.
    notRun: await countRanges(db, sql`${from} and outcome <> 'accepted'`, bounds),
  };
}

/** One count for each range of ids, in one query. */
async function countRanges(db: Db, from: RawBuilder<unknown>, bounds: number[]): Promise<number[]> {
  const counts = bounds.map((first, index) => {
    const next = bounds[index + 1];
    const end = next === undefined ? sql`` : sql` and id < ${next}`;
    return sql`(select count(*) ${from} and id >= ${first}${end}) as ${sql.ref(`h${index}`)}`;
  });
  const { rows } = await sql<Record<string, number>>`select ${sql.join(counts)}`.execute(db);
  return bounds.map((_, index) => Number(rows[0]?.[`h${index}`] ?? 0));
}

/** So many hooks of an environment are looked at. */
const mostHooks = 2000;

export type ListedHook = Pick<
  HookRow,
  | 'id'
  | 'uuid'
  | 'name'
  | 'direction'
  | 'active'
  | 'pipeline_id'
  | 'resource_type'
  | 'resource_id'
  | 'disabled_at'
  | 'disabled_reason'
>;

/** Index: hooks_environment. */
export async function hooksOfEnvironment(db: Db, environmentId: number): Promise<ListedHook[]> {
  return await db
    .selectFrom('hooks')
    .select([
      'id',
      'uuid',
      'name',
      'direction',
      'active',
      'pipeline_id',
      'resource_type',
      'resource_id',
      'disabled_at',
      'disabled_reason',
    ])
    .where('environment_id', '=', environmentId)
    .orderBy('id')
    .limit(mostHooks)
    .execute();
}

/** Of each hook how many deliveries wait to be sent. Index: deliveries_queue. */
export async function waitingDeliveries(db: Db, hookIds: number[]): Promise<Map<number, number>> {
  return await countByHook(db, hookIds, sql<boolean>`deliveries.status = 'pending'`);
}

/** Of each hook how many have failed. Index: deliveries_failed. */
export async function failedDeliveries(
  db: Db,
  hookIds: number[],
  firstId: number,
): Promise<Map<number, number>> {
  const failed = sql<boolean>`(deliveries.status in ('failed', 'rejected') or deliveries.unrendered = 1)`;
  return await countByHook(db, hookIds, sql<boolean>`${failed} and deliveries.id >= ${firstId}`);
}

async function countByHook(
  db: Db,
  hookIds: number[],
  condition: RawBuilder<boolean>,
): Promise<Map<number, number>> {
  if (hookIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('deliveries')
    .select(['hook_id', (eb) => eb.fn.countAll<number>().as('count')])
    .where(condition)
    .where('hook_id', 'in', idsIn(hookIds))
    .groupBy('hook_id')
    .execute();
  return new Map(rows.map(({ hook_id, count }) => [hook_id, Number(count)]));
}
