import type { Insertable, Selectable, Updateable } from 'kysely';
import type { Db, Trx } from '../../platform/database/connect.ts';
import { listPage } from '../../platform/database/listing.ts';
import type { Database } from '../../platform/database/schema.ts';
import type { Listing, Page } from '../../platform/http/pagination.ts';

export type CredentialRow = Selectable<Database['credentials']>;

export async function insertCredential(
  db: Db,
  credential: Insertable<Database['credentials']>,
): Promise<CredentialRow> {
  return await db.insertInto('credentials').values(credential).returningAll().executeTakeFirstOrThrow();
}

export async function findCredential(db: Db | Trx, id: number): Promise<CredentialRow | undefined> {
  return await db.selectFrom('credentials').selectAll().where('id', '=', id).executeTakeFirst();
}

/** What an environment can use: its own credentials and those of the whole organization. */
export async function listCredentials(
  db: Db,
  filter: {
    organizationId: number;
    environmentId: number | null;
    providerCode: string | undefined;
    providerType: string | undefined;
  },
  page: Page,
): Promise<Listing<CredentialRow>> {
  let found = db
    .selectFrom('credentials')
    .where('organization_id', '=', filter.organizationId)
    .selectAll()
    .orderBy('id', 'desc');
  const { environmentId } = filter;
  if (environmentId !== null) {
    found = found.where((eb) =>
      eb.or([eb('environment_id', '=', environmentId), eb('environment_id', 'is', null)]),
    );
  }
  if (filter.providerCode !== undefined) found = found.where('provider_code', '=', filter.providerCode);
  if (filter.providerType !== undefined) found = found.where('provider_type', '=', filter.providerType);
  return await listPage(found, page);
}

export async function updateCredential(
  db: Db,
  id: number,
  change: Updateable<Database['credentials']>,
): Promise<void> {
  await db.updateTable('credentials').set(change).where('id', '=', id).execute();
}

export async function deleteCredential(db: Db, id: number): Promise<void> {
  await db.deleteFrom('credentials').where('id', '=', id).execute();
}

/** The names of the applications whose source provider this is. */
export async function applicationsUsing(db: Db, credentialId: number): Promise<string[]> {
  const rows = await db
    .selectFrom('applications')
    .select('name')
    .where('credential_id', '=', credentialId)
    .limit(5)
    .execute();
  return rows.map(({ name }) => name);
}
