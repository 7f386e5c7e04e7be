import type { IncomingHookUpdate } from '#sdk';

type Scheme = NonNullable<IncomingHookUpdate['signature_scheme']>;

/** How senders sign, in their own names. */
export const schemes: { value: Scheme; label: string }[] = [
  { value: 'hmac', label: 'HMAC of the body in a header' },
  { value: 'github', label: 'GitHub' },
  { value: 'gitlab-token', label: 'GitLab, secret token' },
  { value: 'gitlab-signed', label: 'GitLab, signing token' },
  { value: 'bitbucket', label: 'Bitbucket' },
  { value: 'gitea', label: 'Gitea or Forgejo' },
  { value: 'stripe', label: 'Stripe' },
  { value: 'slack', label: 'Slack' },
  { value: 'shopify', label: 'Shopify' },
  { value: 'standard-webhooks', label: 'Standard Webhooks' },
];
export const algorithms = ['sha256', 'sha512', 'sha1'];
export const encodings = [
  { value: '', label: 'Either' },
  { value: 'hex', label: 'hex' },
  { value: 'base64', label: 'base64' },
];
