import { createHash, randomBytes } from 'node:crypto';
import { Type } from 'typebox';
import { invalid } from '../platform/errors.ts';

/** What a token begins with tells its kind, to people and to secret scanners. */
export const tokenPrefix = {
  access: 'hl_at_',
  refresh: 'hl_rt_',
  cookie: 'hl_ses_',
  personal: 'hl_pat_',
  project: 'hl_prj_',
  invitation: 'hl_inv_',
} as const;

/** The JavaScript client of the reference takes no access token of less than 100 characters. */
const accessTokenBytes = 72;

/** A new token of at least 256 random bits. It is shown once; only `hashToken` of it is stored. */
export function newToken(kind: keyof typeof tokenPrefix): string {
  return tokenPrefix[kind] + randomBytes(kind === 'access' ? accessTokenBytes : 32).toString('base64url');
}

/** A plain hash is enough here: there is nothing to guess in 256 random bits. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** When a token is to expire, in a body; read by `readExpiry`. */
export const Expiry = Type.String({
  format: 'date-time',
  description: 'ISO 8601, in the future.',
  maxLength: 40,
});

/** ISO 8601 shows later years in a form that few can read. */
const latestExpiry = Date.UTC(9999, 11, 31);

/** Returns ms since 1970. Throws `invalid`. */
export function readExpiry(text: string, now: number): number {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw invalid([{ field: 'expires_at', message: 'must be a time in ISO 8601' }]);
  if (time <= now) throw invalid([{ field: 'expires_at', message: 'must lie in the future' }]);
  if (time > latestExpiry)
    throw invalid([{ field: 'expires_at', message: 'must lie before the year 10000' }]);
  return time;
}
