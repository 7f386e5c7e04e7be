import { openSettings } from '../inventory/credentials/source-provider.ts';
import type { Bus } from '../platform/bus.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db, Trx } from '../platform/database/connect.ts';
import type { SecretBox } from '../platform/secret-box.ts';
import { compileOutgoing, type CompiledOutgoing } from './compile-outgoing.ts';
import type { IncomingDefinition, OutgoingDefinition } from './definition.ts';
import { createExistence } from './find-existing.ts';
import { signingKeyText } from './signing-secret.ts';
import { writtenSecrets } from './written-secrets.ts';
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

/** An outgoing hook with all that sending needs, read once until anything is changed. */
export type SendingHook = OutgoingHook & {
  /** The access token of its application's source provider. */
  accessToken: string | null;
  /** Everything known beforehand that no record may show. */
  secrets: string[];
  /** Sign with all of them; the first is the newest, `until` is in ms since 1970. Empty for a hook that does not sign. */
  signingSecrets: { secret: string; until: number }[];
};

/**
 * Hook definitions in memory, so that accepting a request reads nothing from the database. Everything is dropped when
 * any definition changes, here or (by notification) on another node; a load that was under way then is not kept.
 */
export type HookRegistry = {
  incoming(uuid: string): Promise<IncomingHook | null>;
  /** What is known of an id without asking the database: a hook, null for none, or undefined for nothing. */
  knownIncoming(uuid: string): IncomingHook | null | undefined;
  /**
   * The ids of all incoming hooks; a promise until they are read. One that another node has just made may be missing: good
   * enough to have somebody wait, not to deny that there is such a hook.
   */
  incomingIds(): Set<string> | Promise<Set<string>>;
  /** All outgoing hooks of an action's pipeline, inactive ones too. Inside a transaction, pass that as `db`. */
  outgoing(
    db: Db | Trx,
    action: { pipelineId: number; resourceType: string; resourceId: number; type: string },
  ): Promise<OutgoingHook[]>;
  /** One outgoing hook by its id; null when it was deleted. */
  sending(hookId: number): Promise<SendingHook | null>;
  /**
   * What `load` makes of definitions other than hooks, such as the names that templates may use; kept under `key` until
   * any definition changes.
   */
  derived<Value extends object>(key: string, load: () => Promise<Value>): Promise<Value>;
};

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
  const incoming = new Map<string, IncomingHook>();
  // Apart from the hooks that there are: unknown ids come from anyone, and without end.
  const unknown = new Set<string>();
  const exists = createExistence(db);
  let ids: Set<string> | Promise<Set<string>> | null = null;
  const outgoing = new Map<string, OutgoingHook[]>();
  const sending = new Map<string, SendingHook | null>();
  const derived = new Map<string, object>();
  let clearedAt = clock.elapsed();
  const clear = () => {
    generation++;
    clearedAt = clock.elapsed();
    incoming.clear();
    unknown.clear();
    ids = null;
    outgoing.clear();
    sending.clear();
    derived.clear();
  };
  bus.subscribe('definitions', clear);

  const clearIfOld = () => {
    if (isShared && clock.elapsed() - clearedAt > oldestMs) clear();
  };
  const cached = async <Value>(
    map: Map<string, Value>,
    key: string,
    load: () => Promise<Value>,
  ): Promise<Value> => {
    clearIfOld();
    const known = map.get(key);
    if (known !== undefined) return known;
    const loadedFrom = generation;
    const value = await load();
    if (map.size >= mostEntries) map.clear();
    if (loadedFrom === generation) map.set(key, value);
    return value;
  };

  const knownIncoming = (uuid: string): IncomingHook | null | undefined => {
    clearIfOld();
    return unknown.has(uuid) ? null : incoming.get(uuid);
  };
  const findIncoming = async (uuid: string): Promise<IncomingHook | null> => {
    const known = knownIncoming(uuid);
    if (known !== undefined) return known;
    const loadedFrom = generation;
    const hook = (await exists(uuid)) ? await loadIncoming(db, box, uuid) : null;
    if (loadedFrom !== generation) return hook;
    const kept = hook ? incoming : unknown;
    if (kept.size >= mostEntries) kept.clear();
    if (hook) incoming.set(uuid, hook);
    else unknown.add(uuid);
    return hook;
  };

  const loadIds = async () => {
    const loadedFrom = generation;
    try {
      const rows = await db.selectFrom('hooks').select('uuid').where('direction', '=', 'in').execute();
      const loaded = new Set(rows.map(({ uuid }) => uuid));
      if (loadedFrom === generation) ids = loaded;
      return loaded;
    } catch (error) {
      if (loadedFrom === generation) ids = null;
      throw error;
    }
  };

  return {
    incoming: findIncoming,
    incomingIds() {
      clearIfOld();
      return (ids ??= loadIds());
    },
    knownIncoming,
    outgoing: (executor, action) =>
      cached(
        outgoing,
        `${action.pipelineId} ${action.resourceType} ${action.resourceId} ${action.type}`,
        async () => {
          const rows = await outgoingHooksOf(executor, action);
          return rows.map((row) => openHook(box, row));
        },
      ),
    sending: (hookId) => cached(sending, String(hookId), () => loadSending(db, box, hookId)),
    // Safe: whoever chooses the key chooses the type with it.
    derived: <Value extends object>(key: string, load: () => Promise<Value>) =>
      cached(derived, key, load) as Promise<Value>,
  };
}

/** An outgoing hook as it is in its row. */
export function openHook(box: SecretBox, row: HookRow): OutgoingHook {
  const definition = openOutgoing(box, row);
  return { row, definition, compiled: compileOutgoing(definition).compiled };
}

/** Null when there is no such hook any more. */
export async function loadSending(db: Db, box: SecretBox, hookId: number): Promise<SendingHook | null> {
  const row = await db.selectFrom('hooks').selectAll().where('id', '=', hookId).executeTakeFirst();
  if (!row) return null;
  const secrets = [
    { sealed: row.secret_sealed, until: Number.POSITIVE_INFINITY },
    { sealed: row.previous_secret_sealed, until: row.previous_secret_expires_at ?? 0 },
  ];
  const hook = openHook(box, row);
  const accessToken = await accessTokenOf(db, box, row);
  const signingSecrets = secrets.flatMap(({ sealed, until }) =>
    sealed === null ? [] : [{ secret: box.open(sealed, 'hook secret'), until }],
  );
  const known = [
    ...writtenSecrets(hook.definition),
    ...signingSecrets.flatMap(({ secret }) => [secret, signingKeyText(secret)]),
  ];
  if (accessToken !== null) known.push(accessToken);
  if (hook.definition.tls?.client_key) known.push(hook.definition.tls.client_key);
  return { ...hook, accessToken, signingSecrets, secrets: known };
}

/** Of the source provider of the application that a hook tells of. */
export async function accessTokenOf(
  db: Db,
  box: SecretBox,
  row: Pick<HookRow, 'resource_type' | 'resource_id'>,
): Promise<string | null> {
  const credential = await db
    .selectFrom('applications')
    .innerJoin('credentials', 'credentials.id', 'applications.credential_id')
    .select('credentials.settings_sealed')
    .where('applications.id', '=', row.resource_type === 'application' ? row.resource_id : 0)
    .where('credentials.active', '=', 1)
    .executeTakeFirst();
  return credential ? openSettings(box, credential).access_token : null;
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
