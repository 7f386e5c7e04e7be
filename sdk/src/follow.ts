import type { Client } from './client.ts';
import { HooklineError } from './error.ts';
import { client as defaultClient } from './generated/client.gen.ts';
import { sleep } from './sleep.ts';

export type FollowOptions = {
  client?: Client;
  /** Ends the stream in silence. */
  signal?: AbortSignal;
  /** Called when the stream dropped, and again when it is back. */
  onConnection?: (state: 'open' | 'lost') => void;
};

/** `id` is '' where the server gave none. */
export type Message = { id: string; event: string; data: string };

const firstWaitMs = 1000;
const longestWaitMs = 15_000;
/** The server gives a sign of life every 15 seconds; a connection without one is dead, though nobody has closed it. */
const longestSilenceMs = 45_000;

/**
 * The messages of a stream of server-sent events. One that drops is taken up again after the last id, until the server's
 * event `end`. Throws a HooklineError when the server refuses it.
 */
export async function* follow(
  address: { url: string; path: Record<string, unknown>; query?: Record<string, unknown> },
  options: FollowOptions & { lastId?: string | undefined },
): AsyncGenerator<Message, void, undefined> {
  const { client = defaultClient, signal, onConnection } = options;
  let lastId = options.lastId ?? '';
  let waitMs = firstWaitMs;
  while (!signal?.aborted) {
    try {
      const body = await open(client, { ...address, lastId }, signal);
      if (!body) return;
      onConnection?.('open');
      for await (const message of parse(body, signal)) {
        if (message.event === 'end') return;
        waitMs = firstWaitMs;
        yield message;
        // What has no id of its own is where the one before it was.
        if (message.id !== '') lastId = message.id;
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (!mayPass(error)) throw error;
    }
    if (signal?.aborted) return;
    onConnection?.('lost');
    await sleep(waitMs, signal);
    waitMs = Math.min(waitMs * 2, longestWaitMs);
  }
}

/** What the server refuses for good it refuses again; and what is no error of the API is the caller's own, as its signal. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof HooklineError)) return false;
  return error.status === 0 || error.status === 429 || error.status >= 500;
}

/** Null when there is nothing to follow any more. */
async function open(
  client: Client,
  address: {
    url: string;
    path: Record<string, unknown>;
    query?: Record<string, unknown>;
    lastId: string;
  },
  signal: AbortSignal | undefined,
): Promise<ReadableStream<Uint8Array> | null> {
  const { lastId, ...where } = address;
  const { data, response } = await client.get<ReadableStream<Uint8Array>, unknown, true>({
    ...where,
    headers: { accept: 'text/event-stream', ...(lastId === '' ? {} : { 'last-event-id': lastId }) },
    security: [{ scheme: 'bearer', type: 'http' }],
    parseAs: 'stream',
    throwOnError: true,
    signal: signal ?? null,
  });
  return response.status === 204 ? null : data;
}

/** The messages of a stream of server-sent events; one that is cut off in the middle is left out. */
async function* parse(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Message, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let timer: ReturnType<typeof setTimeout> | undefined;
  const leave = () => void reader.cancel().catch(() => undefined);
  // Not by way of the request alone: once that is garbage, some runtimes end its answer no more.
  signal?.addEventListener('abort', leave, { once: true });
  if (signal?.aborted) leave();
  const silence = () => {
    clearTimeout(timer);
    timer = setTimeout(leave, longestSilenceMs);
  };
  try {
    for (;;) {
      silence();
      // A connection that breaks has ended; whether it was by the caller's signal shows when it is opened again.
      const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }));
      clearTimeout(timer);
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
    clearTimeout(timer);
    signal?.removeEventListener('abort', leave);
    await reader.cancel().catch(() => undefined);
  }
}

function parseBlock(block: string): Message | null {
  const message: Message = { id: '', event: 'message', data: '' };
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const [, name, value] = /^(\w+): ?([^]*)$/.exec(line.replace(/\r$/, '')) ?? [];
    if (name === 'data') data.push(value ?? '');
    if (name === 'id') message.id = value ?? '';
    if (name === 'event') message.event = value ?? '';
  }
  return data.length > 0 || message.event === 'end' ? { ...message, data: data.join('\n') } : null;
}
