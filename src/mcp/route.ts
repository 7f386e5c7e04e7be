import type { FastifyReply, FastifyRequest } from 'fastify';
import { grantsIn, principalOf, tokenOf } from '../accounts/access.ts';
import { permissionsAnywhere } from '../accounts/grants.ts';
import type { ApiRoute } from '../openapi/collect-routes.ts';
import type { Clock } from '../platform/clock.ts';
import { AppError } from '../platform/errors.ts';
import { setError } from '../platform/http/send-error.ts';
import type { HttpApp } from '../platform/http/server.ts';
import type { Caller } from './api-calls.ts';
import { readView } from './offered-tools.ts';
import type { Mcp } from './serve.ts';

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
  let loaded: Promise<Mcp> | null = null;
  const load = async (): Promise<Mcp> => {
    const { createMcp } = await import('./serve.ts');
    return createMcp({
      app,
      routes,
      clock,
      version,
      stopping: stopping.signal,
      onFault: (error) => app.log.debug({ err: error }, 'a message to /mcp was refused'),
      onError: (error) => app.log.error({ err: error }, 'a message to /mcp has failed'),
    });
  };
  app.addHook('preClose', async () => {
    stopping.abort();
    await (await loaded)?.close();
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
        loaded ??= load();
        const { fetch, toolsets } = await loaded;
        mustBeKnown(readView(new URL(request.url, 'http://host').href).toolsets ?? [], toolsets);
        const response = await fetch(asWebRequest(request, reply), {
          parsedBody: request.body,
          authInfo: authInfoOf(request),
        });
        // Progress is to arrive while it is news, behind a proxy too.
        reply.header('cache-control', 'no-store').header('x-accel-buffering', 'no');
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

function mustBeKnown(asked: string[], toolsets: ReadonlySet<string>): void {
  const unknown = asked.find((name) => !toolsets.has(name));
  if (unknown === undefined) return;
  const known = [...toolsets].join(', ');
  throw new AppError('bad_request', `There is no toolset "${unknown.slice(0, 60)}". There are ${known}.`);
}

function authInfoOf(request: FastifyRequest) {
  const { via } = principalOf(request);
  const { authorization = '' } = request.headers;
  const caller: Caller = {
    authorization,
    ipAddress: request.ip,
    isPerson: via !== 'project_api_token',
    permissions: permissionsAnywhere(grantsIn(request)),
    userAgent: request.headers['user-agent'],
  };
  return { token: '', clientId: tokenOf(request), scopes: [], extra: { caller } };
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

/** As any fault, in the form that clients of the protocol read. */
async function sendRpcError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const known = setError(error, request, reply);
  return await reply.send(rpcError(known.message, rpcCodeOf(known)));
}

/** JSON-RPC itself gives a meaning to some; all others are the server's. */
function rpcCodeOf({ code, cause }: AppError): number | undefined {
  if (code === 'internal') return -32603;
  if (code !== 'bad_request') return undefined;
  return cause instanceof SyntaxError ? -32700 : -32600;
}

function rpcError(message: string, code = -32000): object {
  return { jsonrpc: '2.0', id: null, error: { code, message } };
}
