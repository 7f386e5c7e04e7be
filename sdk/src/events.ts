import type { Client } from './client.ts';
import { HooklineError, isAbort } from './error.ts';
import { client as defaultClient } from './generated/client.gen.ts';
import type { Action } from './generated/types.gen.ts';
import { sleep } from './sleep.ts';

type Changed = { id: number; status: Action['status'] } & Record<string, unknown>;

/** What happens to an action; `id` is where to go on from. */
export type ActionEvent =
  | { id: number; type: 'log'; data: { step_id: number; content: string } }
  | { id: number; type: 'action' | 'target' | 'step'; data: Changed };

export type EventOptions = {
  client?: Client;
  /** Only what follows the event of this id. */
  after?: number;
  /** Ends the stream in silence. */
  signal?: AbortSignal;
  /** Called when the stream dropped, and again when it is back. */
  onConnection?: (state: 'open' | 'lost') => void;
};

const firstWaitMs = 1000;
const longestWaitMs = 15_000;

/**
 * What happens to an action from its beginning to its end, live. A stream that drops is taken up again after the last
 * event, nothing twice and nothing left out. Throws a HooklineError when the server refuses it.
 */
export async function* events(
  actionId: number,
  options: EventOptions = {},
): AsyncGenerator<ActionEvent, void, undefined> {
  const { client = defaultClient, signal, onConnection } = options;
  let last = options.after ?? 0;
  let waitMs = firstWaitMs;
  while (!signal?.aborted) {
    try {
      const body = await open(client, actionId, last, signal);
      if (!body) return;
      onConnection?.('open');
      for await (const message of parse(body)) {
        if (message.event === 'end') return;
        waitMs = firstWaitMs;
        const id = Number(message.id);
        if (!(id > last)) continue;
        // Safe: the server's document describes these.
        yield { id, type: message.event, data: JSON.parse(message.data) } as ActionEvent;
        last = id;
      }
    } catch (error) {
      if (signal?.aborted) return;
      // By the client's own signal, or the caller's fetch.
      if (isAbort(error)) throw error;
      // What the server refuses for good it refuses again; what it cannot do now is asked for again.
      if (error instanceof HooklineError && error.status >= 400 && error.status < 500 && error.status !== 429)
        throw error;
    }
    onConnection?.('lost');
    await sleep(waitMs, signal);
    waitMs = Math.min(waitMs * 2, longestWaitMs);
  }
}

/** Null when the action has ended and nothing follows. */
async function open(
  client: Client,
  actionId: number,
  last: number,
  signal: AbortSignal | undefined,
): Promise<ReadableStream<Uint8Array> | null> {
  const { data, response } = await client.get<ReadableStream<Uint8Array>, unknown, true>({
    url: '/actions/{action_id}/events',
    path: { action_id: actionId },
    headers: { accept: 'text/event-stream', ...(last > 0 ? { 'last-event-id': String(last) } : {}) },
    security: [{ scheme: 'bearer', type: 'http' }],
    parseAs: 'stream',
    throwOnError: true,
    signal: signal ?? null,
  });
  return response.status === 204 ? null : data;
}

type Message = { id: string; event: string; data: string };

/** The messages of a stream of server-sent events; one that is cut off in the middle is left out. */
async function* parse(body: ReadableStream<Uint8Array>): AsyncGenerator<Message, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const message = parseBlock(block);
        if (message) yield message;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function parseBlock(block: string): Message | null {
  const message: Message = { id: '', event: 'message', data: '' };
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const [, name, value] = /^(\w+): ?(.*)$/.exec(line.replace(/\r$/, '')) ?? [];
    if (name === 'data') data.push(value ?? '');
    if (name === 'id') message.id = value ?? '';
    if (name === 'event') message.event = value ?? '';
  }
  return data.length > 0 || message.event === 'end' ? { ...message, data: data.join('\n') } : null;
}
