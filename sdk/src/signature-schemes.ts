import type { HmacAlgorithm } from './hmac.ts';

/* How senders sign what they send to an incoming hook, as rows of data. The server's own table says how it verifies. */

export type SignatureRow = {
  /** Where the signature stands, unless the hook names another header. */
  header: string;
  algorithm: HmacAlgorithm;
  encoding: 'hex' | 'base64';
  /** What stands before the signature; null: the algorithm and `=`. */
  prefix: string | null;
  /** What stands between several, made with several secrets; null where there can be but one. */
  separator: string | null;
  /** `token`: the header holds the secret itself. `standard`: the secret is base64 after its `whsec_`. */
  key: 'text' | 'standard' | 'token';
  /** What is signed before the body. */
  before: (told: Told) => string;
  /** What stands before all of the signatures. */
  lead: (told: Told) => string;
  /** The headers besides. */
  beside: (told: Told) => Record<string, string>;
};

/** `time` is in seconds since 1970. */
type Told = { id: string; time: string };

const plain: SignatureRow = {
  header: 'x-hub-signature-256',
  algorithm: 'sha256',
  encoding: 'hex',
  prefix: '',
  separator: null,
  key: 'text',
  before: () => '',
  lead: () => '',
  beside: () => ({}),
};

const standardWebhooks: SignatureRow = {
  ...plain,
  header: 'webhook-signature',
  encoding: 'base64',
  prefix: 'v1,',
  separator: ' ',
  key: 'standard',
  before: ({ id, time }) => `${id}.${time}.`,
  beside: ({ id, time }) => ({ 'webhook-id': id, 'webhook-timestamp': time }),
};

const rows = {
  hmac: { ...plain, prefix: null },
  github: { ...plain, prefix: null },
  'gitlab-token': { ...plain, header: 'x-gitlab-token', key: 'token' },
  'gitlab-signed': standardWebhooks,
  bitbucket: { ...plain, header: 'x-hub-signature', prefix: null },
  gitea: { ...plain, header: 'x-gitea-signature' },
  stripe: {
    ...plain,
    header: 'stripe-signature',
    prefix: 'v1=',
    separator: ',',
    before: ({ time }) => `${time}.`,
    lead: ({ time }) => `t=${time},`,
  },
  slack: {
    ...plain,
    header: 'x-slack-signature',
    prefix: 'v0=',
    before: ({ time }) => `v0:${time}:`,
    beside: ({ time }) => ({ 'x-slack-request-timestamp': time }),
  },
  shopify: { ...plain, header: 'x-shopify-hmac-sha256', encoding: 'base64' },
  'standard-webhooks': standardWebhooks,
} as const satisfies Record<string, SignatureRow>;

/** As an incoming hook's `signature_scheme` names them. */
export type SignatureScheme = keyof typeof rows;

/** Throws a TypeError for one that there is not. */
export function signatureRow(scheme: string): SignatureRow {
  if (!Object.hasOwn(rows, scheme))
    throw new TypeError(`There is no signature scheme ${scheme}; there are ${Object.keys(rows).join(', ')}.`);
  return rows[scheme as SignatureScheme];
}
