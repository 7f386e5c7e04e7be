import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { allTools } from '../src/mcp/all-tools.ts';
import { prompts } from '../src/mcp/prompts.ts';
import { notTools } from '../src/mcp/tool-rows.ts';
import type { Tool } from '../src/mcp/tools.ts';
import { apiRoutes } from './api-routes.ts';

/*
 * Writes the tables of docs/mcp.md: every tool, every prompt, and every operation that is no tool, from the program
 * itself. With `--check` it writes nothing, and ends with 1 when the file says something else.
 */

const file = fileURLToPath(new URL('../docs/mcp.md', import.meta.url));
const begin = '<!-- made by scripts/mcp-table.ts -->';

/** The text of docs/mcp.md: what stands there before the tables, and the tables. */
export async function mcpDocument(): Promise<string> {
  const tools = allTools(await apiRoutes());
  const [written = ''] = readFileSync(file, 'utf8').split(begin);
  const section = (name: string | null) =>
    [
      `### ${name ?? 'In every toolset'}`,
      '',
      '| tool | | needs |',
      '|---|---|---|',
      ...tools.filter(({ toolset }) => toolset === name).map(row),
    ].join('\n');
  const sections = [...new Set(tools.map(({ toolset }) => toolset))].map(section);
  const ways = prompts.map(({ name, description }) => `| \`${name}\` | ${description} |`);
  const reasons = Object.entries(notTools).map(([id, reason]) => `| \`${id}\` | ${reason} |`);
  return [
    `${written}${begin}`,
    `## Prompts\n\n| prompt | |\n|---|---|\n${ways.join('\n')}`,
    `## Tools\n\n${tools.length} tools, by toolset. \`reads\` changes nothing; \`ends\` may end, overwrite or run something; \`world\` reaches\nother machines and services.`,
    ...sections,
    `## What is no tool\n\n| operation | because |\n|---|---|\n${reasons.join('\n')}\n`,
  ].join('\n\n');
}

function row({ name, annotations, needs }: Tool): string {
  const marks = [
    ...(annotations.readOnlyHint ? ['reads'] : []),
    ...(annotations.destructiveHint ? ['ends'] : []),
    ...(annotations.openWorldHint ? ['world'] : []),
  ];
  const who =
    typeof needs === 'string'
      ? needs === 'person'
        ? 'signed in'
        : 'any token'
      : needs.map((one) => `\`${one}\``).join(', ');
  return `| \`${name}\` | ${annotations.title}${marks.length > 0 ? ` *(${marks.join(', ')})*` : ''} | ${who} |`;
}

if (import.meta.main) {
  const text = await mcpDocument();
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error('docs/mcp.md is not what the tools say: run npx node scripts/mcp-table.ts');
    process.exitCode = 1;
  }
}
