import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../platform/clock.ts';
import { AppError } from '../platform/errors.ts';

/** Bodies of all requests that are being received or answered. */
const mostBytes = 256 * 1024 * 1024;
/** Bodies that are being received. */
const mostUnderWay = 1000;
/** A body must have arrived whole within this time; senders themselves wait 10 to 30 seconds for an answer. */
const timeoutMs = 30_000;
/** Who has had this long makes room for others when there is none. */
const slowMs = 1000;
const lookEveryMs = 1000;

/**
 * Takes the bytes of a body. What they need is counted as they arrive and given back when the request is answered. Throws
 * `too_large`, `timed_out`, and `unavailable` when all together hold too much.
 */
export type BodyReader = (request: IncomingMessage, response: ServerResponse) => Promise<Buffer>;

export function createBodyReader({
  clock,
  maxBodyBytes,
}: {
  clock: Clock;
  maxBodyBytes: number;
}): BodyReader {
  let used = 0;
  /** The oldest first. */
  const underWay = new Set<{ since: number; cut: (error: AppError) => void }>();
  let isLooking = false;

  const look = async () => {
    isLooking = true;
    while (underWay.size > 0) {
      await clock.sleep(lookEveryMs);
      const now = clock.elapsed();
      for (const { since, cut } of underWay) {
        if (now - since < timeoutMs) break;
        cut(new AppError('timed_out', `The body did not arrive within ${timeoutMs / 1000} seconds.`));
      }
    }
    isLooking = false;
  };

  const makeRoom = () => {
    if (underWay.size < mostUnderWay) return;
    const [oldest] = underWay;
    if (!oldest || clock.elapsed() - oldest.since < slowMs) throw noRoom();
    oldest.cut(
      new AppError('timed_out', 'The body arrived so slowly that others were in want of its place.'),
    );
  };

  return (request, response) => {
    const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
    if (encoding === undefined && (length === undefined || length === '0'))
      return Promise.resolve(Buffer.alloc(0));
    const announced = Number(length ?? Number.NaN);
    let own = 0;
    response.once('close', () => {
      used -= own;
      own = 0;
    });
    return new Promise((resolve, reject) => {
      if (announced > maxBodyBytes) return reject(tooLarge());
      if (used > 0 && used + announced > mostBytes) return reject(noRoom());
      makeRoom();
      const chunks: Buffer[] = [];
      const end = (settle: () => void) => {
        underWay.delete(entry);
        request.off('data', onData).off('end', onEnd).off('error', onClosed).off('close', onClosed);
        settle();
      };
      const cut = (error: AppError) => {
        end(() => reject(error));
        // What still comes is nobody's; the answer closes the connection.
        request.resume();
      };
      const onData = (chunk: Buffer) => {
        if (own + chunk.length > maxBodyBytes) return cut(tooLarge());
        // A body that is announced to be larger than all may have it all to itself.
        const mayExceed = announced > mostBytes && used === own;
        if (used + chunk.length > mostBytes && !mayExceed) return cut(noRoom());
        own += chunk.length;
        used += chunk.length;
        chunks.push(chunk);
      };
      const onEnd = () => end(() => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
      const onClosed = () =>
        end(() => reject(new AppError('bad_request', 'The connection ended before the body did.')));
      const entry = { since: clock.elapsed(), cut };
      underWay.add(entry);
      if (!isLooking) void look();
      request.on('data', onData).on('end', onEnd).on('error', onClosed).on('close', onClosed);
    });
  };
}

function tooLarge(): AppError {
  return new AppError('too_large', 'The body is too large.');
}

function noRoom(): AppError {
  const message = 'Too much is being received at this moment. Nothing was kept; send it again.';
  return new AppError('unavailable', message, { retryAfterSeconds: 5 });
}
