import { randomUUID } from 'node:crypto';
import fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type RawServerDefault,
} from 'fastify';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { AppError } from '../errors.ts';
import { compileWhenUsed } from './compile-when-used.ts';
import type { TrustedAddress } from './client-address.ts';
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
/**
 * A request must have arrived whole within `wholeMs`, and its headers within `headersMs` since the connection was opened: a
 * sender that drips bytes cannot hold one. Looked at every `everyMs`.
 */
const patience = { headersMs: 20_000, wholeMs: 60_000, everyMs: 5000 };
const mostConnections = 20_000;

/** An HTTP server without routes: request ids, JSON in and out, one form of error. */
export function createHttpApp(options: {
  log: FastifyBaseLogger;
  /** Whose `X-Forwarded-*` headers are believed. */
  trustProxy: TrustedAddress | false;
  /** Takes off each request what is not of its address here. */
  readPath?: (request: IncomingMessage) => void;
  /** Sees each request first: it answers it, or calls `next`. */
  shed?: (request: IncomingMessage, response: ServerResponse, next: () => void) => void;
  patience?: typeof patience;
}): HttpApp {
  const { readPath, shed } = options;
  const { headersMs, wholeMs, everyMs } = options.patience ?? patience;
  const app = fastify({
    // At `info` the program itself says where it listens, to people; Fastify's line would only repeat it.
    loggerInstance: options.log.child(
      {},
      { level: options.log.level === 'info' ? 'warn' : options.log.level },
    ),
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: options.trustProxy,
    bodyLimit: apiBodyLimitBytes,
    serverFactory: (handle) => {
      const server = createServer(
        {
          headersTimeout: headersMs,
          requestTimeout: wholeMs,
          connectionsCheckingInterval: everyMs,
          keepAliveTimeout: 72_000,
        },
        (request, response) => {
          readPath?.(request);
          if (shed) shed(request, response, () => handle(request, response));
          else handle(request, response);
        },
      );
      server.maxConnections = mostConnections;
      return server;
    },
    clientErrorHandler: answerUnreadable,
    genReqId: () => randomUUID(),
    frameworkErrors: (error, request, reply) => {
      reply.header('x-request-id', request.id);
      sendError(error, request, reply);
    },
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 200 },
  }).withTypeProvider<TypeBoxTypeProvider>();

  compileWhenUsed(app);

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

/** What is told of a request that never became one, by the code of Node's error; else it is no HTTP. */
const unreadable: Record<string, [status: string, message: string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request did not arrive in time.'],
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'The headers are too large.'],
};

/** There is no request yet to answer by the framework's means, and after this there is no connection. */
function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const [status, message] = unreadable[error.code ?? ''] ?? ['400 Bad Request', 'This is no HTTP request.'];
  const body = JSON.stringify({ message, errors: null });
  const headers = [
    `x-request-id: ${randomUUID()}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  if (socket.writable) socket.write(`HTTP/1.1 ${status}\r\n${headers.join('\r\n')}\r\n\r\n${body}`);
  socket.destroySoon();
}
