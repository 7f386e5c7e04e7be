import { Ajv, type Options } from 'ajv';
import fastJson from 'fast-json-stringify';
import type { FastifySchemaValidationError } from 'fastify';
import { describedFormats } from './schemas.ts';
import type { HttpApp } from './server.ts';

/** What ajv makes of a schema. */
export type Validate = ((data: unknown) => boolean) & { errors?: FastifySchemaValidationError[] | null };

/**
 * Has each schema of a route compiled when the route is first used. All of them take a second and 60 MB, of which most
 * installations use a part; one takes a few milliseconds. What many routes have in common is compiled once.
 */
export function compileWhenUsed(app: HttpApp): void {
  app.setValidatorCompiler(({ schema, httpPart }) => {
    const compile = httpPart === 'body' ? validatorOfBodies : validatorOfAddresses;
    let compiled: Validate | null = null;
    const validate: Validate = (data) => {
      compiled ??= compile(schema);
      const isValid = compiled(data);
      validate.errors = compiled.errors;
      return isValid;
    };
    return validate;
  });
  app.setSerializerCompiler(({ schema }) => {
    let write: ((data: unknown) => string) | null = null;
    return (data) => (write ??= writerOf(schema))(data);
  });
}

// Safe: our schemas are TypeBox's, which are JSON Schema, and the faults are those that Fastify reads from ajv.
const ajvFor = (options: Options) => {
  let ajv: Ajv | null = null;
  return oncePerSchema((schema) => (ajv ??= new Ajv(options)).compile(schema) as Validate);
};
// A body says its types itself; in an address everything is text, so what looks like a number is read as one.
const validatorOfBodies = ajvFor({ allErrors: true, formats: describedFormats });
const validatorOfAddresses = ajvFor({ allErrors: true, coerceTypes: true, formats: describedFormats });
const writerOf = oncePerSchema((schema) => fastJson(withNullable(schema) as object));

/** Schemas are alike when they are written alike. */
function oncePerSchema<Made>(make: (schema: object) => Made): (schema: unknown) => Made {
  const known = new Map<string, Made>();
  return (schema) => {
    const key = JSON.stringify(schema);
    let made = known.get(key);
    if (made === undefined) known.set(key, (made = make(schema as object)));
    return made;
  };
}

/**
 * The same schema with each choice between something and null written as `nullable`: to tell the two apart the writer
 * would otherwise have a validator compiled for every such field, and run it each time.
 */
function withNullable(schema: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(withNullable);
  const made = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, withNullable(value)]));
  const { anyOf, ...rest } = made;
  if (!Array.isArray(anyOf) || anyOf.length !== 2) return made;
  const something = anyOf.find((choice) => typeof choice.type === 'string' && choice.type !== 'null');
  const isNullable = anyOf.some((choice) => choice.type === 'null');
  return something && isNullable ? { ...something, ...rest, nullable: true } : made;
}
