import { sql, type Selectable, type SqlBool } from 'kysely';
import type { Connection, Trx } from '../platform/database/connect.ts';
import type { Database } from '../platform/database/schema.ts';
import { liveNodes } from '../platform/node-lease.ts';
import { probeMs } from './breaker.ts';

export type DeliveryRow = Selectable<Database['deliveries']>;

/** `isProbe`: the breaker of its hook is open, and this one tells whether it may close. */
export type ClaimedDelivery = { row: DeliveryRow; context: string | null; isProbe: boolean };

/** How many hooks one statement looks at. */
const hooksPerLook = 32;

/**
 * Takes deliveries that are due, of each hook at most `placesOf(hookId)`, the oldest first. Of one hook and action only
 * the first open one can be taken: that is the order of events. `nextAt` is when there will be something to take again,
 * in ms since 1970: now, when this claim has left something.
 *
 * Hooks are looked at one by one (index deliveries_queue), so that what waits for one costs the others nothing; each
 * candidate costs one probe of deliveries_order.
 */
export async function claimDeliveries(
  connection: Connection,
  options: {
    nodeId: string;
    now: number;
    placesOf: (hookId: number) => number;
    /** How many of a hook the node has already. */
    heldOf: (hookId: number) => number;
    most: number;
  },
): Promise<{ claimed: ClaimedDelivery[]; nextAt: number | null }> {
  const { nodeId, now } = options;
  // A claim that a power cut undoes is made again, so nobody waits for the disk.
  return await connection.transactionSyncedLater(async (trx) => {
    const queues = await listQueues(trx, now);
    let nextAt: number | null = null;
    const lookAgainAt = (at: number | null) => {
      if (at !== null) nextAt = nextAt === null ? at : Math.min(nextAt, at);
    };
    const due = queues.filter((queue) => {
      const isDue = queue.due_at <= now && (queue.blocked_until ?? 0) <= now;
      // What is due may be behind another of its action; the settlement of that one tells.
      lookAgainAt(isDue ? queue.later_at : Math.max(queue.due_at, queue.blocked_until ?? 0));
      return isDue;
    });
    due.sort(inOrderOfClaims(options.heldOf));

    const ids: number[] = [];
    const probing = new Set<number>();
    let left = options.most;
    for (let from = 0; from < due.length && left > 0; from += hooksPerLook) {
      const wanted = due.slice(from, from + hooksPerLook).flatMap(({ hook_id, state }) => {
        const places = state === 'open' ? 1 : options.placesOf(hook_id);
        return places > 0 ? [{ hookId: hook_id, places, isProbe: state === 'open' }] : [];
      });
      const found = await candidates(trx, wanted, now);
      for (const { hookId, places, isProbe } of wanted) {
        const own = found.get(hookId) ?? [];
        if (own.length === 0 || left === 0) continue;
        if (isProbe && !(await beginProbe(trx, hookId, now))) continue;
        const taken = own.slice(0, left);
        ids.push(...taken);
        left -= taken.length;
        if (isProbe) probing.add(hookId);
        else if (taken.length === places) lookAgainAt(now);
      }
    }
    if (left === 0) lookAgainAt(now);
    if (ids.length === 0) return { claimed: [], nextAt };

    const rows = await trx
      .updateTable('deliveries')
      .set({ status: 'sending', claimed_by: nodeId, updated_at: now })
      .where('id', 'in', ids)
      // With PostgreSQL another node may have taken it in this very moment.
      .where('status', '=', 'pending')
      .returningAll()
      .execute();
    const contexts = await contextsOf(trx, rows);
    const claimed = rows
      .sort((a, b) => a.id - b.id)
      .map((row) => ({
        row,
        context: contexts.get(row.event_id) ?? null,
        isProbe: probing.has(row.hook_id),
      }));
    return { claimed, nextAt };
  });
}

/**
 * Who has least under way comes first, or the backlogs of a few hooks, claimed ahead, would keep out all others; of
 * equals the one that has been due for longest. The probes come before them, by id: their rows are locked, and nodes
 * that lock several must do so in one order.
 */
function inOrderOfClaims(heldOf: (hookId: number) => number) {
  return (one: Queue, other: Queue): number => {
    if (one.state === 'open' && other.state === 'open') return one.hook_id - other.hook_id;
    if (one.state === 'open' || other.state === 'open') return one.state === 'open' ? -1 : 1;
    return heldOf(one.hook_id) - heldOf(other.hook_id) || one.due_at - other.due_at;
  };
}

type Queue = {
  hook_id: number;
  /** When its first delivery becomes due, and when the first does that is not due yet. */
  due_at: number;
  later_at: number | null;
  state: 'closed' | 'open' | null;
  blocked_until: number | null;
};

/** The hooks with anything pending: one step through the index for each of them. */
async function listQueues(trx: Trx, now: number): Promise<Queue[]> {
  const { rows } = await sql<Queue>`
    with recursive queue (hook_id) as (
      select min(hook_id) from deliveries where status = 'pending'
      union all
      select (select min(d.hook_id) from deliveries d where d.status = 'pending' and d.hook_id > queue.hook_id)
      from queue where queue.hook_id is not null
    )
    select queue.hook_id,
      (select min(d.next_attempt_at) from deliveries d
        where d.status = 'pending' and d.hook_id = queue.hook_id) as due_at,
      (select min(d.next_attempt_at) from deliveries d
        where d.status = 'pending' and d.hook_id = queue.hook_id and d.next_attempt_at > ${now}) as later_at,
      hook_health.state, hook_health.blocked_until
    from queue left join hook_health on hook_health.hook_id = queue.hook_id
    where queue.hook_id is not null`.execute(trx);
  return rows;
}

/** Of several nodes one probes; its time is over when it dies. */
async function beginProbe(trx: Trx, hookId: number, now: number): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('hook_health')
    .set({ blocked_until: now + probeMs })
    .where('hook_id', '=', hookId)
    .where('state', '=', 'open')
    .where('blocked_until', '<=', now)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Of each hook the ids that can be taken: one piece per hook, each of which ends after a few steps. */
async function candidates(
  trx: Trx,
  wanted: { hookId: number; places: number }[],
  now: number,
): Promise<Map<number, number[]>> {
  if (wanted.length === 0) return new Map();
  const pieces = wanted.map(
    ({ hookId, places }) => sql`select id, hook_id from (select d.id, d.hook_id from deliveries d
      where d.status = 'pending' and d.hook_id = ${hookId} and d.next_attempt_at <= ${now} and not exists (
        select 1 from deliveries earlier where earlier.status in ('pending', 'sending')
          and earlier.hook_id = d.hook_id and earlier.action_id = d.action_id and earlier.id < d.id)
      order by d.next_attempt_at, d.id limit ${places}) as piece`,
  );
  const { rows } = await sql<{ id: number; hook_id: number }>`${sql.join(pieces, sql` union all `)}`.execute(
    trx,
  );
  const ids = new Map<number, number[]>();
  for (const { id, hook_id } of rows) ids.set(hook_id, [...(ids.get(hook_id) ?? []), id]);
  return ids;
}

async function contextsOf(trx: Trx, rows: DeliveryRow[]): Promise<Map<number, string | null>> {
  const ids = [...new Set(rows.map(({ event_id }) => event_id))];
  if (ids.length === 0) return new Map();
  const events = await trx
    .selectFrom('action_events')
    .select(['id', 'context'])
    .where('id', 'in', ids)
    .execute();
  return new Map(events.map(({ id, context }) => [id, context]));
}

/**
 * Gives back what a dead node was sending, and what this node no longer is (it could not write the result). It may
 * have arrived, so it goes out again under the same `webhook-id`. Index: deliveries_sending.
 */
export async function releaseAbandonedDeliveries(
  { db }: Connection,
  options: { now: number; nodeId: string; underWay: number[] },
): Promise<void> {
  const { now, nodeId, underWay } = options;
  await db
    .updateTable('deliveries as d')
    .set({
      status: 'pending',
      claimed_by: null,
      next_attempt_at: now,
      updated_at: now,
      reason: 'The node that was sending it ended; sending it again.',
    })
    .where('d.status', '=', 'sending')
    .where((eb) =>
      eb.or([
        // This node knows better than its lease what it is sending.
        eb.and([eb('d.claimed_by', '!=', nodeId), eb('d.claimed_by', 'not in', liveNodes(db, now))]),
        eb.and([
          eb('d.claimed_by', '=', nodeId),
          sql<SqlBool>`d.id not in (${sql.join(underWay.length > 0 ? underWay : [0])})`,
        ]),
      ]),
    )
    .execute();
}

/** Gives back what was claimed and not begun, as it was. */
export async function giveBack(
  connection: Connection,
  options: { ids: number[]; nodeId: string; now: number },
): Promise<void> {
  if (options.ids.length === 0) return;
  await connection.db
    .updateTable('deliveries')
    .set({ status: 'pending', claimed_by: null, updated_at: options.now })
    .where('id', 'in', options.ids)
    .where('claimed_by', '=', options.nodeId)
    .execute();
}

/** Whether any delivery could be sent now. */
export async function isAnyDue({ db }: Connection, now: number): Promise<boolean> {
  const queues = await db.transaction().execute((trx) => listQueues(trx, now));
  return queues.some(({ due_at, blocked_until }) => due_at <= now && (blocked_until ?? 0) <= now);
}
