import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { readMarkedOutput } from '../src/actions/executors/marked-output.ts';

const line = (mark: string, text: string) => `\0hookline-${mark} ${text}\n`;

async function read(pieces: readonly string[], marks: readonly string[]) {
  const output = readMarkedOutput(Readable.from(pieces.map((piece) => Buffer.from(piece))));
  const found: { given: string; line: string | null }[] = [];
  for (const mark of marks) {
    let given = '';
    const end = await output.upTo(mark, (piece) => void (given += piece.toString()));
    found.push({ given, line: end });
  }
  return found;
}

describe('the output of several steps in one stream', () => {
  const whole = `one\0\n${line('a', 'end 0')}two${line('b', 'end 7')}`;

  test('is parted at the marks, wherever the stream cuts it', async () => {
    for (let at = 0; at <= whole.length; at++) {
      for (const pieces of [
        [whole.slice(0, at), whole.slice(at)],
        [...whole.slice(0, at), whole.slice(at)],
      ]) {
        assert.deepEqual(
          await read(
            pieces.filter((piece) => piece !== ''),
            ['a', 'b'],
          ),
          [
            { given: 'one\0\n', line: 'end 0' },
            { given: 'two', line: 'end 7' },
          ],
        );
      }
    }
  });

  test('has what only looks like a mark as the step has printed it', async () => {
    const text = `\0hookline-a\n\0hookline-\0hookline-b end 0\n\0`;
    assert.deepEqual(await read([...text, line('a', 'end 0')], ['a']), [{ given: text, line: 'end 0' }]);
  });

  test('is given at once as far as it can be no mark', async () => {
    const stream = new Readable({ read: () => undefined });
    const output = readMarkedOutput(stream);
    const first = Promise.withResolvers<string>();
    const reading = output.upTo('a', (piece) => first.resolve(piece.toString()));
    stream.push(Buffer.from('no end of the line'));
    assert.equal(await first.promise, 'no end of the line');
    stream.push(null);
    assert.equal(await reading, null);
  });

  test('ends with the stream, and what was half a mark is given', async () => {
    assert.deepEqual(await read(['text\0hookl'], ['a']), [{ given: 'text\0hookl', line: null }]);
    assert.deepEqual(await read([`text${line('a', 'end').slice(0, -1)}`], ['a']), [
      { given: 'text', line: null },
    ]);
  });

  test('a line that does not end fills no memory', async () => {
    let pulled = 0;
    const endless = Readable.from(
      (function* () {
        yield Buffer.from(line('a', '').slice(0, -1));
        for (;;) {
          pulled++;
          yield Buffer.alloc(100, 'x');
        }
      })(),
    );
    assert.equal(await readMarkedOutput(endless).upTo('a', () => undefined), null);
    assert.ok(pulled < 30, `${pulled} pieces were read`);
    endless.destroy();
  });
});
