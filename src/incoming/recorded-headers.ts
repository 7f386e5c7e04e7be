import { sendsToken } from '../hooks/signature-schemes.ts';
import type { IncomingHook } from '../hooks/registry.ts';
import { isSensitiveName, maskHeaders } from '../hooks/sensitive-headers.ts';
import { mask } from '../platform/secret-box.ts';
import type { ReceivedRequest } from './decide.ts';

/* What a record keeps of headers and address. */

/** Of the headers of a request no more than this is kept. */
const mostHeaderCharacters = 32_768;
const mostQueryCharacters = 16_384;

/** As JSON, with tokens and the secret of the hook masked. `isVerified`: whether its signature was right. */
export function recordedHeaders(
  headers: ReceivedRequest['headers'],
  hook: IncomingHook,
  isVerified: boolean,
): string {
  const { definition } = hook;
  const flat: Record<string, string> = {};
  let left = mostHeaderCharacters;
  for (const [name, value] of Object.entries(headers)) {
    const text = Array.isArray(value) ? value.join(', ') : (value ?? '');
    left -= name.length + text.length;
    if (left < 0) break;
    flat[name] = text;
  }
  const masked = maskHeaders(flat);
  const { secret_header_name: name } = definition;
  const signature = name === null ? undefined : flat[name];
  if (name !== null && signature !== undefined) {
    // The header that the hook names holds a signature, whatever it is called: it proves, but grants nothing. Unless it is a
    // token, or was never verified: senders that know no signatures put the secret itself there.
    const isSignature = isVerified || /^sha\d+=[0-9a-f]+$/i.test(signature);
    masked[name] = isSignature && !sendsToken(definition) ? signature : mask;
  }
  return withoutSecrets(JSON.stringify(masked), hook);
}

/** Null for none. Whoever puts a token into an address does not want to read it in a record. */
export function recordedQuery(query: string, hook: IncomingHook): string | null {
  if (query === '') return null;
  const secrets = secretsOf(hook);
  const shown = new URLSearchParams();
  for (const [name, value] of new URLSearchParams(query.slice(0, mostQueryCharacters))) {
    const isSecret = isSensitiveName(name) || secrets.some((secret) => value.includes(secret));
    shown.append(name, isSecret ? mask : value);
  }
  return shown.toString();
}

/** A sender that knows no signatures may put the secret of the hook anywhere, and whatever it calls that. */
function withoutSecrets(json: string, hook: IncomingHook): string {
  return secretsOf(hook)
    .map((secret) => JSON.stringify(secret).slice(1, -1))
    .reduce((text, secret) => (text.includes(secret) ? text.replaceAll(secret, mask) : text), json);
}

/** A shorter one may be a word that stands there anyhow. */
const leastSecretCharacters = 16;

function secretsOf({ secret, previous }: IncomingHook): string[] {
  return [secret ?? '', previous?.secret ?? ''].filter(({ length }) => length >= leastSecretCharacters);
}
