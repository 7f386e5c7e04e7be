import { isAbort } from './error.ts';
import { retryAfterSeconds } from './retry-after.ts';
import { sleep } from './sleep.ts';

/** Before the first repeat; doubled before each further one. */
const firstWaitMs = 300;
const longestWaitMs = 5000;
/** A server that wants to be left alone for longer is told of at once, and when to come back is the caller's business. */
const longestRetryAfterMs = 30_000;

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Made twice they leave what they leave made once. A POST is never repeated: the API has no key to know it again by. */
const idempotentMethods = new Set([...safeMethods, 'PUT', 'DELETE']);
const passingStatuses = new Set([408, 429, 500, 502, 503, 504]);
/** With a `Retry-After` they say that nothing was done. */
const refusals = new Set([429, 503]);

/**
 * As `fetch`, but repeats up to `retries` times what failed and may be repeated: reading whenever it may succeed the next
 * time, PUT and DELETE only when the server says that it did nothing and when to come back. Streams are left to `follow`.
 */
export function fetchWithRetries(
  fetchOnce: typeof fetch,
  { retries, signal }: { retries: number; signal?: AbortSignal },
): typeof fetch {
  return async (input, init) => {
    const asked = input instanceof Request && !init ? input : new Request(input, init);
    const request = signal ? new Request(asked, { signal: AbortSignal.any([asked.signal, signal]) }) : asked;
    const isToRepeat = retries > 0 && isRepeatable(request);
    // A request's body can be sent once. Not by `clone`, whose signal Node forgets at the next chance.
    const body = isToRepeat && !safeMethods.has(request.method) ? await request.arrayBuffer() : null;
    const held = [asked, request];
    for (let failures = 0; ; failures++) {
      const mayRepeat = isToRepeat && failures < retries;
      const sent = body?.byteLength ? new Request(request, { method: request.method, body }) : request;
      held.push(sent);
      const outcome = await attempt(fetchOnce, sent, mayRepeat);
      const waitMs =
        mayRepeat && !request.signal.aborted ? waitAfter(request.method, outcome, failures) : null;
      if (waitMs === null) {
        if (!outcome.response) throw outcome.error;
        if (outcome.response.body) heldWhileRead.set(outcome.response.body, held);
        return outcome.response;
      }
      await outcome.response?.body?.cancel().catch(() => undefined);
      await sleep(waitMs, request.signal);
      request.signal.throwIfAborted();
    }
  };
}

/** Node forgets the signal of a request that is garbage, though its answer is still waited for, or read. */
const heldWhileRead = new WeakMap<ReadableStream, Request[]>();

type Outcome = { response: Response; error?: undefined } | { response?: undefined; error: unknown };

async function attempt(fetchOnce: typeof fetch, request: Request, mayRepeat: boolean): Promise<Outcome> {
  try {
    const response = await fetchOnce(request);
    // An answer that breaks off has failed too. It is read to its end in a copy, whose original the caller reads.
    if (mayRepeat && response.ok && isJson(response)) await response.clone().arrayBuffer();
    return { response };
  } catch (error) {
    return { error };
  }
}

/** Null when it is not to be made again. */
function waitAfter(method: string, { response, error }: Outcome, failures: number): number | null {
  if (isAbort(error)) return null;
  const askedSeconds = response ? retryAfterSeconds(response.headers) : null;
  const isSafe = safeMethods.has(method);
  const mayPass = response
    ? isSafe
      ? passingStatuses.has(response.status)
      : refusals.has(response.status) && askedSeconds !== null
    : isSafe;
  if (!mayPass) return null;
  // Spread, so that those who were refused together do not come back together; never earlier than asked.
  const waitMs = Math.min(firstWaitMs * 2 ** failures, longestWaitMs) * (0.5 + Math.random() / 2);
  if (askedSeconds === null) return waitMs;
  return askedSeconds * 1000 > longestRetryAfterMs ? null : askedSeconds * 1000 + waitMs;
}

function isRepeatable({ method, headers }: Request): boolean {
  return idempotentMethods.has(method) && !(headers.get('accept') ?? '').startsWith('text/event-stream');
}

function isJson({ headers }: Response): boolean {
  return (headers.get('content-type') ?? '').startsWith('application/json');
}
