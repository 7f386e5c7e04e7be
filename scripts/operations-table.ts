import type { OperationFacts, Field } from '../sdk/src/operation-facts.ts';

type Schema = {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  description?: string;
  default?: unknown;
  format?: string;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
};
type Parameter = { name: string; in: string; required?: boolean; description?: string; schema?: Schema };
type Operation = {
  operationId: string;
  summary: string;
  description: string;
  tags: string[];
  security: object[];
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Record<string, { schema: Schema; example?: unknown }> };
  responses: Record<string, { content?: Record<string, unknown>; headers?: Record<string, unknown> }>;
};
type Document = {
  paths: Record<string, Record<string, object>>;
  components: { schemas: Record<string, object> };
};

/** The text of `sdk/src/generated/operations.gen.ts`: what a program needs that offers the operations to a person. */
export function operationsFile(document: Document): string {
  const rows = operationsOf(document).map((row) => `  ${JSON.stringify(row)},\n`);
  return `// Made from the OpenAPI document by npm run generate:sdk.
import type { OperationFacts } from '../operation-facts.ts';

export const operations: OperationFacts[] = [
${rows.join('')}];
`;
}

function operationsOf(document: Document): OperationFacts[] {
  const resolve = (schema: Schema): Schema => {
    const name = schema.$ref?.split('/').at(-1);
    if (name === undefined) return schema;
    // Safe: our own document; its components are schemas.
    const { $ref: _, ...beside } = schema;
    return { ...resolve(document.components.schemas[name] as Schema), ...beside };
  };
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, given]) => {
      // Safe: `operationOf` has made it.
      const operation = given as Operation;
      const { parameters = [], requestBody, responses } = operation;
      const json = requestBody?.content['application/json'];
      const success = Object.entries(responses).find(([status]) => status.startsWith('2'));
      const ofPlace = (place: string) =>
        parameters
          .filter((parameter) => parameter.in === place)
          .map(({ name, description, schema = {}, required = false }) =>
            fieldOf(name, { description, ...resolve(schema) }, required, resolve),
          );
      return {
        id: operation.operationId,
        method: method.toUpperCase(),
        path,
        summary: operation.summary,
        description: operation.description,
        tag: operation.tags[0] ?? '',
        permission: /Needs the permission `([a-z:-]+)`/.exec(operation.description)?.[1] ?? null,
        isPublic: operation.security.length === 0,
        isList: success?.[1].headers?.['link'] !== undefined,
        answers: Object.keys(success?.[1].content ?? {})[0] ?? null,
        path_parameters: ofPlace('path'),
        query_parameters: ofPlace('query'),
        body: json ? bodyOf(resolve(json.schema), resolve) : null,
        isBodyRequired: requestBody?.required ?? false,
        example: json?.example ?? null,
      };
    }),
  );
}

function bodyOf(schema: Schema, resolve: (schema: Schema) => Schema): Field[] {
  const all = [
    schema,
    ...[...(schema.allOf ?? []), ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].map(resolve),
  ];
  const fields = new Map<string, Field>();
  for (const part of all) {
    for (const [name, given] of Object.entries(part.properties ?? {})) {
      const isRequired = schema.required?.includes(name) ?? false;
      const field = fieldOf(name, resolve(given), isRequired, resolve);
      const before = fields.get(name);
      fields.set(name, before ? eitherOf(before, field) : field);
    }
  }
  return [...fields.values()];
}

/** A field that several forms of a body have: it may hold what any of them takes. */
function eitherOf(one: Field, other: Field): Field {
  const { values, ...rest } = one;
  if (!values || !other.values) return rest;
  return { ...rest, values: [...new Set([...values, ...other.values])] };
}

function fieldOf(
  name: string,
  schema: Schema,
  required: boolean,
  resolve: (schema: Schema) => Schema,
): Field {
  const variants = [schema, ...[...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].map(resolve)];
  const types = variants.flatMap(({ type, const: fixed }) =>
    fixed === undefined ? [type ?? []].flat() : [typeof fixed],
  );
  const values = variants.flatMap(({ enum: given = [], const: fixed }) =>
    fixed === undefined ? given : [fixed],
  );
  const items = schema.items ? resolve(schema.items) : undefined;
  return {
    name,
    types: [...new Set(types)].filter((type) => type !== 'null'),
    ...(items?.type ? { items: [items.type].flat()[0]! } : {}),
    isNullable: types.includes('null'),
    isRequired: required,
    description: schema.description ?? '',
    ...(values.some((value) => value !== null) ? { values: values.filter((value) => value !== null) } : {}),
    ...(schema.default === undefined ? {} : { default: schema.default }),
  };
}
