/** Every way in which a request can be refused, with its HTTP status. The only list of error codes. */
export const errorStatus = {
  bad_request: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  timed_out: 408,
  conflict: 409,
  too_large: 413,
  unsupported_media_type: 415,
  invalid: 422,
  too_many: 429,
  internal: 500,
  unavailable: 503,
} as const;

export type ErrorCode = keyof typeof errorStatus;

/** One fault of one field; `field` is a dotted path such as `settings.variables.0.type`. */
export type FieldError = { field: string; message: string };

/**
 * The one error that verbs throw on purpose. Its message is shown to the caller, so it says what to do and
 * holds nothing secret; anything else that is thrown becomes a 500 without details.
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly fields: FieldError[] | null;
  /** Seconds, for the `Retry-After` header. */
  readonly retryAfterSeconds: number | null;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; fields?: FieldError[]; retryAfterSeconds?: number } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.fields = options.fields ?? null;
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }
}

/** A 422 that names every fault at once. */
export function invalid(fields: FieldError[], message = 'The given data was invalid.'): AppError {
  return new AppError('invalid', message, { fields });
}

export function notFound(what: string): AppError {
  return new AppError('not_found', `${what} was not found.`);
}
