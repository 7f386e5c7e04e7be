import { compileOutgoing } from '../hooks/compile-outgoing.ts';
import { hostOf } from '../hooks/define-outgoing.ts';
import type { HookRegistry, SendingHook } from '../hooks/registry.ts';
import { isSensitiveName, maskHeaders } from '../hooks/sensitive-headers.ts';
import { findHookVersion } from '../hooks/store.ts';
import { writtenSecrets } from '../hooks/written-secrets.ts';
import type { Clock } from '../platform/clock.ts';
import type { Connection } from '../platform/database/connect.ts';
import { parseExactJson } from '../platform/exact-json.ts';
import { createMasker, createStreamMasker } from '../platform/mask-secrets.ts';
import { mask, type SecretBox } from '../platform/secret-box.ts';
import { withoutNulls } from '../platform/without-nulls.ts';
import type { ClaimedDelivery } from './claim.ts';
import type { Answer, HttpClient } from './http-client.ts';
import { notSentAgain } from './recover.ts';
import { renderRequest, type RenderedRequest } from './render.ts';
import { judge, type Verdict } from './retry-schedule.ts';
import type { Settlement } from './settle.ts';
import { standardSignature } from './sign.ts';
import { notSentWhileDisabled, type EventContext } from './subscribe.ts';

export type DeliverContext = {
  connection: Connection;
  clock: Clock;
  box: SecretBox;
  registry: HookRegistry;
  client: HttpClient;
  random: () => number;
  userAgent: string;
};

/** Renders and sends a claimed delivery, and returns what is to be written about it. Throws only when `signal` aborts. */
export async function deliver(
  context: DeliverContext,
  claimed: ClaimedDelivery,
  nodeId: string,
  signal: AbortSignal,
): Promise<Settlement> {
  const { row: delivery, isProbe } = claimed;
  const startedAt = context.clock.now();
  const loaded = await load(context, claimed);
  if ('reason' in loaded) {
    const { status, reason, isUnrendered = false } = loaded;
    const at = context.clock.now();
    return {
      delivery,
      nodeId,
      status,
      isUnrendered,
      reason,
      nextAttemptAt: at,
      attempt: null,
      sign: null,
      hookVersion: null,
      isProbe,
      at,
    };
  }
  const { hook, rendered, maskAll, secrets } = loaded;
  const headers = {
    ...headersOf(rendered, context.userAgent),
    ...signatureHeaders(hook, { id: delivery.uuid, body: rendered.body, now: startedAt }),
  };
  const answer = await context.client.post({
    id: delivery.uuid,
    url: rendered.url,
    headers,
    body: rendered.body,
    verifyTls: hook.definition.verify_ssl,
    tls: hook.definition.tls ?? null,
    signal,
  });
  const now = context.clock.now();
  const attemptOfSeries = delivery.attempts - delivery.attempts_before + 1;
  // The reason may repeat what the receiver says, so that is masked before anything is cut out of it.
  const shown = answer.kind === 'answer' ? { ...answer, body: bodyOf(answer, secrets, maskAll) } : answer;
  const verdict = judge(shown, attemptOfSeries, { url: rendered.url, random: context.random, now });
  const note = rendered.missing.length > 0 ? ` Empty in the body: ${rendered.missing.join(', ')}.` : '';
  const reason = maskAll(verdict.reason + note);
  return {
    delivery,
    nodeId,
    status: statusOf(verdict),
    isUnrendered: false,
    reason,
    nextAttemptAt: verdict.kind === 'retry' ? now + verdict.delayMs : now,
    sign: verdict.sign,
    hookVersion: hook.row.version,
    isProbe,
    at: now,
    attempt: {
      url: maskAll(rendered.url),
      requestHeaders: maskRecord(maskHeaders(headers), maskAll),
      requestBody: maskAll(rendered.body),
      statusCode: answer.kind === 'answer' ? answer.status : 0,
      responseHeaders: answer.kind === 'answer' ? maskRecord(maskHeaders(answer.headers), maskAll) : {},
      responseBody: shown.kind === 'answer' ? shown.body : '',
      isTruncated: answer.kind === 'answer' && answer.isCut,
      address: answer.address,
      reason,
      durationMs: now - startedAt,
      timing: answer.timing,
      hookVersion: delivery.content_version ?? hook.row.version,
    },
  };
}

function headersOf(rendered: RenderedRequest, userAgent: string): Record<string, string> {
  return { 'user-agent': userAgent, accept: '*/*', ...rendered.headers };
}

/** `now` is in ms. The id and the time go along with every delivery, the signature where the hook signs. */
function signatureHeaders(
  { definition, signingSecrets }: SendingHook,
  { id, body, now }: { id: string; body: string; now: number },
): Record<string, string> {
  const timestamp = Math.floor(now / 1000);
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(timestamp) };
  const secrets = signingSecrets.filter(({ until }) => until > now).map(({ secret }) => secret);
  if (!definition.signing || secrets.length === 0) return headers;
  return { ...headers, 'webhook-signature': standardSignature(secrets, { id, timestamp, body }) };
}

function statusOf(verdict: Verdict): Settlement['status'] {
  return verdict.kind === 'retry' ? 'pending' : verdict.kind;
}

/** An attempt that broke before anything came of it, by a fault of ours, which tells nothing about the receiver. */
export function failedHere(
  { row: delivery, isProbe }: ClaimedDelivery,
  nodeId: string,
  options: { random: () => number; now: number },
): Settlement {
  const timing = {
    dns_ms: null,
    connect_ms: null,
    tls_ms: null,
    first_byte_ms: null,
    total_ms: 0,
    connection_reused: false,
  };
  const fault = 'Hookline itself failed; the log says how.';
  const answer: Answer = { kind: 'no-answer', reason: fault, refused: false, timing, address: '' };
  const verdict = judge(answer, delivery.attempts - delivery.attempts_before + 1, { url: '', ...options });
  return {
    delivery,
    nodeId,
    status: statusOf(verdict),
    isUnrendered: false,
    reason: verdict.reason,
    nextAttemptAt: verdict.kind === 'retry' ? options.now + verdict.delayMs : options.now,
    sign: null,
    hookVersion: null,
    isProbe,
    at: options.now,
    attempt: {
      url: '',
      requestHeaders: {},
      requestBody: '',
      statusCode: 0,
      responseHeaders: {},
      responseBody: '',
      isTruncated: false,
      address: '',
      reason: verdict.reason,
      durationMs: 0,
      timing,
      hookVersion: null,
    },
  };
}

type Loaded = { hook: SendingHook } & Prepared;
type Ended = { status: 'skipped' | 'failed'; reason: string; isUnrendered?: boolean };

/** The hook as it is now, and the event as it was. The access token is read now: a rotated one works at once. */
async function load(
  context: DeliverContext,
  { row: delivery, context: event }: ClaimedDelivery,
): Promise<Loaded | Ended> {
  const hook = await context.registry.sending(delivery.hook_id);
  if (!hook) return { status: 'skipped', reason: 'Not sent: the hook was deleted.' };
  if (!hook.row.active) {
    if (hook.row.disabled_reason !== null) return { status: 'failed', reason: notSentWhileDisabled };
    return delivery.recovery_id === null
      ? { status: 'skipped', reason: 'Not sent: the hook is not active.' }
      : { status: 'failed', reason: notSentAgain };
  }
  if (event === null) return { status: 'skipped', reason: 'Not sent: its event was pruned.' };
  const made = await madeFrom(context, hook, delivery.content_version);
  if ('reason' in made) return { status: 'skipped', reason: made.reason, isUnrendered: true };
  const prepared = prepare({ ...hook, ...made }, eventOf(event), delivery.event);
  return 'impossible' in prepared
    ? { status: 'skipped', reason: prepared.impossible, isUnrendered: true }
    : { hook, ...prepared };
}

/** Events of today hold no nulls, which a walk over all of it would cost to find out. */
function eventOf(text: string): EventContext {
  // Safe: only `actions/events.ts` and `announce-disabled.ts` write this column.
  const context = parseExactJson(text) as EventContext;
  return text.includes(':null') ? (withoutNulls(context) as EventContext) : context;
}

/**
 * The address and headers of now, the body of the version asked for. A body with secrets in it was made for the host of
 * then, and goes to no other.
 */
async function madeFrom(
  { connection: { db }, box }: DeliverContext,
  { row, definition, compiled, secrets }: SendingHook,
  version: number | null,
): Promise<Pick<SendingHook, 'compiled' | 'secrets'> | { reason: string }> {
  if (version === null || version === row.version) return { compiled, secrets };
  const old = await findHookVersion(db, box, row.id, version);
  if (!old)
    return {
      reason: 'Not sent: what it was first made from is no longer kept. Send it with the content of now.',
    };
  const ofBody = writtenSecrets({ target_url: '', request_body: old.request_body });
  if (ofBody.length > 0 && hostOf(old.target_url) !== hostOf(definition.target_url)) {
    return {
      reason:
        'Not sent: its first body holds secrets, and the hook sends to another host now. Send it with the content of now.',
    };
  }
  return {
    compiled: compileOutgoing({ ...definition, request_body: old.request_body }).compiled,
    secrets: [...secrets, ...ofBody],
  };
}

type Prepared = {
  rendered: RenderedRequest;
  /** Everything that no record may show. */
  secrets: string[];
  maskAll: (text: string) => string;
};

/** Adds to the context of an event what is read at sending, and renders. The reason of the impossible is masked. */
function prepare(
  { row, compiled, accessToken, secrets: ofHook }: SendingHook,
  told: EventContext,
  event: string,
): Prepared | { impossible: string } {
  // Safe: `actions/events.ts` makes it so.
  const { application, ...rest } = told as EventContext & { application?: { source_provider?: object } };
  const values: EventContext = { ...rest, event, hook: { id: row.uuid, name: row.name } };
  if (application) {
    values['application'] =
      accessToken === null
        ? application
        : { ...application, source_provider: { ...application.source_provider, access_token: accessToken } };
  }
  const rendered = renderRequest(compiled, values);
  if (rendered.kind === 'impossible')
    return { impossible: createMasker(ofHook)(rendered.reason).slice(0, 1000) };
  const secrets = [...ofHook, ...headerSecrets(rendered)];
  return { rendered, secrets, maskAll: createMasker(secrets) };
}

export type Preview =
  | { kind: 'request'; url: string; headers: Record<string, string>; body: string; missing: string[] }
  | { kind: 'impossible'; reason: string };

/** What a hook would send about an event, masked as the records are. Nothing is sent. */
export function previewRequest(
  context: { userAgent: string; now: number },
  hook: SendingHook,
  delivery: { values: EventContext; event: string; id: string },
): Preview {
  const copy = copyRequest(context, hook, delivery);
  if (copy.kind === 'impossible' || copy.headers['webhook-signature'] === undefined) return copy;
  // Nobody who may only look is to get a request that the receiver takes for ours.
  return { ...copy, headers: { ...copy.headers, 'webhook-signature': `v1,${mask}` } };
}

/** The same, signed: of the body as it is shown, so that whoever has the secret can verify it. */
export function copyRequest(
  context: { userAgent: string; now: number },
  hook: SendingHook,
  { values, event, id }: { values: EventContext; event: string; id: string },
): Preview {
  const prepared = prepare(hook, values, event);
  if ('impossible' in prepared) return { kind: 'impossible', reason: prepared.impossible };
  const { rendered, maskAll } = prepared;
  const body = maskAll(rendered.body);
  return {
    kind: 'request',
    url: maskAll(rendered.url),
    headers: {
      ...maskRecord(maskHeaders(headersOf(rendered, context.userAgent)), maskAll),
      ...signatureHeaders(hook, { id, body, now: context.now }),
    },
    body,
    missing: rendered.missing,
  };
}

/** What a sensitive header holds beyond its scheme may come back in an answer, which echoes are; a password decoded too. */
function headerSecrets({ headers }: RenderedRequest): string[] {
  return Object.entries(headers)
    .filter(([name]) => isSensitiveName(name))
    .flatMap(([, value]) => {
      const [, scheme = '', rest = value] = /^(Bearer|Basic|token)\s+(.*)$/is.exec(value) ?? [];
      if (scheme.toLowerCase() !== 'basic') return [value, rest];
      const plain = Buffer.from(rest, 'base64').toString('utf8');
      return [value, rest, plain, plain.slice(plain.indexOf(':') + 1)];
    });
}

/** Where an answer was cut off, it may end in the middle of a secret: the beginning of one is held back, and dropped. */
function bodyOf(answer: Answer, secrets: string[], maskAll: (text: string) => string): string {
  if (answer.kind !== 'answer') return '';
  return answer.isCut ? createStreamMasker(secrets).push(answer.body) : maskAll(answer.body);
}

function maskRecord(
  record: Record<string, string>,
  maskAll: (text: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, maskAll(value)]));
}
