import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { isReferenceViolation } from '../database/errors.ts';
import { AppError, errorStatus, type ErrorCode, type FieldError } from '../errors.ts';

/** The one mapping of errors to HTTP answers: `{message, errors}`, and nothing of our insides. */
export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { message, fields } = setError(error, request, reply);
  return reply.send({ message, errors: fields });
}

/** The same without a body, for an address whose clients read another form of it. Returns what may be told. */
export function setError(error: unknown, request: FastifyRequest, reply: FastifyReply): AppError {
  const known = knownError(error);
  const status = errorStatus[known.code];
  if (status >= 500 && isWorthLogging(known)) {
    request.log.error({
      err: error,
      requestId: request.id,
      method: request.method,
      path: request.routeOptions.url,
    });
  }
  if (known.retryAfterSeconds !== null) reply.header('retry-after', String(known.retryAfterSeconds));
  if (known.code === 'unauthenticated') reply.header('www-authenticate', 'Bearer');
  reply.status(status);
  return known;
}

/** While something is overloaded or away, each request fails alike: one of them a second is told, not all. */
function isWorthLogging({ code, message }: AppError): boolean {
  if (code !== 'unavailable') return true;
  const now = performance.now();
  if (now - (toldAt.get(message) ?? Number.NEGATIVE_INFINITY) < 1000) return false;
  toldAt.set(message, now);
  return true;
}

/** By the message, of which there are few. */
const toldAt = new Map<string, number>();

/** What is told of an error: itself if it was thrown on purpose, else what the framework means, else nothing. */
export function knownError(error: unknown): AppError {
  return error instanceof AppError ? error : fromFramework(error);
}

const frameworkCodes: Record<string, [ErrorCode, string]> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['too_large', 'The request body is too large.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'Send the body as application/json.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['bad_request', 'The body is not as long as Content-Length says.'],
  FST_ERR_BAD_URL: ['bad_request', 'The address cannot be read.'],
};

function fromFramework(error: unknown): AppError {
  if (isReferenceViolation(error)) {
    const message =
      'Something that this names was deleted, or came into use, at this very moment. Try again.';
    return new AppError('conflict', message, { cause: error });
  }
  if (isFastifyError(error)) {
    if (error.validation) {
      const fields = deepest(error.validation).map((fault) => toFieldError(fault, error.validationContext));
      return new AppError('invalid', 'The given data was invalid.', { fields: distinct(fields) });
    }
    const known = frameworkCodes[error.code];
    if (known) return new AppError(known[0], known[1], { cause: error });
    if (error.statusCode && error.statusCode >= 400 && error.statusCode < 500)
      return new AppError('bad_request', 'The request cannot be read.', { cause: error });
  }
  return new AppError(
    'internal',
    'Something went wrong on our side. The request id names the details in the log.',
    {
      cause: error,
    },
  );
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && 'code' in error;
}

type Fault = NonNullable<FastifyError['validation']>[number];

/** Of "this or null" both are reported to fail; where the fault lies deeper, the alternatives above it say nothing. */
function deepest(faults: Fault[]): Fault[] {
  const isAlternative = ({ keyword, params }: Fault) =>
    keyword === 'anyOf' || (keyword === 'type' && params['type'] === 'null');
  return faults.filter(
    (fault) =>
      !isAlternative(fault) ||
      !faults.some(
        (other) =>
          other.instancePath.startsWith(`${fault.instancePath}/`) ||
          (other.instancePath === fault.instancePath && !isAlternative(other)),
      ),
  );
}

function toFieldError(fault: Fault, context: string | undefined): FieldError {
  const path = fault.instancePath.split('/').slice(1);
  if (fault.keyword === 'required') path.push(String(fault.params['missingProperty']));
  const field = path.join('.');
  const where = context === 'body' || !context ? field : `${context}.${field}`;
  if (!where && fault.keyword === 'type') return { field: 'body', message: 'must be a JSON object' };
  return { field: where || 'body', message: explain(fault) };
}

function explain({ keyword, params, message }: Fault): string {
  switch (keyword) {
    case 'required':
      return 'is required';
    case 'enum':
      return `must be one of ${(params['allowedValues'] as unknown[]).join(', ')}`;
    case 'const':
      return `must be ${JSON.stringify(params['allowedValue'])}`;
    case 'type':
      return `must be of type ${[params['type']].flat().join(' or ')}`;
    default:
      return message ?? 'is not valid';
  }
}

/** `anyOf` reports each branch that failed; one line per field and message is enough. */
function distinct(fields: FieldError[]): FieldError[] {
  const seen = new Set<string>();
  return fields.filter(({ field, message }) => {
    const key = `${field} ${message}`;
    return seen.has(key) ? false : (seen.add(key), true);
  });
}
