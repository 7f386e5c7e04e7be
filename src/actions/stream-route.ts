import type { Readable } from 'node:stream';
import { Type } from 'typebox';
import { mustStillHaveAccess, tokenOf } from '../accounts/access.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { notFound } from '../platform/errors.ts';
import type { EventStreams, ServerSentEvent } from '../platform/http/event-streams.ts';
import { idParam } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import type { Feed } from './feed.ts';
import { findAction, type ActionRow } from './store.ts';
import { pageRows, readStream, type StreamEvent } from './stream.ts';

/** Of one token: a page that shows an action holds one. */
const mostOfOneToken = 500;

export function actionStreamRoute(
  app: HttpApp,
  context: { db: Db; clock: Clock; feed: Feed; streams: EventStreams },
): void {
  const { db, feed, streams } = context;

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
      const source = (signal: AbortSignal) =>
        untilOver(
          db,
          action.id,
          hasEnded(action) ? history(db, action.id, after) : feed.follow(action.id, after, signal),
        );
      return streams.answer(request, reply, {
        owner: `action ${tokenOf(request)}`,
        mostOfOwner: mostOfOneToken,
        source,
        isAllowed: () => mustStillHaveAccess(context, request),
      });
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

/** The events as they are sent, up to the last one of an action that has ended. */
async function* untilOver(
  db: Db,
  actionId: number,
  events: AsyncGenerator<StreamEvent[]>,
): AsyncGenerator<ServerSentEvent[]> {
  let isEnding = false;
  for await (const found of events) {
    yield found.map(asServerSentEvent);
    // The statuses of targets and steps may follow that of the action.
    isEnding ||= found.some(({ type, content }) => type === 'action' && ends(content));
    if (isEnding && (await isOver(db, actionId, found.at(-1)!.seq))) return;
  }
}

function asServerSentEvent({ seq, type, stepId, content }: StreamEvent): ServerSentEvent {
  const data = type === 'log' ? JSON.stringify({ step_id: stepId, content }) : content;
  return { id: String(seq), event: type, data };
}

function ends(content: string): boolean {
  const { completed_at } = JSON.parse(content) as { completed_at: string | null };
  return completed_at !== null;
}
