import type { FastifyRequest } from 'fastify';
import type { Db } from '../platform/database/connect.ts';
import { AppError } from '../platform/errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { HttpApp } from '../platform/http/server.ts';
import { networkOf } from '../platform/network-of.ts';
import type { RateLimit } from '../platform/rate-limit.ts';
import { authenticate, cookieSessionSeconds, type Principal } from './authenticate.ts';
import { grantsOf, permissionsAt, type Grant } from './grants.ts';
import type { Permission } from './permissions.ts';
import { findScope, isScopedKind, type Scope, type ScopedKind } from './scopes.ts';
import { sessionCookie } from './session-cookie.ts';

/**
 * Who may call a route; each route declares one, and the server refuses to start with a route that does not.
 * - `public`: no token.
 * - `user`: a person; the verb itself keeps to what is the caller's own. A project's token is nobody.
 * - `caller`: anyone with a token; the verb shows what its grants reach.
 * - `permission`: the permission in the place of the object that the address (or, in the older form of creating a
 *   hook, the body) names. Someone else's object is answered like one that does not exist.
 */
export type Access =
  | 'public'
  | 'user'
  | 'caller'
  | { permission: Permission; on: ScopedKind; param: string }
  | { permission: Permission; on: 'named-in-address' }
  | { permission: Permission; on: 'named-in-body' };

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
    /** The route limits its requests itself, or costs nothing that needs a limit. */
    limit?: 'own';
  }
  interface FastifyRequest {
    principal: Principal | null;
    grants: Grant[] | null;
    scope: Scope | null;
  }
}

/** How many requests one address and one token may send. */
export type RequestLimits = { address: RateLimit; token: RateLimit };

/** Guards every route registered on `app` after this call. */
export function guardRoutes(
  app: HttpApp,
  context: { db: Db; clock: Clock; limits: RequestLimits; publicUrl: () => string },
): void {
  const { db, limits } = context;
  app.decorateRequest('principal', null);
  app.decorateRequest('grants', null);
  app.decorateRequest('scope', null);
  app.addHook('onRoute', (route) => {
    if (!route.config?.access)
      throw new Error(`${String(route.method)} ${route.url} does not declare its access.`);
  });
  app.addHook('onRequest', async (request, reply) => {
    const { access, limit } = request.routeOptions.config;
    if (!access || limit === 'own') return;
    limits.address.take(networkOf(request.ip));
    if (access === 'public') return;
    const principal = await authenticate(context, request);
    if (principal.prolongedCookie) {
      const cookie = { token: principal.prolongedCookie, maxAgeSeconds: cookieSessionSeconds };
      reply.header('set-cookie', sessionCookie(context.publicUrl(), cookie));
    }
    limits.token.take(`${principal.via} ${principal.tokenId}`);
    request.principal = principal;
    if (access === 'user') return mustBePerson(principal);
    request.grants = await grantsOf(db, principal);
    if (access === 'caller' || access.on === 'named-in-body') return;
    const params = request.params as Record<string, string>;
    if ('param' in access) await check(db, request, access.permission, access.on, params[access.param]);
    else await check(db, request, access.permission, params['resource_type'], params['resource_id']);
  });
  app.addHook('preHandler', async (request) => {
    const access = request.routeOptions.config.access;
    if (typeof access !== 'object' || access.on !== 'named-in-body') return;
    const body = request.body as { resource_type: string; resource_id: number };
    await check(db, request, access.permission, body.resource_type, String(body.resource_id));
  });
}

/** For an answer that goes on: throws when whoever asked for it may not have it any more. */
export async function mustStillHaveAccess(
  context: { db: Db; clock: Clock },
  request: FastifyRequest,
): Promise<void> {
  const { access } = request.routeOptions.config;
  if (typeof access !== 'object' || !('param' in access)) return;
  request.principal = await authenticate(context, request);
  request.grants = await grantsOf(context.db, request.principal);
  const params = request.params as Record<string, string | number>;
  await check(context.db, request, access.permission, access.on, String(params[access.param]));
}

function mustBePerson({ via }: Principal): void {
  if (via !== 'project_api_token') return;
  throw new AppError('forbidden', 'This is about a person; the API token of a project is none. Sign in.');
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
  const granted = permissionsAt(grantsIn(request), scope);
  if (granted.length === 0) throw missing;
  if (!granted.includes(permission)) throw lacking(permission);
  request.scope = scope;
}

function lacking(permission: Permission): AppError {
  return new AppError(
    'forbidden',
    `This needs the permission ${permission}. Ask an administrator of the organization.`,
  );
}

/** For a verb that needs a second permission in the place of its object. Throws `forbidden`, naming it. */
export function mustAlsoHave(request: FastifyRequest, permission: Permission): void {
  if (!permissionsAt(grantsIn(request), placeOf(request)).includes(permission)) throw lacking(permission);
}

function label(kind: string | undefined): string {
  return (kind ?? 'object').replaceAll('_', ' ');
}

/** What the caller has been granted; only for routes that are neither public nor for persons alone. */
export function grantsIn(request: FastifyRequest): Grant[] {
  if (!request.grants) throw new AppError('internal', 'This address has no grants.');
  return request.grants;
}

/** The caller; only for routes that are not public. */
export function principalOf(request: FastifyRequest): Principal {
  if (!request.principal) throw new AppError('unauthenticated', 'Sign in first.');
  return request.principal;
}

/** The token of this request in a word: what is counted for each is counted by it. */
export function tokenOf(request: FastifyRequest): string {
  const { via, tokenId } = principalOf(request);
  return `${via} ${tokenId}`;
}

/** Where the object of this request lives; only for routes with a permission on an object. */
export function placeOf(request: FastifyRequest): Scope {
  if (!request.scope) throw new AppError('internal', 'This address has no place.');
  return request.scope;
}

/** The same for an object of an environment. */
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
