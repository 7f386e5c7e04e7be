import type { IncomingHttpHeaders } from 'node:http';
import type { IncomingDefinition, SecretAlgorithm } from '../hooks/definition.ts';

const digestBytes: Record<SecretAlgorithm, number> = { sha1: 20, sha256: 32, sha512: 64 };

/**
 * Why these headers could not make any body verify, in one sentence, or null when one could: told without the body and
 * without computing anything.
 */
export function whyUnsigned(definition: IncomingDefinition, headers: IncomingHttpHeaders): string | null {
  if (!definition.requires_secret) return null;
  const name = definition.secret_header_name ?? '';
  const given = headers[name];
  if (typeof given !== 'string' || given === '')
    return `The signature header ${name} is missing. Give the sender the hook's secret.`;
  const algorithm = definition.secret_algorithm ?? 'sha256';
  if (isDigest(given, algorithm)) return null;
  return `The signature header ${name} does not hold a ${algorithm} signature.`;
}

/** In hex or base64, with or without the algorithm before it, as `signature.ts` reads it. */
function isDigest(text: string, algorithm: SecretAlgorithm): boolean {
  const bytes = digestBytes[algorithm];
  const prefix = algorithm.length + 1;
  const value = text.slice(0, prefix).toLowerCase() === `${algorithm}=` ? text.slice(prefix) : text;
  if (value.length === bytes * 2 && /^[0-9a-f]+$/i.test(value)) return true;
  return value.length === Math.ceil(bytes / 3) * 4 && /^[A-Za-z0-9+/]+={0,2}$/.test(value);
}
