import { isSensitiveName, maskHeaders } from '../hooks/sensitive-headers.ts';
import type { OutgoingHook } from '../hooks/registry.ts';
import { compileOutgoing } from '../hooks/compile-outgoing.ts';
import { openOutgoing, type HookRow } from '../hooks/store.ts';
import { writtenSecrets } from '../hooks/written-secrets.ts';
import { openSettings } from '../inventory/credentials/source-provider.ts';
import type { Clock } from '../platform/clock.ts';
import type { Connection, Db } from '../platform/database/connect.ts';
import { createMasker, createStreamMasker } from '../platform/mask-secrets.ts';
import type { SecretBox } from '../platform/secret-box.ts';
import type { DeliveryRow } from './claim.ts';
import type { Answer, HttpClient } from './http-client.ts';
import { renderRequest, type RenderedRequest } from './render.ts';
import { judge, type Verdict } from './retry-schedule.ts';
import type { Settlement } from './settle.ts';
import type { EventContext } from './subscribe.ts';

export type DeliverContext = {
  connection: Connection;
  clock: Clock;
  box: SecretBox;
  client: HttpClient;
  random: () => number;
  userAgent: string;
};

/** Renders and sends a claimed delivery, and returns what is to be written about it. Throws only when `signal` aborts. */
export async function deliver(
  context: DeliverContext,
  delivery: DeliveryRow,
  nodeId: string,
  signal: AbortSignal,
): Promise<Settlement> {
  const startedAt = context.clock.now();
  const ended = (status: 'skipped', reason: string): Settlement => ({
    delivery,
    nodeId,
    status,
    reason,
    nextAttemptAt: startedAt,
    attempt: null,
    at: context.clock.now(),
  });

  const loaded = await load(context, delivery);
  if ('reason' in loaded) return ended('skipped', loaded.reason);
  const { hook, values } = loaded;
  const ofDefinition = [...loaded.secrets, ...writtenSecrets(hook.definition)];
  const rendered = renderRequest(hook.compiled, values);
  if (rendered.kind === 'impossible') return ended('skipped', createMasker(ofDefinition)(rendered.reason));

  const headers = {
    'user-agent': context.userAgent,
    accept: '*/*',
    ...rendered.headers,
    'webhook-id': delivery.uuid,
    'webhook-timestamp': String(Math.floor(startedAt / 1000)),
  };
  const answer = await context.client.post({
    url: rendered.url,
    headers,
    body: rendered.body,
    verifyTls: hook.definition.verify_ssl,
    signal,
  });
  const now = context.clock.now();
  const verdict = judge(answer, delivery.attempts + 1, { random: context.random, now });
  const secrets = [...ofDefinition, ...headerSecrets(rendered)];
  const maskAll = createMasker(secrets);
  const note = rendered.missing.length > 0 ? ` Empty in the body: ${rendered.missing.join(', ')}.` : '';
  const reason = maskAll(verdict.reason + note);
  return {
    delivery,
    nodeId,
    status: statusOf(verdict),
    reason,
    nextAttemptAt: verdict.kind === 'retry' ? now + verdict.delayMs : now,
    at: now,
    attempt: {
      url: maskAll(rendered.url),
      requestHeaders: maskRecord(maskHeaders(headers), maskAll),
      requestBody: maskAll(rendered.body),
      statusCode: answer.kind === 'answer' ? answer.status : 0,
      responseHeaders: answer.kind === 'answer' ? maskRecord(maskHeaders(answer.headers), maskAll) : {},
      responseBody: bodyOf(answer, secrets),
      address: answer.kind === 'answer' ? answer.address : '',
      reason,
      durationMs: now - startedAt,
    },
  };
}

function statusOf(verdict: Verdict): Settlement['status'] {
  return verdict.kind === 'retry' ? 'pending' : verdict.kind;
}

/** An attempt that broke before anything came of it, by a fault of ours. */
export function failedHere(
  delivery: DeliveryRow,
  nodeId: string,
  options: { random: () => number; now: number },
): Settlement {
  const answer = {
    kind: 'no-answer',
    reason: 'Hookline itself failed; the log says how.',
    refused: false,
  } as const;
  const verdict = judge(answer, delivery.attempts + 1, options);
  return {
    delivery,
    nodeId,
    status: statusOf(verdict),
    reason: verdict.reason,
    nextAttemptAt: verdict.kind === 'retry' ? options.now + verdict.delayMs : options.now,
    at: options.now,
    attempt: {
      url: '',
      requestHeaders: {},
      requestBody: '',
      statusCode: 0,
      responseHeaders: {},
      responseBody: '',
      address: '',
      reason: verdict.reason,
      durationMs: 0,
    },
  };
}

type Loaded = { hook: OutgoingHook; values: EventContext; secrets: string[] };

/** The hook as it is now, and the event as it was. The access token is read now: a rotated one works at once. */
async function load(
  { connection: { db }, box }: DeliverContext,
  delivery: DeliveryRow,
): Promise<Loaded | { reason: string }> {
  const row: HookRow | undefined = await db
    .selectFrom('hooks')
    .selectAll()
    .where('id', '=', delivery.hook_id)
    .executeTakeFirst();
  if (!row) return { reason: 'Not sent: the hook was deleted.' };
  if (!row.active) return { reason: 'Not sent: the hook is not active.' };
  const event = await db
    .selectFrom('action_events')
    .select('context')
    .where('id', '=', delivery.event_id)
    .executeTakeFirst();
  if (!event?.context) return { reason: 'Not sent: its event was pruned.' };

  const definition = openOutgoing(box, row);
  const hook = { row, definition, compiled: compileOutgoing(definition).compiled };
  // Safe: only `actions/events.ts` writes this column.
  const values = JSON.parse(event.context) as EventContext;
  return { hook, ...(await complete({ db, box }, row, values, delivery.event)) };
}

/** Adds to the context of an event what is read at sending: the hook, and the access token of the source provider. */
async function complete(
  { db, box }: { db: Db; box: SecretBox },
  row: HookRow,
  context: EventContext,
  event: string,
): Promise<{ values: EventContext; secrets: string[] }> {
  // Safe: `actions/events.ts` makes it so.
  const values = context as EventContext & { application?: { id: number; source_provider: object } };
  values.event = event;
  values['hook'] = { id: row.uuid, name: row.name };
  const secrets: string[] = [];
  if (values.application) {
    const credential = await db
      .selectFrom('applications')
      .innerJoin('credentials', 'credentials.id', 'applications.credential_id')
      .select('credentials.settings_sealed')
      .where('applications.id', '=', values.application.id)
      .where('credentials.active', '=', 1)
      .executeTakeFirst();
    if (credential) {
      const { access_token } = openSettings(box, credential);
      values.application.source_provider = { ...values.application.source_provider, access_token };
      secrets.push(access_token);
    }
  }
  return { values, secrets };
}

export type Preview =
  | { kind: 'request'; url: string; headers: Record<string, string>; body: string; missing: string[] }
  | { kind: 'impossible'; reason: string };

/** What a hook would send about an event, masked as the records are. Nothing is sent. */
export async function previewRequest(
  context: { db: Db; box: SecretBox },
  row: HookRow,
  { values: given, event }: { values: EventContext; event: string },
): Promise<Preview> {
  const definition = openOutgoing(context.box, row);
  const { values, secrets } = await complete(context, row, given, event);
  const ofDefinition = [...secrets, ...writtenSecrets(definition)];
  const rendered = renderRequest(compileOutgoing(definition).compiled, values);
  if (rendered.kind === 'impossible')
    return { kind: 'impossible', reason: createMasker(ofDefinition)(rendered.reason) };
  const maskAll = createMasker([...ofDefinition, ...headerSecrets(rendered)]);
  return {
    kind: 'request',
    url: maskAll(rendered.url),
    headers: maskRecord(maskHeaders(rendered.headers), maskAll),
    body: maskAll(rendered.body),
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
function bodyOf(answer: Answer, secrets: string[]): string {
  if (answer.kind !== 'answer') return '';
  return answer.isCut ? createStreamMasker(secrets).push(answer.body) : createMasker(secrets)(answer.body);
}

function maskRecord(
  record: Record<string, string>,
  maskAll: (text: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, maskAll(value)]));
}
