import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { IncomingHook } from '../hooks/registry.ts';
import { mostSecondsApart, signatureScheme, type SignatureScheme } from '../hooks/signature-schemes.ts';
import { formField } from './parse-payload.ts';

/** `isRight`: made with the secret, and refused for its time. */
export type SignatureCheck = { ok: true } | { ok: false; reason: string; isRight?: true };

/** What a hook says about signatures, with what its scheme says where it says nothing. */
type Expected = SignatureScheme & { header: string };

/** What a request carries as proof; it may be right. */
type Proof = { secret: string; given: string; signatures: Buffer[] };

/** A header with more than this is made to cost time. */
const mostSignatures = 10;

/**
 * Whether the request carries what proves that it is the sender's, by the scheme of the hook, in constant time and on the
 * raw bytes of the body. `now` is in ms since 1970. A hook without a secret accepts every request.
 */
export function checkSignature(
  { definition, secret }: Pick<IncomingHook, 'definition' | 'secret'>,
  headers: IncomingHttpHeaders,
  body: Buffer,
  now: number,
): SignatureCheck {
  if (!definition.requires_secret) return { ok: true };
  const expected = expectedOf(definition);
  const { header, algorithm, timestamp } = expected;
  const proof = proofOf(expected, secret, headers);
  if (typeof proof === 'string') return refuse(proof);
  const { given, signatures } = proof;
  if (expected.proof === 'token') {
    if (isSecret(given, proof.secret)) return { ok: true };
    return refuse(`The token in ${header} is not the hook's secret.`);
  }
  const labels = expected.separator === ',' ? labelsOf(given, ',') : null;
  const read = (name: string) => (labels ? labels.get(name) : headers[name]);
  const time = timestamp === null ? null : secondsOf(read(timestamp));
  if (time === undefined)
    return refuse(`The time of the signature, ${timestamp}, is missing or no number of seconds.`);

  const hmac = createHmac(algorithm, keyOf(proof.secret, expected));
  for (const { text, name } of signedParts(expected.signed)) {
    if (name === null) hmac.update(text);
    else if (name === 'body') hmac.update(body);
    else if (name === 'payload') hmac.update(formField(headers['content-type'], body, 'payload') ?? body);
    else {
      const value = read(name);
      if (typeof value !== 'string' || value === '')
        return refuse(`The header ${name}, which is signed too, is missing.`);
      hmac.update(value);
    }
  }
  const right = hmac.digest();
  // Every one of them is compared, also after the right one.
  const matching = signatures.filter((one) => timingSafeEqual(right, one));
  if (matching.length === 0)
    return refuse(`The signature in ${header} does not match: another secret, or a changed body.`);
  return time === null ? { ok: true } : checkAge(time - now / 1000);
}

/**
 * Why these headers could not make any body verify, in one sentence, or null when one could: told without the body and
 * without computing anything.
 */
export function whyUnsigned(
  { definition, secret }: Pick<IncomingHook, 'definition' | 'secret'>,
  headers: IncomingHttpHeaders,
): string | null {
  if (!definition.requires_secret) return null;
  const proof = proofOf(expectedOf(definition), secret, headers);
  return typeof proof === 'string' ? proof : null;
}

/** What is to be compared, or why there is nothing. */
function proofOf(expected: Expected, secret: string | null, headers: IncomingHttpHeaders): Proof | string {
  const { header, algorithm, sender } = expected;
  // A hook that wants a secret and has none must never let anyone in.
  if (secret === null) return `The hook has no secret yet: put the one that ${sender} shows into it.`;
  const given = headers[header];
  if (given === undefined)
    return `The signature header ${header} is missing. Give the sender the hook's secret.`;
  if (typeof given !== 'string') return `The signature header ${header} is there more than once.`;
  if (given === '')
    return `The signature header ${header} is empty: the sender has no secret. Give it the hook's.`;
  if (expected.proof === 'token') return { secret, given, signatures: [] };
  const signatures = signaturesOf(given, expected);
  const { length } = signatures;
  if (length === 0 && isSecret(given, secret))
    return `The signature header ${header} holds the secret itself. Sign the body with it; who can only send the secret needs the signature_scheme gitlab-token.`;
  if (length === 0)
    return `The signature header ${header} does not hold a ${algorithm} signature: expected is ${formOf(expected)}.`;
  if (length > mostSignatures)
    return `The signature header ${header} holds more than ${mostSignatures} signatures.`;
  return { secret, given, signatures };
}

const known = new WeakMap<IncomingHook['definition'], Expected>();

/** Made once for each hook in memory. */
function expectedOf(definition: IncomingHook['definition']): Expected {
  let expected = known.get(definition);
  if (!expected) {
    expected = completed(definition);
    known.set(definition, expected);
  }
  return expected;
}

function completed(definition: IncomingHook['definition']): Expected {
  const scheme = signatureScheme(definition.signature_scheme ?? 'hmac');
  return {
    ...scheme,
    header: definition.secret_header_name ?? scheme.header,
    algorithm: definition.secret_algorithm ?? scheme.algorithm,
    encoding: definition.signature_encoding ?? scheme.encoding,
    prefix: definition.signature_prefix ?? scheme.prefix,
  };
}

/** Such as `v1=` and 44 characters of base64. */
function formOf({ algorithm, encoding, prefix }: Expected): string {
  const bytes = digestBytes[algorithm];
  const hex = `${bytes * 2} digits of hex`;
  const base64 = `${Math.ceil(bytes / 3) * 4} characters of base64`;
  const digest = encoding === 'either' ? `${hex}, or ${base64}` : encoding === 'hex' ? hex : base64;
  return prefix === '' ? digest : `${prefix ?? `${algorithm}=`} and ${digest}`;
}

/** The signatures of a header that have the form and the length of one. */
function signaturesOf(given: string, expected: Expected): Buffer[] {
  const { algorithm, encoding, prefix, separator } = expected;
  const length = digestBytes[algorithm];
  const items = separator === null ? [given] : given.split(separator).map((item) => item.trim());
  return items.flatMap((item) => {
    const rest = withoutPrefix(item, prefix, algorithm);
    const bytes = rest === null ? null : decode(rest, encoding, length);
    return bytes === null ? [] : [bytes];
  });
}

const digestBytes = { sha1: 20, sha256: 32, sha512: 64 } as const;

function withoutPrefix(text: string, prefix: string | null, algorithm: string): string | null {
  if (prefix !== null) return text.startsWith(prefix) ? text.slice(prefix.length) : null;
  const optional = `${algorithm}=`;
  return text.toLowerCase().startsWith(optional) ? text.slice(optional.length) : text;
}

/** Null unless the text is a signature of exactly `length` bytes. */
function decode(value: string, encoding: Expected['encoding'], length: number): Buffer | null {
  if (encoding !== 'base64' && value.length === length * 2 && /^[0-9a-f]+$/i.test(value))
    return Buffer.from(value, 'hex');
  if (encoding === 'hex') return null;
  const base64 = Buffer.from(value, 'base64');
  return base64.length === length && base64.toString('base64') === value ? base64 : null;
}

/** `t=1492774577,v1=…` by its labels, the first of each. */
function labelsOf(given: string, separator: string): Map<string, string> {
  const labels = new Map<string, string>();
  for (const item of given.split(separator)) {
    const at = item.indexOf('=');
    const label = item.slice(0, at).trim();
    if (at > 0 && !labels.has(label)) labels.set(label, item.slice(at + 1).trim());
  }
  return labels;
}

function secondsOf(text: unknown): number | undefined {
  return typeof text === 'string' && /^\d{1,12}$/.test(text) ? Number(text) : undefined;
}

function checkAge(secondsAhead: number): SignatureCheck {
  if (Math.abs(secondsAhead) <= mostSecondsApart) return { ok: true };
  // Rounded up: what is refused is never told to be just what is allowed.
  const seconds = Math.ceil(Math.abs(secondsAhead));
  const apart = secondsAhead < 0 ? `${seconds} s old` : `${seconds} s in the future`;
  const reason = `The signature is right, but its time is ${apart}, and only ${mostSecondsApart} s are allowed: the request was sent again by somebody else, or a clock is wrong.`;
  return { ok: false, reason, isRight: true };
}

function keyOf(secret: string, { key }: Expected): string | Buffer {
  return key === 'text' ? secret : Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
}

type Part = { text: string; name: string | null };
const partsOf = new Map<string, Part[]>();

/** `v0:{time}:{body}` in pieces. */
function signedParts(signed: string): Part[] {
  let parts = partsOf.get(signed);
  if (!parts) {
    parts = signed
      .split(/\{([^}]+)\}/)
      .map((text, index) => ({ text, name: index % 2 === 1 ? text : null }))
      .filter(({ text }) => text !== '');
    partsOf.set(signed, parts);
  }
  return parts;
}

/** Digests of equal length, so that the comparison tells nothing of the secret's. Node reads headers as Latin-1. */
function isSecret(given: string, secret: string): boolean {
  const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest();
  return timingSafeEqual(digest(Buffer.from(given, 'latin1')), digest(Buffer.from(secret)));
}

function refuse(reason: string): SignatureCheck {
  return { ok: false, reason };
}
