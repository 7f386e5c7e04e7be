import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { Db, Trx } from '../../platform/database/connect.ts';
import { listPage } from '../../platform/database/listing.ts';
import type { Database } from '../../platform/database/schema.ts';
import type { Listing, Page } from '../../platform/http/pagination.ts';
import type { Commit } from './deployment.ts';

export type ReleaseRow = Selectable<Database['releases']>;

export async function insertRelease(
  trx: Trx,
  release: { applicationId: number; actionId: number; name: string; now: number },
): Promise<void> {
  await trx
    .insertInto('releases')
    .values({
      application_id: release.applicationId,
      action_id: release.actionId,
      name: release.name,
      status: 'building',
      commit: null,
      activated_at: null,
      created_at: release.now,
      updated_at: release.now,
    })
    .execute();
}

export async function setReleaseCommit(
  trx: Trx,
  actionId: number,
  commit: Commit,
  now: number,
): Promise<void> {
  await trx
    .updateTable('releases')
    .set({ commit: JSON.stringify(commit), updated_at: now })
    .where('action_id', '=', actionId)
    .execute();
}

/** The release of that name is live from now on. */
export async function activateRelease(
  trx: Trx,
  applicationId: number,
  name: string,
  now: number,
): Promise<void> {
  await trx
    .updateTable('releases')
    .set({ status: 'ready', activated_at: now, updated_at: now })
    .where('application_id', '=', applicationId)
    .where('name', '=', name)
    .execute();
}

/** Nothing happens where the action made no release, or made it live. Index: the unique one of `action_id`. */
export async function failRelease(trx: Trx, actionId: number, now: number): Promise<void> {
  await trx
    .updateTable('releases')
    .set({ status: 'failed', updated_at: now })
    .where('action_id', '=', actionId)
    .where('status', '=', 'building')
    .execute();
}

/** What is on the targets no longer, once a deployment has removed all older ones but `kept`. */
export async function markRemoved(
  trx: Trx,
  { applicationId, actionId }: { applicationId: number; actionId: number },
  kept: string[],
  now: number,
): Promise<void> {
  // A rollback may have come in between.
  const live = await liveRelease(trx, applicationId);
  const there = live ? [...kept, live.name] : kept;
  await trx
    .updateTable('releases')
    .set({ status: 'removed', updated_at: now })
    .where('application_id', '=', applicationId)
    .where('status', '=', 'ready')
    // One that began later may have become ready after `kept` was read.
    .where('id', '<', (eb) => eb.selectFrom('releases').select('id').where('action_id', '=', actionId))
    .where('name', 'not in', there.length > 0 ? there : [''])
    .execute();
}

/** The names of the newest ready releases, the live one among them whatever its age, and of all that are being built. */
export async function releasesToKeep(
  db: Db | Trx,
  applicationId: number,
  count: number,
): Promise<{ ready: string[]; building: string[] }> {
  const live = await liveRelease(db, applicationId);
  const ready = await db
    .selectFrom('releases')
    .select('name')
    .where('application_id', '=', applicationId)
    .where('status', '=', 'ready')
    .orderBy('id', 'desc')
    .limit(count)
    .execute();
  const building = await db
    .selectFrom('releases')
    .select('name')
    .where('application_id', '=', applicationId)
    .where('status', '=', 'building')
    .execute();
  const names = ready.map(({ name }) => name);
  return {
    ready: live && !names.includes(live.name) ? [...names, live.name] : names,
    building: building.map(({ name }) => name),
  };
}

export async function liveRelease(db: Db | Trx, applicationId: number): Promise<ReleaseRow | undefined> {
  return await db
    .selectFrom('releases')
    .selectAll()
    .where('application_id', '=', applicationId)
    .where('activated_at', 'is not', null)
    .orderBy('activated_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** The newest ready release that is older than the live one. */
export async function releaseBefore(
  db: Db | Trx,
  applicationId: number,
  id: number,
): Promise<ReleaseRow | undefined> {
  return await db
    .selectFrom('releases')
    .selectAll()
    .where('application_id', '=', applicationId)
    .where('status', '=', 'ready')
    .where('id', '<', id)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
}

export async function findRelease(
  db: Db | Trx,
  applicationId: number,
  name: string,
): Promise<ReleaseRow | undefined> {
  return await db
    .selectFrom('releases')
    .selectAll()
    .where('application_id', '=', applicationId)
    .where('name', '=', name)
    .executeTakeFirst();
}

export async function listReleases(db: Db, applicationId: number, page: Page): Promise<Listing<ReleaseRow>> {
  const all = db
    .selectFrom('releases')
    .selectAll()
    .where('application_id', '=', applicationId)
    .orderBy('id', 'desc');
  return await listPage(all, page);
}

/** Tells this installation from every other one; made when it is first asked for. */
export async function installationId(db: Db): Promise<string> {
  await db
    .insertInto('meta')
    .values({ key: 'installation_id', value: randomUUID() })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute();
  const row = await db
    .selectFrom('meta')
    .select('value')
    .where('key', '=', 'installation_id')
    .executeTakeFirstOrThrow();
  return row.value;
}
