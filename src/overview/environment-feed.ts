import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { isBeyond, type Frontier, type Position } from '../platform/database/frontier.ts';
import { unlessAborted } from '../platform/unless-aborted.ts';
import { positionText, readEventPage, type EventPage } from './environment-events.ts';

/** What happens in environments, read once for however many watch. */
export type EnvironmentFeed = {
  /**
   * Everything after `from`, as it comes, page by page, until `signal` aborts; `now` is where the frontier is. A page may be
   * empty: it only tells how far everything was looked through.
   */
  follow(
    environmentId: number,
    { from, now }: { from: Position; now: Position },
    signal: AbortSignal,
  ): AsyncGenerator<EventPage>;
  /** What happened between the two. */
  history(environmentId: number, range: { from: Position; until: Position }): AsyncGenerator<EventPage>;
};

/** Of each watched environment, as much of what came last is kept for those who are a little behind. */
const mostKeptCharacters = 1024 * 1024;
const mostKeptPages = 500;

const retryMs = 1000;

type ReadPage = (environmentId: number, range: { from: Position; until: Position }) => Promise<EventPage>;
type Context = { db: Db; clock: Clock; frontier: Frontier; readOld: ReadPage };

export function createEnvironmentFeed(parts: Omit<Context, 'readOld'>): EnvironmentFeed {
  const watched = new Map<number, Watched>();
  const takeTurn = createTurns();
  const readOld: ReadPage = (environmentId, range) =>
    takeTurn(() => readEventPage(parts.db, environmentId, range));
  const context = { ...parts, readOld };
  return {
    async *history(environmentId, { from, until }) {
      for (let at = from; isBeyond(until, at);) {
        const page = await readOld(environmentId, { from: at, until });
        at = page.to;
        yield page;
      }
    },
    async *follow(environmentId, { from, now }, signal) {
      let one = watched.get(environmentId);
      if (!one) watched.set(environmentId, (one = watch(context, environmentId, now)));
      one.watchers++;
      try {
        for (let at = from; ;) {
          const page = await one.after(at, signal);
          if (!page) return;
          at = page.to;
          yield page;
        }
      } finally {
        if (--one.watchers === 0) {
          watched.delete(environmentId);
          one.end();
        }
      }
    },
  };
}

/** One at a time: however many read far back, what happens now waits for one of them at most. */
function createTurns(): <Result>(run: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (run) => {
    const own = last.then(run);
    last = own.catch(() => undefined);
    return own;
  };
}

type Watched = {
  watchers: number;
  /** The page that follows `at`, once there is one; null when aborted. */
  after(at: Position, signal: AbortSignal): Promise<EventPage | null>;
  end(): void;
};

function watch({ db, clock, frontier, readOld }: Context, environmentId: number, from: Position): Watched {
  const ending = new AbortController();
  /** What came last, by where it begins. */
  const pages = new Map<string, EventPage & { characters: number }>();
  let characters = 0;
  let last = from;
  let news = Promise.withResolvers<void>();
  /** What is older, while it is being read: those who come together share it. */
  const older = new Map<string, Promise<EventPage>>();

  const keep = (from: Position, page: EventPage) => {
    const size = page.events.reduce((sum, { data }) => sum + data.length, 0);
    pages.set(positionText(from), { ...page, characters: size });
    characters += size;
    for (const [key, { characters: freed }] of pages) {
      if (characters <= mostKeptCharacters && pages.size <= mostKeptPages) return;
      pages.delete(key);
      characters -= freed;
    }
  };
  const run = async () => {
    while (!ending.signal.aborted) {
      const until = await frontier.beyond(last, ending.signal);
      if (!until) return;
      while (isBeyond(until, last) && !ending.signal.aborted) {
        const page = await readEventPage(db, environmentId, { from: last, until });
        keep(last, page);
        last = page.to;
        news.resolve();
        news = Promise.withResolvers();
      }
    }
  };
  /** What cannot be read now is read at the next sign of anything new. */
  const runAgain = async () => {
    while (!ending.signal.aborted) await run().catch(() => clock.sleep(retryMs, ending.signal));
  };
  void runAgain();

  const readOlder = (key: string, from: Position): Promise<EventPage> => {
    const known = older.get(key);
    if (known) return known;
    const asked = readOld(environmentId, { from, until: last }).finally(() => older.delete(key));
    older.set(key, asked);
    return asked;
  };

  return {
    watchers: 0,
    end: () => ending.abort(),
    async after(at, signal) {
      const key = positionText(at);
      for (;;) {
        if (signal.aborted) return null;
        const page = pages.get(key);
        if (page) return page;
        if (isBeyond(last, at)) return await readOlder(key, at);
        await unlessAborted(news.promise, signal);
      }
    },
  };
}
