import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { IncomingDefinition } from '../src/hooks/definition.ts';
import { signatureScheme, signatureSchemeNames } from '../src/hooks/signature-schemes.ts';
import type { SignatureSchemeName } from '../src/hooks/signature-schemes.ts';
import { checkSignature } from '../src/incoming/signature.ts';
import { createApiClient, type ApiAnswer } from './support/api-client.ts';
import { createTestDatabase } from './support/database.ts';
import { createFakeClock } from './support/fake-clock.ts';
import { createApplication, createPipeline, type Receipt } from './support/fixtures.ts';
import { startInProcessApp, type InProcessApp } from './support/in-process-app.ts';
import { keyedHash, signers, type Algorithm } from './support/independent-signer.ts';
import { signatureVectors } from './support/signature-vectors.ts';

type Vector = (typeof signatureVectors)[number];
type Headers = Record<string, string | string[] | undefined>;

/** How each scheme writes its header, from the senders' documents; of `hmac` as its vectors do. */
const forms: Record<
  SignatureSchemeName,
  {
    header: string;
    prefix: string;
    written: 'hex' | 'base64';
    between: ',' | ' ' | null;
    time: string | null;
  }
> = {
  hmac: { header: 'x-signature', prefix: '', written: 'hex', between: null, time: null },
  github: { header: 'x-hub-signature-256', prefix: 'sha256=', written: 'hex', between: null, time: null },
  'gitlab-token': { header: 'x-gitlab-token', prefix: '', written: 'hex', between: null, time: null },
  'gitlab-signed': {
    header: 'webhook-signature',
    prefix: 'v1,',
    written: 'base64',
    between: ' ',
    time: 'webhook-timestamp',
  },
  bitbucket: { header: 'x-hub-signature', prefix: 'sha256=', written: 'hex', between: null, time: null },
  gitea: { header: 'x-gitea-signature', prefix: '', written: 'hex', between: null, time: null },
  stripe: { header: 'stripe-signature', prefix: 'v1=', written: 'hex', between: ',', time: 't' },
  slack: {
    header: 'x-slack-signature',
    prefix: 'v0=',
    written: 'hex',
    between: null,
    time: 'x-slack-request-timestamp',
  },
  shopify: { header: 'x-shopify-hmac-sha256', prefix: '', written: 'base64', between: null, time: null },
  'standard-webhooks': {
    header: 'webhook-signature',
    prefix: 'v1,',
    written: 'base64',
    between: ' ',
    time: 'webhook-timestamp',
  },
};

const now = Date.UTC(2026, 10, 2, 12);
const nameOf = ({ scheme, title }: Vector) => `${scheme}: ${title}`;
const algorithmOf = ({ title }: Vector) => `sha${/SHA-(\d+)/.exec(title)?.[1] ?? '256'}` as Algorithm;
const definitionOf = (vector: Vector): IncomingDefinition => ({
  requires_secret: true,
  signature_scheme: vector.scheme,
  secret_algorithm: vector.scheme === 'hmac' ? algorithmOf(vector) : null,
  secret_header_name: forms[vector.scheme].header,
  variables: [],
  conditions: [],
});

function check(
  vector: Vector,
  changed: { headers?: Headers; body?: string | Buffer; secret?: string | null; now?: number } = {},
) {
  const { secret = vector.secret, headers = vector.headers, body = vector.body } = changed;
  const at = changed.now ?? vector.at ?? now;
  const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  return checkSignature({ definition: definitionOf(vector), secret }, given, Buffer.from(body as string), at);
}

function assertRefused(
  vector: Vector,
  changed: Parameters<typeof check>[1],
  reason: RegExp,
  what = '',
): void {
  const result = check(vector, changed);
  assert.ok(!result.ok, `${nameOf(vector)} was accepted ${what}`);
  assert.match(result.reason, reason, `${nameOf(vector)} ${what}`);
  assert.match(result.reason, /^[A-Z][^\n]+\.$/, 'one sentence');
  if (vector.secret.length > 8) assert.ok(!result.reason.includes(vector.secret), 'the secret is told');
}

function assertAccepted(vector: Vector, changed: Parameters<typeof check>[1], what = ''): void {
  assert.deepEqual(check(vector, changed), { ok: true }, `${nameOf(vector)} ${what}`);
}

/** The request with another text in its signature header. */
const withSignature = (vector: Vector, text: string | string[] | undefined): { headers: Headers } => ({
  headers: { ...vector.headers, [forms[vector.scheme].header]: text },
});
const headerOf = (vector: Vector) => vector.headers[forms[vector.scheme].header]!;

/** The one signature of a vector's header that counts: what stands before it, its bytes and how they are written. */
type Parts = { before: string; bytes: Buffer; written: 'hex' | 'base64' };

const expectedBytes = (vector: Vector): Buffer => {
  const { scheme, secret, body, at } = vector;
  if (scheme === 'hmac') return keyedHash(algorithmOf(vector), Buffer.from(secret), body);
  const form = forms[scheme];
  const payload = vector.headers['content-type']?.includes('form')
    ? (new URLSearchParams(body).get('payload') ?? undefined)
    : undefined;
  const id = vector.headers['webhook-id'];
  const signed = signers[scheme]({
    secret,
    body,
    at: at ?? 0,
    ...(payload === undefined ? {} : { payload }),
    ...(id === undefined ? {} : { id }),
  })[form.header]!;
  const item = form.between === ',' ? signed.split(',')[1]! : signed;
  return Buffer.from(item.slice(form.prefix.length), form.written);
};

function partsOf(vector: Vector): Parts {
  const bytes = expectedBytes(vector);
  for (const written of ['hex', 'base64'] as const) {
    const text = bytes.toString(written);
    const header = written === 'hex' ? headerOf(vector).toLowerCase() : headerOf(vector);
    const at = header.indexOf(text);
    if (at >= 0) return { before: headerOf(vector).slice(0, at), bytes, written };
  }
  return assert.fail(`${nameOf(vector)} is not what the independent signer makes of it`);
}

/** A header with one signature alone, after the time where it stands in the same header. */
function alone(vector: Vector, signature: string, prefix?: string): string {
  const { prefix: own, between } = forms[vector.scheme];
  const time = between === ',' ? `t=${vector.at! / 1000},` : '';
  const before = vector.scheme === 'hmac' ? partsOf(vector).before : own;
  return `${time}${prefix ?? before}${signature}`;
}

const flip = (bytes: Buffer, bit: number): Buffer => {
  const flipped = Buffer.from(bytes);
  flipped[bit >> 3]! ^= 1 << (bit & 7);
  return flipped;
};
const isToken = ({ scheme }: Vector) => scheme === 'gitlab-token';
const signed = signatureVectors.filter((vector) => !isToken(vector));
const single = signed.filter(({ scheme }) => forms[scheme].between === null);
const lists = signed.filter(({ scheme }) => forms[scheme].between !== null);
const timed = signed.filter(({ scheme }) => forms[scheme].time !== null);
const inHex = (vector: Vector) => partsOf(vector).written === 'hex';

describe('the published request of each sender', () => {
  test('there is one for every scheme', () => {
    const schemes = new Set(signatureVectors.map(({ scheme }) => scheme));
    assert.deepEqual([...schemes].sort(), [...signatureSchemeNames].sort());
  });

  for (const vector of signatureVectors) {
    test(`${nameOf(vector)}: is accepted, and is what RFC 2104 makes of its bytes`, () => {
      assertAccepted(vector, {});
      if (!isToken(vector)) assert.ok(partsOf(vector).bytes.length >= 20);
    });
  }

  test('is accepted with only the headers that its scheme speaks of', () => {
    for (const vector of signatureVectors) {
      const { header, time } = forms[vector.scheme];
      const needed = new Set([header, time, 'webhook-id', 'content-type']);
      const headers = Object.fromEntries(Object.entries(vector.headers).filter(([name]) => needed.has(name)));
      assertAccepted(vector, { headers });
    }
  });
});

describe('what is not the signature is refused', () => {
  test('each flipped bit of the signature', () => {
    for (const vector of signed) {
      const { bytes, written } = partsOf(vector);
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const text = alone(vector, flip(bytes, bit).toString(written));
        assertRefused(vector, withSignature(vector, text), /does not match/, `with bit ${bit} flipped`);
      }
    }
  });

  test('each flipped bit of a token', () => {
    for (const vector of signatureVectors.filter(isToken)) {
      const bytes = Buffer.from(vector.secret);
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const text = flip(bytes, bit).toString('latin1');
        assertRefused(vector, withSignature(vector, text), /is not the hook's secret/);
      }
    }
  });

  test('any flipped bit of the body, unless the sender signs another part of it', () => {
    const payloadOf = (body: Buffer) => new URLSearchParams(body.toString()).get('payload');
    let tried = 0;
    for (const vector of signed) {
      const body = Buffer.from(vector.body);
      const ofForm = vector.scheme === 'gitea' && vector.headers['content-type']?.includes('form') === true;
      for (let bit = 0; bit < body.length * 8; bit++) {
        const changed = flip(body, bit);
        if (ofForm && payloadOf(changed) === payloadOf(body)) {
          // `%7b` is the `%7B` that was signed.
          assertAccepted(vector, { body: changed });
          continue;
        }
        tried++;
        assertRefused(vector, { body: changed }, /does not match/, `with bit ${bit} of the body flipped`);
      }
    }
    assert.ok(tried > 10_000);
  });

  test('a body that is longer or shorter by a byte, or is written anew', () => {
    for (const vector of signed) {
      const { body } = vector;
      for (const changed of [`${body}\n`, ` ${body}`, `${body}\0`, body.slice(0, -1), '', `\ufeff${body}`]) {
        if (changed !== body) assertRefused(vector, { body: changed }, /does not match/);
      }
      if (body.startsWith('{')) {
        const written = JSON.stringify(JSON.parse(body), null, 1);
        assertRefused(vector, { body: written }, /does not match/);
      }
    }
  });

  test('another secret', () => {
    for (const vector of signatureVectors) {
      const { key } = signatureScheme(vector.scheme);
      const others =
        key === 'base64'
          ? [
              'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
              `whsec_${Buffer.from(vector.secret).toString('base64')}`,
            ]
          : [
              `${vector.secret} `,
              vector.secret.slice(0, -1),
              vector.secret.toUpperCase() === vector.secret
                ? vector.secret.toLowerCase()
                : vector.secret.toUpperCase(),
              `whsec_${vector.secret}`,
              'x',
            ];
      const reason = isToken(vector) ? /is not the hook's secret/ : /does not match: another secret/;
      for (const secret of others) assertRefused(vector, { secret }, reason, `with the secret ${secret}`);
    }
  });

  test('a header that is missing', () => {
    for (const vector of signatureVectors) {
      const { header } = forms[vector.scheme];
      assertRefused(vector, withSignature(vector, undefined), new RegExp(`header ${header} is missing`));
      assertRefused(vector, { headers: {} }, new RegExp(`header ${header} is missing`));
    }
  });

  test('a header that is empty', () => {
    for (const vector of signatureVectors) {
      const { header } = forms[vector.scheme];
      assertRefused(vector, withSignature(vector, ''), new RegExp(`header ${header} is empty`));
    }
  });

  test('a header that is there twice, where the scheme knows no lists', () => {
    for (const vector of [...single, ...signatureVectors.filter(isToken)]) {
      const given = headerOf(vector);
      const reason = isToken(vector) ? /is not the hook's secret/ : /does not hold a sha\d+ signature/;
      // So Node joins the lines of a header.
      assertRefused(vector, withSignature(vector, `${given}, ${given}`), reason);
      assertRefused(vector, withSignature(vector, `${given},${given}`), reason);
      assertRefused(vector, withSignature(vector, `${given} ${given}`), reason);
      assertRefused(vector, withSignature(vector, [given, given]), /is there more than once/);
    }
    for (const vector of lists)
      assertRefused(
        vector,
        withSignature(vector, [headerOf(vector), headerOf(vector)]),
        /is there more than once/,
      );
  });

  test('the right signature behind a wrong one, where the scheme knows no lists', () => {
    for (const vector of single) {
      const { bytes, written } = partsOf(vector);
      const wrong = alone(vector, flip(bytes, 0).toString(written));
      for (const between of [',', ' ', ', ', ';', '\t'])
        assertRefused(
          vector,
          withSignature(vector, `${wrong}${between}${alone(vector, bytes.toString(written))}`),
          /does not hold/,
        );
    }
  });

  test('a signature of another algorithm, which has another length', () => {
    for (const vector of signed) {
      const { written } = partsOf(vector);
      const own = vector.scheme === 'hmac' ? algorithmOf(vector) : 'sha256';
      for (const algorithm of (['sha1', 'sha256', 'sha512'] as const).filter((one) => one !== own)) {
        const bytes = keyedHash(algorithm, Buffer.from(vector.secret), vector.body);
        for (const prefix of [undefined, `${algorithm}=`])
          assertRefused(
            vector,
            withSignature(vector, alone(vector, bytes.toString(written), prefix)),
            new RegExp(`does not hold a ${own} signature`),
            `by ${algorithm}`,
          );
      }
    }
  });

  test('the right bytes in another encoding', () => {
    for (const vector of signed) {
      const { bytes, written } = partsOf(vector);
      const base64 = bytes.toString('base64');
      const others = [
        bytes.toString('latin1'),
        bytes.toString('base64url'),
        base64.replace(/=+$/, ''),
        `${base64}=`,
        `0x${bytes.toString('hex')}`,
        Buffer.from(bytes.toString('hex')).toString('base64'),
        encodeURIComponent(base64),
      ].filter((text) => text !== base64);
      if (vector.scheme !== 'hmac') others.push(bytes.toString(written === 'hex' ? 'base64' : 'hex'));
      for (const text of others)
        assertRefused(vector, withSignature(vector, alone(vector, text)), /does not hold/, `as ${text}`);
    }
  });

  test('base64 that is not written as it must be, although it decodes to the right bytes', () => {
    for (const vector of signed.filter((one) => !inHex(one))) {
      const text = partsOf(vector).bytes.toString('base64');
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
      const last = text.replace(/=+$/, '').at(-1)!;
      // The last sign of it holds bits that nobody reads.
      const other = text.replace(
        new RegExp(`${last.replace(/[+/]/, '\\$&')}(=+)$`),
        `${alphabet[alphabet.indexOf(last) + 1]}$1`,
      );
      assert.deepEqual(Buffer.from(other, 'base64'), Buffer.from(text, 'base64'));
      assert.notEqual(other, text);
      assertRefused(vector, withSignature(vector, alone(vector, other)), /does not hold/);
    }
  });

  test('a signature without the prefix that its scheme has, or with another', () => {
    for (const vector of signed) {
      const { bytes, written } = partsOf(vector);
      const text = bytes.toString(written);
      const isOptional = ['hmac', 'github', 'bitbucket'].includes(vector.scheme);
      const own = forms[vector.scheme].prefix;
      for (const prefix of [
        '',
        'v0=',
        'v1=',
        'v1,',
        'v2,',
        'v1a,',
        'V1,',
        'V0=',
        'sha1=',
        'md5=',
        'sha256:',
        '=',
        ',',
      ]) {
        if (prefix === own || (prefix === '' && isOptional)) continue;
        if (vector.scheme === 'hmac' && prefix === `${algorithmOf(vector)}=`) continue;
        const given = alone(vector, text, prefix);
        assertRefused(vector, withSignature(vector, given), /does not hold/, `with the prefix "${prefix}"`);
      }
    }
  });

  test('a signature that is cut, padded or repeated', () => {
    for (const vector of signed) {
      const { bytes, written } = partsOf(vector);
      const text = bytes.toString(written);
      const wrong = [
        text.slice(1),
        text.slice(0, -1),
        text.slice(0, -2),
        text.slice(0, 8),
        `${text}0`,
        `0${text}`,
        `${text}00`,
        text + text,
        text.slice(0, text.length / 2),
      ];
      for (const one of wrong)
        assertRefused(vector, withSignature(vector, alone(vector, one)), /does not hold/, `as ${one}`);
    }
  });

  test('a signature with white space or unseen signs in it', () => {
    for (const vector of signed) {
      const { bytes, written } = partsOf(vector);
      const text = bytes.toString(written);
      for (const sign of [' ', '\t', '\0', '\u00a0', '\u200b', '\ufeff', '\n', '\r\n']) {
        const inside = `${text.slice(0, 10)}${sign}${text.slice(10)}`;
        assertRefused(vector, withSignature(vector, alone(vector, inside)), /does not hold/);
        const after = `${sign}${text}`;
        assertRefused(vector, withSignature(vector, alone(vector, after)), /does not hold/);
        if (forms[vector.scheme].between !== null) continue;
        const around = [`${sign}${alone(vector, text)}`, `${alone(vector, text)}${sign}`];
        for (const one of around) assertRefused(vector, withSignature(vector, one), /does not hold/);
      }
    }
  });

  test('signs that only look like digits', () => {
    for (const vector of signed.filter(inHex)) {
      const text = partsOf(vector).bytes.toString('hex');
      const lookAlikes = [
        text.replace(/\d/, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
        text.replace(/\d/, (digit) => String.fromCodePoint(0x660 + Number(digit))),
        text.replace('a', '\u0430'),
        text.replace('e', '\u0435'),
      ];
      for (const one of lookAlikes.filter((other) => other !== text))
        assertRefused(vector, withSignature(vector, alone(vector, one)), /does not hold/);
    }
  });
});

describe('what senders may write differently is taken', () => {
  test('hex in capitals', () => {
    for (const vector of signed.filter(inHex)) {
      const text = partsOf(vector).bytes.toString('hex').toUpperCase();
      assertAccepted(vector, withSignature(vector, alone(vector, text)));
    }
  });

  test('the name of the algorithm before it or not, where git hosts sign so', () => {
    for (const vector of signed.filter(({ scheme }) => ['hmac', 'github', 'bitbucket'].includes(scheme))) {
      const { bytes, written } = partsOf(vector);
      const algorithm = vector.scheme === 'hmac' ? algorithmOf(vector) : 'sha256';
      for (const prefix of ['', `${algorithm}=`, `${algorithm.toUpperCase()}=`])
        assertAccepted(vector, withSignature(vector, alone(vector, bytes.toString(written), prefix)));
    }
  });
});

describe('several signatures in one header, where the scheme allows them', () => {
  const listed = (vector: Vector, wrongBefore: number, wrongAfter: number): { headers: Headers } => {
    const { prefix, between } = forms[vector.scheme];
    const { bytes, written } = partsOf(vector);
    const item = (one: Buffer) => `${prefix}${one.toString(written)}`;
    const wrong = (count: number) => Array.from({ length: count }, (_, bit) => item(flip(bytes, bit)));
    const time = between === ',' ? [`t=${vector.at! / 1000}`] : [];
    const items = [...time, ...wrong(wrongBefore), item(bytes), ...wrong(wrongAfter)];
    return withSignature(vector, items.join(between!));
  };

  test('the right one counts wherever it stands', () => {
    for (const vector of lists) {
      for (const [before, after] of [
        [0, 0],
        [1, 0],
        [0, 1],
        [4, 5],
        [9, 0],
        [0, 9],
      ] as const)
        assertAccepted(vector, listed(vector, before, after), `among ${before} and ${after}`);
    }
  });

  test('more than ten are refused, the right one among them or not', () => {
    for (const vector of lists) {
      for (const [before, after] of [
        [10, 0],
        [0, 10],
        [200, 200],
      ] as const)
        assertRefused(vector, listed(vector, before, after), /more than 10 signatures/);
    }
  });

  test('ten wrong ones are refused', () => {
    for (const vector of lists) {
      const { headers } = listed(vector, 9, 0);
      const body = `${vector.body} `;
      assertRefused(vector, { headers, body }, /does not match/);
    }
  });

  test('one that is no signature, or is of another version, is left aside', () => {
    for (const vector of lists) {
      const { prefix, between, header } = forms[vector.scheme];
      const given = headerOf(vector);
      for (const item of ['', 'v9=x', 'v9,x', `${prefix}`, `${prefix}AAAA`, 'x'.repeat(1000), '=', ',=']) {
        assertAccepted(vector, { headers: { ...vector.headers, [header]: `${given}${between}${item}` } });
      }
    }
  });

  test('the lines of a header that is there twice are one list', () => {
    for (const vector of lists) {
      const { bytes, written } = partsOf(vector);
      const wrong = alone(vector, flip(bytes, 7).toString(written));
      const right = alone(vector, bytes.toString(written));
      assertAccepted(vector, withSignature(vector, `${wrong}, ${right}`));
    }
  });
});

describe('the time of a signature', () => {
  const second = 1000;

  test('may be 300 s from ours, either way, and no more', () => {
    for (const vector of timed) {
      for (const ms of [0, 1, 299.9 * second, 300 * second]) {
        assertAccepted(vector, { now: vector.at! + ms }, `${ms} ms later`);
        assertAccepted(vector, { now: vector.at! - ms }, `${ms} ms sooner`);
      }
      for (const ms of [301 * second, 3600 * second, 10 * 365 * 86_400 * second]) {
        assertRefused(vector, { now: vector.at! + ms }, new RegExp(`is ${ms / second} s old`));
        assertRefused(vector, { now: vector.at! - ms }, new RegExp(`is ${ms / second} s in the future`));
      }
    }
  });

  test('is never told as 300 s when it was refused, since 300 s are allowed', () => {
    for (const vector of timed) {
      for (const ms of [300_001, 300_400, 300_499])
        assertRefused(vector, { now: vector.at! + ms }, /is 301 s old, and only 300 s are allowed/);
    }
  });

  test('is looked at only when the signature is right: nobody else is told about clocks', () => {
    for (const vector of timed) {
      assertRefused(vector, { body: `${vector.body} `, now: vector.at! + 400 * second }, /does not match/);
    }
  });

  test('is refused when it is missing or no whole number of seconds, even if it was signed so', () => {
    for (const vector of timed) {
      const { time, header } = forms[vector.scheme];
      const { secret, body } = vector;
      const seconds = String(vector.at! / 1000);
      const isLabel = forms[vector.scheme].between === ',';
      const without = isLabel
        ? withSignature(vector, headerOf(vector).replace(/^t=\d+,/, ''))
        : { headers: { ...vector.headers, [time!]: undefined } };
      const reason = new RegExp(`The time of the signature, ${time}, is missing or no number of seconds`);
      assertRefused(vector, without, reason);
      const id = vector.headers['webhook-id'];
      for (const text of [
        '',
        'now',
        `${seconds}.0`,
        `${seconds}000`,
        `-${seconds}`,
        `+${seconds}`,
        `0x${Number(seconds).toString(16)}`,
        `${seconds}n`,
        `${seconds} ${seconds}`,
        `${seconds};`,
        'NaN',
        'Infinity',
        '1e9',
        '٢٠٢٦',
        '9'.repeat(400),
        new Date(vector.at!).toISOString(),
      ]) {
        const own = signers[vector.scheme]({ secret, body, at: text, ...(id === undefined ? {} : { id }) });
        assertRefused(vector, { headers: { ...vector.headers, ...own } }, reason, `at "${text}"`);
      }
      assert.ok(headerOf(vector) !== '' && header !== '');
    }
  });

  test('cannot be changed without the secret', () => {
    for (const vector of timed) {
      const { time } = forms[vector.scheme];
      const later = String(vector.at! / 1000 + 1000);
      const changed =
        forms[vector.scheme].between === ','
          ? withSignature(vector, headerOf(vector).replace(/^t=\d+/, `t=${later}`))
          : { headers: { ...vector.headers, [time!]: later } };
      const inTime = { ...changed, now: vector.at! + 1_000_000 };
      assertRefused(vector, inTime, /does not match/);
    }
  });

  test('counts where it stands first, so that none can be put before the signed one', () => {
    const vector = signatureVectors.find(({ scheme }) => scheme === 'stripe');
    const later = vector!.at! / 1000 + 1000;
    const at = { now: later * 1000 };
    const given = headerOf(vector!);
    assertRefused(vector!, { ...withSignature(vector!, `t=${later},${given}`), ...at }, /does not match/);
    assertRefused(vector!, { ...withSignature(vector!, `${given},t=${later}`), ...at }, /1000 s old/);
    // Nor can it come from a header of that name.
    const bare = given.replace(/^t=\d+,/, '');
    const headers = { 'stripe-signature': bare, t: String(vector!.at! / 1000) };
    assertRefused(vector!, { headers }, /The time of the signature, t, is missing/);
  });
});

test('of Standard Webhooks the id is signed too: without it, or with another, a request is refused', () => {
  for (const vector of signed.filter(({ scheme }) => /standard|gitlab-signed/.test(scheme))) {
    for (const id of [undefined, ''])
      assertRefused(vector, { headers: { ...vector.headers, 'webhook-id': id } }, /webhook-id.* is missing/);
    for (const id of ['msg_other', `${vector.headers['webhook-id']}x`])
      assertRefused(vector, { headers: { ...vector.headers, 'webhook-id': id } }, /does not match/);
  }
});

test('without its secret a hook of any scheme refuses all, and says who shows it', () => {
  const sender: Partial<Record<SignatureSchemeName, RegExp>> = {
    stripe: /Stripe/,
    slack: /Slack/,
    shopify: /Shopify/,
  };
  for (const vector of signatureVectors) {
    assertRefused(vector, { secret: null }, /has no secret yet/);
    assertRefused(vector, { secret: null }, sender[vector.scheme] ?? /secret/);
    assertRefused(vector, { secret: null, headers: {} }, /has no secret yet/);
    // Nobody may sign with the secret that there is not.
    for (const none of ['', 'null', 'undefined']) {
      const own = signers[vector.scheme]({ secret: none, body: vector.body, at: vector.at ?? now });
      assertRefused(vector, { secret: null, headers: { ...vector.headers, ...own } }, /has no secret yet/);
    }
  }
});

type Hook = {
  id: string;
  secret: string;
  signature_scheme: string;
  previous_secret_valid_until: string | null;
  warnings: { field: string; message: string }[];
};

describe('over HTTP, at the time when each was signed', { timeout: 600_000 }, () => {
  const stack = new AsyncDisposableStack();
  after(() => stack.disposeAsync());
  const inOrder = signatureVectors.toSorted((one, other) => (one.at ?? 0) - (other.at ?? 0));
  const first = inOrder.find(({ at }) => at !== null)!.at!;
  let app: InProcessApp;
  let pipelineId: number;

  before(async () => {
    const database = stack.adopt(await createTestDatabase('sqlite'), (made) => made.drop());
    const clock = createFakeClock(first - 1_000_000);
    app = stack.adopt(await startInProcessApp({ database, clock }), (started) => started.stop());
    pipelineId = await createPipeline(app, await createApplication(app));
  });

  const create = (fields: Record<string, unknown>) =>
    app.api.post<Hook>(`/pipelines/${pipelineId}/hooks/incoming`, { name: 'in', ...fields });
  const send = (hook: { id: string }, headers: Record<string, string>, body: string) =>
    createApiClient(app.url).request<Receipt>('POST', `/hooks/${hook.id}/trigger`, body, headers);
  const record = (answer: ApiAnswer<Receipt>) =>
    app.api.get<{ outcome: string; reason: string }>(`/hook-requests/${answer.body.hook_request_id}`);
  /** A body that is no JSON is refused too, but only after the signature. */
  const assertPassed = (vector: { body: string; scheme: string }, answer: ApiAnswer<Receipt>) => {
    const isJson = vector.body === '' || /^(\{|payload=|token=)/.test(vector.body);
    if (!isJson) {
      assert.equal(answer.status, 400, answer.body.message);
      assert.match(answer.body.message, /not valid JSON/);
    } else if (vector.body.includes('url_verification')) {
      assert.equal(answer.status, 200, answer.body.message);
      const { challenge } = JSON.parse(vector.body) as { challenge: string };
      assert.equal((answer.body as Receipt & { challenge: string }).challenge, challenge);
    } else {
      // Slack's commands want a 200.
      const isCommand = vector.scheme === 'slack';
      assert.equal(answer.status, isCommand ? 200 : 202, answer.body.message);
      assert.notEqual(answer.body.action_id, null);
    }
  };
  const refused = async (answer: ApiAnswer<Receipt>, reason: RegExp) => {
    assert.equal(answer.status, 401, answer.body.message);
    assert.match(answer.body.message, reason);
    assert.equal((await record(answer)).reason, answer.body.message);
  };

  for (const vector of inOrder) {
    test(`${nameOf(vector)}: is taken as it was sent, and refused when anything of it is changed`, async () => {
      if (vector.at !== null && vector.at > app.clock.now())
        await app.clock.jump(vector.at - app.clock.now());
      const isOwn = vector.scheme === 'hmac';
      const hook = await create({
        signature_scheme: vector.scheme,
        // The shortest of the published secrets are shorter than those that Hookline takes.
        ...(vector.secret.length < 8 ? {} : { secret: vector.secret }),
        ...(isOwn ? { secret_algorithm: algorithmOf(vector), secret_header_name: 'X-Signature' } : {}),
      });
      assert.equal(hook.signature_scheme, vector.scheme);
      const { header } = forms[vector.scheme];
      const isForm = vector.headers['content-type']?.includes('form') === true;
      const payload = isForm ? (new URLSearchParams(vector.body).get('payload') ?? undefined) : undefined;
      let { headers } = vector;
      if (vector.secret.length < 8) {
        if (vector.scheme === 'shopify') {
          await app.api.put(`/hooks/incoming/${hook.id}`, { name: 'in', secret: 'hush hush' });
          hook.secret = 'hush hush';
        }
        const algorithm = isOwn ? algorithmOf(vector) : 'sha256';
        const bytes = keyedHash(algorithm, Buffer.from(hook.secret), vector.body);
        headers = { ...headers, [header]: alone(vector, bytes.toString(partsOf(vector).written)) };
      }
      assertPassed(vector, await send(hook, headers, vector.body));

      const without = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== header));
      await refused(await send(hook, without, vector.body), new RegExp(`${header} is missing`));
      await refused(await send(hook, { ...headers, [header]: '' }, vector.body), /is empty/);
      const other = isToken(vector)
        ? 'another token'
        : alone(vector, flip(partsOf(vector).bytes, 3).toString('hex'));
      await refused(
        await send(hook, { ...headers, [header]: other }, vector.body),
        /is not the hook's secret|does not match|does not hold/,
      );
      if (!isToken(vector)) {
        const changed = vector.body === '' ? ' ' : vector.body.slice(0, -1);
        await refused(await send(hook, headers, changed), /does not match/);
      }
      // What the sender signs now is taken now.
      if (isOwn) return;
      const secret = hook.secret === '' ? vector.secret : hook.secret;
      const fresh = {
        secret,
        body: vector.body,
        at: app.clock.now(),
        ...(payload === undefined ? {} : { payload }),
      };
      const own = { ...vector.headers, ...signers[vector.scheme](fresh) };
      const answer = await send(hook, own, vector.body);
      if (/gitlab-signed|standard/.test(vector.scheme)) assert.match(answer.body.message, /^Accepted/);
      assertPassed(vector, answer);
      if (forms[vector.scheme].time === null) return;
      for (const [at, reason] of [
        [app.clock.now() - 301_000, /30[12] s old/],
        [app.clock.now() + 301_000, /30[12] s in the future/],
      ] as const) {
        const late = { ...vector.headers, ...signers[vector.scheme]({ ...fresh, at }) };
        await refused(await send(hook, late, vector.body), reason);
      }
    });
  }

  const made = { stripe: /Stripe/, slack: /Slack/, shopify: /Shopify/ } as const;
  for (const [scheme, sender] of Object.entries(made) as [keyof typeof made, RegExp][]) {
    test(`a hook of ${scheme} is made without the secret, which only its sender can make, and waits for it`, async () => {
      const hook = await create({ signature_scheme: scheme });
      assert.equal(hook.secret, '');
      assert.equal(hook.warnings.length, 1);
      assert.equal(hook.warnings[0]!.field, 'secret');
      assert.match(hook.warnings[0]!.message, sender);
      assert.match(hook.warnings[0]!.message, /every request is refused.*PUT/);
      const body = '{"id":"evt_1","type":"x"}';
      const signedWith = (secret: string) => signers[scheme]({ secret, body, at: app.clock.now() });
      for (const none of ['', 'null', 'undefined', '********'])
        await refused(await send(hook, signedWith(none), body), /has no secret yet/);
      await refused(await send(hook, {}, body), sender);

      const path = `/hooks/incoming/${hook.id}`;
      const empty = await app.api.request<Hook>('PUT', path, { name: 'in', secret: '' });
      assert.equal(empty.status, 204, 'it may wait for longer');
      await refused(await send(hook, signedWith(''), body), /has no secret yet/);
      const rotated = await app.api.request('POST', `${path}/rotate-secret`, {});
      assert.equal(rotated.status, 422, JSON.stringify(rotated.body));

      await app.api.put(path, { name: 'in', secret: 'the secret of the sender' });
      assert.deepEqual((await app.api.get<Hook>(path)).warnings, []);
      assert.equal((await send(hook, signedWith('the secret of the sender'), body)).status, 202);
      await refused(await send(hook, signedWith('the secret of another'), body), /does not match/);
    });
  }

  test('after a rotation both secrets of a hook of any scheme are valid, until the time given', async () => {
    const body = '{"n":1}';
    const rotating = await Promise.all(
      signatureSchemeNames.map(async (scheme) => {
        const { key } = signatureScheme(scheme);
        const [old, fresh, wrong] = ['a', 'b', 'c'].map((sign) =>
          key === 'base64' ? `whsec_${Buffer.alloc(32, sign).toString('base64')}` : sign.repeat(20),
        ) as [string, string, string];
        const hook = await create({ signature_scheme: scheme, secret: old });
        const path = `/hooks/incoming/${hook.id}`;
        const sendWith = (secret: string, secondsAgo = 0) => {
          const at = app.clock.now() - secondsAgo * 1000;
          return send(hook, signers[scheme]({ secret, body, at, id: randomUUID() }), body);
        };
        const refusal = scheme === 'gitlab-token' ? /is not the hook's secret/ : /does not match/;
        return { scheme, old, fresh, wrong, path, sendWith, refusal };
      }),
    );
    for (const { old, fresh, wrong, path, sendWith, refusal, scheme } of rotating) {
      await refused(await sendWith(fresh), refusal);
      assert.equal((await sendWith(old)).status, 202, scheme);
      await app.api.post(`${path}/rotate-secret`, { secret: fresh, previous_valid_for_seconds: 3600 });
      const shown = await app.api.get<Hook>(path);
      assert.equal(Date.parse(shown.previous_secret_valid_until!), app.clock.now() + 3_600_000);
      assert.equal((await sendWith(old)).status, 202, scheme);
      assert.equal((await sendWith(fresh)).status, 202, scheme);
      await refused(await sendWith(wrong), refusal);
      if (forms[scheme].time === null) continue;
      for (const secret of [old, fresh]) await refused(await sendWith(secret, 400), /right, but its time/);
    }
    await app.clock.jump(3_599_999);
    for (const { old, sendWith, scheme } of rotating)
      assert.equal((await sendWith(old)).status, 202, `${scheme} a millisecond before`);
    await app.clock.jump(1);
    for (const { old, fresh, path, sendWith, refusal, scheme } of rotating) {
      await refused(await sendWith(old), refusal);
      assert.equal((await sendWith(fresh)).status, 202, scheme);
      await app.api.post(`${path}/rotate-secret`, { secret: old, previous_valid_for_seconds: 0 });
      await refused(await sendWith(fresh), refusal);
      assert.equal((await sendWith(old)).status, 202, scheme);
    }
  });
});
