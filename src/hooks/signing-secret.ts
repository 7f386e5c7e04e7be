import { randomBytes } from 'node:crypto';
import { invalid } from '../platform/errors.ts';
import { mask } from '../platform/secret-box.ts';

/** A secret of Standard Webhooks: `whsec_` and 24 to 64 bytes in base64. */
export function newSigningSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

/** Whether it is `whsec_` and 24 to 64 bytes in base64; the prefix is left out by some senders. */
export function isSigningSecret(
  secret: string,
  { prefix = 'required' }: { prefix?: 'required' | 'optional' } = {},
): boolean {
  const [, start, encoded = ''] = /^(whsec_)?([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? [];
  const { length } = Buffer.from(encoded, 'base64');
  return (start !== undefined || prefix === 'optional') && length >= 24 && length <= 64;
}

/** The secret that a request gives; undefined when it gives none, or sends the mask back. Throws `invalid`. */
export function givenSigningSecret(secret: string | null | undefined): string | undefined {
  if (secret === undefined || secret === null || secret === '' || secret === mask) return undefined;
  if (!isSigningSecret(secret)) {
    const message = 'must be whsec_ and 24 to 64 bytes in base64, or be left out to have one made';
    throw invalid([{ field: 'secret', message }]);
  }
  return secret;
}

/** The part of a secret that is secret: some keep, and show, no more of it. */
export function signingKeyText(secret: string): string {
  return secret.slice('whsec_'.length);
}
