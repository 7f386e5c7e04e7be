import type { FastifyRequest } from 'fastify';
import type { Db } from '../platform/database/connect.ts';
import { AppError } from '../platform/errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { HttpApp } from '../platform/http/server.ts';
import { authenticate, type Principal } from './authenticate.ts';
import { permissionsOf, type Permission } from './permissions.ts';
import { findScope, isScopedKind, type Scope, type ScopedKind } from './scopes.ts';

/**
 * Who may call a route; each route declares one, and the server refuses to start with a route that does not.
 * - `public`: no token.
 * - `user`: anyone signed in; the verb itself keeps to what is the caller's own.
 * - `permission`: the permission in the organization of the object that the address (or, in the older form of
 *   creating a hook, the body) names. Someone else's object is answered like one that does not exist.
 */
export type Access =
  | 'public'
  | 'user'
  | { permission: Permission; on: ScopedKind; param: string }
  | { permission: Permission; on: 'named-in-address' }
  | { permission: Permission; on: 'named-in-body' };

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    principal: Principal | null;
    scope: Scope | null;
  }
}

/** Guards every route registered on `app` after this call. */
export function guardRoutes(app: HttpApp, context: { db: Db; clock: Clock }): void {
  app.decorateRequest('principal', null);
  app.decorateRequest('scope', null);
  app.addHook('onRoute', (route) => {
    if (!route.config?.access)
      throw new Error(`${String(route.method)} ${route.url} does not declare its access.`);
  });
  app.addHook('onRequest', async (request) => {
    const access = request.routeOptions.config.access;
    if (!access || access === 'public') return;
    request.principal = await authenticate(context, request.headers.authorization);
    if (access === 'user' || access.on === 'named-in-body') return;
    const params = request.params as Record<string, string>;
    if ('param' in access)
      await check(context.db, request, access.permission, access.on, params[access.param]);
    else await check(context.db, request, access.permission, params['resource_type'], params['resource_id']);
  });
  app.addHook('preHandler', async (request) => {
    const access = request.routeOptions.config.access;
    if (typeof access !== 'object' || access.on !== 'named-in-body') return;
    const body = request.body as { resource_type: string; resource_id: number };
    await check(context.db, request, access.permission, body.resource_type, String(body.resource_id));
  });
}

async function check(
  db: Db,
  request: FastifyRequest,
  permission: Permission,
  kind: string | undefined,
  id: string | undefined,
): Promise<void> {
  const scope = kind && id && isScopedKind(kind) ? await findScope(db, kind, id) : null;
  const missing = new AppError('not_found', `There is no ${label(kind)} ${id}.`);
  if (!scope) throw missing;
  const granted = await permissionsIn(db, principalOf(request), scope);
  if (granted.length === 0) throw missing;
  if (!granted.includes(permission)) {
    throw new AppError(
      'forbidden',
      `This needs the permission ${permission}. Ask an administrator of the organization.`,
    );
  }
  request.scope = scope;
}

function label(kind: string | undefined): string {
  return (kind ?? 'object').replaceAll('_', ' ');
}

/** The caller's permissions where an object lives; empty when the caller is no member there. */
export async function permissionsIn(
  db: Db,
  principal: Principal,
  scope: Pick<Scope, 'organizationId'>,
): Promise<readonly Permission[]> {
  const membership = await db
    .selectFrom('memberships')
    .select('role')
    .where('user_id', '=', principal.userId)
    .where('organization_id', '=', scope.organizationId)
    .executeTakeFirst();
  return membership ? permissionsOf(membership.role) : [];
}

/** The caller; only for routes that are not public. */
export function principalOf(request: FastifyRequest): Principal {
  if (!request.principal) throw new AppError('unauthenticated', 'Sign in first.');
  return request.principal;
}

/** Where the object of this request lives; only for routes with a permission on an object of an environment. */
export function scopeOf(request: FastifyRequest): {
  organizationId: number;
  projectId: number;
  environmentId: number;
} {
  const scope = request.scope;
  if (!scope || scope.projectId === null || scope.environmentId === null) {
    throw new AppError('internal', 'This address has no environment.');
  }
  return {
    organizationId: scope.organizationId,
    projectId: scope.projectId,
    environmentId: scope.environmentId,
  };
}
