import type { Access } from '../accounts/access.ts';
import { FieldFault } from '../platform/http/schemas.ts';
import { referTo, type JsonSchema } from './json-schema.ts';
import { headersOf } from './headers.ts';
import type { ApiRoute } from './collect-routes.ts';

/** The one form of every error of the API. */
export const errorSchema: JsonSchema = {
  title: 'Error',
  type: 'object',
  properties: {
    message: { type: 'string', description: 'What is wrong and what to do, in a sentence.' },
    errors: {
      anyOf: [{ type: 'array', items: FieldFault }, { type: 'null' }],
      description: 'Every fault of the request at once; null where no field is at fault.',
    },
  },
  required: ['message', 'errors'],
};

type FieldError = { field: string; message: string };
type Known = { name: string; when: string; message: string; errors?: FieldError[] };

/** When each error happens, and how it may read. */
const errors: Record<number, Known> = {
  400: {
    name: 'BadRequest',
    when: 'The request cannot be read, as with a body that is not JSON.',
    message:
      'The request body is not valid JSON: value expected at line 2, column 11. Remove the comma before it.',
  },
  401: {
    name: 'Unauthenticated',
    when: 'The token is missing, unknown or expired.',
    message: 'Sign in first.',
  },
  403: {
    name: 'Forbidden',
    when: 'The permission is missing.',
    message: 'This needs the permission {permission}. Ask an administrator of the organization.',
  },
  404: {
    name: 'NotFound',
    when: 'There is no such object, or it belongs to others.',
    message: 'There is no {object} 42.',
  },
  409: {
    name: 'Conflict',
    when: 'It does not go with what is there.',
    message: 'Something else still uses it.',
  },
  410: { name: 'Gone', when: 'It is over.', message: 'This is no longer valid.' },
  413: { name: 'TooLarge', when: 'The body is too large.', message: 'The request body is too large.' },
  415: {
    name: 'UnsupportedMediaType',
    when: 'The body has another content type.',
    message: 'Send the body as application/json.',
  },
  422: {
    name: 'Invalid',
    when: 'The request holds something that is not valid; every fault is told at once.',
    message: 'The given data was invalid.',
    errors: [{ field: 'name', message: 'is required' }],
  },
  429: {
    name: 'TooMany',
    when: 'Too many requests; `Retry-After` says when to try again.',
    message: 'Too many requests. Slow down.',
  },
  500: {
    name: 'Internal',
    when: 'Our fault; the log tells the details under the request id.',
    message: 'Something went wrong on our side. The request id names the details in the log.',
  },
  503: {
    name: 'Unavailable',
    when: 'Not possible now; nothing was kept, so send it again.',
    message: 'This cannot be stored now. Send it again.',
  },
};

/** The errors that read the same wherever they happen, described once. */
export const errorComponents: Record<string, object> = Object.fromEntries(
  Object.entries(errors)
    .filter(([, { message }]) => !message.includes('{'))
    .map(([status, { name, when, message, errors: fields }]) => [
      name,
      answer(Number(status), when, message, fields),
    ]),
);

/** The errors that a route can answer, by status, beside those that it describes itself. */
export function errorsOf({ schema, config, path }: ApiRoute): Record<string, object> {
  const own = config.errors ?? {};
  const statuses = new Set([...statusesOf({ schema, config, path }), ...Object.keys(own).map(Number)]);
  const described = new Set(Object.keys(schema.response ?? {}));
  const open = [...statuses].filter((status) => !described.has(String(status)));
  return Object.fromEntries(
    open.sort((a, b) => a - b).map((status) => [String(status), errorOf(status, own[status], config.access)]),
  );
}

function statusesOf({ schema, config, path }: Pick<ApiRoute, 'schema' | 'config' | 'path'>): number[] {
  const takesBody = schema.body !== undefined || config.rawBody !== undefined;
  const checks = [schema.params, schema.querystring, schema.headers].some(
    (part) => part && Object.values(part.properties ?? {}).some(canBeWrong),
  );
  return [
    ...(takesBody || schema.querystring ? [400] : []),
    ...(config.access === 'public' ? [] : [401]),
    ...(typeof config.access === 'object' || config.access === 'user' ? [403] : []),
    ...(typeof config.access === 'object' || path.includes('{') ? [404] : []),
    ...(takesBody ? [413, 415] : []),
    ...(schema.body || checks ? [422] : []),
    429,
    500,
    503,
  ];
}

/** A text without any rule is never refused for itself. */
function canBeWrong(schema: JsonSchema): boolean {
  return (
    schema.type !== 'string' ||
    Object.keys(schema).some((keyword) => /^(enum|pattern|m.*Length)$/.test(keyword))
  );
}

function errorOf(status: number, when: string | undefined, access: Access | undefined): object {
  const known = errors[status] ?? { name: '', when: 'An error.', message: 'This is not possible.' };
  if (when === undefined && Object.hasOwn(errorComponents, known.name))
    return { $ref: `#/components/responses/${known.name}` };
  return answer(status, when ?? known.when, filled(known.message, access), known.errors);
}

function answer(status: number, when: string, message: string, fields: FieldError[] = []): object {
  const example = { message, errors: fields.length > 0 ? fields : null };
  return {
    description: when,
    headers: headersOf({ status }),
    content: { 'application/json': { schema: referTo('Error'), example } },
  };
}

function filled(message: string, access: Access | undefined): string {
  if (typeof access !== 'object') return message.replace('{object}', 'object');
  const object = 'param' in access ? access.on.replaceAll('_', ' ') : 'application';
  return message.replace('{permission}', access.permission).replace('{object}', object);
}
