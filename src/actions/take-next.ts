import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { findServers } from '../inventory/servers/store.ts';
import { isLifecycle } from '../pipelines/lifecycle.ts';
import { scriptOf } from '../pipelines/steps.ts';
import { findPipeline, stepsOf } from '../pipelines/store.ts';
import type { Clock } from '../platform/clock.ts';
import type { Connection, Trx } from '../platform/database/connect.ts';
import type { EventWriter } from './events.ts';
import { pipelineDeleted } from './recover.ts';
import { statusCode, defaultReason } from './status.ts';
import {
  countRunning,
  isActive,
  isPending,
  type ActionRow,
  type ActionStepRow,
  type TargetRow,
} from './store.ts';
import { transition } from './transition.ts';
import type { ActionParameters } from './trigger.ts';

/** An action that this node has claimed, with the snapshot of what it runs. */
export type ClaimedAction = {
  action: ActionRow;
  runId: string;
  targets: { row: TargetRow; steps: ActionStepRow[] }[];
};

/** An arbitrary number that names "Hookline claims actions" among PostgreSQL's advisory locks. */
const claimLock = 4_866_543;

/** How many pending actions one turn looks at beyond the free places, to sort out those that must wait. */
const lookAhead = 50;

/**
 * Claims up to `places` actions in one transaction: first the oldest waiting ones of pipelines that have room again,
 * then pending ones in order. A pending action whose pipeline is full, or has older ones waiting, becomes `waiting`:
 * that is what keeps them first in, first out. `more` tells that there may be others to look at.
 */
export async function takeNext(
  context: { connection: Connection; writer: EventWriter; clock: Clock },
  options: { nodeId: string; places: number },
): Promise<{ claimed: ClaimedAction[]; more: boolean }> {
  const { connection, writer, clock } = context;
  const { nodeId, places } = options;
  return await connection.db.transaction().execute(async (trx) => {
    // One node at a time looks and claims, so that counting and claiming are one step; SQLite has one writer anyway.
    if (connection.dialect === 'postgres') await sql`select pg_advisory_xact_lock(${claimLock})`.execute(trx);
    const now = clock.now();
    const claimed: ClaimedAction[] = [];
    const take = async (id: number) => {
      try {
        claimed.push(...(await claim(writer, trx, id, { now, nodeId })));
      } catch (cause) {
        throw new ClaimFailed(id, cause);
      }
    };

    for (const pipeline of await pipelinesWithWaiting(trx)) {
      const free = await freePlaces(trx, pipeline);
      const ids = await oldestWaiting(trx, pipeline.id, Math.min(free, places - claimed.length));
      for (const id of ids) await take(id);
      if (claimed.length >= places) return { claimed, more: false };
    }

    const pending = await oldestPending(trx, places - claimed.length + lookAhead);
    const full = new Set<number>();
    for (const { id, pipeline_id } of pending) {
      const pipeline = pipeline_id === null ? null : await findLimit(trx, pipeline_id);
      if (!pipeline) {
        await transition(writer, trx, id, 'failed', {
          now,
          reason: pipelineDeleted,
        });
        continue;
      }
      const limited = pipeline.max_parallel_actions > 0;
      const mustWait =
        limited &&
        (full.has(pipeline.id) ||
          (await freePlaces(trx, pipeline)) === 0 ||
          (await oldestWaiting(trx, pipeline.id, 1)).length > 0);
      if (mustWait) {
        full.add(pipeline.id);
        const reason = `Waiting: its pipeline runs at most ${pipeline.max_parallel_actions} at the same time.`;
        await transition(writer, trx, id, 'waiting', { now, reason });
      } else if (claimed.length < places) {
        await take(id);
      }
    }
    return { claimed, more: claimed.length < places && pending.length >= lookAhead };
  });
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

type Limit = { id: number; max_parallel_actions: number };

/** Asks each pipeline, of which there are few, for one waiting action, rather than all waiting actions for their pipelines. */
async function pipelinesWithWaiting(trx: Trx): Promise<Limit[]> {
  return await trx
    .selectFrom('pipelines')
    .select(['id', 'max_parallel_actions'])
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
    .select(['id', 'max_parallel_actions'])
    .where('id', '=', id)
    .executeTakeFirst();
  return row ?? null;
}

async function freePlaces(trx: Trx, pipeline: Limit): Promise<number> {
  if (pipeline.max_parallel_actions === 0) return Number.MAX_SAFE_INTEGER;
  return Math.max(0, pipeline.max_parallel_actions - (await countRunning(trx, pipeline.id)));
}

async function oldestWaiting(trx: Trx, pipelineId: number, limit: number): Promise<number[]> {
  if (limit <= 0) return [];
  const rows = await trx
    .selectFrom('actions')
    .select('id')
    .where(isActive)
    .where('status', '=', 'waiting')
    .where('pipeline_id', '=', pipelineId)
    .orderBy('id')
    .limit(Math.min(limit, 1000))
    .execute();
  return rows.map(({ id }) => id);
}

async function oldestPending(trx: Trx, limit: number) {
  return await trx
    .selectFrom('actions')
    .select(['id', 'pipeline_id'])
    .where(isPending)
    .orderBy('id')
    .limit(limit)
    .execute();
}

/** Queued and started in one go, with both events; the targets and steps are written down as they are now. */
async function claim(
  writer: EventWriter,
  trx: Trx,
  id: number,
  { now, nodeId }: { now: number; nodeId: string },
): Promise<ClaimedAction[]> {
  const runId = randomUUID();
  if (!(await transition(writer, trx, id, 'queued', { now }))) return [];
  const action = await transition(writer, trx, id, 'in-progress', {
    now,
    change: { claimed_by: nodeId, run_id: runId },
  });
  if (!action || action.pipeline_id === null) return [];
  const steps = await stepsOf(trx, action.pipeline_id);
  const targets: ClaimedAction['targets'] = [];
  let resolved: TargetData[];
  try {
    resolved = await resolveTargets(trx, action);
  } catch (error) {
    if (!(error instanceof MissingServer)) throw error;
    await transition(writer, trx, id, 'failed', { now, reason: error.message });
    return [];
  }
  for (const target of resolved) {
    const row = await trx
      .insertInto('action_targets')
      .values({
        action_id: action.id,
        resource_type: 'server',
        resource_id: target.id,
        resource_data: JSON.stringify(target),
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
    const stepRows = await insertSteps(trx, row, steps, now);
    targets.push({ row, steps: stepRows });
  }
  return [{ action, runId, targets }];
}

type TargetData = { id: number; hostname: string; ip_address: string | null; ssh_port: number };

/** The machine that Hookline itself runs on. */
const local: TargetData = { id: 0, hostname: 'local', ip_address: null, ssh_port: 0 };

/** Throws MissingServer rather than run on fewer machines than were asked for. */
async function resolveTargets(trx: Trx, action: ActionRow): Promise<TargetData[]> {
  if (await runsOutside(trx, action)) return [local];
  const { servers } = JSON.parse(action.parameters) as ActionParameters;
  const ids = servers ?? (await ownServers(trx, action));
  if (ids.length === 0) return [local];
  const rows = await findServers(trx, ids);
  const missing = ids.filter((id) => !rows.some((row) => row.id === id));
  if (missing.length > 0) throw new MissingServer(missing);
  return rows.map(({ id, hostname, ip_address, ssh_port }) => ({ id, hostname, ip_address, ssh_port }));
}

/**
 * The pipelines that a server came with act on it from outside, since a machine that is off runs nothing. One that
 * somebody wrote runs on the server: its `reboot` must never be ours.
 */
async function runsOutside(trx: Trx, action: ActionRow): Promise<boolean> {
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
async function ownServers(trx: Trx, action: ActionRow): Promise<number[]> {
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
  steps: Awaited<ReturnType<typeof stepsOf>>,
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
          command: scriptOf(step),
          run_as_user: step.run_as_user,
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
