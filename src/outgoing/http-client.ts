import { createHash, randomUUID } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import { isIP } from 'node:net';
import { Agent, buildConnector } from 'undici';
import type { TlsSettings } from '../hooks/definition.ts';
import type { Clock } from '../platform/clock.ts';
import { EgressRefused, type EgressGuard } from '../platform/egress-guard.ts';
import { startConnectionTimes } from './connection-times.ts';
import { createDeadlines } from './deadlines.ts';
import { exchange, tooManyAnnouncements, type RequestMethod } from './exchange.ts';
import { explain } from './explain-failure.ts';
import type { AttemptTiming } from '../hooks/request-record.ts';

const timeoutMs = 15_000;
const connectTimeoutMs = 10_000;
const keptResponseBytes = 16 * 1024;
const timedOut = new Error('the time for an answer is over');
const stopped = new Error('Hookline stops');
/** Sets of certificates whose connections are kept open; the one that was not used for longest goes first. */
const mostAgents = 100;

/** What came of one request: an answer, or none, with the reason in words. */
export type Answer = { timing: AttemptTiming; address: string } & (
  | {
      kind: 'answer';
      status: number;
      headers: Record<string, string>;
      body: string;
      /** Whether the body may have gone on. */
      isCut: boolean;
    }
  | { kind: 'no-answer'; reason: string; refused: boolean }
);

export type HttpClient = {
  /** `id` is the `webhook-id` among the headers. Throws only when `signal` aborts. */
  post(input: {
    id: string;
    url: string;
    headers: Record<string, string>;
    body: string;
    verifyTls: boolean;
    tls: TlsSettings | null;
    signal: AbortSignal;
  }): Promise<Answer>;
  /** A request that is no delivery: of another method, or with an answer that is wanted whole. */
  request(input: {
    method: RequestMethod;
    url: string;
    headers: Record<string, string>;
    body: string;
    /** No more of the answer is read. */
    keptBytes: number;
  }): Promise<Answer>;
  close(): Promise<void>;
};

/** Sends requests to addresses that users chose: guarded at connect time, no redirects, bounded in time and size. */
export function createHttpClient({ guard, clock }: { guard: EgressGuard; clock: Clock }): HttpClient {
  const times = startConnectionTimes(channel('undici:client:sendHeaders'));
  const deadlines = createDeadlines(clock, timeoutMs);
  const agents = new Map<string, Agent>();

  const agentFor = (verify: boolean, tls: TlsSettings | null): Agent => {
    const key = tls === null ? String(verify) : keyOf(verify, tls);
    const known = agents.get(key);
    if (known) {
      if (tls === null) return known;
      agents.delete(key);
      agents.set(key, known);
      return known;
    }
    const agent = createAgent(guard, times.watch, verify, tls);
    agents.set(key, agent);
    if (tls !== null && agents.size > mostAgents) {
      const [oldest, idle] = [...agents].find(([one]) => one !== 'true' && one !== 'false')!;
      agents.delete(oldest);
      void idle.close();
    }
    return agent;
  };

  const send = async (
    attempt: ReturnType<typeof times.begin>,
    agent: Agent,
    input: Parameters<typeof exchange>[1],
    options: { keptBytes: number; by: 'hook' | 'hookline'; signal: AbortSignal | null },
  ): Promise<Answer> => {
    const { keptBytes, by, signal } = options;
    const { done, abort } = exchange(agent, input, { keptBytes, onAnswer: attempt.answered });
    const deadline = deadlines.begin(() => abort(timedOut));
    const stop = () => abort(stopped);
    signal?.addEventListener('abort', stop);
    try {
      const answer = await done;
      return { kind: 'answer', ...answer, ...attempt.end() };
    } catch (error) {
      if (signal?.aborted) throw error;
      const end = attempt.end(error);
      if (deadline.hasPassed())
        return {
          kind: 'no-answer',
          reason: `No answer within ${timeoutMs / 1000} s.`,
          refused: false,
          ...end,
        };
      const refused = error instanceof EgressRefused;
      // What the socket says is nearer to the cause, but of a connection that was ended here.
      const fault = error === tooManyAnnouncements ? error : (attempt.fault() ?? error);
      return { kind: 'no-answer', reason: explain(fault, input.url, by), refused, ...end };
    } finally {
      signal?.removeEventListener('abort', stop);
      deadline.end();
    }
  };

  return {
    async post({ id, url, headers, body, verifyTls, tls, signal }) {
      signal.throwIfAborted();
      const input = { method: 'POST', url, headers, body } as const;
      const options = { keptBytes: keptResponseBytes, by: 'hook', signal } as const;
      return await send(times.begin(id), agentFor(verifyTls, tls), input, options);
    },
    async request({ keptBytes, ...input }) {
      // It goes out without an id, so nothing is measured; what is under way must only differ.
      const options = { keptBytes, by: 'hookline', signal: null } as const;
      return await send(times.begin(randomUUID()), agentFor(true, null), input, options);
    },
    async close() {
      times.stop();
      deadlines.stop();
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
    },
  };
}

function keyOf(verify: boolean, tls: TlsSettings): string {
  return createHash('sha256')
    .update(JSON.stringify([verify, tls]))
    .digest('base64');
}

function createAgent(
  guard: EgressGuard,
  watch: ReturnType<typeof startConnectionTimes>['watch'],
  verify: boolean,
  tls: TlsSettings | null,
): Agent {
  const connect = buildConnector({
    rejectUnauthorized: verify,
    lookup: guard.lookup,
    timeout: connectTimeoutMs,
    // One request at a time on a connection: a slow answer then delays no other.
    allowH2: false,
    ...(tls?.ca_certificate ? { ca: tls.ca_certificate } : {}),
    ...(tls?.client_certificate && tls.client_key
      ? { cert: tls.client_certificate, key: tls.client_key }
      : {}),
  });
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
      watch((done) => connect(options, done), callback);
    },
    keepAliveTimeout: 4000,
    // Not for as long as receivers would like: each connection takes a descriptor.
    keepAliveMaxTimeout: 4000,
    maxHeaderSize: 32 * 1024,
    // The whole attempt has one limit, kept above by the clock.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}
