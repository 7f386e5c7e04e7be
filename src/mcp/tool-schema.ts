import type { ApiRoute, Content } from '../openapi/collect-routes.ts';
import { isNull, type JsonSchema } from '../openapi/json-schema.ts';
import { parameterMeaning } from '../openapi/parameters.ts';

/** Where the value of an argument goes: which part of the request, and under which name. */
export type Place = { in: 'path' | 'query' | 'body'; name: string };

export type ObjectSchema = JsonSchema & { type: 'object'; properties: Record<string, JsonSchema> };

/** A list asked for by a model: small unless it says otherwise, since all of it is read. */
export const defaultPageSize = 10;

/**
 * The arguments of an operation as one flat object: those of its path, its query and its body, of which `bodyTitle` chooses
 * one where there are several. What `fixed` decides is no argument. Throws when two parts have one name.
 */
export function inputOf(
  route: ApiRoute,
  {
    fixed = {},
    renamed = {},
    bodyTitle,
  }: { fixed?: Record<string, string>; renamed?: Record<string, string>; bodyTitle?: string },
): { schema: ObjectSchema; places: Record<string, Place> } {
  const { params, querystring, body } = route.schema;
  const properties: Record<string, JsonSchema> = {};
  const places: Record<string, Place> = {};
  const required: string[] = [];
  const add = (name: string, schema: JsonSchema, place: Place, isRequired: boolean) => {
    if (Object.hasOwn(places, name))
      throw new Error(`${route.schema.operationId} has two arguments named ${name}.`);
    properties[name] = schema;
    places[name] = place;
    if (isRequired) required.push(name);
  };
  for (const [, name = ''] of route.path.matchAll(/\{(\w+)\}/g)) {
    if (Object.hasOwn(fixed, name)) continue;
    const schema = plain(params?.properties?.[name] ?? { type: 'string' });
    const shown = renamed[name] ?? name;
    add(shown, { description: parameterMeaning(shown), ...schema }, { in: 'path', name }, true);
  }
  for (const [name, schema] of Object.entries(querystring?.properties ?? {})) {
    // Names with brackets are those of existing clients; models' providers take none.
    const [, filtered] = /^filter\[(\w+)\]$/.exec(name) ?? [];
    if (filtered !== undefined && querystring?.properties?.[filtered]) continue;
    if (Object.hasOwn(fixed, name)) continue;
    const isRequired = querystring?.required?.includes(name) ?? false;
    add(filtered ?? name, shownQuery(name, plain(schema)), { in: 'query', name }, isRequired);
  }
  const { schema: given, isRequired: isBodyRequired } = chosenBody(body, bodyTitle);
  for (const [name, schema] of Object.entries(given?.properties ?? {})) {
    const isRequired = isBodyRequired && (given?.required?.includes(name) ?? false);
    add(name, plain(schema), { in: 'body', name }, isRequired);
  }
  const schema: ObjectSchema = {
    type: 'object',
    properties,
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
  };
  return { schema, places };
}

function shownQuery(name: string, schema: JsonSchema): JsonSchema {
  if (name !== 'per_page') return schema;
  return {
    ...schema,
    default: defaultPageSize,
    description: `From 1 to 100; ${defaultPageSize} if left out.`,
  };
}

function chosenBody(
  body: Content | undefined,
  title: string | undefined,
): { schema: JsonSchema | null; isRequired: boolean } {
  if (!body) return { schema: null, isRequired: false };
  if (!body.anyOf) return { schema: body, isRequired: true };
  const bodies = body.anyOf.filter((part) => !isNull(part));
  const isRequired = bodies.length === body.anyOf.length;
  const chosen = title === undefined ? bodies : bodies.filter((part) => part.title === title);
  if (chosen.length !== 1) throw new Error(`One of ${bodies.map((part) => part.title)} has to be chosen.`);
  return { schema: chosen[0]!, isRequired };
}

/** What a call answers, and how its schema says so; every one is an object, as the protocol wants it. */
export type Answer = 'list' | 'object' | 'done';

const nextPage: JsonSchema = {
  anyOf: [{ type: 'integer' }, { type: 'null' }],
  description: 'Ask for it with `page`; null on the last one.',
};
const actionId: JsonSchema = { type: 'integer', description: 'The action that this has started.' };

/** The schema of the structured answer. An action that the call starts is named in it. */
export function outputOf(route: ApiRoute): { kind: Answer; schema: ObjectSchema } {
  const successes = Object.entries(route.schema.response ?? {})
    .filter(([status]) => status.startsWith('2'))
    .map(([, content]) => content);
  const [first] = successes;
  if (!first || isNull(first)) {
    const properties = {
      done: { type: 'boolean', description: 'Always true: what was refused is an error.' },
      ...(route.config.startsAction ? { action_id: actionId } : {}),
    };
    return { kind: 'done', schema: { type: 'object', properties, required: ['done'] } };
  }
  if (first.type === 'array') {
    const properties = {
      items: { type: 'array', items: shallow(plain(first.items ?? {})) },
      next_page: nextPage,
    };
    return { kind: 'list', schema: { type: 'object', properties, required: ['items', 'next_page'] } };
  }
  const all = successes.map((content) => shallow(plain(content)));
  const properties = Object.assign(
    {},
    ...all.map((schema) => schema.properties ?? {}),
  ) as ObjectSchema['properties'];
  const required = (all[0]!.required ?? []).filter((name) =>
    all.every((schema) => schema.required?.includes(name)),
  );
  return {
    kind: 'object',
    schema: { type: 'object', properties, ...(required.length > 0 ? { required } : {}) },
  };
}

/** The schema in the words of JSON Schema alone, without references, titles and marks of the library that it is made by. */
function plain(schema: JsonSchema): JsonSchema {
  const copy = Object.fromEntries(
    Object.entries(schema)
      .filter(([keyword]) => !keyword.startsWith('~') && keyword !== 'title' && keyword !== 'examples')
      .map(([keyword, value]) => [keyword, mapSchemas(keyword, value, plain)]),
  ) as JsonSchema;
  const { patternProperties, ...rest } = copy;
  const any = patternProperties?.['^.*$'];
  return any ? { ...rest, additionalProperties: any } : copy;
}

/** The schemas that a keyword holds, each made anew by `change`. */
function mapSchemas(keyword: string, value: unknown, change: (schema: JsonSchema) => JsonSchema): unknown {
  // Safe: these keywords hold schemas, a list of them, or a map of them.
  switch (keyword) {
    case 'properties':
    case 'patternProperties':
      return Object.fromEntries(
        Object.entries(value as Record<string, JsonSchema>).map(([name, part]) => [name, change(part)]),
      );
    case 'anyOf':
    case 'oneOf':
    case 'allOf':
    case 'prefixItems':
      return (value as JsonSchema[]).map((part) => change(part));
    case 'items':
    case 'not':
    case 'additionalProperties':
      return typeof value === 'object' ? change(value as JsonSchema) : value;
    default:
      return value;
  }
}

/**
 * Of an answer, its objects to this depth; what lies deeper is any object. A model sees the answer itself, and the whole of
 * the schemas would be most of what a list of tools says.
 */
const shownDepth = 2;

function shallow(schema: JsonSchema, depth = 0): JsonSchema {
  const isObject = schema.properties !== undefined || schema.additionalProperties !== undefined;
  if (isObject && depth >= shownDepth) {
    const { description } = schema;
    return { type: 'object', ...(description === undefined ? {} : { description }) };
  }
  const inner = isObject ? depth + 1 : depth;
  return Object.fromEntries(
    Object.entries(schema).map(([keyword, value]) => [
      keyword,
      mapSchemas(keyword, value, (part) => shallow(part, inner)),
    ]),
  );
}
