import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { HttpApp } from './server.ts';

export const eventStreamLimits = {
  /** A sign of life goes out so often, and the access of the watcher is looked at again. */
  pingMs: 15_000,
  perNode: 2000,
  /** Of one token, so that a program that forgets its streams does not take the places of others. */
  perToken: 50,
  /** So often in a row it may be found not to have read on; then it is cut off, and can come back. */
  mostStalls: 4,
  /** So much is sent at once. */
  pieceCharacters: 64 * 1024,
  /** How long a stream has to end by itself when the server stops. */
  lastWordsMs: 250,
};

/** `data` is JSON in one line. */
export type ServerSentEvent = { id?: string; event: string; data: string };

export type EventStreams = {
  /**
   * Answers with what `source` yields. It is asked for more only when what came before was taken, so that one who does not read
   * waits with one batch; it must end when `signal` aborts.
   */
  answer(
    request: FastifyRequest,
    reply: FastifyReply,
    options: {
      /** Whose streams are counted together: a token, and for what. */
      owner: string;
      /** How many of these there may be; as the limits have it if left out. */
      mostOfOwner?: number;
      source: (signal: AbortSignal) => AsyncGenerator<ServerSentEvent[]>;
      /** Throws when whoever watches may not any more. */
      isAllowed: () => Promise<void>;
      /** Where to go on from, sent with each sign of life; by the last event if left out. */
      position?: () => string;
    },
  ): FastifyReply;
};

/**
 * The endless answers of a node as server-sent events: counted, with signs of life, and ended when the server stops. One for
 * all routes, so that they are counted together.
 */
export function createEventStreams(
  app: HttpApp,
  { clock, limits = eventStreamLimits }: { clock: Clock; limits?: typeof eventStreamLimits },
): EventStreams {
  const closing = new AbortController();
  const byOwner = new Map<string, number>();
  let streams = 0;
  // Before the server waits for its connections to end, which these would not.
  app.addHook('preClose', async () => closing.abort());

  const take = (owner: string, most: number) => {
    const own = byOwner.get(owner) ?? 0;
    if (streams >= limits.perNode) {
      const message = `This node serves ${limits.perNode} streams at the same time, and no more. Try again later.`;
      throw new AppError('unavailable', message, { retryAfterSeconds: 10 });
    }
    if (own >= most) {
      const message = `This token has ${most} such streams open, and may have no more. Close one first.`;
      throw new AppError('too_many', message, { retryAfterSeconds: 10 });
    }
    streams++;
    byOwner.set(owner, own + 1);
  };
  const giveBack = (owner: string) => {
    streams--;
    const own = byOwner.get(owner)! - 1;
    if (own > 0) byOwner.set(owner, own);
    else byOwner.delete(owner);
  };

  return {
    answer(request, reply, { owner, mostOfOwner = limits.perToken, source, isAllowed, position }) {
      take(owner, mostOfOwner);
      const gone = whenGone(request, reply);
      const signal = AbortSignal.any([gone.signal, closing.signal]);
      const events = source(signal);
      const body = Readable.from(asText({ events, position, clock, signal, limits }), {
        objectMode: false,
        highWaterMark: limits.pieceCharacters,
      });
      body.once('close', () => {
        giveBack(owner);
        gone.abort();
      });
      const cutOff = async () => {
        await clock.sleep(limits.lastWordsMs, gone.signal);
        // Whoever does not read would hold up the end of the server.
        if (!gone.signal.aborted) reply.raw.destroy();
      };
      closing.signal.addEventListener('abort', () => void cutOff(), { once: true, signal: gone.signal });
      /** Beside what is sent, so that it holds for one who does not read, too. */
      const guard = async () => {
        for (let stalls = 0; ;) {
          await clock.sleep(limits.pingMs, gone.signal);
          if (gone.signal.aborted) return;
          stalls = reply.raw.writableNeedDrain ? stalls + 1 : 0;
          const mayStay = await isAllowed().then(
            () => stalls < limits.mostStalls,
            () => false,
          );
          if (!mayStay) return void reply.raw.destroy();
        }
      };
      void guard();
      return (
        reply
          .header('content-type', 'text/event-stream; charset=utf-8')
          .header('cache-control', 'no-store')
          // nginx would keep it back until it has a page full.
          .header('x-accel-buffering', 'no')
          .send(body)
      );
    },
  };
}

/** Aborted when whoever asks does not wait any longer. */
export function whenGone(request: FastifyRequest, reply: FastifyReply): AbortController {
  const gone = new AbortController();
  request.raw.once('close', () => gone.abort());
  reply.raw.once('close', () => gone.abort());
  return gone;
}

/** How long a client waits before it connects again. */
const retryLine = 'retry: 1000\n\n';

async function* asText(options: {
  events: AsyncGenerator<ServerSentEvent[]>;
  position: (() => string) | undefined;
  clock: Clock;
  signal: AbortSignal;
  limits: typeof eventStreamLimits;
}): AsyncGenerator<string> {
  const { events, position, clock, signal, limits } = options;
  const quiet = { ping: true } as const;
  const ping = () =>
    position ? eventText({ id: position(), event: 'ping', data: '{}' }) : ': still here\n\n';
  try {
    yield retryLine;
    let next = events.next();
    let pingAt = clock.elapsed() + limits.pingMs;
    for (;;) {
      const slept = new AbortController();
      const pauseMs = Math.max(0, pingAt - clock.elapsed());
      const pause = clock.sleep(pauseMs, AbortSignal.any([slept.signal, signal])).then(() => quiet);
      const found = await Promise.race([next, pause]).finally(() => slept.abort(null));
      if (signal.aborted) return;
      if (clock.elapsed() >= pingAt) {
        pingAt = clock.elapsed() + limits.pingMs;
        yield ping();
      }
      if ('ping' in found) continue;
      if (found.done) {
        yield eventText({ event: 'end', data: '{}' });
        return;
      }
      yield* inPieces(found.value, limits.pieceCharacters);
      next = events.next();
    }
  } finally {
    await events.return(undefined);
  }
}

/** Many small events together; large ones one by one, since what a slow reader has not taken waits in memory. */
function* inPieces(events: ServerSentEvent[], characters: number): Generator<string> {
  let piece = '';
  for (const event of events) {
    piece += eventText(event);
    if (piece.length < characters) continue;
    yield piece;
    piece = '';
  }
  if (piece) yield piece;
}

function eventText({ id, event, data }: ServerSentEvent): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`;
}
