import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startPostgres } from './postgres.ts';
import type { PostgresServer } from './postgres.ts';

let server: PostgresServer | undefined;

/**
 * Runs once before all test files (`--test-global-setup`). Builds the dashboard if it is not built yet. Starts one PostgreSQL and names it to the
 * test processes in `HOOKLINE_TEST_POSTGRES`, which they inherit. When that is already set, the given
 * server is used and nothing is started.
 */
export async function globalSetup(): Promise<void> {
  execFileSync(process.execPath, [fileURLToPath(import.meta.resolve('../../scripts/build-web.mjs'))], {
    stdio: 'inherit',
  });
  // The test processes inherit it: what one has stripped of its types the next one need not.
  process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(
    new URL('../../node_modules/.cache/hookline-tests', import.meta.url),
  );
  if (process.env.HOOKLINE_TEST_POSTGRES) return;
  server = await startPostgres();
  process.env.HOOKLINE_TEST_POSTGRES = server.url;
}

/** Runs once after all test files: stops what `globalSetup` started and removes its folder. */
export async function globalTeardown(): Promise<void> {
  await server?.stop();
}
