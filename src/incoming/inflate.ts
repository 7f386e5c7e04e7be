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
const waiting: (() => void)[] = [];

/** The body as it was before it was compressed, no larger than `mostBytes`. Throws `unavailable` when too many wait. */
export async function inflateBody(encoding: string, body: Buffer, mostBytes: number): Promise<Inflated> {
  const inflater = Object.hasOwn(inflaters, encoding) ? inflaters[encoding] : undefined;
  if (!inflater) {
    const known = 'gzip, deflate or br';
    return {
      ok: false,
      status: 415,
      reason: `The content encoding ${encoding.slice(0, 40)} is not ${known}.`,
    };
  }
  if (running >= mostAtOnce) {
    if (waiting.length >= mostWaiting) {
      const message = 'Too many compressed bodies wait to be read. Nothing was kept; send it again.';
      throw new AppError('unavailable', message, { retryAfterSeconds: 5 });
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  }
  running++;
  try {
    return { ok: true, body: await inflater(body, { maxOutputLength: mostBytes }) };
  } catch (error) {
    if (error instanceof RangeError)
      return { ok: false, status: 413, reason: 'The body is too large once it is uncompressed.' };
    return { ok: false, status: 400, reason: `The body is not the ${encoding} that it claims to be.` };
  } finally {
    running--;
    waiting.shift()?.();
  }
}

/** A request whose body is no longer compressed, or still is, with the reason why. */
export type PlainRequest = { request: ReceivedRequest; fault: Extract<Inflated, { ok: false }> | null };

export async function plainRequest(request: ReceivedRequest, mostBytes: number): Promise<PlainRequest> {
  const encoding = contentEncoding(request.headers);
  if (encoding === null) return { request, fault: null };
  const inflated = await inflateBody(encoding, request.body, mostBytes);
  return inflated.ok
    ? { request: { ...request, body: inflated.body }, fault: null }
    : { request, fault: inflated };
}
