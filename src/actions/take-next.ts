import { sql } from 'kysely';
import type { Clock } from '../platform/clock.ts';
import type { Connection, Trx } from '../platform/database/connect.ts';
import type { SecretBox } from '../platform/secret-box.ts';
import { claimAction, type ClaimedAction } from './claim-action.ts';
import type { EventWriter } from './events.ts';
import { pipelineDeleted } from './recover.ts';
import { MissingServer, resolveTargets, type Candidate, type TargetData } from './resolve-targets.ts';
import type { ReasonCode } from './status.ts';
import { countRunning, isActive, isPending } from './store.ts';
import { transition } from './transition.ts';

/** An arbitrary number that names "Hookline claims actions" among PostgreSQL's advisory locks. */
const claimLock = 4_866_543;

/** How many pending actions one turn looks at beyond the free places, to sort out those that must wait. */
const lookAhead = 50;

/**
 * Claims up to `places` actions in one transaction, the oldest first: waiting ones whose pipeline has room again, then
 * pending ones. One that must wait, for its pipeline or for a server, keeps its place before all younger ones that need
 * the same: first in, first out, for each of both. `more` tells that there may be others to look at.
 */
export async function takeNext(
  context: { connection: Connection; writer: EventWriter; clock: Clock; box: SecretBox },
  options: { nodeId: string; places: number },
): Promise<{ claimed: ClaimedAction[]; more: boolean }> {
  const { connection, writer, clock } = context;
  const { nodeId, places } = options;
  // On disk before anything runs: after a power cut an action that had begun must not be taken for one that waits.
  return await connection.transactionSyncedAside(async (trx) => {
    // One node at a time looks and claims, so that counting and claiming are one step; SQLite has one writer anyway.
    if (connection.dialect === 'postgres') await sql`select pg_advisory_xact_lock(${claimLock})`.execute(trx);
    const now = clock.now();
    const claimed: ClaimedAction[] = [];
    const room = createRoom(trx);
    /** Claims it when its servers have room, else gives back the sentence that says which has none. */
    const take = async (row: Candidate): Promise<string | null> => {
      try {
        const targets = await resolveTargets(trx, row);
        const reason = await room.whyNone(targets);
        if (reason !== null) return reason;
        room.take(targets);
        claimed.push(...(await claimAction(context, trx, row.id, targets, { now, nodeId })));
        return null;
      } catch (cause) {
        if (cause instanceof MissingServer) {
          await transition(writer, trx, row.id, 'failed', { now, reason: cause.message });
          return null;
        }
        throw new ClaimFailed(row.id, cause);
      }
    };

    const stuck = new Set<number>();
    for (const { row, pipeline } of await waitingWithRoom(trx, places)) {
      if (claimed.length >= places) return { claimed, more: false };
      if (stuck.has(pipeline.id)) continue;
      const reason = await take(row);
      if (reason === null) continue;
      if (pipeline.max_parallel_actions > 0) stuck.add(pipeline.id);
      await sayWhyItWaits(trx, row.id, reason, now);
    }

    const pending = await oldestPending(trx, places - claimed.length + lookAhead);
    const full = new Set<number>();
    // Each turn looks at the same many, of a few pipelines.
    const limits = new Map<number, Limit | null>();
    const limitOf = async (id: number) => {
      const limit = limits.get(id) ?? (await findLimit(trx, id));
      limits.set(id, limit);
      return limit;
    };
    for (const row of pending) {
      const pipeline = row.pipeline_id === null ? null : await limitOf(row.pipeline_id);
      if (!pipeline) {
        await transition(writer, trx, row.id, 'failed', { now, reason: pipelineDeleted });
        continue;
      }
      const wait = async (reason: string, reasonCode: ReasonCode) => {
        await transition(writer, trx, row.id, 'waiting', { now, reason, reasonCode });
        if (pipeline.when_waiting === 'replace') await skipReplaced(writer, trx, pipeline.id, row.id, now);
      };
      const limited = pipeline.max_parallel_actions > 0;
      const isFull = limited && (full.has(pipeline.id) || (await freePlaces(trx, pipeline)) === 0);
      if (isFull) {
        full.add(pipeline.id);
        await wait(
          `Waiting: its pipeline runs at most ${pipeline.max_parallel_actions} at the same time.`,
          'WAITING_CONCURRENCY_PIPELINE',
        );
      } else if (limited && (await oldestWaiting(trx, pipeline.id, 1)).length > 0) {
        await wait('Waiting: an older action of its pipeline is before it.', 'WAITING_CONCURRENCY_PIPELINE');
      } else if (claimed.length < places) {
        const reason = await take(row);
        if (reason !== null) await wait(reason, 'WAITING_CONCURRENCY_TARGET');
      }
    }
    return { claimed, more: claimed.length < places && pending.length >= lookAhead };
  });
}

const candidateColumns = ['id', 'pipeline_id', 'resource_type', 'resource_id', 'type', 'parameters'] as const;

/** The oldest waiting actions of all pipelines that have room, as many of each as it has, oldest first. */
async function waitingWithRoom(trx: Trx, places: number): Promise<{ row: Candidate; pipeline: Limit }[]> {
  const found: { row: Candidate; pipeline: Limit }[] = [];
  for (const pipeline of await pipelinesWithWaiting(trx)) {
    // Some may wait for a server, and those behind them for another that is free.
    const most = Math.min(await freePlaces(trx, pipeline), places + lookAhead);
    const rows = await oldestWaiting(trx, pipeline.id, most);
    found.push(...rows.map((row) => ({ row, pipeline })));
  }
  return found.sort((a, b) => a.row.id - b.row.id);
}

/** How many more actions each server may run, counted once in a turn; a server that somebody waits for is full for all after him. */
function createRoom(trx: Trx) {
  const free = new Map<number, number>();
  const limited = (targets: TargetData[]) => targets.filter((target) => target.max_parallel_actions > 0);
  const kept = new Set<number>();
  return {
    /** A sentence when one of the servers has no room; all of them are then kept for whoever asked. */
    async whyNone(targets: TargetData[]): Promise<string | null> {
      let full: TargetData | null = null;
      for (const target of limited(targets)) {
        if (!free.has(target.id)) {
          free.set(target.id, target.max_parallel_actions - (await countOnServer(trx, target.id)));
        }
        if (free.get(target.id)! <= 0) full ??= target;
      }
      if (!full) return null;
      for (const { id } of limited(targets)) {
        if (free.get(id)! > 0) kept.add(id);
        free.set(id, 0);
      }
      if (kept.has(full.id)) return `Waiting: the server ${full.hostname} is kept free for an older action.`;
      return `Waiting: the server ${full.hostname} runs at most ${full.max_parallel_actions} at the same time.`;
    },
    take(targets: TargetData[]) {
      for (const target of limited(targets)) free.set(target.id, free.get(target.id)! - 1);
    },
  };
}

/** Index: action_targets_running. */
async function countOnServer(trx: Trx, serverId: number): Promise<number> {
  const { count } = await trx
    .selectFrom('action_targets')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where(sql<boolean>`status = 'in-progress'`)
    .where('resource_id', '=', serverId)
    .executeTakeFirstOrThrow();
  return count;
}

/** What it waits for has changed since it began to wait; its status has not. */
async function sayWhyItWaits(trx: Trx, id: number, reason: string, now: number): Promise<void> {
  await trx
    .updateTable('actions')
    .set({ reason, reason_code: 'WAITING_CONCURRENCY_TARGET', updated_at: now })
    .where('id', '=', id)
    .where('reason', '<>', reason)
    .execute();
}

/** The newest remains, which need not be the one that began to wait just now: with PostgreSQL an older one may commit later. */
async function skipReplaced(
  writer: EventWriter,
  trx: Trx,
  pipelineId: number,
  latest: number,
  now: number,
): Promise<void> {
  const ids = (await oldestWaiting(trx, pipelineId, Number.MAX_SAFE_INTEGER)).map(({ id }) => id);
  const by = Math.max(latest, ...ids);
  for (const id of ids) {
    if (id !== by) await transition(writer, trx, id, 'skipped', { now, reason: `Replaced by #${by}.` });
  }
}

/** Tells which action it was that could not be claimed; the whole turn was rolled back. */
export class ClaimFailed extends Error {
  override name = 'ClaimFailed';
  readonly actionId: number;

  constructor(actionId: number, cause: unknown) {
    super(`action ${actionId} could not be claimed`, { cause });
    this.actionId = actionId;
  }
}

type Limit = { id: number; max_parallel_actions: number; when_waiting: string };

/** Asks each pipeline, of which there are few, for one waiting action, rather than all waiting actions for their pipelines. */
async function pipelinesWithWaiting(trx: Trx): Promise<Limit[]> {
  return await trx
    .selectFrom('pipelines')
    .select(['id', 'max_parallel_actions', 'when_waiting'])
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('actions')
          .select('actions.id')
          .where(isActive)
          .where('actions.status', '=', 'waiting')
          .whereRef('actions.pipeline_id', '=', 'pipelines.id'),
      ),
    )
    .orderBy('id')
    .execute();
}

async function findLimit(trx: Trx, id: number): Promise<Limit | null> {
  const row = await trx
    .selectFrom('pipelines')
    .select(['id', 'max_parallel_actions', 'when_waiting'])
    .where('id', '=', id)
    .executeTakeFirst();
  return row ?? null;
}

async function freePlaces(trx: Trx, pipeline: Limit): Promise<number> {
  if (pipeline.max_parallel_actions === 0) return Number.MAX_SAFE_INTEGER;
  return Math.max(0, pipeline.max_parallel_actions - (await countRunning(trx, pipeline.id)));
}

async function oldestWaiting(trx: Trx, pipelineId: number, limit: number): Promise<Candidate[]> {
  if (limit <= 0) return [];
  return await trx
    .selectFrom('actions')
    .select(candidateColumns)
    .where(isActive)
    .where('status', '=', 'waiting')
    .where('pipeline_id', '=', pipelineId)
    .orderBy('id')
    .limit(Math.min(limit, 1000))
    .execute();
}

async function oldestPending(trx: Trx, limit: number): Promise<Candidate[]> {
  return await trx
    .selectFrom('actions')
    .select(candidateColumns)
    .where(isPending)
    .orderBy('id')
    .limit(limit)
    .execute();
}
