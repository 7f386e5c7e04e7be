import { sql, type Insertable, type Selectable, type Updateable } from 'kysely';
import type { Db, Trx } from '../platform/database/connect.ts';
import { holdsText } from '../platform/database/holds-text.ts';
import { listPage } from '../platform/database/listing.ts';
import type { Database } from '../platform/database/schema.ts';
import type { Listing, Page } from '../platform/http/pagination.ts';
import type { SecretBox } from '../platform/secret-box.ts';
import type { IncomingDefinition, OutgoingDefinition } from './definition.ts';

export type HookRow = Selectable<Database['hooks']>;

export async function insertHook(db: Db, hook: Insertable<Database['hooks']>): Promise<HookRow> {
  return await db.insertInto('hooks').values(hook).returningAll().executeTakeFirstOrThrow();
}

export async function countHooks(db: Db, resourceType: string, resourceId: number): Promise<number> {
  const { count } = await db
    .selectFrom('hooks')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('resource_type', '=', resourceType)
    .where('resource_id', '=', resourceId)
    .executeTakeFirstOrThrow();
  return count;
}

export async function findHook(db: Db, uuid: string): Promise<HookRow | undefined> {
  return await db.selectFrom('hooks').selectAll().where('uuid', '=', uuid.toLowerCase()).executeTakeFirst();
}

/** Writes the row as it is and returns it, so that others who change it wait for this transaction, on both databases. */
export async function lockHook(trx: Trx, id: number): Promise<HookRow | undefined> {
  return await trx
    .updateTable('hooks')
    .set((eb) => ({ updated_at: eb.ref('updated_at') }))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
}

/** All hooks of both directions and both forms that belong to a pipeline. */
export async function listPipelineHooks(
  db: Db,
  pipeline: { id: number; resource_type: string; resource_id: number; operation: string },
  page: Page,
): Promise<Listing<HookRow>> {
  const found = db
    .selectFrom('hooks')
    .where((eb) =>
      eb.or([
        eb('pipeline_id', '=', pipeline.id),
        eb.and([
          eb('pipeline_id', 'is', null),
          eb('resource_type', '=', pipeline.resource_type),
          eb('resource_id', '=', pipeline.resource_id),
          eb('action_type', '=', pipeline.operation),
        ]),
      ]),
    )
    .selectAll()
    .orderBy('id', 'desc');
  return await listPage(found, page);
}

/** All hooks of a resource, those of its pipelines included. */
export async function listResourceHooks(
  db: Db,
  resource: { type: string; id: number },
  page: Page,
): Promise<Listing<HookRow>> {
  const found = db
    .selectFrom('hooks')
    .where('resource_type', '=', resource.type)
    .where('resource_id', '=', resource.id)
    .selectAll()
    .orderBy('id', 'desc');
  return await listPage(found, page);
}

/** All hooks of an environment, or those of one direction; `name` is a part of the name, in whatever case. */
export async function listEnvironmentHooks(
  db: Db,
  filter: { environmentId: number; direction: 'in' | 'out' | undefined; name: string | undefined },
  page: Page,
): Promise<Listing<HookRow>> {
  let found = db
    .selectFrom('hooks')
    .where('environment_id', '=', filter.environmentId)
    .selectAll()
    .orderBy('id', 'desc');
  if (filter.direction !== undefined) found = found.where('direction', '=', filter.direction);
  if (filter.name !== undefined) found = found.where(holdsText(sql.ref('name'), filter.name));
  return await listPage(found, page);
}

/** The outgoing hooks of one action's pipeline, or of its resource and operation; inactive ones too. */
export async function outgoingHooksOf(
  db: Db | Trx,
  action: { pipelineId: number; resourceType: string; resourceId: number; type: string },
): Promise<HookRow[]> {
  return await db
    .selectFrom('hooks')
    .selectAll()
    .where('direction', '=', 'out')
    .where('resource_type', '=', action.resourceType)
    .where('resource_id', '=', action.resourceId)
    .where((eb) =>
      eb.or([
        eb('pipeline_id', '=', action.pipelineId),
        eb.and([eb('pipeline_id', 'is', null), eb('action_type', '=', action.type)]),
      ]),
    )
    .orderBy('id')
    .execute();
}

export async function updateHook(db: Db, id: number, change: Updateable<Database['hooks']>): Promise<void> {
  await db.updateTable('hooks').set(change).where('id', '=', id).execute();
}

/** The records of its requests and deliveries stay until retention prunes them. */
export async function deleteHook(db: Db, id: number): Promise<void> {
  await db.deleteFrom('hooks').where('id', '=', id).execute();
}

export function sealDefinition(box: SecretBox, definition: IncomingDefinition | OutgoingDefinition): string {
  return box.seal(JSON.stringify(definition), 'hook definition');
}

// The two casts are safe: only `sealDefinition` writes the column, by the row's own direction, and the box proves
// that it was not altered.
export function openIncoming(box: SecretBox, row: Pick<HookRow, 'definition_sealed'>): IncomingDefinition {
  return JSON.parse(box.open(row.definition_sealed, 'hook definition')) as IncomingDefinition;
}

export function openOutgoing(box: SecretBox, row: Pick<HookRow, 'definition_sealed'>): OutgoingDefinition {
  return JSON.parse(box.open(row.definition_sealed, 'hook definition')) as OutgoingDefinition;
}

/** A definition that an outgoing hook had before; undefined when it is no longer kept. */
export async function findHookVersion(
  db: Db,
  box: SecretBox,
  hookId: number,
  version: number,
): Promise<OutgoingDefinition | undefined> {
  const row = await db
    .selectFrom('hook_versions')
    .select('definition_sealed')
    .where('hook_id', '=', hookId)
    .where('version', '=', version)
    .executeTakeFirst();
  return row && openOutgoing(box, row);
}

/** The variables that the incoming hooks of a pipeline, or of a resource and operation, take out of their requests. */
export async function incomingVariables(
  db: Db,
  box: SecretBox,
  subject: { pipelineId: number | null; resourceType: string; resourceId: number; actionType: string },
): Promise<{ name: string; path: string }[]> {
  const rows = await db
    .selectFrom('hooks')
    .select(['definition_sealed', 'pipeline_id', 'action_type'])
    .where('direction', '=', 'in')
    .where('resource_type', '=', subject.resourceType)
    .where('resource_id', '=', subject.resourceId)
    .orderBy('id')
    .execute();
  const { pipelineId, actionType } = subject;
  return rows
    .filter((row) =>
      row.pipeline_id === null || pipelineId === null
        ? row.action_type === actionType
        : row.pipeline_id === pipelineId,
    )
    .flatMap((row) => openIncoming(box, row).variables)
    .map(({ name, path }) => ({ name, path: path ?? name }));
}

/** Keeps the definition that an outgoing hook has had until now. */
export async function keepHookVersion(db: Db, row: HookRow, now: number): Promise<void> {
  await db
    .insertInto('hook_versions')
    .values({
      hook_id: row.id,
      version: row.version,
      definition_sealed: row.definition_sealed,
      created_at: now,
    })
    .execute();
}
