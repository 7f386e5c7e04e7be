// Builds the SDK into sdk/dist, as it is published: plain JavaScript with declarations and maps, on whatever Node the
// machine has. `npm pack` and `npm publish` in sdk/ do so by themselves.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sdk = join(root, 'sdk');
const dist = join(sdk, 'dist');

// Put in place whole: a build that fails leaves the last one.
const folder = mkdtempSync(join(sdk, '.dist-'));
try {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status, error } = spawnSync(
    process.execPath,
    [tsc, '-p', join(sdk, 'tsconfig.build.json'), '--outDir', folder],
    { stdio: ['ignore', 2, 2] },
  );
  if (status !== 0) {
    console.error(`The SDK could not be built: see the lines above.${error ? ` ${error.message}` : ''}`);
    process.exitCode = status || 1;
  } else {
    nameJavaScript(folder);
    rmSync(dist, { recursive: true, force: true });
    // A temporary folder is its maker's alone.
    chmodSync(folder, 0o755);
    renameSync(folder, dist);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The compiler names the files of sources in declarations, which are not beside them. */
function nameJavaScript(directory) {
  for (const name of readdirSync(directory, { recursive: true })) {
    if (!name.endsWith('.d.ts')) continue;
    const file = join(directory, name);
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replaceAll(/((?:from |import\()['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2'));
  }
}
