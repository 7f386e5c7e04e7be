import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { AppError } from './errors.ts';

/** Encrypts what must be read again later (tokens, hook secrets, variables). Passwords and our own tokens are hashed instead. */
export type SecretBox = {
  /** `purpose` is bound to the result: a value sealed for one column cannot be opened as another. */
  seal(plain: string, purpose: string): string;
  /** Throws AppError `internal` when the value was made with another key or was altered. */
  open(sealed: string, purpose: string): string;
  /** Names the key without telling it. */
  keyId: string;
};

export const mask = '********';

/** `key` is 32 bytes. AES-256-GCM; form `v1.<key id>.<iv>.<ciphertext and tag>`, base64url. */
export function createSecretBox(key: Buffer): SecretBox {
  if (key.length !== 32) throw new Error('HOOKLINE_SECRET_KEY must be 32 bytes, in base64 or hex.');
  const keyId = createHash('sha256').update('hookline key id').update(key).digest('base64url').slice(0, 8);
  return {
    keyId,
    seal(plain, purpose) {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(purpose));
      const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `v1.${keyId}.${iv.toString('base64url')}.${sealed.toString('base64url')}`;
    },
    open(sealed, purpose) {
      const [version, sealedWith, iv, data] = sealed.split('.');
      if (version !== 'v1' || !iv || !data)
        throw new AppError('internal', 'A sealed value has no known form.');
      if (sealedWith !== keyId) {
        throw new AppError(
          'internal',
          `A secret was sealed with key ${sealedWith}, but the key in use is ${keyId}.`,
        );
      }
      const bytes = Buffer.from(data, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'))
        .setAAD(Buffer.from(purpose))
        .setAuthTag(bytes.subarray(-16));
      return decipher.update(bytes.subarray(0, -16), undefined, 'utf8') + decipher.final('utf8');
    },
  };
}

/** Accepts 32 bytes as base64, base64url or hex; anything else is null. */
export function parseKey(text: string): Buffer | null {
  const trimmed = text.trim();
  const key = /^[0-9a-f]{64}$/i.test(trimmed) ? Buffer.from(trimmed, 'hex') : Buffer.from(trimmed, 'base64');
  return key.length === 32 ? key : null;
}
