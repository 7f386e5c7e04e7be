import type { Command, Option } from 'commander';
import { createHooklineClient } from '#sdk';
import { findConnection } from './connection.ts';
import { findEnvironment, listEnvironments } from './environment.ts';
import { plain, type Io } from './io.ts';
import { kinds, type Kind } from './kinds.ts';
import { itemsOf, valueAt } from './lookup.ts';

type Candidate = { text: string; about: string };

/** A shell waits for the answer. */
const mostMs = 1500;
const mostNames = 200;

/**
 * Prints how a line can go on, a candidate in each line with what it means behind a tab. The last of `words` is the one
 * that is being typed. Prints nothing where a file is wanted, and never an error.
 */
export async function complete(program: Command, words: readonly string[], io: Io): Promise<void> {
  const typed = words.at(-1) ?? '';
  const found = await candidates(program, words.slice(0, -1), typed, io).catch(() => []);
  for (const { text, about } of found) {
    // What would steer a terminal, or be two lines, is not offered.
    if (text.startsWith(typed) && text === plain(text)) io.stdout(`${text}\t${plain(about)}\n`);
  }
}

async function candidates(program: Command, before: string[], typed: string, io: Io): Promise<Candidate[]> {
  const { command, position, open, given } = walk(program, before);
  if (open) {
    if (open.argChoices) return open.argChoices.map((text) => ({ text, about: '' }));
    return open.flags.includes('id or name') ? await names(kindOfFlag(open), given, io) : [];
  }
  if (typed.startsWith('-')) {
    const options = [...command.options, ...(command === program ? [] : program.options)];
    return options
      .filter(({ hidden, long }) => !hidden && long && !given.has(long))
      .map(({ long, description }) => ({ text: long ?? '', about: firstSentence(description) }));
  }
  const commands = command.commands.map((one) => ({ text: one.name(), about: one.description() }));
  if (commands.length > 0)
    return command === program ? [...commands, { text: 'help', about: 'show help' }] : commands;
  const argument = command.registeredArguments[position];
  if (!argument) return [];
  const choices =
    argument.argChoices ??
    (/^\w+ or \w+$/.test(argument.description) && argument.description !== 'id or name'
      ? argument.description.split(' or ')
      : null);
  if (choices) return choices.map((text) => ({ text, about: '' }));
  const kind = Object.entries(kinds).find(([, one]) => one.noun === argument.name());
  return kind && /name/.test(argument.description) ? await names(kind, given, io) : [];
}

/** Which command a line has come to, at which of its arguments, and whose value comes next. */
function walk(program: Command, words: string[]) {
  let command = program;
  let position = 0;
  let open: Option | undefined;
  const given = new Map<string, string>();
  for (const word of words) {
    if (open) {
      given.set(open.long ?? '', word);
      open = undefined;
    } else if (word.startsWith('-')) {
      const [flag = '', value] = word.split('=');
      const option = [...command.options, ...program.options].find(
        ({ long, short }) => long === flag || short === flag,
      );
      given.set(option?.long ?? flag, value ?? '');
      if (option?.required && value === undefined) open = option;
    } else {
      const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
      if (next) command = next;
      else if (word !== 'help') position += 1;
    }
  }
  return { command, position, open, given };
}

function kindOfFlag({ long }: Option): [string, Kind] | undefined {
  return Object.entries(kinds).find(([, kind]) => `--${kind.flag}` === long);
}

/** What things of a kind are called, asked of the server. */
async function names(
  found: [string, Kind] | undefined,
  given: Map<string, string>,
  io: Io,
): Promise<Candidate[]> {
  if (!found) return [];
  const [parameter, kind] = found;
  const connection = await findConnection(
    {
      profile: given.get('--profile'),
      url: given.get('--url'),
      token: given.get('--token'),
      environment: given.get('--environment'),
    },
    io.env,
  );
  const signal = AbortSignal.timeout(mostMs);
  const client = createHooklineClient({
    baseUrl: `${connection.url}/api`,
    token: connection.token,
    fetch: (input, init) => fetch(input, { ...init, signal, redirect: 'error' }),
  });
  if (parameter === 'environment_id')
    return (await listEnvironments(client)).map(({ name, project }) => ({ text: name, about: project }));
  const source = async (name: string) => {
    if (name === 'environment_id') return await findEnvironment(client, connection);
    throw new Error(`${name} is not known here`);
  };
  const candidates: Candidate[] = [];
  for await (const item of itemsOf(client, kind, source)) {
    const text = valueAt(item, kind.names?.[0] ?? 'id');
    if (typeof text === 'string')
      candidates.push({ text, about: `${kind.noun} ${String(valueAt(item, kind.id ?? 'id'))}` });
    if (candidates.length >= mostNames) break;
  }
  return candidates;
}

function firstSentence(text: string): string {
  return text.replace(/(?<=[.;]) [\s\S]*/, '');
}
