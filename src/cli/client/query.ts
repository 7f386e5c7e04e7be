import { Option, type Command } from 'commander';
import type { Field, OperationFacts } from '#sdk/operations';
import type { ClientContext } from './context.ts';
import { flagOf, parseValue } from './field-values.ts';
import { kindOf, kinds } from './kinds.ts';
import { findId, type PathSource } from './lookup.ts';
import { found } from './path-plan.ts';

/** The parameters of the query that a person gives; those of paging are `--limit` and `--all`. */
export function queryOf({ query_parameters, path_parameters, isList }: OperationFacts): Field[] {
  const names = new Set(query_parameters.map(({ name }) => name));
  const inPath = path_parameters.some(({ name }) => found.has(name));
  return query_parameters.filter(({ name }) => {
    if (isList && (name === 'page' || name === 'per_page')) return false;
    if (inPath && found.has(name)) return false;
    // The older name of one that is there as well.
    const older = /^filter\[(\w+)\]$/.exec(name)?.[1];
    return older === undefined || !names.has(older);
  });
}

export function queryOption(field: Field): Option {
  const isReference = Object.hasOwn(kinds, field.name);
  const flag = isReference ? kindOf(field.name).flag : flagOf(field.name);
  const option = new Option(`--${flag} <${isReference ? 'id or name' : 'value'}>`, field.description);
  if (field.values) option.choices(field.values.map(String));
  return option;
}

export async function readQuery(
  command: Command,
  facts: OperationFacts,
  source: PathSource,
  { client, io }: ClientContext,
): Promise<Record<string, unknown>> {
  const query: Record<string, unknown> = {};
  const options = command.opts<Record<string, string | undefined>>();
  for (const field of queryOf(facts)) {
    const text = options[queryOption(field).attributeName()];
    if (text === undefined) continue;
    query[field.name] = Object.hasOwn(kinds, field.name)
      ? await findId(client, field.name, text, source)
      : parseValue(field, text, { now: io.now() });
  }
  return query;
}
