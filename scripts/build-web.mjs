// Builds the dashboard into web/dist, on whatever Node the machine has: plain JavaScript, nothing but what is installed.
// When web/dist was made from the same sources it costs the reading of them. Runs before `npm start`, `npm run demo` and the
// tests, so that two may run at once: each builds in a folder of its own, and puts it in place whole.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const repository = dirname(dirname(fileURLToPath(import.meta.url)));
// Another folder than that of Hookline itself is only ever a test's.
const root = process.argv[2] ? resolve(process.argv[2]) : repository;
const web = join(root, 'web');
const dist = join(web, 'dist');
const sources = existsSync(join(web, 'index.html')) ? hashSources() : null;
if (sources !== null && stampOf(dist) !== sources) build(sources);

function build(stamp) {
  console.log('Building the dashboard (once; a few seconds) ...');
  // Beside its place: a folder can only be moved whole on one disk.
  const folder = mkdtempSync(join(web, '.dist-'));
  try {
    const { status, error } = spawnSync(
      join(repository, 'node_modules', '.bin', 'node'),
      [
        join(repository, 'node_modules', 'vite', 'bin', 'vite.js'),
        'build',
        web,
        '--outDir',
        folder,
        '--emptyOutDir',
        '--logLevel',
        'warn',
      ],
      { cwd: web, stdio: 'inherit', env: { ...process.env, NODE_ENV: 'production' } },
    );
    if (status !== 0) {
      console.error(
        `The dashboard could not be built: see the lines above.${error ? ` ${error.message}` : ''}`,
      );
      process.exitCode = status || 1;
      return;
    }
    compressFiles(folder);
    writeFileSync(join(folder, '.stamp'), stamp);
    // A temporary folder is its maker's alone; who serves may be another.
    chmodSync(folder, 0o755);
    putInPlace(folder, stamp);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whoever builds the same at the same time may be first, at any moment; then theirs is as good as ours. */
function putInPlace(folder, stamp) {
  for (let attempt = 1; stampOf(dist) !== stamp; attempt++) {
    const old = mkdtempSync(join(web, '.dist-old-'));
    try {
      if (existsSync(dist)) moveIfThere(dist, join(old, 'dist'));
      renameSync(folder, dist);
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(error.code) || attempt === 20) throw error;
    } finally {
      rmSync(old, { recursive: true, force: true });
    }
  }
}

function moveIfThere(from, to) {
  try {
    renameSync(from, to);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

function stampOf(folder) {
  const file = join(folder, '.stamp');
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

/** Of everything that the dashboard is made from, by name and content. */
function hashSources() {
  const hash = createHash('sha256');
  const files = [web, join(root, 'sdk')].flatMap(filesBelow);
  for (const file of [...files, join(root, 'package-lock.json'), fileURLToPath(import.meta.url)]) {
    if (!existsSync(file)) continue;
    hash.update(`${relative(root, file)}\0${statSync(file).size}\0`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules' && name !== 'dist' && !name.startsWith('.'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(path) : entry.isFile() ? [path] : [];
    });
}

/** Once here rather than for each request. */
function compressFiles(folder) {
  for (const file of filesBelow(folder)) {
    if (!['.js', '.css', '.svg', '.webmanifest'].includes(extname(file))) continue;
    const bytes = readFileSync(file);
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    };
    const made = { br: brotliCompressSync(bytes, { params }), gz: gzipSync(bytes, { level: 9 }) };
    for (const [ending, smaller] of Object.entries(made)) {
      if (smaller.length < bytes.length) writeFileSync(`${file}.${ending}`, smaller);
    }
  }
}
