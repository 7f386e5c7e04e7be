import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { createProgram } from '../src/cli/program.ts';

/*
 * Writes docs/cli-commands.md: every command with its arguments and what it does, from the commands themselves. With
 * `--check` it writes nothing, and ends with 1 when the file says something else.
 */

const file = fileURLToPath(new URL('../docs/cli-commands.md', import.meta.url));

/** The text of docs/cli-commands.md. */
export async function cliTable(): Promise<string> {
  const nowhere = () => undefined;
  const program = await createProgram('all', {
    env: {},
    stdout: nowhere,
    stderr: nowhere,
    isTerminal: false,
    isErrorTerminal: false,
    columns: () => 80,
    now: Date.now,
    ask: async () => '',
    readInput: async () => '',
    signal: new AbortController().signal,
  });
  const rows = program.commands.flatMap((command) => rowsOf(command, 'hookline'));
  return `${head}\n${rows.join('\n')}\n`;
}

function rowsOf(command: Command, before: string): string[] {
  const words = `${before} ${command.name()}`;
  // Its commands are the operations of docs/api.md.
  if (command.name() === 'call') return [rowOf(`${words} <operation>`, command)];
  if (command.commands.length > 0) return command.commands.flatMap((one) => rowsOf(one, words));
  const places = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
  return [rowOf([words, ...places].join(' '), command)];
}

function rowOf(words: string, command: Command): string {
  return `| \`${words}\` | ${command.description().replaceAll('|', '\\|')} |`;
}

const head = `# Every command

Made from the commands by \`npx node scripts/cli-table.ts\`; a test checks it. [How they are used](cli.md).

\`hookline <command> --help\` shows the options of each, with examples. What a command names can be its id or, where that says
which is meant, its name.

| command | |
|---|---|`;

if (import.meta.main) {
  const text = await cliTable();
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error('docs/cli-commands.md is not what the commands say: run npx node scripts/cli-table.ts');
    process.exitCode = 1;
  }
}
