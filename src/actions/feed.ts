import type { Bus } from '../platform/bus.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { pageRows, readStream, type StreamEvent } from './stream.ts';
import { unlessAborted } from '../platform/unless-aborted.ts';

/** What is new in the streams of actions, read once for however many watch. */
export type Feed = {
  /** Everything after `after`, as it comes, in batches, until `signal` aborts. */
  follow(actionId: number, after: number, signal: AbortSignal): AsyncGenerator<StreamEvent[]>;
  /** What this node has just written, so that those who watch it here need not wait for it to be read. The signal follows. */
  hand(actionId: number, events: StreamEvent[]): void;
  stop(): Promise<void>;
};

const pollMs = 1000;
/** Of each watched action, as much of what came last is kept for those who are a little behind. */
const mostTailCharacters = 1024 * 1024;

export function createFeed(context: { db: Db; bus: Bus; clock: Clock }): Feed {
  const watched = new Map<number, Watched>();
  const stopping = new AbortController();
  const unsubscribe = context.bus.subscribe('stream', (actionId) => {
    if (actionId !== undefined) watched.get(actionId)?.look();
    // After a lost connection nobody knows which.
    else for (const one of watched.values()) one.look();
  });
  const polling = (async () => {
    while (!stopping.signal.aborted) {
      await context.clock.sleep(pollMs, stopping.signal);
      for (const one of watched.values()) one.look();
    }
  })();

  return {
    async *follow(actionId, after, signal) {
      const one = watched.get(actionId) ?? watch(context.db, actionId, after);
      watched.set(actionId, one);
      one.watchers++;
      const either = AbortSignal.any([signal, stopping.signal]);
      try {
        for (let seq = after; !either.aborted;) {
          const found = await one.after(seq, either);
          seq = found.at(-1)?.seq ?? seq;
          if (found.length > 0) yield found;
        }
      } finally {
        if (--one.watchers === 0) watched.delete(actionId);
      }
    },
    hand: (actionId, events) => watched.get(actionId)?.hand(events),
    async stop() {
      unsubscribe();
      stopping.abort();
      await polling;
    },
  };
}

type Watched = {
  watchers: number;
  /** Reads what is new, if anything. */
  look(): void;
  /** What the next look finds without reading it, if it is what follows. */
  hand(events: StreamEvent[]): void;
  /** What follows `seq`, once there is something; nothing when aborted. */
  after(seq: number, signal: AbortSignal): Promise<StreamEvent[]>;
};

function watch(db: Db, actionId: number, from: number): Watched {
  let tail: StreamEvent[] = [];
  let tailCharacters = 0;
  /** The last one that was read. */
  let last = from;
  let reading: Promise<void> | null = null;
  let isStale = true;
  let handed: StreamEvent[] = [];
  let news = Promise.withResolvers<void>();
  /** Pages of what is older than the tail, while they are being read: those who come together share them. */
  const pages = new Map<number, Promise<StreamEvent[]>>();

  const read = async () => {
    while (isStale) {
      isStale = false;
      const given = handed;
      handed = [];
      const isNext = given[0]?.seq === last + 1;
      const found = isNext ? given : await readStream(db, actionId, { after: last, limit: pageRows });
      if (found.length === 0) continue;
      isStale ||= !isNext && found.length === pageRows;
      last = found.at(-1)!.seq;
      tail.push(...found);
      for (const { content } of found) tailCharacters += content.length;
      const first = tail.findIndex(({ content }) => {
        if (tailCharacters <= mostTailCharacters) return true;
        tailCharacters -= content.length;
        return false;
      });
      tail = first < 0 ? [] : tail.slice(first);
      news.resolve();
      news = Promise.withResolvers();
    }
  };
  const look = () => {
    isStale = true;
    // What cannot be read now is read at the next look.
    reading ??= read()
      .catch(() => undefined)
      .finally(() => {
        reading = null;
        // Asked for after the last read had ended, and before this.
        if (isStale) look();
      });
  };
  const page = (seq: number): Promise<StreamEvent[]> => {
    const known = pages.get(seq);
    if (known) return known;
    const asked = readStream(db, actionId, { after: seq, limit: pageRows }).finally(() => pages.delete(seq));
    pages.set(seq, asked);
    return asked;
  };

  look();
  return {
    watchers: 0,
    look,
    hand: (events) => void (handed = events),
    async after(seq, signal) {
      for (;;) {
        if (signal.aborted) return [];
        if (seq < last) {
          const first = tail[0]?.seq ?? Infinity;
          if (seq >= first - 1) return tail.filter((event) => event.seq > seq);
          const found = await page(seq);
          if (found.length > 0) return found;
        }
        await unlessAborted(news.promise, signal);
      }
    },
  };
}
