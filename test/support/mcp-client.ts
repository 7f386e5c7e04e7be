import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { join } from 'node:path';

const repository = join(import.meta.dirname, '..', '..');

/** The two revisions of the protocol that clients speak: with and without a handshake. */
export type Revision = 'legacy' | 'modern';

export type McpClient = {
  client: Client;
  /** Runs a tool and gives its structured answer. Throws on a fault, with its sentences. */
  use<T = Record<string, unknown>>(name: string, args?: Record<string, unknown>): Promise<T>;
  /** The sentences of the fault with which the tool must answer; throws when it does not. */
  refused(name: string, args?: Record<string, unknown>): Promise<string>;
  names(): Promise<string[]>;
};

/** The package's own client at `url`, the address of a server or of its `/mcp` with a query. */
export async function connectMcp(
  url: string,
  token: string,
  revision: Revision = 'modern',
): Promise<McpClient> {
  const client = createClient(revision);
  const address = new URL(url.includes('/mcp') ? url : `${url}/mcp`);
  await client.connect(
    new StreamableHTTPClientTransport(address, {
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    }),
  );
  return around(client);
}

/** The same by `hookline mcp`; `stderr` is what that has told so far. */
export async function connectMcpStdio(
  env: Record<string, string>,
  { args = [], revision = 'legacy' }: { args?: string[]; revision?: Revision } = {},
): Promise<McpClient & { stderr(): string }> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: ['src/main.mjs', 'mcp', ...args],
    cwd: repository,
    env: { PATH: process.env.PATH ?? '', ...env },
    stderr: 'pipe',
  });
  let stderr = '';
  transport.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const client = createClient(revision);
  await client.connect(transport);
  return { ...around(client), stderr: () => stderr };
}

function createClient(revision: Revision): Client {
  return new Client(
    { name: 'test', version: '1' },
    { versionNegotiation: { mode: revision === 'modern' ? { pin: '2026-07-28' } : 'legacy' } },
  );
}

function around(client: Client): McpClient {
  const call = async (name: string, args: Record<string, unknown>) => {
    const answer = await client.callTool({ name, arguments: args });
    const text = answer.content.map((block) => ('text' in block ? String(block.text) : '')).join('\n');
    return { answer, text };
  };
  return {
    client,
    // The one cast: a test says what it expects. Once it has listed the tools, the client checks each answer itself.
    async use<T>(name: string, args: Record<string, unknown> = {}) {
      const { answer, text } = await call(name, args);
      if (answer.isError) throw new Error(`${name}: ${text}`);
      return answer.structuredContent as T;
    },
    async refused(name, args = {}) {
      const { answer, text } = await call(name, args);
      if (!answer.isError) throw new Error(`${name} was not refused: ${text}`);
      return text;
    },
    names: async () => (await client.listTools()).tools.map(({ name }) => name),
  };
}
