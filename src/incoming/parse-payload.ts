import type { IncomingHttpHeaders } from 'node:http';
import { eachNode, parseExactJson } from '../platform/exact-json.ts';

export type ParsedPayload =
  | { ok: true; payload: unknown; isForm: boolean }
  | { ok: false; status: 400 | 413 | 415; reason: string };

const form = 'application/x-www-form-urlencoded';

/**
 * Reads a body by its content type: JSON, or a form whose `payload` field holds JSON, as GitHub and Slack can send it. A
 * body that is empty is an empty object. Keys that would reach a prototype are dropped; of keys that are there twice the last
 * counts.
 */
export function parsePayload(contentType: string | undefined, body: Buffer): ParsedPayload {
  if (body.length === 0) return { ok: true, payload: {}, isForm: false };
  const { type, charset } = typeOf(contentType, body);
  const decoder = decoderOf(charset);
  if (!decoder)
    return { ok: false, status: 415, reason: `The charset ${charset.slice(0, 40)} is not known.` };
  if (type === form) return parseForm(body, decoder);
  if (type === '' || /[/+]json$/.test(type)) return parseJson(decoder.decode(body));
  return { ok: false, status: 415, reason: unknownContentType(type) };
}

export function unknownContentType(type: string): string {
  return `The content type ${type.slice(0, 100)} is not known. Send application/json or ${form}.`;
}

/** One field of a form, in UTF-8; null when the body is no form, or has no such field. */
export function formField(contentType: string | undefined, body: Buffer, name: string): string | null {
  const { type, charset } = typeOf(contentType, body);
  const decoder = decoderOf(charset);
  if (type !== form || !decoder || hasTooManyFields(body)) return null;
  return readForm(body, decoder).find(([key]) => key === name)?.[1] ?? null;
}

/** The text of a body whatever its type; a charset that nobody knows is taken for UTF-8. */
export function bodyText({ headers, body }: { headers: IncomingHttpHeaders; body: Buffer }): string {
  const { charset } = readContentType(headers['content-type']);
  return (decoderOf(charset) ?? utf8).decode(body);
}

/**
 * JSON that is said to be a form is JSON: a form has its quotes and braces encoded. Nobody signs the content type, and
 * whoever changed it could make fields out of a text within a signed body (`…&payload=…`). It also is what `curl -d` sends.
 */
function typeOf(contentType: string | undefined, body: Buffer): { type: string; charset: string } {
  const given = readContentType(contentType);
  return given.type === form && startsAsJson(body) ? { ...given, type: 'application/json' } : given;
}

function startsAsJson(body: Buffer): boolean {
  const first = body.find((byte) => !beforeJson.has(byte));
  return first !== undefined && '{["'.includes(String.fromCharCode(first));
}

/** White space, and what a byte order mark and UTF-16 put before the first character. */
const beforeJson = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf, 0xfe, 0xff, 0x00]);

function readContentType(contentType = ''): { type: string; charset: string } {
  if (contentType === 'application/json') return { type: contentType, charset: 'utf-8' };
  const [type = '', ...parameters] = contentType.split(';');
  const charset = parameters.map((one) => /^\s*charset\s*=\s*"?([^"\s]+)"?\s*$/i.exec(one)?.[1]);
  return { type: type.trim().toLowerCase(), charset: charset.find((one) => one !== undefined) ?? 'utf-8' };
}

type Decoder = { encoding: string; decode: (bytes: Buffer) => string };

/** Nearly everything is UTF-8, and a buffer reads that faster. */
const utf8: Decoder = {
  encoding: 'utf-8',
  decode(bytes) {
    const text = bytes.toString('utf8');
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  },
};

/** Null for a charset that nobody knows. A byte order mark is left out. */
function decoderOf(charset: string): Decoder | null {
  if (charset === 'utf-8') return utf8;
  try {
    const decoder = new TextDecoder(charset);
    return decoder.encoding === 'utf-8' ? utf8 : decoder;
  } catch {
    return null;
  }
}

/** More than any sender has; reading them takes time that grows faster than they do. */
const mostFields = 10_000;

function hasTooManyFields(body: Buffer): boolean {
  let fields = 1;
  for (let at = body.indexOf('&'); at >= 0 && fields <= mostFields; at = body.indexOf('&', at + 1)) fields++;
  return fields > mostFields;
}

function parseForm(body: Buffer, decoder: Decoder): ParsedPayload {
  if (hasTooManyFields(body))
    return { ok: false, status: 400, reason: `The form has more than ${mostFields} fields.` };
  const fields = readForm(body, decoder);
  const payload = fields.find(([name]) => name === 'payload')?.[1];
  if (payload !== undefined) return parseJson(payload);
  const known = fields.filter(([name]) => name !== '__proto__');
  return { ok: true, payload: Object.fromEntries(known), isForm: true };
}

/** Its percent-encoded bytes are in the charset too, which `URLSearchParams` takes for UTF-8. */
function readForm(body: Buffer, decoder: Decoder): [string, string][] {
  if (decoder.encoding === 'utf-8') return [...new URLSearchParams(body.toString('utf8'))];
  const text = (part: string) => decoder.decode(percentDecoded(part));
  return body
    .toString('latin1')
    .split('&')
    .filter((field) => field !== '')
    .map((field) => {
      const at = field.indexOf('=');
      return at < 0 ? [text(field), ''] : [text(field.slice(0, at)), text(field.slice(at + 1))];
    });
}

function percentDecoded(part: string): Buffer {
  const bytes = Buffer.from(part.replaceAll('+', ' '), 'latin1');
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const hex = bytes[at] === 0x25 ? bytes.toString('latin1', at + 1, at + 3) : '';
    const isEncoded = /^[0-9a-f]{2}$/i.test(hex);
    bytes[length++] = isEncoded ? Number.parseInt(hex, 16) : bytes[at]!;
    if (isEncoded) at += 2;
  }
  return bytes.subarray(0, length);
}

/** Each takes a hundred bytes of memory, however few it has in the body. The largest payloads have a tenth of it. */
const mostNodes = 1_000_000;

/** Those in texts count too, which are few beside the others. */
function hasTooManyNodes(text: string): boolean {
  // So few characters cannot hold more than the memory has room for.
  if (text.length < 4 * mostNodes) return false;
  let nodes = 0;
  for (let at = 0; at < text.length && nodes <= mostNodes; at++) {
    const code = text.charCodeAt(at);
    if (code === openingBrace || code === openingBracket) nodes++;
  }
  return nodes > mostNodes;
}

const openingBrace = 0x7b;
const openingBracket = 0x5b;

function parseJson(text: string): ParsedPayload {
  if (hasTooManyNodes(text)) {
    const reason = `The body holds more than ${mostNodes} lists and objects.`;
    return { ok: false, status: 413, reason };
  }
  try {
    const payload = parseExactJson(text);
    // The search is for the keys alone, and only where the text may hold one.
    if (mayHoldBadKey(text)) eachNode(payload, removeBadKeys);
    return { ok: true, payload, isForm: false };
  } catch (error) {
    if (error instanceof RangeError)
      return { ok: false, status: 400, reason: 'The body is nested too deep.' };
    // It may quote the body, line breaks and all.
    const why =
      error instanceof Error ? error.message.replaceAll(/\s+/g, ' ').slice(0, 200) : 'it is cut off';
    return { ok: false, status: 400, reason: `The body is not valid JSON: ${why}.` };
  }
}

function removeBadKeys(node: unknown[] | Record<string, unknown>): void {
  if (Array.isArray(node)) return;
  if (Object.hasOwn(node, '__proto__')) delete node['__proto__'];
  if (!Object.hasOwn(node, 'constructor')) return;
  const { constructor: made } = node;
  if (typeof made === 'object' && made !== null && Object.hasOwn(made, 'prototype'))
    delete node['constructor'];
}

/** A key may be written in escapes. */
function mayHoldBadKey(text: string): boolean {
  return /__proto__|constructor/.test(text) || text.includes('\\u');
}
