import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createStepOutput } from '../src/actions/step-output.ts';
import { createFakeClock } from './support/fake-clock.ts';

const rowCharacters = 64 * 1024;

/** The clock stands still: what waits for it waits until a test moves it. */
function open(secrets: string[] = []) {
  const clock = createFakeClock();
  const stored: string[][] = [];
  let next = Promise.withResolvers<void>();
  const output = createStepOutput({
    secrets,
    clock,
    store: async (rows) => {
      stored.push(rows);
      next.resolve();
      next = Promise.withResolvers();
    },
  });
  return { clock, stored, output, stores: () => next.promise };
}

describe('the output of a step', { timeout: 10_000 }, () => {
  test('the first line is stored at once, and what follows closely together, 10 ms later', async () => {
    const { clock, stored, output, stores } = open();
    await output.write('one\n');
    assert.deepEqual(stored, [['one\n']]);
    await output.write('two\n');
    await output.write('three\n');
    assert.equal(stored.length, 1);
    const later = stores();
    await clock.advance(10);
    await later;
    assert.deepEqual(stored.slice(1), [['two\nthree\n']]);
    await clock.advance(10);
    await output.write('four\n');
    assert.deepEqual(stored.slice(2), [['four\n']]);
  });

  test('much is stored without a wait, in rows of 64 K at most', async () => {
    const { stored, output, stores } = open();
    await output.write('one\n');
    const later = stores();
    for (let written = 0; written < 512; written += 16) await output.write('x'.repeat(16 * 1024));
    await later;
    assert.deepEqual(
      stored.slice(1).map((rows) => rows.map((row) => row.length)),
      [Array.from({ length: 8 }, () => rowCharacters)],
    );
  });

  test('the end stores the rest at once', async () => {
    const { stored, output } = open();
    await output.write('one\n');
    await output.write('two\n');
    await output.end();
    assert.deepEqual(stored, [['one\n'], ['two\n']]);
  });

  test('whoever writes more than can be stored meanwhile waits, and for no longer than that', async () => {
    const { stored, output } = open();
    await output.write('one\n');
    await output.write('x'.repeat(2 * 1024 * 1024));
    assert.equal(stored.flat().join('').length, 2 * 1024 * 1024 + 4);
  });

  test('no row ends within a character', async () => {
    const { stored, output } = open();
    const text = `x${'\u{1f680}'.repeat(rowCharacters)}`;
    await output.write(text);
    await output.end();
    const rows = stored.flat();
    assert.ok(rows.length > 2 && rows.every((row) => row.length <= rowCharacters && row.isWellFormed()));
    assert.equal(rows.join(''), text);
  });

  test('what cannot be stored is told to whoever writes, and to whoever ends it', async () => {
    const output = createStepOutput({
      secrets: [],
      clock: createFakeClock(),
      store: async () => {
        throw new Error('the database is down');
      },
    });
    await output.write('one\n').catch(() => undefined);
    await assert.rejects(output.write('two\n'), /the database is down/);
    await assert.rejects(output.end(), /the database is down/);
  });
});
