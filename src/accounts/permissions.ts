/** Every permission there is, as `resource:verb`, with what each lets its holder do. `GET /permissions` shows this table. */
export const permissionTable = {
  organization: {
    label: 'Organization',
    verbs: {
      read: 'See the organization',
      update: 'Rename the organization',
      delete: 'Delete the organization',
    },
  },
  project: {
    label: 'Project',
    verbs: {
      read: 'See projects',
      create: 'Create projects',
      update: 'Change projects',
      delete: 'Delete projects',
    },
  },
  environment: {
    label: 'Environment',
    verbs: {
      read: 'See environments',
      create: 'Create environments',
      update: 'Change environments',
      delete: 'Delete environments',
    },
  },
  application: {
    label: 'Application',
    verbs: {
      read: 'See applications',
      create: 'Create applications',
      update: 'Change applications and the servers they run on',
      delete: 'Delete applications with their variables, pipelines and hooks',
      deploy: 'Deploy applications',
    },
  },
  server: {
    label: 'Server',
    verbs: {
      read: 'See servers',
      create: 'Add servers',
      update: 'Change servers',
      delete: 'Remove servers with their variables, pipelines and hooks',
      start: 'Switch servers on',
      stop: 'Switch servers off',
      restart: 'Restart servers',
    },
  },
  credential: {
    label: 'Credential',
    verbs: {
      read: 'See credentials, without their secrets',
      create: 'Connect source providers',
      update: 'Change credentials',
      delete: 'Delete credentials',
    },
  },
  variable: {
    label: 'Variable',
    verbs: {
      read: 'See variables; the values of hidden ones are masked',
      create: 'Add variables',
      update: 'Change variables',
      delete: 'Delete variables',
    },
  },
  pipeline: {
    label: 'Pipeline',
    verbs: {
      read: 'See pipelines and their steps',
      create: 'Create pipelines',
      update: 'Change pipelines and their steps',
      delete: 'Delete pipelines with their hooks',
      run: 'Run pipelines by hand',
    },
  },
  hook: {
    label: 'Hook',
    verbs: {
      read: 'See hooks and the records of their requests and deliveries',
      create: 'Create incoming and outgoing hooks',
      update: 'Change hooks',
      delete: 'Delete hooks',
    },
  },
  action: {
    label: 'Action',
    verbs: {
      read: 'See actions, their steps and logs',
      cancel: 'Cancel actions',
      retry: 'Run actions again',
    },
  },
  team: {
    label: 'Team',
    verbs: {
      read: 'See teams, their members and invitations',
      create: 'Create teams',
      update: 'Change teams, invite and remove members, give teams a role',
      delete: 'Delete teams',
    },
  },
  role: {
    label: 'Role',
    verbs: {
      read: 'See roles',
      create: 'Create roles',
      update: 'Change roles',
      delete: 'Delete roles',
    },
  },
  token: {
    label: 'Project API token',
    verbs: {
      read: 'See the API tokens of projects, without their texts',
      create: 'Create API tokens',
      update: 'Rotate API tokens',
      delete: 'Revoke API tokens',
    },
  },
  audit: {
    label: 'Audit',
    verbs: { read: 'See who changed what' },
  },
} as const;

type Table = typeof permissionTable;

export type Permission = {
  [R in keyof Table]: `${R}:${Extract<keyof Table[R]['verbs'], string>}`;
}[keyof Table];

// Safe: built from the very table that the type is made of.
export const permissions = Object.entries(permissionTable).flatMap(([resource, { verbs }]) =>
  Object.keys(verbs).map((verb) => `${resource}:${verb}`),
) as readonly Permission[];

/** Whoever holds a permission to change something must also be able to see it. */
export function requiredFor(permission: Permission): Permission[] {
  const [resource, verb] = permission.split(':');
  return verb === 'read' ? [] : [`${resource}:read` as Permission];
}

export type RoleKey = 'owner' | 'admin' | 'developer' | 'viewer';

/** Shown to those alone who look after the organization. */
const kept: ReadonlySet<Permission> = new Set(['token:read', 'audit:read']);
const isOpenRead = (permission: Permission) => permission.endsWith(':read') && !kept.has(permission);

/** The roles that each organization has from the beginning. */
export const predefinedRoles: Record<
  RoleKey,
  { description: string; allows: (permission: Permission) => boolean }
> = {
  owner: { description: 'May do everything, deleting the organization included.', allows: () => true },
  admin: {
    description: 'May do everything but delete the organization.',
    allows: (permission) => permission !== 'organization:delete',
  },
  developer: {
    description:
      'May read everything but tokens and the audit, and change applications, pipelines, hooks and variables.',
    allows: (permission) =>
      isOpenRead(permission) || /^(application|pipeline|hook|action|variable):/.test(permission),
  },
  viewer: { description: 'May read everything but tokens and the audit.', allows: isOpenRead },
};

// Safe: the keys of the very table.
export const roleKeys = Object.keys(predefinedRoles) as RoleKey[];

/** The permissions of a stored role; of a predefined one those that this version gives it. */
export function permissionsOf(role: {
  key: string | null;
  permissions: string | null;
}): readonly Permission[] {
  const predefined =
    role.key !== null && Object.hasOwn(predefinedRoles, role.key)
      ? predefinedRoles[role.key as RoleKey]
      : null;
  if (predefined) return permissions.filter(predefined.allows);
  // Safe: only the role's own verbs write this column. What this version does not know grants nothing.
  const given = JSON.parse(role.permissions ?? '[]') as string[];
  return permissions.filter((permission) => given.includes(permission));
}
