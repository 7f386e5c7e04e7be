import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { signWebhook, verifyWebhook, WebhookVerificationError } from '#sdk';
import type { IncomingDefinition } from '../src/hooks/definition.ts';
import { signatureScheme, signatureSchemeNames } from '../src/hooks/signature-schemes.ts';
import type { SignatureSchemeName } from '../src/hooks/signature-schemes.ts';
import { checkSignature } from '../src/incoming/signature.ts';
import { standardSignature } from '../src/outgoing/sign.ts';
import { signatureVectors } from './support/signature-vectors.ts';

const newSecret = (bytes = 32) => `whsec_${randomBytes(bytes).toString('base64')}`;
const now = new Date('2026-11-02T12:00:00.700Z');
const seconds = Math.floor(now.getTime() / 1000);
const secret = newSecret();
const body = '{"event":"action.completed","name":"Zoë 😀"}';

/** As the server sends it. */
function sent(secrets: string[] = [secret], changed: Record<string, string | undefined> = {}) {
  const id = '0b6cbe4c-5a1f-4f0c-9c4e-1f1d7a3f3c11';
  const signature = standardSignature(secrets, { id, timestamp: seconds, body });
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': signature,
    ...changed,
  };
}

async function faultOf(promise: Promise<unknown>): Promise<WebhookVerificationError> {
  const error: unknown = await promise.then(
    () => assert.fail('it was taken'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof WebhookVerificationError, String(error));
  return error;
}

describe('verifyWebhook', () => {
  test('takes what an outgoing hook sends, in every form in which a framework gives it', async () => {
    const bytes = Buffer.from(body);
    const padded = Buffer.concat([Buffer.from('xx'), bytes]).subarray(2);
    const headers = sent();
    const capitals = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name.replaceAll(/\b\w/g, (c) => c.toUpperCase()),
        value,
      ]),
    );
    const requests = {
      text: { body, headers },
      bytes: { body: bytes, headers },
      'part of a buffer': { body: padded, headers },
      'an ArrayBuffer': { body: new Uint8Array(bytes).buffer, headers },
      'names in capitals': { body, headers: capitals },
      'values in lists': {
        body,
        headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value!]])),
      },
      Headers: { body, headers: new Headers(capitals as Record<string, string>) },
      Request: new Request('http://receiver/', {
        method: 'POST',
        body,
        headers: headers as Record<string, string>,
      }),
    };
    for (const [what, request] of Object.entries(requests)) {
      const webhook = await verifyWebhook(request, secret, { now });
      assert.equal(webhook.id, headers['webhook-id'], what);
      assert.equal(webhook.text, body, what);
      assert.deepEqual(webhook.json(), JSON.parse(body), what);
      assert.equal(webhook.sentAt.getTime(), seconds * 1000, what);
    }
  });

  test('while a secret is replaced, either side may be the first to change', async () => {
    const other = newSecret();
    const both = { body, headers: sent([other, secret]) };
    await verifyWebhook(both, secret, { now });
    await verifyWebhook(both, other, { now });
    await verifyWebhook({ body, headers: sent([other]) }, [secret, other], { now });
    assert.equal((await faultOf(verifyWebhook(both, newSecret(), { now }))).code, 'no_match');
    // Of a version that there is not yet.
    const later = { 'webhook-signature': `v2,abc v1a,${'A'.repeat(43)}= ${sent()['webhook-signature']}` };
    await verifyWebhook({ body, headers: sent([secret], later) }, secret, { now });
  });

  for (const name of ['webhook-id', 'webhook-timestamp', 'webhook-signature']) {
    test(`a request without ${name}, or with it twice, is told from one that was forged`, async () => {
      for (const missing of [undefined, '']) {
        const error = await faultOf(
          verifyWebhook({ body, headers: sent([secret], { [name]: missing }) }, secret),
        );
        assert.deepEqual([error.code, error.header], ['missing_header', name]);
        assert.equal(error.message, `The header ${name} is missing.`);
      }
      const twice = { ...sent(), [name]: ['a', 'b'] };
      const error = await faultOf(verifyWebhook({ body, headers: twice }, secret));
      assert.deepEqual([error.code, error.header], ['malformed_header', name]);
    });
  }

  const malformed = {
    'no signature of version 1': { 'webhook-signature': 'v2,abc' },
    'a signature that is no base64': { 'webhook-signature': `v1,${'*'.repeat(44)}` },
    'a signature that is too short': { 'webhook-signature': 'v1,AAAA' },
    'eleven signatures': { 'webhook-signature': Array(11).fill(sent()['webhook-signature']).join(' ') },
    'a time that is no number': { 'webhook-timestamp': '2026-11-02' },
    'a time below nothing': { 'webhook-timestamp': '-1' },
    'an id that could take in more': { 'webhook-id': 'a.1' },
    'a time in parts': { 'webhook-timestamp': `${seconds}.5` },
  };
  for (const [what, changed] of Object.entries(malformed)) {
    test(`${what} is malformed`, async () => {
      const request = { body, headers: sent([secret], changed) };
      const error = await faultOf(verifyWebhook(request, secret, { now }));
      assert.deepEqual([error.code, error.header], ['malformed_header', Object.keys(changed)[0]]);
    });
  }

  test('what was changed on the way does not match, however old it is', async () => {
    const changed = [
      { body: `${body} `, headers: sent() },
      { body, headers: sent([secret], { 'webhook-id': 'another' }) },
      { body, headers: sent([secret], { 'webhook-timestamp': String(seconds + 1) }) },
      { body, headers: sent([secret], { 'webhook-timestamp': '1' }) },
      { body, headers: sent([newSecret()]) },
    ];
    for (const request of changed) {
      const error = await faultOf(verifyWebhook(request, secret, { now }));
      assert.deepEqual([error.code, error.header], ['no_match', null]);
      assert.ok(!error.message.includes(secret));
    }
  });

  test('is taken for 300 s either way, or as long as the receiver says', async () => {
    const request = { body, headers: sent() };
    const at = (ms: number, toleranceSeconds?: number) =>
      verifyWebhook(request, secret, { now: new Date(seconds * 1000 + ms), toleranceSeconds });
    for (const ms of [300_000, -300_000]) await at(ms);
    const old = await faultOf(at(300_001));
    assert.deepEqual([old.code, old.header], ['too_old', 'webhook-timestamp']);
    assert.match(old.message, /301 s old, and only 300 s/);
    assert.equal((await faultOf(at(-300_001))).code, 'too_new');
    assert.equal((await faultOf(at(11_000, 10))).code, 'too_old');
    await at(10_000, 10);
    await at(10 ** 10, Infinity);
    assert.equal(
      (await faultOf(verifyWebhook({ body, headers: { ...sent([secret]) } }, secret))).code,
      'too_old',
    );
  });

  test("a receiver's own mistake is a TypeError that says what it is, and never the secret", async () => {
    const request = { body, headers: sent() };
    for (const bad of [
      '',
      [],
      ['', secret],
      '********',
      'whsec_',
      'whsec_c2hvcnQ=',
      `${secret}!`,
      newSecret(65),
    ]) {
      const rejection = await verifyWebhook(request, bad, { now }).catch((thrown: unknown) => thrown);
      assert.ok(rejection instanceof TypeError);
      assert.match(rejection.message, /^The secret of the webhook is/);
      assert.ok(!rejection.message.includes(secret));
    }
    // Safe to claim: somebody without types does so.
    const parsed = { body: JSON.parse(body) as string, headers: sent() };
    await assert.rejects(verifyWebhook(parsed, secret, { now }), {
      name: 'TypeError',
      message: /must be raw/,
    });
    const read = new Request('http://receiver/', {
      method: 'POST',
      body,
      headers: sent() as Record<string, string>,
    });
    await read.text();
    await assert.rejects(verifyWebhook(read, secret, { now }), {
      name: 'TypeError',
      message: /read already/,
    });
    await verifyWebhook(request, `${secret}\n`, { now });
    await verifyWebhook(request, secret.slice('whsec_'.length), { now });
  });

  test('says the same as the library of Standard Webhooks, of whatever is signed and changed', async () => {
    const change = fc.constantFrom('nothing', 'body', 'id', 'time', 'signature', 'secret');
    const property = fc.asyncProperty(
      fc.uint8Array({ minLength: 24, maxLength: 64 }),
      fc.string({ unit: 'grapheme', maxLength: 200 }),
      fc.stringMatching(/^[\w-]{1,40}$/),
      change,
      async (key, text, id, changed) => {
        const own = `whsec_${Buffer.from(key).toString('base64')}`;
        const time = Math.floor(Date.now() / 1000);
        const headers = {
          'webhook-id': changed === 'id' ? `${id}0` : id,
          'webhook-timestamp': String(changed === 'time' ? time - 1 : time),
          'webhook-signature': new Webhook(own).sign(id, new Date(time * 1000), text),
        };
        if (changed === 'signature')
          headers['webhook-signature'] = `v1,${Buffer.alloc(32).toString('base64')}`;
        const used = changed === 'secret' ? newSecret() : own;
        const request = { body: changed === 'body' ? `${text}.` : text, headers };
        const ours = await verifyWebhook(request, used).then(
          () => true,
          () => false,
        );
        assert.equal(ours, changed === 'nothing');
        assert.equal(theirs(used, request), ours);
      },
    );
    await fc.assert(property, { numRuns: 300 });
  });

  test('takes what every vector of its scheme says', async () => {
    const vectors = signatureVectors.filter(({ scheme }) => /^standard-webhooks|^gitlab-signed/.test(scheme));
    assert.ok(vectors.length > 3);
    for (const { title, secret: key, headers, body: text, at } of vectors) {
      const request = { body: text, headers: headers as Record<string, string> };
      assert.equal((await verifyWebhook(request, key, { now: new Date(at ?? 0) })).text, text, title);
    }
  });
});

function theirs(key: string, request: { body: string; headers: Record<string, string> }): boolean {
  try {
    // What is signed need not be JSON, which the library wants.
    new Webhook(key, { format: undefined }).verify(request.body, request.headers);
    return true;
  } catch (error) {
    return error instanceof SyntaxError;
  }
}

describe('signWebhook', () => {
  const sentAt = now;
  const secretOf = (scheme: SignatureSchemeName) =>
    signatureScheme(scheme).key === 'base64' ? secret : "It's a Secret to Everybody";
  const definitionOf = (fields: Partial<IncomingDefinition>): IncomingDefinition => ({
    requires_secret: true,
    secret_algorithm: null,
    secret_header_name: null,
    variables: [],
    conditions: [],
    ...fields,
  });
  const check = (fields: Partial<IncomingDefinition>, key: string, headers: Record<string, string>) =>
    checkSignature(
      { definition: definitionOf(fields), secret: key },
      headers,
      Buffer.from(body),
      sentAt.getTime(),
    );

  for (const scheme of signatureSchemeNames) {
    test(`an incoming hook takes what is signed for ${scheme}, and not with another secret`, async () => {
      const key = secretOf(scheme);
      const headers = await signWebhook(body, key, { scheme, sentAt });
      assert.equal(Object.keys(headers).at(-1), signatureScheme(scheme).header);
      assert.deepEqual(check({ signature_scheme: scheme }, key, headers), { ok: true });
      const other = await signWebhook(body, newSecret(), { scheme, sentAt });
      assert.equal(check({ signature_scheme: scheme }, key, other).ok, false);
    });
  }

  test('a token beyond Latin-1 can be sent as a header, whose bytes are those of the secret', async () => {
    const headers = new Headers(await signWebhook(body, 'S€cret', { scheme: 'gitlab-token' }));
    const read = Object.fromEntries(headers);
    assert.deepEqual(check({ signature_scheme: 'gitlab-token' }, 'S€cret', read), { ok: true });
  });

  test('a hook with a header, algorithm, encoding and prefix of its own gets them, by any scheme', async () => {
    for (const scheme of signatureSchemeNames)
      for (const secret_algorithm of ['sha1', 'sha256', 'sha512', null] as const)
        for (const signature_encoding of ['hex', 'base64', null] as const)
          for (const signature_prefix of ['', 'v9=', null]) {
            const key = secretOf(scheme);
            const headers = await signWebhook(body, key, {
              scheme,
              header: 'X-Mine',
              algorithm: secret_algorithm,
              encoding: signature_encoding,
              prefix: signature_prefix,
              sentAt,
            });
            const own = { secret_algorithm, signature_encoding, signature_prefix };
            const hook = { signature_scheme: scheme, secret_header_name: 'x-mine', ...own };
            assert.ok('x-mine' in headers);
            assert.deepEqual(check(hook, key, headers), { ok: true }, JSON.stringify(hook));
          }
  });

  test('makes what every vector of the senders says', async () => {
    let tried = 0;
    for (const { scheme, title, secret: key, headers: all, body: text, at } of signatureVectors) {
      const headers = all as Record<string, string>;
      const isForm = headers['content-type']?.includes('form');
      const payload = isForm ? new URLSearchParams(text).get('payload') : null;
      const { header, proof } = signatureScheme(scheme);
      const name = scheme === 'hmac' ? 'x-signature' : header;
      const given = headers[name]!;
      const made = await signWebhook(scheme === 'gitea' && payload !== null ? payload : text, key, {
        scheme,
        header: name,
        algorithm:
          proof === 'hmac'
            ? `sha${/SHA-(1|512)\b/.exec(scheme === 'hmac' ? title : '')?.[1] ?? '256'}`
            : null,
        encoding:
          scheme === 'hmac' ? (/[G-Zg-z+/]/.test(given.replace(/^sha\d+=/, '')) ? 'base64' : 'hex') : null,
        prefix: scheme === 'hmac' ? (/^sha\d+=/.exec(given)?.[0] ?? '') : null,
        ...(headers['webhook-id'] ? { id: headers['webhook-id'] } : {}),
        sentAt: new Date(at ?? 0),
      });
      // Beside others of older keys and versions, in any order.
      const parts = (value: string) => value.split(/[ ,](?=[a-z]\w*[=,])/);
      const found = parts(made[name]!).every((part) => parts(given).some((one) => same(one, part)));
      assert.ok(found, `${scheme}: ${title}: ${made[name]}`);
      tried++;
    }
    assert.equal(tried, signatureVectors.length);
  });

  const same = (one: string, other: string) => one === other || one.toLowerCase() === other;

  test('the library of Standard Webhooks takes what is signed with one secret or several', async () => {
    const other = newSecret(24);
    const headers = await signWebhook(Buffer.from(body), [secret, other]);
    for (const key of [secret, other])
      assert.deepEqual(new Webhook(key).verify(body, headers), JSON.parse(body));
    assert.throws(() => new Webhook(newSecret()).verify(body, headers));
    assert.equal((await verifyWebhook({ body, headers }, other)).id, headers['webhook-id']);
    const [first, second] = await Promise.all([signWebhook(body, secret), signWebhook(body, secret)]);
    assert.notEqual(first['webhook-id'], second['webhook-id']);
    const named = await signWebhook(body, secret, { id: 'mine', sentAt });
    assert.deepEqual([named['webhook-id'], named['webhook-timestamp']], ['mine', String(seconds)]);
  });

  test('a scheme, an algorithm or a secret that there is not is a TypeError', async () => {
    await assert.rejects(
      signWebhook(body, 'k', { scheme: 'toString' }),
      /no signature scheme toString; there are hmac, /,
    );
    await assert.rejects(signWebhook(body, 'k', { scheme: 'github', algorithm: 'md5' }), /no algorithm md5/);
    await assert.rejects(signWebhook(body, ['a', 'b'], { scheme: 'github' }), /one secret/);
    for (const key of ['', 'k', []]) await assert.rejects(signWebhook(body, key), TypeError);
    await assert.rejects(signWebhook(body, '', { scheme: 'gitlab-token' }), TypeError);
  });
});
