import type { ApiRoute } from '../openapi/collect-routes.ts';
import type { JsonSchema } from '../openapi/json-schema.ts';
import { editDistance } from '../platform/edit-distance.ts';
import { jsonOf, type ApiAnswer, type CallApi } from './api-calls.ts';
import { argumentFault, refusalOf, type ToolAnswer } from './tool-answer.ts';
import { defaultPageSize, type Answer, type ObjectSchema, type Place } from './tool-schema.ts';
import type { ToolRow } from './tool-rows.ts';

/** Ids, slugs and words: what cannot lead to another address. */
const pathPart = /^[A-Za-z0-9_-]{1,200}$/;

/** Calls the operation with a model's arguments; what they are worth, the API itself says. */
export async function callOperation(
  operation: {
    call: CallApi;
    route: ApiRoute;
    row: ToolRow;
    schema: ObjectSchema;
    places: Record<string, Place>;
    kind: Answer;
  },
  args: Record<string, unknown>,
): Promise<ToolAnswer> {
  const { call, route, row, schema, places, kind } = operation;
  const unknown = unknownArguments(args, Object.keys(places));
  if (unknown) return unknown;
  const pathFaults: { field: string; message: string }[] = [];
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const shown = row.renamed?.[name] ?? name;
    const value = row.fixed?.[name] ?? args[shown];
    if (value === undefined || value === null) pathFaults.push({ field: shown, message: 'is required' });
    else if (!pathPart.test(String(value)))
      pathFaults.push({ field: shown, message: 'must be an id or a word' });
    return String(value);
  });
  if (pathFaults.length > 0) return argumentFault(pathFaults);
  // Many models write null for what they leave out.
  const isGiven = (name: string) =>
    args[name] !== undefined && (args[name] !== null || allowsNull(schema.properties[name] ?? {}));
  const part = (place: Place['in']) =>
    Object.fromEntries(
      Object.entries(places)
        .filter(([name, at]) => at.in === place && isGiven(name))
        .map(([name, at]) => [at.name, args[name]]),
    );
  const body = part('body');
  const answer = await call({
    method: route.method.toUpperCase(),
    path,
    query: { ...('per_page' in places ? { per_page: defaultPageSize } : {}), ...part('query') },
    ...(route.schema.body && (Object.keys(body).length > 0 || route.method !== 'get') ? { body } : {}),
  });
  return answer.isOk ? { value: valueOf(answer, kind) } : refusalOf(answer);
}

function allowsNull({ type, anyOf }: JsonSchema): boolean {
  if (anyOf) return anyOf.some(allowsNull);
  return type === undefined || [type].flat().includes('null');
}

/** Looking for what was meant takes time. */
const mostFaults = 10;

/** A misspelt argument is told, not passed over. */
export function unknownArguments(args: Record<string, unknown>, known: string[]): ToolAnswer | null {
  const faults = Object.keys(args)
    .filter((name) => !known.includes(name))
    .slice(0, mostFaults)
    .map((name) => {
      const [near] = known
        .map((other) => ({ other, distance: editDistance(name.slice(0, 60), other) }))
        .filter(({ distance }) => distance <= 3)
        .toSorted((a, b) => a.distance - b.distance);
      const hint = near
        ? `; did you mean ${near.other}?`
        : known.length > 0
          ? `; there are ${known.join(', ')}`
          : '';
      return { field: name.slice(0, 60), message: `is no argument of this tool${hint}` };
    });
  return faults.length > 0 ? argumentFault(faults) : null;
}

function valueOf(answer: ApiAnswer, kind: Answer): Record<string, unknown> {
  const actionId = answer.header('x-devopness-action-id');
  switch (kind) {
    case 'done':
      return { done: true, ...(actionId === null ? {} : { action_id: Number(actionId) }) };
    case 'list':
      return { items: jsonOf(answer), next_page: nextPageOf(answer) };
    case 'object':
      // Safe: the route's schema says that it is an object.
      return jsonOf(answer) as Record<string, unknown>;
    default:
      return kind satisfies never;
  }
}

function nextPageOf(answer: ApiAnswer): number | null {
  const next = /<([^>]+)>; rel="next"/.exec(answer.header('link') ?? '')?.[1];
  return next === undefined ? null : Number(new URL(next, 'http://host').searchParams.get('page'));
}
