import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { secretAlgorithms } from '../src/hooks/definition.ts';
import type { SecretAlgorithm } from '../src/hooks/definition.ts';
import { checkSignature } from '../src/incoming/signature.ts';

const HEADER = 'x-hub-signature-256';

function check(
  given: string | undefined,
  body: string | Buffer,
  options: { secret?: string | null; algorithm?: SecretAlgorithm; requires?: boolean } = {},
) {
  const { secret = 'It is secret', algorithm = 'sha256', requires = true } = options;
  const definition = {
    requires_secret: requires,
    secret_algorithm: algorithm,
    secret_header_name: HEADER,
    variables: [],
    conditions: [],
  };
  return checkSignature(
    { definition, secret },
    given === undefined ? {} : { [HEADER]: given },
    Buffer.from(body),
    Date.now(),
  );
}

const digest = (secret: string, body: string | Buffer, algorithm: string, encoding: 'hex' | 'base64') =>
  createHmac(algorithm, secret).update(body).digest(encoding);

const algorithms = fc.constantFrom(...secretAlgorithms);
const bodies = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
const secrets = fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' });

describe('the signature of an incoming request', () => {
  test("GitHub's published vector is right", () => {
    const secret = "It's a Secret to Everybody";
    const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
    assert.deepEqual(check(signature, 'Hello, World!', { secret }), { ok: true });
    assert.equal(check(signature, 'Hello, World', { secret }).ok, false);
  });

  test('the HMAC of any bytes under any secret is right, as hex or base64, with or without its algorithm', () => {
    fc.assert(
      fc.property(secrets, bodies, algorithms, (secret, body, algorithm) => {
        const hex = digest(secret, body, algorithm, 'hex');
        const base64 = digest(secret, body, algorithm, 'base64');
        for (const given of [
          hex,
          hex.toUpperCase(),
          `${algorithm}=${hex}`,
          base64,
          `${algorithm}=${base64}`,
        ]) {
          assert.deepEqual(check(given, body, { secret, algorithm }), { ok: true }, given);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('the HMAC under another secret, of another body or by another algorithm is wrong', () => {
    fc.assert(
      fc.property(secrets, secrets, bodies, bodies, algorithms, (secret, other, body, changed, algorithm) => {
        if (other !== secret) {
          assert.equal(check(digest(other, body, algorithm, 'hex'), body, { secret, algorithm }).ok, false);
        }
        if (!changed.equals(body)) {
          assert.equal(
            check(digest(secret, changed, algorithm, 'hex'), body, { secret, algorithm }).ok,
            false,
          );
        }
        for (const name of secretAlgorithms.filter((one) => one !== algorithm)) {
          assert.equal(
            check(`${name}=${digest(secret, body, name, 'hex')}`, body, { secret, algorithm }).ok,
            false,
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  test('any change of one character of a signature makes it wrong', () => {
    const body = '{"ref":"main"}';
    const right = digest('It is secret', body, 'sha256', 'hex');
    fc.assert(
      fc.property(fc.nat(right.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
        fc.pre(character.toLowerCase() !== right[at]);
        const forged = right.slice(0, at) + character + right.slice(at + 1);
        assert.equal(check(forged, body).ok, false);
      }),
      { numRuns: 500 },
    );
  });

  test('no text of a stranger is taken for a signature, and none makes it throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), bodies, (given, body) => {
        const result = check(given, body);
        assert.equal(result.ok, false);
        assert.ok(!result.ok && result.reason.includes(HEADER));
      }),
      { numRuns: 500 },
    );
  });

  test('a signature that is cut, padded or repeated is wrong', () => {
    const right = digest('It is secret', 'x', 'sha256', 'hex');
    const wrong = ['', ' ', right.slice(1), right.slice(0, -1), `${right}0`, `${right}${right}`, ` ${right}`];
    for (const given of [
      ...wrong,
      `${right}, ${right}`,
      `sha256=sha256=${right}`,
      `sha1=${right}`,
      `0x${right}`,
    ]) {
      assert.equal(check(given, 'x').ok, false, JSON.stringify(given));
    }
  });

  test('the reason tells a missing signature from one that does not match', () => {
    const missing = check(undefined, 'x');
    const other = check(digest('another', 'x', 'sha256', 'hex'), 'x');
    const malformed = check('abc', 'x');
    assert.match(missing.ok ? '' : missing.reason, /missing/);
    assert.match(other.ok ? '' : other.reason, /does not match/);
    assert.match(malformed.ok ? '' : malformed.reason, /does not hold a sha256 signature/);
  });

  test('a hook that wants a secret and has none lets nobody in', () => {
    for (const given of [undefined, '', digest('', 'x', 'sha256', 'hex')]) {
      assert.equal(check(given, 'x', { secret: null }).ok, false);
    }
  });

  test('a hook that wants no secret takes every request', () => {
    assert.deepEqual(check(undefined, 'x', { requires: false, secret: null }), { ok: true });
    assert.deepEqual(check('nonsense', 'x', { requires: false, secret: null }), { ok: true });
  });
});
