import assert from 'node:assert/strict';
import { access, glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { apiTable } from '../scripts/api-table.ts';
import { cliTable } from '../scripts/cli-table.ts';
import { exitCodes } from '../src/cli/client/fault.ts';
import { readConfig } from '../src/config.ts';

test('docs/api.md names every call that there is, and no other', async () => {
  assert.equal(await readFile('docs/api.md', 'utf8'), await apiTable());
});

test('docs/cli-commands.md names every command that there is, and no other', async () => {
  assert.equal(await readFile('docs/cli-commands.md', 'utf8'), await cliTable());
});

test('docs/cli.md names every exit code that there is, and no other', async () => {
  const text = await readFile('docs/cli.md', 'utf8');
  const documented = [...text.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
  assert.deepEqual(documented, Object.values(exitCodes));
});

test('docs/configuration.md names every setting that there is, and no other', async () => {
  const text = await readFile('docs/configuration.md', 'utf8');
  const documented = [...text.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name);
  assert.deepEqual(
    documented,
    readConfig({}).rows.map(({ name }) => name),
  );
});

test('every link between the documents leads somewhere', async () => {
  const pages = [
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    ...(await Array.fromAsync(glob('{docs,sdk,examples}/**/*.md', { exclude: ['**/node_modules'] }))),
  ];
  for (const page of pages) {
    const text = await readFile(page, 'utf8');
    for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      await assert.doesNotReject(readFile(join(page, '..', target!)), `${page} links to ${target}`);
    }
  }
});

test('docs/README.md leads to every document', async () => {
  const text = await readFile('docs/README.md', 'utf8');
  for await (const page of glob('docs/**/*.md'))
    assert.ok(
      page === join('docs', 'README.md') || text.includes(`](${page.slice('docs/'.length)})`),
      `docs/README.md does not name ${page}`,
    );
});

test('every file that the table of promises in ARCHITECTURE.md names is there', async () => {
  const text = await readFile('ARCHITECTURE.md', 'utf8');
  const rows = text.split('\n').filter((line) => /^\|.*\| `/.test(line));
  assert.ok(rows.length > 10);
  for (const row of rows) {
    const [, , kept = '', tested = ''] = row.split('|');
    for (const [, path] of kept.matchAll(/`([^`]+\/[^`]+\.ts)`/g))
      await assert.doesNotReject(access(join('src', path!)), path);
    for (const [, path] of tested.matchAll(/`([^`]+)`/g)) await assert.doesNotReject(access(path!), path);
  }
});
