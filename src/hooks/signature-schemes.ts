import type { SecretAlgorithm } from './definition.ts';

/* How senders prove that a request is theirs, as rows of data (FIELD.md, "Verifying incoming requests"). */

export type SignatureScheme = {
  /** Who signs so, within a sentence. */
  sender: string;
  /** Where the signature, or the token itself, stands; in lower case. What a hook does not name itself. */
  header: string;
  algorithm: SecretAlgorithm;
  /** `token`: the header holds the secret itself. */
  proof: 'hmac' | 'token';
  /** `either` tells them apart by their length. */
  encoding: 'hex' | 'base64' | 'either';
  /** What stands before a signature; null: the algorithm and `=`, if the sender writes it. */
  prefix: string | null;
  /** What stands between several; null where there is always one. What has another prefix is left aside. */
  separator: ',' | ' ' | null;
  /**
   * What is signed: texts, and in braces headers or the labels of such a list (`t=…,v1=…`). Last come the raw bytes of the
   * body, `{body}`, or `{payload}`, which is the field of that name where the body is a form.
   */
  signed: string;
  /** Which of those headers or labels is the time, in seconds since 1970; null for senders that tell none. */
  timestamp: string | null;
  /** `base64` keys are decoded after their `whsec_`. */
  key: 'text' | 'base64';
  /** Where an id of the delivery stands that is signed along; who sends the request again cannot change it. */
  signedIdPaths: readonly string[];
  /** Who makes the secret: a hook whose sender does is made without one, and refuses everything until it has it. */
  secretFrom: 'hookline' | 'sender';
};

const hexOfBody = {
  algorithm: 'sha256',
  proof: 'hmac',
  encoding: 'hex',
  prefix: '',
  separator: null,
  signed: '{body}',
  timestamp: null,
  key: 'text',
  signedIdPaths: [],
  secretFrom: 'hookline',
} as const satisfies Partial<SignatureScheme>;

const standardWebhooks = {
  ...hexOfBody,
  header: 'webhook-signature',
  encoding: 'base64',
  prefix: 'v1,',
  separator: ' ',
  signed: '{webhook-id}.{webhook-timestamp}.{body}',
  timestamp: 'webhook-timestamp',
  key: 'base64',
  signedIdPaths: ['$headers.webhook-id'],
} as const satisfies Partial<SignatureScheme>;

const rows = {
  hmac: {
    ...hexOfBody,
    sender: 'the sender',
    header: 'x-hub-signature-256',
    encoding: 'either',
    prefix: null,
  },
  github: { ...hexOfBody, sender: 'GitHub', header: 'x-hub-signature-256', prefix: null },
  'gitlab-token': { ...hexOfBody, sender: 'GitLab', header: 'x-gitlab-token', proof: 'token' },
  'gitlab-signed': { ...standardWebhooks, sender: 'GitLab' },
  bitbucket: { ...hexOfBody, sender: 'Bitbucket', header: 'x-hub-signature', prefix: null },
  gitea: { ...hexOfBody, sender: 'Gitea', header: 'x-gitea-signature', signed: '{payload}' },
  stripe: {
    ...hexOfBody,
    sender: 'Stripe',
    header: 'stripe-signature',
    prefix: 'v1=',
    separator: ',',
    signed: '{t}.{body}',
    timestamp: 't',
    signedIdPaths: ['id'],
    secretFrom: 'sender',
  },
  slack: {
    ...hexOfBody,
    sender: 'Slack',
    header: 'x-slack-signature',
    prefix: 'v0=',
    signed: 'v0:{x-slack-request-timestamp}:{body}',
    timestamp: 'x-slack-request-timestamp',
    signedIdPaths: ['event_id', 'trigger_id'],
    secretFrom: 'sender',
  },
  shopify: {
    ...hexOfBody,
    sender: 'Shopify',
    header: 'x-shopify-hmac-sha256',
    encoding: 'base64',
    secretFrom: 'sender',
  },
  'standard-webhooks': { ...standardWebhooks, sender: 'the sender' },
} as const satisfies Record<string, SignatureScheme>;

export type SignatureSchemeName = keyof typeof rows;

// Safe: the keys of the very table.
export const signatureSchemeNames = Object.keys(rows) as [SignatureSchemeName, ...SignatureSchemeName[]];

export function signatureScheme(name: SignatureSchemeName): SignatureScheme {
  return rows[name];
}

/** Whether a request holds the secret itself: then no record may hold the header. */
export function sendsToken({ signature_scheme }: { signature_scheme?: SignatureSchemeName | null }): boolean {
  return signatureScheme(signature_scheme ?? 'hmac').proof === 'token';
}

/** Where it holds the secret, as paths of variables name it; null where it does not. */
export function tokenPath(definition: {
  signature_scheme?: SignatureSchemeName | null;
  secret_header_name?: string | null;
}): string | null {
  return sendsToken(definition) && definition.secret_header_name
    ? `$headers.${definition.secret_header_name}`
    : null;
}

/** How far a signed time may be from ours, either way, in seconds: what all of them recommend. */
export const mostSecondsApart = 300;
