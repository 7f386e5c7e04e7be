import { isIP } from 'node:net';
import { Agent, buildConnector, request, type Dispatcher } from 'undici';
import type { Clock } from '../platform/clock.ts';
import { EgressRefused, type EgressGuard } from './egress-guard.ts';

const timeoutMs = 15_000;
const keptResponseBytes = 16 * 1024;

/** What came of one request: an answer, or none, with the reason in words. */
export type Answer =
  | {
      kind: 'answer';
      status: number;
      headers: Record<string, string>;
      body: string;
      /** Whether the body may have gone on. */
      isCut: boolean;
      address: string;
    }
  | { kind: 'no-answer'; reason: string; refused: boolean };

export type HttpClient = {
  post(input: {
    url: string;
    headers: Record<string, string>;
    body: string;
    verifyTls: boolean;
    signal: AbortSignal;
  }): Promise<Answer>;
  close(): Promise<void>;
};

/** Sends requests to addresses that users chose: guarded at connect time, no redirects, bounded in time and size. */
export function createHttpClient({ guard, clock }: { guard: EgressGuard; clock: Clock }): HttpClient {
  const verifying = createAgent(guard, true);
  const trusting = createAgent(guard, false);

  return {
    async post({ url, headers, body, verifyTls, signal }) {
      const timeout = new AbortController();
      const ended = new AbortController();
      void clock.sleep(timeoutMs, ended.signal).then(() => timeout.abort());
      try {
        const response = await request(url, {
          method: 'POST',
          headers,
          body: body === '' ? null : body,
          dispatcher: verifyTls ? verifying : trusting,
          signal: AbortSignal.any([signal, timeout.signal]),
        });
        return {
          kind: 'answer',
          status: response.statusCode,
          headers: flatten(response.headers),
          ...(await readBeginning(response.body)),
          address: new URL(url).hostname,
        };
      } catch (error) {
        if (signal.aborted) throw error;
        if (timeout.signal.aborted) {
          return { kind: 'no-answer', reason: `No answer within ${timeoutMs / 1000} s.`, refused: false };
        }
        return { kind: 'no-answer', reason: explain(error), refused: error instanceof EgressRefused };
      } finally {
        ended.abort();
      }
    },
    async close() {
      await Promise.all([verifying.destroy(), trusting.destroy()]);
    },
  };
}

function createAgent(guard: EgressGuard, rejectUnauthorized: boolean): Agent {
  const connect = buildConnector({ rejectUnauthorized, lookup: guard.lookup, timeout: 10_000 });
  return new Agent({
    connect(options, callback) {
      // A literal address never reaches `lookup`, so it is checked here.
      const host = options.hostname.replace(/^\[|\]$/g, '');
      try {
        if (isIP(host)) guard.check(host);
      } catch (error) {
        callback(error as Error, null);
        return;
      }
      connect(options, callback);
    },
    keepAliveTimeout: 4000,
    maxHeaderSize: 32 * 1024,
    // The whole attempt has one limit, kept above by the clock.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

function flatten(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : String(value),
    ]),
  );
}

/** Reads no further than what is kept: a receiver cannot make us swallow an endless answer. */
async function readBeginning(
  body: Dispatcher.ResponseData['body'],
): Promise<{ body: string; isCut: boolean }> {
  const chunks: Buffer[] = [];
  let size = 0;
  let isCut = false;
  try {
    for await (const chunk of body) {
      const bytes = chunk as Buffer;
      chunks.push(bytes);
      size += bytes.length;
      if (size < keptResponseBytes) continue;
      isCut = true;
      body.destroy();
      break;
    }
  } catch {
    isCut = true;
    // The receiver has answered, and its status says what it did; that it broke off afterwards changes nothing.
  }
  // NUL cannot be stored as text in PostgreSQL.
  const text = Buffer.concat(chunks)
    .subarray(0, keptResponseBytes)
    .toString('utf8')
    .replaceAll('\0', '\uFFFD');
  return { body: text, isCut };
}

const reasons: Record<string, string> = {
  ECONNREFUSED: 'The connection was refused: nothing listens at that address and port',
  ECONNRESET: 'The connection was reset by the receiver',
  UND_ERR_SOCKET: 'The connection was closed by the receiver before it had answered',
  ENOTFOUND: 'The name of the host is not known',
  EAI_AGAIN: 'The name of the host could not be looked up',
  UND_ERR_CONNECT_TIMEOUT: 'No connection within 10 s',
  ETIMEDOUT: 'No connection: the attempt timed out',
  EHOSTUNREACH: 'The host cannot be reached',
  ENETUNREACH: 'The network of the host cannot be reached',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'TLS: the certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'TLS: the certificate chain holds a self-signed certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'TLS: the certificate cannot be verified',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'TLS: the issuer of the certificate is not known here',
  CERT_HAS_EXPIRED: 'TLS: the certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'TLS: the certificate is for another name',
};

function explain(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known = reasons[code];
  if (known) return `${known} (${code}).`;
  const message = error instanceof Error ? error.message : String(error);
  return message.endsWith('.') ? message : `${message}${code ? ` (${code})` : ''}.`;
}
