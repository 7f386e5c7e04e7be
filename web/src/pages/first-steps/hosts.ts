export type HostCode = 'github' | 'gitlab' | 'bitbucket';

type Setting = { name: string; value: string };

type Host = {
  code: HostCode;
  label: string;
  /** What the token must be allowed, for everything that Hookline does with it. */
  token: string;
  /** Where the webhooks of a repository are kept at the public site. */
  page: (repository: string) => string;
  /** The way there, in the words of the provider. */
  way: string;
  secretField: string;
  settings: Setting[];
  statusPreset: 'github-commit-status' | 'gitlab-commit-status' | 'bitbucket-build-status';
};

/** What each git host asks for, in its own words. */
export const hosts: Record<HostCode, Host> = {
  github: {
    code: 'github',
    label: 'GitHub',
    token:
      'A fine-grained token with Contents: read, Webhooks: read and write, Commit statuses: read and write; or a classic one with repo and admin:repo_hook.',
    page: (repository) => `https://github.com/${repository}/settings/hooks/new`,
    way: 'Settings › Webhooks › Add webhook',
    secretField: 'Secret',
    settings: [
      { name: 'Content type', value: 'application/json' },
      { name: 'SSL verification', value: 'Enable' },
      { name: 'Which events …?', value: 'Just the push event' },
      { name: 'Active', value: 'on' },
    ],
    statusPreset: 'github-commit-status',
  },
  gitlab: {
    code: 'gitlab',
    label: 'GitLab',
    token: 'A project access token with the role Maintainer and the scope api.',
    page: (repository) => `https://gitlab.com/${repository}/-/hooks`,
    way: 'Settings › Webhooks › Add new webhook',
    secretField: 'Secret token',
    settings: [
      { name: 'Trigger', value: 'Push events, all branches' },
      { name: 'SSL verification', value: 'Enable' },
    ],
    statusPreset: 'gitlab-commit-status',
  },
  bitbucket: {
    code: 'bitbucket',
    label: 'Bitbucket',
    token:
      'An access token of the repository with Repositories: read and write, Pull requests: read, Webhooks: read and write.',
    page: (repository) => `https://bitbucket.org/${repository}/admin/webhooks`,
    way: 'Repository settings › Webhooks › Add webhook',
    secretField: 'Secret',
    settings: [
      { name: 'Title', value: 'Hookline' },
      { name: 'Status', value: 'Active' },
      { name: 'Triggers', value: 'Repository push' },
    ],
    statusPreset: 'bitbucket-build-status',
  },
};

export function isHost(code: string | null | undefined): code is HostCode {
  return typeof code === 'string' && Object.hasOwn(hosts, code);
}

/** The host that an address names, as far as it can be told. */
export function hostOf(repository: string): HostCode | null {
  const found = /(github|gitlab|bitbucket)\b/i.exec(repository)?.[1]?.toLowerCase();
  return isHost(found) ? found : null;
}
