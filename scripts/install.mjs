// Runs before `npm start` and `npm test`, on whatever Node the machine has: plain JavaScript, nothing installed.
// It installs when the lock file is newer than what node_modules was made from, and otherwise costs one file read.
// With `--runtime` without what only tests and checks need: that is five times as much, and a server has no use for it.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampFile = join(root, 'node_modules', '.hookline-installed');
const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');
const [installed, extent] = existsSync(stampFile) ? readFileSync(stampFile, 'utf8').split(' ') : [];
// Whoever has installed everything before is somebody who tests.
const needed = process.argv.includes('--runtime') && extent !== 'all' ? 'runtime' : 'all';

if (installed !== lock || (needed === 'all' && extent !== 'all')) {
  console.log('Installing dependencies (once; about a minute) ...');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const omit = needed === 'runtime' ? ['--omit=dev'] : [];
  const { status } = spawnSync(npm, ['ci', ...omit, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) {
    console.error(
      'npm ci failed. See the lines above; the machine needs Node 18 or newer and access to its npm registry.',
    );
    process.exit(status ?? 1);
  }
  writeFileSync(stampFile, `${lock} ${needed}`);
}
