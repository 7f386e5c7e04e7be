import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, type ZlibOptions } from 'node:zlib';
import { AppError } from '../platform/errors.ts';
import type { ReceivedRequest } from './decide.ts';

/* Bodies that arrive compressed. */

const inflaters: Record<string, (body: Buffer, options: ZlibOptions) => Promise<Buffer>> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
};

export type Inflated = { ok: true; body: Buffer } | { ok: false; status: 400 | 413 | 415; reason: string };

/** The way a body is said to be compressed; null for one that is sent as it is. */
export function contentEncoding(headers: ReceivedRequest['headers']): string | null {
  const given = headers['content-encoding'];
  const encoding = (Array.isArray(given) ? given.join(',') : (given ?? '')).trim().toLowerCase();
  return encoding === '' || encoding === 'identity' ? null : encoding;
}

/** A few kilobytes may be made of as many megabytes: so many are inflated at a time, and so many may wait for it. */
const mostAtOnce = 2;
const mostWaiting = 100;
let running = 0;
const waiting: { by: string; resolve: () => void; reject: (error: AppError) => void }[] = [];

/** What a stranger's body may become: texts shrink to a tenth, and what shrinks to less was made to. */
const mostOfStrangers = { times: 100, orBytes: 4 * 1024 * 1024 };

/** For whom a body is inflated. */
export type InflatedFor = {
  /** The hook: those that wait for one never keep those of another from waiting. */
  by: string;
  /** Whether its signature is known to be right, or it was kept since it was. */
  isVerified: boolean;
};

/** The body as it was before it was compressed, no larger than `mostBytes`. Throws `unavailable` when too many wait. */
export async function inflateBody(
  encoding: string,
  body: Buffer,
  mostBytes: number,
  { by, isVerified }: InflatedFor,
): Promise<Inflated> {
  const inflater = Object.hasOwn(inflaters, encoding) ? inflaters[encoding] : undefined;
  if (!inflater) {
    const known = 'gzip, deflate or br';
    return {
      ok: false,
      status: 415,
      reason: `The content encoding ${encoding.slice(0, 40)} is not ${known}.`,
    };
  }
  if (running >= mostAtOnce) await turn(by);
  else running++;
  const { times, orBytes } = mostOfStrangers;
  const most = isVerified ? mostBytes : Math.min(mostBytes, Math.max(body.length * times, orBytes));
  try {
    return { ok: true, body: await inflater(body, { maxOutputLength: most }) };
  } catch (error) {
    if (error instanceof RangeError)
      return { ok: false, status: 413, reason: 'The body is too large once it is uncompressed.' };
    return { ok: false, status: 400, reason: `The body is not the ${encoding} that it claims to be.` };
  } finally {
    // Whoever is next takes the place over, so that nobody comes between.
    const [next] = waiting.splice(nextOf(by), 1);
    if (next) next.resolve();
    else running--;
  }
}

/** Hooks take turns: the first that waits for another one, or else the first. */
function nextOf(by: string): number {
  return Math.max(
    waiting.findIndex((one) => one.by !== by),
    0,
  );
}

/** Waits. When there is no room the last of the hook for which most are waiting is sent away, which may be this one. */
async function turn(by: string): Promise<void> {
  if (waiting.length >= mostWaiting) {
    const counts = new Map([[by, 1]]);
    for (const one of waiting) counts.set(one.by, (counts.get(one.by) ?? 0) + 1);
    const most = Math.max(...counts.values());
    const last = waiting.findLastIndex((one) => counts.get(one.by) === most);
    if (counts.get(by) === most || last < 0) throw tooManyWait();
    waiting.splice(last, 1)[0]?.reject(tooManyWait());
  }
  await new Promise<void>((resolve, reject) => waiting.push({ by, resolve, reject }));
}

function tooManyWait(): AppError {
  const message = 'Too many compressed bodies wait to be read. Nothing was kept; send it again.';
  return new AppError('unavailable', message, { retryAfterSeconds: 5 });
}

/** A request whose body is no longer compressed, or still is, with the reason why. */
export type PlainRequest = { request: ReceivedRequest; fault: Extract<Inflated, { ok: false }> | null };

export async function plainRequest(request: ReceivedRequest, mostBytes: number): Promise<PlainRequest> {
  const encoding = contentEncoding(request.headers);
  if (encoding === null) return { request, fault: null };
  const inflated = await inflateBody(encoding, request.body, mostBytes, { by: 'records', isVerified: true });
  return inflated.ok
    ? { request: { ...request, body: inflated.body }, fault: null }
    : { request, fault: inflated };
}
