import type { EventWriter } from '../actions/events.ts';
import type { IncomingHook, HookRegistry } from '../hooks/registry.ts';
import type { Bus } from '../platform/bus.ts';
import type { Clock } from '../platform/clock.ts';
import type { Connection } from '../platform/database/connect.ts';
import { isUniqueViolation } from '../platform/database/errors.ts';
import { createGroupCommit } from '../platform/database/group-commit.ts';
import { AppError, notFound, type FieldError } from '../platform/errors.ts';
import { createTokenBuckets } from '../platform/rate-limit.ts';
import { decide, notActive, understandPlain, type Decision, type ReceivedRequest } from './decide.ts';
import { hiddenPath } from './hidden-paths.ts';
import { plainRequest } from './inflate.ts';
import { pruneCausedByAnyone } from './prune.ts';
import type { RefusalCounter } from './refusal-counter.ts';
import { isSlackForm, isUnsignedPing } from './sender-headers.ts';
import { whyUnsigned } from './signature.ts';
import { storeRequests, type DecidedRequest, type Replay, type StoredRequest } from './store.ts';
import { answerMessage, type TriggerStatus } from './trigger-answers.ts';
import { isCausedByAnyone, type UnverifiedLimit } from './unverified.ts';

/** The answer to a sender; written only after the request and the action it causes are committed. */
export type Receipt = {
  status: TriggerStatus;
  body: {
    message: string;
    errors: FieldError[] | null;
    action_id: number | null;
    hook_request_id: string;
    challenge?: string;
    text?: string;
  };
  /** Of a 429. */
  retryAfterSeconds?: number;
};

export type Receiver = {
  /** Throws `not_found` for an unknown hook, and `unavailable` when nothing could be kept. */
  receive(hookUuid: string, request: ReceivedRequest & { ipAddress: string }): Promise<Receipt>;
  /**
   * What can be said before the body is read: throws `not_found` for an unknown hook, and gives the answer of a hook that
   * is not active, or to a request without anything like the signature that its hook wants. Null: read the body.
   */
  greet(
    hookUuid: string,
    request: Omit<ReceivedRequest, 'body'> & { ipAddress: string },
  ): Promise<Receipt | null>;
  /**
   * Runs a recorded request again, as a new one: with the hook as it is now, and without a look at its signature, which
   * was verified then. Throws `not_found` when the hook is gone, and `conflict` when it is off or looks at what is not kept.
   */
  replay(
    hookUuid: string,
    request: ReceivedRequest & { ipAddress: string },
    replay: Replay,
  ): Promise<Receipt>;
  /** Records and answers a request whose body could not be taken at all. */
  refuseUnread(
    hookUuid: string,
    request: Omit<ReceivedRequest, 'body'> & { ipAddress: string },
    why: { status: 408 | 413 | 415; reason: string },
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
  refusals: RefusalCounter;
  unverified: UnverifiedLimit;
}): Receiver {
  const { connection, registry, clock, bus, refusals, unverified } = context;
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

  const find = async (uuid: string, ipAddress?: string): Promise<IncomingHook> => {
    const hook = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(uuid)
      ? await registry.incoming(uuid.toLowerCase()).catch((cause: unknown) => {
          throw cause instanceof AppError ? cause : notNow(cause);
        })
      : null;
    if (hook) return hook;
    if (ipAddress !== undefined) unverified.take(null, ipAddress);
    throw notFound('The hook');
  };

  const toPrune = new Set<number>();
  /** Anyone can cause these records, so the old ones of a hook are removed: soon, and without making this sender wait. */
  const pruneSoon = (hook: IncomingHook) => {
    const { id } = hook.row;
    if (toPrune.has(id)) return;
    toPrune.add(id);
    void clock
      .sleep(pruneAfterMs)
      .then(() => pruneCausedByAnyone(connection.db, hook))
      .catch(() => undefined) // the next refusal tries again
      .finally(() => toPrune.delete(id));
  };

  const perHook = createTokenBuckets(clock);
  /** What its user lets a hook take: of all that verifies, whatever would come of it. */
  const withinLimit = (hook: IncomingHook, decision: Decision): Decision & { retryAfterSeconds?: number } => {
    const perMinute = hook.definition.rate_limit_per_minute ?? null;
    if (perMinute === null || (decision.outcome === 'refused' && !decision.verified)) return decision;
    const wait = perHook.take(hook.row.id, { burst: perMinute, perSecond: perMinute / 60 });
    if (wait === 0) return decision;
    const reason = `More requests than this hook takes: its limit is ${perMinute} a minute.`;
    return { outcome: 'refused', status: 429, reason, verified: true, retryAfterSeconds: wait };
  };

  /** Records a request and answers it. What anyone can cause is not recorded without end: then an address is told to wait. */
  const settle = async (
    hook: IncomingHook,
    { ipAddress, ...request }: ReceivedRequest & { ipAddress: string },
    decision: Decision & { retryAfterSeconds?: number },
    startedNs: bigint,
  ): Promise<{ receipt: Receipt; stored: StoredRequest }> => {
    if (isCausedByAnyone(hook, decision)) {
      unverified.take(hook, ipAddress);
      if (decision.outcome === 'refused') refusals.count(hook.row.id);
    }
    const stored = await keep({ hook, request, decision, ipAddress }, startedNs);
    if (isCausedByAnyone(hook, decision) || (stored.repeated && !hook.definition.requires_secret))
      pruneSoon(hook);
    const { retryAfterSeconds } = decision;
    const receipt = receiptOf(decision, stored);
    // Whoever has used a command of Slack hears what became of it.
    if (receipt.status === 200 && isSlackForm(hook, request.headers))
      receipt.body.text = receipt.body.message;
    return { receipt: retryAfterSeconds === undefined ? receipt : { ...receipt, retryAfterSeconds }, stored };
  };

  const keep = async (
    item: Omit<DecidedRequest, 'at' | 'durationUs'>,
    startedNs: bigint,
  ): Promise<StoredRequest> => {
    const durationUs = Number((process.hrtime.bigint() - startedNs) / 1000n);
    try {
      return await store({ ...item, at: clock.now(), durationUs });
    } catch (cause) {
      if (cause instanceof AppError) throw cause;
      throw notNow(cause);
    }
  };

  return {
    async greet(hookUuid, { headers, query, ipAddress }) {
      const startedNs = process.hrtime.bigint();
      const hook = await find(hookUuid, ipAddress);
      const request = { headers, query, body: Buffer.alloc(0), ipAddress };
      const why = hook.row.active ? whyUnsigned(hook, headers) : null;
      if (hook.row.active && why === null) return null;
      const decision: Decision =
        why === null
          ? notActive
          : isUnsignedPing(hook, headers)
            ? { outcome: 'refused', status: 200, reason: unsignedPing, verified: false }
            : { outcome: 'refused', status: 401, reason: why, verified: false };
      return (await settle(hook, request, decision, startedNs)).receipt;
    },
    async receive(hookUuid, request) {
      const startedNs = process.hrtime.bigint();
      const hook = await find(hookUuid);
      const mayInflate = unverified.wait(request.ipAddress) === 0;
      const decided = await decide(hook, request, clock.now(), context.maxBodyBytes, mayInflate);
      const decision = withinLimit(hook, decided);
      const { receipt, stored } = await settle(hook, request, decision, startedNs);
      // The answer goes out before anything is done about it.
      if (stored.actionId !== null && !stored.repeated) setImmediate(wakeWorkers);
      return receipt;
    },
    async replay(hookUuid, { ipAddress, ...request }, replay) {
      const startedNs = process.hrtime.bigint();
      const hook = await find(hookUuid);
      checkReplay(hook, request);
      const decision = understandPlain(hook, await plainRequest(request, context.maxBodyBytes));
      const stored = await keep({ hook, request, decision, ipAddress, replay }, startedNs);
      if (stored.actionId !== null) wakeWorkers();
      return receiptOf(decision, stored);
    },
    async refuseUnread(hookUuid, { headers, query, ipAddress }, why) {
      const startedNs = process.hrtime.bigint();
      const hook = await find(hookUuid);
      const request = { headers, query, body: Buffer.alloc(0), ipAddress };
      const decision: Decision = { outcome: 'refused', ...why, verified: false };
      return (await settle(hook, request, decision, startedNs)).receipt;
    },
  };
}

function checkReplay({ row, definition }: IncomingHook, { headers, query }: ReceivedRequest): void {
  const conflict = (message: string) => new AppError('conflict', message);
  if (!row.active)
    throw conflict(`The hook ${row.name} is not active. Activate it, then run the request again.`);
  const parameters = Object.fromEntries(new URLSearchParams(query));
  const hidden = hiddenPath(definition, { headers, query: parameters, payload: {}, isForm: false });
  if (hidden !== null)
    throw conflict(
      `The hook looks at ${hidden}, which may be a token and was not kept: only its sender can send it again.`,
    );
}

const unsignedPing =
  'Ping received: the hook is reachable. It was not signed, as Bitbucket Data Center sends it, so that the secret was not checked.';

/** The database cannot be reached, or not written to. */
function notNow(cause: unknown): AppError {
  const message = 'The request cannot be stored now. Nothing was kept; send it again.';
  return new AppError('unavailable', message, { cause, retryAfterSeconds: 5 });
}

function receiptOf(decision: Decision, stored: StoredRequest): Receipt {
  const message = messageOf(decision, stored);
  return {
    status: decision.status,
    body: {
      message,
      errors: decision.outcome === 'refused' ? (decision.errors ?? null) : null,
      action_id: stored.actionId,
      hook_request_id: stored.requestUuid,
      ...(decision.outcome === 'skipped' && decision.challenge !== undefined
        ? { challenge: decision.challenge }
        : {}),
    },
  };
}

function messageOf(decision: Decision, { actionId, repeated }: StoredRequest): string {
  return answerMessage(repeated ? 'duplicate' : decision.outcome, { reason: decision.reason, actionId });
}
