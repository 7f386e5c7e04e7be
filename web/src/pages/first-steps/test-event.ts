import { triggerHook, type HookTriggerResponse, type HookTriggerUnderstood } from '#sdk';
import type { HostCode } from './hosts.ts';
import { hmacSha256 } from './hmac.ts';

type Push = { host: HostCode; repository: string; branch: string; commit: string };
type Sent = { body: unknown; headers: (body: string, secret: string) => Record<string, string> };

const message = 'A test event from the first steps';

/** A push in the words of each host, with as much of it as a hook looks at. */
const events: Record<HostCode, (push: Push) => Sent> = {
  github: ({ repository, branch, commit }) => ({
    body: {
      ref: `refs/heads/${branch}`,
      after: commit,
      head_commit: { id: commit, message },
      repository: { full_name: repository },
      sender: { login: 'hookline-test' },
    },
    headers: (body, secret) => ({
      'x-github-event': 'push',
      'x-github-delivery': randomId(),
      'x-hub-signature-256': `sha256=${hmacSha256(secret, body)}`,
    }),
  }),
  gitlab: ({ repository, branch, commit }) => ({
    body: {
      object_kind: 'push',
      event_name: 'push',
      ref: `refs/heads/${branch}`,
      after: commit,
      checkout_sha: commit,
      user_username: 'hookline-test',
      project: { path_with_namespace: repository },
      commits: [{ id: commit, message }],
    },
    headers: (_body, secret) => ({
      'x-gitlab-event': 'Push Hook',
      'x-gitlab-event-uuid': randomId(),
      'x-gitlab-token': secret,
    }),
  }),
  bitbucket: ({ repository, branch, commit }) => ({
    body: {
      actor: { nickname: 'hookline-test' },
      repository: { full_name: repository },
      push: { changes: [{ new: { type: 'branch', name: branch, target: { hash: commit, message } } }] },
    },
    headers: (body, secret) => ({
      'x-event-key': 'repo:push',
      'x-request-uuid': randomId(),
      'x-hub-signature': `sha256=${hmacSha256(secret, body)}`,
    }),
  }),
};

/** Sends a push to the hook as its host would, signed, by its public address. */
export async function sendTestEvent(
  hookId: string,
  secret: string,
  push: Push,
): Promise<HookTriggerResponse | HookTriggerUnderstood> {
  const event = events[push.host](push);
  const body = JSON.stringify(event.body);
  return await triggerHook({
    path: { hook_id: hookId },
    body,
    // What was signed is what is sent.
    bodySerializer: (text) => text,
    headers: event.headers(body, secret),
  });
}

/** A hash that no commit has, for pipelines that fetch nothing. */
export function madeUpCommit(): string {
  return `${randomId()}${randomId()}`.replaceAll('-', '').slice(0, 40);
}

function randomId(): string {
  const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) =>
    byte.toString(16).padStart(2, '0'),
  );
  return hex.join('').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
