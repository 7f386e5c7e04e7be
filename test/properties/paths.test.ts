import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readPath, type PayloadSource } from '../../src/incoming/paths.ts';
import { holds } from '../support/fuzz.ts';

const sourceOf = (payload: unknown, others: Partial<PayloadSource> = {}): PayloadSource => ({
  payload,
  headers: {},
  query: {},
  isForm: false,
  ...others,
});

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const hostileKeys = [
  '',
  '.',
  '*',
  '[',
  ']',
  '[*]',
  'a.b',
  'a[0]',
  '[a=b]',
  '0',
  '00',
  '-1',
  '1e0',
  'length',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  '$headers',
  '$headers.a',
  '\0',
  '🙂',
];
const plainKeys = ['a', 'b', 'c', 'new', 'name', 'x-y', 'é'];
const plainTexts = ['main', 'dev', '1', 'true', 'null', 'v 1'];

/** Keys of `names`, few of them, so that paths find something; of lists all items resemble each other. */
const trees = (names: string[], levels = 4): fc.Arbitrary<Json> => {
  const leaf = fc.constantFrom<Json>(null, true, false, 0, 1, -1.5, 1e21, ...plainTexts);
  if (levels === 0) return leaf;
  const inner = trees(names, levels - 1);
  const object = fc
    .array(fc.tuple(fc.constantFrom(...names), inner), { minLength: 1, maxLength: 4 })
    // Unlike an assignment this makes `__proto__` a key like any other.
    .map((entries) => Object.fromEntries(entries) as Json);
  const [named, held] = names as [string, string];
  const alike = fc
    .tuple(fc.constantFrom('main', 'dev'), inner)
    .map(([name, rest]): Json => ({ [named]: name, [held]: rest }));
  const list = fc.oneof(
    fc.array(fc.oneof(object, inner), { maxLength: 4 }),
    fc.array(alike, { minLength: 2, maxLength: 4 }),
  );
  const containers = [
    { weight: 4, arbitrary: object },
    { weight: 3, arbitrary: list },
  ];
  return fc.oneof(...containers, ...(levels === 4 ? [] : [{ weight: 2, arbitrary: leaf }]));
};

/** Decisions on the way through a tree; of ten one or two are wrong. */
const decisions = fc.array(fc.nat(999), { minLength: 1, maxLength: 6 });

const anyTree = fc.oneof(
  trees([...plainKeys, ...hostileKeys]),
  fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>,
);

/** Keys and indexes that lead into a tree, with a wrong one among them now and then. */
function keysOnTheWay(tree: unknown, ways: number[], wrong: string[]): string[] {
  let at = tree;
  return ways.map((way) => {
    const keys = typeof at === 'object' && at !== null ? Object.keys(at) : [];
    if (keys.length === 0 || way % 10 === 0) return wrong[way % wrong.length]!;
    const key = keys[way % keys.length]!;
    at = (at as Record<string, unknown>)[key];
    return key;
  });
}

/** All values in a JSON, itself too. */
function* within(value: unknown): Generator<unknown> {
  yield value;
  if (typeof value === 'object' && value !== null) for (const one of Object.values(value)) yield* within(one);
}
const isWithin = (value: unknown, wanted: unknown): boolean =>
  within(value).some((one) => Object.is(one, wanted));

describe('a path', () => {
  test('whatever it is, into whatever JSON, finds what is there, a list of that, or nothing; and never throws', () => {
    const pieces = fc.oneof(
      fc.constantFrom(
        ...plainKeys,
        ...hostileKeys,
        '$query.a',
        '$changed_files',
        '=',
        '&',
        '0',
        '1',
        'commits',
      ),
      fc.string({ unit: 'binary', maxLength: 5 }),
    );
    const paths = fc.array(pieces, { minLength: 1, maxLength: 8 }).map((parts) => parts.join('.'));
    const joined = fc.array(pieces, { minLength: 1, maxLength: 8 }).map((parts) => parts.join(''));
    holds(
      fc.property(anyTree, fc.oneof(paths, joined), decisions, fc.boolean(), (payload, made, ways, isOwn) => {
        const path = isOwn ? keysOnTheWay(payload, ways, hostileKeys).join('.') : made;
        const found = readPath(sourceOf(payload), path);
        if (found === undefined || isWithin(payload, found)) return;
        assert.ok(Array.isArray(found), `${path} found ${JSON.stringify(found)}`);
        for (const one of found as unknown[]) assert.ok(isWithin(payload, one), path);
      }),
    );
  });

  test('of plain keys and indexes finds what one step after the other finds', () => {
    const wrong = [...plainKeys, '0', '1', '9', '00', '-1', 'length'];
    holds(
      fc.property(trees(plainKeys), decisions, fc.nat(6), (payload, ways, length) => {
        const steps = keysOnTheWay(payload, ways.slice(0, length + 1), wrong);
        let expected: unknown = payload;
        for (const key of steps) {
          if (Array.isArray(expected))
            expected = /^(0|-?[1-9]\d*)$/.test(key) ? (expected as unknown[]).at(Number(key)) : undefined;
          else if (typeof expected === 'object' && expected !== null)
            expected = Object.entries(expected).find(([name]) => name === key)?.[1];
          else expected = undefined;
        }
        assert.deepEqual(readPath(sourceOf(payload), steps.join('.')), expected);
        // Indexes may be in brackets, too.
        const [first, ...others] = steps;
        const bracketed = first! + others.map((key) => (/^\d/.test(key) ? `[${key}]` : `.${key}`)).join('');
        assert.deepEqual(readPath(sourceOf(payload), bracketed), expected, bracketed);
      }),
    );
  });

  test('over keys that hold dots finds something if any way of taking it apart does, and nothing else', () => {
    const names = ['a', 'b', 'a.b', 'b.a', 'a.b.a', 'a.a', 'b.b'];
    const everyWay = (value: unknown, parts: string[]): unknown[] => {
      if (parts.length === 0) return [value];
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
      return parts.flatMap((_, index) => {
        const key = parts.slice(0, index + 1).join('.');
        if (!Object.keys(value).includes(key)) return [];
        return everyWay((value as Record<string, unknown>)[key], parts.slice(index + 1));
      });
    };
    const objects = (levels: number): fc.Arbitrary<Json> =>
      levels === 0
        ? fc.nat()
        : fc.dictionary(fc.constantFrom(...names), fc.oneof(objects(levels - 1), fc.nat()), {
            minKeys: 2,
            maxKeys: 5,
            noNullPrototype: true,
          });
    holds(
      fc.property(
        objects(3),
        fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 5 }),
        (payload, parts) => {
          const found = readPath(sourceOf(payload), parts.join('.'));
          const ways = everyWay(payload, parts);
          if (ways.length === 0) assert.equal(found, undefined);
          else assert.ok(ways.includes(found), JSON.stringify(found));
        },
      ),
    );
  });

  type Step =
    | { key: string }
    | { index: number }
    | { all: true }
    | { where: [path: string[], value: string][] };

  const written = (steps: Step[]): string =>
    steps
      .map((step) => {
        if ('key' in step) return `.${step.key}`;
        if ('index' in step) return `.${step.index}`;
        if ('all' in step) return '.*';
        return `[${step.where.map(([path, value]) => `${path.join('.')}=${value}`).join('&')}]`;
      })
      .join('')
      .replace(/^\./, '');

  /** What it means, said again in another way: of each step the values it leads to, and whether they are a list. */
  function meaning(value: unknown, steps: Step[]): unknown {
    const walk = (from: unknown, rest: Step[]): unknown[] => {
      const [step, ...others] = rest;
      if (step === undefined) return [from];
      const next = (one: unknown) => (one === undefined ? [] : walk(one, others));
      const at = (one: unknown, key: string) =>
        typeof one === 'object' && one !== null && !Array.isArray(one) && Object.keys(one).includes(key)
          ? (one as Record<string, unknown>)[key]
          : undefined;
      if ('key' in step) return next(at(from, step.key));
      if (!Array.isArray(from)) return [];
      if ('index' in step) return next(from[step.index]);
      if ('all' in step) return from.flatMap(next);
      const fits = (one: unknown) =>
        step.where.every(([path, wanted]) => {
          const own = path.reduce(at, one);
          return (
            own !== null && own !== undefined && typeof own !== 'object' && `${own as string}` === wanted
          );
        });
      return next(from.find(fits));
    };
    const all = walk(value, steps);
    if (!steps.some((step) => 'all' in step)) return all[0];
    // Nothing at all is not an empty list, if what is before the first `*` is no list.
    const first = steps.findIndex((step) => 'all' in step);
    return Array.isArray(walk(value, steps.slice(0, first))[0]) ? all : undefined;
  }

  /** Steps that lead into a tree. */
  function stepsOnTheWay(tree: unknown, ways: number[]): Step[] {
    let at = tree;
    const go = (one: unknown, step: Step): Step => {
      at = one;
      return step;
    };
    return ways.map((way): Step => {
      const wrong = ['a', 'b', 'new'][way % 3]!;
      if (way % 10 === 0) return [{ key: wrong }, { index: 3 }, { all: true as const }][way % 3]!;
      if (!Array.isArray(at)) {
        if (typeof at !== 'object' || at === null) return { key: wrong };
        const entries = Object.entries(at);
        const [key, value] = entries[way % entries.length]!;
        return go(value, { key });
      }
      const list = at as unknown[];
      const index = way % Math.max(1, list.length);
      const one = list[index];
      const own = leaves(one);
      if (way % 3 === 0) return go(one, { index });
      if (way % 3 === 1 || own.length === 0) return go(one, { all: true });
      const where = own.slice(0, 1 + (way % 2));
      const wanted = where.map(([path, value]): [string[], string] => [
        path,
        way % 7 === 0 ? 'dev' : `${value}`,
      ]);
      return go(one, { where: wanted });
    });
  }

  const leaves = (value: unknown): [string[], string | number | boolean][] =>
    typeof value !== 'object' || value === null || Array.isArray(value)
      ? []
      : Object.entries(value).flatMap(([key, one]): [string[], string | number | boolean][] => {
          if (['string', 'number', 'boolean'].includes(typeof one)) return [[[key], one as string]];
          return leaves(one).map(([path, leaf]) => [[key, ...path], leaf]);
        });

  test('with wildcards and filters finds what they mean', () => {
    holds(
      fc.property(trees(['a', 'b', 'new']), decisions, (payload, ways) => {
        const steps = stepsOnTheWay(payload, ways);
        const path = written(steps);
        const found = readPath(sourceOf(payload), path);
        const expected = meaning(payload, steps);
        assert.deepEqual(found, expected, `${path} in ${JSON.stringify(payload)}`);
      }),
    );
  });

  test('to a header finds it in any case, and to a parameter of the address as it is written', () => {
    const names = fc.stringMatching(/^[a-z][a-z0-9.-]{0,12}$/);
    const dictionaries = fc.dictionary(names, fc.string(), { maxKeys: 4, noNullPrototype: true });
    holds(
      fc.property(dictionaries, dictionaries, names, fc.boolean(), (headers, query, other, isUpper) => {
        const source = sourceOf(
          { headers: { a: 'of the body' }, $headers: { a: 'of the body' } },
          { headers, query },
        );
        for (const name of [...Object.keys(headers), other]) {
          const path = `$headers.${isUpper ? name.toUpperCase() : name}`;
          const isThere = Object.keys(headers).includes(name);
          assert.equal(readPath(source, path), isThere ? headers[name] : undefined, path);
        }
        for (const name of [...Object.keys(query), other])
          assert.equal(
            readPath(source, `$query.${name}`),
            Object.keys(query).includes(name) ? query[name] : undefined,
          );
      }),
    );
  });
});
