import { editDistance } from '../platform/edit-distance.ts';
import type { FieldError } from '../platform/errors.ts';

/** JSON Schema as far as it is looked at. */
type Schema = {
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
};

/** More than anybody reads. */
const mostTold = 20;

/** What is further away is another word. */
const mostSteps = 3;

/**
 * The fields of a body that its schema does not know, each with the one that may be meant. They change nothing, which is
 * worth a word: a misspelt `secret` leaves a hook open.
 */
export function unknownFields(body: unknown, schema: object, at = ''): FieldError[] {
  if (typeof body !== 'object' || body === null) return [];
  // Safe: what TypeBox makes is JSON Schema.
  const known = partOf(schema as Schema);
  if (Array.isArray(body)) {
    const { items } = known;
    return items ? body.flatMap((item, index) => unknownFields(item, items, `${at}${index}.`)) : [];
  }
  const { properties } = known;
  // What has no fields of its own takes any, such as a map of values.
  if (!properties) return [];
  const names = Object.keys(properties);
  return Object.entries(body)
    .flatMap(([name, value]) => {
      if (Object.hasOwn(properties, name)) return unknownFields(value, properties[name]!, `${at}${name}.`);
      const meant = nearest(name, names);
      const message = `is not known and was ignored${meant === null ? '' : `: is ${meant} meant?`}`;
      return [{ field: `${at}${name}`, message }];
    })
    .slice(0, mostTold);
}

/** Of a schema that may be null too, the other part. */
function partOf(schema: Schema): Schema {
  return schema.anyOf?.find(({ properties, items }) => properties ?? items) ?? schema;
}

function nearest(name: string, names: string[]): string | null {
  const [best] = names
    .filter((one) => Math.abs(one.length - name.length) <= mostSteps)
    .map((one) => ({ one, steps: editDistance(name.toLowerCase(), one) }))
    .filter(({ one, steps }) => steps <= Math.max(1, Math.min(mostSteps, one.length / 3)))
    .sort((a, b) => a.steps - b.steps);
  return best?.one ?? null;
}
