import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/*
 * A part of `src` may import only itself and those below it in the list of ARCHITECTURE.md. Prints each import that
 * goes upwards and each folder that is not on the list, and ends with 1 if there is any.
 */

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The rooms of the house, from the top down, as ARCHITECTURE.md draws them. */
export function readOrder(): string[] {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
  const block = /<!-- import order -->\s*```\n([\s\S]*?)```/.exec(text)?.[1];
  if (!block) throw new Error('ARCHITECTURE.md has no block below "<!-- import order -->".');
  return block
    .split('\n')
    .map((line) => line.split(/\s/)[0] ?? '')
    .filter(Boolean);
}

/** `files` maps paths below `src` to their text. Returns one sentence per fault. */
export function findFaults(order: string[], files: Map<string, string>): string[] {
  const faults: string[] = [];
  const roomOf = (path: string) => (path.includes('/') ? `${path.split('/')[0]}/` : path);
  for (const [path, text] of files) {
    const own = order.indexOf(roomOf(path));
    if (own < 0) {
      faults.push(`src/${path} is in no room of ARCHITECTURE.md`);
      continue;
    }
    for (const [, imports, url] of text.matchAll(/(?:from|import)\s+'(\.[^']+)'|new URL\('(\.[^']+)'/g)) {
      const target = imports ?? url;
      if (!target) continue;
      const imported = relative('/src', resolve('/src', dirname(path), target));
      const theirs = order.indexOf(roomOf(imported));
      if (!imported.startsWith('..') && theirs < own)
        faults.push(`src/${path} imports src/${imported}, which stands above it`);
    }
  }
  return faults;
}

function readSources(): Map<string, string> {
  const directory = join(root, 'src');
  return new Map(
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.m?[jt]s$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [relative(directory, path), readFileSync(path, 'utf8')]),
  );
}

if (import.meta.main) {
  const faults = findFaults(readOrder(), readSources());
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
