import type { HookVariable, IncomingCondition, IncomingEvent } from './definition.ts';
import type { SignatureSchemeName } from './signature-schemes.ts';

/*
 * Ready-made incoming hooks as rows of data: how a provider signs, where it puts the id of a delivery, and where in its
 * payloads the branch, the commit and the like stand. What the providers send is told in FIELD.md.
 */

/** What a preset is to be for. */
type PresetWish = {
  events: IncomingEvent[];
  /** Names or globs of the branches whose pushes count; empty: all. */
  branches: string[];
};

type Row = {
  /** The name that a hook gets if none is given. */
  name: string;
  scheme: SignatureSchemeName;
  /** The scheme for a secret that was given as `whsec_…`. */
  schemeOfSigningSecrets?: SignatureSchemeName;
  /** Where the id of a delivery stands; the first that is there counts. */
  deliveryIdPaths: string[];
  /** What it can be for. */
  events: readonly IncomingEvent[];
  /** What it is for if nobody says. A request to merge may be anybody's: nobody's code is to run unasked. */
  usualEvents: IncomingEvent[];
  make: (wish: PresetWish) => { variables: HookVariable[]; conditions: IncomingCondition[] };
};

const ofGit = { events: ['push', 'tag', 'pull_request'], usualEvents: ['push'] } as const;
const ofPayment = { events: ['paid'], usualEvents: ['paid'] } as const;

const isPattern = (branch: string) => /[*?\]]/.test(branch);
const refPattern = { heads: '^refs/heads/', tags: '^refs/tags/' } as const;
const sourceOfRef: Pick<HookVariable, 'transform' | 'default_value'> = {
  transform: { capture: '^refs/(heads|tags)/', map: { heads: 'branch', tags: 'tag' } },
  default_value: 'branch',
};
const nameOfRef: Pick<HookVariable, 'transform'> = {
  transform: { strip_prefix: ['refs/heads/', 'refs/tags/'] },
};
/** What the commit of a deleted branch is in the payloads of all of them. */
const noCommit = '^0+$';

/** Which values of `ref` a push must have. Absent is right too where requests to merge, which have none, are wanted. */
function refCondition({ events, branches }: PresetWish): IncomingCondition {
  const named = branches.filter((branch) => !isPattern(branch));
  const patterns = branches.filter(isPattern);
  const wantsPush = events.includes('push');
  const matches = [
    ...(wantsPush && branches.length === 0 ? [refPattern.heads] : []),
    ...(events.includes('tag') ? [refPattern.tags] : []),
  ];
  return {
    name: 'branch or tag',
    path: 'ref',
    accepted_values: wantsPush ? named.map((branch) => `refs/heads/${branch}`) : [],
    ...(matches.length > 0 ? { matches } : {}),
    ...(wantsPush && patterns.length > 0 ? { globs: patterns.map((branch) => `refs/heads/${branch}`) } : {}),
    ...(events.includes('pull_request') ? { exists: false } : {}),
  };
}

/** A condition that only requests to merge can fail; others have nothing at its path. */
function ofRequest({ events }: PresetWish, ...conditions: IncomingCondition[]): IncomingCondition[] {
  return events.includes('pull_request') ? conditions : [];
}

function eventCondition(
  { events }: PresetWish,
  place: Pick<IncomingCondition, 'type' | 'path'>,
  names: Partial<Record<IncomingEvent, string[]>>,
): IncomingCondition {
  const accepted = new Set(events.flatMap((event) => names[event] ?? []));
  return { name: 'event', ...place, accepted_values: [...accepted] };
}

const own = 'not from a fork';

/** GitHub's payloads, which those of Gitea and Forgejo follow. */
function githubLike(
  wish: PresetWish,
  at: { event: string; updated: string; repository: string },
): ReturnType<Row['make']> {
  return {
    variables: [
      { name: 'event', path: `$headers.${at.event}`, type: 'string' },
      { name: 'repository', path: 'repository.full_name', type: 'string' },
      { name: 'source_type', path: 'ref', type: 'string', ...sourceOfRef },
      {
        name: 'source_ref',
        path: 'pull_request.head.ref',
        fallback_paths: ['ref'],
        type: 'string',
        required: true,
        ...nameOfRef,
      },
      {
        // The commit that an annotated tag points at is not what `after` says.
        name: 'commit_hash',
        path: 'pull_request.head.sha',
        fallback_paths: ['head_commit.id', 'after'],
        type: 'string',
        required: true,
      },
      {
        name: 'commit_message',
        path: 'head_commit.message',
        type: 'string',
      },
      { name: 'author', path: 'sender.login', type: 'string' },
      ...ofRequestVariables(wish, {
        id: ['pull_request.number'],
        title: ['pull_request.title'],
        target: ['pull_request.base.ref'],
      }),
    ],
    conditions: [
      eventCondition(
        wish,
        { type: 'request_header', path: at.event },
        { push: ['push'], tag: ['push'], pull_request: ['pull_request'] },
      ),
      refCondition(wish),
      { name: 'not deleted', path: 'after', matches: [noCommit], not: true },
      ...ofRequest(
        wish,
        {
          name: 'opened or changed',
          path: 'action',
          accepted_values: ['opened', 'reopened', at.updated],
          exists: false,
        },
        {
          name: own,
          path: `pull_request.head.${at.repository}`,
          same_as: `pull_request.base.${at.repository}`,
        },
      ),
    ],
  };
}

/** Each at one place, or at the first of several. */
function ofRequestVariables(
  { events }: PresetWish,
  at: { id: string[]; title: string[]; target: string[] },
): HookVariable[] {
  if (!events.includes('pull_request')) return [];
  return [
    { name: 'pull_request_id', ...places(at.id), type: 'integer' },
    { name: 'pull_request_title', ...places(at.title), type: 'string' },
    { name: 'target_branch', ...places(at.target), type: 'string' },
  ];
}

/** Of a push to several branches at once Bitbucket sends one request: the change that counts is picked out of it. */
function bitbucketChanges({ events, branches }: PresetWish): { cloud: string[]; dataCenter: string[] } {
  const ofBranches = branches.map((name) => ({
    type: 'branch',
    name: `${isPattern(name) ? '~' : '='}${name}`,
  }));
  const picks = [
    ...(events.includes('push') ? ofBranches : []),
    ...(events.includes('push') && branches.length === 0 ? [{ type: 'branch', name: null }] : []),
    ...(events.includes('tag') ? [{ type: 'tag', name: null }] : []),
  ];
  return {
    // What was deleted has no `new`.
    cloud: picks.map(
      ({ type, name }) => `push.changes.[new.type=${type}${name === null ? '' : `&new.name${name}`}]`,
    ),
    dataCenter: picks.flatMap(({ type, name }) =>
      ['UPDATE', 'ADD'].map((change) => {
        const ofName = name === null ? '' : `&ref.displayId${name}`;
        return `changes.[type=${change}&ref.type=${type.toUpperCase()}${ofName}]`;
      }),
    ),
  };
}

/** That one of the changes is of a branch that counts says the next condition too, but not what was pushed instead. */
function bitbucketBranchCondition({ events, branches }: PresetWish): IncomingCondition[] {
  if (!events.includes('push') || events.includes('tag') || branches.length === 0) return [];
  const patterns = branches.filter(isPattern);
  return [
    {
      name: 'branch',
      path: 'push.changes.*.new.name',
      fallback_paths: ['changes.*.ref.displayId'],
      accepted_values: branches.filter((branch) => !isPattern(branch)),
      ...(patterns.length > 0 ? { globs: patterns } : {}),
      ...(events.includes('pull_request') ? { exists: false } : {}),
    },
  ];
}

function places([first = '', ...others]: string[]): { path: string; fallback_paths?: string[] } {
  return others.length > 0 ? { path: first, fallback_paths: others } : { path: first };
}

function bitbucketLike(wish: PresetWish): ReturnType<Row['make']> {
  const changes = bitbucketChanges(wish);
  const inChanges = (cloud: string, dataCenter: string) => [
    ...changes.cloud.map((change) => `${change}.${cloud}`),
    ...changes.dataCenter.map((change) => `${change}.${dataCenter}`),
  ];
  const names = inChanges('new.name', 'ref.displayId');
  const requestIds = ['pullrequest.id', 'pullRequest.id'];
  return {
    variables: [
      { name: 'event', path: '$headers.x-event-key', type: 'string' },
      {
        name: 'repository',
        ...places(['repository.full_name', 'repository.slug', 'pullRequest.toRef.repository.slug']),
        type: 'string',
      },
      {
        name: 'source_type',
        ...places([...inChanges('new.type', 'ref.type'), 'push.changes.0.new.type']),
        type: 'string',
        transform: { lower_case: true },
        default_value: 'branch',
      },
      {
        name: 'source_ref',
        ...places(['pullrequest.source.branch.name', 'pullRequest.fromRef.displayId', ...names]),
        type: 'string',
        required: true,
      },
      {
        name: 'commit_hash',
        ...places([
          'pullrequest.source.commit.hash',
          'pullRequest.fromRef.latestCommit',
          ...inChanges('new.target.hash', 'toHash'),
        ]),
        type: 'string',
        required: true,
      },
      {
        name: 'commit_message',
        ...places([...changes.cloud.map((change) => `${change}.new.target.message`), 'toCommit.message']),
        type: 'string',
      },
      {
        name: 'author',
        ...places(['actor.nickname', 'actor.display_name', 'actor.name']),
        type: 'string',
      },
      ...ofRequestVariables(wish, {
        id: requestIds,
        title: ['pullrequest.title', 'pullRequest.title'],
        target: ['pullrequest.destination.branch.name', 'pullRequest.toRef.displayId'],
      }),
    ],
    conditions: [
      eventCondition(
        wish,
        { type: 'request_header', path: 'x-event-key' },
        {
          push: ['repo:push', 'repo:refs_changed'],
          tag: ['repo:push', 'repo:refs_changed'],
          pull_request: ['pullrequest:created', 'pullrequest:updated', 'pr:opened', 'pr:from_ref_updated'],
        },
      ),
      ...bitbucketBranchCondition(wish),
      ...(names.length === 0
        ? []
        : [
            {
              name: 'branch or tag',
              ...places([...names, ...(wish.events.includes('pull_request') ? requestIds : [])]),
              exists: true,
            },
          ]),
      ...ofRequest(
        wish,
        {
          name: own,
          path: 'pullrequest.source.repository.uuid',
          same_as: 'pullrequest.destination.repository.uuid',
        },
        {
          name: own,
          path: 'pullRequest.fromRef.repository.id',
          same_as: 'pullRequest.toRef.repository.id',
        },
      ),
    ],
  };
}

const rows = {
  github: {
    name: 'GitHub',
    scheme: 'github',
    deliveryIdPaths: ['$headers.x-github-delivery'],
    ...ofGit,
    usualEvents: [...ofGit.usualEvents],
    make: (wish) =>
      githubLike(wish, { event: 'x-github-event', updated: 'synchronize', repository: 'repo.id' }),
  },
  gitea: {
    name: 'Gitea or Forgejo',
    scheme: 'gitea',
    deliveryIdPaths: ['$headers.x-gitea-delivery', '$headers.x-forgejo-delivery'],
    ...ofGit,
    usualEvents: [...ofGit.usualEvents],
    make: (wish) =>
      githubLike(wish, { event: 'x-gitea-event', updated: 'synchronized', repository: 'repo_id' }),
  },
  gitlab: {
    name: 'GitLab',
    scheme: 'gitlab-token',
    schemeOfSigningSecrets: 'gitlab-signed',
    // `webhook-id` and the key are the delivery's own and the same, and the first is signed by whoever signs. One event may
    // cause others, which then bear its id.
    deliveryIdPaths: ['$headers.webhook-id', '$headers.idempotency-key', '$headers.x-gitlab-event-uuid'],
    ...ofGit,
    usualEvents: [...ofGit.usualEvents],
    make: (wish) => ({
      variables: [
        { name: 'event', path: 'object_kind', type: 'string' },
        { name: 'repository', path: 'project.path_with_namespace', type: 'string' },
        { name: 'source_type', path: 'ref', type: 'string', ...sourceOfRef },
        {
          name: 'source_ref',
          path: 'ref',
          fallback_paths: ['object_attributes.source_branch'],
          type: 'string',
          required: true,
          ...nameOfRef,
        },
        {
          name: 'commit_hash',
          path: 'checkout_sha',
          fallback_paths: ['object_attributes.last_commit.id', 'after'],
          type: 'string',
          required: true,
        },
        {
          name: 'commit_message',
          path: 'object_attributes.last_commit.message',
          fallback_paths: ['message'],
          type: 'string',
        },
        { name: 'author', path: 'user_username', fallback_paths: ['user.username'], type: 'string' },
        ...ofRequestVariables(wish, {
          id: ['object_attributes.iid'],
          title: ['object_attributes.title'],
          target: ['object_attributes.target_branch'],
        }),
      ],
      conditions: [
        eventCondition(
          wish,
          { path: 'object_kind' },
          { push: ['push'], tag: ['tag_push'], pull_request: ['merge_request'] },
        ),
        refCondition(wish),
        { name: 'not deleted', path: 'after', matches: [noCommit], not: true },
        ...ofRequest(
          wish,
          {
            // Of updates only those that bring commits have an `oldrev`.
            name: 'opened or changed',
            path: 'object_attributes.oldrev',
            fallback_paths: ['object_attributes.action'],
            matches: ['^(open|reopen|[0-9a-f]{40,64})$'],
            exists: false,
          },
          {
            name: own,
            path: 'object_attributes.source_project_id',
            same_as: 'object_attributes.target_project_id',
          },
        ),
      ],
    }),
  },
  bitbucket: {
    name: 'Bitbucket',
    scheme: 'bitbucket',
    deliveryIdPaths: ['$headers.x-request-uuid', '$headers.x-request-id'],
    ...ofGit,
    usualEvents: [...ofGit.usualEvents],
    make: bitbucketLike,
  },
  stripe: {
    name: 'Stripe',
    scheme: 'stripe',
    deliveryIdPaths: ['id'],
    ...ofPayment,
    usualEvents: [...ofPayment.usualEvents],
    make: () => ({
      variables: [
        { name: 'event', path: 'type', type: 'string' },
        { name: 'event_id', path: 'id', type: 'string' },
        { name: 'livemode', type: 'boolean' },
        { name: 'object_id', path: 'data.object.id', type: 'string' },
        { name: 'customer_id', path: 'data.object.customer', type: 'string' },
        {
          name: 'customer_email',
          path: 'data.object.customer_email',
          fallback_paths: ['data.object.customer_details.email'],
          type: 'string',
        },
        {
          // In the smallest unit of the currency.
          name: 'amount',
          path: 'data.object.amount_paid',
          fallback_paths: ['data.object.amount_total'],
          type: 'integer',
        },
        { name: 'currency', path: 'data.object.currency', type: 'string' },
        {
          name: 'subscription_id',
          path: 'data.object.parent.subscription_details.subscription',
          fallback_paths: ['data.object.subscription'],
          type: 'string',
        },
      ],
      conditions: [
        {
          name: 'paid',
          path: 'type',
          accepted_values: [
            'invoice.paid',
            'checkout.session.completed',
            'checkout.session.async_payment_succeeded',
          ],
        },
        // A subscription's checkout has an invoice, which is told as paid too.
        { name: 'no subscription', path: 'data.object.mode', accepted_values: ['payment'], exists: false },
        { name: 'no invoice beside it', path: 'data.object.invoice', exists: false },
        {
          name: 'money has come',
          path: 'data.object.payment_status',
          accepted_values: ['paid', 'no_payment_required'],
          exists: false,
        },
      ],
    }),
  },
  shopify: {
    name: 'Shopify',
    scheme: 'shopify',
    deliveryIdPaths: ['$headers.x-shopify-webhook-id'],
    ...ofPayment,
    usualEvents: [...ofPayment.usualEvents],
    make: () => ({
      variables: [
        { name: 'event', path: '$headers.x-shopify-topic', type: 'string' },
        { name: 'shop', path: '$headers.x-shopify-shop-domain', type: 'string' },
        { name: 'order_id', path: 'id', type: 'integer', required: true },
        { name: 'order_name', path: 'name', type: 'string' },
        { name: 'customer_email', path: 'email', fallback_paths: ['contact_email'], type: 'string' },
        { name: 'total_price', type: 'string' },
        { name: 'currency', type: 'string' },
      ],
      conditions: [
        { name: 'paid', type: 'request_header', path: 'x-shopify-topic', accepted_values: ['orders/paid'] },
      ],
    }),
  },
  slack: {
    name: 'Slack',
    scheme: 'slack',
    deliveryIdPaths: ['event_id', 'trigger_id'],
    events: [],
    usualEvents: [],
    make: () => ({
      variables: [
        { name: 'event', path: 'event.type', fallback_paths: ['command', 'type'], type: 'string' },
        { name: 'text', path: 'event.text', fallback_paths: ['text', 'actions.0.value'], type: 'string' },
        { name: 'user_id', path: 'event.user', fallback_paths: ['user_id', 'user.id'], type: 'string' },
        {
          name: 'channel_id',
          path: 'event.channel',
          fallback_paths: ['channel_id', 'channel.id'],
          type: 'string',
        },
        { name: 'team_id', path: 'team_id', fallback_paths: ['team.id'], type: 'string' },
      ],
      // What a bot says may be the answer to what it caused.
      conditions: [{ name: 'not from a bot', path: 'event.bot_id', exists: false }],
    }),
  },
  standard: {
    name: 'Standard Webhooks',
    scheme: 'standard-webhooks',
    deliveryIdPaths: ['$headers.webhook-id'],
    events: [],
    usualEvents: [],
    make: () => ({
      variables: [
        { name: 'event', path: 'type', type: 'string' },
        { name: 'event_id', path: '$headers.webhook-id', type: 'string' },
      ],
      conditions: [],
    }),
  },
} as const satisfies Record<string, Row>;

export type IncomingPreset = keyof typeof rows;

// Safe: the keys of the very table.
export const incomingPresets = Object.keys(rows) as [IncomingPreset, ...IncomingPreset[]];

export function incomingPreset(name: IncomingPreset): Row {
  return rows[name];
}
