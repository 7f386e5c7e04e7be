import type { Command } from 'commander';
import type { Field, OperationFacts } from '#sdk/operations';
import { flagFor } from './body.ts';
import type { CommandRow } from './command-row.ts';
import { kindOf, kinds, thingOf } from './kinds.ts';

/** Examples for the help of a command, made of what the document has as an example. */
export function examplesOf(facts: OperationFacts, named: string[], row: CommandRow, words: string): string[] {
  const subject = named.map((name) => ` ${sampleOf(facts, name, row)}`).join('');
  const command = `hookline ${words}${subject}`;
  const options = optionsOf(facts, row, named);
  const lines: string[] = [];
  if (facts.isList) lines.push(`${command}${options}`, `${command}${options} --all --json`);
  else if (row.reads) lines.push(command, `${command}${firstFlag(facts)}`);
  else if (facts.method === 'DELETE' || row.asks) lines.push(command, `${command} --yes`);
  else if (facts.body) {
    lines.push(`${command}${options}${requiredFlags(facts)}`);
    lines.push(`${command}${options} --file ${facts.isBodyRequired ? 'body.yaml' : '-'}`);
  } else lines.push(`${command}${options}`, `${command}${options} --json`);
  if (row.starts)
    lines.push(`${command}${options}${facts.isBodyRequired ? requiredFlags(facts) : ''} --follow`);
  return lines;
}

/** Puts examples below the help of a command. */
export function addExamples(command: Command, lines: string[]): void {
  command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`);
}

function sampleOf(facts: OperationFacts, name: string, row: CommandRow): string {
  const values = facts.path_parameters.find((field) => field.name === name)?.values;
  return values ? String(values[0]) : quote(kindOf(thingOf(name, row)).sample);
}

/** The options without which the command asks for more. */
function optionsOf(facts: OperationFacts, row: CommandRow, named: string[]): string {
  const isNamed = new Set([...named, ...Object.keys(row.fixed ?? {})]);
  const names = facts.path_parameters.map(({ name }) => name).filter((name) => !isNamed.has(name));
  const needed = names.includes('resource_id')
    ? ['application_id']
    : names.filter((name) => !/^(hook_type|environment_id|project_id|organization_id)$/.test(name));
  return needed.map((name) => ` --${kindOf(name).flag} ${quote(kindOf(name).sample)}`).join('');
}

function requiredFlags(facts: OperationFacts): string {
  const fields = facts.body ?? [];
  const required = fields.filter(({ isRequired }) => isRequired);
  const shown = required.length > 0 ? required : fields.slice(0, 1);
  return shown.map((field) => flagWith(facts, field)).join('');
}

function firstFlag(facts: OperationFacts): string {
  const field = facts.body?.find(
    ({ name, types }) => types.includes('string') && exampleOf(facts, name) !== undefined,
  );
  return field ? flagWith(facts, field) : ' --file body.yaml';
}

function flagWith(facts: OperationFacts, field: Field): string {
  const value = exampleOf(facts, field.name) ?? field.values?.[0];
  const flag = flagFor(field);
  if (flag.endsWith('-file')) return ` --${flag} ${field.name.replaceAll('_', '-')}.txt`;
  if (field.types.includes('boolean')) return value === false ? ` --no-${flag}` : ` --${flag}`;
  if (field.types.includes('object') && typeof value === 'object' && value !== null) {
    const [name, inner] = Object.entries(value)[0] ?? ['name', 'value'];
    return ` --set ${field.name}.${name}=${quote(typeof inner === 'string' ? inner : JSON.stringify(inner))}`;
  }
  if (Array.isArray(value) && typeof value[0] !== 'object') return ` --${flag} ${quote(value.join(','))}`;
  return ` --${flag} ${quote(typeof value === 'object' ? JSON.stringify(value) : String(value ?? 'text'))}`;
}

function exampleOf({ example }: OperationFacts, name: string): unknown {
  if (typeof example !== 'object' || example === null || !Object.hasOwn(example, name)) return undefined;
  // Safe: an object with that name of its own.
  return (example as Record<string, unknown>)[name];
}

/** As a shell takes it. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The same for `hookline call`, where everything is called as the API calls it. */
export function examplesOfCall(facts: OperationFacts): string[] {
  const path = facts.path_parameters
    .filter(({ name }) => name !== 'environment_id')
    .map(({ name, values }) => ` --${name.replaceAll('_', '-')} ${values ? String(values[0]) : idOf(name)}`)
    .join('');
  const command = `hookline call ${facts.id}${path}`;
  if (facts.isList) return [command, `${command} --all`];
  return [facts.body ? `${command}${bodyFor(facts)}` : command];
}

function bodyFor(facts: OperationFacts): string {
  if (facts.body?.length === 0) return ' --file payload.json';
  return facts.example ? ` --body ${quote(JSON.stringify(facts.example))}` : ' --file body.json';
}

function idOf(name: string): string {
  const { isUuid } = kinds[name] ?? {};
  return isUuid ? '01938f2c-7b1d-7c5a-9f3e-6a4b2c1d0e9f' : '42';
}
