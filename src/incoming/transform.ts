import type { Transform } from '../hooks/definition.ts';
import { linearExpression } from '../platform/linear-expression.ts';
import type { Effort } from '../platform/effort.ts';

/**
 * What becomes of a text, in this order: a prefix is taken off, the capture of an expression taken out, capitals made small,
 * and what then is a key of the map becomes its value. Null when the expression does not match.
 */
function transformText(transform: Transform, text: string): string | null {
  const { strip_prefix, capture, lower_case, map } = transform;
  const prefixes = typeof strip_prefix === 'string' ? [strip_prefix] : (strip_prefix ?? []);
  const prefix = prefixes.find((one) => text.startsWith(one)) ?? '';
  let result: string | null = text.slice(prefix.length);
  if (typeof capture === 'string') result = linearExpression(capture).capture(result);
  if (result === null) return null;
  if (lower_case === true) result = result.toLowerCase();
  return map && Object.hasOwn(map, result) ? map[result]! : result;
}

/**
 * Transforms a value: a number or a boolean as it is written, and of a list each item by itself, unless it is to become
 * JSON. Undefined when nothing is
 * left.
 */
export function transformValue(transform: Transform, value: unknown, effort?: Effort): unknown {
  if (transform.json === true && typeof value === 'object' && value !== null)
    return transformValue(transform, JSON.stringify(value), effort);
  if (Array.isArray(value)) {
    const items = value.flatMap((item) => {
      const result = transformValue(transform, item, effort);
      return result === undefined ? [] : [result];
    });
    return items.length === 0 ? undefined : items;
  }
  if (value === null || typeof value === 'object' || value === undefined) return value;
  const text = String(value);
  effort?.spend(1 + text.length / 16);
  return transformText(transform, text) ?? undefined;
}
