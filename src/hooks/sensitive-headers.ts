import { mask } from '../platform/secret-box.ts';

const sensitive = /auth(?!or(?!i))|token|secret|(?<!idempotency-|event-)key|cookie|password|credential/i;

/** Headers and parameters whose values are never shown or recorded. Signatures are recorded, since trying a request out looks at them. */
export function isSensitiveName(name: string): boolean {
  let known = decided.get(name);
  if (known === undefined) {
    known = sensitive.test(name);
    if (decided.size < mostDecided) decided.set(name, known);
  }
  return known;
}

/** The accept path asks for a dozen names with each request, nearly always the same ones. */
const decided = new Map<string, boolean>();
const mostDecided = 1000;

/**
 * A sensitive header's template as an API answer shows it: its expressions, which only name a secret, and the scheme
 * before it stay readable; what is written out is masked, inside an expression too.
 */
export function maskHeaderTemplate(name: string, value: string): string {
  if (!isSensitiveName(name)) return value;
  const scheme = /^(Bearer|Basic|token)\s+/i.exec(value)?.[0] ?? '';
  const rest = value.slice(scheme.length);
  const parts = rest.split(/(\{\{[^{}]*\}\}|\{%[^{}]*%\})/);
  const shown = parts.map((part, index) => {
    if (index % 2 === 1) return part.replaceAll(/"[^"]*"|'[^']*'/g, `"${mask}"`);
    return part.trim() === '' ? part : mask;
  });
  return scheme + shown.join('');
}

/** Recorded headers with sensitive values masked. */
export function maskHeaders(headers: Record<string, string>): Record<string, string> {
  const masked: Record<string, string> = {};
  for (const name in headers) masked[name] = isSensitiveName(name) ? mask : headers[name]!;
  return masked;
}
