import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { ApiClient } from './api-client.ts';
import { createArrivals } from './arrivals.ts';
import type { WaitFor } from './arrivals.ts';

export type StreamedEvent = {
  /** Null for one without, such as `end`. */
  id: number | null;
  /** The id as it came, which need not be a number. */
  key: string | null;
  event: string;
  data: Record<string, unknown>;
  /** When it had arrived, in ms since 1970. */
  at: number;
};

/** How a stream ended: after its event `end`, closed in good order without it, or cut off. */
export type StreamEnd = 'end' | 'closed' | 'cut';

export type EventStream = {
  status: number;
  headers: IncomingHttpHeaders;
  /** In order of arrival; grows. */
  events: readonly StreamedEvent[];
  /** Comments, such as the sign of life. */
  comments: readonly string[];
  waitFor: WaitFor<StreamedEvent>;
  /** Settles with how it ended; for an answer that is no stream at once. */
  ended: Promise<StreamEnd>;
  /** Cuts the connection from this side, as a network does. Safe to repeat. */
  drop(): void;
};

type Source = { url: string; api: Pick<ApiClient, 'token'> };

/** Opens a stream of server-sent events on a connection of its own. `reads: false` never takes anything from its socket. */
export async function openEventStream(
  { url, api }: Source,
  path: string,
  options: { lastEventId?: string | number; reads?: boolean; method?: string } = {},
): Promise<EventStream> {
  const { lastEventId, reads = true, method = 'GET' } = options;
  const outgoing = request(`${url}/api${path}`, {
    agent: false,
    method,
    headers: {
      accept: 'text/event-stream',
      ...(api.token === undefined ? {} : { authorization: `Bearer ${api.token}` }),
      ...(lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) }),
    },
  });
  outgoing.end();
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  outgoing.on('error', () => undefined); // the answer's `close` follows

  const arrivals = createArrivals<StreamedEvent>(({ id, event }) => `${event} ${id ?? ''}`);
  const comments: string[] = [];
  const parse = createParser(
    (event) => arrivals.add(event),
    (comment) => comments.push(comment),
  );
  const isStream = answer.headers['content-type']?.startsWith('text/event-stream') ?? false;
  answer.on('error', () => undefined);
  const ended = new Promise<StreamEnd>((resolve) => {
    answer.once('close', () => {
      arrivals.close();
      if (!answer.complete) return resolve('cut');
      resolve(arrivals.all.at(-1)?.event === 'end' ? 'end' : 'closed');
    });
  });
  answer.setEncoding('utf8');
  if (!isStream) answer.resume();
  else if (reads) answer.on('data', parse);
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    events: arrivals.all,
    comments,
    waitFor: arrivals.waitFor,
    ended,
    drop: () => outgoing.destroy(),
  };
}

/**
 * Follows an action to its end as a browser does: on a new connection with the last id, whenever one was lost.
 * `isToDrop` cuts the connection after an event. Returns everything that came, in the order in which it came.
 */
export async function followToEnd(
  source: Source,
  path: string,
  isToDrop: (event: StreamedEvent, index: number) => boolean = () => false,
): Promise<{ events: StreamedEvent[]; connections: number }> {
  const events: StreamedEvent[] = [];
  for (let connections = 1; ; connections++) {
    const last = events.at(-1)?.id;
    const stream = await openEventStream(source, path, last ? { lastEventId: last } : {});
    if (stream.status === 204) return { events, connections };
    if (stream.status !== 200) throw new Error(`the stream was answered ${stream.status}`);
    for (let taken = 0; ; taken++) {
      const [event] = (await stream.waitFor(taken + 1).catch(() => [])).slice(taken);
      if (!event) break;
      if (event.event === 'end') {
        stream.drop();
        return { events, connections };
      }
      events.push(event);
      if (isToDrop(event, events.length - 1)) break;
    }
    stream.drop();
    await stream.ended;
  }
}

/** By the rules of the HTML standard (9.2.6), as far as the server uses them; a line may come in several pieces. */
function createParser(
  onEvent: (event: StreamedEvent) => void,
  onComment: (text: string) => void,
): (text: string) => void {
  let rest = '';
  let fields = new Map<string, string>();
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith(':')) onComment(line.slice(1).trim());
      else if (line !== '') {
        const [, name = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
        fields.set(name, fields.has(name) && name === 'data' ? `${fields.get(name)}\n${value}` : value);
      } else {
        const data = fields.get('data');
        const id = fields.get('id');
        if (data !== undefined) {
          onEvent({
            id: id === undefined ? null : Number(id),
            key: id ?? null,
            event: fields.get('event') ?? 'message',
            data: JSON.parse(data) as Record<string, unknown>,
            at: Date.now(),
          });
        }
        fields = new Map();
      }
    }
  };
}
