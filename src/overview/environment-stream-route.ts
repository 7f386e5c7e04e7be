import { Readable } from 'node:stream';
import { Type } from 'typebox';
import type { FastifyRequest } from 'fastify';
import { grantsIn, mustStillHaveAccess, placeOf, tokenOf } from '../accounts/access.ts';
import { permissionsAt } from '../accounts/grants.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { earlier, type Frontier } from '../platform/database/frontier.ts';
import { AppError } from '../platform/errors.ts';
import { whenGone, type EventStreams, type ServerSentEvent } from '../platform/http/event-streams.ts';
import { idParam, Time, timeOf } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import {
  eventKinds,
  parsePosition,
  positionPattern,
  positionSince,
  positionText,
} from './environment-events.ts';
import { createEnvironmentFeed } from './environment-feed.ts';

const position = (description: string) =>
  Type.Optional(Type.String({ maxLength: 100, pattern: positionPattern, description }));
const kindPattern = `(${eventKinds.join('|')})`;

/** Everything that happens in an environment, live. */
export function environmentStreamRoute(
  app: HttpApp,
  context: { db: Db; clock: Clock; frontier: Frontier; streams: EventStreams },
): void {
  const { db, frontier, streams } = context;
  const feed = createEnvironmentFeed(context);

  app.route({
    method: 'GET',
    url: '/environments/:environment_id/events',
    config: { access: { permission: 'action:read', on: 'environment', param: 'environment_id' } },
    schema: {
      operationId: 'streamEnvironmentEvents',
      summary: 'Watch everything that happens in an environment, as it happens',
      description: [
        'A stream of server-sent events that does not end. `event` is `request` (to an incoming hook: what came of it, and why), `action` (created, or in another status) or `delivery` (of an outgoing hook: each attempt, and what is not sent). Requests and deliveries need the permission `hook:read`, and are left out without it.',
        'Each has an `id`; a client that comes back with the last one in the header `Last-Event-ID` (or in `after`) gets what follows it, nothing twice and nothing left out. Without one the stream begins with what happens now, or at `since`. `ping` comes first and every 15 seconds, with the `id` to go on from.',
      ].join(' '),
      params: idParam('environment_id'),
      querystring: Type.Object({
        after: position('Only what follows the event of this id.'),
        since: Type.Optional(
          Type.Unsafe<string>({ ...Time, description: 'Only what happened from then on.' }),
        ),
        kinds: Type.Optional(
          Type.String({
            maxLength: 100,
            pattern: `^${kindPattern}(,${kindPattern})*$`,
            description: `Only these, with commas between them: ${eventKinds.join(', ')}.`,
          }),
        ),
        follow: Type.Optional(
          Type.Boolean({
            default: true,
            description: 'Whether to wait for more. If not, the last event is `end`.',
          }),
        ),
      }),
      headers: Type.Object({ 'last-event-id': position('As `after`, which it wins over.') }),
      response: {
        200: { content: { 'text/event-stream': { schema: Type.Unsafe<Readable>({ type: 'string' }) } } },
      },
    },
    handler: async (request, reply) => {
      const { environment_id: environmentId } = request.params;
      const { since, kinds, follow } = request.query;
      const now = await frontier.now(whenGone(request, reply).signal);
      if (!now) throw new AppError('unavailable', 'The server is stopping. Try again later.');
      const last = request.headers['last-event-id'] ?? request.query.after;
      let at = now;
      if (last !== undefined) at = parsePosition(last, now);
      else if (since !== undefined)
        at = earlier(await positionSince(db, timeOf(since, 'querystring.since')), now);

      const wanted = new Set(kinds?.split(',') ?? eventKinds);
      let mayReadHooks = canReadHooks(request);
      async function* source(signal: AbortSignal): AsyncGenerator<ServerSentEvent[]> {
        yield [{ id: positionText(at), event: 'ping', data: '{}' }];
        const pages =
          follow === false
            ? feed.history(environmentId, { from: at, until: now! })
            : feed.follow(environmentId, { from: at, now: now! }, signal);
        for await (const { events, to } of pages) {
          const shown = events.filter(({ kind }) => wanted.has(kind) && (kind === 'action' || mayReadHooks));
          if (shown.length > 0) {
            yield shown.map(({ kind, data, position }) => ({
              id: positionText(position),
              event: kind,
              data,
            }));
          }
          at = to;
        }
      }
      return streams.answer(request, reply, {
        owner: `environment ${tokenOf(request)}`,
        source,
        isAllowed: async () => {
          await mustStillHaveAccess(context, request);
          mayReadHooks = canReadHooks(request);
        },
        position: () => positionText(at),
      });
    },
  });
}

function canReadHooks(request: FastifyRequest): boolean {
  return permissionsAt(grantsIn(request), placeOf(request)).includes('hook:read');
}
