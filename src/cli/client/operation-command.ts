import { Option, type Command } from 'commander';
import { actionIdOf, pages, readPage } from '#sdk';
import type { Field, OperationFacts } from '#sdk/operations';
import { addBodyOptions, readBody, requireFields } from './body.ts';
import { withClient, type ClientContext } from './context.ts';
import { editObject } from './edit.ts';
import { addExamples, examplesOf } from './examples.ts';
import { CliFault, exitCodes } from './fault.ts';
import { flagOf, parseValue } from './field-values.ts';
import { followAction } from './follow.ts';
import { findId, hookTypeOf, kindOf, kinds, thingOf, type PathSource, valueAt } from './lookup.ts';
import { callOperation, factsOf, listOperation } from './operation.ts';
import { columnsOf, showObject } from './present.ts';

/** A command that is an operation. What is not said here, the document says. */
export type CommandRow = {
  operation: string;
  /** What is shown of each thing, as `columnsOf` reads it; of a single one everything if left out. */
  columns?: string[];
  /** Parameters of the path that are always this. */
  fixed?: Record<string, string>;
  /** Parameters of the path that are named in order; the others are options. */
  named?: string[];
  /** It starts an action, which can be followed. */
  starts?: boolean;
  /** Of `edit`: what reads the object, and where in that it is, if not all of it. */
  reads?: { operation: string; items?: string };
  /** What it does that cannot be undone: asks first. */
  asks?: string;
  about?: string;
  /** The `status` of the answer without which the command has not succeeded. */
  expects?: string;
};

export type Group = {
  /** The first word: `apps`. */
  name: string;
  /** The parameter that its things are named by: `application_id`. */
  subject: string;
};

/** Parameters that are found without being named. */
const found: ReadonlySet<string> = new Set(['environment_id', 'project_id', 'organization_id']);

/** Flags of every command, which no field may take. */
const reserved = ['profile', 'url', 'token', 'environment', 'json', 'help', 'version'];

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
      new Set([...reserved, ...command.options.map(({ long }) => long?.slice(2) ?? '')]),
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

type Plan = {
  named: string[];
  options: string[];
  /** Of which the thing is one: an application or a server. */
  resources: string[];
  /** Where the names of others are looked up. */
  around: string[];
};

/** How each parameter of the path is given. */
function planOf(facts: OperationFacts, row: CommandRow, group: Group): Plan {
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
function pathSource(
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

/** The parameters of the query that a person gives; those of paging are `--limit` and `--all`. */
function queryOf({ query_parameters, path_parameters, isList }: OperationFacts): Field[] {
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

function queryOption(field: Field): Option {
  const isReference = Object.hasOwn(kinds, field.name);
  const flag = isReference ? kindOf(field.name).flag : flagOf(field.name);
  const option = new Option(`--${flag} <${isReference ? 'id or name' : 'value'}>`, field.description);
  if (field.values) option.choices(field.values.map(String));
  return option;
}

async function readQuery(
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

async function showList(
  context: ClientContext,
  command: Command,
  facts: OperationFacts,
  row: CommandRow,
  path: Record<string, unknown>,
  source: PathSource,
): Promise<void> {
  const { out, client } = context;
  const options = command.opts<{ limit: string; all?: boolean }>();
  if (!/^[1-9]\d{0,8}$/.test(options.limit)) throw new CliFault('--limit is a whole number from 1.', 'usage');
  const limit = options.all ? Number.POSITIVE_INFINITY : Number(options.limit);
  const query = await readQuery(command, facts, source, context);
  const items: Record<string, unknown>[] = [];
  const asked = { path, query: { ...query, per_page: Math.min(limit + 1, 100) } };
  let hasMore = false;
  for await (const item of pages(listOperation(client, facts), asked)) {
    if (items.length === limit) {
      hasMore = true;
      break;
    }
    items.push(item);
    if (items.length % 100 === 0) out.progress(`${items.length} so far …`);
  }
  out.table(items, columnsOf(row.columns ?? ['id', 'name']));
  if (hasMore) out.note(`These are the first ${items.length}; --all shows every one.`);
}

async function showAnswer(
  context: ClientContext,
  { starts, columns, expects }: CommandRow,
  { data, response }: { data: unknown; response: Response },
  { follow, color }: { follow?: boolean; color?: boolean },
): Promise<void> {
  const { out } = context;
  const actionId = starts ? (actionIdOf(response) ?? startedIn(data)) : null;
  if (actionId !== null && follow) return await followAction(context, actionId, { colours: color !== false });
  if (Array.isArray(data) && columns) out.table(data, columnsOf(columns));
  // Safe: what is no list is an object, of which a row names columns.
  else if (columns && data) out.fields(data as Record<string, unknown>, columnsOf(columns));
  else if (data !== undefined && data !== '' && response.status !== 204) await showObject(out, data);
  else if (out.isJson) out.json(actionId === null ? null : { action_id: actionId });
  else if (actionId === null) out.line('Done.');
  if (expects !== undefined && valueAt(data, 'status') !== expects)
    context.setExitCode(exitCodes.notSucceeded);
  if (actionId !== null)
    out.note(`Action ${actionId} has started. Watch it: hookline actions watch ${actionId}`);
}

function startedIn(data: unknown): number | null {
  if (typeof data !== 'object' || data === null) return null;
  const id = 'action_id' in data ? data.action_id : 'targets' in data && 'id' in data ? data.id : null;
  return typeof id === 'number' ? id : null;
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

function camel(flag: string): string {
  return flag.replace(/-(\w)/g, (_match, letter: string) => letter.toUpperCase());
}
