import { createHash } from 'node:crypto';
import type { IncomingDefinition } from '../hooks/definition.ts';
import type { IncomingHook } from '../hooks/registry.ts';
import { signatureScheme } from '../hooks/signature-schemes.ts';
import { readPath, type PayloadSource } from './paths.ts';

/**
 * Where senders put the id of a delivery (FIELD.md, "How senders behave"), for hooks that do not say. Of Gitea's requests,
 * which have GitHub's headers too, its own counts; of GitLab's the key of the delivery, since an event may share its id with
 * those it causes.
 */
const usualPaths = [
  '$headers.x-gitea-delivery',
  '$headers.x-forgejo-delivery',
  '$headers.x-github-delivery',
  '$headers.webhook-id',
  '$headers.x-request-uuid',
  '$headers.x-shopify-webhook-id',
  '$headers.idempotency-key',
  '$headers.x-gitlab-event-uuid',
];
/** Anybody may send it, and it counts where the sender has no id of its own. */
const idempotencyKey = '$headers.idempotency-key';

const dataCenterPing = 'diagnostics:ping';

/** What GitHub and its like send to see whether somebody is there. */
const pings: Record<string, string> = {
  'x-github-event': 'ping',
  'x-gitea-event': 'ping',
  'x-event-key': dataCenterPing,
};

/** The key under which a repeat is recognised: 16 bytes of SHA-256 over hook and delivery id; null without an id. */
export function dedupKey(
  { row, definition }: Pick<IncomingHook, 'definition'> & { row: { uuid: string } },
  source: PayloadSource,
): Buffer | null {
  for (const path of idPaths(definition)) {
    const id = readPath(source, path);
    if ((typeof id !== 'string' && typeof id !== 'number' && typeof id !== 'bigint') || id === '') continue;
    const name = path.replace(/^\$headers\./i, '');
    return createHash('sha256').update(`${row.uuid}\n${name}\n${id}`).digest().subarray(0, 16);
  }
  return null;
}

function idPaths({ delivery_id_paths: named = [], requires_secret, signature_scheme }: IncomingDefinition) {
  if (named.length > 0) return [...named, idempotencyKey];
  // A header that nobody has signed would make a request that was caught another one.
  const signed = requires_secret ? signatureScheme(signature_scheme ?? 'hmac').signedIdPaths : [];
  return [...signed, ...usualPaths];
}

export function isPing(headers: Record<string, unknown>): boolean {
  return Object.entries(pings).some(([name, value]) => headers[name] === value);
}

/** Bitbucket Data Center tests a connection without signing, also where it knows the secret. */
export function isUnsignedPing(
  { definition }: Pick<IncomingHook, 'definition'>,
  headers: Record<string, unknown>,
): boolean {
  const isMissing = headers[definition.secret_header_name ?? ''] === undefined;
  return (
    definition.signature_scheme === 'bitbucket' && isMissing && headers['x-event-key'] === dataCenterPing
  );
}

/** What Slack wants to hear back before it sends to an address; null for everything else. */
export function challengeOf(
  { definition }: Pick<IncomingHook, 'definition'>,
  payload: unknown,
): string | null {
  if (definition.signature_scheme !== 'slack' || typeof payload !== 'object' || payload === null) return null;
  const { type, challenge } = payload as { type?: unknown; challenge?: unknown };
  return type === 'url_verification' && typeof challenge === 'string' ? challenge.slice(0, 1000) : null;
}
