import { randomUUID } from 'node:crypto';
import { Ajv } from 'ajv';
import fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type RawServerDefault,
} from 'fastify';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { AppError } from '../errors.ts';
import type { TrustedAddress } from './client-address.ts';
import { describedFormats } from './schemas.ts';
import { sendError } from './send-error.ts';
import { parseJsonBody } from './parse-json-body.ts';

export type HttpApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** A JSON body of the API itself; hooks' own limit is `HOOKLINE_MAX_BODY_BYTES`. */
const apiBodyLimitBytes = 1024 * 1024;
/** A request must have arrived whole within this time: a sender that drips bytes cannot hold a connection. */
const requestTimeoutMs = 60_000;

/** An HTTP server without routes: request ids, JSON in and out, one form of error. */
export function createHttpApp(options: {
  log: FastifyBaseLogger;
  /** Whose `X-Forwarded-*` headers are believed. */
  trustProxy: TrustedAddress | false;
  /** Sees each request first: it answers it, or calls `next`. */
  shed?: (request: IncomingMessage, response: ServerResponse, next: () => void) => void;
}): HttpApp {
  const { shed } = options;
  const app = fastify({
    // At `info` the program itself says where it listens, to people; Fastify's line would only repeat it.
    loggerInstance: options.log.child(
      {},
      { level: options.log.level === 'info' ? 'warn' : options.log.level },
    ),
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: options.trustProxy,
    bodyLimit: apiBodyLimitBytes,
    serverFactory: (handle) =>
      createServer({ requestTimeout: requestTimeoutMs, keepAliveTimeout: 72_000 }, (request, response) => {
        if (shed) shed(request, response, () => handle(request, response));
        else handle(request, response);
      }),
    genReqId: () => randomUUID(),
    frameworkErrors: (error, request, reply) => {
      reply.header('x-request-id', request.id);
      sendError(error, request, reply);
    },
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 200 },
  }).withTypeProvider<TypeBoxTypeProvider>();

  // A body says its types itself; in an address everything is text, so what looks like a number is read as one.
  const bodies = new Ajv({ allErrors: true, formats: describedFormats });
  const addresses = new Ajv({ allErrors: true, coerceTypes: true, formats: describedFormats });
  app.setValidatorCompiler(({ schema, httpPart }) =>
    (httpPart === 'body' ? bodies : addresses).compile(schema as object),
  );

  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    // As in a body: NUL can be looked for in one of the two databases only.
    if (request.url.includes('%00'))
      throw new AppError('bad_request', 'The address must not hold a NUL character.');
  });
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) => {
    try {
      done(null, parseJsonBody(text.toString()));
    } catch (error) {
      done(error as Error);
    }
  });
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply));
  return app;
}
