import { createHmac } from 'node:crypto';
import { signingKeyText } from '../hooks/signing-secret.ts';

/**
 * The `webhook-signature` of Standard Webhooks (spec v1): HMAC-SHA256 over `id.timestamp.body`, once for each secret that
 * is valid, so that a receiver can change over in peace. `timestamp` is in seconds since 1970; a secret is `whsec_` and
 * its bytes in base64.
 */
export function standardSignature(
  secrets: readonly string[],
  { id, timestamp, body }: { id: string; timestamp: number; body: string },
): string {
  return secrets
    .map((secret) => {
      const key = Buffer.from(signingKeyText(secret), 'base64');
      return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
    })
    .join(' ');
}
