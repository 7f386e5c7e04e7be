import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { commitState } from '../src/hooks/commit-state.ts';
import { compileOutgoing } from '../src/hooks/compile-outgoing.ts';
import { maskHeaderTemplate } from '../src/hooks/sensitive-headers.ts';
import { compileTemplate, MissingVariable, TemplateFault } from '../src/hooks/templates.ts';
import type { TemplateKind } from '../src/hooks/templates.ts';

function render(text: string, values: object, kind: TemplateKind = 'text', strict = true): string {
  return compileTemplate(text, kind).render(values, { strict });
}

function faultOf(text: string): string {
  try {
    compileTemplate(text, 'text');
  } catch (error) {
    assert.ok(error instanceof TemplateFault, String(error));
    return error.message;
  }
  return assert.fail(`${JSON.stringify(text)} parses`);
}

describe('a template', () => {
  test('puts values in where they are named', () => {
    assert.equal(render('{{ a.b.c }} and {{a.list[1]}}', { a: { b: { c: 'x' }, list: [1, 2] } }), 'x and 2');
  });

  test('knows the filters and tags of Liquid', () => {
    const values = { title: 'A very long title', at: '2026-01-15T12:30:00Z', on: true, list: [1, 2] };
    assert.equal(render('{{ title | truncate: 9 }}', values), 'A very...');
    assert.equal(render('{{ title | upcase | slice: 0, 6 }}', values), 'A VERY');
    assert.equal(render('{{ at | date: "%Y" }}', values), '2026');
    assert.equal(render('{% if on %}yes{% else %}no{% endif %}', values), 'yes');
    assert.equal(render('{% for n in list %}{{ n }};{% endfor %}', values), '1;2;');
  });

  test('stops at a variable that is not there, and names it', () => {
    for (const [text, name] of [
      ['{{ gone }}', 'gone'],
      ['{{ a.gone.deeper }}', 'gone'],
      ['x {{ a.b }} {{ a.gone }}', 'gone'],
    ] as const) {
      assert.throws(
        () => render(text, { a: { b: 1 } }),
        (error: unknown) => error instanceof MissingVariable && error.message.includes(name),
        text,
      );
    }
  });

  test('takes a default for a variable that is not there', () => {
    assert.equal(render('{{ gone | default: "main" }}', {}), 'main');
    assert.equal(render('{{ a.gone | default: "main" }}', { a: {} }), 'main');
    assert.equal(render('{% if gone %}x{% endif %}', {}), '');
  });

  test('renders what is missing as empty when it is told to go on', () => {
    assert.equal(render('<{{ a.gone }}>', { a: {} }, 'text', false), '<>');
  });

  for (const [text, line, column] of [
    ['{{ a ', 1, 1],
    ['{{ a | }} {% if %}', 1, null],
    ['first line\nsecond {{ a | nonsense_filter }}', 2, null],
    ['{% if a %} never ended', 1, 1],
    ['a\nb\n  {% nonsense %}', 3, 3],
    ['{% endif %}', 1, 1],
  ] as const) {
    test(`that does not parse is refused with line and column: ${JSON.stringify(text)}`, () => {
      const fault = faultOf(text);
      assert.match(fault, /does not parse/);
      assert.match(fault, new RegExp(`line ${line}, column ${column ?? '\\d+'}\\b`), fault);
    });
  }

  test('cannot read files or reach what no value holds', () => {
    for (const text of [
      '{% include "package.json" %}',
      '{% render "../package.json" %}',
      '{% layout "/etc/passwd" %}',
    ]) {
      assert.throws(() => render(text, {}), text);
    }
    for (const path of [
      'constructor',
      '__proto__',
      'a.constructor',
      'a.__proto__',
      'text.constructor',
      'list.map',
      'a.toString',
    ]) {
      assert.throws(() => render(`{{ ${path} }}`, { a: {}, text: '', list: [] }), MissingVariable, path);
    }
  });

  test('that would run for ever or fill the memory is ended', () => {
    for (const text of [
      '{% for i in (1..100000000) %}{{ i }}{% endfor %}',
      '{% for i in (1..10000) %}{% for j in (1..10000) %}x{% endfor %}{% endfor %}',
      '{% assign s = "x" %}{% for i in (1..40) %}{% assign s = s | append: s %}{% endfor %}{{ s | size }}',
    ]) {
      const started = performance.now();
      assert.throws(() => render(text, {}), text);
      assert.ok(
        performance.now() - started < 3000,
        `${text} took ${Math.round(performance.now() - started)} ms`,
      );
    }
  });

  test('in a URL keeps any value within the part it is put in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (value) => {
        const text = render('https://example.com/a/{{ v }}/b?q={{ v }}&r=1#{{ v }}', { v: value }, 'url');
        const [, path, query, fragment] =
          /^https:\/\/example\.com\/a\/([^/?#]*)\/b\?q=([^&#]*)&r=1#([^#]*)$/.exec(text) ?? assert.fail(text);
        const whole = value.toWellFormed();
        for (const part of [path, query, fragment]) assert.equal(decodeURIComponent(part!), whole);
      }),
      { numRuns: 500 },
    );
  });

  test('in a JSON text keeps any value inside its string', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (value) => {
        const text = render('{"a": "<{{ v }}>", "b": 1}', { v: value }, 'json');
        assert.deepEqual(JSON.parse(text), { a: `<${value}>`, b: 1 });
      }),
      { numRuns: 500 },
    );
  });

  test('in a form keeps any value inside its field', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (value) => {
        const form = new URLSearchParams(render('a={{ v }}&b=1', { v: value }, 'form'));
        assert.deepEqual(
          [...form],
          [
            ['a', value.toWellFormed()],
            ['b', '1'],
          ],
        );
      }),
      { numRuns: 300 },
    );
  });

  test('never takes a value for a template', () => {
    const value = '{{ secret }}{% if secret %}x{% endif %}';
    assert.equal(render('{{ v }}', { v: value, secret: 'no' }), value);
  });

  test('keeps the type of a value only when it is one expression that ends in json', () => {
    for (const text of ['{{ a | json }}', ' {{ a | downcase | json }} '])
      assert.ok(compileTemplate(text, 'text').keepsType, text);
    for (const text of [
      '{{ a }}',
      '{{ a | json }}.',
      '{{ a | json }}{{ b | json }}',
      '{{ a | json | upcase }}',
      'json',
    ]) {
      assert.ok(!compileTemplate(text, 'text').keepsType, text);
    }
  });
});

describe('the templates of an outgoing hook', () => {
  test('every one that does not parse is named at once, with its field', () => {
    const { faults } = compileOutgoing({
      target_url: 'https://example.com/{{ a',
      request_headers: [
        { name: 'x-good', value: '{{ a }}' },
        { name: 'x-bad', value: '{% if %}' },
      ],
      request_body: { text: '{{ b', list: ['fine', '{% nonsense %}'], deep: { er: '{{ c | nonsense }}' } },
    });
    assert.deepEqual(faults.map(({ field }) => field).sort(), [
      'settings.request_body.deep.er',
      'settings.request_body.list.1',
      'settings.request_body.text',
      'settings.request_headers.1.value',
      'target_url',
    ]);
    for (const { message } of faults) assert.match(message, /line 1, column \d+/);
  });

  test('a body deeper than twenty levels is refused instead of overflowing the stack', () => {
    let body: unknown = 'leaf';
    for (let depth = 0; depth < 50; depth++) body = [body];
    const { faults } = compileOutgoing({
      target_url: 'https://example.com',
      request_headers: [],
      request_body: body as unknown[],
    });
    assert.equal(faults.length, 1);
    assert.match(faults[0]!.message, /levels deep/);
  });
});

describe('the commit states of the git hosts', () => {
  test('every status of an action has one at every host', () => {
    const statuses = ['pending', 'waiting', 'queued', 'in-progress', 'completed', 'failed', 'skipped'];
    const allowed: Record<string, string[]> = {
      github: ['error', 'failure', 'pending', 'success'],
      gitlab: ['pending', 'running', 'success', 'failed', 'canceled'],
      bitbucket: ['SUCCESSFUL', 'FAILED', 'INPROGRESS', 'STOPPED'],
    };
    for (const [host, states] of Object.entries(allowed)) {
      for (const status of statuses)
        assert.ok(states.includes(commitState(status, host)), `${status} at ${host}`);
      assert.match(commitState('completed', host), /success/i);
      assert.match(commitState('failed', host), /fail/i);
    }
  });

  test('an unknown host or status is an error, not a wrong state', () => {
    for (const [status, host] of [
      ['completed', 'sourcehut'],
      ['done', 'github'],
      ['completed', '__proto__'],
      ['toString', 'github'],
      ['constructor', 'gitlab'],
    ] as const) {
      assert.throws(() => commitState(status, host), /commit_state knows/, `${status} at ${host}`);
    }
  });
});

describe('a sensitive header as an answer shows it', () => {
  for (const [name, value, shown] of [
    [
      'Authorization',
      'Bearer {{ application.source_provider.access_token }}',
      'Bearer {{ application.source_provider.access_token }}',
    ],
    ['Authorization', 'Bearer ghp_written_out', 'Bearer ********'],
    ['authorization', 'ghp_written_out', '********'],
    ['PRIVATE-TOKEN', 'glpat-{{ a }}-tail', '********{{ a }}********'],
    ['X-Api-Key', 'k', '********'],
    ['Cookie', 'session=1', '********'],
    ['Content-Type', 'application/json', 'application/json'],
    ['X-Hub-Signature', 'sha1=00', 'sha1=00'],
    ['Authorization', 'Bearer {{ "ghp_written_out" }}', null],
    ['Authorization', 'Bearer {{ x | default: "ghp_written_out" }}', null],
    ['Authorization', '{% assign t = "ghp_written_out" %}{{ t }}', null],
    ['X-Auth-Key', 'ghp_written_out', null],
    ['X-Auth', 'ghp_written_out', null],
  ] as const) {
    test(`${name}: ${value}`, () => {
      const actual = maskHeaderTemplate(name, value);
      assert.ok(!actual.includes('written_out'), `${actual} shows what was written out`);
      if (shown !== null) assert.equal(actual, shown);
    });
  }
});
