import type { FastifyReply, FastifyRequest } from 'fastify';
import { grantsIn, principalOf } from '../accounts/access.ts';
import { permissionsAnywhere } from '../accounts/grants.ts';
import type { ApiRoute } from '../openapi/collect-routes.ts';
import type { Clock } from '../platform/clock.ts';
import { AppError, errorStatus } from '../platform/errors.ts';
import { setError } from '../platform/http/send-error.ts';
import type { HttpApp } from '../platform/http/server.ts';
import type { Caller } from './api-calls.ts';
import type { McpContext } from './serve.ts';

type Handler = ReturnType<typeof import('./serve.ts').createMcp>;

/**
 * `/mcp`: the API as tools for assistants, by the Model Context Protocol over HTTP. What it needs is loaded by the first
 * request, so that nobody else waits for it.
 */
export function mcpRoute(
  app: HttpApp,
  context: { routes: ApiRoute[]; clock: Clock; version: string; publicUrl: () => string },
): void {
  const { routes, clock, version, publicUrl } = context;
  const stopping = new AbortController();
  let handler: Promise<Handler> | null = null;
  const load = async (): Promise<Handler> => {
    const { createMcp } = await import('./serve.ts');
    const onFault: McpContext['onFault'] = (error) => app.log.debug({ err: error }, 'mcp');
    return createMcp({ app, routes, clock, version, stopping: stopping.signal, onFault });
  };
  app.addHook('preClose', async () => {
    stopping.abort();
    await (await handler)?.close();
  });
  app.register(async (own: HttpApp) => {
    own.setErrorHandler(sendRpcError);
    own.route({
      method: ['GET', 'POST', 'DELETE'],
      url: '/mcp',
      config: { access: 'caller' },
      onRequest: async (request, reply) => {
        mustBeOwnOrigin(request.headers.origin, publicUrl());
        // A cookie is what a page sends without being asked; here it counts for nothing.
        if (request.headers.authorization === undefined)
          throw new AppError('unauthenticated', 'Send a token: "Authorization: Bearer <token>".');
        if (request.method === 'POST') return;
        reply.header('allow', 'POST');
        return await reply
          .status(405)
          .send(rpcError('This is the address of the Model Context Protocol: send its messages with POST.'));
      },
      handler: async (request, reply) => {
        if (Array.isArray(request.body))
          throw new AppError('bad_request', 'Batches of messages are not taken: send each by itself.');
        handler ??= load();
        const { fetch } = await handler;
        const response = await fetch(asWebRequest(request, reply), {
          parsedBody: request.body,
          authInfo: authInfoOf(request),
        });
        return reply.send(response);
      },
    });
  });
}

/** Pages of other origins may not speak to it in the name of whoever looks at them, also under a name that leads here. */
function mustBeOwnOrigin(origin: string | undefined, publicUrl: string): void {
  if (origin === undefined) return;
  const given = URL.parse(origin);
  if (given && given.origin === new URL(publicUrl).origin) return;
  if (
    given &&
    /^https?:$/.test(given.protocol) &&
    ['localhost', '127.0.0.1', '[::1]'].includes(given.hostname)
  )
    return;
  throw new AppError('forbidden', 'Pages of other origins may not call this address.');
}

function authInfoOf(request: FastifyRequest) {
  const { via, tokenId } = principalOf(request);
  const { authorization = '' } = request.headers;
  const caller: Caller = {
    authorization,
    ipAddress: request.ip,
    isPerson: via !== 'project_api_token',
    permissions: permissionsAnywhere(grantsIn(request)),
    userAgent: request.headers['user-agent'],
  };
  return { token: '', clientId: `${via} ${tokenId}`, scopes: [], extra: { caller } };
}

/** The request without its body, which is read already. Whoever goes away ends what was done for it. */
function asWebRequest({ url, method, headers }: FastifyRequest, reply: FastifyReply): Request {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  const given = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined || name === 'authorization' ? [] : [[name, String(value)] as [string, string]],
  );
  return new Request(new URL(url, 'http://host'), { method, headers: given, signal: gone.signal });
}

/** The codes that JSON-RPC itself gives a meaning; all others are the server's. */
const rpcCodes: Record<number, number> = { 400: -32700, 500: -32603 };

/** As any fault, in the form that clients of the protocol read. */
async function sendRpcError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { code, message } = setError(error, request, reply);
  return await reply.send(rpcError(message, rpcCodes[errorStatus[code]]));
}

function rpcError(message: string, code = -32000): object {
  return { jsonrpc: '2.0', id: null, error: { code, message } };
}
