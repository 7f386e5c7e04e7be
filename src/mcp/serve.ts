import {
  createMcpHandler,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type McpHttpHandler,
  type ServerContext,
  type Tool as WireTool,
} from '@modelcontextprotocol/server';
import type { ApiRoute } from '../openapi/collect-routes.ts';
import type { Clock } from '../platform/clock.ts';
import type { HttpApp } from '../platform/http/server.ts';
import { allTools } from './all-tools.ts';
import { apiCalls, type Caller } from './api-calls.ts';
import { instructions } from './instructions.ts';
import { readView, whyNotOffered, type View } from './offered-tools.ts';
import { prompts, readPrompt } from './prompts.ts';
import { listResources, readResource, resourceTemplates, suggest } from './resources.ts';
import { asResult } from './tool-answer.ts';
import type { Tool, ToolContext } from './tools.ts';

export type McpContext = {
  /** Whose routes the tools call. */
  app: HttpApp;
  routes: ApiRoute[];
  clock: Clock;
  version: string;
  /** Aborts when the server stops. */
  stopping: AbortSignal;
  /** Told of messages that were refused, for whoever looks for a fault. */
  onFault: (error: Error) => void;
  /** Told of what should not have happened. */
  onError: (error: unknown) => void;
};

/**
 * Answers messages of the protocol, of its revision of 2026 and of those of 2025 alike; nothing is remembered between two
 * messages. Who calls is in `authInfo.extra`.
 */
export function createMcp(context: McpContext): Mcp {
  const tools = allTools(context.routes);
  const { fetch, close } = createMcpHandler(
    ({ authInfo, requestInfo }) => {
      // Safe: `route.ts` puts it there.
      const caller = authInfo?.extra?.['caller'] as Caller;
      return createServer(context, tools, { caller, view: readView(requestInfo?.url) });
    },
    // Nothing that is offered changes by itself, so nobody needs a stream that tells so.
    { maxSubscriptions: 0, onerror: context.onFault },
  );
  const toolsets = new Set(tools.flatMap(({ toolset }) => toolset ?? []));
  return { fetch, close, toolsets };
}

export type Mcp = Pick<McpHttpHandler, 'fetch' | 'close'> & { toolsets: ReadonlySet<string> };

function createServer(
  context: McpContext,
  tools: Tool[],
  { caller, view }: { caller: Caller; view: View },
): Server {
  const server = new Server(
    { name: 'hookline', title: 'Hookline', version: context.version },
    { capabilities: { tools: {}, resources: {}, prompts: {}, completions: {} }, instructions },
  );
  const offered = () => tools.filter((tool) => whyNotOffered(tool, caller, view) === null);
  const callsFor = (ctx: ServerContext) =>
    apiCalls(context.app, caller, AbortSignal.any([ctx.mcpReq.signal, context.stopping]));

  server.setRequestHandler('tools/list', () => ({
    tools: offered().map(({ name, description, inputSchema, outputSchema, annotations }) => ({
      name,
      title: annotations.title,
      description,
      // Safe: JSON Schema, which the type of the package describes as any JSON.
      inputSchema: inputSchema as WireTool['inputSchema'],
      outputSchema: outputSchema as WireTool['outputSchema'],
      annotations,
    })),
  }));
  server.setRequestHandler('tools/call', async ({ params }, ctx) => {
    const tool = tools.find(({ name }) => name === params.name);
    if (!tool)
      throw new ProtocolError(
        ProtocolErrorCode.InvalidParams,
        `There is no tool ${params.name.slice(0, 100)}.`,
      );
    const refusal = whyNotOffered(tool, caller, view);
    if (refusal) return asResult({ fault: refusal });
    const scene = toolContext(context, callsFor(ctx), ctx);
    return asResult(await guarded(context, ctx, () => tool.run(params.arguments ?? {}, scene)));
  });
  server.setRequestHandler('resources/list', async (_request, ctx) => ({
    resources: await guarded(context, ctx, () => listResources(callsFor(ctx))),
  }));
  server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates }));
  server.setRequestHandler('resources/read', async ({ params }, ctx) => ({
    contents: await guarded(context, ctx, () => readResource(callsFor(ctx), params.uri)),
  }));
  server.setRequestHandler('prompts/list', () => ({
    prompts: prompts.map(({ name, title, description, arguments: given }) => ({
      name,
      title,
      description,
      arguments: given,
    })),
  }));
  server.setRequestHandler('prompts/get', ({ params }) => readPrompt(params.name, params.arguments ?? {}));
  server.setRequestHandler('completion/complete', async ({ params: { argument } }, ctx) => {
    const found = await guarded(context, ctx, () => suggest(callsFor(ctx), argument.name, argument.value));
    return { completion: { values: found.slice(0, 100), total: found.length, hasMore: found.length > 100 } };
  });
  return server;
}

/** What nobody has thought of is told without our insides. */
async function guarded<T>(
  { stopping, onError }: McpContext,
  { mcpReq }: ServerContext,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    if (stopping.aborted)
      throw new ProtocolError(
        ProtocolErrorCode.InternalError,
        'Hookline is stopping. Ask again in a moment.',
      );
    // Whoever has gone away is told nothing.
    if (!mcpReq.signal.aborted) onError(error);
    throw new ProtocolError(ProtocolErrorCode.InternalError, 'Something went wrong on our side.');
  }
}

function toolContext(
  { clock, stopping }: McpContext,
  call: ToolContext['call'],
  { mcpReq }: ServerContext,
): ToolContext {
  const signal = AbortSignal.any([mcpReq.signal, stopping]);
  return {
    call,
    signal,
    now: clock.now,
    sleep: (ms) => clock.sleep(ms, signal),
    async progress(message, progress) {
      const progressToken = mcpReq._meta?.progressToken;
      if (progressToken === undefined) return;
      await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, message } });
    },
  };
}
