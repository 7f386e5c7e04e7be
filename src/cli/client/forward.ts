import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { CliFault } from './fault.ts';

export type LocalAnswer =
  | { kind: 'answer'; status: number; statusText: string; body: string; ms: number }
  | { kind: 'none'; reason: string; ms: number };

/** Of an answer, as much is read for a person to see. */
const mostBodyBytes = 4096;

/** Of the connection, not of the message. */
const ownHeaders = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'keep-alive',
  'expect',
]);

/** What `--forward` names: `http://localhost:3000/hook`, `localhost:3000/hook` or `3000`. Throws a CliFault. */
export function addressOf(text: string): URL {
  const whole = /^\d{1,5}(\/|$)/.test(text) ? `http://localhost:${text}` : text;
  const address = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(whole) ? whole : `http://${whole}`);
  if (!address || (address.protocol !== 'http:' && address.protocol !== 'https:'))
    throw new CliFault(`"${text}" is no address. Say one as http://localhost:3000/webhooks.`, 'usage');
  if (address.username || address.password)
    throw new CliFault('The address must hold no name or password.', 'usage');
  return address;
}

/** Sends a delivery as it is to one address, and nowhere else: a redirect is an answer. Never throws. */
export async function forward(
  address: URL,
  sent: { method: string; headers: Record<string, string>; body: string },
  { timeoutMs, signal, verifyTls }: { timeoutMs: number; signal: AbortSignal; verifyTls: boolean },
): Promise<LocalAnswer> {
  const startedAt = performance.now();
  const elapsed = () => Math.round(performance.now() - startedAt);
  const body = Buffer.from(sent.body);
  const headers = Object.fromEntries(
    Object.entries(sent.headers).filter(([name]) => !ownHeaders.has(name.toLowerCase())),
  );
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = {
        method: sent.method,
        headers: { ...headers, 'content-length': body.length },
        agent: false,
        signal: AbortSignal.any([limit, signal]),
      };
      const request =
        address.protocol === 'https:'
          ? httpsRequest(address, { ...options, rejectUnauthorized: verifyTls })
          : httpRequest(address, options);
      request.once('response', resolve).once('error', reject).end(body);
    });
    const text = await beginningOf(answer);
    const { statusCode = 0, statusMessage = '' } = answer;
    return { kind: 'answer', status: statusCode, statusText: statusMessage, body: text, ms: elapsed() };
  } catch (error) {
    const reason = limit.aborted ? `nothing within ${timeoutMs / 1000} s` : whyOf(error);
    return { kind: 'none', reason, ms: elapsed() };
  }
}

/** An endless answer is not waited for. */
async function beginningOf(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    parts.push(part);
    size += part.length;
    if (size >= mostBodyBytes) break;
  }
  return Buffer.concat(parts).subarray(0, mostBodyBytes).toString('utf8');
}

function whyOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return error.errors[0].message;
  return error instanceof Error ? error.message || error.name : String(error);
}
