import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { IncomingDefinition } from '../../src/hooks/definition.ts';
import { signatureScheme, signatureSchemeNames } from '../../src/hooks/signature-schemes.ts';
import type { SignatureSchemeName } from '../../src/hooks/signature-schemes.ts';
import { verify } from '../../src/incoming/decide.ts';
import { checkSignature } from '../../src/incoming/signature.ts';
import { holds } from '../support/fuzz.ts';
import { signers } from '../support/independent-signer.ts';

const formType = 'application/x-www-form-urlencoded';

const definitionOf = (scheme: SignatureSchemeName): IncomingDefinition => ({
  requires_secret: true,
  signature_scheme: scheme,
  secret_algorithm: null,
  secret_header_name: null,
  variables: [],
  conditions: [],
});

type Request = { scheme: SignatureSchemeName; headers: Record<string, string>; body: Buffer };
const check = ({ scheme, headers, body }: Request, secret: string | null, now: number) =>
  checkSignature({ definition: definitionOf(scheme), secret }, headers, body, now);

const schemes = fc.constantFrom(...signatureSchemeNames);
const textSecrets = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }),
  fc.string({ minLength: 8, maxLength: 40 }),
);
const keySecrets = fc
  .tuple(fc.constantFrom('whsec_', ''), fc.uint8Array({ minLength: 24, maxLength: 64 }))
  .map(([prefix, bytes]) => prefix + Buffer.from(bytes).toString('base64'));
const secretOf = (scheme: SignatureSchemeName) =>
  signatureScheme(scheme).key === 'base64' ? keySecrets : textSecrets;
const times = fc.integer({ min: 1, max: 99_999_999_999 }).map((seconds) => seconds * 1000);
const ids = fc.stringMatching(/^[a-zA-Z0-9_-]{1,40}$/);
const anyBytes = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));

/** A request as its sender makes it; a third of them are forms, which hold their JSON in a field. */
const requests = schemes.chain((scheme) =>
  fc
    .record({
      secret: secretOf(scheme),
      at: times,
      id: ids,
      bytes: anyBytes,
      form: fc.option(fc.string({ unit: 'grapheme', maxLength: 60 }), { freq: 2 }),
    })
    .map(({ secret, at, id, bytes, form }) => {
      const fields = new URLSearchParams(form === null ? '' : { before: '1', payload: form, after: '2' });
      const body = form === null ? bytes : Buffer.from(fields.toString());
      const type: Record<string, string> = form === null ? {} : { 'content-type': formType };
      const payload = fields.get('payload');
      const headers = {
        ...type,
        ...signers[scheme]({ secret, body, at, id, ...(payload === null ? {} : { payload }) }),
      };
      return { scheme, secret, at, id, body, headers, form };
    }),
);

const flip = (bytes: Buffer, at: number): Buffer => {
  const flipped = Buffer.from(bytes);
  const bit = at % (bytes.length * 8);
  flipped[bit >> 3]! ^= 1 << (bit & 7);
  return flipped;
};

/** What the scheme signs of a body. */
const signedPart = ({ scheme, form }: { scheme: SignatureSchemeName; form: string | null }, body: Buffer) =>
  scheme === 'gitea' && form !== null
    ? (new URLSearchParams(body.toString()).get('payload') ?? body.toString('latin1'))
    : body.toString('latin1');

describe('a signature of any scheme', () => {
  test('made by the sender over any bytes, under any secret, at any time, is accepted', () => {
    holds(
      fc.property(requests, fc.integer({ min: -300, max: 300 }), (request, late) => {
        assert.deepEqual(check(request, request.secret, request.at + late * 1000), { ok: true });
      }),
    );
  });

  test('is refused when any one bit of the body was changed, by the reason that it does not match', () => {
    holds(
      fc.property(requests, fc.nat(), (request, bit) => {
        fc.pre(request.scheme !== 'gitlab-token' && request.body.length > 0);
        const body = flip(request.body, bit);
        fc.pre(signedPart(request, body) !== signedPart(request, request.body));
        const result = check({ ...request, body }, request.secret, request.at);
        assert.ok(!result.ok);
        assert.match(result.reason, /does not match/);
      }),
    );
  });

  test('is refused when any one sign of its headers was changed', () => {
    const signs = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 });
    holds(
      fc.property(requests, fc.nat(), fc.nat(), signs, (request, which, at, sign) => {
        const proving = Object.keys(request.headers).filter((name) => name !== 'content-type');
        const name = proving[which % proving.length]!;
        const given = request.headers[name]!;
        const index = at % given.length;
        // Hex may be in capitals.
        fc.pre(given[index]!.toLowerCase() !== sign.toLowerCase());
        const changed = given.slice(0, index) + sign + given.slice(index + 1);
        // A token is compared by its bytes: halves of a surrogate pair have the same.
        fc.pre(!Buffer.from(changed).equals(Buffer.from(given)));
        const result = check(
          { ...request, headers: { ...request.headers, [name]: changed } },
          request.secret,
          request.at,
        );
        assert.ok(!result.ok, `${name}: ${changed}`);
      }),
    );
  });

  test('is refused under any other secret', () => {
    const pairs = requests.chain((request) => fc.tuple(fc.constant(request), secretOf(request.scheme)));
    holds(
      fc.property(pairs, ([request, other]) => {
        const bare = (secret: string) =>
          signatureScheme(request.scheme).key === 'base64' ? secret.replace('whsec_', '') : secret;
        // To an HMAC a key is the same with NULs behind it.
        const key = (secret: string) => bare(secret).replace(/\0+$/, '');
        fc.pre(key(other) !== key(request.secret));
        const result = check(request, other, request.at);
        assert.ok(!result.ok);
        assert.match(result.reason, /does not match|is not the hook's secret/);
      }),
    );
  });

  test('is refused when its time is more than 300 s away, and its age is told', () => {
    const distances = fc.tuple(fc.integer({ min: 300_001, max: 1e11 }), fc.constantFrom(-1, 1));
    holds(
      fc.property(requests, distances, (request, [ms, sign]) => {
        const result = check(request, request.secret, request.at + ms * sign);
        if (signatureScheme(request.scheme).timestamp === null) return assert.deepEqual(result, { ok: true });
        assert.ok(!result.ok);
        const told = `is ${Math.ceil(ms / 1000)} s ${sign > 0 ? 'old' : 'in the future'}`;
        assert.ok(result.reason.includes(told), result.reason);
      }),
    );
  });

  test('is not found in headers that anyone makes up: they are refused in a sentence, and nothing throws', () => {
    const pieces = fc.constantFrom(
      't=1',
      'v1=',
      'v1,',
      'v0=',
      'sha256=',
      ',',
      ' ',
      '=',
      'ab'.repeat(32),
      'A'.repeat(43) + '=',
    );
    const values = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 120 }),
      fc.array(pieces, { maxLength: 14 }).map((parts) => parts.join('')),
      fc.array(fc.string({ maxLength: 20 }), { maxLength: 3 }),
    );
    const names = [
      'x-hub-signature-256',
      'x-hub-signature',
      'x-gitlab-token',
      'webhook-signature',
      'webhook-timestamp',
      'webhook-id',
      'x-gitea-signature',
      'stripe-signature',
      'x-slack-signature',
      'x-slack-request-timestamp',
      'x-shopify-hmac-sha256',
      'content-type',
      't',
    ];
    const made = fc
      .dictionary(fc.constantFrom(...names), values, { maxKeys: names.length, noNullPrototype: true })
      // Node keeps one content type, whatever is sent.
      .map((headers) => ({ ...headers, 'content-type': String(headers['content-type'] ?? formType) }));
    holds(
      fc.property(schemes, made, anyBytes, fc.integer(), (scheme, headers, body, now) => {
        const secret = 'a secret that nobody knows';
        for (const own of [secret, null]) {
          const result = checkSignature(
            { definition: definitionOf(scheme), secret: own },
            headers as never,
            body,
            now,
          );
          assert.ok(!result.ok);
          assert.match(result.reason, /^[A-Z].*\.$/);
          assert.ok(!result.reason.includes(secret));
        }
      }),
    );
  });

  test('counts under two secrets after a rotation, under the old one only for its time', () => {
    const pairs = requests.chain((request) => fc.tuple(fc.constant(request), secretOf(request.scheme)));
    holds(
      fc.property(pairs, fc.integer({ min: -10, max: 10 }), fc.boolean(), ([request, other], left, isOld) => {
        fc.pre(other.replace('whsec_', '') !== request.secret.replace('whsec_', ''));
        fc.pre(other.replace(/\0+$/, '') !== request.secret.replace(/\0+$/, ''));
        const now = request.at;
        const hook = {
          definition: definitionOf(request.scheme),
          secret: isOld ? other : request.secret,
          previous: { secret: isOld ? request.secret : other, expiresAt: now + left },
        };
        // Safe: no more of a hook is looked at.
        const result = verify(hook as never, { ...request, query: '' }, now);
        assert.equal(result.ok, !isOld || left > 0);
      }),
    );
  });
});
