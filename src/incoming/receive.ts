import type { EventWriter } from '../actions/events.ts';
import type { IncomingHook, HookRegistry } from '../hooks/registry.ts';
import type { Bus } from '../platform/bus.ts';
import type { Clock } from '../platform/clock.ts';
import type { Connection } from '../platform/database/connect.ts';
import { isUniqueViolation } from '../platform/database/errors.ts';
import { createGroupCommit } from '../platform/database/group-commit.ts';
import { AppError, notFound, type FieldError } from '../platform/errors.ts';
import { decide, understandPlain, type Decision, type ReceivedRequest } from './decide.ts';
import { networkOf } from '../platform/network-of.ts';
import { createRateLimit } from '../platform/rate-limit.ts';
import { plainRequest } from './inflate.ts';
import { pruneRefused } from './prune.ts';
import { carriesSignature, checkSignature } from './signature.ts';
import type { TriggerStatus } from './trigger-answers.ts';
import { storeRequests, type DecidedRequest, type Replay, type StoredRequest } from './store.ts';

/** The answer to a sender; written only after the request and the action it causes are committed. */
type Receipt = {
  status: TriggerStatus;
  body: {
    message: string;
    errors: FieldError[] | null;
    action_id: number | null;
    hook_request_id: string;
    challenge?: string;
  };
};

export type Receiver = {
  /** Throws `not_found` for an unknown hook, and `unavailable` when nothing could be kept. */
  receive(hookUuid: string, request: ReceivedRequest & { ipAddress: string }): Promise<Receipt>;
  /**
   * What can be said before the body is read: throws `not_found` for an unknown hook, and gives the answer to a request
   * that lacks the signature its hook wants. Null: read the body.
   */
  greet(
    hookUuid: string,
    request: { headers: ReceivedRequest['headers']; ipAddress: string },
  ): Promise<Receipt | null>;
  /**
   * Runs a recorded request again, as a new one: with the hook as it is now, and without a look at its signature, which
   * was verified then. Throws `not_found` when the hook is gone.
   */
  replay(
    hookUuid: string,
    request: ReceivedRequest & { ipAddress: string },
    replay: Replay,
  ): Promise<Receipt>;
  /** Records and answers a request whose body could not be taken at all. */
  refuseUnread(
    hookUuid: string,
    request: { headers: ReceivedRequest['headers']; ipAddress: string },
    why: { status: 413 | 415; reason: string },
  ): Promise<Receipt>;
};

const pruneAfterMs = 1000;

export function createReceiver(context: {
  connection: Connection;
  registry: HookRegistry;
  writer: EventWriter;
  clock: Clock;
  bus: Bus;
  /** Of a body, before and after it is inflated. */
  maxBodyBytes: number;
}): Receiver {
  const { connection, registry, clock, bus } = context;
  const store = createGroupCommit<DecidedRequest, StoredRequest>(
    async (items) => {
      const attempt = (lookForRepeats: boolean) =>
        connection.transactionSyncedAside((trx) => storeRequests(context.writer, trx, items, lookForRepeats));
      const orAgain = (error: unknown) => {
        if (!isUniqueViolation(error)) throw error;
        return attempt(true);
      };
      // The second time is for a repeat, the third for one that another node stores at this very moment.
      return await attempt(false).catch(orAgain).catch(orAgain);
    },
    {
      // SQLite writes the next batch while the disk still works on the last; PostgreSQL works on several side by side.
      concurrency: connection.dialect === 'sqlite' ? 2 : 4,
      bytesOf: ({ request }) => request.body.length,
    },
  );

  const wakeWorkers = () => {
    bus.publish('actions');
    bus.publish('deliveries');
  };

  const find = async (uuid: string): Promise<IncomingHook> => {
    const hook = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(uuid)
      ? await registry.incoming(uuid.toLowerCase()).catch((cause: unknown) => {
          throw notNow(cause);
        })
      : null;
    if (!hook) throw notFound('The hook');
    return hook;
  };

  const unverified = createRateLimit(clock, {
    burst: 1000,
    perSecond: 50,
    message: 'Too many requests that could not be verified. Slow down.',
  });
  const toPrune = new Set<number>();
  /** Anyone can cause refusals, so the old ones of a hook are removed: soon, and without making this sender wait. */
  const pruneSoon = (hookId: number) => {
    if (toPrune.has(hookId)) return;
    toPrune.add(hookId);
    void clock
      .sleep(pruneAfterMs)
      .then(() => pruneRefused(connection.db, hookId))
      .catch(() => undefined) // the next refusal tries again
      .finally(() => toPrune.delete(hookId));
  };

  /** Refusals that anyone can cause are recorded, but not without end: beyond that an address is told to wait. */
  const refuse = async (
    hook: IncomingHook,
    request: ReceivedRequest & { ipAddress: string },
    decision: Extract<Decision, { outcome: 'refused' }>,
  ): Promise<Receipt> => {
    const startedNs = process.hrtime.bigint();
    if (!decision.verified) unverified.take(networkOf(request.ipAddress));
    const { ipAddress, ...rest } = request;
    const stored = await keep({ hook, request: rest, decision, ipAddress }, startedNs);
    const { status, reason, errors = null } = decision;
    return {
      status,
      body: { message: reason, errors, action_id: null, hook_request_id: stored.requestUuid },
    };
  };

  const keep = async (
    item: Omit<DecidedRequest, 'at' | 'durationUs'>,
    startedNs: bigint,
  ): Promise<StoredRequest> => {
    const durationUs = Number((process.hrtime.bigint() - startedNs) / 1000n);
    try {
      const stored = await store({ ...item, at: clock.now(), durationUs });
      if (item.decision.outcome === 'refused') pruneSoon(item.hook.row.id);
      return stored;
    } catch (cause) {
      if (cause instanceof AppError) throw cause;
      throw notNow(cause);
    }
  };

  return {
    async greet(hookUuid, { headers, ipAddress }) {
      const hook = await find(hookUuid);
      if (!hook.row.active || carriesSignature(hook, headers)) return null;
      const request = { headers, query: '', body: Buffer.alloc(0), ipAddress };
      const check = checkSignature(hook, headers, request.body, clock.now());
      const reason = check.ok ? '' : check.reason;
      return await refuse(hook, request, { outcome: 'refused', status: 401, reason, verified: false });
    },
    async receive(hookUuid, { ipAddress, ...request }) {
      const startedNs = process.hrtime.bigint();
      const hook = await find(hookUuid);
      const decision = await decide(hook, request, clock.now(), context.maxBodyBytes);
      if (decision.outcome === 'refused') return await refuse(hook, { ...request, ipAddress }, decision);
      const stored = await keep({ hook, request, decision, ipAddress }, startedNs);
      // The answer goes out before anything is done about it.
      if (stored.actionId !== null && !stored.repeated) setImmediate(wakeWorkers);
      return {
        status: decision.status,
        body: {
          message: messageOf(decision, stored),
          errors: null,
          action_id: stored.actionId,
          hook_request_id: stored.requestUuid,
          ...(decision.outcome === 'skipped' && decision.challenge !== undefined
            ? { challenge: decision.challenge }
            : {}),
        },
      };
    },
    async replay(hookUuid, { ipAddress, ...request }, replay) {
      const startedNs = process.hrtime.bigint();
      const hook = await find(hookUuid);
      const understood = understandPlain(hook, await plainRequest(request, context.maxBodyBytes));
      // Somebody wants it run although it was accepted before.
      const decision = understood.outcome === 'accepted' ? { ...understood, dedupKey: null } : understood;
      const stored = await keep({ hook, request, decision, ipAddress, replay }, startedNs);
      if (stored.actionId !== null) wakeWorkers();
      return {
        status: decision.status,
        body: {
          message: messageOf(decision, stored),
          errors: decision.outcome === 'refused' ? (decision.errors ?? null) : null,
          action_id: stored.actionId,
          hook_request_id: stored.requestUuid,
        },
      };
    },
    async refuseUnread(hookUuid, { headers, ipAddress }, why) {
      const hook = await find(hookUuid);
      const request = { headers, query: '', body: Buffer.alloc(0), ipAddress };
      return await refuse(hook, request, { outcome: 'refused', ...why, verified: false });
    },
  };
}

/** The database cannot be reached, or not written to. */
function notNow(cause: unknown): AppError {
  const message = 'The request cannot be stored now. Nothing was kept; send it again.';
  return new AppError('unavailable', message, { cause, retryAfterSeconds: 5 });
}

function messageOf(decision: Decision, { actionId, repeated }: StoredRequest): string {
  if (repeated) return `This delivery was accepted before, as action ${actionId}. It was not run again.`;
  return decision.outcome === 'accepted' ? `Accepted as action ${actionId}.` : decision.reason;
}
