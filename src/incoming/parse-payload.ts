import secureJson from 'secure-json-parse';

export type ParsedPayload = { ok: true; payload: unknown } | { ok: false; status: 400 | 415; reason: string };

/**
 * Reads a body by its content type: JSON, or a form whose `payload` field holds JSON, as GitHub can send it. A body
 * that is empty is an empty object. Keys that would reach a prototype are dropped.
 */
export function parsePayload(contentType: string | undefined, body: Buffer): ParsedPayload {
  if (body.length === 0) return { ok: true, payload: {} };
  const type = (contentType ?? 'application/json').split(';')[0]!.trim().toLowerCase();
  if (type === 'application/x-www-form-urlencoded') return parseForm(body);
  if (type === 'application/json' || type.endsWith('+json') || type === '')
    return parseJson(body.toString('utf8'));
  return { ok: false, status: 415, reason: unknownContentType(type) };
}

export function unknownContentType(type: string): string {
  return `The content type ${type.slice(0, 100)} is not known. Send application/json or application/x-www-form-urlencoded.`;
}

function parseForm(body: Buffer): ParsedPayload {
  const form = new URLSearchParams(body.toString('utf8'));
  const payload = form.get('payload');
  return payload === null ? { ok: true, payload: Object.fromEntries(form) } : parseJson(payload);
}

function parseJson(text: string): ParsedPayload {
  try {
    return {
      ok: true,
      payload: secureJson.parse(text, { protoAction: 'remove', constructorAction: 'remove' }),
    };
  } catch (error) {
    const why = error instanceof Error ? error.message.slice(0, 200) : '';
    return { ok: false, status: 400, reason: `The body is not valid JSON: ${why}` };
  }
}
