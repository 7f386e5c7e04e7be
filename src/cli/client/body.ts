import { Option, type Command } from 'commander';
import type { Field, OperationFacts } from '#sdk/operations';
import { CliFault } from './fault.ts';
import { collect, flagOf, jsonOrText, parseValue, readSource, setAt } from './field-values.ts';
import type { Io } from './io.ts';
import { kinds } from './kinds.ts';
import { findId, type PathSource } from './lookup.ts';
import type { Client } from '#sdk';

/** Flags of every command, which no field may take. */
export const reservedFlags = ['profile', 'url', 'token', 'environment', 'json', 'help', 'version'];

/** Fields that are not given on a command line, where every list of processes shows them, but in a file. */
const secretFields: ReadonlySet<string> = new Set([
  'secret',
  'ssh_private_key',
  'password',
  'current_password',
  'refresh_token',
  'invitation_token',
]);

/** How a body is given: a flag for each field, `--set` for what lies deeper, `--file` for all of it. */
export function addBodyOptions(command: Command, { body }: OperationFacts, taken: ReadonlySet<string>): void {
  for (const field of body ?? []) for (const option of optionsOf(field, taken)) command.addOption(option);
  command
    .option(
      '--set <place=value>',
      'a field at any depth: settings.headers.X-Team=web; JSON is taken as such, @file and @- are read',
      collect,
    )
    .option('--file <path>', 'the whole body in JSON or YAML, "-" for standard input; flags win over it');
}

/** A value that is given for a field by a name: the id of that thing. */
export type Names = { client: Client; source: PathSource };

/** The body that options give; null when they give none. Throws a CliFault. */
export async function readBody(
  command: Command,
  facts: OperationFacts,
  io: Pick<Io, 'readInput' | 'now'>,
  names: Names,
): Promise<Record<string, unknown> | null> {
  const options = command.opts<Record<string, unknown>>();
  const { file, set } = options as { file?: string; set?: string[] };
  const sources = [file, ...(set ?? []).map((pair) => pair.slice(pair.indexOf('=') + 1))];
  if (sources.filter((source) => source === '-' || source === '@-').length > 1)
    throw new CliFault('Standard input can be read once only.', 'usage');
  let isGiven = file !== undefined;
  const body = file === undefined ? {} : await parseBody(await readSource(file, io), file);
  for (const field of facts.body ?? []) {
    const value = await givenValue(command, field, options, io, names);
    if (value === undefined) continue;
    body[field.name] = value;
    isGiven = true;
  }
  for (const pair of set ?? []) {
    const at = pair.indexOf('=');
    if (at < 1) throw new CliFault(`--set ${pair}: give it as place=value.`, 'usage');
    const text = pair.slice(at + 1);
    const value = text.startsWith('@') ? await readSecret(text.slice(1), io) : jsonOrText(text);
    setAt(body, pair.slice(0, at), value);
    isGiven = true;
  }
  return isGiven ? body : null;
}

/** Throws a CliFault that names the flags of what is missing. */
export function requireFields(facts: OperationFacts, body: Record<string, unknown>): void {
  const missing = (facts.body ?? []).filter(({ name, isRequired }) => isRequired && body[name] === undefined);
  if (missing.length === 0) return;
  const flags = missing.map((field) =>
    field.types.includes('object') ? `--set ${field.name}.…=…` : `--${flagFor(field)}`,
  );
  throw new CliFault(`Missing: ${flags.join(', ')}.`, 'usage');
}

/** `--credential` where a name is taken for the id too. */
export function flagFor({ name }: Field): string {
  const isReference = Object.hasOwn(kinds, name);
  if (isReference) return kinds[name]?.flag ?? flagOf(name);
  return secretFields.has(name) ? `${flagOf(name)}-file` : flagOf(name);
}

function optionsOf(field: Field, taken: ReadonlySet<string>): Option[] {
  const flag = flagFor(field);
  if (taken.has(flag)) return [];
  const about = field.description.replace(/\n[\s\S]*/, '');
  if (field.types.includes('boolean')) {
    const yes = new Option(`--${flag}`, about);
    return [yes, new Option(`--no-${flag}`, 'the opposite')];
  }
  const isMany = field.types.includes('array');
  const option = new Option(`--${flag} <${placeholder(field)}>`, about);
  if (isMany && field.items !== 'object') option.argParser(collect);
  if (field.values && !isMany && !field.isNullable) option.choices(field.values.map(String));
  return [option];
}

function placeholder(field: Field): string {
  if (secretFields.has(field.name)) return 'path or -';
  if (Object.hasOwn(kinds, field.name)) return 'id or name';
  if (field.types.includes('array'))
    return field.name === 'servers' ? 'ids or names' : field.items === 'object' ? 'json' : 'values';
  if (field.types.includes('object')) return 'json';
  if (field.types.includes('integer')) return 'number';
  return field.name === 'name' ? 'name' : 'text';
}

async function givenValue(
  command: Command,
  field: Field,
  options: Record<string, unknown>,
  io: Pick<Io, 'readInput' | 'now'>,
  { client, source }: Names,
): Promise<unknown> {
  const flag = flagFor(field);
  const option = command.options.find(({ long }) => long === `--${flag}`);
  if (!option || command.getOptionValueSource(option.attributeName()) !== 'cli') return undefined;
  const given = options[option.attributeName()];
  if (typeof given === 'boolean' || given === undefined) return given;
  const texts = Array.isArray(given) ? given.map(String) : [String(given)];
  if (secretFields.has(field.name)) return await readSecret(texts[0] ?? '', io);
  if (field.name === 'servers') {
    const words = texts.flatMap((text) => text.split(','));
    return await Promise.all(words.map((text) => findId(client, 'server_id', text.trim(), source)));
  }
  if (Object.hasOwn(kinds, field.name) && !(field.isNullable && texts[0] === 'null'))
    return await findId(client, field.name, texts[0] ?? '', source);
  if (Array.isArray(given))
    return texts.flatMap((text) => parseValue(field, text, { flag: `--${flag}`, now: io.now() }));
  return parseValue(field, texts[0] ?? '', { flag: `--${flag}`, now: io.now() });
}

/** Without the end of line that an editor puts behind it; that of a key stays. */
async function readSecret(path: string, io: Pick<Io, 'readInput' | 'now'>): Promise<string> {
  const text = await readSource(path, io);
  return text.includes('-----BEGIN') ? text : text.replace(/\r?\n$/, '');
}

async function parseBody(text: string, path: string): Promise<Record<string, unknown>> {
  const { parse } = await import('yaml');
  let value: unknown;
  try {
    // JSON is YAML, but its own parser is the stricter one and far quicker.
    value = /^\s*[{[]/.test(text) ? JSON.parse(text) : parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new CliFault(`${path === '-' ? 'Standard input' : path} is neither JSON nor YAML: ${why}`, 'usage');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    // Safe: an object that was parsed.
    return value as Record<string, unknown>;
  throw new CliFault(`${path === '-' ? 'Standard input' : path} has no object.`, 'usage');
}
