import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const repository = join(import.meta.dirname, '..', '..');

export type WebSources = {
  /** Holds `web/` and a lock file. */
  folder: string;
  /** Where the build goes. */
  dist: string;
  /** Runs `scripts/build-web.mjs` and gives what it printed. */
  build(): Promise<string>;
  remove(): Promise<void>;
};

/** A dashboard of a few lines, to be built in a folder of its own. */
export async function webSources(): Promise<WebSources> {
  const folder = await mkdtemp(join(tmpdir(), 'hookline-web-'));
  await cp(join(repository, 'test', 'fixtures', 'web'), join(folder, 'web'), { recursive: true });
  await mkdir(join(folder, 'sdk'));
  await writeFile(join(folder, 'package-lock.json'), '{}');
  return {
    folder,
    dist: join(folder, 'web', 'dist'),
    build: async () => {
      const script = join(repository, 'scripts', 'build-web.mjs');
      const { stdout } = await promisify(execFile)(process.execPath, [script, folder]);
      return stdout;
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
