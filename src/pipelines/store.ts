import { sql, type Insertable, type Selectable, type Updateable } from 'kysely';
import type { Db, Trx } from '../platform/database/connect.ts';
import { holdsText } from '../platform/database/holds-text.ts';
import { listPage } from '../platform/database/listing.ts';
import type { Database } from '../platform/database/schema.ts';
import type { Listing, Page } from '../platform/http/pagination.ts';

export type PipelineRow = Selectable<Database['pipelines']>;
export type StepRow = Selectable<Database['steps']>;

export async function insertPipeline(
  db: Db | Trx,
  pipeline: Insertable<Database['pipelines']>,
): Promise<PipelineRow> {
  return await db.insertInto('pipelines').values(pipeline).returningAll().executeTakeFirstOrThrow();
}

export async function findPipeline(db: Db | Trx, id: number): Promise<PipelineRow | undefined> {
  return await db.selectFrom('pipelines').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function listPipelines(
  db: Db,
  resource: { type: string; id: number },
  page: Page,
): Promise<Listing<PipelineRow>> {
  const all = db
    .selectFrom('pipelines')
    .where('resource_type', '=', resource.type)
    .where('resource_id', '=', resource.id)
    .selectAll()
    .orderBy('id', 'desc');
  return await listPage(all, page);
}

/** Of all resources of an environment; `name` is a part of it. */
export async function listPipelinesOf(
  db: Db,
  filter: { environmentId: number; name: string | undefined },
  page: Page,
): Promise<Listing<PipelineRow>> {
  let found = db
    .selectFrom('pipelines')
    .where('environment_id', '=', filter.environmentId)
    .selectAll()
    .orderBy('id', 'desc');
  const { name } = filter;
  if (name !== undefined) found = found.where(holdsText(sql.ref('name'), name));
  return await listPage(found, page);
}

/** The pipelines that do one thing to a resource, the oldest first. */
export async function pipelinesFor(
  db: Db | Trx,
  resource: { type: string; id: number },
  operation: string,
): Promise<PipelineRow[]> {
  return await db
    .selectFrom('pipelines')
    .where('resource_type', '=', resource.type)
    .where('resource_id', '=', resource.id)
    .where('operation', '=', operation)
    .selectAll()
    .orderBy('id')
    .execute();
}

export async function updatePipeline(
  db: Db,
  id: number,
  change: Updateable<Database['pipelines']>,
): Promise<void> {
  await db.updateTable('pipelines').set(change).where('id', '=', id).execute();
}

/** Takes along its steps and hooks; its actions stay. */
export async function deletePipeline(db: Db, id: number): Promise<void> {
  await db.deleteFrom('pipelines').where('id', '=', id).execute();
}

/** Writes the row, so that others who change the same pipeline's steps wait for this transaction, on both databases. */
export async function lockPipeline(trx: Trx, id: number, now: number): Promise<void> {
  await trx.updateTable('pipelines').set({ updated_at: now }).where('id', '=', id).execute();
}

/** In the order in which they run. */
export async function stepsOf(db: Db | Trx, pipelineId: number): Promise<StepRow[]> {
  return await db
    .selectFrom('steps')
    .selectAll()
    .where('pipeline_id', '=', pipelineId)
    .where('unlinked_at', 'is', null)
    .orderBy('trigger_order')
    .orderBy('id')
    .execute();
}

/** Also one that was taken out of its pipeline. */
export async function findStep(db: Db | Trx, id: number): Promise<StepRow | undefined> {
  return await db.selectFrom('steps').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function insertStep(db: Db | Trx, step: Insertable<Database['steps']>): Promise<StepRow> {
  return await db.insertInto('steps').values(step).returningAll().executeTakeFirstOrThrow();
}

export async function updateStep(
  db: Db | Trx,
  id: number,
  change: Updateable<Database['steps']>,
): Promise<void> {
  await db.updateTable('steps').set(change).where('id', '=', id).execute();
}

/** Removes steps that were taken out of their pipeline before `olderThan`. */
export async function pruneSteps(db: Db, olderThan: number): Promise<void> {
  await db.deleteFrom('steps').where('unlinked_at', '<', olderThan).execute();
}
