import type { Content } from './collect-routes.ts';
import { exampleOf } from './example.ts';
import { hoist } from './hoist-schemas.ts';
import { isNull, type JsonSchema, type SchemaComponents } from './json-schema.ts';

type MediaType = { schema?: JsonSchema; example?: unknown };

/** The media types of a body or an answer with their schema and an example of it, which is made if none is given. */
export function mediaTypes(
  content: Content,
  subject: string,
  components: SchemaComponents,
  given?: unknown,
): Record<string, MediaType> {
  const byType = content.content ?? { 'application/json': { schema: content } };
  return Object.fromEntries(
    Object.entries(byType).map(([type, media]) => {
      const schema = hoist(media.schema, components);
      return [type, { schema, example: given ?? exampleOf(schema, [subject], components) }];
    }),
  );
}

/** A body that may be null may be left out, and without it the schema says more. */
export function splitNullable(body: Content): { schema: Content; required: boolean } {
  const others = body.anyOf?.filter((part) => !isNull(part)) ?? [];
  if (!body.anyOf || others.length === body.anyOf.length) return { schema: body, required: true };
  return { schema: others.length === 1 ? others[0]! : { ...body, anyOf: others }, required: false };
}
