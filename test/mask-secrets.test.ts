import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
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

/** What programs make of a secret, by encoders other than those of the masker where there are any. */
const encoders: Record<string, (secret: string) => string> = {
  'as it is': (secret) => secret,
  'in a URL': encodeURIComponent,
  'in a URL, in lower case': (secret) => lowerEscapes(encodeURIComponent(secret)),
  'in a URL, what encodeURI leaves': encodeURI,
  'in a URL, in lower case, what encodeURI leaves': (secret) => lowerEscapes(encodeURI(secret)),
  'in a URL, as RFC 3986 wants it': rfc3986,
  'in the query of a URL that was made of it': (secret) =>
    new URL(`http://x.example/?${encodeURIComponent(secret)}`).search.slice(1),
  'in a form': (secret) => new URLSearchParams([['', secret]]).toString().slice(1),
  'in a form, in lower case': (secret) =>
    lowerEscapes(new URLSearchParams([['', secret]]).toString().slice(1)),
  'in a URL twice': (secret) => encodeURIComponent(encodeURIComponent(secret)),
  'in a URL twice, in lower case': (secret) => encodeURIComponent(lowerEscapes(encodeURIComponent(secret))),
  'every byte for a URL': (secret) => bytesOf(secret, '%', (hex) => hex),
  'every byte for a URL, in upper case': (secret) => bytesOf(secret, '%', (hex) => hex.toUpperCase()),
  'every byte for a URL twice': (secret) => bytesOf(secret, '%25', (hex) => hex),
  'in JSON': json,
  'in JSON, as PHP writes it': (secret) => json(secret).replaceAll('/', '\\/'),
  'in JSON, in ASCII alone': (secret) => ascii(json(secret)),
  'in JSON, in ASCII alone, as PHP writes it': (secret) => ascii(json(secret)).replaceAll('/', '\\/'),
  'in JSON, safe for HTML': (secret) =>
    json(secret).replaceAll('<', '\\u003c').replaceAll('>', '\\u003e').replaceAll('&', '\\u0026'),
  'in JSON, every character': (secret) => secret.replaceAll(/[^]/g, unicodeEscape),
  'in JSON in JSON': (secret) => json(json(secret)),
  'in JSON in a form': (secret) => new URLSearchParams([['', json(secret)]]).toString().slice(1),
  'in HTML': (secret) =>
    secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
  'in HTML, with quotes': (secret) => encoders['in HTML']!(secret).replaceAll("'", '&#39;'),
  'in HTML, with quotes in hexadecimal': (secret) => encoders['in HTML']!(secret).replaceAll("'", '&#x27;'),
  'in XML': (secret) => encoders['in HTML']!(secret).replaceAll("'", '&apos;'),
  'in HTML, every character': (secret) =>
    [...secret].map((one) => `&#x${one.codePointAt(0)!.toString(16).padStart(2, '0')};`).join(''),
  'in HTML, every character, decimal': (secret) =>
    [...secret].map((one) => `&#${one.codePointAt(0)};`).join(''),
  'in hexadecimal': (secret) => Buffer.from(secret).toString('hex'),
  'in hexadecimal, in upper case': (secret) => Buffer.from(secret).toString('hex').toUpperCase(),
  'as escaped bytes': (secret) => bytesOf(secret, '\\x', (hex) => hex),
  'in base64': (secret) => Buffer.from(secret).toString('base64'),
  'in base64, for URLs': (secret) => Buffer.from(secret).toString('base64url'),
  'in base64 in a URL': (secret) => encodeURIComponent(Buffer.from(secret).toString('base64')),
};

const formsOf = (secret: string): string[] => Object.values(encoders).map((encode) => encode(secret));

function lowerEscapes(text: string): string {
  return text.replaceAll(/%../g, (found) => found.toLowerCase());
}

function rfc3986(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function bytesOf(text: string, before: string, spell: (hex: string) => string): string {
  return [...Buffer.from(text)].map((byte) => before + spell(byte.toString(16).padStart(2, '0'))).join('');
}

function json(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function ascii(text: string): string {
  return text.replaceAll(/[\u0080-\uffff]/g, unicodeEscape);
}

function unicodeEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** What stands in the base64 of a text whatever surrounds the secret in it: where all that is different goes along. */
function stableBase64(secret: string, before: number, encoding: 'base64' | 'base64url'): string {
  const [one, other] = [0x00, 0xff].map((filler) =>
    Buffer.concat([Buffer.alloc(before, filler), Buffer.from(secret), Buffer.alloc(9, filler)]).toString(
      encoding,
    ),
  );
  const from = Math.ceil((before * 8) / 6);
  const to = Math.floor(((before + Buffer.byteLength(secret)) * 8) / 6);
  assert.equal(one!.slice(from, to), other!.slice(from, to));
  return one!.slice(from, to);
}

const secretTexts = fc.string({
  minLength: 4,
  maxLength: 12,
  unit: fc.constantFrom(...'aB1/"é\n &<%+=\\\'-~!'),
});
const secretLists = fc.array(secretTexts, { minLength: 1, maxLength: 3 });
/** Text in which secrets, their forms and beginnings of them stand close together. */
const texts = (secrets: string[]) =>
  fc
    .array(
      fc.oneof(
        fc.constantFrom(...secrets.flatMap(formsOf)),
        fc.constantFrom(...secrets.flatMap(formsOf).map((form) => form.slice(0, -1))),
        fc.string({ maxLength: 5, unit: fc.constantFrom(...'aB1=\n %\\u&#') }),
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
  for (const [where, encode] of Object.entries(encoders)) {
    test(`a secret is masked ${where}`, () => {
      for (const secret of [
        `p/ss "wörd" it's <b>&`,
        'ghp_0123456789abcdefABCDEF',
        'a+b/c=d~e',
        '😀 and \\u0041',
      ]) {
        assert.equal(createMasker([secret])(`<${encode(secret)}>`), '<********>', encode(secret));
      }
    });
  }

  test('a secret inside a longer text is masked in the base64 of that text, wherever it begins', () => {
    const surroundings = fc.record({
      secret: fc.string({ minLength: 6, maxLength: 40, unit: 'binary' }).filter(isLongEnoughForBase64),
      before: fc.uint8Array({ maxLength: 20 }),
      after: fc.uint8Array({ maxLength: 20 }),
      at: fc.array(fc.nat(200), { maxLength: 6 }),
    });
    fc.assert(
      fc.property(surroundings, ({ secret, before, after, at }) => {
        const bytes = Buffer.concat([before, Buffer.from(secret), after]);
        for (const encoding of ['base64', 'base64url'] as const) {
          const text = bytes.toString(encoding);
          const stable = stableBase64(secret, before.length % 3, encoding);
          assert.ok(text.includes(stable));
          assert.ok(!createMasker([secret])(text).includes(stable), text);
          assert.ok(!streamed([secret], cut(text, at)).includes(stable), text);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('a secret is masked in base64 of JSON', () => {
    for (const secret of [`p/ss "wörd"`, 'one line\nand another line']) {
      const text = Buffer.from(JSON.stringify({ token: secret })).toString('base64');
      const shown = createMasker([secret])(text);
      assert.match(shown, /^[\w+/]{12,20}\*{8}[\w+/=]{2,6}$/, shown);
    }
  });

  test('a password is masked in the Basic authorization that holds it', () => {
    const secret = 'correct-horse';
    for (const user of ['', 'a', 'ab', 'abc', 'octocat']) {
      const header = `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;
      const shown = createMasker([secret])(header);
      assert.match(shown, /^Basic [\w+/]*\*{8}[\w+/=]{0,3}$/);
      assert.ok(!Buffer.from(shown.replaceAll('*', ''), 'base64').toString().includes('horse'));
    }
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

  test('each line of a secret is masked in the forms of a URL and of JSON too', () => {
    const lines = ['-----BEGIN KEY-----', 'first+line/of=it', 'second+line/of=it', '-----END KEY-----'];
    const mask = createMasker([lines.join('\n')]);
    for (const encode of ['in a URL', 'in a form, in lower case', 'in JSON, as PHP writes it']) {
      assert.equal(mask(`| ${encoders[encode]!(lines[1]!)} |`), '| ******** |', encode);
    }
  });

  test('a key is masked as a whole in every form that is made of a file', () => {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 4096,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    const mask = createMasker([privateKey]);
    for (const where of [
      'as it is',
      'in a URL',
      'in a form',
      'in JSON',
      'in JSON, as PHP writes it',
      'in hexadecimal',
    ]) {
      const form = encoders[where]!(privateKey);
      assert.equal(mask(form), '********', where);
      assert.equal(streamed([privateKey], cut(form, [1, 500, 501, 3000, 3200])), '********', where);
    }
    const manifest = Buffer.from(JSON.stringify({ key: privateKey, user: 'me' })).toString('base64');
    const lines = privateKey.split('\n').filter((line) => line.length > 20);
    const left = Buffer.from(mask(manifest).replaceAll('*', ''), 'base64').toString();
    assert.deepEqual(
      lines.filter((line) => left.includes(line)),
      [],
    );
  });

  test('the forms of a list of secrets are made once, however often it is asked for', () => {
    const secrets = Array.from({ length: 20 }, (_, index) => `hunter "${index}" & <co>`);
    const first = timeOf(() => createMasker(secrets));
    const later = Array.from({ length: 50 }, () => timeOf(() => createMasker([...secrets])));
    assert.ok(Math.min(...later) * 5 < first, `${Math.min(...later)} ms after ${first} ms`);
  });

  test('what is no secret stays as it is', () => {
    const mask = createMasker(['hunter22']);
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        fc.pre(!/hunter22/i.test(text));
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

/** Shorter parts of base64 stand in ordinary texts by chance, and are left. */
function isLongEnoughForBase64(secret: string): boolean {
  return Buffer.byteLength(secret) >= 6;
}

function timeOf(work: () => void): number {
  const begunAt = performance.now();
  work();
  return performance.now() - begunAt;
}
