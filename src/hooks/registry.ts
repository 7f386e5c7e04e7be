import type { Bus } from '../platform/bus.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db, Trx } from '../platform/database/connect.ts';
import type { SecretBox } from '../platform/secret-box.ts';
import { compileOutgoing, type CompiledOutgoing } from './compile-outgoing.ts';
import type { IncomingDefinition, OutgoingDefinition } from './definition.ts';
import { outgoingHooksOf, openIncoming, openOutgoing, type HookRow } from './store.ts';

/** An incoming hook, ready for the accept path: opened, with what an action of it needs to know. */
export type IncomingHook = {
  row: HookRow;
  definition: IncomingDefinition;
  /** Null when the hook takes unsigned requests. */
  secret: string | null;
  /** The secret before the last rotation, until `expiresAt` (ms since 1970). */
  previous: { secret: string; expiresAt: number } | null;
  organizationId: number;
  projectId: number;
  /** Today's form: the one pipeline. The older form: all pipelines of the resource and operation, oldest first. */
  pipelineIds: number[];
};

export type OutgoingHook = { row: HookRow; definition: OutgoingDefinition; compiled: CompiledOutgoing };

/**
 * Hook definitions in memory, so that accepting a request reads nothing from the database. Everything is dropped when
 * any definition changes, here or (by notification) on another node; a load that was under way then is not kept.
 */
export type HookRegistry = {
  incoming(uuid: string): Promise<IncomingHook | null>;
  /** All outgoing hooks of an action's pipeline, inactive ones too. Inside a transaction, pass that as `db`. */
  outgoing(
    db: Db | Trx,
    action: { pipelineId: number; resourceType: string; resourceId: number; type: string },
  ): Promise<OutgoingHook[]>;
};

/** Unknown ids are remembered too, but only so many: they come from anyone. */
const mostEntries = 10_000;

/** With several nodes a lost notification may hide a change no longer than this. */
const oldestMs = 5000;

export function createHookRegistry(context: {
  db: Db;
  box: SecretBox;
  bus: Bus;
  clock: Clock;
  /** Whether others change definitions too. */
  isShared: boolean;
}): HookRegistry {
  const { db, box, bus, clock, isShared } = context;
  let generation = 0;
  const incoming = new Map<string, IncomingHook | null>();
  const outgoing = new Map<string, OutgoingHook[]>();
  let clearedAt = clock.now();
  const clear = () => {
    generation++;
    clearedAt = clock.now();
    incoming.clear();
    outgoing.clear();
  };
  bus.subscribe('definitions', clear);

  const cached = async <Value>(
    map: Map<string, Value>,
    key: string,
    load: () => Promise<Value>,
  ): Promise<Value> => {
    if (isShared && clock.now() - clearedAt > oldestMs) clear();
    const known = map.get(key);
    if (known !== undefined) return known;
    const loadedFrom = generation;
    const value = await load();
    if (map.size >= mostEntries) map.clear();
    if (loadedFrom === generation) map.set(key, value);
    return value;
  };

  return {
    incoming: (uuid) => cached(incoming, uuid, () => loadIncoming(db, box, uuid)),
    outgoing: (executor, action) =>
      cached(
        outgoing,
        `${action.pipelineId} ${action.resourceType} ${action.resourceId} ${action.type}`,
        async () => {
          const rows = await outgoingHooksOf(executor, action);
          return rows.map((row) => {
            const definition = openOutgoing(box, row);
            return { row, definition, compiled: compileOutgoing(definition).compiled };
          });
        },
      ),
  };
}

async function loadIncoming(db: Db, box: SecretBox, uuid: string): Promise<IncomingHook | null> {
  const found = await db
    .selectFrom('hooks')
    .innerJoin('environments', 'environments.id', 'hooks.environment_id')
    .innerJoin('projects', 'projects.id', 'environments.project_id')
    .selectAll('hooks')
    .select(['projects.id as project_id', 'projects.organization_id'])
    .where('hooks.uuid', '=', uuid)
    .where('hooks.direction', '=', 'in')
    .executeTakeFirst();
  if (!found) return null;
  const { project_id, organization_id, ...row } = found;
  const pipelines =
    row.pipeline_id !== null
      ? [{ id: row.pipeline_id }]
      : await db
          .selectFrom('pipelines')
          .select('id')
          .where('resource_type', '=', row.resource_type)
          .where('resource_id', '=', row.resource_id)
          .where('operation', '=', row.action_type)
          .orderBy('id')
          .execute();
  return {
    row,
    definition: openIncoming(box, row),
    secret: row.secret_sealed === null ? null : box.open(row.secret_sealed, 'hook secret'),
    previous:
      row.previous_secret_sealed === null
        ? null
        : {
            secret: box.open(row.previous_secret_sealed, 'hook secret'),
            expiresAt: row.previous_secret_expires_at ?? 0,
          },
    organizationId: organization_id,
    projectId: project_id,
    pipelineIds: pipelines.map(({ id }) => id),
  };
}
