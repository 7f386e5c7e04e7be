import type { VariableValue } from '../actions/trigger.ts';
import {
  mostLevels,
  mostValueBytes,
  typeOf,
  type HookVariable,
  type VariableType,
} from '../hooks/definition.ts';
import { isDeeperThan } from '../platform/dotted-path.ts';
import { longStep } from '../platform/effort.ts';
import type { FieldError } from '../platform/errors.ts';
import { exactInteger } from '../platform/exact-json.ts';
import { isAlwaysText, isSecretPath, readFirst, type PayloadSource } from './paths.ts';
import { transformValue } from './transform.ts';

const mostTotalBytes = 262_144;

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
    const paths = variablePaths(variable);
    const { path, value: found, isLeft } = readVariable(variable, paths, type, source);
    if (found === undefined || found === null) {
      const value = variable.default_value ?? null;
      values.set(name, value);
      if (value === null && variable.required) {
        const message = isLeft
          ? `is required, but of what is at ${path} its transform leaves nothing`
          : `is required, but there is nothing at ${placesOf(paths)}`;
        faults.push({ field: name, message });
      }
      continue;
    }
    if (!isOfType(found, type)) {
      const is = isSecretPath(path) ? 'a text that is not shown' : describe(found);
      faults.push({ field: name, message: `at ${path} must be of type ${type}, but is ${is}` });
      continue;
    }
    // What follows walks through all of it, however large it is.
    if (typeof found === 'object') source.effort?.spend(longStep);
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

const mostPlacesTold = 5;

function placesOf(paths: string[]): string {
  const [told, others] = [paths.slice(0, mostPlacesTold), paths.length - mostPlacesTold];
  return told.join(', nor at ') + (others > 0 ? `, nor at ${others} other places` : '');
}

/** Where a variable may stand: the first place that holds anything counts. */
export function variablePaths({ name, path, fallback_paths }: HookVariable): string[] {
  return [path ?? name, ...(fallback_paths ?? [])];
}

/**
 * What is there, transformed, and as its type where it was text by nature. `isLeft`: there is something, of which its
 * transform leaves nothing.
 */
function readVariable(
  { transform }: HookVariable,
  paths: string[],
  type: VariableType,
  source: PayloadSource,
): { path: string; value: unknown; isLeft?: boolean } {
  // Too deep a value would be walked for nothing.
  if (!transform) {
    const { path, value } = readFirst(source, paths);
    return { path, value: isAlwaysText(source, path) ? fromText(value, type) : value };
  }
  let left: string | undefined;
  for (const path of paths) {
    const { value } = readFirst(source, [path]);
    if (typeof value === 'object') source.effort?.spend(longStep);
    if (value === undefined) continue;
    if (isDeeperThan(value, mostLevels)) return { path, value };
    const transformed = transformValue(transform, value, source.effort);
    left ??= path;
    if (transformed === undefined) continue;
    const one = Array.isArray(transformed) && type !== 'array' ? (transformed as unknown[])[0] : transformed;
    return { path, value: fromText(one, type) };
  }
  return { path: left ?? paths[0]!, value: undefined, isLeft: left !== undefined };
}

/** A header holds `42`, not 42: what reads as the type wanted becomes it. */
function fromText(value: unknown, type: VariableType): unknown {
  if (typeof value !== 'string') return value;
  if (type === 'integer') return exactInteger(value) ?? value;
  if (type === 'boolean' && /^(true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  return value;
}

function isOfType(value: unknown, type: VariableType): value is NonNullable<VariableValue> {
  switch (type) {
    case 'string':
      return typeof value === 'string';
    case 'integer':
      return Number.isSafeInteger(value) || typeof value === 'bigint';
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
  if (typeof value === 'number' || typeof value === 'bigint') return `number ${String(value)}`;
  return `${typeof value} ${JSON.stringify(value)?.slice(0, 60)}`;
}
