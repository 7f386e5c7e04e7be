import type { EventWriter } from '../actions/events.ts';
import type { IncomingHook, HookRegistry } from '../hooks/registry.ts';
import type { Bus } from '../platform/bus.ts';
import type { Clock } from '../platform/clock.ts';
import type { Connection } from '../platform/database/connect.ts';
import { isUniqueViolation } from '../platform/database/errors.ts';
import { createGroupCommit } from '../platform/database/group-commit.ts';
import { AppError, notFound, type FieldError } from '../platform/errors.ts';
import { decide, type Decision, type ReceivedRequest } from './decide.ts';
import { pruneRefused } from './prune.ts';
import { storeRequests, type DecidedRequest, type StoredRequest } from './store.ts';

/** The answer to a sender; written only after the request and the action it causes are committed. */
type Receipt = {
  status: number;
  body: { message: string; errors: FieldError[] | null; action_id: number | null; hook_request_id: string };
};

export type Receiver = {
  /** Throws `not_found` for an unknown hook, and `unavailable` when nothing could be kept. */
  receive(hookUuid: string, request: ReceivedRequest & { ipAddress: string }): Promise<Receipt>;
  /** Records and answers a request whose body could not be taken at all. */
  refuseUnread(
    hookUuid: string,
    request: { headers: ReceivedRequest['headers']; ipAddress: string },
    why: { status: 413 | 415; reason: string },
  ): Promise<Receipt>;
};

const pruneEvery = 100;

export function createReceiver(context: {
  connection: Connection;
  registry: HookRegistry;
  writer: EventWriter;
  clock: Clock;
  bus: Bus;
}): Receiver {
  const { connection, registry, clock, bus } = context;
  const store = createGroupCommit<DecidedRequest, StoredRequest>(
    async (items) => {
      const attempt = () =>
        connection.transactionSyncedAside((trx) => storeRequests(context.writer, trx, items));
      // Another node stored one of these deliveries a moment ago: now its row is there to be found.
      return await attempt().catch((error: unknown) =>
        isUniqueViolation(error) ? attempt() : Promise.reject(error),
      );
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
      ? await registry.incoming(uuid.toLowerCase())
      : null;
    if (!hook) throw notFound('The hook');
    return hook;
  };

  const refusals = new Map<number, number>();
  /** Anyone can cause refusals: after so many of a hook its old ones are removed, without making this sender wait. */
  const countRefusal = (hookId: number) => {
    const count = (refusals.get(hookId) ?? 0) + 1;
    refusals.set(hookId, count % pruneEvery);
    if (count === pruneEvery) void pruneRefused(connection.db, hookId).catch(() => undefined);
  };

  const keep = async (
    item: Omit<DecidedRequest, 'at' | 'durationUs'>,
    startedNs: bigint,
  ): Promise<StoredRequest> => {
    const durationUs = Number((process.hrtime.bigint() - startedNs) / 1000n);
    try {
      const stored = await store({ ...item, at: clock.now(), durationUs });
      if (item.decision.outcome === 'refused') countRefusal(item.hook.row.id);
      return stored;
    } catch (cause) {
      if (cause instanceof AppError) throw cause;
      throw new AppError(
        'unavailable',
        'The request cannot be stored now. Nothing was kept; send it again.',
        {
          cause,
          retryAfterSeconds: 5,
        },
      );
    }
  };

  return {
    async receive(hookUuid, { ipAddress, ...request }) {
      const startedNs = process.hrtime.bigint();
      const hook = await find(hookUuid);
      const decision = decide(hook, request);
      const stored = await keep({ hook, request, decision, ipAddress }, startedNs);
      // The answer goes out before anything is done about it.
      if (stored.actionId !== null && !stored.repeated) setImmediate(wakeWorkers);
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
      const decision = { outcome: 'refused', ...why, verified: false } as const;
      const request = { headers, body: Buffer.alloc(0) };
      const stored = await keep({ hook, request, decision, ipAddress }, process.hrtime.bigint());
      return {
        status: why.status,
        body: { message: why.reason, errors: null, action_id: null, hook_request_id: stored.requestUuid },
      };
    },
  };
}

function messageOf(decision: Decision, { actionId, repeated }: StoredRequest): string {
  if (repeated) return `This delivery was accepted before, as action ${actionId}. It was not run again.`;
  return decision.outcome === 'accepted' ? `Accepted as action ${actionId}.` : decision.reason;
}
