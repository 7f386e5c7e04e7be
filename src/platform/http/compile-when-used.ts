import { Ajv } from 'ajv';
import fastJson from 'fast-json-stringify';
import type { FastifySchemaValidationError } from 'fastify';
import { describedFormats } from './schemas.ts';
import type { HttpApp } from './server.ts';

/** What ajv makes of a schema. */
export type Validate = ((data: unknown) => boolean) & { errors?: FastifySchemaValidationError[] | null };

/**
 * Has each schema of a route compiled when the route is first used. All of them take a second and 60 MB, of which most
 * installations use a part; one takes a few milliseconds.
 */
export function compileWhenUsed(app: HttpApp): void {
  // A body says its types itself; in an address everything is text, so what looks like a number is read as one.
  const bodies = new Ajv({ allErrors: true, formats: describedFormats });
  const addresses = new Ajv({ allErrors: true, coerceTypes: true, formats: describedFormats });
  app.setValidatorCompiler(({ schema, httpPart }) =>
    // Safe: our schemas are TypeBox's, which are JSON Schema, and the faults are those that Fastify reads from ajv.
    validateWhenUsed(() => (httpPart === 'body' ? bodies : addresses).compile(schema as object) as Validate),
  );
  app.setSerializerCompiler(({ schema }) => {
    let write: ((data: unknown) => string) | null = null;
    return (data) => (write ??= fastJson(schema as object))(data);
  });
}

function validateWhenUsed(compile: () => Validate): Validate {
  let compiled: Validate | null = null;
  const validate: Validate = (data) => {
    compiled ??= compile();
    const isValid = compiled(data);
    validate.errors = compiled.errors;
    return isValid;
  };
  return validate;
}
