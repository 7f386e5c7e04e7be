import type { Access } from '../src/accounts/access.ts';
import {
  permissions,
  permissionTable,
  predefinedRoles,
  roleKeys,
  type Permission,
  type RoleKey,
} from '../src/accounts/permissions.ts';
import { registeredRoutes, type RegisteredRoute } from './registered-routes.ts';

/*
 * Who may call what: docs/permissions.md is written from it, and test/permissions.test.ts tries every cell of it against
 * the running server.
 */

export const callers = [...roleKeys, 'stranger', 'other project', 'revoked', 'expired', 'no token'] as const;
export type Caller = (typeof callers)[number];

export const callerLabels: Record<Caller, string> = {
  owner: 'owner',
  admin: 'admin',
  developer: 'developer',
  viewer: 'viewer',
  stranger: 'member of another organization',
  'other project': 'API token of another project',
  revoked: 'revoked token',
  expired: 'expired token',
  'no token': 'no token',
};

/** `ok` is any 2xx. */
export type Answer = 'ok' | 401 | 403 | 404;

export type MatrixRow = RegisteredRoute & {
  /** The permission that the call needs, also where the verb itself looks for it; null where it needs none. */
  permission: Permission | null;
  answers: Record<Caller, Answer>;
};

/** Verbs that any token may call and that look for a place where it has this permission. */
const lookedForByVerb: Record<string, Permission> = { addProject: 'project:create' };

/** Every operation of the API with the answer that each caller gets. */
export async function permissionMatrix(): Promise<MatrixRow[]> {
  return (await registeredRoutes()).map((route) => {
    const permission =
      typeof route.access === 'object'
        ? route.access.permission
        : (lookedForByVerb[route.operationId] ?? null);
    const answers = Object.fromEntries(
      callers.map((caller) => [caller, answerTo(caller, { ...route, permission })]),
    ) as Record<Caller, Answer>;
    return { ...route, permission, answers };
  });
}

type Asked = { access: Access; permission: Permission | null };

function answerTo(caller: Caller, { access, permission }: Asked): Answer {
  if (access === 'public') return 'ok';
  if (caller === 'revoked' || caller === 'expired' || caller === 'no token') return 401;
  if (caller === 'other project') return answerToOtherProject({ access, permission });
  // What belongs to a person, or a list of what one may see, holds one's own; so does a project made for oneself.
  if (caller === 'stranger') return typeof access === 'object' ? 404 : 'ok';
  return permission === null || predefinedRoles[caller].allows(permission) ? 'ok' : 403;
}

/** The token has every permission in its own project, which lies in the same organization. */
function answerToOtherProject({ access, permission }: Asked): Answer {
  if (access === 'user') return 403;
  if (access === 'caller') return permission === null ? 'ok' : 403;
  const ofOrganization =
    typeof access === 'object' && ['organization', 'team', 'role', 'team_invitation'].includes(access.on);
  if (!ofOrganization) return 404;
  return permission === 'organization:read' || permission === 'project:read' ? 'ok' : 403;
}

/** Every permission with what it lets its holder do and the predefined roles that have it. */
export function permissionRows(): { permission: Permission; hint: string; roles: RoleKey[] }[] {
  return permissions.map((permission) => {
    const [resource, verb] = permission.split(':') as [keyof typeof permissionTable, string];
    const verbs: Record<string, string> = permissionTable[resource].verbs;
    return {
      permission,
      hint: verbs[verb] ?? '',
      roles: roleKeys.filter((key) => predefinedRoles[key].allows(permission)),
    };
  });
}
