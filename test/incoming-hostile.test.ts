import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formField, parsePayload } from '../src/incoming/parse-payload.ts';
import { parseExactJson } from '../src/platform/exact-json.ts';

const form = 'application/x-www-form-urlencoded';
const megabytes = (count: number) => count * 1024 * 1024;

/** Runs it and fails when it took longer than whoever waits behind it can bear. */
function within<Value>(ms: number, run: () => Value): Value {
  const begun = process.threadCpuUsage();
  const value = run();
  const { user, system } = process.threadCpuUsage(begun);
  const took = (user + system) / 1000;
  assert.ok(took < ms, `took ${Math.round(took)} ms, more than ${ms} ms`);
  return value;
}

function payloadOf(contentType: string, body: string | Buffer): unknown {
  const parsed = parsePayload(contentType, Buffer.from(body));
  if (!parsed.ok) assert.fail(parsed.reason);
  return parsed.payload;
}

describe('bodies that are made to cost time', () => {
  test('a form of a million fields is refused, and nobody waits for it', () => {
    const body = Buffer.from('a&'.repeat(1_000_000));
    for (const type of [form, `${form}; charset=latin1`]) {
      const parsed = within(500, () => parsePayload(type, body));
      assert.deepEqual(parsed, { ok: false, status: 400, reason: 'The form has more than 10000 fields.' });
      // Looked for before a signature is known to be right.
      assert.equal(
        within(500, () => formField(type, body, 'payload')),
        null,
      );
    }
  });

  test('one large integer among millions of small ones costs no more than reading them', () => {
    const body = Buffer.from(`[${'1,'.repeat(megabytes(4))}12345678901234567890]`);
    const list = within(1200, () => payloadOf('application/json', body)) as unknown[];
    assert.equal(list.at(-1), 12_345_678_901_234_567_890n);
    assert.equal(list.length, megabytes(4) + 1);
  });

  test('a key that would reach a prototype among millions of values too', () => {
    const body = Buffer.from(`[{"__proto__":{"x":1}},${'1,'.repeat(megabytes(4))}1]`);
    const list = within(1200, () => payloadOf('application/json', body)) as object[];
    assert.deepEqual(Object.getOwnPropertyNames(list[0]), []);
  });

  test('integers, and keys that would reach a prototype, may be nested as deep as anyone likes', () => {
    const levels = 200_000;
    const deep = `${'['.repeat(levels)}12345678901234567890,{"__proto__":1}${']'.repeat(levels)}`;
    let value = payloadOf('application/json', deep);
    for (let level = 1; level < levels; level++) value = (value as unknown[])[0];
    assert.equal((value as unknown[])[0], 12_345_678_901_234_567_890n);
    assert.equal(Object.hasOwn((value as object[])[1]!, '__proto__'), false);
  });
});

describe('exact integers', () => {
  const big = '12345678901234567890';
  const cases: [text: string, value: unknown][] = [
    [big, BigInt(big)],
    [`-${big}`, -BigInt(big)],
    [`{"a":${big},"b":[1,-${big}]}`, { a: BigInt(big), b: [1, -BigInt(big)] }],
    [`["${big}",":${big}","\\"${big}","\\\\",${big}]`, [big, `:${big}`, `"${big}`, '\\', BigInt(big)]],
    [`{"${big}":${big}}`, { [big]: BigInt(big) }],
    [`{"__proto__":${big}}`, JSON.parse('{"__proto__":0}')],
    [`[${big}.0,${big}e0,1e${big.slice(0, 2)},9007199254740991,0.${big}]`, null],
    [`[${'9'.repeat(100)},${'9'.repeat(101)}]`, [BigInt('9'.repeat(100)), Number('9'.repeat(101))]],
  ];
  for (const [text, value] of cases) {
    test(`${text.slice(0, 60)} is read as it is written`, () => {
      const read = parseExactJson(text);
      if (text.startsWith('{"__proto__"')) {
        assert.deepEqual(Object.getOwnPropertyDescriptor(read, '__proto__')?.value, BigInt(big));
        assert.equal(Object.getPrototypeOf(read), Object.prototype);
      } else assert.deepEqual(read, value ?? JSON.parse(text));
    });
  }

  for (const text of [
    `{${big}:1}`,
    `{${big} : 1}`,
    `[0${big}]`,
    `[--${big}]`,
    `[+${big}]`,
    `[1 ${big}]`,
    `[${big}`,
    `x${big}`,
    `"${big}`,
  ]) {
    test(`${text} is no JSON, and the fault is told of what was sent`, () => {
      const fault = (read: () => unknown) => {
        try {
          read();
        } catch (error) {
          return String(error);
        }
        return assert.fail('was read');
      };
      assert.equal(
        fault(() => parseExactJson(text)),
        fault(() => JSON.parse(text)),
      );
    });
  }
});

describe('a signed body under another content type', () => {
  const evil = encodeURIComponent('{"ref":"refs/heads/evil"}');
  const signed = `{"ref":"refs/heads/main","message":"x&payload=${evil}&y=1"}`;

  test('is not taken apart as a form: a text within it becomes no field', () => {
    for (const start of ['', ' ', '\n', '\uFEFF']) {
      const payload = payloadOf(form, start + signed) as { ref: string };
      assert.equal(payload.ref, 'refs/heads/main');
      assert.equal(formField(form, Buffer.from(start + signed), 'payload'), null);
    }
    assert.deepEqual(payloadOf(form, `["&payload=${evil}"]`), [`&payload=${evil}`]);
    assert.deepEqual(payloadOf(form, `"&payload=${evil}"`), `&payload=${evil}`);
  });

  test('forms are still forms, in any charset', () => {
    assert.deepEqual(payloadOf(form, 'a=1&b=%7B%22&c=x+y'), { a: '1', b: '{"', c: 'x y' });
    assert.deepEqual(payloadOf(form, 'payload={"a":1}'), { a: 1 });
    assert.deepEqual(payloadOf(`${form}; charset=latin1`, 'a=%E9%+%4&%62=+'), { a: 'é% %4', b: ' ' });
  });
});
