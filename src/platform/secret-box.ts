import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { SealedPurpose } from './database/sealed-columns.ts';
import { AppError } from './errors.ts';

/** Encrypts what must be read again later (tokens, hook secrets, variables). Passwords and our own tokens are hashed instead. */
export type SecretBox = {
  /** `purpose` is bound to the result: a value sealed for one column cannot be opened as another. */
  seal(plain: string, purpose: SealedPurpose): string;
  /** Throws AppError `internal` when the value was made with a key that is not known, or was altered. */
  open(sealed: string, purpose: SealedPurpose): string;
  /** The keys it knows, the current one first. An id names a key without telling it. */
  keyIds(): [current: string, ...older: string[]];
};

/** The first key seals, all of them open. */
export type Keys = readonly [current: Buffer, ...older: Buffer[]];

/**
 * Gives the keys as they are now, the same object as long as they have not changed. Asked before each seal and when a
 * value names an unknown key, so that a rotation is noticed without a restart or a signal.
 */
export type KeySource = () => Keys;

export const mask = '********';

/** AES-256-GCM under keys of 32 bytes; form `v1.<key id>.<iv>.<ciphertext and tag>`, base64url. */
export function createSecretBox(source: KeySource): SecretBox {
  let given: Keys | null = null;
  let byId = new Map<string, Buffer>();
  const currentId = (): string => {
    const keys = source();
    if (keys !== given) {
      byId = new Map(keys.map((key) => [keyId(key), key]));
      given = keys;
    }
    return keyId(keys[0]);
  };
  currentId();

  const find = (id: string): Buffer => {
    if (!byId.has(id)) currentId();
    const key = byId.get(id);
    if (key) return key;
    const known = [...byId.keys()].join(', ');
    throw new AppError('internal', `A secret was sealed with key ${id}, but the keys known are ${known}.`);
  };

  return {
    seal(plain, purpose) {
      const id = currentId();
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', find(id), iv).setAAD(Buffer.from(purpose));
      const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `${sealedPrefix(id)}${iv.toString('base64url')}.${sealed.toString('base64url')}`;
    },
    open(sealed, purpose) {
      const [version, id, iv, data] = sealed.split('.');
      if (version !== 'v1' || !id || !iv || !data)
        throw new AppError('internal', 'A sealed value has no known form.');
      const key = find(id);
      try {
        const bytes = Buffer.from(data, 'base64url');
        const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'), {
          authTagLength: 16,
        })
          .setAAD(Buffer.from(purpose))
          .setAuthTag(bytes.subarray(-16));
        return decipher.update(bytes.subarray(0, -16), undefined, 'utf8') + decipher.final('utf8');
      } catch (cause) {
        throw new AppError('internal', 'A sealed value was altered, or was sealed for another purpose.', {
          cause,
        });
      }
    },
    keyIds() {
      const current = currentId();
      return [current, ...[...byId.keys()].filter((id) => id !== current)];
    },
  };
}

/** Eight characters of a hash: enough to tell keys apart, and nothing to guess the key from. */
export function keyId(key: Buffer): string {
  return createHash('sha256').update('hookline key id').update(key).digest('base64url').slice(0, 8);
}

/** How every value that this key has sealed begins. Always of the same length. */
export function sealedPrefix(id: string): string {
  return `v1.${id}.`;
}

/** Accepts 32 bytes as base64, base64url or hex; anything else is null. */
export function parseKey(text: string): Buffer | null {
  const trimmed = text.trim();
  const key = /^[0-9a-f]{64}$/i.test(trimmed) ? Buffer.from(trimmed, 'hex') : Buffer.from(trimmed, 'base64');
  return key.length === 32 ? key : null;
}
