import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const repository = join(import.meta.dirname, '..', '..');

/** Builds the dashboard unless what is there is up to date; several processes may ask at the same time. */
export async function buildDashboard(): Promise<void> {
  const script = join(repository, 'scripts', 'build-web.mjs');
  await promisify(execFile)(process.execPath, [script, repository]);
}
