import type { Selectable } from 'kysely';
import type { Db, Trx } from '../../platform/database/connect.ts';
import { listPage } from '../../platform/database/listing.ts';
import type { Database } from '../../platform/database/schema.ts';
import type { Listing, Page } from '../../platform/http/pagination.ts';

export type OrganizationRow = Selectable<Database['organizations']>;
export type ProjectRow = Selectable<Database['projects']>;
export type EnvironmentRow = Selectable<Database['environments']>;

/** An environment with the project and organization around it: what most answers show. */
export type Place = { organization: OrganizationRow; project: ProjectRow; environment: EnvironmentRow };

export async function findOrganization(db: Db | Trx, id: number): Promise<OrganizationRow | undefined> {
  return await db.selectFrom('organizations').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function findProject(db: Db | Trx, id: number): Promise<ProjectRow | undefined> {
  return await db.selectFrom('projects').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function findPlace(db: Db | Trx, environmentId: number): Promise<Place | undefined> {
  return (await findPlaces(db, [environmentId])).get(environmentId);
}

/** The places of several environments at once, for lists. */
export async function findPlaces(db: Db | Trx, environmentIds: number[]): Promise<Map<number, Place>> {
  const distinct = [...new Set(environmentIds)];
  if (distinct.length === 0) return new Map();
  const environments = await db.selectFrom('environments').selectAll().where('id', 'in', distinct).execute();
  const projects = await db
    .selectFrom('projects')
    .selectAll()
    .where('id', 'in', idsOf(environments, 'project_id'))
    .execute();
  const organizations = await db
    .selectFrom('organizations')
    .selectAll()
    .where('id', 'in', idsOf(projects, 'organization_id'))
    .execute();
  const places = new Map<number, Place>();
  for (const environment of environments) {
    const project = projects.find(({ id }) => id === environment.project_id);
    const organization = organizations.find(({ id }) => id === project?.organization_id);
    if (project && organization) places.set(environment.id, { organization, project, environment });
  }
  return places;
}

/** `in ()` is no SQL; no row has id 0. */
function idsOf<Key extends string>(rows: Record<Key, number>[], key: Key): number[] {
  return rows.length > 0 ? rows.map((row) => row[key]) : [0];
}

export async function listOrganizations(
  db: Db,
  userId: number,
  page: Page,
): Promise<Listing<OrganizationRow>> {
  const mine = db
    .selectFrom('organizations')
    .innerJoin('memberships', 'memberships.organization_id', 'organizations.id')
    .where('memberships.user_id', '=', userId)
    .selectAll('organizations')
    .orderBy('organizations.id', 'desc');
  return await listPage(mine, page);
}

/** The projects of one organization, or with null of all that the user is a member of. */
export async function listProjects(
  db: Db,
  filter: { userId: number; organizationId: number | null },
  page: Page,
): Promise<Listing<ProjectRow>> {
  let mine = db
    .selectFrom('projects')
    .innerJoin('memberships', 'memberships.organization_id', 'projects.organization_id')
    .where('memberships.user_id', '=', filter.userId)
    .selectAll('projects')
    .orderBy('projects.id', 'desc');
  if (filter.organizationId !== null)
    mine = mine.where('projects.organization_id', '=', filter.organizationId);
  return await listPage(mine, page);
}

export async function listEnvironments(
  db: Db,
  projectId: number,
  page: Page,
): Promise<Listing<EnvironmentRow>> {
  const all = db
    .selectFrom('environments')
    .where('project_id', '=', projectId)
    .selectAll()
    .orderBy('id', 'desc');
  return await listPage(all, page);
}
