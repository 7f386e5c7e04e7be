import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  ExpressionFault,
  linearGlob,
  linearExpression,
  TextTooLong,
} from '../../src/platform/linear-expression.ts';
import { holds } from '../support/fuzz.ts';

const matches = (glob: string, path: string) => linearGlob(glob).test(path);

const names = ['a', 'ab', 'api', 'x.ts', 'b', 'é', '[a]', 'a+b', '(a)', '^a$', 'a|b', '\\d', '🙂'];
const paths = fc
  .array(fc.constantFrom(...names), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'));

/** Asked of one part after the other, with no expression at all. */
function fits(glob: string[], path: string[]): boolean {
  const [first, ...others] = glob;
  if (first === undefined) return path.length === 0;
  // At the end all that is below counts, and there must be something.
  if (first === '**' && others.length === 0) return path.length > 0;
  if (first === '**') return fits(others, path) || (path.length > 0 && fits(glob, path.slice(1)));
  return path.length > 0 && isLike([...first], [...path[0]!]) && fits(others, path.slice(1));
}

function isLike([sign, ...rest]: string[], name: string[]): boolean {
  if (sign === undefined) return name.length === 0;
  if (sign === '*') return isLike(rest, name) || (name.length > 0 && isLike([sign, ...rest], name.slice(1)));
  return name.length > 0 && (sign === '?' || sign === name[0]) && isLike(rest, name.slice(1));
}

describe('a glob', () => {
  const parts = fc.oneof(
    fc.constantFrom(...names),
    fc.constantFrom('**', '*', '?', '*.ts', 'a*', '*b*', '??', 'x.?s', '**'),
  );
  const globs = fc.array(parts, { minLength: 1, maxLength: 4 });

  test('matches the paths that fit it part by part, and no others', () => {
    holds(
      fc.property(globs, paths, (glob, path) => {
        assert.equal(
          matches(glob.join('/'), path),
          fits(glob, path.split('/')),
          `${glob.join('/')} and ${path}`,
        );
      }),
    );
  });

  test('means what it means to Node, as far as both know it', () => {
    const known = fc.array(
      fc.constantFrom('a', 'ab', 'api', 'b', '*', '?', 'a*', '**', '{a,b}', '{ab,api}'),
      {
        minLength: 1,
        maxLength: 4,
      },
    );
    const plain = fc.array(fc.constantFrom('a', 'ab', 'api', 'b', 'abc'), { minLength: 1, maxLength: 4 });
    holds(
      fc.property(known, plain, (glob, path) => {
        // Node takes a folder to be below itself; here only files are asked for.
        fc.pre(glob.at(-1) !== '**');
        const [one, other] = [glob.join('/'), path.join('/')];
        assert.equal(matches(one, other), posix.matchesGlob(other, one), `${one} and ${other}`);
      }),
      0.25,
    );
  });

  test('with alternatives in braces matches what one of them would', () => {
    holds(
      fc.property(
        fc.array(fc.constantFrom('a', 'ab', '*', 'x.ts', '?'), { minLength: 1, maxLength: 3 }),
        paths,
        (inner, path) => {
          const glob = `${inner.length > 0 ? `{${inner.join(',')}}` : ''}`;
          assert.equal(
            matches(glob, path),
            inner.some((one) => matches(one, path)),
            `${glob} and ${path}`,
          );
          const below = `apps/${glob}/**`;
          const each = inner.some((one) => matches(`apps/${one}/**`, `apps/${path}`));
          assert.equal(matches(below, `apps/${path}`), each);
        },
      ),
    );
  });

  test('of any signs is compiled or is a fault, and a path without special signs matches itself alone', () => {
    const special = fc.array(
      fc.constantFrom('*', '?', '{', '}', ',', '[', ']', '\\', '/', '.', '(', ')', '^', '$', '|', 'a'),
      { maxLength: 20 },
    );
    holds(
      fc.property(
        fc.oneof(
          special.map((signs) => signs.join('')),
          fc.string({ unit: 'binary', maxLength: 20 }),
        ),
        fc.string({ maxLength: 10 }),
        (text, other) => {
          matches(text, other);
          if (/[*?{}]/.test(text)) return;
          // Halves of surrogate pairs are no letters of any file's name.
          if (text.isWellFormed()) assert.ok(matches(text, text), text);
          if (other !== text && other.isWellFormed()) assert.ok(!matches(text, other));
        },
      ),
    );
  });
});

describe('an expression', () => {
  test('of any signs is compiled or is a fault that says why, and never throws on any text', () => {
    const signs = fc.constantFrom(
      'a',
      '.',
      '*',
      '+',
      '?',
      '(',
      ')',
      '[',
      ']',
      '{2}',
      '{1000}',
      '|',
      '^',
      '$',
      '\\d',
      '\\1',
      '(?=a)',
      '(?<n>',
      '(?i)',
      '\\',
    );
    const patterns = fc.array(signs, { minLength: 1, maxLength: 12 }).map((parts) => parts.join(''));
    holds(
      fc.property(patterns, fc.string({ unit: 'binary', maxLength: 40 }), (pattern, text) => {
        try {
          const expression = linearExpression(pattern);
          const captured = expression.capture(text);
          if (captured !== null) assert.ok(text.includes(captured));
        } catch (error) {
          assert.ok(error instanceof ExpressionFault, `${pattern}: ${String(error)}`);
          assert.match(error.message, /^(is|has|repeats) /);
        }
      }),
      0.5,
    );
  });

  test('finds what the expressions of JavaScript find, where both mean the same', () => {
    const patterns = fc
      .array(
        fc.constantFrom(
          'a',
          'b',
          '[ab]',
          '[^a]',
          '.',
          'a*',
          'b+',
          '(a|b)',
          '(?:ab)?',
          '^',
          '$',
          '\\d',
          'a{2,3}',
          '\\.',
        ),
        { minLength: 1, maxLength: 6 },
      )
      .map((parts) => parts.join(''));
    // Of V8 some find nothing in letters beyond 16 bits (`/[^a]b$/u` in `🙂b`), so that there are none here.
    const texts = fc
      .array(fc.constantFrom('a', 'b', 'ab', '1', '.', '\n', 'é'), { maxLength: 12 })
      .map((parts) => parts.join(''));
    holds(
      fc.property(patterns, texts, (pattern, text) => {
        const found = new RegExp(pattern, 'u').exec(text);
        const expression = linearExpression(pattern);
        assert.equal(expression.test(text), found !== null);
        const expected = found === null ? null : found.length > 1 ? (found[1] ?? null) : found[0];
        assert.equal(expression.capture(text), expected, `${pattern} in ${JSON.stringify(text)}`);
      }),
    );
  });

  test('speaks of the whole of a text: none is taken for its beginning, however long it is', () => {
    for (const pattern of ['^[a-z]+$', '^a*$', '^(a+)$', '[a-z]$', '^(?:a|b)*(?:a?){500}$']) {
      for (const length of [100, 9_999, 10_000, 10_001, 65_536, 99_999, 100_000, 100_001, 1_000_000]) {
        const hostile = `${'a'.repeat(length - 1)}; rm -rf /`;
        // Said to be too long, since "does not match" would let it pass behind `not`.
        const orTooLong = (look: () => unknown) => {
          try {
            return look();
          } catch (error) {
            assert.ok(error instanceof TextTooLong && length > 9_999);
            return null;
          }
        };
        assert.ok(!orTooLong(() => linearExpression(pattern).test(hostile)), `${pattern} in ${length}`);
        assert.equal(
          orTooLong(() => linearExpression(pattern).capture(hostile)),
          null,
        );
      }
    }
    // What becomes a variable may have 64 KiB.
    assert.equal(linearExpression('^[a-z]+$').test('a'.repeat(65_536)), true);
    assert.equal(linearExpression('^(a+)$').capture('a'.repeat(65_536))?.length, 65_536);
  });

  const evil: [pattern: string, unit: string, end: string][] = [
    ['(a*)*b', 'a', ''],
    ['^(a+)+$', 'a', '!'],
    ['(a|a)*$', 'a', '!'],
    ['(a|aa)+$', 'a', '!'],
    ['^(([a-z])+.)+[A-Z]([a-z])+$', 'a', ''],
    ['(.*)(.*)(.*)(.*)(.*)x', 'a', ''],
    ['(?:a?){30}a{30}b', 'a', ''],
    ['^(\\w+\\s?)*$', 'word ', '!'],
    ['([a-zA-Z0-9])(([\\-.]|[_]+)?([a-zA-Z0-9]+))*(@)', 'a', ''],
    ['\\s+$', ' ', 'x'],
    ['(?:(?:a|b)*a(?:a|b){20})+$', 'ab', '!'],
  ];
  /** The least of a few measurements: others share the machine. */
  const least = (times: number, work: () => void): number =>
    Math.min(
      ...Array.from({ length: times }, () => {
        const started = performance.now();
        work();
        return performance.now() - started;
      }),
    );

  for (const [pattern, unit, end] of evil) {
    test(`${pattern} takes time in proportion to the text`, () => {
      const expression = linearExpression(pattern);
      const textOf = (length: number) => unit.repeat(length / unit.length).slice(0, length - 1) + end;
      const time = (length: number) => {
        const text = textOf(length);
        return least(3, () => {
          expression.test(text);
          expression.capture(text);
        });
      };
      time(1000);
      const [short, long] = [time(5000), time(50_000)];
      // Quadratic would be 100 times as long, and exponential would not end.
      assert.ok(long < 40 * Math.max(short, 5), `${short} ms, and for ten times the text ${long} ms`);
    });
  }

  test('globs of many wildcards take time in proportion to the path', () => {
    const time = (length: number) =>
      least(3, () => matches('**/*a*/**/*b*/**/*c*/**/*d', `${'a/'.repeat(length / 2)}x`));
    time(1000);
    const [short, long] = [time(5000), time(50_000)];
    assert.ok(long < 40 * Math.max(short, 5), `${short} ms, and for ten times the path ${long} ms`);
  });
});
