import { enumerations, models } from './reference-shapes.ts';

/**
 * Each place where `value` departs from `type`, in the notation of reference-shapes.ts (`Server`, `HookRelation[]`),
 * as `path: reason`; empty when there is none. Throws on a type that nobody defined.
 */
export function shapeFaults(type: string, value: unknown): string[] {
  return faultsAt('', type, value);
}

function faultsAt(path: string, type: string, value: unknown): string[] {
  const choices = splitChoices(type);
  if (value === undefined) {
    return choices.includes('missing') ? [] : [`${path || 'value'}: is missing, wanted ${type}`];
  }
  // Like the client, take the choice that fits, else tell what is wrong with the one that fits best.
  const tries = choices
    .filter((choice) => choice !== 'missing')
    .map((choice) => faultsOfOne(path, choice, value))
    .sort((a, b) => rank(a) - rank(b) || a.length - b.length);
  const best = tries[0] ?? [];
  return isWrongKind(best) ? [`${path || 'value'}: is ${show(value)}, wanted ${type}`] : best;
}

/** A single fault that says no more than "not of this kind". */
const wrongKind: string[] = ['wrong kind'];
const isWrongKind = (faults: string[]): boolean => faults === wrongKind;
const rank = (faults: string[]): number => (faults.length === 0 ? 0 : isWrongKind(faults) ? 2 : 1);

function faultsOfOne(path: string, type: string, value: unknown): string[] {
  if (type.endsWith('[]')) {
    if (!Array.isArray(value)) return wrongKind;
    const item = type.slice(0, -2).replace(/^\((.*)\)$/, '$1');
    return value.flatMap((entry: unknown, index) => faultsAt(`${path}[${index}]`, item, entry));
  }
  const [, name = type, low, high] = /^(\w+)\((\d+)\.\.(\d+)\)$/.exec(type) ?? [];
  const check = primitives[name];
  if (check) {
    const measure = typeof value === 'string' ? value.length : Number(value);
    const isInside = low === undefined || (measure >= Number(low) && measure <= Number(high));
    return check(value) && isInside ? [] : wrongKind;
  }
  if (enumerations[name]) return enumerations[name].includes(value as string) ? [] : wrongKind;
  const model = models[name];
  if (model === undefined) throw new Error(`no shape is called ${name}`);
  if (typeof model === 'string') return faultsOfOne(path, model, value);
  if (!isObject(value)) return wrongKind;
  const prefix = path === '' ? '' : `${path}.`;
  return Object.entries(model).flatMap(([field, wanted]) =>
    faultsAt(`${prefix}${field}`, wanted, value[field]),
  );
}

/** At the `|` that stand outside of parentheses. */
function splitChoices(type: string): string[] {
  return type.match(/(\([^)]*\)|[^|(])+/g) ?? [];
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isoTime = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?$/;

const primitives: Readonly<Record<string, (value: unknown) => boolean>> = {
  any: () => true,
  null: (value) => value === null,
  bool: (value) => typeof value === 'boolean',
  int: Number.isInteger,
  number: (value) => typeof value === 'number',
  string: (value) => typeof value === 'string',
  time: (value) => typeof value === 'string' && isoTime.test(value) && !Number.isNaN(Date.parse(value)),
  object: isObject,
};

function show(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
