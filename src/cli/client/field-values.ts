import { readFile } from 'node:fs/promises';
import type { Field } from '#sdk/operations';
import { CliFault } from './fault.ts';
import type { Io } from './io.ts';
import { momentOf } from './moment.ts';

/** `default_branch` and `filter[name]` as a person types them: `default-branch`, `name`. */
export function flagOf(field: string): string {
  return field
    .replace(/^filter\[(\w+)\]$/, '$1')
    .replaceAll('_', '-')
    .toLowerCase();
}

/** Of an option that can be given more than once: all of them. */
export function collect(text: string, texts: string[] = []): string[] {
  return [...texts, text];
}

/** What a text means for a field. Throws a CliFault that names the flag. */
export function parseValue(
  field: Field,
  text: string,
  { flag = `--${flagOf(field.name)}`, now = Date.now() }: { flag?: string; now?: number } = {},
): unknown {
  const { name, types, isNullable } = field;
  if (isNullable && text === 'null') return null;
  // `--since 2h`, `--expires-at 90d`: times of the past, unless something is to end.
  if (isTime.test(name) && isSpan.test(text)) {
    const span = now - momentOf(text, now).getTime();
    return new Date(name === 'expires_at' ? now + span : now - span).toISOString();
  }
  if (types.includes('array')) return parseArray(field, text, flag);
  if (types.includes('integer') || types.includes('number')) {
    const number = Number(text);
    const isFine = types.includes('integer') ? Number.isSafeInteger(number) : Number.isFinite(number);
    if (text.trim() !== '' && isFine) return number;
    throw new CliFault(
      `${flag} is a ${types.includes('integer') ? 'whole ' : ''}number, not "${text}".`,
      'usage',
    );
  }
  if (types.includes('boolean')) {
    if (text === 'true') return true;
    if (text === 'false') return false;
    throw new CliFault(`${flag} is true or false, not "${text}".`, 'usage');
  }
  if (types.includes('object')) {
    const value = jsonOf(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
    throw new CliFault(`${flag} is an object in JSON, such as '{"a": 1}'.`, 'usage');
  }
  return types.length === 0 ? jsonOrText(text) : text;
}

const isTime = /^since$|_(at|from|to)$/;
const isSpan = /^\d+\s*(s|m|min|h|d)$/;

function parseArray(field: Field, text: string, flag: string): unknown[] {
  const json = text.startsWith('[') ? jsonOf(text) : undefined;
  if (Array.isArray(json)) return json;
  if (field.items === 'object')
    throw new CliFault(`${flag} is an array in JSON, such as '[{"a": 1}]'.`, 'usage');
  const one: Field = { ...field, types: field.items ? [field.items] : [], isNullable: false };
  return text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
    .map((part) => parseValue(one, part, { flag }));
}

/** JSON if it is that, and otherwise the text itself. */
export function jsonOrText(text: string): unknown {
  const value = jsonOf(text);
  return value === undefined ? text : value;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The content of a file, or of standard input for `-`. Throws a CliFault. */
export async function readSource(path: string, io: Pick<Io, 'readInput'>): Promise<string> {
  if (path === '-') return await io.readInput();
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** Why a file that the person names cannot be read. */
export function unreadable(path: string, error: unknown): CliFault {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return new CliFault(
    code === 'ENOENT' ? `There is no file ${path}.` : `${path} cannot be read (${code}).`,
    'usage',
  );
}

/** Puts a value at `settings.headers.0.name` of a body. Throws a CliFault where that leads through a value. */
export function setAt(body: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split('.');
  const last = names.pop() ?? '';
  if (last === '' || names.includes('') || [...names, last].includes('__proto__'))
    throw new CliFault(`--set ${path}: give the place as name.name=value.`, 'usage');
  let place: Record<string, unknown> | unknown[] = body;
  for (const [at, name] of names.entries()) {
    const next: unknown = getOwn(place, name);
    if (next === undefined) {
      const made: Record<string, unknown> | unknown[] = /^\d+$/.test(names[at + 1] ?? last) ? [] : {};
      setOwn(place, name, made, path);
      place = made;
    } else if (typeof next === 'object' && next !== null) {
      // Safe: an object is one or the other.
      place = next as Record<string, unknown> | unknown[];
    } else
      throw new CliFault(`--set ${path}: ${names.slice(0, at + 1).join('.')} is a value already.`, 'usage');
  }
  setOwn(place, last, value, path);
}

function getOwn(place: Record<string, unknown> | unknown[], name: string): unknown {
  if (Array.isArray(place)) return place[Number(name)];
  return Object.hasOwn(place, name) ? place[name] : undefined;
}

function setOwn(
  place: Record<string, unknown> | unknown[],
  name: string,
  value: unknown,
  path: string,
): void {
  if (!Array.isArray(place)) {
    place[name] = value;
    return;
  }
  if (!/^\d+$/.test(name) || Number(name) > place.length)
    throw new CliFault(`--set ${path}: the items of a list are numbered from 0, without gaps.`, 'usage');
  place[Number(name)] = value;
}
