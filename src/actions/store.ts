import { sql, type RawBuilder, type Selectable } from 'kysely';
import { idsIn, type Reach } from '../accounts/grants.ts';
import type { Db, Trx } from '../platform/database/connect.ts';
import { compileByCount } from '../platform/database/compiled-query.ts';
import { jsonText } from '../platform/database/json-text.ts';
import { holdsText } from '../platform/database/holds-text.ts';
import { listPage } from '../platform/database/listing.ts';
import type { Database } from '../platform/database/schema.ts';
import type { Listing, Page } from '../platform/http/pagination.ts';

export type ActionRow = Selectable<Database['actions']>;
export type TargetRow = Selectable<Database['action_targets']>;
export type ActionStepRow = Selectable<Database['action_steps']>;

const actionColumns = [
  'organization_id',
  'project_id',
  'environment_id',
  'pipeline_id',
  'resource_type',
  'resource_id',
  'type',
  'status',
  'reason_code',
  'reason',
  'trigger_comment',
  'retry_of',
  'triggered_from',
  'parameters',
  'claimed_by',
  'run_id',
  'started_at',
  'completed_at',
  'created_at',
  'updated_at',
] as const satisfies (keyof ActionRow)[];

const insertRows = compileByCount<Omit<ActionRow, 'id'>, { id: number }>(actionColumns, (trx, rows) =>
  trx.insertInto('actions').values(rows).returning('id'),
);

/** Inserts actions and returns them with their ids, in the order given. */
export async function insertActions(trx: Trx, actions: Omit<ActionRow, 'id'>[]): Promise<ActionRow[]> {
  // Neither database promises the order of `returning`, but both give out rising ids in the order of the rows.
  const ids = (await insertRows(trx, actions)).map(({ id }) => id).sort((a, b) => a - b);
  return actions.map((action, index) => ({ ...action, id: ids[index]! }));
}

export async function findAction(db: Db | Trx, id: number): Promise<ActionRow | undefined> {
  return await db.selectFrom('actions').selectAll().where('id', '=', id).executeTakeFirst();
}

export type ActionFilter = {
  reach?: Reach;
  organizationId?: number;
  projectId?: number;
  environmentId?: number;
  pipelineId?: number;
  resourceType?: string;
  resourceId?: number;
  target?: { type: string; id: number };
  status?: string;
  operation?: string;
  triggerType?: string;
  /** In ms, both included. */
  createdFrom?: number;
  createdTo?: number;
  search?: string;
};

/** The fields of JSON columns in which a text is searched. */
const searched = [
  ['triggered_from', 'name'],
  ['triggered_from', 'email'],
  ['parameters', 'source_ref'],
  ['parameters', 'commit_hash'],
  ['action_data', 'release_name'],
  ['action_data', 'commit', 'hash'],
  ['action_data', 'commit', 'message'],
  ['action_data', 'commit', 'author_name'],
] as const;

export async function listActions(db: Db, filter: ActionFilter, page: Page): Promise<Listing<ActionRow>> {
  let found = db.selectFrom('actions').selectAll().orderBy('id', 'desc');
  const { reach, target } = filter;
  if (reach) {
    found = found.where((eb) =>
      eb.or([
        eb('organization_id', 'in', idsIn(reach.organizationIds)),
        eb('project_id', 'in', idsIn(reach.projectIds)),
        eb('environment_id', 'in', idsIn(reach.environmentIds)),
      ]),
    );
  }
  if (filter.organizationId !== undefined) found = found.where('organization_id', '=', filter.organizationId);
  if (filter.projectId !== undefined) found = found.where('project_id', '=', filter.projectId);
  if (filter.environmentId !== undefined) found = found.where('environment_id', '=', filter.environmentId);
  if (filter.pipelineId !== undefined) found = found.where('pipeline_id', '=', filter.pipelineId);
  if (filter.resourceType !== undefined) found = found.where('resource_type', '=', filter.resourceType);
  if (filter.resourceId !== undefined) found = found.where('resource_id', '=', filter.resourceId);
  if (filter.status !== undefined) found = found.where('status', '=', filter.status);
  if (filter.operation !== undefined) found = found.where('type', '=', filter.operation);
  const { triggerType, createdFrom, createdTo, search } = filter;
  if (triggerType !== undefined)
    found = found.where(jsonText(db, 'triggered_from', 'trigger_type'), '=', triggerType);
  if (createdFrom !== undefined) found = found.where('created_at', '>=', createdFrom);
  if (createdTo !== undefined) found = found.where('created_at', '<=', createdTo);
  if (search !== undefined) {
    // No index: 100,000 actions are looked through in some 50 ms (SQLite).
    const holds = (text: RawBuilder<unknown>) => holdsText(text, search);
    // What stands in no column of a row is in none of its fields; reading those takes longer.
    const holdsInJson = (column: string, ...path: string[]) =>
      sql<boolean>`(${holdsText(sql.ref(column), JSON.stringify(search).slice(1, -1))} and ${holds(jsonText(db, column, ...path))})`;
    const number = /^#?(\d{1,15})$/.exec(search)?.[1];
    found = found.where((eb) =>
      eb.or([
        ...(number ? [eb('id', '=', Number(number))] : []),
        holds(sql.ref('reason')),
        holds(sql.ref('trigger_comment')),
        ...searched.map(([column, ...path]) => holdsInJson(column, ...path)),
        eb.and([
          eb('resource_type', '=', 'application'),
          eb('resource_id', 'in', (in_) =>
            in_
              .selectFrom('applications')
              .select('applications.id')
              .where(holds(sql.ref('applications.name'))),
          ),
        ]),
        eb.and([
          eb('resource_type', '=', 'server'),
          eb('resource_id', 'in', (in_) =>
            in_
              .selectFrom('servers')
              .select('servers.id')
              .where(holds(sql.ref('servers.hostname'))),
          ),
        ]),
      ]),
    );
  }
  if (target) {
    // Index: action_targets_resource.
    found = found.where('id', 'in', (eb) =>
      eb
        .selectFrom('action_targets')
        .select('action_targets.action_id')
        .where('action_targets.resource_type', '=', target.type)
        .where('action_targets.resource_id', '=', target.id),
    );
  }
  return await listPage(found, page);
}

export async function targetsOf(db: Db | Trx, actionIds: number[]): Promise<TargetRow[]> {
  return await db
    .selectFrom('action_targets')
    .selectAll()
    .where('action_id', 'in', idsIn(actionIds))
    .orderBy('id')
    .execute();
}

export async function actionStepsOf(db: Db | Trx, targetIds: number[]): Promise<ActionStepRow[]> {
  return await db
    .selectFrom('action_steps')
    .selectAll()
    .where('target_id', 'in', idsIn(targetIds))
    .orderBy('target_id')
    .orderBy('step_order')
    .execute();
}

// A partial index is used only when its condition stands in the query as it does in the index.
/** Index: actions_pending. */
export const isPending = sql<boolean>`actions.status = 'pending'`;
/** Index: actions_active. */
export const isActive = sql<boolean>`actions.status in ('waiting', 'queued', 'in-progress')`;

/** How many actions of a pipeline take one of its places. */
export async function countRunning(trx: Trx, pipelineId: number): Promise<number> {
  const { count } = await trx
    .selectFrom('actions')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where(isActive)
    .where('status', 'in', ['queued', 'in-progress'])
    .where('pipeline_id', '=', pipelineId)
    .executeTakeFirstOrThrow();
  return count;
}
