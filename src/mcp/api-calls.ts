import { addAbortSignal, type Readable } from 'node:stream';
import type { InjectOptions } from 'fastify';
import type { HttpApp } from '../platform/http/server.ts';
import { parseExactJson } from '../platform/exact-json.ts';
import type { Permission } from '../accounts/permissions.ts';

/** In whose name calls are made: whoever sent the message, by the same token and from the same address. */
export type Caller = {
  authorization: string;
  ipAddress: string;
  userAgent: string | undefined;
  isPerson: boolean;
  /** What it may do in any place at all. */
  permissions: ReadonlySet<Permission>;
};

export type ApiAnswer = {
  status: number;
  isOk: boolean;
  header(name: string): string | null;
  /** As it came; `json` reads it. */
  text: string;
};

type ApiCall = {
  method: string;
  /** Below `/api`. */
  path: string;
  query?: Record<string, unknown>;
  body?: unknown;
  headers?: Record<string, string>;
  /** As somebody without a token, such as the sender of a webhook. */
  isAnonymous?: boolean;
  /** Takes a long text as it comes, instead of `text`; not that of a refusal. */
  onText?: (text: string) => void;
};

export type CallApi = (call: ApiCall) => Promise<ApiAnswer>;

/**
 * Calls the API as a request from outside would: the same routes, checks, limits and records. There is no other way from
 * here to what Hookline knows.
 */
export function apiCalls(app: HttpApp, caller: Caller, signal: AbortSignal): CallApi {
  return async ({ method, path, query = {}, body, headers, isAnonymous = false, onText }) => {
    signal.throwIfAborted();
    const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
    const request: InjectOptions = {
      // Safe: the method of a route that is registered.
      method: method as 'GET',
      url: `/api${path}`,
      query: Object.fromEntries(given.map(([name, value]) => [name, String(value)])),
      headers: {
        ...(caller.userAgent === undefined ? {} : { 'user-agent': caller.userAgent }),
        ...(isAnonymous ? {} : { authorization: caller.authorization }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      remoteAddress: caller.ipAddress,
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    };
    if (onText) {
      const response = await app.inject({ ...request, payloadAsStream: true });
      const isOk = response.statusCode < 300;
      return answerOf(response, await readText(response.stream(), { signal, onText: isOk ? onText : null }));
    }
    const response = await app.inject(request);
    return answerOf(response, response.body);
  };
}

function answerOf({ statusCode, headers }: Response, text: string): ApiAnswer {
  return {
    status: statusCode,
    isOk: statusCode < 300,
    header: (name) => (headers[name] === undefined ? null : String(headers[name])),
    text,
  };
}

type Response = Awaited<ReturnType<HttpApp['inject']>>;

async function readText(
  stream: Readable,
  { signal, onText }: { signal: AbortSignal; onText: ((text: string) => void) | null },
): Promise<string> {
  let text = '';
  for await (const chunk of addAbortSignal(signal, stream.setEncoding('utf8'))) {
    if (onText) onText(String(chunk));
    else text += String(chunk);
  }
  return text;
}

/** The JSON of an answer; null for one without. */
export function jsonOf({ text }: ApiAnswer): unknown {
  return text === '' ? null : parseExactJson(text);
}
