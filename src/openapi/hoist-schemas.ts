import { isDeepStrictEqual } from 'node:util';
import { referTo, type JsonSchema, type SchemaComponents } from './json-schema.ts';

const listsOfSchemas = ['anyOf', 'oneOf', 'allOf', 'prefixItems'] as const;
const mapsOfSchemas = ['properties', 'patternProperties'] as const;
const singleSchemas = ['items', 'additionalProperties', 'not'] as const;

/** How TypeBox writes "any key". */
const anyKey = '^.*$';

/**
 * A copy of the schema in which each part with a title is a reference to the component of that name, which is added to
 * `components`. Throws when two schemas of one title differ, since a client can have one type of a name only.
 */
export function hoist(schema: JsonSchema, components: SchemaComponents): JsonSchema {
  const copy: JsonSchema = { ...withoutMarks(schema) };
  for (const keyword of listsOfSchemas) {
    if (copy[keyword]) copy[keyword] = copy[keyword].map((part) => hoist(part, components));
  }
  for (const keyword of mapsOfSchemas) {
    if (!copy[keyword]) continue;
    const parts = Object.entries(copy[keyword]).map(([key, part]) => [key, hoist(part, components)]);
    copy[keyword] = Object.fromEntries(parts) as Record<string, JsonSchema>;
  }
  for (const keyword of singleSchemas) {
    const part = copy[keyword];
    if (typeof part === 'object') copy[keyword] = hoist(part, components);
  }
  const open = withPlainKeys(copy);
  return open.title === undefined ? open : addComponent(open.title, open, components);
}

/** The marks by which TypeBox knows its own schemas are nobody else's. */
function withoutMarks(schema: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(schema).filter(([keyword]) => !keyword.startsWith('~')));
}

/** Generators know `additionalProperties` better than a pattern that every key matches. */
function withPlainKeys({ patternProperties, ...rest }: JsonSchema): JsonSchema {
  if (!patternProperties) return rest;
  const { [anyKey]: any, ...others } = patternProperties;
  if (!any || Object.keys(others).length > 0) return { ...rest, patternProperties };
  return { ...rest, additionalProperties: any };
}

function addComponent(title: string, schema: JsonSchema, components: SchemaComponents): JsonSchema {
  if (!/^[A-Za-z][A-Za-z0-9]*$/.test(title))
    throw new Error(`A schema's title is a type's name: "${title}".`);
  const known = components.get(title);
  if (known && !isDeepStrictEqual(known, schema))
    throw new Error(`Two schemas are titled ${title}, and they are not the same.`);
  components.set(title, schema);
  return referTo(title);
}
