import { sql } from 'kysely';
import type { Db } from '../platform/database/connect.ts';

/** Where an object lives. A credential may belong to a whole organization; then project and environment are null. */
export type Scope = { organizationId: number; projectId: number | null; environmentId: number | null };

/**
 * How each kind of object is found by the id in an address: the table that holds it and the column of the id. All
 * but the first three belong to an environment. A new kind of object is a row here.
 */
const kinds = {
  organization: { table: 'organizations', key: 'id', within: 'itself' },
  project: { table: 'projects', key: 'id', within: 'project' },
  environment: { table: 'environments', key: 'id', within: 'environment' },
  credential: { table: 'credentials', key: 'id', within: 'organization or environment' },
  application: { table: 'applications', key: 'id', within: 'environment' },
  server: { table: 'servers', key: 'id', within: 'environment' },
  variable: { table: 'variables', key: 'id', within: 'resource' },
  pipeline: { table: 'pipelines', key: 'id', within: 'environment' },
  hook: { table: 'hooks', key: 'uuid', within: 'environment' },
  hook_request: { table: 'hook_requests', key: 'uuid', within: 'record' },
  action: { table: 'actions', key: 'id', within: 'environment' },
  team: { table: 'teams', key: 'id', within: 'organization' },
  role: { table: 'roles', key: 'id', within: 'organization' },
  team_invitation: { table: 'team_invitations', key: 'uuid', within: 'team' },
} as const;

export type ScopedKind = keyof typeof kinds;

export function isScopedKind(kind: string): kind is ScopedKind {
  return Object.hasOwn(kinds, kind);
}

const selected = sql`p.organization_id as "organizationId", p.id as "projectId", e.id as "environmentId"`;
const upwards = sql`join projects p on p.id = e.project_id`;

/** How to get from a row `t` of the table to its organization. */
const paths = {
  organization: sql`select t.id as "organizationId", null as "projectId", null as "environmentId" from`,
  project: sql`select t.organization_id as "organizationId", t.id as "projectId", null as "environmentId" from`,
};

/** The scope of an object, or null when there is none of that id. */
export async function findScope(db: Db, kind: ScopedKind, id: string): Promise<Scope | null> {
  const { table, key, within } = kinds[kind];
  if (kind === 'organization' && /^[a-z0-9-]*[a-z-][a-z0-9-]*$/.test(id)) return await findBySlug(db, id);
  const numeric = key === 'id';
  if (numeric ? !/^[1-9][0-9]{0,14}$/.test(id) : !/^[0-9a-f-]{36}$/i.test(id)) return null;
  const from = sql`${sql.table(table)} t`;
  const where = sql`where t.${sql.ref(key)} = ${numeric ? Number(id) : id.toLowerCase()}`;
  const query = (() => {
    switch (within) {
      case 'itself':
        return sql<Scope>`${paths.organization} ${from} ${where}`;
      case 'organization':
        return sql<Scope>`select t.organization_id as "organizationId", null as "projectId", null as "environmentId" from ${from} ${where}`;
      case 'organization or environment':
        return sql<Scope>`select t.organization_id as "organizationId", e.project_id as "projectId", e.id as "environmentId"
          from ${from} left join environments e on e.id = t.environment_id ${where}`;
      case 'team':
        return sql<Scope>`select m.organization_id as "organizationId", null as "projectId", null as "environmentId"
          from ${from} join teams m on m.id = t.team_id where t.id = ${id.toLowerCase()}`;
      case 'project':
        return sql<Scope>`${paths.project} ${from} ${where}`;
      case 'environment':
        return kind === 'environment'
          ? sql<Scope>`select ${selected} from environments e ${upwards} where e.id = ${Number(id)}`
          : sql<Scope>`select ${selected} from ${from} join environments e on e.id = t.environment_id ${upwards} ${where}`;
      case 'resource':
        return sql<Scope>`select ${selected} from ${from}
          left join applications a on a.id = t.application_id left join servers s on s.id = t.server_id
          join environments e on e.id = coalesce(a.environment_id, s.environment_id) ${upwards} ${where}`;
      case 'record':
        // A request that came in, or an attempt to send one out.
        return sql<Scope>`select ${selected} from environments e ${upwards} where e.id = coalesce(
          (select r.environment_id from hook_requests r where r.uuid = ${id.toLowerCase()}),
          (select d.environment_id from deliveries d join delivery_attempts a on a.delivery_id = d.id where a.uuid = ${id.toLowerCase()}))`;
      default:
        return within satisfies never;
    }
  })();
  const { rows } = await query.execute(db);
  return rows[0] ?? null;
}

async function findBySlug(db: Db, slug: string): Promise<Scope | null> {
  const row = await db
    .selectFrom('organizations')
    .select('id')
    .where('url_slug', '=', slug)
    .executeTakeFirst();
  return row ? { organizationId: row.id, projectId: null, environmentId: null } : null;
}
