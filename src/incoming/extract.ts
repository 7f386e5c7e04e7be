import type { VariableValue } from '../actions/trigger.ts';
import { mostLevels, typeOf, type HookVariable, type VariableType } from '../hooks/definition.ts';
import { isDeeperThan, lookUp } from '../platform/dotted-path.ts';
import type { FieldError } from '../platform/errors.ts';

/** What paths look into. Header names are in lower case. */
export type PayloadSource = { payload: unknown; headers: Record<string, unknown> };

/** A value goes into the environment of a step, which the system limits. */
const mostValueBytes = 65_536;
const mostTotalBytes = 262_144;

/** The value at a path of the body, or with `$headers.` of a header. */
export function readPath(source: PayloadSource, path: string): unknown {
  const header = /^\$headers\.(.+)$/i.exec(path)?.[1];
  return header === undefined ? lookUp(source.payload, path) : readHeader(source, header);
}

export function readHeader({ headers }: PayloadSource, name: string): unknown {
  const key = name.toLowerCase();
  return Object.hasOwn(headers, key) ? headers[key] : undefined;
}

/**
 * Reads a hook's variables out of a request, with every fault at once. A value that is absent or null takes the
 * default; a required one without a default is a fault, and so is a value of another type, required or not.
 */
export function extractVariables(
  variables: HookVariable[],
  source: PayloadSource,
): { values: Record<string, VariableValue>; faults: FieldError[] } {
  const values = new Map<string, VariableValue>();
  const faults: FieldError[] = [];
  let total = 0;
  for (const variable of variables) {
    const { name } = variable;
    const type = typeOf(variable);
    const path = variable.path ?? name;
    const found = readPath(source, path);
    if (found === undefined || found === null) {
      const value = variable.default_value ?? null;
      values.set(name, value);
      if (value === null && variable.required) {
        faults.push({ field: name, message: `is required, but there is nothing at ${path}` });
      }
      continue;
    }
    if (!isOfType(found, type)) {
      faults.push({ field: name, message: `at ${path} must be of type ${type}, but is ${describe(found)}` });
      continue;
    }
    if (isDeeperThan(found, mostLevels)) {
      faults.push({ field: name, message: `at ${path} is nested more than ${mostLevels} levels deep` });
      continue;
    }
    const bytes = Buffer.byteLength(typeof found === 'string' ? found : JSON.stringify(found));
    total += bytes;
    if (bytes > mostValueBytes || total > mostTotalBytes) {
      faults.push({ field: name, message: `at ${path} is too large: ${bytes} bytes` });
      continue;
    }
    values.set(name, found);
  }
  // Unlike an assignment, this makes even `__proto__` a name like any other.
  return { values: Object.fromEntries(values), faults };
}

function isOfType(value: unknown, type: VariableType): value is NonNullable<VariableValue> {
  switch (type) {
    case 'string':
      return typeof value === 'string';
    case 'integer':
      return Number.isSafeInteger(value);
    case 'boolean':
      return typeof value === 'boolean';
    case 'array':
      return Array.isArray(value);
    default:
      return type satisfies never;
  }
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  return `${typeof value} ${JSON.stringify(value)?.slice(0, 60)}`;
}
