import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createMigrated } from './database.ts';
import { startPostgres } from './postgres.ts';
import type { PostgresServer } from './postgres.ts';

let server: PostgresServer | undefined;
let template: { name: string; drop(): Promise<void> } | undefined;

/**
 * Runs once before all test files (`--test-global-setup`). Builds the dashboard if it is not built yet. Starts one PostgreSQL and names it to the
 * test processes in `HOOKLINE_TEST_POSTGRES`, which they inherit. When that is already set, the given
 * server is used and nothing is started. On it stands a migrated database that those of the tests are copies of.
 */
export async function globalSetup(): Promise<void> {
  execFileSync(process.execPath, [fileURLToPath(import.meta.resolve('../../scripts/build-web.mjs'))], {
    stdio: 'inherit',
  });
  // The test processes inherit it: what one has stripped of its types the next one need not.
  process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(
    new URL('../../node_modules/.cache/hookline-tests', import.meta.url),
  );
  if (!process.env.HOOKLINE_TEST_POSTGRES) {
    server = await startPostgres();
    process.env.HOOKLINE_TEST_POSTGRES = server.url;
  }
  template = await createMigrated();
  process.env.HOOKLINE_TEST_TEMPLATE = template.name;
}

/** Runs once after all test files: stops what `globalSetup` started and removes its folder. */
export async function globalTeardown(): Promise<void> {
  await template?.drop();
  await server?.stop();
}
