import type { Command } from 'commander';
import { addBodyOptions, readBody, requireFields, reservedFlags } from './body.ts';
import type { CommandRow, Group } from './command-row.ts';
import { withClient, type ClientContext } from './context.ts';
import { editObject } from './edit.ts';
import { addExamples, examplesOf } from './examples.ts';
import { CliFault } from './fault.ts';
import { kindOf, thingOf } from './kinds.ts';
import { callOperation, factsOf } from './operation.ts';
import { pathSource, planOf } from './path-plan.ts';
import { queryOf, queryOption, readQuery } from './query.ts';
import { showAnswer, showList } from './show-answer.ts';

/** Adds the command of a row to its group, and gives its examples. */
export function addOperationCommand(parent: Command, word: string, row: CommandRow, group: Group): string[] {
  const facts = factsOf(row.operation);
  const plan = planOf(facts, row, group);
  const command = parent.command(word).description(row.about ?? lowerFirst(facts.summary));
  for (const name of plan.named) {
    const values = facts.path_parameters.find((field) => field.name === name)?.values;
    const about = values ? values.join(' or ') : `${kindOf(thingOf(name, row)).names ? 'id or name' : 'id'}`;
    command.argument(`<${values ? name.replace('_', '-') : kindOf(thingOf(name, row)).noun}>`, about);
  }
  for (const name of plan.options)
    command.option(`--${kindOf(name).flag} <id or name>`, `the ${kindOf(name).noun}`);
  for (const name of plan.resources)
    command.option(`--${kindOf(name).flag} <id or name>`, `of this ${kindOf(name).noun}`);
  for (const name of plan.around)
    command.option(
      `--${kindOf(name).flag} <id or name>`,
      `the ${kindOf(name).noun}, where names are looked up`,
    );
  if (facts.isList)
    command
      .option('--limit <number>', 'how many at most', '30')
      .option('--all', 'every one there is, however many');
  for (const field of queryOf(facts)) command.addOption(queryOption(field));
  const isEdit = row.reads !== undefined;
  if (facts.body)
    addBodyOptions(
      command,
      facts,
      new Set([...reservedFlags, ...command.options.map(({ long }) => long?.slice(2) ?? '')]),
    );
  const asks = row.asks ?? (facts.method === 'DELETE' ? facts.summary : null);
  if (asks !== null) command.option('-y, --yes', 'do not ask');
  if (row.starts)
    command
      .option('--follow', 'show the output until the action ends; the exit code tells how it ended')
      .option('--no-color', 'without the colours of the output');
  const examples = examplesOf(facts, plan.named, row, `${group.name} ${word}`);
  addExamples(command, examples);
  command.action((...given: unknown[]) =>
    withClient(command, async (context) => {
      const words = given.slice(0, plan.named.length).map(String);
      const source = pathSource(context, command, facts, row, plan, words);
      const path: Record<string, unknown> = {};
      for (const { name } of facts.path_parameters) path[name] = await source(name);
      const names = { client: context.client, source };
      if (facts.isList) return await showList(context, command, facts, row, path, source);
      if (asks !== null) await confirm(context, command, asks, words);
      let body = facts.body ? await readBody(command, facts, context.io, names) : null;
      if (isEdit && row.reads) {
        const isChanged = await editObject(context, facts, row.reads, path, body);
        context.out.line(isChanged ? 'Changed.' : 'Nothing was changed.');
        return;
      }
      if (facts.body && facts.isBodyRequired) {
        body ??= {};
        requireFields(facts, body);
      }
      const query = await readQuery(command, facts, source, context);
      const answer = await callOperation(context.client, facts, { path, query, ...(body ? { body } : {}) });
      await showAnswer(context, row, answer, command.opts<{ follow?: boolean; color?: boolean }>());
    }),
  );
  return examples;
}

async function confirm(
  { io }: ClientContext,
  command: Command,
  summary: string,
  words: string[],
): Promise<void> {
  if (command.opts<{ yes?: boolean }>().yes) return;
  const what = words.length > 0 ? ` (${words.join(' ')})` : '';
  const answer = await io.ask(`${summary}${what}? [y/N] `).catch((error: unknown) => {
    if (error instanceof CliFault && error.reason === 'usage')
      throw new CliFault('This asks first, and there is no terminal to ask on: say --yes.', 'usage');
    throw error;
  });
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliFault('Nothing was done.');
}

function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text.slice(0, 1).toLowerCase() + text.slice(1) : text;
}
