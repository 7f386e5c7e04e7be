import type { ProviderApi, ProviderHost } from '../../inventory/credentials/provider-api.ts';
import type { RequestMethod } from '../../outgoing/exchange.ts';

/*
 * How each provider keeps the webhooks of a repository, as rows of data. Sources: GitHub's OpenAPI; gitlabhq/gitlabhq
 * doc/api/project_webhooks.md; the OpenAPI of Bitbucket Cloud and of Data Center 9.4. The tests hold requests against them.
 */

/** Our words for what a repository tells of. */
export const eventWords = ['push', 'tag', 'pull_request'] as const;
export type EventWord = (typeof eventWords)[number];

/** A repository at its provider. */
export type Repository = ProviderApi & { owner: string; name: string };

export type WantedHook = {
  url: string;
  /** Null for a hook that takes unsigned requests. */
  secret: { text: string; use: SecretUse } | null;
  /** In the provider's own words. */
  events: string[];
  /** For people who look at the webhooks of the repository. */
  title: string;
};
/** What the provider is to do with the secret: sign, or send it along as it is, which is GitLab's older way. */
export type SecretUse = 'sign' | 'send';

/** A webhook at the provider; `createdAt` is in ms since 1970. */
export type ProviderHook = { id: string; url: string; createdAt: number };

type Body = Record<string, unknown>;
type Answer = { headers: Record<string, string>; json: unknown };

export type ProviderRow = {
  headers: Record<string, string>;
  events: Record<EventWord, readonly string[]>;
  /** Of a secret; null where no limit is published. */
  mostSecretCharacters: number | null;
  /** Where the webhooks of a repository are, behind the base of the API. */
  path: (repository: Repository) => string;
  firstPage: string;
  /** The query of the page after this one; null after the last. */
  nextPage: (answer: Answer) => string | null;
  /** What should be the list in a page. */
  listIn: (json: unknown) => unknown;
  /** Where a webhook in an answer has these; dotted. */
  fields: { id: string; url: string; createdAt: string };
  create: (wanted: WantedHook) => Body;
  update: { method: RequestMethod; body: (wanted: WantedHook) => Body };
  /** What the provider's answer to a change says against it, in sentences. */
  doubts: (json: unknown, wanted: WantedHook) => string[];
  /** The page where people see the webhooks of the repository. */
  settingsUrl: (repository: Repository) => string;
};

const segment = encodeURIComponent;
const noDoubts = () => [];

const rows: Record<ProviderHost, ProviderRow> = {
  github: {
    headers: { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' },
    // A tag is a push as well; the event `create` would tell of it without its commit.
    events: { push: ['push'], tag: ['push'], pull_request: ['pull_request'] },
    mostSecretCharacters: null,
    path: ({ owner, name }) => `/repos/${segment(owner)}/${segment(name)}/hooks`,
    firstPage: '?per_page=100',
    nextPage: nextLink,
    listIn: (json) => json,
    fields: { id: 'id', url: 'config.url', createdAt: 'created_at' },
    create: (wanted) => ({ name: 'web', ...githubBody(wanted) }),
    update: { method: 'PATCH', body: githubBody },
    doubts: noDoubts,
    settingsUrl: ({ base, owner, name }) => {
      const site = base.replace(/\/api\/v3$/, '').replace(/^(https?:\/\/)api\./, '$1');
      return `${site}/${owner}/${name}/settings/hooks`;
    },
  },
  gitlab: {
    headers: { accept: 'application/json' },
    events: { push: ['push_events'], tag: ['tag_push_events'], pull_request: ['merge_requests_events'] },
    mostSecretCharacters: null,
    path: ({ owner, name }) => `/projects/${segment(`${owner}/${name}`)}/hooks`,
    firstPage: '?per_page=100',
    nextPage: nextLink,
    listIn: (json) => json,
    fields: { id: 'id', url: 'url', createdAt: 'created_at' },
    create: gitlabBody,
    update: {
      method: 'PUT',
      // An empty token takes away the one there was.
      body: (wanted) => ({ token: '', ...gitlabBody(wanted) }),
    },
    doubts: gitlabDoubts,
    settingsUrl: ({ base, owner, name }) => `${base.replace(/\/api\/v4$/, '')}/${owner}/${name}/-/hooks`,
  },
  bitbucket: {
    headers: { accept: 'application/json' },
    events: {
      push: ['repo:push'],
      tag: ['repo:push'],
      pull_request: [
        'pullrequest:created',
        'pullrequest:updated',
        'pullrequest:fulfilled',
        'pullrequest:rejected',
      ],
    },
    mostSecretCharacters: 128,
    path: ({ owner, name }) => `/repositories/${segment(owner)}/${segment(name)}/hooks`,
    firstPage: '?pagelen=100',
    nextPage: ({ json }) => {
      const next = valueAt(json, 'next');
      return typeof next === 'string' ? queryOf(next) : null;
    },
    listIn: (json) => valueAt(json, 'values'),
    fields: { id: 'uuid', url: 'url', createdAt: 'created_at' },
    create: cloudBody,
    update: { method: 'PUT', body: cloudBody },
    doubts: noDoubts,
    settingsUrl: ({ owner, name }) => `https://bitbucket.org/${owner}/${name}/admin/webhooks`,
  },
  'bitbucket-data-center': {
    headers: { accept: 'application/json' },
    events: {
      push: ['repo:refs_changed'],
      tag: ['repo:refs_changed'],
      pull_request: ['pr:opened', 'pr:from_ref_updated', 'pr:modified', 'pr:merged', 'pr:declined'],
    },
    mostSecretCharacters: null,
    path: (repository) =>
      `/projects/${segment(projectOf(repository))}/repos/${segment(repository.name)}/webhooks`,
    firstPage: '?limit=100',
    nextPage: ({ json }) => {
      const start = valueAt(json, 'nextPageStart');
      return valueAt(json, 'isLastPage') === false && typeof start === 'number'
        ? `?limit=100&start=${start}`
        : null;
    },
    listIn: (json) => valueAt(json, 'values'),
    fields: { id: 'id', url: 'url', createdAt: 'createdDate' },
    create: dataCenterBody,
    update: { method: 'PUT', body: dataCenterBody },
    doubts: noDoubts,
    settingsUrl: (repository) =>
      `${repository.base.replace(/\/rest\/api\/latest$/, '')}/plugins/servlet/webhooks/projects/${projectOf(repository)}/repos/${repository.name}`,
  },
};

export function providerRow(host: ProviderHost): ProviderRow {
  return rows[host];
}

/** The names that a provider has for some events, each once. */
export function eventsAt(host: ProviderHost, words: readonly EventWord[]): string[] {
  return [...new Set(words.flatMap((word) => rows[host].events[word]))];
}

/** How people name a repository. */
export function repositoryName(repository: Repository): string {
  const { host, owner, name } = repository;
  return `${host === 'bitbucket-data-center' ? projectOf(repository) : owner}/${name}`;
}

/** The address for cloning has `scm/` before the project, and before that a path on a host that is shared. */
function projectOf({ owner }: Repository): string {
  return owner.slice(owner.lastIndexOf('/') + 1);
}

function githubBody({ url, secret, events }: WantedHook): Body {
  // Whatever is left out of `config` at a change is taken away, the secret too.
  const config = { url, content_type: 'json', insecure_ssl: '0' };
  return { active: true, events, config: secret ? { ...config, secret: secret.text } : config };
}

function gitlabBody({ url, secret, events }: WantedHook): Body {
  const switches = Object.values(rows.gitlab.events).map(([name]) => [name!, events.includes(name!)]);
  // Takes `whsec_` and 32 bytes in base64: gitlab.com/gitlab-org/gitlab/-/merge_requests/231325.
  const key = secret?.use === 'sign' ? 'signing_token' : 'token';
  return {
    url,
    ...(Object.fromEntries(switches) as Body),
    enable_ssl_verification: true,
    ...(secret ? { [key]: secret.text } : {}),
  };
}

/** An older GitLab passes over a signing token without a word; and one that was answered with errors pauses a webhook. */
function gitlabDoubts(json: unknown, { secret }: WantedHook): string[] {
  const doubts: string[] = [];
  if (secret?.use === 'sign' && valueAt(json, 'signing_token_present') !== true) {
    doubts.push(
      'This GitLab does not say that it took the signing token; if it is too old for that, its requests will be refused: then give the hook signature_scheme "gitlab-token" and install it again.',
    );
  }
  const status = valueAt(json, 'alert_status');
  if (typeof status === 'string' && status !== 'executable') {
    doubts.push('GitLab has paused this webhook after errors; a test request from its settings resumes it.');
  }
  return doubts;
}

function cloudBody({ url, secret, events, title }: WantedHook): Body {
  return { description: title, url, active: true, events, secret: secret?.text ?? '' };
}

function dataCenterBody({ url, secret, events, title }: WantedHook): Body {
  const configuration = secret ? { secret: secret.text } : {};
  return { name: title, url, active: true, events, configuration, sslVerificationRequired: true };
}

/** RFC 8288. Only its query is taken: the token goes to no address that an answer names. */
function nextLink({ headers }: Answer): string | null {
  const next = /<([^>]+)>\s*;[^,]*\brel="?next\b/.exec(headers['link'] ?? '')?.[1];
  return next === undefined ? null : queryOf(next);
}

function queryOf(url: string): string | null {
  return URL.parse(url)?.search ?? null;
}

/** The value at a dotted path of what a provider answered; undefined where there is none. */
export function valueAt(json: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, name)
          ? (value as Record<string, unknown>)[name]
          : undefined,
      json,
    );
}
