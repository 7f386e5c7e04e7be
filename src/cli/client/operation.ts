import { operations, type OperationFacts } from '#sdk/operations';
import type { Client } from '#sdk';

const byId = new Map(operations.map((facts) => [facts.id, facts]));

/** Throws for an id that the document does not have: a row of data names it wrong. */
export function factsOf(id: string): OperationFacts {
  const facts = byId.get(id);
  if (!facts) throw new Error(`The API has no operation "${id}"`);
  return facts;
}

export type Call = {
  client?: Client;
  path?: Record<string, unknown>;
  query?: Record<string, unknown>;
  body?: unknown;
  /** Of the body as it is, which is sent byte by byte. */
  rawBody?: string;
  headers?: Record<string, string>;
};

export type Answer = { data: unknown; response: Response };

/** Calls any operation by what the document says of it. Throws a HooklineError. */
export async function callOperation(
  client: Client,
  { method, path: url, answers }: OperationFacts,
  { path, query, body, rawBody, headers }: Call,
): Promise<Answer> {
  const hasBody = rawBody !== undefined || body !== undefined;
  const options = {
    // Safe: the document has none but these.
    method: method as 'GET' | 'POST' | 'PUT' | 'DELETE',
    url,
    path,
    query,
    security: [{ scheme: 'bearer' as const, type: 'http' as const }],
    parseAs: answers === 'text/event-stream' ? ('stream' as const) : ('auto' as const),
    responseStyle: 'fields' as const,
    throwOnError: true as const,
    headers: { ...(hasBody ? { 'content-type': 'application/json' } : {}), ...headers },
    ...(rawBody !== undefined
      ? { body: rawBody, bodySerializer: (text: unknown) => String(text) }
      : hasBody
        ? { body }
        : {}),
  };
  const { data, response } = await client.request<unknown, unknown, true>(options);
  return { data, response };
}

type ListOptions = {
  client?: Client;
  signal?: AbortSignal | null;
  path?: Record<string, unknown>;
  query?: Record<string, unknown> & { page?: number; per_page?: number };
};

/** A list as `pages` and `readPage` of the SDK take it. */
export function listOperation(
  client: Client,
  facts: OperationFacts,
): (options: ListOptions) => Promise<Record<string, unknown>[]> {
  // Safe: a list answers objects, and is asked in the style of fields by `readPage` alone, which takes them apart.
  return async (options) =>
    (await callOperation(client, facts, options)) as unknown as Record<string, unknown>[];
}
