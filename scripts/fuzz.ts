import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/*
 * Tries the properties of `test/properties/` with many cases: `FUZZ_RUNS` of each (100,000 unless told), fewer of those that
 * cost more. `FUZZ_SEED` repeats an earlier run.
 */

const leastCases = 100_000;
const { FUZZ_RUNS: runs = '100000', FUZZ_SEED: seed = String(Math.floor(Math.random() * 2 ** 31)) } =
  process.env;

const folder = mkdtempSync(join(tmpdir(), 'hookline-fuzz-'));
const ledger = join(folder, 'cases');
writeFileSync(ledger, '');
const files = globSync('test/properties/*.test.ts', { cwd: join(import.meta.dirname, '..') });
const started = performance.now();
const child = spawn(process.execPath, ['--test', '--test-concurrency=2', ...files], {
  cwd: join(import.meta.dirname, '..'),
  env: { ...process.env, FUZZ_RUNS: runs, FUZZ_SEED: seed, FUZZ_LEDGER: ledger },
  stdio: 'inherit',
});
const [code] = (await once(child, 'exit')) as [number | null];
const cases = readFileSync(ledger, 'utf8')
  .split('\n')
  .reduce((sum, line) => sum + Number(line), 0);
rmSync(folder, { recursive: true });

const seconds = Math.round((performance.now() - started) / 1000);
console.log(`${cases.toLocaleString('en')} cases in ${seconds} s, seed ${seed}`);
if (cases < leastCases)
  console.error(`That is fewer than the ${leastCases.toLocaleString('en')} that are wanted.`);
process.exitCode = code === 0 && cases >= leastCases ? 0 : 1;
