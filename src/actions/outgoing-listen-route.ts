import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { mustStillHaveAccess, tokenOf } from '../accounts/access.ts';
import { loadSending, type SendingHook } from '../hooks/registry.ts';
import { findHook } from '../hooks/store.ts';
import type { DeliveryRow } from '../outgoing/claim.ts';
import { copyRequest } from '../outgoing/deliver.ts';
import { planDeliveries, type EventContext } from '../outgoing/subscribe.ts';
import { isoTime } from '../platform/clock.ts';
import { firstIdSince } from '../platform/database/first-id-since.ts';
import type { Frontier, Position } from '../platform/database/frontier.ts';
import { AppError, notFound } from '../platform/errors.ts';
import { parseExactJson } from '../platform/exact-json.ts';
import { whenGone, type EventStreams, type ServerSentEvent } from '../platform/http/event-streams.ts';
import { Time, timeOf, uuidParam } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import { mask } from '../platform/secret-box.ts';
import { withoutNulls } from '../platform/without-nulls.ts';
import { toldOf, type TryOutContext } from './outgoing-test-route.ts';

/** Read and rendered together: a body may be large. */
const pageRows = 4;

type ListenContext = Omit<TryOutContext, 'guard'> & { frontier: Frontier; streams: EventStreams };

/** What an outgoing hook sends, as a copy, for whoever is developing its receiver. */
export function outgoingListenRoute(app: HttpApp, context: ListenContext): void {
  const { db, frontier, streams } = context;
  const id = (description: string) =>
    Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description }));

  app.route({
    method: 'GET',
    url: '/hooks/outgoing/:hook_id/listen',
    config: { access: { permission: 'hook:update', on: 'hook', param: 'hook_id' } },
    schema: {
      operationId: 'listenToOutgoingHook',
      summary: 'Get a copy of each delivery of an outgoing hook, as it is sent',
      description: [
        'A stream of server-sent events that does not end, for developing a receiver. `event` is `delivery`, whose `request` has method, URL, headers and body as they go out, or `skipped`, with the reason why nothing is sent. What the real receiver gets stays as it is; what it does not get, because it is down or not allowed, comes here all the same, as does what a hook would send that is not active.',
        'Secrets are masked, and the access token of a source provider is not read. `webhook-signature` signs the body as it comes here: the secret of the hook verifies it.',
        'Each event has an `id`; a client that comes back with the last one in the header `Last-Event-ID` (or in `after`) gets what follows it. Without one the stream begins now, or at `since`. `ping` comes first and every 15 seconds, with the `id` to go on from.',
      ].join(' '),
      params: uuidParam('hook_id'),
      querystring: Type.Object({
        after: id('Only what follows the event of this id.'),
        since: Type.Optional(
          Type.Unsafe<string>({ ...Time, description: 'Also what was sent from then on.' }),
        ),
        follow: Type.Optional(
          Type.Boolean({
            default: true,
            description: 'Whether to wait for more. If not, the last event is `end`.',
          }),
        ),
      }),
      headers: Type.Object({ 'last-event-id': id('As `after`, which it wins over.') }),
      response: {
        200: { content: { 'text/event-stream': { schema: Type.Unsafe<Readable>({ type: 'string' }) } } },
      },
    },
    handler: async (request, reply) => {
      const row = await findHook(db, request.params.hook_id);
      if (row?.direction !== 'out') throw notFound('The outgoing hook');
      const { since, follow } = request.query;
      const now = await frontier.now(whenGone(request, reply).signal);
      if (!now) throw new AppError('unavailable', 'The server is stopping. Try again later.');
      const last = request.headers['last-event-id'] ?? request.query.after;
      let at = now.deliveries;
      if (last !== undefined) at = Math.min(last, at);
      else if (since !== undefined)
        at = Math.min(at, (await firstIdSince(db, 'deliveries', timeOf(since, 'querystring.since'))) - 1);

      async function* source(signal: AbortSignal): AsyncGenerator<ServerSentEvent[]> {
        yield [{ id: String(at), event: 'ping', data: '{}' }];
        for (let seen: Position = now!; ;) {
          for await (const event of copies(context, row!.id, { after: at, end: seen.deliveries })) {
            yield [event];
            at = Number(event.id);
          }
          at = Math.max(at, seen.deliveries);
          if (follow === false) return;
          // An old page of the tables is as good as none: only what is new is waited for.
          const next = await frontier.beyond(seen, signal);
          if (!next) return;
          seen = next;
        }
      }
      return streams.answer(request, reply, {
        owner: `hook ${tokenOf(request)}`,
        source,
        isAllowed: () => mustStillHaveAccess(context, request),
        position: () => String(at),
      });
    },
  });
}

/** The deliveries of a hook between two ids, rendered by the hook as it is now. */
async function* copies(
  context: ListenContext,
  hookId: number,
  range: { after: number; end: number },
): AsyncGenerator<ServerSentEvent> {
  const { db, box } = context;
  for (let after = range.after; after < range.end;) {
    const rows = await db
      .selectFrom('deliveries')
      .leftJoin('action_events', 'action_events.id', 'deliveries.event_id')
      .selectAll('deliveries')
      .select('action_events.context')
      // Index: deliveries_hook_id_id.
      .where('deliveries.hook_id', '=', hookId)
      .where('deliveries.id', '>', after)
      .where('deliveries.id', '<=', range.end)
      .orderBy('deliveries.id')
      .limit(pageRows)
      .execute();
    const hook = rows.length > 0 ? await loadSending(db, box, hookId) : null;
    for (const { context: told, ...row } of rows) {
      if (hook) yield await copyOf(context, hook, row, told);
    }
    if (rows.length < pageRows) return;
    after = rows.at(-1)!.id;
  }
}

async function copyOf(
  context: ListenContext,
  hook: SendingHook,
  row: DeliveryRow,
  told: string | null,
): Promise<ServerSentEvent> {
  const common = {
    id: row.uuid,
    hook_id: row.hook_uuid,
    hook_name: hook.row.name,
    action_id: row.action_id,
    event: row.event,
    created_at: isoTime(row.created_at),
  };
  const made = await render(context, hook, row, told);
  const isSkipped = 'reason' in made;
  const data = isSkipped
    ? { ...common, request: null, missing: [], reason: made.reason }
    : { ...common, ...made, reason: null };
  return { id: String(row.id), event: isSkipped ? 'skipped' : 'delivery', data: JSON.stringify(data) };
}

async function render(
  { db, writer, clock, userAgent }: ListenContext,
  hook: SendingHook,
  row: DeliveryRow,
  told: string | null,
) {
  // Whoever may write the template chooses what becomes of a value, in ways that no mask recognises.
  const safe = { ...hook, accessToken: hook.accessToken === null ? null : mask };
  const isOff = hook.row.active === 0;
  let values: EventContext | null = told === null ? null : eventOf(told);
  if (!values) {
    // Of what was not to be sent nothing is kept. A hook that is off is shown what it would send.
    if (!isOff) return { reason: row.reason };
    const action = await db
      .selectFrom('actions')
      .selectAll()
      .where('id', '=', row.action_id)
      .executeTakeFirst();
    if (!action) return { reason: row.reason };
    // Safe: `subscribe.ts` takes it from the names of events.
    values = await toldOf(db, writer, action, row.event as Parameters<typeof toldOf>[3]);
  }
  const on = { ...safe, row: { ...hook.row, active: 1 as const } };
  const known = values;
  const [planned] = await planDeliveries([on], [row.event as Parameters<typeof toldOf>[3]], () =>
    Promise.resolve(known),
  );
  // What it does not ask for any more was asked for when it happened.
  if (planned?.status === 'skipped') return { reason: planned.reason };
  const copy = copyRequest({ userAgent, now: clock.now() }, safe, {
    values,
    event: row.event,
    id: row.uuid,
  });
  if (copy.kind === 'impossible') return { reason: copy.reason };
  const { url, headers, body, missing } = copy;
  return { request: { method: 'POST' as const, url, headers, body }, missing };
}

function eventOf(text: string): EventContext {
  // Safe: only `events.ts` and `announce-disabled.ts` write it.
  return withoutNulls(parseExactJson(text) as EventContext) as EventContext;
}
