import { sql } from 'kysely';
import type { Bus } from '../bus.ts';
import type { Clock } from '../clock.ts';
import { unlessAborted } from '../unless-aborted.ts';
import type { Connection } from './connect.ts';

/** The tables that only grow by new rows, which are read on by their ids. */
export const growing = [
  'hook_requests',
  'actions',
  'action_stream',
  'deliveries',
  'delivery_attempts',
  'delivery_endings',
] as const;
export type Growing = (typeof growing)[number];

/** Of each table an id. */
export type Position = Readonly<Record<Growing, number>>;

/**
 * How far the growing tables can be read on by id with nothing left out. On PostgreSQL a row can become visible after one
 * with a higher id: the frontier stays before it until the transaction that holds that id has ended.
 */
export type Frontier = {
  /** Where all is that was written before the call. */
  now(signal: AbortSignal): Promise<Position | null>;
  /** The frontier, once it is another than `seen`; null when aborted. Asked for by nobody, nothing is read. */
  beyond(seen: Position | null, signal: AbortSignal): Promise<Position | null>;
  stop(): Promise<void>;
};

const pollMs = 250;
/** Signals come with each commit; the tables are not looked at more often than this: many rows at once cost least. */
const leastPauseMs = 100;
/** While a transaction is waited for. */
const shortPauseMs = 25;
/** It goes on for so long after the last question. */
const lingerMs = 1000;
/** An id is taken a moment before its transaction can be seen in a snapshot. */
const graceMs = 100;
/** No transaction of ours waits for longer (`connect.ts`); what holds back a snapshot for longer is none of ours. */
const longestHoldMs = 20_000;

export function createFrontier(context: { connection: Connection; bus: Bus; clock: Clock }): Frontier {
  const { connection, bus, clock } = context;
  const stopping = new AbortController();
  let settled: Position | null = null;
  /** On PostgreSQL: where a look has found gaps, and what has to end before they are known to stay empty. */
  let candidate: { position: Position; next: bigint; at: number } | null = null;
  let waiting = 0;
  let looking: Promise<void> | null = null;
  let news = Promise.withResolvers<void>();
  let woken = Promise.withResolvers<void>();
  let askedAt = 0;

  /** Returns the last ids that it saw. */
  const look = async (): Promise<Position> => {
    const found = await read(connection, settled);
    const before = settled;
    if (found.transactions === null) settled = furthest(settled, found.position);
    else settled = settle(found, found.transactions);
    if (settled && (!before || isBeyond(settled, before))) {
      news.resolve();
      news = Promise.withResolvers();
    }
    return found.position;
  };

  const settle = (found: Found, { oldest, next }: { oldest: bigint; next: bigint }): Position | null => {
    const now = clock.elapsed();
    const { position, isWhole } = found;
    let result = settled;
    if (
      candidate &&
      ((oldest >= candidate.next && now - candidate.at >= graceMs) || now - candidate.at >= longestHoldMs)
    ) {
      result = furthest(result, candidate.position);
      candidate = null;
    }
    // Numbers without a gap are all there.
    if (result) {
      const whole = growing.filter((table) => isWhole[table]).map((table) => [table, position[table]]);
      result = furthest(result, { ...result, ...Object.fromEntries(whole) } as Position);
    }
    const isBehind = !result || isBeyond(position, result);
    if (isBehind) candidate ??= { position, next, at: now };
    return result;
  };

  /** Runs while anybody asks. */
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted && (waiting > 0 || clock.elapsed() - askedAt < lingerMs)) {
      // What cannot be read now is read at the next look.
      await look().catch(() => undefined);
      await clock.sleep(candidate ? shortPauseMs : leastPauseMs, stopping.signal);
      if (candidate) continue;
      const rest = new AbortController();
      const signal = AbortSignal.any([rest.signal, stopping.signal]);
      const pause = clock.sleep(pollMs, signal);
      await Promise.race([pause, woken.promise]).finally(() => rest.abort(null));
      woken = Promise.withResolvers();
    }
    // After a time without a look everything since would have to be counted.
    settled = candidate = null;
    looking = null;
  };
  const wake = () => woken.resolve();
  const unsubscribe = (['actions', 'deliveries', 'stream'] as const).map((topic) =>
    bus.subscribe(topic, wake),
  );

  const beyond = async (seen: Position | null, signal: AbortSignal): Promise<Position | null> => {
    const either = AbortSignal.any([signal, stopping.signal]);
    waiting++;
    looking ??= run();
    try {
      for (;;) {
        if (either.aborted) return null;
        if (settled && (!seen || isBeyond(settled, seen))) return settled;
        await unlessAborted(news.promise, either);
      }
    } finally {
      waiting--;
      askedAt = clock.elapsed();
    }
  };

  return {
    beyond,
    async now(signal) {
      const written = await look();
      for (let seen: Position | null = null; ;) {
        seen = await beyond(seen, signal);
        if (!seen || !isBeyond(written, seen)) return seen;
      }
    },
    async stop() {
      for (const end of unsubscribe) end();
      stopping.abort();
      await looking;
    },
  };
}

/** Whether `one` is further than `other` in any table. */
export function isBeyond(one: Position, other: Position): boolean {
  return growing.some((table) => one[table] > other[table]);
}

function furthest(one: Position | null, other: Position): Position {
  if (!one) return other;
  return positionOf((table) => Math.max(one[table], other[table]));
}

/** Of each table the smaller id. */
export function earlier(one: Position, other: Position): Position {
  return positionOf((table) => Math.min(one[table], other[table]));
}

export function positionOf(idOf: (table: Growing) => number): Position {
  // Safe: it names every table.
  return Object.fromEntries(growing.map((table) => [table, idOf(table)])) as Position;
}

type Found = {
  /** The last ids that can be seen. */
  position: Position;
  /** Whether every id between the frontier and the last one can be seen. */
  isWhole: Record<Growing, boolean>;
  /** PostgreSQL: the oldest transaction that has not ended, and the next that will begin. */
  transactions: { oldest: bigint; next: bigint } | null;
};

/** One statement, and so one snapshot: the last id of each table is a step into its primary key. */
async function read({ db, dialect }: Connection, from: Position | null): Promise<Found> {
  const isShared = dialect === 'postgres';
  const columns = growing.flatMap((table, index) => {
    const last = sql`(select coalesce(max(id), 0) from ${sql.table(table)}) as ${sql.ref(`last${index}`)}`;
    if (!isShared || !from) return [last];
    return [
      last,
      sql`(select count(*) from ${sql.table(table)} where id > ${from[table]}) as ${sql.ref(`new${index}`)}`,
    ];
  });
  if (isShared) {
    columns.push(
      sql`pg_snapshot_xmin(pg_current_snapshot())::text as oldest`,
      sql`pg_snapshot_xmax(pg_current_snapshot())::text as next`,
    );
  }
  const { rows } = await sql<Record<string, number | string>>`select ${sql.join(columns)}`.execute(db);
  const row = rows[0]!;
  const position = positionOf((table) => Number(row[`last${growing.indexOf(table)}`]));
  return {
    position,
    // Safe: it names every table.
    isWhole: Object.fromEntries(
      growing.map((table, index) => [
        table,
        from !== null && position[table] - from[table] === Number(row[`new${index}`]),
      ]),
    ) as Record<Growing, boolean>,
    transactions: isShared ? { oldest: BigInt(row['oldest']!), next: BigInt(row['next']!) } : null,
  };
}
