import { client as defaultClient } from './generated/client.gen.ts';
import { createClient, createConfig, type Client } from './generated/client/index.ts';
import { toHooklineError } from './error.ts';

export type { Client };

export type HooklineOptions = {
  /** Where the API is, such as `https://hooks.example.com/api`. */
  baseUrl: string;
  /** Sent as Bearer; a function is asked before each call. */
  token?: string | (() => string | undefined | Promise<string | undefined>);
  fetch?: typeof fetch;
  /** Sent with every call. */
  headers?: Record<string, string>;
};

/**
 * A client for the operations, given to each as `{ client }`. Every call answers the body, and throws a HooklineError
 * when the server refuses it or cannot be reached.
 */
export function createHooklineClient(options: HooklineOptions): Client {
  return configure(createClient(createConfig({ throwOnError: true })), options);
}

/** Sets up the client of those calls that name none. For a program with one server; call it once. */
export function configureHookline(options: HooklineOptions): Client {
  return configure(defaultClient, options);
}

function configure(client: Client, { baseUrl, token, fetch, headers }: HooklineOptions): Client {
  const auth = typeof token === 'function' ? async () => token() : token;
  client.setConfig({ baseUrl, auth, headers, ...(fetch ? { fetch } : {}) });
  client.interceptors.error.clear();
  client.interceptors.error.use((error, response) => toHooklineError(error, response));
  return client;
}
