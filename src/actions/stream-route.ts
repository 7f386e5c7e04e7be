import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { mustStillHaveAccess } from '../accounts/access.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { AppError, notFound } from '../platform/errors.ts';
import { idParam } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import type { Feed } from './feed.ts';
import { findAction, type ActionRow } from './store.ts';
import { pageRows, readStream, type StreamEvent } from './stream.ts';

/** A sign of life goes out so often, and the access of the watcher is looked at again. */
const pingMs = 15_000;
const defaultMostStreams = 2000;
/** At most 1 MiB, as a row holds at most 64 KiB: each watcher that does not read on keeps a page waiting. */
/** So much is sent at once. */
const pieceCharacters = 64 * 1024;
/** How long a stream has to end by itself when the server stops. */
const lastWordsMs = 250;

/** How long a client waits before it connects again. */
const retryLine = 'retry: 1000\n\n';

export function actionStreamRoute(
  app: HttpApp,
  context: { db: Db; clock: Clock; feed: Feed; mostStreams?: number },
): void {
  const { db, clock, feed, mostStreams = defaultMostStreams } = context;
  const closing = new AbortController();
  let streams = 0;
  // Before the server waits for its connections to end, which these would not.
  app.addHook('preClose', async () => closing.abort());

  app.route({
    method: 'GET',
    url: '/actions/:action_id/events',
    config: { access: { permission: 'action:read', on: 'action', param: 'action_id' } },
    schema: {
      operationId: 'streamActionEvents',
      summary: 'Watch an action: its output and each change of status, as it happens',
      description: [
        'A stream of server-sent events from the beginning of the action to its end. `event` is `action`, `target` or `step`, whose data is the new status, or `log`, whose data is `{"step_id", "content"}`.',
        'Each has an `id`; a client that comes back with the last one in the header `Last-Event-ID` (or in `after`) gets what follows it, nothing twice and nothing left out. Once an action has ended and all was sent, the last event is `end`, and coming back is answered 204.',
      ].join(' '),
      params: idParam('action_id'),
      querystring: Type.Object({
        after: Type.Optional(
          Type.Integer({ minimum: 0, description: 'Only what follows the event of this id.' }),
        ),
      }),
      headers: Type.Object({
        'last-event-id': Type.Optional(
          Type.String({ maxLength: 20, description: 'As `after`, which it wins over.' }),
        ),
      }),
      response: {
        200: { content: { 'text/event-stream': { schema: Type.Unsafe<Readable>({ type: 'string' }) } } },
        204: Type.Null({ description: 'The action has ended, and nothing follows that event.' }),
      },
    },
    handler: async (request, reply) => {
      const action = await findAction(db, request.params.action_id);
      if (!action) throw notFound('The action');
      const given = Number(request.headers['last-event-id'] ?? request.query.after ?? 0);
      // What never was, e.g. of another database, has been seen by nobody: then only what is new is sent.
      const after = Number.isSafeInteger(given) && given > 0 ? Math.min(given, action.last_seq) : 0;
      if (hasEnded(action) && after >= action.last_seq) return reply.status(204).send(null);
      if (streams >= mostStreams) {
        const message = `This node serves ${mostStreams} streams at the same time, and no more. Try again later.`;
        throw new AppError('unavailable', message, { retryAfterSeconds: 10 });
      }
      const gone = new AbortController();
      request.raw.once('close', () => gone.abort());
      reply.raw.once('close', () => gone.abort());
      const signal = AbortSignal.any([gone.signal, closing.signal]);
      const events = hasEnded(action) ? history(db, action.id, after) : feed.follow(action.id, after, signal);
      const isAllowed = async () => {
        await mustStillHaveAccess(context, request);
      };
      streams++;
      const body = Readable.from(
        asServerSentEvents({
          events,
          isAllowed,
          clock,
          signal,
          isOver: (seq) => isOver(db, action.id, seq),
          leave: () => gone.abort(),
        }),
        { objectMode: false, highWaterMark: pieceCharacters },
      );
      const cutOff = async () => {
        await clock.sleep(lastWordsMs, gone.signal);
        // Whoever does not read would hold up the end of the server.
        if (!gone.signal.aborted) reply.raw.destroy();
      };
      closing.signal.addEventListener('abort', () => void cutOff(), { once: true, signal: gone.signal });
      body.once('close', () => {
        streams--;
        gone.abort();
      });
      return (
        reply
          .header('content-type', 'text/event-stream; charset=utf-8')
          .header('cache-control', 'no-store')
          // nginx would keep it back until it has a page full.
          .header('x-accel-buffering', 'no')
          .send(body)
      );
    },
  });
}

function hasEnded({ completed_at }: Pick<ActionRow, 'completed_at'>): boolean {
  return completed_at !== null;
}

async function isOver(db: Db, actionId: number, seq: number): Promise<boolean> {
  const action = await findAction(db, actionId);
  return !action || (hasEnded(action) && seq >= action.last_seq);
}

/** The stream of an action that has ended. */
async function* history(db: Db, actionId: number, after: number): AsyncGenerator<StreamEvent[]> {
  for (let seq = after; ;) {
    const found = await readStream(db, actionId, { after: seq, limit: pageRows });
    if (found.length === 0) return;
    seq = found.at(-1)!.seq;
    yield found;
  }
}

async function* asServerSentEvents(options: {
  events: AsyncGenerator<StreamEvent[]>;
  isOver: (seq: number) => Promise<boolean>;
  isAllowed: () => Promise<void>;
  clock: Clock;
  signal: AbortSignal;
  /** Ends `events`, also while they wait for what is new. */
  leave: () => void;
}): AsyncGenerator<string> {
  const { events, clock, signal } = options;
  const quiet = { ping: true } as const;
  try {
    yield retryLine;
    let isEnding = false;
    let next = events.next();
    // By the clock and not since the last event: an action that always has something to say is no exception.
    let pingAt = clock.elapsed() + pingMs;
    for (;;) {
      const slept = new AbortController();
      const pauseMs = Math.max(0, pingAt - clock.elapsed());
      const pause = clock.sleep(pauseMs, AbortSignal.any([slept.signal, signal])).then(() => quiet);
      const found = await Promise.race([next, pause]).finally(() => slept.abort(null));
      if (signal.aborted) return;
      if (clock.elapsed() >= pingAt) {
        await options.isAllowed();
        pingAt = clock.elapsed() + pingMs;
        yield ': still here\n\n';
      }
      if ('ping' in found) continue;
      if (found.done) {
        yield 'event: end\ndata: {}\n\n';
        return;
      }
      yield* inPieces(found.value);
      // The statuses of targets and steps may follow that of the action.
      isEnding ||= found.value.some(({ type, content }) => type === 'action' && ends(content));
      if (isEnding && (await options.isOver(found.value.at(-1)!.seq))) {
        yield 'event: end\ndata: {}\n\n';
        return;
      }
      next = events.next();
    }
  } finally {
    options.leave();
    await events.return(undefined);
  }
}

/** Many small events together; large ones one by one, since what a slow reader has not taken waits in memory. */
function* inPieces(events: StreamEvent[]): Generator<string> {
  let piece = '';
  for (const event of events) {
    piece += eventText(event);
    if (piece.length < pieceCharacters) continue;
    yield piece;
    piece = '';
  }
  if (piece) yield piece;
}

function eventText({ seq, type, stepId, content }: StreamEvent): string {
  const data = type === 'log' ? JSON.stringify({ step_id: stepId, content }) : content;
  return `id: ${seq}\nevent: ${type}\ndata: ${data}\n\n`;
}

function ends(content: string): boolean {
  const { completed_at } = JSON.parse(content) as { completed_at: string | null };
  return completed_at !== null;
}
