import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { McpClient } from './mcp-client.ts';

type Answer = { structuredContent?: unknown; isError?: boolean; content?: unknown };

/** The inspector of the protocol, which calls tools as somebody does who types its commands. */
export function openInspector(url: string, token: string): Pick<McpClient, 'use'> & { close(): void } {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'inspector.mjs')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async use<T>(name: string, args: Record<string, unknown> = {}) {
      const given = Object.entries(args).flatMap(([key, value]) => [
        '--tool-arg',
        `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
      ]);
      const words = [`${url}/mcp`, '--header', `Authorization: Bearer ${token}`, '--method', 'tools/call'];
      child.stdin.write(`${JSON.stringify([...words, '--tool-name', name, ...given])}\n`);
      const { text, fault } = JSON.parse((await lines.next()).value ?? '{}') as {
        text: string;
        fault: string | null;
      };
      if (fault !== null) throw new Error(`${name}: ${fault} ${text}`);
      const { structuredContent } = JSON.parse(text) as Answer;
      // The one cast: a test says what it expects.
      return structuredContent as T;
    },
    close: () => void child.stdin.end(),
  };
}
