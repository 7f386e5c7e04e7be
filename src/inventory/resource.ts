import type { Db, Trx } from '../platform/database/connect.ts';

/** What pipelines, variables and hooks can belong to in this version. */
export const resourceTypes = ['application', 'server'] as const;
export type ResourceType = (typeof resourceTypes)[number];

/** The columns that tie a row to its resource: the pair everyone reads, and the foreign key that deletes it along. */
export function resourceColumns(type: ResourceType, id: number) {
  return {
    resource_type: type,
    resource_id: id,
    application_id: type === 'application' ? id : null,
    server_id: type === 'server' ? id : null,
  };
}

/** The environment a resource belongs to, or null when there is no such resource. */
export async function environmentOf(db: Db | Trx, type: string, id: number): Promise<number | null> {
  const known = resourceTypes.find((one) => one === type);
  if (!known) return null;
  const row = await db
    .selectFrom(known === 'application' ? 'applications' : 'servers')
    .select('environment_id')
    .where('id', '=', id)
    .executeTakeFirst();
  return row?.environment_id ?? null;
}
