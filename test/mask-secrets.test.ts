import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createMasker, createStreamMasker } from '../src/platform/mask-secrets.ts';

function streamed(secrets: string[], pieces: string[]): string {
  const masker = createStreamMasker(secrets);
  return pieces.map((piece) => masker.push(piece)).join('') + masker.end();
}

function cut(text: string, at: number[]): string[] {
  const places = [...new Set(at.map((place) => place % (text.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((place, index) => text.slice(place, places[index] ?? text.length));
}

/** Every form in which the masker promises to find a secret. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('base64'),
    bytes.toString('base64url'),
  ];
}

const secretTexts = fc.string({ minLength: 4, maxLength: 12, unit: fc.constantFrom(...'ab/"é\n') });
const secretLists = fc.array(secretTexts, { minLength: 1, maxLength: 3 });
/** Text in which secrets, their forms and beginnings of them stand close together. */
const texts = (secrets: string[]) =>
  fc
    .array(
      fc.oneof(
        fc.constantFrom(...secrets.flatMap(formsOf)),
        fc.constantFrom(...secrets.flatMap(formsOf).map((form) => form.slice(0, -1))),
        fc.string({ maxLength: 5, unit: fc.constantFrom(...'ab=\n ') }),
      ),
      { maxLength: 6 },
    )
    .map((parts) => parts.join(''));
const cases = secretLists.chain((secrets) =>
  fc.record({
    secrets: fc.constant(secrets),
    text: texts(secrets),
    at: fc.array(fc.nat(200), { maxLength: 8 }),
  }),
);

describe('masking secrets', () => {
  test('every form of a secret is masked: plain, percent-encoded, in JSON, in base64', () => {
    const secret = 'p/ss "wörd"';
    const mask = createMasker([secret]);
    for (const form of formsOf(secret)) assert.equal(mask(`<${form}>`), '<********>', form);
  });

  test('a secret of several lines is masked line by line, and as base64 breaks its lines', () => {
    const lines = ['-----BEGIN KEY-----', 'first+line/of=it', 'second+line/of=it', '{', '-----END KEY-----'];
    const mask = createMasker([lines.join('\n')]);
    assert.equal(mask(`  ${lines[2]}\n> ${lines[1]}\n{ok}`), '  ********\n> ********\n{ok}');
    for (const width of [64, 76]) {
      const wrapped = Buffer.from(lines.join('\n'))
        .toString('base64')
        .replaceAll(new RegExp(`.{${width}}`, 'g'), '$&\n');
      assert.match(mask(wrapped), /^(\*{8}\n)+\*{8}$/);
    }
  });

  test('what is no secret stays as it is', () => {
    const mask = createMasker(['hunter22']);
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        fc.pre(!formsOf('hunter22').some((form) => text.includes(form)));
        assert.equal(mask(text), text);
        assert.equal(streamed(['hunter22'], cut(text, [1, 5, 9])), text);
      }),
      { numRuns: 300 },
    );
  });

  test('an empty or very short secret does not mask half of every text', () => {
    for (const secrets of [[], [''], ['a'], ['abc']]) {
      assert.equal(createMasker(secrets)('abcabc'), 'abcabc');
      assert.equal(streamed(secrets, ['ab', 'cabc']), 'abcabc');
    }
  });

  test('no form of a secret is left in a masked text', () => {
    fc.assert(
      fc.property(cases, ({ secrets, text }) => {
        const masked = createMasker(secrets)(text);
        for (const form of secrets.flatMap(formsOf))
          assert.ok(!masked.includes(form), `${form} is in ${masked}`);
      }),
      { numRuns: 500 },
    );
  });

  test('no form of a secret is left in a text that came in pieces, however it was cut', () => {
    fc.assert(
      fc.property(cases, ({ secrets, text, at }) => {
        const masked = streamed(secrets, cut(text, at));
        for (const form of secrets.flatMap(formsOf))
          assert.ok(!masked.includes(form), `${form} is in ${masked}`);
      }),
      { numRuns: 500 },
    );
  });

  test('a text that came in pieces is masked as the whole is, however it was cut', () => {
    fc.assert(
      fc.property(cases, ({ secrets, text, at }) => {
        assert.equal(streamed(secrets, cut(text, at)), createMasker(secrets)(text));
      }),
      { numRuns: 500 },
    );
  });

  test('a secret that begins with another secret does not show its rest when a piece ends between them', () => {
    assert.equal(streamed(['hunter', 'hunter-of-lions'], ['the hunter', '-of-lions']), 'the ********');
  });

  test('a secret in base64 with padding is masked whole when a piece ends before the padding', () => {
    const secret = 'hunter2';
    const form = Buffer.from(secret).toString('base64');
    assert.ok(form.endsWith('='));
    assert.equal(streamed([secret], [form.slice(0, -2), form.slice(-2)]), '********');
  });

  test('of two secrets that overlap nothing is left to read', () => {
    const mask = createMasker(['abcdef', 'defghi']);
    assert.doesNotMatch(mask('>abcdefghi<'), /[a-i]/);
  });

  test('every character comes out at last, also one that could have begun a secret', () => {
    const masker = createStreamMasker(['hunter22']);
    assert.equal(masker.push('go hunter'), 'go ');
    assert.equal(masker.push(' home'), 'hunter home');
    assert.equal(masker.push(' hun') + masker.end(), ' hun');
  });
});
