import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createColourStripper } from '../src/actions/strip-colours.ts';

const esc = '\u001b';
const bel = '\u0007';

function strip(pieces: readonly string[]): string {
  const stripper = createColourStripper();
  return [...pieces.map((piece) => stripper.push(piece)), stripper.end()].join('');
}

/** The text in pieces, cut at the given places. */
function cut(text: string, places: readonly number[]): string[] {
  const sorted = [...new Set(places.map((place) => place % (text.length + 1)))].sort((a, b) => a - b);
  return [0, ...sorted].map((from, index) => text.slice(from, sorted[index] ?? text.length));
}

const sequences = [
  `${esc}[31m`,
  `${esc}[0m`,
  `${esc}[m`,
  `${esc}[1;38;5;208m`,
  `${esc}[38:2::255:100:0m`,
  `${esc}[48;2;12;34;56m`,
  `${esc}[2K`,
  `${esc}[12;40H`,
  `${esc}[?25l`,
  `${esc}[?2004h`,
  `${esc}[>4;2m`,
  `${esc}[2 q`,
  `${esc}[!p`,
  `${esc}(B`,
  `${esc})0`,
  `${esc}#8`,
  `${esc}=`,
  `${esc}7`,
  `${esc}M`,
  `${esc}c`,
  `${esc}]0;a title; with spaces and ünïcode${bel}`,
  `${esc}]8;;https://example.com/a?b=c&d=(e)${esc}\\`,
  `${esc}]8;id=1;file:///tmp/x y${bel}`,
  `${esc}]8;;${esc}\\`,
  `${esc}]8;;https://example.com/${'long/'.repeat(300)}${bel}`,
  `${esc}P1$r0m${esc}\\`,
  `${esc}_Ga=T;AAAA${esc}\\`,
  `\u009b31m`,
];

describe('taking out colours', () => {
  for (const [given, expected] of [
    [`${esc}[31mred${esc}[0m`, 'red'],
    [`see ${esc}]8;;https://example.com${esc}\\the page${esc}]8;;${esc}\\.`, 'see the page.'],
    ['[31m is no sequence', '[31m is no sequence'],
    [`50${esc}[1m%${esc}[0m\r100%\n`, '50%\r100%\n'],
    ['\ttabs and\u0008 backspaces stay', '\ttabs and\u0008 backspaces stay'],
  ] as const) {
    test(`${JSON.stringify(given)} becomes ${JSON.stringify(expected)}`, () => {
      assert.equal(strip([given]), expected);
    });
  }

  test('a sequence that is cut at any place leaves nothing of itself', () => {
    for (const sequence of sequences) {
      for (let at = 0; at <= sequence.length; at++) {
        const pieces = [`before ${sequence.slice(0, at)}`, `${sequence.slice(at)}1 after`];
        assert.equal(strip(pieces), 'before 1 after', JSON.stringify(pieces));
      }
    }
  });

  test('what begins like a sequence and never ends hides nothing of what follows for long', () => {
    const text = 'the output goes on\n'.repeat(1000);
    for (const start of [`${esc}[`, `${esc}]`, `${esc}]8;;http://x`, `${esc}P`, `${esc}[1;`]) {
      assert.ok(strip([start, text]).endsWith(text.slice(10)), JSON.stringify(start));
      assert.ok(strip([...`${start}${text}`]).endsWith(text.slice(10)), JSON.stringify(start));
    }
    const stripper = createColourStripper();
    const shown = stripper.push(`${esc}]${text}`);
    assert.ok(shown.length > text.length - 10_000, 'it does not wait for the end');
  });

  const plain = fc.string({ unit: 'grapheme' }).map((text) =>
    // eslint-disable-next-line no-control-regex
    text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' '),
  );
  const coloured = fc.array(fc.oneof(plain, fc.constantFrom(...sequences)), { maxLength: 20 });
  const places = fc.array(fc.nat(), { maxLength: 20 });

  test('what is left is the text between the sequences, wherever it was cut', () => {
    fc.assert(
      fc.property(coloured, places, (parts, where) => {
        const text = parts.filter((part) => !sequences.includes(part)).join('');
        assert.equal(strip(cut(parts.join(''), where)), text);
      }),
      { numRuns: 2000 },
    );
  });

  test('any cut of anything gives what the whole gives', () => {
    const bits = [
      ...sequences,
      esc,
      bel,
      '[',
      ']',
      ';',
      '3',
      'm',
      '\\',
      '?',
      ' ',
      'P',
      '\u009b',
      '\u009c',
      '\n',
      'x',
      'y'.repeat(3000),
    ];
    const anything = fc.array(fc.constantFrom(...bits), { maxLength: 30 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(anything, places, (text, where) => {
        assert.equal(strip(cut(text, where)), strip([text]));
      }),
      { numRuns: 2000 },
    );
  });
});
