import type { FastifyRequest } from 'fastify';
import type { Selectable } from 'kysely';
import type { Clock } from '../platform/clock.ts';
import type { Db, Trx } from '../platform/database/connect.ts';
import { listPage } from '../platform/database/listing.ts';
import { pruneOlderThan } from '../platform/database/prune.ts';
import type { Database } from '../platform/database/schema.ts';
import type { Listing, Page } from '../platform/http/pagination.ts';
import { principalOf } from './access.ts';
import type { Principal } from './authenticate.ts';
import type { ScopedKind, Scope } from './scopes.ts';

export type AuditEventRow = Selectable<Database['audit_events']>;

/** What a change was made to. `place` is only given where the address of the request names none, or another one. */
export type AuditedObject = {
  type: ScopedKind | 'token';
  id: number | string;
  name: string | null;
  place?: Scope;
};

/**
 * Runs a change and writes down who made it, to what and from where, in one transaction: neither exists without the
 * other. A new object is described from the result. What happened is told by the operation id of the route.
 */
export async function audited<Result>(
  { db, clock }: { db: Db; clock: Clock },
  request: FastifyRequest,
  object: AuditedObject | ((result: Result) => AuditedObject),
  change: (trx: Trx) => Promise<Result>,
): Promise<Result> {
  return await db.transaction().execute(async (trx) => {
    const result = await change(trx);
    await recordChange(trx, request, {
      object: typeof object === 'function' ? object(result) : object,
      caller: principalOf(request),
      now: clock.now(),
    });
    return result;
  });
}

/** Who made a change, and with what. */
type Caller = Omit<Principal, 'via'> & { via: Principal['via'] | 'invitation' };

/** Writes down one change, for whoever has a transaction of its own. */
export async function recordChange(
  trx: Trx,
  request: FastifyRequest,
  { object, caller, now }: { object: AuditedObject; caller: Caller; now: number },
): Promise<void> {
  const place = object.place ?? request.scope;
  if (!place) throw new Error('An audited change has no place.');
  const user = await trx
    .selectFrom('users')
    .select('name')
    .where('id', '=', caller.userId)
    .executeTakeFirst();
  await trx
    .insertInto('audit_events')
    .values({
      organization_id: place.organizationId,
      project_id: place.projectId,
      environment_id: place.environmentId,
      operation: operationOf(request),
      object_type: object.type,
      object_id: String(object.id),
      object_name: object.name,
      fields: JSON.stringify(fieldsOf(request.body)),
      user_id: caller.userId,
      user_name: user?.name ?? '',
      token_type: caller.via,
      token_id: caller.tokenId,
      token_name: caller.tokenName,
      ip_address: request.ip,
      user_agent: request.headers['user-agent']?.slice(0, 200) ?? null,
      request_id: request.id,
      created_at: now,
    })
    .execute();
}

function operationOf(request: FastifyRequest): string {
  const { schema, url } = request.routeOptions;
  // Safe: every route of the API has an operation id; a test walks them.
  return (schema as { operationId?: string } | undefined)?.operationId ?? url ?? '';
}

/** The names alone, and only such as fields have: a value may be a secret, also one in the place of a name. */
function fieldsOf(body: unknown): string[] {
  if (typeof body !== 'object' || body === null) return [];
  return Object.keys(body)
    .filter((name) => /^[a-z][a-z_]{0,59}$/.test(name))
    .slice(0, 50);
}

/** Removes events from before `olderThan`. */
export async function pruneAudit(db: Db, olderThan: number): Promise<void> {
  await pruneOlderThan(db, 'audit_events', olderThan);
}

export type AuditFilter = {
  organizationId: number;
  objectType?: string;
  objectId?: string;
  operation?: string;
  userId?: number;
};

export async function listAuditEvents(
  db: Db,
  filter: AuditFilter,
  page: Page,
): Promise<Listing<AuditEventRow>> {
  let found = db
    .selectFrom('audit_events')
    .where('organization_id', '=', filter.organizationId)
    .selectAll()
    .orderBy('id', 'desc');
  if (filter.objectType !== undefined) found = found.where('object_type', '=', filter.objectType);
  if (filter.objectId !== undefined) found = found.where('object_id', '=', filter.objectId);
  if (filter.operation !== undefined) found = found.where('operation', '=', filter.operation);
  if (filter.userId !== undefined) found = found.where('user_id', '=', filter.userId);
  return await listPage(found, page);
}
