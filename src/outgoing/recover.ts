import { randomUUIDv7 } from 'node:crypto';
import { sql, type Selectable } from 'kysely';
import type { Connection, Db, Trx } from '../platform/database/connect.ts';
import { listPage } from '../platform/database/listing.ts';
import type { Database } from '../platform/database/schema.ts';
import { AppError } from '../platform/errors.ts';
import type { Listing, Page } from '../platform/http/pagination.ts';
import { mustBeOn, type Content } from './redeliver.ts';

export type RecoveryRow = Selectable<Database['recoveries']>;

/** What has become of the deliveries that a recovery took up. */
export type RecoveryProgress = { waiting: number; delivered: number; failed: number; skipped: number };

/**
 * How many of a recovery wait to be sent at the same time: what happens meanwhile waits behind no more than these, and
 * no transaction is long.
 */
const mostWaiting = 200;

/** Those that have failed, or could not be rendered, which a better template may cure; the condition stands as in the index deliveries_failed. */
const isFailed = sql<boolean>`(deliveries.status in ('failed', 'rejected') or deliveries.unrendered = 1)`;

/**
 * Begins to send again everything that has failed since a time, the oldest first; those that wait for a retry are tried
 * now. Throws `conflict` while another recovery of the hook is under way, or when the hook is off.
 */
export async function beginRecovery(
  trx: Trx,
  hook: { id: number; active: 0 | 1 },
  input: { since: number; content: Content; includeOvertaken: boolean; userId: number; now: number },
): Promise<RecoveryRow> {
  const { since, content, includeOvertaken, userId, now } = input;
  mustBeOn(hook);
  const running = await trx
    .selectFrom('recoveries')
    .select('uuid')
    .where('hook_id', '=', hook.id)
    .where('status', '=', 'running')
    .executeTakeFirst();
  if (running) throw new AppError('conflict', `Recovery ${running.uuid} of this hook is still running.`);
  const { total } = await trx
    .selectFrom('deliveries')
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .where('hook_id', '=', hook.id)
    .where(isFailed)
    .where('updated_at', '>=', since)
    .executeTakeFirstOrThrow();
  await trx
    .updateTable('deliveries')
    .set({ next_attempt_at: now })
    .where('hook_id', '=', hook.id)
    .where('status', '=', 'pending')
    .where('next_attempt_at', '>', now)
    .execute();
  return await trx
    .insertInto('recoveries')
    .values({
      uuid: randomUUIDv7(),
      hook_id: hook.id,
      since,
      until: now,
      content,
      include_overtaken: includeOvertaken ? 1 : 0,
      status: total === 0 ? 'completed' : 'running',
      reason: total === 0 ? 'Nothing had failed.' : 'Sending.',
      total,
      left_out: 0,
      last_delivery_id: 0,
      created_by: userId,
      created_at: now,
      updated_at: now,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

/**
 * Goes on with every recovery that is under way: takes up as many deliveries as may wait. True when it got any further.
 * One that cannot go on is told by `onFault`, and keeps no other from it.
 */
export async function advanceRecoveries(
  connection: Connection,
  { now, onFault }: { now: number; onFault: (error: unknown, recoveryId: number) => void },
): Promise<boolean> {
  const { db, dialect } = connection;
  const running = await db
    .selectFrom('recoveries')
    .select('id')
    .where(sql<boolean>`recoveries.status = 'running'`)
    .orderBy('id')
    .execute();
  let tookAny = false;
  for (const { id } of running) {
    try {
      const took = await db.transaction().execute(async (trx) => {
        let found = trx
          .selectFrom('recoveries')
          .selectAll()
          .where('id', '=', id)
          .where('status', '=', 'running');
        if (dialect === 'postgres') found = found.forUpdate().skipLocked();
        const row = await found.executeTakeFirst();
        return row !== undefined && (await advance(trx, row, now));
      });
      tookAny ||= took;
    } catch (error) {
      onFault(error, id);
    }
  }
  return tookAny;
}

async function advance(trx: Trx, recovery: RecoveryRow, now: number): Promise<boolean> {
  const { id, hook_id } = recovery;
  const end = async (status: 'completed' | 'cancelled', reason: string) => {
    await trx
      .updateTable('recoveries')
      .set({ status, reason, updated_at: now })
      .where('id', '=', id)
      .execute();
    return false;
  };
  const hook = await trx.selectFrom('hooks').select('active').where('id', '=', hook_id).executeTakeFirst();
  if (!hook?.active) {
    await putBack(trx, id, notSentAgain, now);
    return await end('cancelled', 'The hook was switched off.');
  }

  const { waiting } = (await progressOf(trx, [id])).get(id) ?? { waiting: 0 };
  const found = await trx
    .selectFrom('deliveries')
    .select(['id', 'action_id', 'event_id'])
    .where('hook_id', '=', hook_id)
    .where(isFailed)
    .where('id', '>', recovery.last_delivery_id)
    .where('updated_at', '>=', recovery.since)
    .where('updated_at', '<=', recovery.until)
    // What it has sent already and failed again is not taken twice.
    .where((eb) => eb.or([eb('recovery_id', 'is', null), eb('recovery_id', '!=', id)]))
    .orderBy('id')
    .limit(Math.max(0, mostWaiting - waiting))
    .execute();
  if (found.length === 0) {
    return waiting === 0 ? await end('completed', 'Everything was sent, or has failed again.') : false;
  }
  // A later one of the same action that is on its way may arrive first: what it is then decides.
  const busy = await idsWithLater(trx, hook_id, found, 'sending');
  const first = found.findIndex((one) => busy.has(one.id));
  const next = first < 0 ? found : found.slice(0, first);
  if (next.length === 0) return false;
  const overtaken = recovery.include_overtaken
    ? new Set<number>()
    : await idsWithLater(trx, hook_id, next, 'delivered');
  const ids = next.map((one) => one.id).filter((one) => !overtaken.has(one));
  if (ids.length > 0) {
    await trx
      .updateTable('deliveries')
      .set((eb) => ({
        status: 'pending',
        unrendered: 0,
        attempts_before: eb.ref('attempts'),
        content_version: recovery.content === 'original' ? firstVersion : null,
        recovery_id: id,
        claimed_by: null,
        next_attempt_at: now,
        updated_at: now,
        reason: 'To be sent again by a recovery.',
      }))
      .where('id', 'in', ids)
      // Somebody may have had it sent in this very moment.
      .where(isFailed)
      .execute();
  }
  await trx
    .updateTable('recoveries')
    .set({
      last_delivery_id: next.at(-1)!.id,
      left_out: recovery.left_out + overtaken.size,
      updated_at: now,
    })
    .where('id', '=', id)
    .execute();
  return true;
}

/** The version of the hook that the first attempt of a delivery was rendered with. */
const firstVersion = sql<number>`(select a.hook_version from delivery_attempts a
  where a.delivery_id = deliveries.id and a.hook_version is not null order by a.attempt limit 1)`;

/**
 * Those of whose action something later has arrived, or is being sent: sent after it, they would put back what the receiver
 * knows.
 */
async function idsWithLater(
  trx: Trx,
  hookId: number,
  deliveries: { id: number }[],
  status: 'delivered' | 'sending',
): Promise<Set<number>> {
  const rows = await trx
    .selectFrom('deliveries as d')
    .select('d.id')
    .where(
      'd.id',
      'in',
      deliveries.map(({ id }) => id),
    )
    // That a hook was switched off is no status of the action, and is replaced by none.
    .where('d.event', '!=', 'hook.disabled')
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('deliveries as later')
          .select('later.id')
          .whereRef('later.action_id', '=', 'd.action_id')
          .where('later.hook_id', '=', hookId)
          .whereRef('later.id', '>', 'd.id')
          .where('later.status', '=', status)
          .where('later.event', '!=', 'hook.disabled'),
      ),
    )
    .execute();
  return new Set(rows.map(({ id }) => id));
}

/** Ends a recovery: what of it still waits has failed again. False when it has ended already. */
export async function cancelRecovery(trx: Trx, recovery: RecoveryRow, now: number): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('recoveries')
    .set({ status: 'cancelled', reason: 'Cancelled.', updated_at: now })
    .where('id', '=', recovery.id)
    .where('status', '=', 'running')
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return false;
  await putBack(trx, recovery.id, 'Not sent again: the recovery was cancelled.', now);
  return true;
}

/** Of what a recovery took up when its hook was switched off: it had failed, and can be recovered another time. */
export const notSentAgain = 'Not sent again: the hook was switched off.';

async function putBack(trx: Trx, recoveryId: number, reason: string, now: number): Promise<void> {
  await trx
    .updateTable('deliveries')
    .set({ status: 'failed', reason, updated_at: now })
    .where('recovery_id', '=', recoveryId)
    .where('status', '=', 'pending')
    .execute();
}

/** By the id of the recovery. Index: deliveries_recovery. */
export async function progressOf(db: Db | Trx, ids: number[]): Promise<Map<number, RecoveryProgress>> {
  const progress = new Map(ids.map((id) => [id, { waiting: 0, delivered: 0, failed: 0, skipped: 0 }]));
  if (ids.length === 0) return progress;
  const rows = await db
    .selectFrom('deliveries')
    .select(['recovery_id', 'status', (eb) => eb.fn.countAll<number>().as('count')])
    .where('recovery_id', 'is not', null)
    .where('recovery_id', 'in', ids)
    .groupBy(['recovery_id', 'status'])
    .execute();
  for (const { recovery_id, status, count } of rows) {
    const one = progress.get(recovery_id!)!;
    if (status === 'pending' || status === 'sending') one.waiting += count;
    else if (status === 'rejected') one.failed += count;
    else one[status] += count;
  }
  return progress;
}

export async function listRecoveries(db: Db, hookId: number, page: Page): Promise<Listing<RecoveryRow>> {
  return await listPage(
    db.selectFrom('recoveries').selectAll().where('hook_id', '=', hookId).orderBy('id', 'desc'),
    page,
  );
}

export async function findRecovery(db: Db, hookId: number, uuid: string): Promise<RecoveryRow | undefined> {
  return await db
    .selectFrom('recoveries')
    .selectAll()
    .where('uuid', '=', uuid.toLowerCase())
    .where('hook_id', '=', hookId)
    .executeTakeFirst();
}
