import type { TestServer } from './server.ts';

/** The parts of an OpenAPI document that tests look at. */
export type OpenApiDocument = {
  openapi: string;
  servers: { url: string }[];
  tags: { name: string; description?: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, object>;
    responses: Record<string, Answer>;
    headers: Record<string, Header>;
  };
};

export type Operation = {
  operationId: string;
  summary: string;
  description: string;
  tags: string[];
  security: object[];
  parameters?: { name: string; in: string; schema: object; example?: unknown }[];
  requestBody?: { content: Content };
  responses: Record<string, Answer | { $ref: string }>;
  'x-codeSamples': { source: string }[];
};

export type Answer = { description: string; headers: Record<string, Header>; content?: Content };
export type Content = Record<string, { schema: object; example?: unknown }>;
export type Header = { $ref?: string; required?: boolean; schema?: object };

/** Every operation of a document, with the place of it as a JSON pointer. */
export function operationsOf(
  document: OpenApiDocument,
): { id: string; method: string; path: string; pointer: string; operation: Operation }[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      id: operation.operationId,
      method,
      path,
      pointer: pointer('paths', path, method),
      operation,
    })),
  );
}

/** A JSON pointer as a URI's fragment, such as `#/paths/~1users~1me/get`. */
export function pointer(...names: string[]): string {
  const escaped = names.map((name) => encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1')));
  return `#/${escaped.join('/')}`;
}

/** The document of a running server. When it cannot be made, the server's log in the error says why. */
export async function readDocument({ url, output }: TestServer): Promise<OpenApiDocument> {
  const response = await fetch(`${url}/api/openapi.json`);
  if (response.status !== 200) throw new Error(`openapi.json answers ${response.status}:\n${output()}`);
  // Safe: another test validates it.
  return (await response.json()) as OpenApiDocument;
}

/** An answer of an operation and where it stands, which for a reference is in the components. */
export function answerOf(
  document: OpenApiDocument,
  place: { path: string; method: string; status: string },
): { answer: Answer; names: string[] } {
  const found = document.paths[place.path]![place.method]!.responses[place.status]!;
  if (!('$ref' in found))
    return { answer: found, names: ['paths', place.path, place.method, 'responses', place.status] };
  const name = found.$ref.split('/').at(-1)!;
  return { answer: document.components.responses[name]!, names: ['components', 'responses', name] };
}
