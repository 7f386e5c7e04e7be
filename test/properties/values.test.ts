import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { HookVariable, Transform, VariableType } from '../../src/hooks/definition.ts';
import { extractVariables } from '../../src/incoming/extract.ts';
import type { PayloadSource } from '../../src/incoming/paths.ts';
import { holds } from '../support/fuzz.ts';

const types = fc.constantFrom<VariableType>('string', 'integer', 'array', 'boolean');
const numberTexts = fc.oneof(
  fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }).map(String),
  fc.integer().map(String),
  fc.constantFrom(
    '0',
    '-0',
    '+7',
    '007',
    '9007199254740993',
    '-9007199254740993',
    '1.0',
    '1e3',
    '0x10',
    '1_000',
    ' 1',
    '1n',
    '',
  ),
  fc.nat(120).map((digits) => '9'.repeat(digits)),
);
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  numberTexts,
  fc.constantFrom('true', 'false', 'TRUE', 'False', 'yes', '1', 'null', '[]', '["a"]', 'tru\u0435'),
);
const values: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  texts,
  fc.bigInt(),
  fc.double(),
  fc.integer(),
  fc.constantFrom(2 ** 53, -(2 ** 53), 2 ** 53 - 1, Infinity, 1.5, -0, null, true, false),
  fc.array(fc.oneof(texts, fc.bigInt(), fc.integer()), { maxLength: 4 }),
);

/** Where a value stands, and the path there. */
const places = ['body', 'form', 'header', 'query'] as const;
function put(place: (typeof places)[number], value: unknown): { source: PayloadSource; path: string } {
  const source = { payload: {}, headers: {}, query: {}, isForm: place === 'form' };
  const text = value as string;
  switch (place) {
    case 'header':
      return { source: { ...source, headers: { 'x-value': text } }, path: '$headers.X-Value' };
    case 'query':
      return { source: { ...source, query: { value: text } }, path: '$query.value' };
    default:
      return { source: { ...source, payload: { a: { value } } }, path: 'a.value' };
  }
}

const isOf = (type: VariableType, value: unknown): boolean => {
  switch (type) {
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return (
        typeof value === 'bigint' ||
        (typeof value === 'number' && Math.abs(value) < 2 ** 53 && value % 1 === 0)
      );
    default:
      return typeof value === type;
  }
};

/** What a text means as a type; undefined for nothing. */
const meant = (type: VariableType, text: string): unknown => {
  if (type === 'string') return text;
  if (type === 'boolean')
    return new Map([
      ['true', true],
      ['false', false],
    ]).get(text.toLowerCase());
  if (type === 'integer' && /^[+-]?[0-9]{1,100}$/.test(text) && text.length <= 100)
    return BigInt(text.replace('+', ''));
  return undefined;
};

const extract = (variable: Partial<HookVariable>, source: PayloadSource) =>
  extractVariables([{ name: 'v', ...variable }], source);

describe('a value', () => {
  test('of a JSON body is taken as it is if it is of its type, and is else a fault that names all there is to know', () => {
    holds(
      fc.property(types, values, (type, value) => {
        const { source, path } = put('body', value);
        const { values: taken, faults } = extract({ path, type }, source);
        if (value === null) return assert.deepEqual(taken, { v: null });
        if (isOf(type, value)) {
          assert.deepEqual(faults, []);
          return assert.deepEqual(taken, { v: value });
        }
        assert.deepEqual(taken, {});
        assert.equal(faults.length, 1);
        const [{ field, message }] = faults as [{ field: string; message: string }];
        assert.equal(field, 'v');
        assert.ok(message.startsWith(`at a.value must be of type ${type}, but is `), message);
        const found = message.slice(message.indexOf('but is ') + 7);
        if (Array.isArray(value)) assert.equal(found, 'an array');
        else if (typeof value === 'object') assert.equal(found, 'an object');
        else if (typeof value === 'string')
          assert.ok(`string ${JSON.stringify(value)}`.startsWith(found), found);
        else if (typeof value === 'boolean') assert.equal(found, `boolean ${value}`);
        else assert.equal(found, `number ${String(value)}`);
      }),
    );
  });

  test('of a form, a header or the address is text by nature, and is taken as the type that it reads as', () => {
    holds(
      fc.property(types, texts, fc.constantFrom('form', 'header', 'query'), (type, text, place) => {
        const { source, path } = put(place, text);
        const { values: taken, faults } = extract({ path, type }, source);
        const expected = meant(type, text);
        if (expected === undefined) {
          assert.deepEqual(taken, {});
          assert.ok(faults[0]!.message.startsWith(`at ${path} must be of type ${type}, but is string `));
          return;
        }
        assert.deepEqual(faults, []);
        // An integer is a number where that is exact.
        if (typeof expected !== 'bigint') return assert.equal(taken['v'], expected);
        assert.equal(BigInt(taken['v'] as number), expected);
        assert.equal(typeof taken['v'], isOf('integer', Number(text)) ? 'number' : 'bigint');
      }),
    );
  });

  test('that is not there is its default, or a fault that names every place that was looked at', () => {
    const nothing = fc.constantFrom(undefined, null);
    const defaults = fc.option(fc.oneof(fc.string(), fc.integer(), fc.boolean()), { nil: null });
    holds(
      fc.property(nothing, defaults, fc.boolean(), types, (value, default_value, required, type) => {
        const { source, path } = put('body', value);
        const given = { path, fallback_paths: ['b', 'c.d'], type, required, default_value };
        const { values: taken, faults } = extract(given, source);
        assert.deepEqual(taken, { v: default_value });
        const isFault = required && default_value === null;
        const message = 'is required, but there is nothing at a.value, nor at b, nor at c.d';
        assert.deepEqual(faults, isFault ? [{ field: 'v', message }] : []);
      }),
    );
  });

  test('is the first that is there, by the order of the paths', () => {
    const nothings = fc.array(fc.constantFrom(undefined, null), { maxLength: 4 });
    holds(
      fc.property(nothings, fc.string(), fc.string(), (before, value, after) => {
        const all = [...before, value, after];
        const payload = Object.fromEntries(all.map((one, index) => [`p${index}`, one]));
        const [path, ...fallback_paths] = Object.keys(payload);
        const source = { ...put('body', null).source, payload };
        assert.deepEqual(extract({ path: path!, fallback_paths }, source).values, { v: value });
      }),
    );
  });

  test('of a header that may hold a token is in no fault', () => {
    const names = fc.constantFrom('x-api-token', 'authorization', 'x-secret', 'api-key', 'cookie');
    const tokens = fc.stringMatching(/^[A-Z][a-zA-Z0-9]{10,30}$/);
    holds(
      fc.property(names, tokens, types, fc.boolean(), (name, token, type, isQuery) => {
        const source = { payload: {}, isForm: false, headers: { [name]: token }, query: { [name]: token } };
        const path = `$${isQuery ? 'query' : 'headers'}.${name}`;
        const { faults } = extract({ path, type }, source);
        assert.equal(faults.length, type === 'string' ? 0 : 1);
        assert.ok(!JSON.stringify(faults).includes(token), JSON.stringify(faults));
      }),
    );
  });
});

describe('a transform', () => {
  /** Of which RE2 and JavaScript understand the same. */
  const captures = ['^([a-z]+)', '([0-9]+)', '^v?([^/]*)/', '-', '[A-Z]{2,}', '(.)$', '^$', 'x|(y)'];
  const transforms: fc.Arbitrary<Transform> = fc.record(
    {
      strip_prefix: fc.oneof(
        fc.constantFrom('refs/heads/', 'refs/', 'v', ''),
        fc.array(fc.constantFrom('refs/tags/', 'refs/heads/', 'v'), { maxLength: 3 }),
        fc.constant(null),
      ),
      capture: fc.option(fc.constantFrom(...captures)),
      lower_case: fc.option(fc.boolean()),
      map: fc.option(
        fc.dictionary(
          fc.constantFrom('main', 'heads', '1', 'true', 'toString', ''),
          fc.string({ maxLength: 5 }),
          {
            noNullPrototype: true,
          },
        ),
      ),
    },
    { requiredKeys: [] },
  );
  const words = fc
    .array(
      fc.constantFrom(
        'refs/heads/',
        'refs/tags/',
        'refs/',
        'v',
        'main',
        'MAIN',
        'Ümläut',
        '1',
        '42',
        '/',
        '-',
        'toString',
        'x',
        'y',
      ),
      { maxLength: 4 },
    )
    .map((parts) => parts.join(''));

  /** Said again in another way, with the expressions of JavaScript. */
  function meaning({ strip_prefix, capture, lower_case, map }: Transform, text: string): string | undefined {
    let rest: string | undefined = text;
    for (const prefix of [strip_prefix ?? []].flat()) {
      if (!text.startsWith(prefix)) continue;
      rest = text.substring(prefix.length);
      break;
    }
    if (capture) {
      const match: RegExpExecArray | null = new RegExp(capture, 'u').exec(rest);
      rest = match === null ? undefined : match.length > 1 ? match[1] : match[0];
    }
    if (lower_case) rest = rest?.toLowerCase();
    const entry = Object.entries(map ?? {}).find(([key]) => key === rest);
    return entry ? entry[1] : rest;
  }

  const scalars = fc.oneof(words, fc.integer(), fc.boolean(), fc.bigInt());

  test('does what its parts say one after the other, to a text, a number or a boolean', () => {
    holds(
      fc.property(transforms, scalars, fc.boolean(), (transform, value, required) => {
        const { source, path } = put('body', value);
        const { values: taken, faults } = extract({ path, type: 'string', transform, required }, source);
        const expected = meaning(transform, String(value));
        if (expected !== undefined) return assert.deepEqual([taken, faults], [{ v: expected }, []]);
        assert.deepEqual(taken, { v: null });
        const message = 'is required, but of what is at a.value its transform leaves nothing';
        assert.deepEqual(faults, required ? [{ field: 'v', message }] : []);
      }),
    );
  });

  test('with `json` makes a text of anything, which reads as what was there', () => {
    holds(
      fc.property(fc.jsonValue(), (value) => {
        const { source, path } = put('body', value);
        const { values: taken, faults } = extract(
          { path, type: 'string', transform: { json: true } },
          source,
        );
        assert.deepEqual(faults, []);
        if (value === null) return assert.deepEqual(taken, { v: null });
        const text = (taken as { v: string }).v;
        // Safe: what it is read as is compared.
        const read = typeof value === 'string' ? text : (JSON.parse(text) as unknown);
        assert.deepEqual(read, JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('of a list does it to each item, and leaves out what is nothing then', () => {
    holds(
      fc.property(transforms, fc.array(scalars, { maxLength: 5 }), (transform, list) => {
        const { source, path } = put('body', list);
        const expected = list
          .map((one) => meaning(transform, String(one)))
          .filter((one) => one !== undefined);
        const given = expected.length === 0 ? null : expected;
        assert.deepEqual(extract({ path, type: 'array', transform }, source).values, { v: given });
        // Where one value is wanted it is the first.
        assert.deepEqual(extract({ path, type: 'string', transform }, source).values, {
          v: given?.[0] ?? null,
        });
      }),
    );
  });

  test('makes text of what it is given, which is then taken as the type that it reads as', () => {
    holds(
      fc.property(types, texts, (type, text) => {
        fc.pre(type !== 'array');
        const { source, path } = put('body', `#${text}`);
        const { values: taken, faults } = extract({ path, type, transform: { strip_prefix: '#' } }, source);
        const expected = meant(type, text);
        if (expected === undefined) return assert.equal(faults.length, 1);
        assert.equal(String(taken['v']), String(expected));
      }),
    );
  });
});
