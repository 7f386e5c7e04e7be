import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { findServers } from '../inventory/servers/store.ts';
import { isLifecycle } from '../pipelines/lifecycle.ts';
import type { PlannedStep } from '../pipelines/default-steps.ts';
import { findPipeline } from '../pipelines/store.ts';
import type { Clock } from '../platform/clock.ts';
import type { Connection, Trx } from '../platform/database/connect.ts';
import type { SecretBox } from '../platform/secret-box.ts';
import type { EventWriter } from './events.ts';
import { pipelineDeleted } from './recover.ts';
import type { Deployment } from './releases/deployment.ts';
import { planAction } from './releases/plan-action.ts';
import { statusCode, defaultReason, type ReasonCode } from './status.ts';
import {
  countRunning,
  isActive,
  isPending,
  type ActionRow,
  type ActionStepRow,
  type TargetRow,
} from './store.ts';
import { appendToStream, stepChanged, takeNumbers, targetChanged } from './stream.ts';
import { transition } from './transition.ts';
import type { ActionParameters } from './trigger.ts';

/** An action that this node has claimed, with the snapshot of what it runs. */
export type ClaimedAction = {
  action: ActionRow;
  runId: string;
  targets: { row: TargetRow; steps: ActionStepRow[] }[];
  /** Of the whole action. */
  timeoutSeconds: number;
  /** Set where the default steps of a deployment run. */
  deployment: Deployment | null;
};

/** An arbitrary number that names "Hookline claims actions" among PostgreSQL's advisory locks. */
const claimLock = 4_866_543;

/** How many pending actions one turn looks at beyond the free places, to sort out those that must wait. */
const lookAhead = 50;

const dayInSeconds = 86_400;
const stepSeconds = 3600;

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
  return await connection.db.transaction().execute(async (trx) => {
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
        claimed.push(...(await claim(context, trx, row.id, targets, { now, nodeId })));
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

type Candidate = Pick<
  ActionRow,
  'id' | 'pipeline_id' | 'resource_type' | 'resource_id' | 'type' | 'parameters'
>;
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

async function skipReplaced(
  writer: EventWriter,
  trx: Trx,
  pipelineId: number,
  by: number,
  now: number,
): Promise<void> {
  for (const { id } of await oldestWaiting(trx, pipelineId, Number.MAX_SAFE_INTEGER)) {
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

/** Queued and started in one go, with both events; the targets and steps are written down as they are now. */
async function claim(
  { writer, box }: { writer: EventWriter; box: SecretBox },
  trx: Trx,
  id: number,
  resolved: TargetData[],
  { now, nodeId }: { now: number; nodeId: string },
): Promise<ClaimedAction[]> {
  const runId = randomUUID();
  if (!(await transition(writer, trx, id, 'queued', { now }))) return [];
  const action = await transition(writer, trx, id, 'in-progress', {
    now,
    change: { claimed_by: nodeId, run_id: runId },
  });
  const pipeline =
    action && action.pipeline_id !== null ? await findPipeline(trx, action.pipeline_id) : undefined;
  if (!action || !pipeline) return [];
  const { steps, deployment } = await planAction({ trx, box }, action, pipeline, now);
  const targets: ClaimedAction['targets'] = [];
  for (const target of resolved) {
    const { max_parallel_actions: _, ...shown } = target;
    const row = await trx
      .insertInto('action_targets')
      .values({
        action_id: action.id,
        resource_type: 'server',
        resource_id: target.id,
        resource_data: JSON.stringify(shown),
        status: 'in-progress',
        reason_code: statusCode('in-progress'),
        reason: defaultReason('in-progress'),
        started_at: now,
        completed_at: null,
        created_at: now,
        updated_at: now,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    targets.push({ row, steps: await insertSteps(trx, row, steps, now) });
  }
  const events = targets.flatMap(({ row, steps: [first] }) => [
    targetChanged(row),
    ...(first ? [stepChanged(first)] : []),
  ]);
  const last = await takeNumbers(trx, action.id, events.length);
  await appendToStream(trx, { actionId: action.id, last, now }, events);
  const timeoutSeconds = pipeline.timeout_seconds ?? dayInSeconds;
  return [{ action: { ...action, last_seq: last }, runId, targets, timeoutSeconds, deployment }];
}

type TargetData = {
  id: number;
  hostname: string;
  ip_address: string | null;
  ssh_port: number;
  max_parallel_actions: number;
};

/** The machine that Hookline itself runs on. */
const local: TargetData = {
  id: 0,
  hostname: 'local',
  ip_address: null,
  ssh_port: 0,
  max_parallel_actions: 0,
};

/** Throws MissingServer rather than run on fewer machines than were asked for. */
async function resolveTargets(trx: Trx, action: Candidate): Promise<TargetData[]> {
  if (await runsOutside(trx, action)) return [local];
  const { servers } = JSON.parse(action.parameters) as ActionParameters;
  const ids = servers ?? (await ownServers(trx, action));
  if (ids.length === 0) return [local];
  const rows = await findServers(trx, ids);
  const missing = ids.filter((id) => !rows.some((row) => row.id === id));
  if (missing.length > 0) throw new MissingServer(missing);
  return rows.map(({ id, hostname, ip_address, ssh_port, max_parallel_actions }) => ({
    id,
    hostname,
    ip_address,
    ssh_port,
    max_parallel_actions,
  }));
}

/**
 * The pipelines that a server came with act on it from outside, since a machine that is off runs nothing. One that
 * somebody wrote runs on the server: its `reboot` must never be ours.
 */
async function runsOutside(trx: Trx, action: Candidate): Promise<boolean> {
  if (action.pipeline_id === null || !isLifecycle(action.resource_type, action.type)) return false;
  return (await findPipeline(trx, action.pipeline_id))?.is_auto_generated === 1;
}

class MissingServer extends Error {
  override name = 'MissingServer';
  constructor(ids: number[]) {
    super(`Not run: server ${ids.join(', ')} was deleted before it could start.`);
  }
}

/** A server's own pipeline runs on that server; an application's on those linked to it. */
async function ownServers(trx: Trx, action: Candidate): Promise<number[]> {
  if (action.resource_type === 'server') return [action.resource_id];
  const rows = await trx
    .selectFrom('application_servers')
    .select('server_id')
    .where('application_id', '=', action.resource_id)
    .orderBy('server_id')
    .execute();
  return rows.map(({ server_id }) => server_id);
}

async function insertSteps(
  trx: Trx,
  target: TargetRow,
  steps: PlannedStep[],
  now: number,
): Promise<ActionStepRow[]> {
  if (steps.length === 0) return [];
  const rows = await trx
    .insertInto('action_steps')
    .values(
      steps.map((step, index) => {
        // The first begins at once, so it is not written again to say so.
        const status = index === 0 ? ('in-progress' as const) : ('pending' as const);
        return {
          action_id: target.action_id,
          target_id: target.id,
          step_order: index + 1,
          name: step.name,
          description: step.description,
          kind: step.kind,
          command: step.command,
          run_as_user: step.runAsUser,
          timeout_seconds: step.timeoutSeconds ?? stepSeconds,
          status,
          reason_code: statusCode(status),
          reason: index === 0 ? defaultReason('in-progress') : 'Waiting for the steps before it.',
          exit_code: null,
          started_at: index === 0 ? now : null,
          completed_at: null,
          created_at: now,
          updated_at: now,
        };
      }),
    )
    .returningAll()
    .execute();
  return rows.sort((a, b) => a.step_order - b.step_order);
}
