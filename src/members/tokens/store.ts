import type { Selectable } from 'kysely';
import type { Db, Trx } from '../../platform/database/connect.ts';
import { listPage } from '../../platform/database/listing.ts';
import type { Database } from '../../platform/database/schema.ts';
import type { Listing, Page } from '../../platform/http/pagination.ts';

export type ProjectTokenRow = Selectable<Database['project_api_tokens']>;

export async function insertProjectToken(trx: Trx, token: ProjectTokenRow): Promise<ProjectTokenRow> {
  return await trx.insertInto('project_api_tokens').values(token).returningAll().executeTakeFirstOrThrow();
}

export async function findProjectToken(
  db: Db | Trx,
  token: { projectId: number; id: string },
): Promise<ProjectTokenRow | undefined> {
  return await db
    .selectFrom('project_api_tokens')
    .selectAll()
    .where('project_id', '=', token.projectId)
    .where('id', '=', token.id)
    .executeTakeFirst();
}

export async function listProjectTokens(
  db: Db,
  projectId: number,
  page: Page,
): Promise<Listing<ProjectTokenRow>> {
  const all = db
    .selectFrom('project_api_tokens')
    .where('project_id', '=', projectId)
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc');
  return await listPage(all, page);
}

export async function updateProjectToken(
  trx: Trx,
  id: string,
  change: Partial<Pick<ProjectTokenRow, 'token_hash' | 'expires_at' | 'revoked_at'>> & { updated_at: number },
): Promise<void> {
  await trx.updateTable('project_api_tokens').set(change).where('id', '=', id).execute();
}
