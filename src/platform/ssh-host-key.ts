import { createHash } from 'node:crypto';

/** A host key as it is stored: its type and the key itself, the way `known_hosts` writes them. */
export function hostKeyText(key: Buffer): string {
  // The blob begins with the length of its type's name and the name (RFC 4253, 6.6).
  const type = key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1');
  return `${type} ${key.toString('base64')}`;
}

/** As `ssh-keygen -l` shows it: `SHA256:` and the digest in base64 without padding. */
export function hostKeyFingerprint(text: string): string {
  const digest = createHash('sha256').update(Buffer.from(text.split(' ')[1] ?? '', 'base64'));
  return `SHA256:${digest.digest('base64').replace(/=+$/, '')}`;
}

/** The stored form of a key that somebody gives, of which a comment is left out; null when it is none. */
export function readHostKey(given: string): string | null {
  const [type = '', base64 = ''] = given.trim().split(/\s+/);
  const key = Buffer.from(base64, 'base64');
  // A key says its type itself, and `hostKeyText` writes base64 as it is written.
  const isWhole = key.length > 4 + type.length && key.readUInt32BE(0) === type.length;
  return isWhole && hostKeyText(key) === `${type} ${base64}` ? hostKeyText(key) : null;
}
