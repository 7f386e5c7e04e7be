import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '../platform/errors.ts';

/** What the dashboard is signed in with: scripts cannot read it, and no foreign page can have it sent. */
const name = 'hookline_session';
/** The header that a change by cookie must carry: a page of another origin cannot add it. */
const csrfHeader = 'x-hookline-csrf';

/** The value of `Set-Cookie`. With `token` null the browser forgets the cookie. */
export function sessionCookie(
  publicUrl: string,
  { token, maxAgeSeconds }: { token: string | null; maxAgeSeconds: number },
): string {
  const { protocol, pathname } = new URL(publicUrl);
  return [
    `${name}=${token ?? ''}`,
    `Path=${pathname.replace(/\/$/, '')}/api`,
    `Max-Age=${token === null ? 0 : maxAgeSeconds}`,
    'HttpOnly',
    'SameSite=Strict',
    ...(protocol === 'https:' ? ['Secure'] : []),
  ].join('; ');
}

/** The token in the header `Cookie`; undefined where there is none. */
export function tokenInCookie({ cookie }: IncomingHttpHeaders): string | undefined {
  const pairs = cookie?.split(';').map((pair) => pair.trim()) ?? [];
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) || undefined;
}

/** Throws `forbidden` when a request by cookie may be another page's doing. */
export function mustComeFromOwnPage({
  method,
  headers,
}: {
  method: string;
  headers: IncomingHttpHeaders;
}): void {
  mustNotBeCrossSite(headers);
  if (method === 'GET' || method === 'HEAD' || headers[csrfHeader] === '1') return;
  throw new AppError(
    'forbidden',
    `A change that is signed in by cookie must carry the header "${csrfHeader}: 1". Programs send a token instead.`,
  );
}

/** Throws `forbidden` when the browser says that a page of another origin asks. */
export function mustNotBeCrossSite(headers: IncomingHttpHeaders): void {
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return;
  throw new AppError('forbidden', 'A page of another origin may not ask this in your name.');
}
