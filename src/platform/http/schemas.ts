import { Type, type TSchema } from 'typebox';
import { invalid } from '../errors.ts';

/** What an id can be: no larger than a number is exact, and than PostgreSQL takes. */
export const idRange = { minimum: 1, maximum: Number.MAX_SAFE_INTEGER };
export const Id = Type.Integer(idRange);

/**
 * Numeric ids in an address. Whether they name anything is the permission check's to say, with a 404. An organization
 * may be named by its slug too, so a handler asks the check which one it is.
 */
export const idParam = <const Name extends string>(...names: Name[]) =>
  Type.Object(
    Object.fromEntries(
      names.map((name) => [name, name === 'organization_id' ? IdOrSlug : Id]),
    ) as unknown as { [N in Name]: N extends 'organization_id' ? typeof IdOrSlug : typeof Id },
  );

const IdOrSlug = Type.String({
  minLength: 1,
  maxLength: 60,
  description: 'The id of the organization, or its slug.',
});

/** Ids in an address that are UUIDs. */
export const uuidParam = <const Name extends string>(name: Name) =>
  Type.Object({ [name]: Uuid } as Record<Name, typeof Uuid>);

export const Uuid = Type.String({ format: 'uuid', minLength: 36, maxLength: 36 });

export const Nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

/** An enumeration as JSON Schema's `enum`, whose errors list the choices. */
export const OneOf = <const Choice extends string>(choices: readonly Choice[], description?: string) =>
  Type.Unsafe<Choice>({ type: 'string', enum: [...choices], ...(description ? { description } : {}) });

export const Time = Type.String({ format: 'date-time', description: 'ISO 8601, UTC.' });

/** In ms since 1970. Throws an AppError that names the field when it is no time. */
export function timeOf(text: string, field: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw invalid([{ field, message: 'is no time' }]);
  return time;
}

/** The id of a hook, a record or a token in an answer. */
export const UuidText = Type.String({ format: 'uuid' });

/** Of a field that existing clients expect and that Hookline has nothing for. */
export const alwaysEmpty = 'Always empty; here for existing clients.';
export const Unused = Type.Null({ description: 'Always null; here for existing clients.' });

/** What the formats of our schemas mean to a validator of requests: nothing; they are for whoever reads the description. */
export const describedFormats = { uuid: true, 'date-time': true, uri: true } as const;

/** What is wrong with one field of a request. */
export const FieldFault = Type.Object(
  {
    field: Type.String({ description: 'A dotted path, such as `settings.variables.0.type`.' }),
    message: Type.String(),
  },
  { title: 'FieldError' },
);

/** An answer without a body. */
export const noContent = { 204: Type.Null({ description: 'Done.' }) };
