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
const writerOf = oncePerSchema((schema) => fastJson(schema));

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
