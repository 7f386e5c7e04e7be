/** Every permission there is, as `resource:verb`. */
const verbs = {
  organization: ['read', 'create', 'update', 'delete'],
  project: ['read', 'create', 'update', 'delete'],
  environment: ['read', 'create', 'update', 'delete'],
  credential: ['read', 'create', 'update', 'delete'],
  application: ['read', 'create', 'update', 'delete', 'deploy'],
  server: ['read', 'create', 'update', 'delete'],
  variable: ['read', 'create', 'update', 'delete'],
  pipeline: ['read', 'create', 'update', 'delete', 'run'],
  hook: ['read', 'create', 'update', 'delete'],
  action: ['read', 'cancel', 'retry'],
} as const;

export type Permission = {
  [R in keyof typeof verbs]: `${R}:${(typeof verbs)[R][number]}`;
}[keyof typeof verbs];

// Safe: built from the very table that the type is made of.
const permissions = Object.entries(verbs).flatMap(([resource, names]) =>
  names.map((verb) => `${resource}:${verb}`),
) as readonly Permission[];

type RoleName = 'owner' | 'admin' | 'developer' | 'viewer';

/** What each predefined role may do in its organization. */
const roles: Record<RoleName, (permission: Permission) => boolean> = {
  owner: () => true,
  admin: (permission) => permission !== 'organization:delete',
  developer: (permission) =>
    permission.endsWith(':read') || /^(application|pipeline|hook|action|variable):/.test(permission),
  viewer: (permission) => permission.endsWith(':read'),
};

/** The permissions of a role; none for a role that this version does not know. */
export function permissionsOf(role: string): readonly Permission[] {
  const allows = Object.hasOwn(roles, role) ? roles[role as RoleName] : null;
  return allows ? permissions.filter(allows) : [];
}
