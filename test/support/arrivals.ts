/**
 * Waits for that many arrivals in all and returns all so far, or for the first one that the predicate
 * takes (earlier ones count) and returns all that it takes so far. Throws after `timeoutMs`, 120 s unless
 * told, naming `what` and everything that did arrive; at once when closed.
 */
export type WaitFor<T> = (
  wanted: number | ((item: T) => boolean),
  what?: string,
  timeoutMs?: number,
) => Promise<AtLeastOne<T>>;

export type AtLeastOne<T> = [T, ...T[]];

export type Arrivals<T> = {
  /** In order of arrival; grows. */
  all: readonly T[];
  add(item: T): void;
  waitFor: WaitFor<T>;
  close(): void;
};

/** A list to which things are added while others wait for them. `describe` names one in an error. */
export function createArrivals<T>(describe: (item: T) => string): Arrivals<T> {
  const all: T[] = [];
  const waiting = new Set<{ check(): void; fail(reason: string): void }>();
  let closed = false;

  const waitFor: WaitFor<T> = (wanted, what, timeoutMs = 120_000) => {
    const name = what ?? (typeof wanted === 'number' ? `${wanted} requests` : 'a matching request');
    const find = () => {
      if (typeof wanted === 'function') return all.filter(wanted);
      return all.length >= wanted ? [...all] : [];
    };
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        waiting.delete(waiter);
      };
      const waiter = {
        check() {
          const found = find();
          if (!isAtLeastOne(found)) return;
          settle();
          resolve(found);
        },
        fail(reason: string) {
          settle();
          const arrived = all.map(describe).join(', ') || 'nothing';
          reject(new Error(`${reason} while waiting for ${name}; arrived: ${arrived}`));
        },
      };
      const timer = setTimeout(() => waiter.fail(`${timeoutMs} ms passed`), timeoutMs);
      waiting.add(waiter);
      waiter.check();
      if (closed && waiting.has(waiter)) waiter.fail('closed');
    });
  };
  return {
    all,
    waitFor,
    add(item) {
      all.push(item);
      for (const waiter of waiting) waiter.check();
    },
    close() {
      closed = true;
      for (const waiter of waiting) waiter.fail('closed');
    },
  };
}

function isAtLeastOne<T>(items: T[]): items is AtLeastOne<T> {
  return items.length > 0;
}
