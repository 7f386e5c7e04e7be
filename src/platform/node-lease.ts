import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { systemClock, type Clock } from './clock.ts';
import type { Connection, Db } from './database/connect.ts';

const leaseMs = 15_000;
const renewEveryMs = 5000;
/** A node that could not renew for so long ends its work by itself, before another may declare it dead. */
const giveUpAfterMs = 11_000;
/** How long one answer of the database is awaited, and how soon it is asked again after none. */
const answerWithinMs = 5000;
const askAgainAfterMs = 1000;

/**
 * This process's entry among the nodes. What a node claims bears its id, and each write of its work asks for that id,
 * so it is the fencing token too: once the lease has lapsed, others may take the work over, and a node that comes
 * back late (a suspended machine, a lost database) gets a new id and can no longer write under the old one.
 */
export type NodeLease = {
  /** Read it anew for each claim. */
  id(): string;
  /**
   * Whether work claimed under this id may be begun. Not once the lease has lapsed by this node's own clock, as when the
   * machine was suspended, even before that was noticed: others may have done the work, and what follows it.
   */
  holds(id: string): boolean;
  /** Called when the lease was lost: whatever runs under the old id must end. */
  onLost(listener: () => void): void;
  /** Called when there is a new one after that. */
  onRegained(listener: () => void): void;
  stop(): Promise<void>;
};

export async function takeNodeLease(context: {
  connection: Connection;
  clock: Clock;
  log: Logger;
}): Promise<NodeLease> {
  const { clock, log } = context;
  const { db, dialect } = context.connection;
  const lost: (() => void)[] = [];
  const regained: (() => void)[] = [];
  const stopping = new AbortController();
  // The lock on the data folder proves that whoever else is listed in SQLite is dead.
  if (dialect === 'sqlite') await db.deleteFrom('nodes').execute();
  let renewedAt = clock.now();
  let id = await register(db, renewedAt);
  let isLost = false;
  const lose = (why: string) => {
    if (isLost) return;
    isLost = true;
    log.error({ node: id }, `${why}; ending what this node runs`);
    for (const listener of lost) listener();
  };

  const isShared = dialect === 'postgres';
  const running = (async () => {
    let hasFailed = false;
    for (;;) {
      const left = renewedAt + giveUpAfterMs - clock.now();
      const untilGivenUp = isShared && !isLost ? Math.max(0, left) : Infinity;
      const pauseMs = hasFailed ? Math.min(askAgainAfterMs, untilGivenUp) : renewEveryMs;
      await clock.sleep(pauseMs, stopping.signal);
      if (stopping.signal.aborted) return;
      // Others count from the time that is written, however long the writing takes.
      const now = clock.now();
      const age = now - renewedAt;
      if (isShared && age >= leaseMs) lose('the lease lapsed');
      else if (isShared && hasFailed && age >= giveUpAfterMs) lose('the database cannot be reached');
      // Whoever waits for an answer that will never come could not do its part once the database is back.
      if (isLost && hasFailed) context.connection.dropConnections();
      try {
        // An attempt that hangs must not use up the time in which the work is to be ended.
        const mostMs = age < giveUpAfterMs ? Math.min(answerWithinMs, giveUpAfterMs - age) : answerWithinMs;
        const wasLost = isLost || !(await within(mostMs, renew(db, now, id, dialect)));
        if (wasLost) {
          lose('the lease lapsed');
          id = await within(answerWithinMs, register(db, now));
          isLost = false;
        }
        renewedAt = now;
        hasFailed = false;
        if (wasLost) for (const listener of regained) listener();
      } catch (error) {
        log.error({ err: error }, 'the lease of this node could not be renewed');
        hasFailed = true;
      }
    }
  })();

  return {
    id: () => id,
    holds: (asked) => asked === id && !isLost && (dialect === 'sqlite' || clock.now() < renewedAt + leaseMs),
    onLost: (listener) => void lost.push(listener),
    onRegained: (listener) => void regained.push(listener),
    async stop() {
      stopping.abort();
      await running;
      await db.deleteFrom('nodes').where('id', '=', id).execute();
    },
  };
}

/** A database that does not answer is as lost as one that refuses. */
async function within<Result>(ms: number, work: Promise<Result>): Promise<Result> {
  const ended = new AbortController();
  const late = systemClock.sleep(ms, ended.signal).then(() => {
    throw new Error(`no answer within ${ms} ms`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    late.catch(() => undefined);
    ended.abort();
  }
}

/** The ids under which work may be going on now. */
export function liveNodes(db: Db, now: number) {
  return db.selectFrom('nodes').select('id').where('expires_at', '>', now);
}

async function register(db: Db, now: number): Promise<string> {
  const id = randomUUID();
  await db
    .deleteFrom('nodes')
    .where('expires_at', '<', now - 24 * 3_600_000)
    .execute();
  await db
    .insertInto('nodes')
    .values({ id, name: `${hostname()}:${process.pid}`, started_at: now, expires_at: now + leaseMs })
    .execute();
  return id;
}

/** With SQLite nobody else can have taken over, however long this process slept. */
async function renew(db: Db, now: number, id: string, dialect: Connection['dialect']): Promise<boolean> {
  let query = db
    .updateTable('nodes')
    .set({ expires_at: now + leaseMs })
    .where('id', '=', id);
  if (dialect === 'postgres') query = query.where('expires_at', '>', now);
  const { numUpdatedRows } = await query.executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}
