import { countMatches, fromBase64, joinBytes } from './hmac.ts';
import { listSecrets, standardKey, type WebhookSecret } from './webhook-secret.ts';

/** A request as it came, in the form that the receiver's framework gives it. */
export type WebhookRequest = {
  /** Raw: as text or bytes, not parsed. */
  body: string | Uint8Array | ArrayBuffer;
  headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
};

export type VerifyWebhookOptions = {
  /** How far the time of the request may be from now, either way; 300 when left out. */
  toleranceSeconds?: number;
  /** In place of the clock. */
  now?: Date;
};

/** A request that Hookline has sent. */
export type VerifiedWebhook = {
  /** Of the delivery. Stays the same when it is sent again: what knows it already can leave the repeat aside. */
  id: string;
  /** When this attempt was signed. */
  sentAt: Date;
  /** The body. */
  text: string;
  /** The body parsed. Throws a SyntaxError when it is no JSON. */
  json<T = unknown>(): T;
};

/**
 * Why a request is not to be trusted:
 * - `missing_header`, `malformed_header`: `header` names it; the hook may not sign, or the request is not Hookline's.
 * - `no_match`: signed with another secret, or changed on its way, by a parser of the body too.
 * - `too_old`, `too_new`: rightly signed, but not now: sent again by somebody else, or a clock is wrong.
 */
export type WebhookFault = 'missing_header' | 'malformed_header' | 'no_match' | 'too_old' | 'too_new';

/** The request is not to be trusted; answer it 401. */
export class WebhookVerificationError extends Error {
  override readonly name = 'WebhookVerificationError';
  readonly code: WebhookFault;
  /** The one that is at fault, in lower case; null when it is none. */
  readonly header: string | null;

  constructor(code: WebhookFault, message: string, header: string | null = null) {
    super(message);
    this.code = code;
    this.header = header;
  }
}

/** A header with more than this is made to cost time. */
const mostSignatures = 10;

/**
 * Whether a request comes from an outgoing hook that signs, as Standard Webhooks says, and gives what it says. Takes a
 * `Request`, whose body is read, or the raw body and the headers. With several secrets one has to fit, and of several signatures
 * one: neither side misses a request while a secret is replaced. Throws a WebhookVerificationError that says what is
 * wrong, and a TypeError when the secret is none or the body is not raw any more.
 */
export async function verifyWebhook(
  request: Request | WebhookRequest,
  secret: WebhookSecret,
  { toleranceSeconds = 300, now = new Date() }: VerifyWebhookOptions = {},
): Promise<VerifiedWebhook> {
  const keys = listSecrets(secret).map(standardKey);
  const id = headerOf(request, 'webhook-id');
  const time = headerOf(request, 'webhook-timestamp');
  const signatures = signaturesOf(headerOf(request, 'webhook-signature'));
  // What is signed is joined with full stops: an id with one could take in what was the time, and the time what was the body.
  if (id.includes('.')) throw malformed('webhook-id', 'holds a full stop');
  if (!/^\d{1,12}$/.test(time)) throw malformed('webhook-timestamp', 'is no number of seconds since 1970');
  const body = await rawBody(request);
  if ((await countMatches(keys, signatures, joinBytes(`${id}.${time}.`, body))) === 0)
    throw new WebhookVerificationError(
      'no_match',
      'No signature of the webhook matches: it was made with another secret, or the body is not as it was sent.',
    );
  checkAge(now.getTime() / 1000 - Number(time), toleranceSeconds);
  const text = new TextDecoder().decode(body);
  // Safe as far as the caller knows what the hook's template makes.
  return { id, sentAt: new Date(Number(time) * 1000), text, json: <T>() => JSON.parse(text) as T };
}

function headerOf({ headers }: Request | WebhookRequest, name: string): string {
  const found = isHeaders(headers)
    ? headers.get(name)
    : Object.entries(headers ?? {}).find(
        ([key, value]) => key.toLowerCase() === name && value !== undefined,
      )?.[1];
  if (found === null || found === undefined || found.length === 0)
    throw new WebhookVerificationError('missing_header', `The header ${name} is missing.`, name);
  if (typeof found === 'string') return found;
  if (found.length > 1 || typeof found[0] !== 'string') throw malformed(name, 'is there more than once');
  return found[0];
}

function isHeaders(headers: WebhookRequest['headers']): headers is Headers {
  return typeof headers?.get === 'function';
}

/** Those of version 1; what else there is will be for others. */
function signaturesOf(header: string): Uint8Array<ArrayBuffer>[] {
  const found = header
    .split(' ')
    .filter((item) => item.startsWith('v1,'))
    .flatMap((item) => fromBase64(item.slice('v1,'.length)) ?? [])
    .filter(({ length }) => length === 32);
  if (found.length === 0) throw malformed('webhook-signature', 'holds no signature of the form v1,<base64>');
  if (found.length > mostSignatures)
    throw malformed('webhook-signature', `holds more than ${mostSignatures} signatures`);
  return found;
}

function malformed(header: string, what: string): WebhookVerificationError {
  return new WebhookVerificationError('malformed_header', `The header ${header} ${what}.`, header);
}

function checkAge(secondsOld: number, toleranceSeconds: number): void {
  if (Math.abs(secondsOld) <= toleranceSeconds) return;
  const seconds = Math.ceil(Math.abs(secondsOld));
  const [code, age] =
    secondsOld > 0
      ? (['too_old', `${seconds} s old`] as const)
      : (['too_new', `${seconds} s in the future`] as const);
  const message = `The webhook is signed rightly, but ${age}, and only ${toleranceSeconds} s are allowed: it was sent again by somebody else, or a clock is wrong.`;
  throw new WebhookVerificationError(code, message, 'webhook-timestamp');
}

async function rawBody(request: Request | WebhookRequest): Promise<Uint8Array> {
  if ('arrayBuffer' in request) {
    if (request.bodyUsed) throw new TypeError('The body of the request was read already; verify it first.');
    return new Uint8Array(await request.arrayBuffer());
  }
  // By its nature, not its class: a body may come from another realm.
  const body: unknown = request.body;
  if (typeof body === 'string') return joinBytes(body);
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  if (Object.prototype.toString.call(body) === '[object ArrayBuffer]')
    return new Uint8Array(body as ArrayBuffer);
  throw new TypeError(
    'The body must be raw, as a string or bytes: what was parsed cannot be verified any more.',
  );
}
