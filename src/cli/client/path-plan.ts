import type { Command } from 'commander';
import { readPage } from '#sdk';
import type { OperationFacts } from '#sdk/operations';
import type { CommandRow, Group } from './command-row.ts';
import type { ClientContext } from './context.ts';
import { CliFault } from './fault.ts';
import { kindOf, kinds, thingOf } from './kinds.ts';
import { findId, hookTypeOf, type PathSource } from './lookup.ts';
import { factsOf, listOperation } from './operation.ts';

/** Parameters that are found without being named. */
export const found: ReadonlySet<string> = new Set(['environment_id', 'project_id', 'organization_id']);

export type Plan = {
  named: string[];
  options: string[];
  /** Of which the thing is one: an application or a server. */
  resources: string[];
  /** Where the names of others are looked up. */
  around: string[];
};

/** How each parameter of the path is given. */
export function planOf(facts: OperationFacts, row: CommandRow, group: Group): Plan {
  const all = facts.path_parameters.map(({ name }) => name);
  const isPair =
    !row.fixed?.['resource_type'] && all.includes('resource_type') && all.includes('resource_id');
  const free = all.filter(
    (name) =>
      !Object.hasOwn(row.fixed ?? {}, name) &&
      !(isPair && (name === 'resource_type' || name === 'resource_id')) &&
      !(name === 'hook_type' && all.includes('hook_id')),
  );
  const at = free.indexOf(group.subject);
  const named = row.named ?? (at < 0 ? [] : free.slice(at));
  const options = free.filter((name) => !named.includes(name) && name !== 'environment_id');
  const lists = [...named, ...options, ...(facts.body ?? []).map(({ name }) => name)]
    .map((name) => kinds[thingOf(name, row)]?.list)
    .flatMap((list) => (list ? factsOf(list).path_parameters : []));
  const types = (isPair ? facts.path_parameters : lists).find(({ name }) => name === 'resource_type')?.values;
  const pairs: Record<string, string> = { application: 'application_id', server: 'server_id' };
  const asked = new Set([...all, ...options]);
  return {
    named,
    options,
    resources: Object.keys(pairs).flatMap((type) => (types?.includes(type) ? [pairs[type] ?? ''] : [])),
    around: ['organization_id', 'project_id'].filter(
      (name) => !asked.has(name) && lists.some((parameter) => parameter.name === name),
    ),
  };
}

/** Finds the value of a parameter, of this operation and of the lists that names are looked up in; each once. */
export function pathSource(
  context: ClientContext,
  command: Command,
  facts: OperationFacts,
  row: CommandRow,
  plan: Plan,
  words: string[],
): PathSource {
  const known = new Map<string, Promise<unknown>>();
  const source: PathSource = (name) => {
    const before = known.get(name);
    if (before) return before;
    const value = find(name);
    known.set(name, value);
    return value;
  };
  const optionOf = (name: string) => command.opts<Record<string, string>>()[camel(kindOf(name).flag)];
  const find = async (name: string): Promise<unknown> => {
    if (row.fixed && Object.hasOwn(row.fixed, name)) return row.fixed[name];
    const thing = thingOf(name, row);
    const at = plan.named.indexOf(name);
    const text = at >= 0 ? (words[at] ?? '') : Object.hasOwn(kinds, thing) ? optionOf(thing) : undefined;
    if (text !== undefined && name === 'hook_type') return choiceOf(facts, name, text);
    if (text !== undefined && Object.hasOwn(kinds, thing))
      return await findId(context.client, thing, text, source);
    if (name === 'environment_id') return await context.environmentId();
    if (name === 'hook_type') return await hookTypeOf(context.client, String(await source('hook_id')));
    if (name === 'resource_type' || name === 'resource_id') {
      const { type, parameter } = givenResource();
      return name === 'resource_type' ? type : await source(parameter);
    }
    if (found.has(name)) return await onlyOne(context, name);
    throw new CliFault(`Say which ${kindOf(name).noun}: --${kindOf(name).flag} <id or name>`, 'usage');
  };
  const givenResource = () => {
    const given = ['application_id', 'server_id'].filter((parameter) => optionOf(parameter) !== undefined);
    const [parameter, second] = given;
    if (parameter && !second) return { type: parameter.replace('_id', ''), parameter };
    throw new CliFault('Say which: --app <id or name> or --server <id or name>.', 'usage');
  };
  return source;
}

function choiceOf(facts: OperationFacts, name: string, text: string): string {
  const values = (facts.path_parameters.find((field) => field.name === name)?.values ?? []).map(String);
  if (values.includes(text)) return text;
  throw new CliFault(`"${text}" is none of ${values.join(', ')}.`, 'usage');
}

/** The project, or the organization, of somebody who sees one. */
async function onlyOne({ client }: ClientContext, parameter: string): Promise<unknown> {
  const kind = kindOf(parameter);
  const page = await readPage(listOperation(client, factsOf(kind.list ?? '')), { query: { per_page: 20 } });
  const [only, ...others] = page.items;
  if (only && others.length === 0) return only['id'];
  if (!only) throw new CliFault(`There is no ${kind.noun} that you may see.`, 'notFound');
  const names = page.items.map((item) => `${String(item['id'])} ${String(item['name'])}`).join(', ');
  throw new CliFault(`Which ${kind.noun}? Say --${kind.flag} <id or name>: ${names}`, 'usage');
}

function camel(flag: string): string {
  return flag.replace(/-(\w)/g, (_match, letter: string) => letter.toUpperCase());
}
