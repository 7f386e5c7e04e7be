import { client as defaultClient } from './generated/client.gen.ts';
import { createClient, createConfig, type Client } from './generated/client/index.ts';
import { HooklineError, toHooklineError } from './error.ts';
import { fetchWithRetries } from './retry.ts';

export type { Client };

export type HooklineOptions = {
  /** Where the API is, such as `https://hooks.example.com/api`. */
  baseUrl: string;
  /** Sent as Bearer; a function is asked before each call. */
  token?: string | (() => string | undefined | Promise<string | undefined>);
  /** Used in place of the global one. */
  fetch?: typeof fetch;
  /** Sent with every call. */
  headers?: Record<string, string>;
  /**
   * How often a call that failed for a passing reason is made again, by itself; 2 when left out, 0 for never. Reading is
   * repeated after a lost connection, 408, 429, 500, 502, 503 and 504; PUT and DELETE only after a 429 or 503 that says
   * when to come back; POST never.
   */
  retries?: number;
  /** Ends all calls that are under way or waiting to be repeated, and every later one. Each call takes one of its own, too. */
  signal?: AbortSignal;
};

/**
 * A client for the operations, given to each as `{ client }`. Every call answers the body, and throws a HooklineError
 * when the server refuses it or cannot be reached. A call that is aborted by its `signal` throws the signal's reason.
 */
export function createHooklineClient(options: HooklineOptions): Client {
  return configure(createClient(createConfig({ throwOnError: true })), options);
}

/** Sets up the client of those calls that name none. For a program with one server; call it once. */
export function configureHookline(options: HooklineOptions): Client {
  return configure(defaultClient, options);
}

function configure(
  client: Client,
  { baseUrl, token, fetch: ownFetch, headers, retries = 2, signal }: HooklineOptions,
): Client {
  const auth = typeof token === 'function' ? async () => token() : token;
  // The global one is looked up at each call: it may be replaced later, and some must be called as a method of nothing.
  const fetchOnce: typeof fetch = (input, init) => (ownFetch ?? globalThis.fetch)(input, init);
  client.setConfig({ baseUrl, auth, headers, fetch: fetchWithRetries(fetchOnce, { retries, signal }) });
  client.interceptors.response.clear();
  client.interceptors.response.use(mustBeTheApi);
  client.interceptors.error.clear();
  client.interceptors.error.use((error, response, request) =>
    signal?.aborted ? error : toHooklineError(error, response, request),
  );
  return client;
}

/** The API answers no pages, but what stands around it does: the dashboard, the sign-in of a proxy. */
function mustBeTheApi(response: Response): Response {
  if (!response.ok || !(response.headers.get('content-type') ?? '').startsWith('text/html')) return response;
  const { origin, pathname } = new URL(response.url || 'http://unknown');
  const message = `At ${origin}${pathname} is a web page, not the API. The baseUrl ends in /api, as in https://hooks.example.com/api.`;
  throw new HooklineError(message, { status: response.status });
}
