import { createHash, randomBytes } from 'node:crypto';

/** What a token begins with tells its kind, to people and to secret scanners. */
export const tokenPrefix = {
  access: 'hl_at_',
  refresh: 'hl_rt_',
  personal: 'hl_pat_',
} as const;

/** A new token of 256 random bits. It is shown once; only `hashToken` of it is stored. */
export function newToken(kind: keyof typeof tokenPrefix): string {
  return tokenPrefix[kind] + randomBytes(32).toString('base64url');
}

/** A plain hash is enough here: there is nothing to guess in 256 random bits. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
