import { randomUUID } from 'node:crypto';
import type { Behaviour } from './behaviour.ts';
import { githubHookContracts } from './github-contracts.ts';
import {
  bitbucketCloudHookContracts,
  dataCenterHookContracts,
  gitlabHookContracts,
  type HookContracts,
} from './provider-hook-contracts.ts';
import { checkRequest, type ProviderRequest } from './provider-request.ts';
import { startReceiver, type ReceivedRequest } from './receiver.ts';

export type FakeHost = 'github' | 'gitlab' | 'bitbucket' | 'bitbucket-data-center';

/** A webhook as the provider has it. */
export type FakeHook = {
  id: string;
  /** The path parameters that name its repository, joined by a slash. */
  repository: string;
  url: string;
  /** In the provider's own words. */
  events: string[];
  active: boolean;
  /** Whatever it was given to sign with, or to send along; '' for nothing. */
  secret: string;
  /** GitLab's. */
  signingToken: string;
  createdAt: number;
};

export type FakeProvider = {
  /** What is given to a credential as `provider_code` and `api_url`. */
  provider: 'github' | 'gitlab' | 'bitbucket';
  apiUrl: string;
  /** Grows and shrinks. */
  hooks: readonly FakeHook[];
  requests: readonly ReceivedRequest[];
  /** `POST`, `GET` …, in order of arrival. */
  methods(): string[];
  /** What was not as the provider's description asks for it. */
  faults: readonly string[];
  /** Puts a webhook there that somebody else has made; `repository` is that of the first one otherwise. */
  add(hook: Partial<FakeHook> & { url: string }): FakeHook;
  /** As somebody does by hand. */
  remove(hook: FakeHook): void;
  /** Answers in place of the provider for those requests that it gives something for. */
  interrupt(answer: (request: ReceivedRequest) => Behaviour | null): void;
  /** How long a list is on its way, during which more webhooks may be made. */
  delayLists(ms: number): void;
  close(): Promise<void>;
};

type Body = Record<string, unknown>;
type Row = {
  provider: FakeProvider['provider'];
  /** Of the API, behind the host; and of what a user gives as `api_url`. */
  base: string;
  given: string;
  contracts: HookContracts;
  /** The parameters that name the repository, and the one that names the webhook. */
  names: { repository: string[]; hook: string };
  newId: (count: number) => string;
  /** What a request to create or change says; what it leaves out stays. */
  read: (body: Body) => Partial<FakeHook>;
  show: (hook: FakeHook) => Body;
  /** The answer to one page of the list. */
  page: (hooks: FakeHook[], query: URLSearchParams, url: string) => Behaviour;
  /** Whether a second webhook for the same address is refused. */
  isUnique?: boolean;
};

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
/** An answer as the providers give them. */
export const json = (status: number, body: unknown, headers: Record<string, string> = {}): Behaviour => ({
  kind: 'answer',
  status,
  headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
  body: JSON.stringify(body),
});
const gitlabEvents = ['push_events', 'tag_push_events', 'merge_requests_events'];

const rows: Record<FakeHost, Row> = {
  github: {
    provider: 'github',
    base: '/api/v3',
    given: '',
    contracts: githubHookContracts(),
    names: { repository: ['owner', 'repo'], hook: 'hook_id' },
    newId: (count) => String(400_000_000 + count),
    read: (body) => {
      const config = body['config'] as Body | undefined;
      return {
        // The whole of `config` is replaced.
        ...(config && { url: text(config['url']), secret: text(config['secret']) }),
        ...readCommon(body),
      };
    },
    show: (hook) => ({
      type: 'Repository',
      id: Number(hook.id),
      name: 'web',
      active: hook.active,
      events: hook.events,
      config: { url: hook.url, content_type: 'json', insecure_ssl: '0', ...shown(hook.secret) },
      created_at: seconds(hook.createdAt),
      updated_at: seconds(hook.createdAt),
      last_response: { code: null, status: 'unused', message: null },
    }),
    page: linkedPage(30),
    isUnique: true,
  },
  gitlab: {
    provider: 'gitlab',
    base: '/api/v4',
    given: '',
    contracts: gitlabHookContracts,
    names: { repository: ['id'], hook: 'hook_id' },
    newId: (count) => String(7_000 + count),
    read: (body) => ({
      url: text(body['url']),
      events: gitlabEvents.filter((name) => body[name] === true),
      ...('token' in body ? { secret: text(body['token']) } : {}),
      ...('signing_token' in body ? { signingToken: text(body['signing_token']) } : {}),
    }),
    show: (hook) => ({
      id: Number(hook.id),
      url: hook.url,
      ...Object.fromEntries(gitlabEvents.map((name) => [name, hook.events.includes(name)])),
      enable_ssl_verification: true,
      alert_status: 'executable',
      created_at: new Date(hook.createdAt).toISOString(),
      token_present: hook.secret !== '',
      signing_token_present: hook.signingToken !== '',
    }),
    page: linkedPage(20),
  },
  bitbucket: {
    provider: 'bitbucket',
    base: '/2.0',
    given: '/2.0',
    contracts: bitbucketCloudHookContracts,
    names: { repository: ['workspace', 'repo_slug'], hook: 'uid' },
    newId: () => `{${randomUUID()}}`,
    read: (body) => ({
      url: text(body['url']),
      ...readCommon(body),
      ...('secret' in body ? { secret: text(body['secret']) } : {}),
    }),
    show: (hook) => ({
      type: 'webhook_subscription',
      uuid: hook.id,
      url: hook.url,
      events: hook.events,
      active: hook.active,
      secret_set: hook.secret !== '',
      subject_type: 'repository',
      created_at: new Date(hook.createdAt).toISOString(),
    }),
    page: (hooks, query, url) => {
      const size = Number(query.get('pagelen') ?? 10);
      const page = Number(query.get('page') ?? 1);
      const values = hooks.slice((page - 1) * size, page * size).map(rows.bitbucket.show);
      const more = page * size < hooks.length;
      return json(200, {
        pagelen: size,
        page,
        size: hooks.length,
        values,
        ...(more ? { next: `${url}?pagelen=${size}&page=${page + 1}` } : {}),
      });
    },
  },
  'bitbucket-data-center': {
    provider: 'bitbucket',
    base: '/rest/api/latest',
    given: '',
    contracts: dataCenterHookContracts,
    names: { repository: ['projectKey', 'repositorySlug'], hook: 'webhookId' },
    newId: (count) => String(count),
    read: (body) => ({
      url: text(body['url']),
      ...readCommon(body),
      secret: text((body['configuration'] as Body | undefined)?.['secret']),
    }),
    show: (hook) => ({
      id: Number(hook.id),
      name: 'Hookline',
      url: hook.url,
      events: hook.events,
      active: hook.active,
      createdDate: hook.createdAt,
      // In clear, as older servers do.
      configuration: hook.secret === '' ? {} : { secret: hook.secret },
      scopeType: 'repository',
      sslVerificationRequired: true,
    }),
    page: (hooks, query) => {
      const start = Number(query.get('start') ?? 0);
      const limit = Math.min(Number(query.get('limit') ?? 25), 25);
      const values = hooks.slice(start, start + limit).map(rows['bitbucket-data-center'].show);
      const isLastPage = start + limit >= hooks.length;
      const more = isLastPage ? {} : { nextPageStart: start + limit };
      return json(200, { size: values.length, limit, start, isLastPage, values, ...more });
    },
  },
};

/** What each of them says of a repository that is not there, or of a webhook. */
export const unknown: Record<FakeHost, Behaviour> = {
  github: json(404, { message: 'Not Found', documentation_url: 'https://docs.github.com' }),
  gitlab: json(404, { message: '404 Project Not Found' }),
  bitbucket: json(404, { type: 'error', error: { message: 'Repository acme/web not found' } }),
  'bitbucket-data-center': json(404, {
    errors: [
      {
        context: null,
        message: 'Project PROJ does not exist.',
        exceptionName: 'com.atlassian.bitbucket.project.NoSuchProjectException',
      },
    ],
  }),
};

/** A provider that keeps the webhooks of any repository, and holds every request against its published description. */
export async function startFakeProvider(host: FakeHost): Promise<FakeProvider> {
  const row = rows[host];
  const { contracts, names } = row;
  const hooks: FakeHook[] = [];
  const faults: string[] = [];
  let made = 0;
  let listDelayMs = 0;
  let interrupting: (request: ReceivedRequest) => Behaviour | null = () => null;

  const add: FakeProvider['add'] = (hook) => {
    made++;
    const whole: FakeHook = {
      id: row.newId(made),
      repository: hooks[0]?.repository ?? '',
      events: [],
      active: true,
      secret: '',
      signingToken: '',
      // Later than the one before it, by the clock of the provider.
      createdAt: Date.UTC(2026, 0, 1) + made * 1000,
      ...hook,
    };
    hooks.push(whole);
    return whole;
  };
  const remove = (hook: FakeHook) => void hooks.splice(hooks.indexOf(hook), 1);

  const answer = (request: ProviderRequest, url: string): Behaviour => {
    const [path = '', query] = request.url.split('?');
    const isOne = !/\/(web)?hooks$/.test(path);
    const kind = isOne
      ? request.method === 'DELETE'
        ? 'remove'
        : 'update'
      : request.method === 'GET'
        ? 'list'
        : 'create';
    const { parameters, body } = checkRequest(contracts[kind], row.base, request);
    const repository = names.repository.map((name) => decodeURIComponent(parameters[name]!)).join('/');
    const mine = hooks.filter((hook) => hook.repository === repository);
    const status = contracts[kind].success[0]!;
    if (kind === 'list') {
      const page = row.page(mine, new URLSearchParams(query), url + path);
      return page.kind === 'answer' ? { ...page, delayMs: listDelayMs } : page;
    }
    if (kind === 'create') {
      const given = row.read(body);
      if (row.isUnique && mine.some((hook) => hook.url === given.url)) return alreadyThere;
      return json(status, row.show(add({ ...given, url: text(given.url), repository })));
    }
    const id = decodeURIComponent(parameters[names.hook]!);
    const found = mine.find((hook) => hook.id === id);
    if (!found) return unknown[host];
    if (kind === 'remove') {
      remove(found);
      return { kind: 'answer', status };
    }
    Object.assign(found, row.read(body));
    return json(status, row.show(found));
  };

  const receiver = await startReceiver({
    behave: (request) => {
      const instead = interrupting(request);
      if (instead) return instead;
      try {
        const { method, path, headers, body } = request;
        return answer({ method, url: path, headers, body }, receiver.url);
      } catch (error) {
        faults.push(String(error));
        console.error(error);
        return json(500, { message: 'not as described' });
      }
    },
  });
  return {
    provider: row.provider,
    apiUrl: receiver.url + row.given,
    hooks,
    requests: receiver.requests,
    methods: () => receiver.requests.map(({ method }) => method),
    faults,
    add,
    remove,
    interrupt: (instead) => void (interrupting = instead),
    delayLists: (ms) => void (listDelayMs = ms),
    close: () => receiver.close(),
  };
}

const alreadyThere = json(422, {
  message: 'Validation Failed',
  errors: [{ resource: 'Hook', code: 'custom', message: 'Hook already exists on this repository' }],
  documentation_url: 'https://docs.github.com/rest/repos/webhooks#create-a-repository-webhook',
});

function readCommon(body: Body): Partial<FakeHook> {
  return {
    ...(Array.isArray(body['events']) ? { events: body['events'].map(String) } : {}),
    ...(typeof body['active'] === 'boolean' ? { active: body['active'] } : {}),
  };
}

/** As GitHub and GitLab tell of the next page. */
function linkedPage(usual: number): Row['page'] {
  return (hooks, query, url) => {
    const size = Number(query.get('per_page') ?? usual);
    const page = Number(query.get('page') ?? 1);
    const show = usual === 30 ? rows.github.show : rows.gitlab.show;
    const last = Math.max(1, Math.ceil(hooks.length / size));
    const link = (to: number, rel: string) => `<${url}?per_page=${size}&page=${to}>; rel="${rel}"`;
    const links = page < last ? [link(page + 1, 'next'), link(last, 'last')] : [];
    return json(
      200,
      hooks.slice((page - 1) * size, page * size).map(show),
      links.length > 0 ? { link: links.join(', ') } : {},
    );
  };
}

function shown(secret: string): Body {
  return secret === '' ? {} : { secret: '********' };
}

function seconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
