import { bitbucketPayload } from './bitbucket-payload.ts';
import type { IncomingEvent } from './definition.ts';
import { githubPayload, gitlabPayload, type MadeByPreset, type PresetWish } from './git-payload.ts';
import type { SignatureSchemeName } from './signature-schemes.ts';

/*
 * Ready-made incoming hooks as rows of data: how a provider signs, where it puts the id of a delivery, and where in its
 * payloads the branch, the commit and the like stand. What the providers send is told in FIELD.md.
 */

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
  /** What it is for if nobody says. A pull request may be anybody's, and a stranger's code is not to run unasked. */
  usualEvents: readonly IncomingEvent[];
  make: (wish: PresetWish) => MadeByPreset;
};

const ofGit = { events: ['push', 'tag', 'pull_request'], usualEvents: ['push'] } as const;
const ofPayment = { events: ['paid'], usualEvents: ['paid'] } as const;

const rows = {
  github: {
    name: 'GitHub',
    scheme: 'github',
    deliveryIdPaths: ['$headers.x-github-delivery'],
    ...ofGit,
    make: (wish) =>
      githubPayload(wish, { event: 'x-github-event', updated: 'synchronize', repository: 'repo.id' }),
  },
  gitea: {
    name: 'Gitea or Forgejo',
    scheme: 'gitea',
    deliveryIdPaths: ['$headers.x-gitea-delivery', '$headers.x-forgejo-delivery'],
    ...ofGit,
    make: (wish) =>
      githubPayload(wish, { event: 'x-gitea-event', updated: 'synchronized', repository: 'repo_id' }),
  },
  gitlab: {
    name: 'GitLab',
    scheme: 'gitlab-token',
    schemeOfSigningSecrets: 'gitlab-signed',
    // `webhook-id` and the key are the delivery's own and the same, and the first is signed by whoever signs. One event may
    // cause others, which then bear its id.
    deliveryIdPaths: ['$headers.webhook-id', '$headers.idempotency-key', '$headers.x-gitlab-event-uuid'],
    ...ofGit,
    make: gitlabPayload,
  },
  bitbucket: {
    name: 'Bitbucket',
    scheme: 'bitbucket',
    deliveryIdPaths: ['$headers.x-request-uuid', '$headers.x-request-id'],
    ...ofGit,
    make: bitbucketPayload,
  },
  stripe: {
    name: 'Stripe',
    scheme: 'stripe',
    deliveryIdPaths: ['id'],
    ...ofPayment,
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
