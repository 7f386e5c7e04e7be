import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import type { AttemptTiming } from '../hooks/request-record.ts';
import type { SecretBox } from '../platform/secret-box.ts';
import type { Connection, Trx } from '../platform/database/connect.ts';
import { compileByCount } from '../platform/database/compiled-query.ts';
import { announceDisabled } from './announce-disabled.ts';
import { afterAttempt, type Health } from './breaker.ts';
import type { DeliveryRow } from './claim.ts';
import type { Sign } from './retry-schedule.ts';
import type { AttemptRow } from './store.ts';

/** What is recorded of one attempt; texts are masked already. */
type AttemptRecord = {
  url: string;
  requestHeaders: Record<string, string>;
  requestBody: string;
  /** 0 when there was no answer, or nothing was sent. */
  statusCode: number;
  responseHeaders: Record<string, string>;
  responseBody: string;
  isTruncated: boolean;
  address: string;
  reason: string;
  durationMs: number;
  timing: AttemptTiming;
  hookVersion: number | null;
};

export type Settlement = {
  delivery: DeliveryRow;
  nodeId: string;
  status: 'pending' | 'delivered' | 'skipped' | 'rejected' | 'failed';
  /** Skipped because the templates could not be filled in. */
  isUnrendered: boolean;
  reason: string;
  nextAttemptAt: number;
  /** Null when the delivery ended without anything having been tried. */
  attempt: AttemptRecord | null;
  /** What the attempt tells about the receiver; null when it tells nothing. */
  sign: Sign | null;
  /** The version of the hook that it was sent by. */
  hookVersion: number | null;
  isProbe: boolean;
  at: number;
};

export type Settled = {
  /** Hooks of which nothing more may be sent for now, or at all. */
  blocked: Set<number>;
  disabled: { uuid: string; name: string; reason: string }[];
};

export type Settler = (settlements: Settlement[]) => Promise<Settled>;

const attemptColumns = [
  'uuid',
  'delivery_id',
  'hook_id',
  'attempt',
  'url',
  'request_headers',
  'request_body',
  'status_code',
  'response_headers',
  'response_body',
  'response_truncated',
  'ip_address',
  'reason',
  'duration_ms',
  'timing',
  'hook_version',
  'created_at',
] as const satisfies (keyof AttemptRow)[];

const insertAttempts = compileByCount<Omit<AttemptRow, 'id'>, unknown>(attemptColumns, (trx, rows) =>
  trx.insertInto('delivery_attempts').values(rows),
);

/** Writes what came of attempts, the deliveries' new states and the health of their hooks in one transaction. */
export function createSettler(connection: Connection, box: SecretBox): Settler {
  const { dialect } = connection;
  return (settlements) =>
    // What a power cut undoes is sent again, all that came later with it, so that the order stays.
    connection.transactionSyncedLater(async (trx) => {
      const kept = await updateDeliveries(trx, settlements);
      // Of the others another node has taken over: it will write the record that counts.
      const counted = settlements.filter(({ delivery }) => kept.has(delivery.id));
      await insertAttempts(
        trx,
        counted.flatMap((settlement) =>
          settlement.attempt ? [attemptRow(settlement, settlement.attempt)] : [],
        ),
      );
      await insertEndings(trx, counted);
      return await updateHealth(trx, { box, dialect }, counted);
    });
}

/** What ends without an attempt has no other row that tells of it, and when. */
async function insertEndings(trx: Trx, settlements: Settlement[]): Promise<void> {
  const rows = settlements.flatMap(({ delivery, status, reason, attempt, at }) =>
    attempt === null && (status === 'skipped' || status === 'failed')
      ? [{ delivery_id: delivery.id, status, reason, created_at: at }]
      : [],
  );
  if (rows.length > 0) await trx.insertInto('delivery_endings').values(rows).execute();
}

/** Those that end alike, most of them, share one statement. Returns the ids of those that were still this node's. */
async function updateDeliveries(trx: Trx, settlements: Settlement[]): Promise<Set<number>> {
  const alike = Map.groupBy(settlements, (one) =>
    one.status === 'pending'
      ? `${one.delivery.id}`
      : `${one.status} ${one.isUnrendered} ${one.nodeId} ${one.attempt !== null} ${one.reason}`,
  );
  const kept = new Set<number>();
  for (const group of alike.values()) {
    const { status, isUnrendered, reason, nodeId, attempt, nextAttemptAt } = group[0]!;
    const rows = await trx
      .updateTable('deliveries')
      .set((eb) => ({
        status,
        ...(isUnrendered ? { unrendered: 1 as const } : {}),
        reason,
        ...(attempt ? { attempts: eb('attempts', '+', 1) } : {}),
        ...(status === 'pending' ? { next_attempt_at: nextAttemptAt } : {}),
        claimed_by: null,
        updated_at: group.at(-1)!.at,
      }))
      .where(
        'id',
        'in',
        group.map(({ delivery }) => delivery.id),
      )
      .where('claimed_by', '=', nodeId)
      .returning('id')
      .execute();
    for (const { id } of rows) kept.add(id);
  }
  await endCancelled(trx, settlements);
  return kept;
}

/** What was being sent when its recovery was cancelled is not tried again. */
async function endCancelled(trx: Trx, settlements: Settlement[]): Promise<void> {
  const ids = settlements
    .filter(({ status, delivery }) => status === 'pending' && delivery.recovery_id !== null)
    .map(({ delivery }) => delivery.id);
  if (ids.length === 0) return;
  await trx
    .updateTable('deliveries')
    .set({ status: 'failed', reason: 'Not sent again: the recovery was cancelled.' })
    .where('id', 'in', ids)
    .where('status', '=', 'pending')
    .where('recovery_id', 'in', (eb) =>
      eb.selectFrom('recoveries').select('id').where('status', '=', 'cancelled'),
    )
    .execute();
}

function attemptRow({ delivery, at }: Settlement, attempt: AttemptRecord): Omit<AttemptRow, 'id'> {
  return {
    uuid: randomUUIDv7(),
    delivery_id: delivery.id,
    hook_id: delivery.hook_id,
    attempt: delivery.attempts + 1,
    url: attempt.url,
    request_headers: JSON.stringify(attempt.requestHeaders),
    // NUL cannot be stored as text in PostgreSQL; in JSON it is escaped anyway.
    request_body: attempt.requestBody.replaceAll('\0', '\uFFFD'),
    status_code: attempt.statusCode,
    response_headers: JSON.stringify(attempt.responseHeaders),
    response_body: attempt.responseBody,
    response_truncated: attempt.isTruncated ? 1 : 0,
    ip_address: attempt.address,
    reason: attempt.reason,
    duration_ms: attempt.durationMs,
    timing: JSON.stringify(attempt.timing),
    hook_version: attempt.hookVersion,
    created_at: at,
  };
}

async function updateHealth(
  trx: Trx,
  { box, dialect }: { box: SecretBox; dialect: Connection['dialect'] },
  settlements: Settlement[],
): Promise<Settled> {
  const settled: Settled = { blocked: new Set(), disabled: [] };
  for (const { isProbe, sign, delivery, at } of settlements)
    if (isProbe && sign === null) await probeAgain(trx, delivery.hook_id, at);
  const byHook = Map.groupBy(
    settlements.filter(({ sign }) => sign !== null),
    ({ delivery }) => delivery.hook_id,
  );
  if (byHook.size === 0) return settled;
  // In the order of ids, so that nodes that lock several wait for each other rather than in a circle.
  const hookIds = [...byHook.keys()].sort((a, b) => a - b);
  const bad = hookIds.filter((id) => byHook.get(id)!.some(({ sign }) => sign?.kind !== 'good'));
  const versions = await versionsOf(trx, bad, dialect);
  if (dialect === 'postgres') {
    await makeHealthRows(trx, bad, settlements.at(-1)!.at);
  }
  const known = await healthOf(trx, hookIds, dialect);
  for (const hookId of hookIds) {
    let health: Health | null = known.get(hookId) ?? null;
    const before = health;
    for (const settlement of byHook.get(hookId)!) {
      const { reason, isProbe, at, hookVersion } = settlement;
      // What was sent before somebody changed the hook, or deleted it, says nothing of what it is now.
      if (settlement.sign!.kind !== 'good' && versions.get(hookId) !== hookVersion) continue;
      const next = afterAttempt(health, { sign: settlement.sign!, reason, isProbe, now: at });
      health = next.health;
      if (next.disable === null) continue;
      const row = await disableHook(trx, hookId, next.disable, at);
      if (!row) continue;
      settled.blocked.add(hookId);
      settled.disabled.push({ uuid: row.uuid, name: row.name, reason: next.disable });
      await announceDisabled(trx, box, {
        hook: row,
        reason: next.disable,
        delivery: settlement.delivery,
        now: at,
      });
    }
    const { at } = settlements.at(-1)!;
    if (health) await writeHealth(trx, hookId, health, at);
    else if (before) await trx.deleteFrom('hook_health').where('hook_id', '=', hookId).execute();
    if ((health?.blocked_until ?? 0) > at) settled.blocked.add(hookId);
  }
  return settled;
}

/** A probe that was not sent has told nothing: the next one need not wait for its time to be over. */
async function probeAgain(trx: Trx, hookId: number, now: number): Promise<void> {
  await trx
    .updateTable('hook_health')
    .set({ blocked_until: now })
    .where('hook_id', '=', hookId)
    .where('state', '=', 'open')
    .execute();
}

/** Of those that were not deleted; locked, as whoever changes a hook locks it first, too. */
async function versionsOf(
  trx: Trx,
  hookIds: number[],
  dialect: Connection['dialect'],
): Promise<Map<number, number>> {
  if (hookIds.length === 0) return new Map();
  let rows = trx.selectFrom('hooks').select(['id', 'version']).where('id', 'in', hookIds).orderBy('id');
  if (dialect === 'postgres') rows = rows.forNoKeyUpdate();
  return new Map((await rows.execute()).map(({ id, version }) => [id, version]));
}

/** So that there is something to lock: of two nodes that both saw the first failures, neither loses those of the other. */
async function makeHealthRows(trx: Trx, hookIds: number[], now: number): Promise<void> {
  if (hookIds.length === 0) return;
  await sql`insert into hook_health
      (hook_id, state, failures_in_a_row, failed_attempts, openings, reason, updated_at)
    select id, 'closed', 0, 0, 0, '', ${now}::bigint from hooks where id in (${sql.join(hookIds)}) order by id
    on conflict (hook_id) do nothing`.execute(trx);
}

async function healthOf(
  trx: Trx,
  hookIds: number[],
  dialect: Connection['dialect'],
): Promise<Map<number, Health>> {
  let rows = trx.selectFrom('hook_health').selectAll().where('hook_id', 'in', hookIds).orderBy('hook_id');
  if (dialect === 'postgres') rows = rows.forUpdate();
  return new Map((await rows.execute()).map((row) => [row.hook_id, row]));
}

async function writeHealth(trx: Trx, hookId: number, health: Health, now: number): Promise<void> {
  const columns = {
    state: health.state,
    failures_in_a_row: health.failures_in_a_row,
    failed_attempts: health.failed_attempts,
    failing_since: health.failing_since,
    openings: health.openings,
    blocked_until: health.blocked_until,
    reason: health.reason,
    updated_at: now,
  };
  await trx
    .insertInto('hook_health')
    .values({ hook_id: hookId, ...columns })
    .onConflict((conflict) => conflict.column('hook_id').doUpdateSet(columns))
    .execute();
}

async function disableHook(trx: Trx, hookId: number, reason: string, now: number) {
  return await trx
    .updateTable('hooks')
    .set({ active: 0, disabled_at: now, disabled_reason: reason })
    .where('id', '=', hookId)
    .where('active', '=', 1)
    .returningAll()
    .executeTakeFirst();
}
