import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { findFaults } from '../scripts/check-imports.ts';

const order = ['main.ts', 'actions/', 'hooks/', 'platform/'];

test('a folder imports only those below it in ARCHITECTURE.md', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/check-imports.ts'], { encoding: 'utf8' });
  assert.equal(stderr, '');
  assert.equal(status, 0);
});

test('an import that goes upwards is found', () => {
  const files = new Map([
    ['hooks/store.ts', "import { x } from '../actions/run.ts';"],
    ['actions/run.ts', "import { y } from '../hooks/store.ts';\nimport '../platform/database/connect.ts';"],
    ['platform/thread.ts', "new Worker(new URL('../hooks/thread.ts', import.meta.url))"],
  ]);
  assert.deepEqual(findFaults(order, files), [
    'src/hooks/store.ts imports src/actions/run.ts, which stands above it',
    'src/platform/thread.ts imports src/hooks/thread.ts, which stands above it',
  ]);
});

test('a folder that is on no list is found', () => {
  assert.deepEqual(findFaults(order, new Map([['misc/a.ts', '']])), [
    'src/misc/a.ts is in no room of ARCHITECTURE.md',
  ]);
});
