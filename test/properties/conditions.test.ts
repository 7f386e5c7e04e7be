import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { IncomingCondition } from '../../src/hooks/definition.ts';
import { evaluate, unmetCondition } from '../../src/incoming/conditions.ts';
import type { PayloadSource } from '../../src/incoming/paths.ts';
import { holds } from '../support/fuzz.ts';

const scalars = fc.oneof(
  fc.constantFrom<string | number | boolean | bigint>(
    'main',
    'dev',
    'apps/api/x.ts',
    '1',
    1,
    0,
    true,
    false,
    'true',
    '',
    1.5,
    10n ** 20n,
  ),
  fc.string({ maxLength: 10 }),
  fc.integer(),
);
const accepted = fc.oneof(
  fc.constantFrom<string | number | boolean>(
    'main',
    'dev',
    '1',
    1,
    true,
    'false',
    '',
    '1.5',
    '100000000000000000000',
  ),
  fc.string({ maxLength: 10 }),
);
const values: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: scalars },
  {
    weight: 2,
    arbitrary: fc.array(fc.oneof(scalars, fc.constant(null), fc.constant({ a: 1 })), { maxLength: 5 }),
  },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(null, undefined, {}, { a: 'main' }, []) },
);
/** Understood alike by RE2 and JavaScript. */
const patterns = fc.constantFrom('^main$', 'a', '^[a-z]+$', '^$', '[0-9]', '^apps/', 'x|dev', '.');
const globs = fc.constantFrom('apps/api/**', '*.ts', '**/*.ts', 'main', '{main,dev}', '**', '?');
const comparisons = fc.record({
  accepted_values: fc.array(accepted, { maxLength: 3 }),
  matches: fc.array(patterns, { maxLength: 2 }),
  globs: fc.array(globs, { maxLength: 2 }),
});

const sourceOf = (value: unknown): PayloadSource => ({
  payload: { at: { value } },
  headers: { 'x-value': value },
  query: { value: String(value) },
  isForm: false,
});
const isMet = (condition: Partial<IncomingCondition>, value: unknown): boolean =>
  evaluate({ path: 'at.value', ...condition }, { variables: [] }, sourceOf(value), {}).met;

describe('a condition', () => {
  test('of accepted values is met by what is written like one of them, or by a list with such an item', () => {
    holds(
      fc.property(fc.array(accepted, { maxLength: 4 }), values, (accepted_values, value) => {
        const items = Array.isArray(value) ? (value as unknown[]) : [value];
        const expected = items.some(
          (item) =>
            ['string', 'number', 'boolean', 'bigint'].includes(typeof item) &&
            accepted_values.map(String).includes(String(item)),
        );
        assert.equal(isMet({ accepted_values }, value), expected);
      }),
    );
  });

  test('of patterns is met by what one of them is found in', () => {
    holds(
      fc.property(fc.array(patterns, { maxLength: 3 }), values, (matches, value) => {
        const items = (Array.isArray(value) ? (value as unknown[]) : [value]).filter(
          (item) => item !== null && item !== undefined && typeof item !== 'object',
        );
        const expected = items.some((item) => matches.some((one) => new RegExp(one, 'u').test(String(item))));
        assert.equal(isMet({ matches }, value), expected);
      }),
    );
  });

  test('of several kinds is met when it is by one of them, in whatever order they stand', () => {
    holds(
      fc.property(comparisons, values, ({ accepted_values, matches, globs: under }, value) => {
        const isMetByAny = [
          ...accepted_values.map((one) => isMet({ accepted_values: [one] }, value)),
          ...matches.map((one) => isMet({ matches: [one] }, value)),
          ...under.map((one) => isMet({ globs: [one] }, value)),
        ].some(Boolean);
        assert.equal(isMet({ accepted_values, matches, globs: under }, value), isMetByAny);
        const turned = {
          globs: under.toReversed(),
          matches: matches.toReversed(),
          accepted_values: accepted_values.toReversed(),
        };
        assert.equal(isMet(turned, value), isMetByAny);
      }),
    );
  });

  test('with `not` is met exactly when it is not without', () => {
    const exists = fc.constantFrom<boolean | undefined>(true, false, undefined);
    const same = fc.constantFrom<string | undefined>('at.value', 'at.other', '$headers.x-value', undefined);
    holds(
      fc.property(comparisons, exists, same, values, (compared, there, same_as, value) => {
        const condition = {
          ...compared,
          ...(there === undefined ? {} : { exists: there }),
          ...(same_as === undefined ? {} : { same_as }),
        };
        assert.equal(isMet({ ...condition, not: true }, value), !isMet(condition, value));
        assert.equal(isMet({ ...condition, not: false }, value), isMet(condition, value));
      }),
    );
  });

  test('of existence is met by anything but null, and the other way by nothing alone', () => {
    holds(
      fc.property(values, (value) => {
        const isThere = value !== undefined && value !== null;
        assert.equal(isMet({ exists: true }, value), isThere);
        assert.equal(isMet({ exists: false }, value), !isThere);
      }),
    );
  });

  test('finds its value in the body, a header, the address or a variable alike', () => {
    holds(
      fc.property(comparisons, fc.string(), (compared, text) => {
        const source = sourceOf(text);
        const results = (
          [
            { type: 'request_body', path: 'at.value' },
            { type: 'request_body', path: '$headers.X-Value' },
            { type: 'request_body', path: '$query.value' },
            { type: 'request_body', path: 'nowhere', fallback_paths: ['at.nothing', 'at.value'] },
            { type: 'request_header', path: 'X-Value' },
            { type: 'request_query', path: 'value' },
            { type: 'variable', path: 'v' },
          ] as const
        ).map((place) => {
          const condition = {
            ...compared,
            ...place,
            fallback_paths: [...('fallback_paths' in place ? place.fallback_paths : [])],
          };
          return evaluate(condition, { variables: [] }, source, { v: text });
        });
        for (const result of results) assert.deepEqual(result, results[0]);
      }),
    );
  });
});

describe('several conditions', () => {
  const conditions = fc.array(
    fc.record({
      path: fc.constantFrom('a', 'b', 'c.d', 'e'),
      accepted_values: fc.array(accepted, { minLength: 1, maxLength: 3 }),
      not: fc.boolean(),
      name: fc.option(fc.stringMatching(/^[a-z ]{1,10}$/)),
    }),
    { minLength: 1, maxLength: 4 },
  );
  const payloads = fc.record({ a: values, b: values, c: fc.record({ d: values }) });
  const unmet = (all: IncomingCondition[], payload: unknown) =>
    unmetCondition(
      { conditions: all, variables: [] },
      { payload, headers: {}, query: {}, isForm: false },
      {},
    );

  test('are met when each is, in whatever order, and else the first that is not is told with what was found', () => {
    holds(
      fc.property(conditions, payloads, (all, payload) => {
        const alone = all.map((one) => unmet([one], payload) === null);
        const sentence = unmet(all, payload);
        assert.equal(sentence === null, alone.every(Boolean));
        assert.equal(unmet(all.toReversed(), payload) === null, sentence === null);
        if (sentence === null) return;
        const index = alone.indexOf(false);
        const { path, accepted_values, not, name } = all[index]!;
        assert.ok(sentence.startsWith(`Condition ${index + 1} of ${all.length}`), sentence);
        if (name !== null) assert.ok(sentence.includes(`(${name}) is not met`), sentence);
        assert.ok(sentence.includes(`${path} must ${not ? 'not ' : ''}be `), sentence);
        for (const one of accepted_values) assert.ok(sentence.includes(JSON.stringify(one)), sentence);
        const places: Record<string, unknown> = { a: payload.a, b: payload.b, 'c.d': payload.c.d };
        const found = places[path];
        const shown = found === undefined || found === null ? 'nothing' : JSON.stringify(found);
        assert.ok(
          sentence.endsWith(`found was ${shown.slice(0, 200)}${shown.length > 200 ? ' …' : ''}.`),
          sentence,
        );
      }),
    );
  });
});

describe('a token', () => {
  const tokens = fc.stringMatching(/^[A-Z][a-zA-Z0-9]{10,30}$/);
  const ways: fc.Arbitrary<Partial<IncomingCondition>> = fc.constantFrom(
    { type: 'request_header', path: 'X-Api-Token' },
    { type: 'request_query', path: 'token' },
    { type: 'request_body', path: '$headers.X-Api-Token' },
    { type: 'request_body', path: '$query.token' },
    { type: 'request_body', path: 'nowhere', fallback_paths: ['$headers.authorization'] },
    { type: 'request_body', path: 'own', same_as: '$headers.x-api-token' },
    { type: 'variable', path: 'v' },
    { type: 'variable', path: 'fallen' },
    { type: 'variable', path: 'list.0' },
  );
  const variables = [
    { name: 'v', path: '$headers.x-api-token' },
    { name: 'fallen', path: 'nowhere', fallback_paths: ['$query.token'] },
    { name: 'list', path: '$headers.x-api-token', type: 'array' as const },
  ];

  test('of a header or the address is told by no condition, neither the one that came nor the one that is right', () => {
    holds(
      fc.property(tokens, tokens, ways, fc.boolean(), fc.nat(2), (given, right, way, not, kind) => {
        fc.pre(!given.includes(right) && !right.includes(given));
        const condition: IncomingCondition = {
          path: '',
          ...way,
          ...[
            { accepted_values: [right, `${right}2`] },
            { accepted_values: [right] },
            { matches: [`^${right}$`], globs: [right] },
          ][kind],
          not,
        };
        for (const token of [given, right]) {
          const source = {
            payload: { own: token },
            headers: { 'x-api-token': token, authorization: token },
            query: { token },
            isForm: false,
          };
          const taken = { v: token, fallen: token, list: [token] };
          const { met, value } = evaluate(condition, { variables }, source, taken);
          assert.equal(value, '********');
          const sentence = unmetCondition({ conditions: [condition], variables }, source, taken);
          assert.equal(sentence === null, met);
          for (const secret of [given, right]) assert.ok(!(sentence ?? '').includes(secret), sentence ?? '');
        }
      }),
    );
  });
});
