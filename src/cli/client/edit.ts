import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { HooklineError } from '#sdk';
import type { OperationFacts } from '#sdk/operations';
import type { ClientContext } from './context.ts';
import { CliFault } from './fault.ts';
import { callOperation, factsOf } from './operation.ts';
import { valueAt } from './lookup.ts';

type Item = Record<string, unknown>;
type Reads = { operation: string; items?: string };

/**
 * Changes an object: to what `given` says, or by hand in the editor of the person, with what the server has against it
 * as comments until it takes it. Only what was changed is sent. Gives false when nothing was.
 */
export async function editObject(
  context: ClientContext,
  facts: OperationFacts,
  reads: Reads,
  path: Item,
  given: Item | null,
): Promise<boolean> {
  const read = factsOf(reads.operation);
  const before = changeable(facts, await readObject(context, read, reads, path));
  if (given) {
    const change = changeOf(facts, before, { ...before, ...given });
    if (change) await callOperation(context.client, facts, { path, body: change });
    return change !== null;
  }
  if (!context.io.isTerminal)
    throw new CliFault(
      'There is no terminal for an editor: say what to change by flags, --set or --file.',
      'usage',
    );
  return await editByHand(context, facts, path, before);
}

async function editByHand(
  context: ClientContext,
  facts: OperationFacts,
  path: Item,
  before: Item,
): Promise<boolean> {
  const { parse, stringify } = await import('yaml');
  const folder = await mkdtemp(join(tmpdir(), 'hookline-edit-'));
  const file = join(folder, 'edit.yaml');
  let text = header(facts, before) + stringify(before);
  let faults: string[] = [];
  let isKept = false;
  try {
    for (;;) {
      const shown = faults.map((line) => `# ${line}\n`).join('') + text;
      await writeFile(file, shown, { mode: 0o600 });
      await openEditor(file, context);
      const written = await readFile(file, 'utf8');
      if (faults.length > 0 && written === shown)
        throw new CliFault(`Nothing was changed. ${faults.join(' ')}`);
      text = withoutFaults(written, faults);
      if (text.trim() === '') return false;
      let after: unknown;
      try {
        after = parse(text);
      } catch (error) {
        faults = refusal([error instanceof Error ? error.message : String(error)]);
        continue;
      }
      if (typeof after !== 'object' || after === null || Array.isArray(after)) {
        if (after === null) return false;
        faults = refusal(['This is no list of fields with their values.']);
        continue;
      }
      const unknown = Object.keys(after).filter((name) => !facts.body?.some((field) => field.name === name));
      if (unknown.length > 0) {
        faults = refusal(unknown.map((name) => `${name}: cannot be changed`));
        continue;
      }
      // Safe: an object, as the lines above have asked.
      const change = changeOf(facts, before, after as Item);
      if (!change) return false;
      try {
        isKept = true;
        await callOperation(context.client, facts, { path, body: change });
        isKept = false;
        return true;
      } catch (error) {
        if (!(error instanceof HooklineError) || ![400, 409, 413, 422].includes(error.status)) throw error;
        isKept = false;
        faults = refusal([
          error.message,
          ...Object.entries(error.faultsByField).map(([name, why]) => `${name}: ${why}`),
        ]);
      }
    }
  } finally {
    if (isKept) context.out.note(`What you have written is kept in ${file}`);
    else await rm(folder, { recursive: true, force: true });
  }
}

async function readObject(
  { client }: ClientContext,
  read: OperationFacts,
  { items }: Reads,
  path: Item,
): Promise<unknown> {
  const names = new Set(read.path_parameters.map(({ name }) => name));
  const { data } = await callOperation(client, read, {
    path: Object.fromEntries(Object.entries(path).filter(([name]) => names.has(name))),
  });
  if (items === undefined) return data;
  const id = Object.entries(path).find(([name]) => !names.has(name))?.[1];
  const list = valueAt(data, items);
  const item: unknown = Array.isArray(list) ? list.find((one) => valueAt(one, 'id') === id) : undefined;
  if (item === undefined) throw new CliFault(`There is no such thing with the id ${String(id)}.`, 'notFound');
  return item;
}

/** The fields that a change may have, as they are now; what the server does not show is left out. */
function changeable({ body }: OperationFacts, object: unknown): Item {
  const fields: Item = {};
  for (const { name } of body ?? []) {
    const value =
      valueAt(object, name) ??
      (name.endsWith('_id') ? valueAt(object, `${name.slice(0, -3)}.id`) : undefined);
    if (value !== undefined) fields[name] = value;
    else if (valueAt(object, name) === null) fields[name] = null;
  }
  return fields;
}

/** What is another than before, with what a change must always have; null when all is the same. */
function changeOf({ body }: OperationFacts, before: Item, after: Item): Item | null {
  const change: Item = {};
  let isChanged = false;
  for (const [name, value] of Object.entries(after)) {
    const isSame = isDeepStrictEqual(value, before[name]);
    isChanged ||= !isSame;
    if (!isSame || body?.some((field) => field.name === name && field.isRequired)) change[name] = value;
  }
  return isChanged ? change : null;
}

function header({ summary, body }: OperationFacts, shown: Item): string {
  const hidden = (body ?? []).filter(({ name }) => !(name in shown)).map(({ name }) => name);
  return [
    `# ${summary}. Save and close to change it; close it as it is, or empty, to change nothing.`,
    ...(hidden.length > 0
      ? [`# Not shown, and as they are unless they stand here: ${hidden.join(', ')}`]
      : []),
    '',
  ].join('\n');
}

function refusal(lines: string[]): string[] {
  return [
    'NOT CHANGED YET:',
    ...lines
      .flatMap((text) => text.split('\n'))
      .filter((line) => line.trim() !== '')
      .map((line) => `  ${line}`),
  ];
}

function withoutFaults(text: string, faults: string[]): string {
  const lines = new Set(faults.map((line) => `# ${line}`));
  return text
    .split('\n')
    .filter((line) => !lines.has(line))
    .join('\n');
}

/** As git does: `$VISUAL`, then `$EDITOR`, with arguments if it has some. */
async function openEditor(file: string, { io, out, signal }: ClientContext): Promise<void> {
  const editor = io.env['VISUAL'] || io.env['EDITOR'] || (process.platform === 'win32' ? 'notepad' : 'vi');
  out.progress('');
  const child = spawn(`${editor} "$HOOKLINE_EDITED_FILE"`, {
    shell: true,
    stdio: 'inherit',
    env: { ...io.env, HOOKLINE_EDITED_FILE: file },
    signal,
  });
  // Safe: what the event `close` gives.
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0)
    throw new CliFault(`The editor "${editor}" ended with ${code ?? 'a signal'}; nothing was changed.`);
}
