import type { ApiRoute } from './collect-routes.ts';
import { exampleOf } from './example.ts';
import { hoist } from './hoist-schemas.ts';
import type { JsonSchema, SchemaComponents } from './json-schema.ts';

export type Parameter = {
  name: string;
  in: 'path' | 'query' | 'header';
  description: string;
  required: boolean;
  schema: JsonSchema;
  example?: unknown;
};

/** What a parameter means, where its schema does not say it. */
const meanings: Record<string, string> = {
  page: 'Which page of the list, from 1.',
  per_page: 'How many entries a page has, at most 100; 20 if left out.',
  resource_type: 'What kind of resource.',
  resource_id: 'The id of the resource.',
  order: 'The position of the step, from 1.',
  hook_type: '`incoming` or `outgoing`.',
  child_type: 'What kind of resource the other end is.',
  child_id: 'The id of the other end.',
  token_id: 'The id of the token.',
  provider_code: 'Only those of this provider.',
  provider_type: 'Only those of this kind of provider.',
};

/** The parameters of the path, the query and the headers, in this order. */
export function parametersOf({ path, schema }: ApiRoute, components: SchemaComponents): Parameter[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  const make = (name: string, from: JsonSchema | undefined, place: Parameter['in']): Parameter => {
    const { description, ...rest } = from?.properties?.[name] ?? { type: 'string' };
    const hoisted = hoist(rest, components);
    // An optional parameter has no example: whoever tries the call out would send it.
    const required = place === 'path' || (from?.required?.includes(name) ?? false);
    return {
      name,
      in: place,
      description: aliasOf(name, from) ?? description ?? parameterMeaning(name),
      required,
      schema: hoisted,
      ...(required ? { example: exampleOf(hoisted, [name.replace(/_id$/, ''), name], components) } : {}),
    };
  };
  return [
    ...inPath.map((name) => make(name, schema.params, 'path')),
    ...Object.keys(schema.querystring?.properties ?? {}).map((name) =>
      make(name, schema.querystring, 'query'),
    ),
    ...Object.keys(schema.headers?.properties ?? {}).map((name) => make(name, schema.headers, 'header')),
  ];
}

/** `filter[status]` beside `status` is the same in the form of existing clients. */
function aliasOf(name: string, from: JsonSchema | undefined): string | undefined {
  const [, plain] = /^filter\[(\w+)\]$/.exec(name) ?? [];
  return plain !== undefined && from?.properties?.[plain] ? `The same as \`${plain}\`.` : undefined;
}

/** In a few words, by its name. */
export function parameterMeaning(name: string): string {
  const known = meanings[name];
  if (known !== undefined) return known;
  const words = name.replaceAll('_', ' ');
  return name.endsWith('_id') ? `The id of the ${words.slice(0, -3)}.` : `The ${words}.`;
}
