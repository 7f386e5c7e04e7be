import { createHash } from 'node:crypto';
import type { SignatureSchemeName } from '../../src/hooks/signature-schemes.ts';

/*
 * Signs as the senders do, from their documents (FIELD.md) and RFC 2104, and without a line of Hookline's own: what both get
 * wrong in the same way would be no test.
 */

export type Algorithm = 'sha1' | 'sha256' | 'sha512';

/** The keyed hash of RFC 2104, made of the bare hash. */
export function keyedHash(algorithm: Algorithm, key: Buffer, ...parts: (Buffer | string)[]): Buffer {
  const blockBytes = algorithm === 'sha512' ? 128 : 64;
  const hash = (...items: Buffer[]) => createHash(algorithm).update(Buffer.concat(items)).digest();
  const block = Buffer.alloc(blockBytes);
  (key.length > blockBytes ? hash(key) : key).copy(block);
  const padded = (byte: number) => Buffer.from(block.map((one) => one ^ byte));
  const message = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  return hash(padded(0x5c), hash(padded(0x36), message));
}

export type ToSign = {
  secret: string;
  body: Buffer | string;
  /** ms since 1970, or the very text of the time. */
  at: number | string;
  /** Of Standard Webhooks, and GitLab's form of it. */
  id?: string;
  /** What is in the field `payload` where the body is a form: Gitea signs that. */
  payload?: string;
};

/** The headers that prove it, by scheme; their names in lower case. `hmac` is SHA-256 in hex in the usual header. */
export const signers: Record<SignatureSchemeName, (what: ToSign) => Record<string, string>> = {
  hmac: ({ secret, body }) => ({ 'x-hub-signature-256': hex(secret, body) }),
  github: ({ secret, body }) => ({ 'x-hub-signature-256': `sha256=${hex(secret, body)}` }),
  // The bytes of a header are read as Latin-1, whatever they are.
  'gitlab-token': ({ secret }) => ({ 'x-gitlab-token': Buffer.from(secret).toString('latin1') }),
  'gitlab-signed': standardWebhooks,
  bitbucket: ({ secret, body }) => ({ 'x-hub-signature': `sha256=${hex(secret, body)}` }),
  gitea: ({ secret, body, payload }) => ({ 'x-gitea-signature': hex(secret, payload ?? body) }),
  stripe: ({ secret, body, at }) => ({
    'stripe-signature': `t=${seconds(at)},v1=${hex(secret, `${seconds(at)}.`, body)}`,
  }),
  slack: ({ secret, body, at }) => ({
    'x-slack-request-timestamp': seconds(at),
    'x-slack-signature': `v0=${hex(secret, `v0:${seconds(at)}:`, body)}`,
  }),
  shopify: ({ secret, body }) => ({
    'x-shopify-hmac-sha256': keyedHash('sha256', Buffer.from(secret), body).toString('base64'),
  }),
  'standard-webhooks': standardWebhooks,
};

function standardWebhooks({ secret, body, at, id = 'msg_1' }: ToSign): Record<string, string> {
  const key = Buffer.from(secret.startsWith('whsec_') ? secret.slice(6) : secret, 'base64');
  const signature = keyedHash('sha256', key, `${id}.${seconds(at)}.`, body);
  return {
    'webhook-id': id,
    'webhook-timestamp': seconds(at),
    'webhook-signature': `v1,${signature.toString('base64')}`,
  };
}

function hex(secret: string, ...parts: (Buffer | string)[]): string {
  return keyedHash('sha256', Buffer.from(secret), ...parts).toString('hex');
}

function seconds(at: number | string): string {
  return typeof at === 'string' ? at : String(Math.floor(at / 1000));
}
