import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

export type GithubExample = Record<string, unknown>;

/**
 * A real payload of GitHub's `event` (`push`, `pull_request`, …): the first example that `pick` takes, else
 * the first. A fresh copy each time. Throws when there is none.
 */
export function githubPayload(
  event: string,
  pick: (example: GithubExample) => boolean = () => true,
): GithubExample {
  const found = examplesOf(event).find(pick);
  if (!found) throw new Error(`no example of GitHub's ${event} fits`);
  return structuredClone(found);
}

/** A push of one commit to refs/heads/master: compact JSON, 7,678 bytes. */
export function pushPayload(): Buffer {
  return encode(githubPayload('push', (example) => example.ref === 'refs/heads/master'));
}

/** A pull request just opened: compact JSON, 21,370 bytes. */
export function pullRequestPayload(): Buffer {
  return encode(githubPayload('pull_request', (example) => example.action === 'opened'));
}

/** The value of GitHub's signature header: `sha256=<hex>`, an HMAC of the body's bytes. */
export function sign(secret: string, body: Buffer | string, algorithm = 'sha256'): string {
  return `${algorithm}=${createHmac(algorithm, secret).update(body).digest('hex')}`;
}

/** The headers that GitHub sends with a delivery, in both signature generations. */
export function githubHeaders(
  event: string,
  secret: string,
  body: Buffer | string,
  deliveryId: string = randomUUID(),
): Record<string, string> {
  return {
    accept: '*/*',
    'content-type': 'application/json',
    'user-agent': 'GitHub-Hookshot/044aadd',
    'x-github-delivery': deliveryId,
    'x-github-event': event,
    'x-github-hook-id': '292430182',
    'x-hub-signature': sign(secret, body, 'sha1'),
    'x-hub-signature-256': sign(secret, body),
  };
}

type EventExamples = { name: string; examples: GithubExample[] };

let catalogue: EventExamples[] | undefined;

/** All real payloads, by their events. */
export function githubEvents(): readonly EventExamples[] {
  // Read as a file: the package's own types need another package and slow every type check.
  const file = new URL(import.meta.resolve('@octokit/webhooks-examples'));
  catalogue ??= JSON.parse(readFileSync(file, 'utf8')) as EventExamples[];
  return catalogue;
}

function examplesOf(event: string): GithubExample[] {
  return githubEvents().find((entry) => entry.name === event)?.examples ?? [];
}

function encode(payload: GithubExample): Buffer {
  return Buffer.from(JSON.stringify(payload));
}
