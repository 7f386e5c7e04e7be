import { createHash } from 'node:crypto';

/** Where senders put the id of a delivery (FIELD.md, "How senders behave"). */
const deliveryIdHeaders = [
  'x-github-delivery',
  'x-gitlab-event-uuid',
  'x-request-uuid',
  'x-gitea-delivery',
  'webhook-id',
  'idempotency-key',
];

/** What GitHub and its like send to see whether somebody is there. */
const pings: Record<string, string> = {
  'x-github-event': 'ping',
  'x-gitea-event': 'ping',
  'x-event-key': 'diagnostics:ping',
};

/** The key under which a repeat is recognised: 16 bytes of SHA-256 over hook and delivery id; null without an id. */
export function dedupKey(hookUuid: string, headers: Record<string, unknown>): Buffer | null {
  for (const name of deliveryIdHeaders) {
    const id = headers[name];
    if (typeof id === 'string' && id !== '') {
      return createHash('sha256').update(`${hookUuid}\n${name}\n${id}`).digest().subarray(0, 16);
    }
  }
  return null;
}

export function isPing(headers: Record<string, unknown>): boolean {
  return Object.entries(pings).some(([name, value]) => headers[name] === value);
}
