import { setTimeout as delay } from 'node:timers/promises';

export type ApiAnswer<T> = {
  status: number;
  headers: Headers;
  /** Parsed when the answer is JSON, else its text; undefined when empty. */
  body: T;
};

export type ApiClient = {
  token: string | undefined;
  /** Sends one request and gives back whatever came, errors too. `path` starts with `/` and stands below
   * `/api`. A string or bytes as `body` go out as they are, anything else as JSON. */
  request<T = unknown>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<ApiAnswer<T>>;
  /** These four give the body of a 2xx answer and throw on any other, naming status and body. */
  get<T = unknown>(path: string): Promise<T>;
  post<T = unknown>(path: string, body?: unknown): Promise<T>;
  put<T = unknown>(path: string, body?: unknown): Promise<T>;
  delete<T = unknown>(path: string, body?: unknown): Promise<T>;
};

/** A client of the API at `baseUrl` (`http://host:port`), sending `token` as Bearer when given. */
export function createApiClient(baseUrl: string, token?: string): ApiClient {
  async function request<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ApiAnswer<T>> {
    const response = await fetch(`${baseUrl}/api${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: encode(body),
    });
    // The one cast: a test says what it expects, and its assertions are the check.
    const answer = (await decode(response)) as T;
    return { status: response.status, headers: response.headers, body: answer };
  }
  const expectSuccess =
    (method: string) =>
    async <T>(path: string, body?: unknown): Promise<T> => {
      const answer = await request<T>(method, path, body);
      if (answer.status >= 200 && answer.status < 300) return answer.body;
      const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
      throw new Error(`${method} /api${path} answered ${answer.status}: ${text}`);
    };
  return {
    token,
    request,
    get: expectSuccess('GET'),
    post: expectSuccess('POST'),
    put: expectSuccess('PUT'),
    delete: expectSuccess('DELETE'),
  };
}

export type LoginTokens = {
  token_type: string;
  /** Seconds. */
  expires_in: number;
  access_token: string;
  refresh_token: string;
};

/** POST /api/users/login. Throws on any answer but a 2xx. */
export function login(baseUrl: string, email: string, password: string): Promise<LoginTokens> {
  return createApiClient(baseUrl).post<LoginTokens>('/users/login', { email, password });
}

/**
 * Asks `probe`, the second time after `firstMs`, until it gives something other than undefined or false, and returns that.
 * Throws naming `what` after `timeoutMs`, also when a probe never answers; a probe's own error passes
 * through at once.
 */
export async function until<T>(
  probe: () => Promise<T | undefined | false>,
  what: string,
  timeoutMs = 120_000,
  firstMs = 15,
): Promise<T> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    timeout.reject(new Error(`waited ${timeoutMs} ms in vain for ${what}`));
  }, timeoutMs);
  try {
    // What takes long is asked for less often: a probe takes time from what it waits for.
    for (let everyMs = firstMs; ; everyMs = Math.max(everyMs, Math.min(everyMs * 1.15, 60))) {
      const found = await Promise.race([probe(), timeout.promise]);
      if (found !== undefined && found !== false) return found;
      await Promise.race([delay(everyMs), timeout.promise]);
    }
  } finally {
    clearTimeout(timer);
  }
}

function encode(body: unknown): string | Uint8Array<ArrayBuffer> | undefined {
  if (body === undefined || typeof body === 'string') return body;
  if (body instanceof Uint8Array) return new Uint8Array(body);
  return JSON.stringify(body);
}

async function decode(response: Response): Promise<unknown> {
  const text = await response.text();
  if (text === '') return undefined;
  const isJson = /^application\/([\w.-]+\+)?json\b/.test(response.headers.get('content-type') ?? '');
  return isJson ? JSON.parse(text) : text;
}
