import type { Command } from 'commander';
import { findConnection } from './connection.ts';
import { withOutput } from './context.ts';
import { CliFault } from './fault.ts';

export function registerMcp(program: Command): void {
  program
    .command('mcp')
    .description('speak the Model Context Protocol on standard input and output, for assistants')
    .option('--readonly', 'offer only the tools that change nothing')
    .option('--toolsets <names>', 'offer only these groups of tools, such as hooks,actions,pipelines')
    .addHelpText(
      'after',
      `
An assistant starts it, as its configuration says; it passes each message on to /mcp of the server, with the token of
the profile. Nothing but messages goes to standard output; what is wrong with the server or the token is told on
standard error.

Examples:
  $ claude mcp add hookline -- hookline mcp
  $ hookline mcp --profile staging --readonly
  $ hookline mcp --toolsets hooks,actions`,
    )
    .action((_options: object, command: Command) =>
      withOutput(command, async ({ io, options, out }) => {
        if (process.stdin.isTTY)
          throw new CliFault(
            'This is for an assistant to start, not for a terminal. "hookline mcp --help" shows how.',
            'usage',
          );
        const { url, token } = await findConnection(options, io.env);
        // Safe: the options that are declared above.
        const { readonly, toolsets } = command.opts() as { readonly?: boolean; toolsets?: string };
        const address = new URL(`${url}/mcp`);
        if (readonly) address.searchParams.set('readonly', 'true');
        if (toolsets) address.searchParams.set('toolsets', toolsets);
        const { bridge } = await import('./mcp-bridge.ts');
        const { createInterface } = await import('node:readline');
        await bridge({
          url: address.href,
          token,
          lines: createInterface({ input: process.stdin, crlfDelay: Infinity }),
          write: (line) => io.stdout(`${line}\n`),
          note: (text) => out.note(`hookline mcp: ${text}`),
          signal: io.signal,
        });
      }),
    );
}
