import type { Insertable, Selectable, Updateable } from 'kysely';
import { idsIn, reachOf, type Grant, type Reach } from '../../accounts/grants.ts';
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
  return idsIn(rows.map((row) => row[key]));
}

export async function findOrganizations(db: Db, ids: number[]): Promise<Map<number, OrganizationRow>> {
  const rows = await db
    .selectFrom('organizations')
    .selectAll()
    .where('id', 'in', idsIn([...new Set(ids)]))
    .execute();
  return new Map(rows.map((row) => [row.id, row]));
}

/**
 * The places that lists may show: those that may be read, and those that one must pass to get to what one has a role in.
 * Whoever may see an environment may see its project.
 */
export type Visible = { organizationIds: number[]; projects: Reach; environments: Reach };

export function visibleTo(grants: readonly Grant[]): Visible {
  const projects = reachOf(grants, 'project:read');
  const { organizationIds } = reachOf(grants, 'organization:read');
  for (const { organizationId, projectId, environmentId } of grants) {
    if (projectId === null) continue;
    organizationIds.push(organizationId);
    if (environmentId !== null) projects.projectIds.push(projectId);
  }
  return { organizationIds, projects, environments: reachOf(grants, 'environment:read') };
}

export async function listOrganizations(
  db: Db,
  visible: Visible,
  page: Page,
): Promise<Listing<OrganizationRow>> {
  const mine = db
    .selectFrom('organizations')
    .where('id', 'in', idsIn(visible.organizationIds))
    .selectAll()
    .orderBy('id', 'desc');
  return await listPage(mine, page);
}

/** The projects of one organization, or with null of all, as far as they are visible. */
export async function listProjects(
  db: Db,
  filter: { visible: Visible; organizationId: number | null },
  page: Page,
): Promise<Listing<ProjectRow>> {
  const { visible } = filter;
  let mine = db
    .selectFrom('projects')
    .where((eb) =>
      eb.or([
        eb('organization_id', 'in', idsIn(visible.projects.organizationIds)),
        eb('id', 'in', idsIn(visible.projects.projectIds)),
      ]),
    )
    .selectAll()
    .orderBy('id', 'desc');
  if (filter.organizationId !== null) mine = mine.where('organization_id', '=', filter.organizationId);
  return await listPage(mine, page);
}

/** The environments of a project, as far as they are visible. */
export async function listEnvironments(
  db: Db,
  filter: { visible: Visible; project: { id: number; organizationId: number } },
  page: Page,
): Promise<Listing<EnvironmentRow>> {
  const { project } = filter;
  const { organizationIds, projectIds, environmentIds } = filter.visible.environments;
  const seesAll = organizationIds.includes(project.organizationId) || projectIds.includes(project.id);
  let all = db
    .selectFrom('environments')
    .where('project_id', '=', project.id)
    .selectAll()
    .orderBy('id', 'desc');
  if (!seesAll) all = all.where('id', 'in', idsIn(environmentIds));
  return await listPage(all, page);
}

export async function insertOrganization(
  trx: Trx,
  row: Insertable<Database['organizations']>,
): Promise<OrganizationRow> {
  return await trx.insertInto('organizations').values(row).returningAll().executeTakeFirstOrThrow();
}

export async function updateOrganization(
  trx: Trx,
  id: number,
  change: Updateable<Database['organizations']>,
): Promise<void> {
  await trx.updateTable('organizations').set(change).where('id', '=', id).execute();
}

export async function deleteOrganization(trx: Trx, id: number): Promise<void> {
  await trx.deleteFrom('organizations').where('id', '=', id).execute();
}

export async function insertProject(trx: Trx, row: Insertable<Database['projects']>): Promise<ProjectRow> {
  return await trx.insertInto('projects').values(row).returningAll().executeTakeFirstOrThrow();
}

export async function updateProject(
  trx: Trx,
  id: number,
  change: Updateable<Database['projects']>,
): Promise<void> {
  await trx.updateTable('projects').set(change).where('id', '=', id).execute();
}

export async function deleteProject(trx: Trx, id: number): Promise<void> {
  await trx.deleteFrom('projects').where('id', '=', id).execute();
}

export async function insertEnvironment(
  trx: Trx,
  row: Insertable<Database['environments']>,
): Promise<EnvironmentRow> {
  return await trx.insertInto('environments').values(row).returningAll().executeTakeFirstOrThrow();
}

export async function updateEnvironment(
  trx: Trx,
  id: number,
  change: Updateable<Database['environments']>,
): Promise<void> {
  await trx.updateTable('environments').set(change).where('id', '=', id).execute();
}

export async function deleteEnvironment(trx: Trx, id: number): Promise<void> {
  await trx.deleteFrom('environments').where('id', '=', id).execute();
}

/** The first few names of what a place still holds. */
export async function contentsOf(
  trx: Trx,
  place: { organizationId: number } | { projectId: number } | { environmentId: number },
): Promise<string[]> {
  const few = 5;
  if ('organizationId' in place) {
    const rows = await trx
      .selectFrom('projects')
      .select('name')
      .where('organization_id', '=', place.organizationId)
      .limit(few)
      .execute();
    return rows.map(({ name }) => `project "${name}"`);
  }
  if ('projectId' in place) {
    const rows = await trx
      .selectFrom('environments')
      .select('name')
      .where('project_id', '=', place.projectId)
      .limit(few)
      .execute();
    return rows.map(({ name }) => `environment "${name}"`);
  }
  const applications = await trx
    .selectFrom('applications')
    .select('name')
    .where('environment_id', '=', place.environmentId)
    .limit(few)
    .execute();
  const servers = await trx
    .selectFrom('servers')
    .select('hostname')
    .where('environment_id', '=', place.environmentId)
    .limit(few)
    .execute();
  return [
    ...applications.map(({ name }) => `application "${name}"`),
    ...servers.map(({ hostname }) => `server "${hostname}"`),
  ];
}
