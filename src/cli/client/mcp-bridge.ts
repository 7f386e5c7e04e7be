import { setTimeout as delay } from 'node:timers/promises';

type Message = {
  id?: string | number | null;
  method?: string;
  params?: Record<string, unknown> & { _meta?: Record<string, unknown> };
};

type Bridge = {
  /** Of the server's `/mcp`. */
  url: string;
  token: string;
  /** What the assistant sends, a message a line. */
  lines: AsyncIterable<string>;
  write: (line: string) => void;
  /** For people, beside the protocol. */
  note: (text: string) => void;
  signal: AbortSignal;
  /** How long a server that is away is waited for, e.g. while it restarts. */
  patienceMs?: number;
};

const mostLineCharacters = 4 * 1024 * 1024;

/**
 * Passes the messages of an assistant on to a server and its answers back, until there are no more. Each request gets an
 * answer: a fault of the way is one, too. Nothing is kept between two messages but the revision that was agreed on, so a
 * server may restart meanwhile.
 */
export async function bridge(options: Bridge): Promise<void> {
  const { lines, write, note, signal } = options;
  const state: State = { protocolVersion: null, isAway: false, isRefused: false };
  const running = new Map<string | number, AbortController>();
  const underWay = new Set<Promise<void>>();
  const ended = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => ended.resolve(), { once: true });

  const take = (line: string): void => {
    if (line.trim() === '') return;
    const message = line.length > mostLineCharacters ? null : parse(line);
    if (!message) {
      write(fault(null, -32700, 'This line is no message of JSON-RPC.'));
      return;
    }
    const { id, method, params } = message;
    if (method === 'notifications/cancelled') {
      // Whoever goes away ends what the server does; nothing else has to be told.
      running.get(params?.['requestId'] as string | number)?.abort();
      return;
    }
    const controller = new AbortController();
    const isRequest = method !== undefined && id !== undefined && id !== null;
    if (isRequest) running.set(id, controller);
    const call = pass(message, line, options, state, AbortSignal.any([signal, controller.signal]))
      .catch((error: unknown) => {
        if (controller.signal.aborted || signal.aborted || !isRequest) return;
        write(fault(id, -32000, sentenceOf(error)));
      })
      .finally(() => {
        if (isRequest) running.delete(id);
        underWay.delete(call);
      });
    underWay.add(call);
  };
  note(`speaks for ${options.url}`);
  const reading = (async () => {
    for await (const line of lines) take(line);
  })();
  await Promise.race([reading, ended.promise]);
  await Promise.all(underWay);
}

type State = {
  /** As agreed on by `initialize`; later messages name it. */
  protocolVersion: string | null;
  isAway: boolean;
  isRefused: boolean;
};

function parse(line: string): Message | null {
  try {
    const value: unknown = JSON.parse(line);
    // Safe: every part is looked at before it is used.
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Message) : null;
  } catch {
    return null;
  }
}

async function pass(
  message: Message,
  line: string,
  options: Bridge,
  state: State,
  signal: AbortSignal,
): Promise<void> {
  const response = await send(message, line, options, state, signal);
  const isRequest = message.method !== undefined && message.id !== undefined && message.id !== null;
  const answer = (text: string) => {
    const shown = ofRequest(text, message);
    if (message.method === 'initialize')
      state.protocolVersion = agreedVersion(shown) ?? state.protocolVersion;
    if (isRequest) options.write(shown);
  };
  if (response.status === 401) {
    if (!state.isRefused) options.note('the server refuses the token. Get a new one with: hookline login');
    state.isRefused = true;
  } else state.isRefused = false;
  const type = response.headers.get('content-type') ?? '';
  if (type.startsWith('text/event-stream') && response.body) {
    for await (const data of eventsOf(response.body)) answer(data);
    return;
  }
  const text = await response.text();
  if (text !== '' && isJson(text)) answer(text.replaceAll('\n', ' '));
  else if (isRequest && response.status >= 300)
    answer(fault(null, -32000, `The server has answered ${response.status} at ${options.url}.`));
}

/** What could not be reached was not begun, and is sent again until patience ends. */
async function send(
  message: Message,
  line: string,
  { url, token, note, patienceMs = 15_000 }: Bridge,
  state: State,
  signal: AbortSignal,
): Promise<Response> {
  const begin = performance.now();
  for (let waitMs = 200; ; waitMs = Math.min(waitMs * 2, 2000)) {
    try {
      const headers = headersOf(message, token, state);
      const response = await fetch(url, { method: 'POST', headers, body: line, signal, redirect: 'error' });
      if (state.isAway) note('the server is there again');
      state.isAway = false;
      return response;
    } catch (error) {
      if (signal.aborted) throw error;
      if (!state.isAway) note(sentenceOf(error));
      state.isAway = true;
      if (!wasNotReached(error) || performance.now() - begin > patienceMs) throw error;
      await delay(waitMs, undefined, { signal });
    }
  }
}

const envelopeVersion = 'io.modelcontextprotocol/protocolVersion';
/** Whose name the header repeats. */
const named: Record<string, string> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};

/** Over HTTP a message names its revision, and one of 2026 itself, in headers too. */
function headersOf({ method, params }: Message, token: string, state: State): Record<string, string> {
  const claimed = params?._meta?.[envelopeVersion];
  const version = typeof claimed === 'string' ? claimed : state.protocolVersion;
  const name = method === undefined ? undefined : params?.[named[method] ?? ''];
  return {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    authorization: `Bearer ${token}`,
    'user-agent': 'hookline-mcp',
    ...(version === null || method === 'initialize' ? {} : { 'mcp-protocol-version': version }),
    ...(typeof claimed === 'string' && method !== undefined ? { 'mcp-method': headerText(method) } : {}),
    ...(typeof claimed === 'string' && typeof name === 'string' ? { 'mcp-name': headerText(name) } : {}),
  };
}

/** What no header can hold goes as base64, in the form that the protocol says. */
function headerText(text: string): string {
  if (/^[\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !/^=\?base64\?.*\?=$/.test(text)) return text;
  return `=?base64?${Buffer.from(text).toString('base64')}?=`;
}

/** The data of each event of a stream. */
async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const events = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n\r?\n/);
    rest = events.pop() ?? '';
    for (const event of events) {
      const data = event
        .split(/\r?\n/)
        .filter((row) => row.startsWith('data:'))
        .map((row) => row.slice(5).trim())
        .join('');
      if (data !== '') yield data;
    }
  }
}

/** A refusal that came before the message was read has no id; the assistant waits for that of its request. */
function ofRequest(text: string, { id }: Message): string {
  const answer = parse(text);
  if (!answer || answer.id !== null || id === undefined) return text;
  return JSON.stringify({ ...answer, id });
}

function agreedVersion(text: string): string | null {
  const { result } = (parse(text) ?? {}) as { result?: { protocolVersion?: unknown } };
  return typeof result?.protocolVersion === 'string' ? result.protocolVersion : null;
}

function isJson(text: string): boolean {
  return parse(text) !== null;
}

function fault(id: string | number | null, code: number, message: string): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } });
}

function codeOf(error: unknown): string | undefined {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const first = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause;
  return first instanceof Error && 'code' in first ? String(first.code) : undefined;
}

function wasNotReached(error: unknown): boolean {
  return ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN'].includes(codeOf(error) ?? '');
}

function sentenceOf(error: unknown): string {
  return `the server cannot be reached (${codeOf(error) ?? (error instanceof Error ? error.message : String(error))}).`;
}
