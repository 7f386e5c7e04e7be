import { sampleEvent, triggerHook, type HookTriggerResponse, type HookTriggerUnderstood } from '#sdk';
import type { HostCode } from './hosts.ts';
import { hmacSha256 } from './hmac.ts';

type Push = { host: HostCode; repository: string; branch: string; commit: string };

/** How each host proves that it is the sender. Not with `signWebhook`, which browsers let work over https alone. */
const proofs: Record<HostCode, (body: string, secret: string) => Record<string, string>> = {
  github: (body, secret) => ({ 'x-hub-signature-256': `sha256=${hmacSha256(secret, body)}` }),
  gitlab: (_body, secret) => ({ 'x-gitlab-token': secret }),
  bitbucket: (body, secret) => ({ 'x-hub-signature': `sha256=${hmacSha256(secret, body)}` }),
};

/** Sends a push to the hook as its host would, signed, by its public address. */
export async function sendTestEvent(
  hookId: string,
  secret: string,
  { host, ...push }: Push,
): Promise<HookTriggerResponse | HookTriggerUnderstood> {
  const { headers, body } = sampleEvent(host, 'push', push);
  return await triggerHook({
    path: { hook_id: hookId },
    body,
    // What was signed is what is sent.
    bodySerializer: (text) => text,
    headers: { ...headers, ...proofs[host](body, secret) },
  });
}
