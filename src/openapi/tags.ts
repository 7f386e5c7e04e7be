/** How the operations are grouped: by the first part of their address. They are shown in this order. */
const tags: Record<string, { name: string; description: string }> = {
  users: { name: 'Account', description: 'Signing in, your own account and your personal access tokens.' },
  session: { name: 'Account', description: 'Signing in, your own account and your personal access tokens.' },
  organizations: {
    name: 'Organizations',
    description: 'What projects, people, roles and credentials belong to.',
  },
  projects: { name: 'Projects', description: 'A project holds environments.' },
  environments: {
    name: 'Environments',
    description: 'An environment, such as production, holds applications, servers and credentials.',
  },
  teams: { name: 'Teams', description: 'People who work together, and where they may.' },
  'team-invitations': { name: 'Invitations', description: 'How somebody becomes a member of a team.' },
  roles: { name: 'Roles', description: 'Named sets of permissions.' },
  permissions: { name: 'Permissions', description: 'Everything that a role can allow.' },
  static: { name: 'Permissions', description: 'Everything that a role can allow.' },
  credentials: { name: 'Credentials', description: 'Access to the hosts of source code.' },
  applications: { name: 'Applications', description: 'What is deployed: a repository and how to build it.' },
  servers: { name: 'Servers', description: 'The machines that steps run on.' },
  'resource-links': { name: 'Links', description: 'Which servers an application runs on.' },
  variables: { name: 'Variables', description: 'Environment variables for the steps of a resource.' },
  pipelines: { name: 'Pipelines', description: 'Steps in their order, for one operation of a resource.' },
  actions: { name: 'Actions', description: 'Runs of pipelines: status, targets, steps and their output.' },
  hooks: {
    name: 'Hooks',
    description: 'Incoming hooks start actions; outgoing hooks tell others about them.',
  },
  'hook-requests': {
    name: 'Hook requests',
    description: 'The record of what came in and of what was sent, with the reason for what followed.',
  },
  'openapi.json': { name: 'Reference', description: 'This description.' },
};

export type Tag = { name: string; description?: string };

/** The tag of an address such as `/projects/{project_id}`. */
export function tagOf(path: string): Tag {
  const segment = firstOf(path);
  return Object.hasOwn(tags, segment) ? tags[segment]! : { name: segment };
}

/** The tags of some addresses, each once and in the order of the table. */
export function tagsOf(paths: string[]): Tag[] {
  const order = Object.keys(tags);
  const segments = [...new Set(paths.map(firstOf))];
  const found = segments
    .sort((a, b) => order.indexOf(a) - order.indexOf(b))
    .map((segment) => tagOf(`/${segment}`));
  return [...new Map(found.map((tag) => [tag.name, tag])).values()];
}

function firstOf(path: string): string {
  return path.split('/')[1] ?? '';
}

/** What an address is about, as one word: `project` of `/projects/{project_id}`. */
export function subjectOf(path: string): string {
  const fixed = path.split('/').filter((part) => part !== '' && !part.startsWith('{'));
  const collection = fixed.findLast((part) => part.endsWith('s')) ?? fixed[0] ?? '';
  return collection.replace(/ies$/, 'y').replace(/s$/, '').replaceAll('-', '_');
}
