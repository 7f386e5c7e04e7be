/** What a sample is about; what is left out is made up. */
export type SampleDetails = {
  /** `owner/name` */
  repository?: string;
  branch?: string;
  tag?: string;
  /** A full hash. */
  commit?: string;
  /** When it happens. */
  now?: Date;
};

/** A request of a sender, not signed yet. */
export type SampleEvent = { headers: Record<string, string>; body: string };

type Told = Required<SampleDetails> & { id: string };
type Sample = (told: Told) => { headers?: Record<string, string>; body: object };

const message = 'A sample event';
const sender = 'hookline-sample';
const noCommit = '0'.repeat(40);

const github =
  (event: string, body: (told: Told) => object): Sample =>
  (told) => ({
    headers: { 'x-github-event': event, 'x-github-delivery': told.id },
    body: { ...body(told), repository: repositoryOf(told), sender: { login: sender } },
  });
const gitea =
  (event: string, body: (told: Told) => object): Sample =>
  (told) => ({
    headers: { 'x-gitea-event': event, 'x-gitea-delivery': told.id },
    body: { ...body(told), repository: repositoryOf(told), sender: { login: sender } },
  });
const gitlab =
  (event: string, body: (told: Told) => object): Sample =>
  (told) => ({
    headers: { 'x-gitlab-event': event, 'x-gitlab-event-uuid': told.id },
    body: { ...body(told), project: { path_with_namespace: told.repository } },
  });
const bitbucket =
  (event: string, body: (told: Told) => object): Sample =>
  (told) => ({
    headers: { 'x-event-key': event, 'x-request-uuid': told.id },
    body: { actor: { nickname: sender }, repository: { full_name: told.repository }, ...body(told) },
  });

const repositoryOf = ({ repository }: Told) => ({ id: 1, full_name: repository });
const pushed = (ref: string, { commit }: Told) => ({
  ref,
  before: noCommit,
  after: commit,
  head_commit: { id: commit, message },
  commits: [{ id: commit, message }],
});
const pullRequest =
  (repository: object) =>
  ({ branch, commit }: Told) => ({
    action: 'opened',
    number: 1,
    pull_request: {
      number: 1,
      title: message,
      head: { ref: 'sample', sha: commit, ...repository },
      base: { ref: branch, ...repository },
    },
  });
const gitlabPush = (kind: string, ref: string, { commit }: Told) => ({
  object_kind: kind,
  event_name: kind,
  before: noCommit,
  after: commit,
  ref,
  checkout_sha: commit,
  user_username: sender,
  commits: [{ id: commit, message }],
});
const bitbucketPush = (type: string, name: string, { commit }: Told) => ({
  push: { changes: [{ old: null, new: { type, name, target: { hash: commit, message } } }] },
});

/** In the words of each sender, with as much as a hook looks at. */
const rows: Record<string, Record<string, Sample>> = {
  github: {
    push: github('push', (told) => pushed(`refs/heads/${told.branch}`, told)),
    tag: github('push', (told) => pushed(`refs/tags/${told.tag}`, told)),
    pull_request: github('pull_request', pullRequest({ repo: { id: 1 } })),
    ping: github('ping', () => ({ zen: message, hook_id: 1 })),
  },
  gitea: {
    push: gitea('push', (told) => pushed(`refs/heads/${told.branch}`, told)),
    tag: gitea('push', (told) => pushed(`refs/tags/${told.tag}`, told)),
    pull_request: gitea('pull_request', pullRequest({ repo_id: 1 })),
  },
  gitlab: {
    push: gitlab('Push Hook', (told) => gitlabPush('push', `refs/heads/${told.branch}`, told)),
    tag: gitlab('Tag Push Hook', (told) => gitlabPush('tag_push', `refs/tags/${told.tag}`, told)),
    pull_request: gitlab('Merge Request Hook', ({ branch, commit }) => ({
      object_kind: 'merge_request',
      user: { username: sender },
      object_attributes: {
        iid: 1,
        action: 'open',
        title: message,
        source_branch: 'sample',
        target_branch: branch,
        source_project_id: 1,
        target_project_id: 1,
        last_commit: { id: commit, message },
      },
    })),
  },
  bitbucket: {
    push: bitbucket('repo:push', (told) => bitbucketPush('branch', told.branch, told)),
    tag: bitbucket('repo:push', (told) => bitbucketPush('tag', told.tag, told)),
    pull_request: bitbucket('pullrequest:created', ({ branch, commit }) => ({
      pullrequest: {
        id: 1,
        title: message,
        source: { branch: { name: 'sample' }, commit: { hash: commit }, repository: { uuid: '{1}' } },
        destination: { branch: { name: branch }, repository: { uuid: '{1}' } },
      },
    })),
  },
  stripe: {
    paid: stripe('invoice.paid', {
      object: 'invoice',
      customer: 'cus_sample',
      customer_email: 'sample@example.com',
      amount_paid: 2900,
      currency: 'eur',
      status: 'paid',
    }),
    payment_failed: stripe('invoice.payment_failed', {
      object: 'invoice',
      customer: 'cus_sample',
      customer_email: 'sample@example.com',
      amount_paid: 0,
      currency: 'eur',
      status: 'open',
    }),
  },
  shopify: {
    paid: ({ id }) => ({
      headers: {
        'x-shopify-topic': 'orders/paid',
        'x-shopify-shop-domain': 'sample.myshopify.com',
        'x-shopify-webhook-id': id,
      },
      body: {
        id: 1,
        name: '#1001',
        email: 'sample@example.com',
        total_price: '29.00',
        currency: 'EUR',
        financial_status: 'paid',
      },
    }),
  },
  slack: {
    message: ({ id, now }) => ({
      body: {
        type: 'event_callback',
        team_id: 'T0SAMPLE',
        event_id: `Ev${id}`,
        event_time: seconds(now),
        event: { type: 'message', channel: 'C0SAMPLE', user: 'U0SAMPLE', text: 'deploy' },
      },
    }),
  },
  standard: {
    paid: ({ now }) => ({
      body: { type: 'invoice.paid', timestamp: now.toISOString(), data: { id: 'sample', paid: true } },
    }),
  },
};

function stripe(type: string, object: object): Sample {
  return ({ id, now }) => ({
    body: {
      id: `evt_${id.replaceAll('-', '')}`,
      object: 'event',
      type,
      livemode: false,
      created: seconds(now),
      data: { object: { id: `in_${id.slice(0, 8)}`, ...object } },
    },
  });
}

/** The events there are samples of for a preset of incoming hooks; the first is its usual one. */
export function sampleEventNames(preset: string): string[] {
  return Object.hasOwn(rows, preset) ? Object.keys(rows[preset] ?? {}) : [];
}

/**
 * A request as the sender of a preset makes it, for `signWebhook` to sign: each with an id of its own. Throws a TypeError
 * when there is no such sample.
 */
export function sampleEvent(preset: string, event: string, details: SampleDetails = {}): SampleEvent {
  const sample =
    Object.hasOwn(rows, preset) && Object.hasOwn(rows[preset] ?? {}, event) && rows[preset]?.[event];
  if (!sample)
    throw new TypeError(
      `There is no sample of "${event}" for ${preset}; there are ${sampleEventNames(preset).join(', ') || 'none'}.`,
    );
  const { headers, body } = sample({
    repository: details.repository ?? 'octocat/hello-world',
    branch: details.branch ?? 'main',
    tag: details.tag ?? 'v1.0.0',
    commit: details.commit ?? madeUpCommit(),
    id: randomId(),
    now: details.now ?? new Date(),
  });
  return { headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}

/** A hash that no commit has, for pipelines that fetch nothing. */
export function madeUpCommit(): string {
  return `${randomId()}${randomId()}`.replaceAll('-', '').slice(0, 40);
}

function seconds(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}

/** Browsers have `crypto.randomUUID` only over https and on localhost. */
function randomId(): string {
  const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) =>
    byte.toString(16).padStart(2, '0'),
  );
  return hex.join('').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
