import { createHmac, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createApiClient } from './api-client.ts';
import type { ApiAnswer } from './api-client.ts';
import type { IncomingHook, Receipt } from './fixtures.ts';

/* Requests as the providers send them, signed here by what their documents say and by none of Hookline's own code. */

/** A request of `test/fixtures/incoming`, unsigned. */
export type IncomingExample = {
  /** The name of its file, without the end. */
  name: string;
  provider: string;
  event: string;
  headers: Record<string, string>;
  body: Buffer;
};

const folder = join(import.meta.dirname, '..', 'fixtures', 'incoming');
type ExampleFile = Omit<IncomingExample, 'name' | 'body'> & { body: string | object };

let examples: Map<string, IncomingExample> | undefined;

export function incomingExamples(): IncomingExample[] {
  examples ??= new Map(
    readdirSync(folder)
      .sort()
      .map((file) => {
        const name = file.replace(/\.json$/, '');
        const { body, ...rest } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as ExampleFile;
        const text = typeof body === 'string' ? body : JSON.stringify(body);
        return [name, { name, ...rest, body: Buffer.from(text) }];
      }),
  );
  return [...examples.values()];
}

/** Throws when there is none of this name. */
export function incomingExample(name: string): IncomingExample {
  const found = incomingExamples().find((example) => example.name === name);
  if (!found) throw new Error(`there is no example ${name}`);
  return found;
}

/** The example with its JSON changed, and an id of its own where the headers hold one. */
export function changedExample(
  name: string,
  // Each test knows what the payload looks like.
  // oxlint-disable-next-line typescript/no-explicit-any
  change: (payload: any) => void = () => undefined,
): IncomingExample {
  const example = incomingExample(name);
  const payload: unknown = JSON.parse(example.body.toString());
  change(payload);
  return { ...example, headers: withFreshIds(example.headers), body: Buffer.from(JSON.stringify(payload)) };
}

const idHeaders = new Set([
  'idempotency-key',
  'webhook-id',
  'x-forgejo-delivery',
  'x-gitea-delivery',
  'x-github-delivery',
  'x-gitlab-event-uuid',
  'x-request-id',
  'x-request-uuid',
  'x-shopify-webhook-id',
]);

function withFreshIds(headers: Record<string, string>): Record<string, string> {
  const id = randomUUID();
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, idHeaders.has(name) ? id : value]),
  );
}

export type SigningScheme = keyof typeof signers;
type ToSign = { secret: string; body: Buffer; headers: Record<string, string>; seconds: number };

const hmac = (secret: string | Buffer, ...parts: (string | Buffer)[]) => {
  const made = createHmac('sha256', secret);
  for (const part of parts) made.update(part);
  return made.digest();
};

function standardWebhooks({ secret, body, headers, seconds }: ToSign): Record<string, string> {
  const id = headers['webhook-id'] ?? `msg_${randomUUID()}`;
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': `v1,${hmac(key, `${id}.${seconds}.`, body).toString('base64')}`,
  };
}

/** What each way of signing puts into the headers. */
const signers = {
  github: ({ secret, body }: ToSign) => ({
    'x-hub-signature-256': `sha256=${hmac(secret, body).toString('hex')}`,
  }),
  'gitlab-token': ({ secret }: ToSign) => ({ 'x-gitlab-token': secret }),
  'gitlab-signed': standardWebhooks,
  bitbucket: ({ secret, body }: ToSign) => ({
    'x-hub-signature': `sha256=${hmac(secret, body).toString('hex')}`,
  }),
  gitea: ({ secret, body, headers }: ToSign) => {
    const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
    const signed = isForm ? (new URLSearchParams(body.toString()).get('payload') ?? '') : body;
    return { 'x-gitea-signature': hmac(secret, signed).toString('hex') };
  },
  stripe: ({ secret, body, seconds }: ToSign) => ({
    'stripe-signature': `t=${seconds},v1=${hmac(secret, `${seconds}.`, body).toString('hex')},v0=${'0'.repeat(64)}`,
  }),
  slack: ({ secret, body, seconds }: ToSign) => ({
    'x-slack-request-timestamp': String(seconds),
    'x-slack-signature': `v0=${hmac(secret, `v0:${seconds}:`, body).toString('hex')}`,
  }),
  shopify: ({ secret, body }: ToSign) => ({
    'x-shopify-hmac-sha256': hmac(secret, body).toString('base64'),
  }),
  'standard-webhooks': standardWebhooks,
} satisfies Record<string, (request: ToSign) => Record<string, string>>;

export function signAs(scheme: SigningScheme, request: ToSign): Record<string, string> {
  return signers[scheme](request);
}

/** Which preset a provider's requests are for, how it signs, and a secret where it makes that itself. */
export const providers = {
  github: { preset: 'github', scheme: 'github', ownSecret: null },
  gitlab: { preset: 'gitlab', scheme: 'gitlab-token', ownSecret: null },
  bitbucket: { preset: 'bitbucket', scheme: 'bitbucket', ownSecret: null },
  'bitbucket-data-center': { preset: 'bitbucket', scheme: 'bitbucket', ownSecret: null },
  gitea: { preset: 'gitea', scheme: 'gitea', ownSecret: null },
  forgejo: { preset: 'gitea', scheme: 'gitea', ownSecret: null },
  stripe: { preset: 'stripe', scheme: 'stripe', ownSecret: 'whsec_as-Stripe-shows-it' },
  slack: { preset: 'slack', scheme: 'slack', ownSecret: '8f742231b10e8888abcd99yyyzzz85a5' },
  shopify: { preset: 'shopify', scheme: 'shopify', ownSecret: 'shpss_as-Shopify-shows-it' },
  'standard-webhooks': { preset: 'standard', scheme: 'standard-webhooks', ownSecret: null },
} as const satisfies Record<string, { preset: string; scheme: SigningScheme; ownSecret: string | null }>;
export type Provider = keyof typeof providers;

/** Sends a request to a hook, signed with its secret at `at` (ms since 1970, now unless told); `headers` win. */
export async function sendAs(
  scheme: SigningScheme,
  { url }: { url: string },
  hook: IncomingHook,
  request: { headers?: Record<string, string>; body: Buffer | string },
  options: { at?: number; headers?: Record<string, string>; query?: string } = {},
): Promise<ApiAnswer<Receipt & { challenge?: string }>> {
  const body = Buffer.from(request.body);
  const { at = Date.now(), headers: extra = {}, query = '' } = options;
  const headers = { 'content-type': 'application/json', ...request.headers };
  const seconds = Math.floor(at / 1000);
  const signed = signAs(scheme, { secret: hook.secret, body, headers, seconds });
  return await createApiClient(url).request('POST', `/hooks/${hook.id}/trigger${query}`, body, {
    ...headers,
    ...signed,
    ...extra,
  });
}
