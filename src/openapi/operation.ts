import type { ApiRoute, Content } from './collect-routes.ts';
import { mediaTypes, splitNullable } from './content.ts';
import { curlOf } from './curl.ts';
import { describeOperation, isList } from './describe-operation.ts';
import { errorsOf } from './errors.ts';
import { headersOf } from './headers.ts';
import { isNull, type SchemaComponents } from './json-schema.ts';
import { parametersOf } from './parameters.ts';
import { subjectOf, tagOf } from './tags.ts';

/** The Operation Object of a route. Its schemas with a title are added to `components`. */
export function operationOf(route: ApiRoute, server: string, components: SchemaComponents): object {
  const { method, path, schema, config } = route;
  if (!schema.operationId) throw new Error(`${method.toUpperCase()} ${path} has no operationId.`);
  const parameters = parametersOf(route, components);
  const requestBody = requestBodyOf(route, components);
  const sample = curlOf({
    route,
    server,
    parameters,
    body: requestBody?.content['application/json']?.example,
  });
  return {
    operationId: schema.operationId,
    summary: schema.summary ?? '',
    description: describeOperation(route),
    tags: [tagOf(path).name],
    security: config.access === 'public' ? [] : [{ bearer: [] }],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(requestBody ? { requestBody } : {}),
    responses: { ...answersOf(route, components), ...errorsOf(route) },
    'x-codeSamples': [{ lang: 'Shell', label: 'curl', source: sample }],
  };
}

function requestBodyOf({ path, schema, config }: ApiRoute, components: SchemaComponents) {
  if (schema.body) {
    const { schema: body, required } = splitNullable(schema.body);
    return { required, content: mediaTypes(body, subjectOf(path), components) };
  }
  if (!config.rawBody) return null;
  return { required: true, content: Object.fromEntries(config.rawBody.map((type) => [type, raw(type)])) };
}

function raw(type: string): { schema: object; example?: unknown } {
  return type.includes('json')
    ? { schema: {}, example: { ref: 'refs/heads/main' } }
    : { schema: { type: 'string' }, example: 'ref=refs%2Fheads%2Fmain' };
}

const meanings: Record<string, string> = {
  '200': 'Done.',
  '201': 'Created.',
  '202': 'Accepted.',
  '204': 'Done; there is no content.',
};

/** The answers that the route describes itself; those that succeed, as a rule. */
function answersOf(route: ApiRoute, components: SchemaComponents): Record<string, object> {
  const answer = (status: string, content: Content) => {
    const { when, example } = route.config.answers?.[Number(status)] ?? {};
    const isSuccess = status.startsWith('2');
    return {
      description: when ?? content.description ?? meanings[status] ?? 'An answer.',
      headers: headersOf({
        // A 401 of a route that describes it itself is not about a token.
        ...(status === '429' ? { status: 429 } : {}),
        isList: isList(route) && status === '200',
        // A 200 of such a route says that there was nothing to start.
        startsAction: route.config.startsAction && isSuccess && status !== '200',
      }),
      ...(isNull(content)
        ? {}
        : { content: mediaTypes(content, subjectOf(route.path), components, example) }),
    };
  };
  const described = Object.entries(route.schema.response ?? {});
  return Object.fromEntries(described.map(([status, content]) => [status, answer(status, content)]));
}
