import { createHmac, randomUUID } from 'node:crypto';
import type { SecretAlgorithm } from '../../hooks/definition.ts';
import { signatureScheme, type SignatureSchemeName } from '../../hooks/signature-schemes.ts';

/** What a hook tells of how its sender signs. */
export type SigningHook = {
  signature_scheme: string | null;
  secret_algorithm: string | null;
  secret_header_name: string | null;
  signature_encoding: string | null;
  signature_prefix: string | null;
};

/** The headers with which the sender of such a hook proves that a body is its own, by the rows of the schemes. */
export function signedHeaders(
  hook: SigningHook & { signature_scheme: SignatureSchemeName },
  { secret, body, now }: { secret: string; body: string; now: number },
): Record<string, string> {
  const scheme = signatureScheme(hook.signature_scheme);
  const header = hook.secret_header_name?.toLowerCase() ?? scheme.header;
  if (scheme.proof === 'token') return { [header]: secret };
  // Safe: the hook was saved with one of them.
  const algorithm = (hook.secret_algorithm ?? scheme.algorithm) as SecretAlgorithm;
  const encoding = (hook.signature_encoding ?? scheme.encoding) === 'base64' ? 'base64' : 'hex';
  const prefix = hook.signature_prefix ?? scheme.prefix ?? `${algorithm}=`;
  const seconds = String(Math.floor(now / 1000));
  const isLabelled = scheme.separator === ',';
  const values: Record<string, string> = {};
  const signed = scheme.signed.replaceAll(/\{([\w-]+)\}/g, (_, name: string) => {
    if (name === 'body' || name === 'payload') return body;
    return (values[name] ??= name === scheme.timestamp ? seconds : `msg_${randomUUID()}`);
  });
  const key = scheme.key === 'base64' ? Buffer.from(secret.replace(/^whsec_/, ''), 'base64') : secret;
  const signature = prefix + createHmac(algorithm, key).update(signed).digest(encoding);
  if (!isLabelled) return { ...values, [header]: signature };
  const labels = Object.entries(values).map(([name, value]) => `${name}=${value}`);
  return { [header]: [...labels, signature].join(',') };
}
