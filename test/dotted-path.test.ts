import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { extractVariables } from '../src/incoming/extract.ts';
import { readPath } from '../src/incoming/paths.ts';
import { lookUp } from '../src/platform/dotted-path.ts';

const payload = {
  ref: 'main',
  commits: [{ id: 'a', files: ['x', 'y'] }, { id: 'b' }],
  'a.b': { c: 1 },
  a: { b: { c: 2, d: 3 } },
  nothing: null,
  zero: 0,
  '': { '': 'empty keys' },
};

describe('a dotted path', () => {
  const found: [path: string, value: unknown][] = [
    ['ref', 'main'],
    ['commits.0.id', 'a'],
    ['commits.1.id', 'b'],
    ['commits.0.files.1', 'y'],
    ['a.b.d', 3],
    ['nothing', null],
    ['zero', 0],
    ['a.b', { c: 1 }],
    ['a.b.c', 1],
  ];
  for (const [path, value] of found) {
    test(`${path} finds ${JSON.stringify(value)}`, () => assert.deepEqual(lookUp(payload, path), value));
  }

  for (const path of [
    'no',
    'ref.length',
    'ref.0',
    'commits.2.id',
    'commits.-1',
    'commits.00.id',
    'nothing.x',
    'zero.x',
    '.ref',
    'ref.',
    'commits..0',
    'commits[0].id',
    'commits.0x0.id',
    'commits. 0.id',
  ]) {
    test(`${JSON.stringify(path)} finds nothing`, () => assert.equal(lookUp(payload, path), undefined));
  }

  const inherited = [
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'valueOf',
    'hasOwnProperty',
    '__defineGetter__',
    '__lookupGetter__',
    'map',
    'at',
    'push',
    'entries',
    'name',
    'call',
  ];

  test('no path of inherited names reaches a prototype', () => {
    const names = fc.constantFrom(...inherited, 'a', 'b', 'commits', '0', 'ref');
    fc.assert(
      fc.property(fc.array(names, { minLength: 1, maxLength: 6 }), (parts) => {
        const value = lookUp(payload, parts.join('.'));
        assert.notEqual(typeof value, 'function');
        for (const prototype of [Object.prototype, Array.prototype, Function.prototype, String.prototype]) {
          assert.notEqual(value, prototype);
        }
        if (parts.some((part) => inherited.includes(part))) assert.equal(value, undefined);
      }),
      { numRuns: 500 },
    );
  });

  test('no header path reaches a prototype either', () => {
    for (const name of inherited) {
      const value = readPath(
        { payload: {}, headers: { 'x-here': 'yes' }, query: {}, isForm: false },
        `$headers.${name}`,
      );
      assert.equal(value, undefined, `$headers.${name}`);
    }
    assert.equal(
      readPath({ payload: {}, headers: { 'x-here': 'yes' }, query: {}, isForm: false }, '$headers.X-Here'),
      'yes',
    );
  });

  test('an item of a list is picked by its values, written out or as a glob', () => {
    const items = [
      { kind: 'a', name: 'release', is: { at: 0 } },
      { kind: 'b', name: 'release/1/x', is: { at: 1 } },
      { kind: 'b', name: 'release/1', is: { at: 2 } },
      { kind: 'b', name: 7, is: { at: 3 } },
    ];
    const source = { payload: { items }, headers: {}, query: {}, isForm: false };
    for (const [filter, at] of [
      ['name=release', 0],
      ['kind=b', 1],
      ['name~release/*', 2],
      ['name~release/**', 1],
      ['kind=b&name~r*', undefined],
      ['kind=b&is.at=3', 3],
      ['name=release/*', undefined],
      ['name~7', undefined],
      ['name=7', 3],
      ['none~*', undefined],
    ] as const) {
      assert.equal(readPath(source, `items.[${filter}].is.at`), at, filter);
    }
  });

  test('any path into any JSON gives what is there, or undefined, and never throws', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.string({ maxLength: 40 }), (value, path) => {
        const result = lookUp(value, path);
        if (result !== undefined) assert.ok(JSON.stringify(value).includes(JSON.stringify(result)));
      }),
      { numRuns: 500 },
    );
  });

  test('the path to every leaf of any JSON finds that leaf', () => {
    const keys = fc.stringMatching(/^[A-Za-z_-]{1,8}$/);
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.integer(),
        fc.string(),
        fc.dictionary(keys, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
        fc.array(tie('tree'), { maxLength: 4 }),
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        for (const [path, leaf] of leavesOf(value))
          assert.deepEqual(lookUp(value, path.join('.')), leaf, path.join('.'));
      }),
      { numRuns: 300 },
    );
  });

  test('a payload made to send the look-up down every way through a path is answered at once', () => {
    // On each level three keys are beginnings of the path, so that there are thousands of ways to its last part.
    const grow = (levels: number): unknown =>
      levels === 0 ? { end: 1 } : { a: grow(levels - 1), 'a.a': grow(levels - 1), 'a.a.a': grow(levels - 1) };
    const tree = grow(9);
    const started = performance.now();
    assert.equal(lookUp(tree, `${Array(240).fill('a').join('.')}.b`), undefined);
    // Every way from the beginning to the end would be 10^50 of them.
    assert.ok(performance.now() - started < 30_000, `took ${Math.round(performance.now() - started)} ms`);
  });
});

describe('the extraction of variables', () => {
  test('a value of any JSON is taken as it is or named as a fault, whatever the name of the variable', () => {
    const names = fc.oneof(
      fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,10}$/),
      fc.constantFrom('constructor', 'toString', '__proto__', 'valueOf', 'hasOwnProperty'),
    );
    const types = fc.constantFrom('string', 'integer', 'array', 'boolean', undefined);
    fc.assert(
      fc.property(names, types, fc.jsonValue({ maxDepth: 2 }), (name, type, value) => {
        const given = Object.defineProperty({}, 'value', { value, enumerable: true });
        const { values, faults } = extractVariables([{ name, path: 'value', ...(type ? { type } : {}) }], {
          payload: given,
          headers: {},
          query: {},
          isForm: false,
        });
        if (faults.length > 0) {
          assert.deepEqual(
            faults.map(({ field }) => field),
            [name],
          );
          return;
        }
        assert.ok(Object.hasOwn(values, name), `${name} is lost`);
        const taken = Object.getOwnPropertyDescriptor(values, name)?.value as unknown;
        assert.deepEqual(taken, value);
        const expected = type ?? (name === 'pipeline_id' ? 'integer' : 'string');
        if (value !== null)
          assert.ok(isOf(expected, value), `${JSON.stringify(value)} was taken as ${expected}`);
      }),
      { numRuns: 500 },
    );
  });
});

function isOf(type: string, value: unknown): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isSafeInteger(value);
  return typeof value === type;
}

function leavesOf(value: unknown, path: string[] = []): [string[], unknown][] {
  if (typeof value !== 'object' || value === null) return path.length > 0 ? [[path, value]] : [];
  return Object.entries(value).flatMap(([key, one]) => leavesOf(one, [...path, key]));
}
