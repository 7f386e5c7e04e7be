/** JSON Schema of 2020-12, as far as our schemas use it. */
export type JsonSchema = {
  $ref?: string;
  title?: string;
  description?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  default?: unknown;
  examples?: unknown[];
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  properties?: Record<string, JsonSchema>;
  patternProperties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  required?: string[];
  items?: JsonSchema;
  minItems?: number;
  prefixItems?: JsonSchema[];
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  not?: JsonSchema;
};

/** The schemas that are described once and referred to, by name. */
export type SchemaComponents = Map<string, JsonSchema>;

const reference = '#/components/schemas/';

export function referTo(name: string): JsonSchema {
  return { $ref: reference + name };
}

/** The schema itself: what a reference refers to, else the given one. */
export function resolve(schema: JsonSchema, components: SchemaComponents): JsonSchema {
  if (schema.$ref === undefined) return schema;
  const found = components.get(schema.$ref.slice(reference.length));
  if (!found) throw new Error(`There is no schema ${schema.$ref}.`);
  return found;
}

export function isNull(schema: JsonSchema): boolean {
  return schema.type === 'null';
}
