import { retryAfterSeconds } from './retry-after.ts';

export type FieldFault = { field: string; message: string };

const codes = {
  400: 'malformed',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  410: 'gone',
  413: 'too_large',
  415: 'unsupported_media_type',
  422: 'invalid',
  429: 'too_many',
  503: 'unavailable',
} as const;

/** `unreachable`: there was no answer. `internal`: the server's fault, which its log tells under the request id. */
export type ErrorCode = (typeof codes)[keyof typeof codes] | 'internal' | 'unreachable' | 'unexpected';

/** Why a call failed. `message` is the server's sentence. */
export class HooklineError extends Error {
  override readonly name = 'HooklineError';
  /** 0 when there was no answer. */
  readonly status: number;
  readonly code: ErrorCode;
  /** Names the call in the server's log; null when there was no answer. */
  readonly requestId: string | null;
  readonly faults: FieldFault[];
  /** How long to wait before the next try, when the server says so. */
  readonly retryAfterSeconds: number | null;

  constructor(
    message: string,
    options: {
      status: number;
      requestId?: string | null;
      faults?: FieldFault[];
      retryAfterSeconds?: number | null;
      cause?: unknown;
    },
  ) {
    super(message, { cause: options.cause });
    this.status = options.status;
    this.code = codeOf(options.status);
    this.requestId = options.requestId ?? null;
    this.faults = options.faults ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }

  /** The sentences of each field, as a form wants them; without the place (`body.`) that the server names. */
  get faultsByField(): Record<string, string> {
    const byField: Record<string, string> = {};
    for (const { field, message } of this.faults) {
      const name = field.replace(/^(body|querystring|params)\./, '');
      byField[name] = byField[name] ? `${byField[name]}; ${message}` : message;
    }
    return byField;
  }
}

function codeOf(status: number): ErrorCode {
  if (status === 0) return 'unreachable';
  if (status in codes) return codes[status as keyof typeof codes];
  return status >= 500 ? 'internal' : 'unexpected';
}

/** Of whatever a call threw: the body of a refusal, or what `fetch` says when nothing answers. */
export function toHooklineError(error: unknown, response?: Response, request?: Request): unknown {
  if (error instanceof HooklineError) return error;
  // Aborted by the caller, or nothing was sent: an address that is none, or a fault of the caller's own `token` or `fetch`.
  if (!request || request.signal?.aborted || isAbort(error)) return error;
  if (!response) return new HooklineError('The server cannot be reached.', { status: 0, cause: error });
  const requestId = response.headers.get('x-request-id');
  if (response.ok) return brokenAnswer(error, response.status, requestId);
  const { message, errors } = isObject(error) ? error : {};
  return new HooklineError(
    typeof message === 'string' ? message : `The server answered ${response.status}.`,
    {
      status: response.status,
      requestId,
      faults: Array.isArray(errors) ? errors.filter(isFault) : [],
      retryAfterSeconds: retryAfterSeconds(response.headers),
      cause: error,
    },
  );
}

/** The call was taken, and its answer cannot be read. */
function brokenAnswer(cause: unknown, status: number, requestId: string | null): HooklineError {
  return isObject(cause) && cause['name'] === 'SyntaxError'
    ? new HooklineError('The answer of the server is no JSON.', { status, requestId, cause })
    : new HooklineError('The answer of the server broke off.', { status: 0, requestId, cause });
}

/** By the name: it may be of another realm. */
export function isAbort(error: unknown): boolean {
  return isObject(error) && error['name'] === 'AbortError';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isFault(value: unknown): value is FieldFault {
  return isObject(value) && typeof value['field'] === 'string' && typeof value['message'] === 'string';
}
