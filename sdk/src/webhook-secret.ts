import { fromBase64 } from './hmac.ts';

/** One, or several while one is being replaced. */
export type WebhookSecret = string | readonly string[];

/** Throws a TypeError when there is none. */
export function listSecrets(secret: WebhookSecret): [string, ...string[]] {
  const [first, ...others] = typeof secret === 'string' ? [secret] : (secret ?? []);
  if (!first || others.includes('')) throw new TypeError('The secret of the webhook is missing.');
  return [first, ...others];
}

/** The bytes of a secret of Standard Webhooks, whose `whsec_` may be left out. Throws a TypeError that does not hold it. */
export function standardKey(secret: string): Uint8Array<ArrayBuffer> {
  // A line break comes along easily when it is read from a file.
  const key = fromBase64(secret.trim().replace(/^whsec_/, ''));
  if (!key || key.length < 24 || key.length > 64)
    throw new TypeError(
      'The secret of the webhook is not whsec_ and 24 to 64 bytes in base64, as Hookline shows it.',
    );
  return key;
}
