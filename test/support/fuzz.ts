import { appendFileSync } from 'node:fs';
import fc from 'fast-check';
import type { IProperty, IPropertyWithHooks } from 'fast-check';

/** `npm run fuzz` sets these; `npm test` tries each property a few thousand times, under a seed of its own. */
const { FUZZ_RUNS, FUZZ_SEED, FUZZ_LEDGER } = process.env;
const runs = Number(FUZZ_RUNS ?? 2000);

/**
 * Throws, with the seed and the smallest case that shows it, unless a property holds. `share` is below 1 for what costs more:
 * that part of the cases is tried.
 */
export function holds<Values extends unknown[]>(
  property: IProperty<Values> | IPropertyWithHooks<Values>,
  share = 1,
): void {
  const numRuns = Math.ceil(runs * share);
  fc.assert(property, { numRuns, ...(FUZZ_SEED === undefined ? {} : { seed: Number(FUZZ_SEED) }) });
  if (FUZZ_LEDGER !== undefined) appendFileSync(FUZZ_LEDGER, `${numRuns}\n`);
}
