import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formField, parsePayload } from '../../src/incoming/parse-payload.ts';
import { exactInteger, parseExactJson } from '../../src/platform/exact-json.ts';
import { holds } from '../support/fuzz.ts';

type Exact = null | boolean | bigint | string | Exact[] | Map<string, Exact>;

const integers = fc.oneof(
  fc.bigInt({ min: -(10n ** 60n), max: 10n ** 60n }),
  fc.bigInt({ min: -(2n ** 54n), max: 2n ** 54n }),
  fc.constantFrom(
    2n ** 53n,
    2n ** 53n - 1n,
    2n ** 53n + 1n,
    -(2n ** 53n),
    2n ** 63n,
    2n ** 64n - 1n,
    10n ** 98n,
    0n,
  ),
);
const keys = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom('id', '1', '0', 'constructor', 'toString', '9007199254740993', ' 1234567890123456'),
);
const strings = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  integers.map(String),
  integers.map((one) => `{"id":${one}}`),
);
const trees: fc.Arbitrary<Exact> = fc.letrec<{ tree: Exact }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3 },
    integers as fc.Arbitrary<Exact>,
    strings,
    fc.constantFrom<Exact>(null, true, false),
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.array(fc.tuple(keys, tie('tree')), { maxLength: 4 }).map((entries): Exact => new Map(entries)),
  ),
})).tree;

/** Writes JSON with white space where it is allowed, and integers digit by digit. */
function write(value: Exact, space: string): string {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value))
    return `[${space}${value.map((one) => write(one, space)).join(`${space},${space}`)}${space}]`;
  if (!(value instanceof Map)) return JSON.stringify(value);
  const entries = [...value].map(
    ([key, one]) => `${JSON.stringify(key)}${space}:${space}${write(one, space)}`,
  );
  return `{${space}${entries.join(`${space},`)}${space}}`;
}

/** As an object would have it: keys that are numbers first. */
function inOrder(value: Exact): Exact {
  if (Array.isArray(value)) return value.map(inOrder);
  if (!(value instanceof Map)) return value;
  const index = (key: string) => /^(0|[1-9]\d{0,9})$/.test(key) && Number(key) < 2 ** 32 - 1;
  const all = [...value].map(([key, one]): [string, Exact] => [key, inOrder(one)]);
  const numbers = all.filter(([key]) => index(key)).sort(([one], [other]) => Number(one) - Number(other));
  return new Map([...numbers, ...all.filter(([key]) => !index(key))]);
}

describe('JSON', () => {
  test('with integers of any size is read and written again digit by digit', () => {
    holds(
      fc.property(trees, fc.constantFrom('', ' ', '\n\t', '\r\n  '), (tree, space) => {
        const text = space + write(tree, space) + space;
        assert.equal(JSON.stringify(parseExactJson(text)), write(inOrder(tree), ''));
      }),
    );
  });

  test('is what JSON.parse makes of it, but for integers that a number cannot hold', () => {
    const big = (value: unknown): boolean =>
      typeof value === 'bigint' ||
      (typeof value === 'object' && value !== null && Object.values(value).some((one) => big(one)));
    const texts = fc.oneof(
      trees.map((tree) => write(tree, '')),
      fc.json({ maxDepth: 3 }),
      fc
        .array(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 4 })
        .map((all) => JSON.stringify(all)),
    );
    holds(
      fc.property(texts, (text) => {
        const exact = parseExactJson(text);
        assert.deepEqual(JSON.parse(JSON.stringify(exact)), JSON.parse(JSON.stringify(JSON.parse(text))));
        if (!big(exact)) assert.deepEqual(exact, JSON.parse(text));
      }),
    );
  });

  test('that is none is refused whenever JSON.parse refuses it', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"',
      '1',
      '9007199254740993',
      '-',
      '.5',
      'e3',
      'null',
      ' ',
      'tru',
      '\\u',
      '01',
    );
    const broken = fc.oneof(
      fc.array(pieces, { maxLength: 9 }).map((parts) => parts.join('')),
      fc.tuple(trees, fc.nat(), fc.string({ maxLength: 2 })).map(([tree, at, sign]) => {
        const text = write(tree, '');
        return text.slice(0, at % (text.length + 1)) + sign + text.slice((at % (text.length + 1)) + 1);
      }),
    );
    const isJson = (parse: (text: string) => unknown, text: string): boolean => {
      try {
        parse(text);
        return true;
      } catch (error) {
        assert.ok(error instanceof SyntaxError);
        return false;
      }
    };
    holds(
      fc.property(broken, (text) => {
        assert.equal(isJson(parseExactJson, text), isJson(JSON.parse, text), text);
      }),
    );
  });

  test('an integer in a text is told exactly, and nothing else is one', () => {
    holds(
      fc.property(integers, (integer) => {
        for (const text of [String(integer), integer < 0 ? String(integer) : `+${integer}`]) {
          const read = exactInteger(text);
          assert.ok(read !== null);
          assert.equal(BigInt(read), integer);
          assert.equal(typeof read === 'number', Number.isSafeInteger(Number(integer)));
        }
        for (const text of [`${integer}.0`, `${integer}n`, ` ${integer}`, `${integer}e1`, `--${integer}`])
          assert.equal(exactInteger(text), null);
      }),
    );
  });
});

const form = 'application/x-www-form-urlencoded';
const singleBytes = [
  'iso-8859-1',
  'windows-1252',
  'iso-8859-15',
  'iso-8859-2',
  'windows-1251',
  'koi8-r',
  'macintosh',
];

/** What each byte of a charset is. */
const signsOf = new Map(
  singleBytes.map((charset) => {
    const decoder = new TextDecoder(charset);
    const all = Array.from(
      { length: 256 },
      (_, byte) => [decoder.decode(Uint8Array.of(byte)), byte] as const,
    );
    return [charset, all.filter(([sign]) => sign.length === 1 && sign !== '\ufffd')];
  }),
);

type Encoded = { charset: string; fields: [string, string][]; body: Buffer };

/** Fields as text, and the bytes of a form that says them: any of its bytes escaped, in either case, spaces as a plus. */
const encodedForms: fc.Arbitrary<Encoded> = fc.constantFrom(...singleBytes, 'utf-8').chain((charset) => {
  const signs = signsOf.get(charset);
  const letter = signs
    ? fc.constantFrom(...signs).map(([sign, byte]) => ({ sign, bytes: Buffer.of(byte) }))
    : fc
        .string({ unit: 'grapheme', minLength: 1, maxLength: 1 })
        .map((sign) => ({ sign, bytes: Buffer.from(sign) }));
  const text = fc.array(letter, { maxLength: 8 }).map((letters) => ({
    text: letters.map(({ sign }) => sign).join(''),
    letters: letters.map(({ bytes }) => bytes),
  }));
  /** Of a letter all bytes or none. */
  const escape = (letters: Buffer[], choices: number[]): Buffer =>
    Buffer.concat(
      letters.map((bytes, index) => {
        const choice = choices[index % choices.length]!;
        const sign = bytes.toString('latin1');
        if (sign === ' ' && choice === 0) return Buffer.from('+');
        if (choice > 1 && !/[&=+% ]/.test(sign)) return bytes;
        const digits = bytes.toString('hex').replaceAll(/../g, '%$&');
        return Buffer.from(choice === 0 ? digits : digits.toUpperCase());
      }),
    );
  const choices = fc.array(fc.nat(3), { minLength: 1, maxLength: 8 });
  return fc.array(fc.tuple(text, text, choices), { maxLength: 5 }).map((given) => ({
    charset,
    fields: given.map(([name, value]): [string, string] => [name.text, value.text]),
    body: Buffer.concat(
      given.flatMap(([name, value, how], index) => [
        Buffer.from(index === 0 ? '' : '&'),
        escape(name.letters, how),
        Buffer.from('='),
        escape(value.letters, how),
      ]),
    ),
  }));
});

describe('a form', () => {
  test('of any charset is read as its fields, of which the last of a name counts', () => {
    holds(
      fc.property(encodedForms, ({ charset, fields, body }) => {
        fc.pre(body.length > 0 && !fields.some(([name]) => name === 'payload' || name === '__proto__'));
        // What begins as JSON is taken for JSON: a form has such signs encoded.
        fc.pre(!/^\s*[{["]/.test(body.toString('latin1').replace(/^\xef\xbb\xbf/, '')));
        const parsed = parsePayload(`${form}; charset=${charset}`, body);
        // A byte order mark at the beginning of a field is none of it.
        const mark = (text: string) => (charset === 'utf-8' ? text : text.replace(/^\ufeff/, ''));
        const expected = new Map(fields.map(([name, value]) => [mark(name), mark(value)]));
        assert.ok(parsed.ok && parsed.isForm);
        assert.deepEqual(parsed.payload, Object.fromEntries(expected));
      }),
      0.5,
    );
  });

  test('with JSON in `payload` is read as that, whatever else it holds; and what is signed is what is read', () => {
    const others = fc.array(
      fc.tuple(fc.constantFrom('a', '__proto__', 'Payload', 'payload[]'), fc.string()),
      { maxLength: 3 },
    );
    holds(
      fc.property(trees, others, others, (tree, before, after) => {
        const text = write(tree, '');
        const body = Buffer.from(new URLSearchParams([...before, ['payload', text], ...after]).toString());
        assert.equal(formField(form, body, 'payload'), text.toWellFormed());
        const parsed = parsePayload(form, body);
        assert.ok(parsed.ok && !parsed.isForm);
        assert.equal(JSON.stringify(parsed.payload), write(inOrder(tree), ''));
      }),
      0.5,
    );
  });
});

describe('a body', () => {
  test('of any bytes under any content type is read or refused in a sentence, and pollutes nothing', () => {
    const contentTypes = fc.oneof(
      fc.constantFrom(
        undefined,
        '',
        'application/json',
        'application/vnd.x+json',
        form,
        'text/plain',
        `${form}; charset=latin1`,
      ),
      fc
        .constantFrom('utf-8', 'UTF8', '"utf-16le"', 'shift_jis', 'gb18030', 'utf-7', 'none', 'iso-2022-kr')
        .map((one) => `application/json; charset=${one}`),
      fc.string({ maxLength: 30 }),
    );
    const pieces = fc.constantFrom(
      '{"__proto__":',
      '{"constructor":{"prototype":',
      '{"a":1}',
      '}',
      'payload=',
      '__proto__=',
      '&',
      '%',
      '%e9',
      '[',
      '9'.repeat(30),
      '1e400',
      '\ufeff',
    );
    const bodies = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc.array(pieces, { maxLength: 8 }).map((parts) => Buffer.from(parts.join(''))),
    );
    holds(
      fc.property(contentTypes, bodies, (contentType, body) => {
        const parsed = parsePayload(contentType, body);
        if (!parsed.ok) {
          assert.ok([400, 415].includes(parsed.status));
          assert.match(parsed.reason, /^The /);
        } else if (typeof parsed.payload === 'object' && parsed.payload !== null) {
          assert.ok(!Object.hasOwn(parsed.payload, '__proto__'));
        }
        assert.equal(({} as { a?: unknown }).a, undefined);
      }),
    );
  });
});
