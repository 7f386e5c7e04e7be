import type { HookRequest } from '#sdk';

/** What a hook looks into: of a recorded request, or of what somebody has pasted. */
export type Payload = { headers: Record<string, string>; query: Record<string, string>; body: unknown };

/** The body as paths see it: JSON, or the fields of a form. What is neither is its text. */
export function readBody(text: string, contentType = ''): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    if (!/urlencoded/i.test(contentType) && !/^[\w.-]+=[^\s{]*$/.test(text)) return text;
    const fields = Object.fromEntries(new URLSearchParams(text));
    return fields['payload'] === undefined ? fields : readBody(fields['payload']);
  }
}

export function payloadOf(request: HookRequest): Payload {
  const headers = request.request_headers;
  const body = request.request_body;
  const raw = isObject(body) && Object.keys(body).join() === 'raw' ? body['raw'] : undefined;
  return {
    headers,
    query: Object.fromEntries(new URL(request.url, 'http://x').searchParams),
    body: typeof raw === 'string' ? readBody(raw, headers['content-type']) : body,
  };
}

/** `Name: value`, one to a line. */
export function readHeaders(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const at = line.indexOf(':');
      return at < 1 ? [] : [[line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim()] as const];
    }),
  );
}

/** What stands at a path as the tree names it; only names and indexes. */
export function valueAt({ headers, query, body }: Payload, path: string): unknown {
  const [, place, name] = /^\$(headers|query)\.(.+)$/.exec(path) ?? [];
  if (place !== undefined && name !== undefined) return (place === 'headers' ? headers : query)[name];
  return path.split('.').reduce<unknown>((value, key) => {
    if (typeof value !== 'object' || value === null) return undefined;
    return Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
  }, body);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
