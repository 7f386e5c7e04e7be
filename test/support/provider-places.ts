import { githubContracts } from './github-contracts.ts';
import {
  bitbucketCloudContracts,
  bitbucketDataCenterContracts,
  gitlabContracts,
  type ProviderContract,
} from './provider-contracts.ts';
import { senders } from './provider-events.ts';

/** An API that a preset is for, and what it must ask of it. */
type Host = {
  provider: 'github' | 'gitlab' | 'bitbucket';
  sender: keyof typeof senders;
  status: { preset: string; contract: ProviderContract; states: Record<StatusOfAction, string> };
  comment: { preset: string; contract: ProviderContract; textOf: (body: Record<string, unknown>) => unknown };
  /** The names of the path parameters for the commit and for the number of the request. */
  commit: string;
  number: string;
};

export type StatusOfAction = 'pending' | 'in-progress' | 'completed' | 'failed' | 'skipped';

const github = githubContracts();

export const hosts = {
  github: {
    provider: 'github',
    sender: 'github',
    status: {
      preset: 'github-commit-status',
      contract: github.commitStatus,
      states: {
        pending: 'pending',
        'in-progress': 'pending',
        completed: 'success',
        failed: 'failure',
        skipped: 'error',
      },
    },
    comment: {
      preset: 'github-pr-comment',
      contract: github.issueComment,
      textOf: (body) => body['body'],
    },
    commit: 'sha',
    number: 'issue_number',
  },
  gitlab: {
    provider: 'gitlab',
    sender: 'gitlab',
    status: {
      preset: 'gitlab-commit-status',
      contract: gitlabContracts.commitStatus,
      states: {
        pending: 'pending',
        'in-progress': 'running',
        completed: 'success',
        failed: 'failed',
        skipped: 'canceled',
      },
    },
    comment: {
      preset: 'gitlab-mr-comment',
      contract: gitlabContracts.mergeRequestNote,
      textOf: (body) => body['body'],
    },
    commit: 'sha',
    number: 'merge_request_iid',
  },
  bitbucket: {
    provider: 'bitbucket',
    sender: 'bitbucket',
    status: {
      preset: 'bitbucket-build-status',
      contract: bitbucketCloudContracts.buildStatus,
      states: {
        pending: 'INPROGRESS',
        'in-progress': 'INPROGRESS',
        completed: 'SUCCESSFUL',
        failed: 'FAILED',
        skipped: 'STOPPED',
      },
    },
    comment: {
      preset: 'bitbucket-pr-comment',
      contract: bitbucketCloudContracts.pullRequestComment,
      textOf: (body) => (body['content'] as { raw: unknown }).raw,
    },
    commit: 'commit',
    number: 'pull_request_id',
  },
  'bitbucket-data-center': {
    provider: 'bitbucket',
    sender: 'bitbucket-data-center',
    status: {
      preset: 'bitbucket-build-status',
      contract: bitbucketDataCenterContracts.buildStatus,
      states: {
        pending: 'INPROGRESS',
        'in-progress': 'INPROGRESS',
        completed: 'SUCCESSFUL',
        failed: 'FAILED',
        skipped: 'CANCELLED',
      },
    },
    comment: {
      preset: 'bitbucket-pr-comment',
      contract: bitbucketDataCenterContracts.pullRequestComment,
      textOf: (body) => body['text'],
    },
    commit: 'commitId',
    number: 'pullRequestId',
  },
} as const satisfies Record<string, Host>;

/** A repository as people give it, and what requests about it must begin with and name. */
export type Place = {
  host: keyof typeof hosts;
  /** Null: the provider's own. */
  apiUrl: string | null;
  repository: string;
  base: string;
  /** The parts of the path that name the repository, percent-encoded. */
  named: Record<string, string>;
};

const octocat = { owner: 'octocat', repo: 'hello-world' };
const proj = { projectKey: 'PROJ', repositorySlug: 'repo' };
const workspace = { workspace: 'acme', repo_slug: 'web.site' };

export const places: readonly Place[] = [
  {
    host: 'github',
    apiUrl: null,
    repository: 'octocat/hello-world',
    base: 'https://api.github.com',
    named: octocat,
  },
  {
    host: 'github',
    apiUrl: 'https://api.github.com/',
    repository: 'https://github.com/octocat/hello-world.git',
    base: 'https://api.github.com',
    named: octocat,
  },
  {
    host: 'github',
    apiUrl: 'https://ghe.example.com',
    repository: 'git@ghe.example.com:octocat/hello-world.git',
    base: 'https://ghe.example.com/api/v3',
    named: octocat,
  },
  {
    host: 'github',
    apiUrl: 'https://ghe.example.com/api/v3',
    repository: 'ssh://git@ghe.example.com/octocat/hello-world.git',
    base: 'https://ghe.example.com/api/v3',
    named: octocat,
  },
  {
    host: 'github',
    apiUrl: 'https://api.acme.ghe.com',
    repository: 'octocat/hello-world',
    base: 'https://api.acme.ghe.com',
    named: octocat,
  },
  {
    host: 'gitlab',
    apiUrl: null,
    repository: 'gitlab-org/gitlab',
    base: 'https://gitlab.com/api/v4',
    named: { id: 'gitlab-org%2Fgitlab' },
  },
  {
    host: 'gitlab',
    apiUrl: 'https://gitlab.example.com',
    repository: 'group/sub.group/project',
    base: 'https://gitlab.example.com/api/v4',
    named: { id: 'group%2Fsub.group%2Fproject' },
  },
  {
    host: 'gitlab',
    apiUrl: 'https://gitlab.example.com:8443/api/v4/',
    repository: 'https://gitlab.example.com:8443/a/b/c.git',
    base: 'https://gitlab.example.com:8443/api/v4',
    named: { id: 'a%2Fb%2Fc' },
  },
  {
    host: 'bitbucket',
    apiUrl: null,
    repository: 'acme/web.site',
    base: 'https://api.bitbucket.org/2.0',
    named: workspace,
  },
  {
    host: 'bitbucket',
    apiUrl: 'https://api.bitbucket.org',
    repository: 'git@bitbucket.org:acme/web.site.git',
    base: 'https://api.bitbucket.org/2.0',
    named: workspace,
  },
  {
    host: 'bitbucket',
    apiUrl: 'https://api.bitbucket.org/2.0/',
    repository: 'https://bitbucket.org/acme/web.site.git',
    base: 'https://api.bitbucket.org/2.0',
    named: workspace,
  },
  {
    host: 'bitbucket-data-center',
    apiUrl: 'https://bb.example.com',
    repository: 'https://bb.example.com/scm/PROJ/repo.git',
    base: 'https://bb.example.com/rest/api/latest',
    named: proj,
  },
  {
    host: 'bitbucket-data-center',
    apiUrl: 'https://bb.example.com/rest/api/1.0',
    repository: 'PROJ/repo',
    base: 'https://bb.example.com/rest/api/latest',
    named: proj,
  },
  {
    host: 'bitbucket-data-center',
    apiUrl: 'https://bb.example.com/rest/api/latest',
    repository: 'ssh://git@bb.example.com:7999/PROJ/repo.git',
    base: 'https://bb.example.com/rest/api/latest',
    named: proj,
  },
  {
    host: 'bitbucket-data-center',
    apiUrl: 'https://example.com/bitbucket',
    repository: 'https://example.com/bitbucket/scm/PROJ/repo.git',
    base: 'https://example.com/bitbucket/rest/api/latest',
    named: proj,
  },
  {
    // A repository of somebody's own.
    host: 'bitbucket-data-center',
    apiUrl: 'https://bb.example.com',
    repository: 'https://bb.example.com/scm/~jdoe/repo.git',
    base: 'https://bb.example.com/rest/api/latest',
    named: { projectKey: '~jdoe', repositorySlug: 'repo' },
  },
];
