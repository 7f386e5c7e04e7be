/** Runs what is added side by side, at most `most` at once, and what has the same key one after the other. */
export function createInOrder(most: number): {
  /** Resolves once there is room for more, not when `run` has ended. `run` must not throw. */
  add(key: unknown, run: () => Promise<void>): Promise<void>;
  /** Resolves once all have ended. */
  idle(): Promise<void>;
} {
  const last = new Map<unknown, Promise<void>>();
  const open = new Set<Promise<void>>();
  return {
    async add(key, run) {
      while (open.size >= most) await Promise.race(open);
      const ended = (last.get(key) ?? Promise.resolve()).then(run);
      last.set(key, ended);
      open.add(ended);
      void ended.finally(() => {
        open.delete(ended);
        if (last.get(key) === ended) last.delete(key);
      });
    },
    async idle() {
      while (open.size > 0) await Promise.all(open);
    },
  };
}
