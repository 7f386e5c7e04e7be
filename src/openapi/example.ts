import { exampleValues } from './example-values.ts';
import { isNull, resolve, type JsonSchema, type SchemaComponents } from './json-schema.ts';

/**
 * A value that the schema allows, as much like a real one as the table of values by name makes it. `names` leads from
 * the subject of the operation to the value, such as `['project', 'created_by_user', 'name']`.
 */
export function exampleOf(schema: JsonSchema, names: string[], components: SchemaComponents): unknown {
  const plain = resolve(schema, components);
  if (plain.examples) return plain.examples[0];
  if ('const' in plain) return plain.const;
  const known = exampleValues(names)?.find((value) => fits(value, plain, components));
  if (known !== undefined) return known;
  if (plain.default !== undefined) return plain.default;
  if (plain.enum) return plain.enum[0];
  const choices = plain.anyOf ?? plain.oneOf;
  if (choices) return exampleOf(choices.find((choice) => !isNull(choice)) ?? choices[0]!, names, components);
  if (plain.allOf)
    return Object.assign({}, ...plain.allOf.map((part) => exampleOf(part, names, components) as object));
  return byType(plain, names, components);
}

function byType(schema: JsonSchema, names: string[], components: SchemaComponents): unknown {
  switch ([schema.type].flat()[0]) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {})
          .filter(([key]) => schema.required?.includes(key) || exampleValues([...names, key]) !== null)
          .map(([key, part]) => [key, exampleOf(part, [...names, key], components)]),
      );
    case 'array':
      return isOpen(schema.items) ? [] : [exampleOf(schema.items!, names, components)];
    case 'integer':
    case 'number':
      return Math.max(schema.minimum ?? 1, Math.min(1, schema.maximum ?? 1));
    case 'boolean':
      return true;
    case 'string':
      return names.at(-1)?.replaceAll('_', ' ') ?? 'text';
    case 'null':
      return null;
    default:
      return {};
  }
}

/** Whether nothing is said of the items, as in a list that is always empty. */
function isOpen(items: JsonSchema | undefined): boolean {
  return !items || Object.keys(items).length === 0;
}

/** Whether a value of the table may stand here. */
function fits(value: unknown, schema: JsonSchema, components: SchemaComponents): boolean {
  const plain = resolve(schema, components);
  const choices = plain.anyOf ?? plain.oneOf;
  if (choices) return choices.some((choice) => fits(value, choice, components));
  if (plain.enum) return plain.enum.includes(value);
  if ('const' in plain) return plain.const === value;
  if (plain.type !== undefined && ![plain.type].flat().some((type) => isOfType(value, type))) return false;
  if (typeof value === 'number')
    return value >= (plain.minimum ?? value) && value <= (plain.maximum ?? value);
  if (typeof value === 'string') return textFits(value, plain);
  if (Array.isArray(value)) return value.every((item) => fits(item, plain.items ?? {}, components));
  return typeof value !== 'object' || value === null || objectFits(value, plain, components);
}

function textFits(
  value: string,
  { minLength = 0, maxLength = Infinity, pattern, format }: JsonSchema,
): boolean {
  if (format === 'uuid' && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value)) return false;
  if (value.length < minLength || value.length > maxLength) return false;
  return pattern === undefined || new RegExp(pattern, 'u').test(value);
}

function objectFits(value: object, schema: JsonSchema, components: SchemaComponents): boolean {
  if (schema.required?.some((key) => !Object.hasOwn(value, key))) return false;
  const others = schema.additionalProperties ?? !schema.properties;
  return Object.entries(value).every(([key, part]) => {
    const own = schema.properties?.[key] ?? others;
    return typeof own === 'boolean' ? own : fits(part, own, components);
  });
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}
