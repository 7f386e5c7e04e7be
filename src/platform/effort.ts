/**
 * What may be spent on one request, or on checking one definition. The paths and expressions are a user's, and what they look through is anybody's: a
 * product of the two must not hold a process up.
 */
export type Effort = {
  /**
   * Counts `weight` small things that were done, each about a path, an item or sixteen characters; something that may take
   * long by itself is `longStep`. Throws TooMuchEffort.
   */
  spend(weight: number): void;
};

export class TooMuchEffort extends Error {
  override name = 'TooMuchEffort';
}

/** Of the processor, for one request: a hundred times what the largest of usual ones takes. */
const mostMs = 1000;
/** The clock is looked at no more often; few requests have so many. */
const weightBetween = 500;
export const longStep = weightBetween;

export function createEffort(): Effort {
  let weight = 0;
  let begunMs: number | null = null;
  return {
    spend(more) {
      weight += more;
      if (weight < weightBetween) return;
      weight = 0;
      const now = processorMs();
      begunMs ??= now;
      if (now - begunMs > mostMs) throw new TooMuchEffort();
    },
  };
}

/** Of this thread alone: a machine that is busy otherwise, or slept, is nobody's fault. */
function processorMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
