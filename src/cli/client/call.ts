import { Option, type Command } from 'commander';
import { operations, type Field, type OperationFacts } from '#sdk/operations';
import { pages } from '#sdk';
import { addBodyOptions, readBody, reservedFlags } from './body.ts';
import { withClient, type ClientContext } from './context.ts';
import { addExamples, examplesOfCall } from './examples.ts';
import { CliFault } from './fault.ts';
import { collect, flagOf, parseValue, readSource } from './field-values.ts';
import { headersOf } from './headers.ts';
import { createLogCleaner } from './log-text.ts';
import { callOperation, listOperation } from './operation.ts';

type CallOptions = {
  param?: string[];
  body?: string;
  file?: string;
  set?: string[];
  header?: string[];
  all?: boolean;
};

/** Every operation of the document as a command of its own: what is added to the API is here without another line. */
export function registerCall(program: Command): void {
  const group = program.command('call').addHelpText(
    'after',
    `
What is printed is the answer of the server. The reference is at /api/docs of every server.

Examples:
  $ hookline call listOrganizations
  $ hookline call getPipeline --pipeline-id 7
  $ hookline call addProject --body '{"name": "Shop"}'
  $ hookline api updatePipeline --param pipeline_id=7 --when-waiting replace`,
  );
  for (const facts of operations) addCall(group, facts);
}

function addCall(group: Command, facts: OperationFacts): void {
  const command = group.command(facts.id).description(facts.summary);
  for (const { option } of parametersOf(facts)) command.addOption(option);
  command.option('--param <name=value>', 'any parameter, by its name in the API; can be repeated', collect);
  if (facts.isList) command.option('--all', 'page by page until there are no more, as one list');
  if (facts.body) {
    const taken = new Set([...reservedFlags, ...command.options.map(({ long }) => long?.slice(2) ?? '')]);
    command.option('--body <json>', 'the body as it is sent; @file and @- are read');
    addBodyOptions(command, facts, new Set([...taken, 'body']));
  }
  command.option('-H, --header <name: value>', 'of the request; can be repeated', collect);
  command.addHelpText('after', `\n${facts.method} ${facts.path}`);
  addExamples(command, examplesOfCall(facts));
  command.action((_options: object, self: Command) =>
    withClient(self, (context) => run(context, self, facts)),
  );
}

async function run(context: ClientContext, command: Command, facts: OperationFacts): Promise<void> {
  const { client, out } = context;
  const options = command.opts<CallOptions>();
  const { path, query } = givenParameters(command, facts, options, context.io.now());
  for (const { name } of facts.path_parameters) {
    path[name] ??= name === 'environment_id' ? await context.environmentId() : undefined;
    if (path[name] === undefined) throw new CliFault(`Missing: --${flagName(name)}.`, 'usage');
  }
  const headers = headersOf(options.header ?? []);
  if (options.all) {
    const items: unknown[] = [];
    for await (const item of pages(listOperation(client, facts), { path, query })) items.push(item);
    return out.json(items);
  }
  const body = await bodyOf(context, command, facts, options);
  const { data, response } = await callOperation(client, facts, { path, query, ...body, headers });
  if (data instanceof ReadableStream) {
    const decoder = new TextDecoder();
    const clean = context.io.isTerminal ? createLogCleaner(true) : (text: string) => text;
    for await (const piece of data) out.raw(clean(decoder.decode(piece as Uint8Array, { stream: true })));
    return;
  }
  if (typeof data === 'string' && !isJson(response)) {
    // A terminal would take what a step has written as its own.
    const shown = context.io.isTerminal ? createLogCleaner(true)(data) : data;
    return out.raw(shown.endsWith('\n') ? shown : `${shown}\n`);
  }
  const isEmpty = response.status === 204 || response.headers.get('content-length') === '0';
  if (!isEmpty && data !== undefined) return out.json(data);
  const actionId = response.headers.get('x-devopness-action-id');
  if (out.isJson) out.json(actionId === null ? null : { action_id: Number(actionId) });
  else out.note(actionId === null ? 'Done.' : `Action ${actionId} has started.`);
}

async function bodyOf(
  context: ClientContext,
  command: Command,
  facts: OperationFacts,
  { body, file, set }: CallOptions,
): Promise<{ body?: unknown; rawBody?: string }> {
  if (!facts.body) return {};
  if (body !== undefined && (file !== undefined || set !== undefined))
    throw new CliFault('--body is the whole body: leave --file and --set out.', 'usage');
  if (body !== undefined)
    return { rawBody: body.startsWith('@') ? await readSource(body.slice(1), context.io) : body };
  // Byte by byte, for what is signed; nothing else is known of this body.
  if (facts.body.length === 0 && file !== undefined && !set)
    return { rawBody: await readSource(file, context.io) };
  const source = async (name: string) => {
    if (name === 'environment_id') return await context.environmentId();
    throw new CliFault(`Say it by its id: ${name} cannot be looked up here.`, 'usage');
  };
  const read = await readBody(command, facts, context.io, { client: context.client, source });
  if (read) return { body: read };
  return facts.isBodyRequired ? { body: {} } : {};
}

type Parameter = { field: Field; place: 'path' | 'query'; option: Option };

function parametersOf({ path_parameters, query_parameters }: OperationFacts): Parameter[] {
  const inPath = new Set(path_parameters.map(({ name }) => name));
  const one = (field: Field, place: Parameter['place'], flag: string): Parameter => {
    const option = new Option(`--${flag} <value>`, field.description.replace(/\n[\s\S]*/, ''));
    return { field, place, option: field.values ? option.choices(field.values.map(String)) : option };
  };
  return [
    ...path_parameters.map((field) => one(field, 'path', flagName(field.name))),
    ...query_parameters.map((field) =>
      one(field, 'query', inPath.has(field.name) ? `query-${flagOf(field.name)}` : flagName(field.name)),
    ),
  ];
}

function givenParameters(command: Command, facts: OperationFacts, { param = [] }: CallOptions, now: number) {
  const given: Record<Parameter['place'], Record<string, unknown>> = { path: {}, query: {} };
  const parameters = parametersOf(facts);
  const options = command.opts<Record<string, string | undefined>>();
  for (const { field, place, option } of parameters) {
    const text = options[option.attributeName()];
    if (text !== undefined)
      given[place][field.name] = parseValue(field, text, { flag: option.long ?? field.name, now });
  }
  for (const pair of param) {
    const at = pair.indexOf('=');
    const parameter = parameters.find(({ field }) => field.name === pair.slice(0, at));
    if (!parameter)
      throw new CliFault(
        `--param ${pair}: ${facts.id} has ${parameters.map(({ field }) => field.name).join(', ') || 'no parameters'}.`,
        'usage',
      );
    const { field, place } = parameter;
    given[place][field.name] = parseValue(field, pair.slice(at + 1), { flag: `--param ${field.name}`, now });
  }
  return given;
}

/** As the API calls it, unless every command has a flag of that name. */
function flagName(parameter: string): string {
  const flag = parameter.startsWith('filter[') ? `filter-${flagOf(parameter)}` : flagOf(parameter);
  return reservedFlags.includes(flag) ? `param-${flag}` : flag;
}

function isJson(response: Response): boolean {
  return /json/.test(response.headers.get('content-type') ?? '');
}
