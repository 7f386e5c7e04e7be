import type { Insertable, Selectable, Updateable } from 'kysely';
import type { Db, Trx } from '../../platform/database/connect.ts';
import { listPage } from '../../platform/database/listing.ts';
import type { Database } from '../../platform/database/schema.ts';
import type { Listing, Page } from '../../platform/http/pagination.ts';
import type { SecretBox } from '../../platform/secret-box.ts';

export type VariableRow = Selectable<Database['variables']>;

/** Null when the resource has a variable of that key and target already. */
export async function insertVariable(
  db: Db,
  variable: Insertable<Database['variables']>,
): Promise<VariableRow | null> {
  const row = await db
    .insertInto('variables')
    .values(variable)
    .onConflict((conflict) => conflict.columns(['resource_type', 'resource_id', 'target', 'key']).doNothing())
    .returningAll()
    .executeTakeFirst();
  return row ?? null;
}

export async function findVariable(db: Db, id: number): Promise<VariableRow | undefined> {
  return await db.selectFrom('variables').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function listVariables(
  db: Db,
  resource: { type: string; id: number },
  page: Page,
): Promise<Listing<VariableRow>> {
  const all = db
    .selectFrom('variables')
    .where('resource_type', '=', resource.type)
    .where('resource_id', '=', resource.id)
    .selectAll()
    .orderBy('id', 'desc');
  return await listPage(all, page);
}

export async function updateVariable(
  db: Db,
  id: number,
  change: Updateable<Database['variables']>,
): Promise<void> {
  await db.updateTable('variables').set(change).where('id', '=', id).execute();
}

export async function deleteVariable(db: Db, id: number): Promise<void> {
  await db.deleteFrom('variables').where('id', '=', id).execute();
}

/** The environment variables of a resource for a run, opened; `hidden` ones are masked in logs. */
export async function environmentVariables(
  db: Db | Trx,
  box: SecretBox,
  resource: { type: string; id: number },
): Promise<{ key: string; value: string; hidden: boolean }[]> {
  const rows = await db
    .selectFrom('variables')
    .select(['key', 'value_sealed', 'hidden'])
    .where('resource_type', '=', resource.type)
    .where('resource_id', '=', resource.id)
    .where('type', '=', 'variable')
    .where('target', '=', 'os-env-var')
    .orderBy('id')
    .execute();
  return rows.map((row) => ({
    key: row.key,
    value: box.open(row.value_sealed, 'variable'),
    hidden: row.hidden === 1,
  }));
}
