import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { IncomingHook } from '../hooks/registry.ts';

export type SignatureCheck = { ok: true } | { ok: false; reason: string };

/**
 * Compares the HMAC of the raw bytes with the header that the hook names, in constant time. The header holds hex or
 * base64, with or without the algorithm before it (`sha256=…`), as git hosts send it (FIELD.md, "Verifying incoming
 * requests"). A hook without a secret accepts every request.
 */
export function checkSignature(
  { definition, secret }: Pick<IncomingHook, 'definition' | 'secret'>,
  headers: IncomingHttpHeaders,
  body: Buffer,
): SignatureCheck {
  if (!definition.requires_secret) return { ok: true };
  const algorithm = definition.secret_algorithm ?? 'sha256';
  const name = definition.secret_header_name ?? '';
  const given = headers[name];
  // A hook that wants a secret and has none must never let anyone in.
  if (secret === null) return { ok: false, reason: 'The hook requires a secret and has none.' };
  if (typeof given !== 'string' || given === '') {
    return {
      ok: false,
      reason: `The signature header ${name} is missing. Give the sender the hook's secret.`,
    };
  }
  const expected = createHmac(algorithm, secret).update(body).digest();
  const actual = decode(given, algorithm, expected.length);
  if (!actual) {
    return { ok: false, reason: `The signature header ${name} does not hold a ${algorithm} signature.` };
  }
  if (!timingSafeEqual(expected, actual)) {
    return {
      ok: false,
      reason: `The signature in ${name} does not match: another secret, or a changed body.`,
    };
  }
  return { ok: true };
}

/** Null unless the text is a signature of exactly `length` bytes. */
function decode(text: string, algorithm: string, length: number): Buffer | null {
  const prefix = `${algorithm}=`;
  const value = text.toLowerCase().startsWith(prefix) ? text.slice(prefix.length) : text;
  if (value.length === length * 2 && /^[0-9a-f]+$/i.test(value)) return Buffer.from(value, 'hex');
  const base64 = Buffer.from(value, 'base64');
  return base64.length === length && base64.toString('base64') === value ? base64 : null;
}
