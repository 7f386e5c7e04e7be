import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { compileOutgoing } from '../src/hooks/compile-outgoing.ts';
import type { OutgoingDefinition } from '../src/hooks/definition.ts';
import { renderRequest } from '../src/outgoing/render.ts';
import { withoutNulls } from '../src/platform/without-nulls.ts';
import type { Rendered, RenderedRequest } from '../src/outgoing/render.ts';

type Definition = Pick<OutgoingDefinition, 'target_url' | 'request_headers' | 'request_body'>;

function render(definition: Partial<Definition>, values: object): Rendered {
  const { compiled, faults } = compileOutgoing({
    target_url: 'https://example.com/',
    request_headers: [],
    request_body: null,
    ...definition,
  });
  assert.deepEqual(faults, []);
  return renderRequest(compiled, withoutNulls(values) as object);
}

function request(definition: Partial<Definition>, values: object = {}): RenderedRequest {
  const rendered = render(definition, values);
  return rendered.kind === 'request' ? rendered : assert.fail(rendered.reason);
}

function reasonOf(definition: Partial<Definition>, values: object = {}): string {
  const rendered = render(definition, values);
  return rendered.kind === 'impossible' ? rendered.reason : assert.fail('it was made all the same');
}

const anyText = fc.string({ unit: 'binary', maxLength: 40 });
/** Text as an attacker would write it into the title of a pull request. */
const hostileText = fc.oneof(
  anyText,
  fc
    .array(
      fc.constantFrom(
        '"',
        '\\',
        '\r\n',
        '\n',
        '\0',
        '/',
        '..',
        '.',
        '?',
        '#',
        '&',
        '=',
        '%',
        '%2e',
        '@',
        ':',
        '{{',
        '}}',
        '\u2028',
        '\ud800',
        '🙂',
        'é',
        ' ',
        'x',
      ),
      { maxLength: 8 },
    )
    .map((parts) => parts.join('')),
);

describe('the URL of a rendered request', () => {
  test('keeps any value in its own segment or query part, or is not made at all', () => {
    const target_url = 'https://example.com/repos/{{ v }}/statuses?ref={{ v }}&z=1';
    fc.assert(
      fc.property(hostileText, (v) => {
        const rendered = render({ target_url }, { v });
        if (rendered.kind === 'impossible') {
          assert.ok(['.', '..'].includes(v), `${JSON.stringify(v)}: ${rendered.reason}`);
          return;
        }
        const url = new URL(rendered.url);
        assert.equal(url.origin, 'https://example.com');
        assert.equal(url.hash, '');
        const segments = url.pathname.split('/');
        assert.deepEqual([segments.length, segments[1], segments[3]], [4, 'repos', 'statuses']);
        assert.equal(decodeURIComponent(segments[2]!), v.toWellFormed());
        assert.deepEqual(
          [...url.searchParams],
          [
            ['ref', v.toWellFormed()],
            ['z', '1'],
          ],
        );
      }),
      { numRuns: 500 },
    );
  });

  test('is not made of a value that climbs to another path', () => {
    for (const v of ['.', '..']) {
      assert.match(reasonOf({ target_url: 'https://example.com/a/{{ v }}/b' }, { v }), /^Not sent: the URL/);
    }
    for (const v of ['%2e%2e', '../../x', '..\\x', '...', '.a']) {
      const { url } = request({ target_url: 'https://example.com/a/{{ v }}/b' }, { v });
      assert.match(new URL(url).pathname, /^\/a\/[^/]+\/b$/, url);
    }
  });

  test('is not made without a variable that it names, and the reason says which', () => {
    const reason = reasonOf({ target_url: 'https://example.com/{{ action.gone }}' }, { action: {} });
    assert.match(reason, /^Not sent: the URL names .*gone/);
    assert.match(reason, /default:/);
    assert.match(reasonOf({ target_url: 'https://example.com/{{ v }}' }, { v: null }), /the URL names/);
    assert.equal(
      request({ target_url: 'https://example.com/{{ v | default: "x" }}' }, { v: null }).url,
      'https://example.com/x',
    );
  });

  test('has a host that no value can widen with a name and password', () => {
    const rendered = render({ target_url: 'https://{{ v }}@example.com/' }, { v: 'user' });
    assert.equal(rendered.kind, 'impossible');
    for (const v of ['evil.example/', 'a@b', 'a:80', 'a#', 'a?']) {
      const made = render({ target_url: 'https://{{ v }}.example.com/' }, { v });
      if (made.kind === 'request') assert.match(new URL(made.url).hostname, /\.example\.com$/);
    }
  });
});

describe('the headers of a rendered request', () => {
  test('hold no line break or other control character, whatever the value, and begin no other header', () => {
    fc.assert(
      fc.property(hostileText, (v) => {
        const { headers } = request({ request_headers: [{ name: 'X-Title', value: 'PR {{ v }} !' }] }, { v });
        assert.deepEqual(Object.keys(headers), ['x-title']);
        // eslint-disable-next-line no-control-regex -- what a header must not hold
        assert.doesNotMatch(headers['x-title']!, /[\u0000-\u001f\u007f]|[^\u0000-\u00ff]/);
        // Node itself refuses a value that it could not send.
        assert.doesNotThrow(() => new Headers(headers));
      }),
      { numRuns: 500 },
    );
  });

  test('stop the request when one names a variable that is not there', () => {
    const request_headers = [
      { name: 'Authorization', value: 'Bearer {{ application.source_provider.access_token }}' },
    ];
    const reason = reasonOf({ request_headers }, { application: { source_provider: null } });
    assert.match(reason, /^Not sent: the header Authorization names /);
  });

  test('say what the body is unless the hook does', () => {
    assert.equal(request({ request_body: { a: 1 } }).headers['content-type'], 'application/json');
    assert.equal(request({ request_body: 'hello' }).headers['content-type'], 'text/plain; charset=utf-8');
    assert.equal(request({}).headers['content-type'], undefined);
    const own = [{ name: 'Content-Type', value: 'application/vnd.api+json' }];
    assert.equal(
      request({ request_headers: own, request_body: { a: 1 } }).headers['content-type'],
      own[0]!.value,
    );
  });
});

describe('the body of a rendered request', () => {
  test('keeps any value inside the string it was put in', () => {
    const request_body = { text: 'PR {{ v }}!', list: ['{{ v }}', { deep: '{{ v }}' }], constant: true };
    fc.assert(
      fc.property(hostileText, (v) => {
        const { body } = request({ request_body }, { v });
        assert.deepEqual(JSON.parse(body), { text: `PR ${v}!`, list: [v, { deep: v }], constant: true });
      }),
      { numRuns: 500 },
    );
  });

  test('keeps any value inside its string also when the body is given as text of the type JSON', () => {
    const request_headers = [{ name: 'Content-Type', value: 'application/json' }];
    const request_body = '{"id": {{ id }}, "text": "PR {{ v }}!"}';
    fc.assert(
      fc.property(hostileText, (v) => {
        const { body } = request({ request_headers, request_body }, { v, id: 7 });
        assert.deepEqual(JSON.parse(body), { id: 7, text: `PR ${v}!` });
      }),
      { numRuns: 300 },
    );
  });

  test('keeps any value inside its field when the body is a form', () => {
    const request_headers = [{ name: 'content-type', value: 'application/x-www-form-urlencoded' }];
    fc.assert(
      fc.property(hostileText, (v) => {
        const { body } = request({ request_headers, request_body: 'text={{ v }}&ok=1' }, { v });
        assert.deepEqual(
          [...new URLSearchParams(body)],
          [
            ['text', v.toWellFormed()],
            ['ok', '1'],
          ],
        );
      }),
      { numRuns: 300 },
    );
  });

  test('keeps the type of a value that is one expression ending in json, whatever the value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (v) => {
        fc.pre(v !== null && !JSON.stringify(v).includes('null') && !JSON.stringify(v).includes('__proto__'));
        const { body } = request({ request_body: { v: '{{ v | json }}' } }, { v });
        assert.equal(body, JSON.stringify({ v }));
      }),
      { numRuns: 300 },
    );
    assert.deepEqual(JSON.parse(request({ request_body: { v: '{{ gone | json }}' } }).body), { v: null });
    const missing = request({ request_body: { v: '{{ gone | default: nil | json }}' } });
    assert.deepEqual(JSON.parse(missing.body), { v: null });
    assert.deepEqual(missing.missing, []);
  });

  test('is made all the same without a variable, which it notes', () => {
    const made = request(
      { request_body: { a: '<{{ action.gone }}>', b: '{{ action.id }}' } },
      { action: { id: 7 } },
    );
    assert.deepEqual(JSON.parse(made.body), { a: '<>', b: '7' });
    assert.equal(made.missing.length, 1);
    assert.match(made.missing[0]!, /gone/);
  });

  test('of text that is a JSON object is rendered leaf by leaf', () => {
    const made = request({ request_body: '{"text": "{{ v }}", "n": 1}' }, { v: '", "n": 2, "x": "' });
    assert.deepEqual(JSON.parse(made.body), { text: '", "n": 2, "x": "', n: 1 });
    assert.equal(made.headers['content-type'], 'application/json');
  });

  test('that cannot be made stops the request with the reason instead of throwing', () => {
    assert.match(
      reasonOf({ request_body: { a: '{{ v | commit_state: "github" }}' } }, { v: 'done' }),
      /^Not sent: the body cannot be made: .*commit_state/,
    );
    assert.match(
      reasonOf({ request_body: { a: '{% for i in (1..99999999) %}x{% endfor %}' } }),
      /^Not sent: the body/,
    );
  });
});
