import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { operations } from './support/reference-operations.ts';
import { enumerations, models } from './support/reference-shapes.ts';
import { shapeFaults } from './support/shape-faults.ts';

describe('shapeFaults', () => {
  const accepted: [type: string, value: unknown][] = [
    ['int', 7],
    ['int(0..127)', 127],
    ['number', 7.5],
    ['string(3..255)', 'abc'],
    ['time', '2026-01-05T09:00:00.000Z'],
    ['time', '2026-01-05T09:00:00+01:00'],
    ['object', {}],
    ['any', null],
    ['null|missing', undefined],
    ['any[]|bool|null', [1, [2], { three: 3 }]],
    ['(bool|number|string)[]', [true, 1, 'one']],
    ['ActionStatus', 'in-progress'],
    ['OsUsersInner', { name: 'www', more: 'of our own' }],
    ['UserRefreshTokenResponse', { token_type: '', expires_in: 1, access_token: '', refresh_token: '' }],
    ['HookIncomingSettings|HookOutgoingSettings|null', { request_body: [1] }],
    ['HookTriggerWhen', { conditions: [{ type: 'variable', path: 'a', accepted_values: ['b'] }] }],
    ['HookTriggerWhen', { conditions: [{ type: 'request_body', path: 'a', accepted_values: [1] }] }],
  ];
  for (const [type, value] of accepted) {
    test(`${type} takes ${JSON.stringify(value)}`, () => assert.deepEqual(shapeFaults(type, value), []));
  }

  const refused: [type: string, value: unknown, faults: string[]][] = [
    ['int', 7.5, ['value: is 7.5, wanted int']],
    ['int', '7', ['value: is "7", wanted int']],
    ['int(0..127)|null', 128, ['value: is 128, wanted int(0..127)|null']],
    ['string(3..255)', 'ab', ['value: is "ab", wanted string(3..255)']],
    ['bool', 1, ['value: is 1, wanted bool']],
    ['time', 'yesterday', ['value: is "yesterday", wanted time']],
    ['object', [], ['value: is [], wanted object']],
    ['null[]', [null, 1], ['[1]: is 1, wanted null']],
    ['string|null', undefined, ['value: is missing, wanted string|null']],
    ['string|missing', null, ['value: is null, wanted string|missing']],
    ['ActionStatus', 'cancelled', ['value: is "cancelled", wanted ActionStatus']],
    ['OsUsersInner[]', [{ name: 'a' }, {}], ['[1].name: is missing, wanted string']],
    [
      'ActionSummary',
      { targets: { count: 1, pending: 0, in_progress: 0, completed: null } },
      ['targets.completed: is null, wanted int', 'targets.failed: is missing, wanted int'],
    ],
    [
      'HookTriggerWhen',
      { conditions: [{ type: 'variable', path: 'a', accepted_values: [1] }] },
      ['conditions[0].accepted_values[0]: is 1, wanted string'],
    ],
  ];
  for (const [type, value, faults] of refused) {
    test(`${type} refuses ${JSON.stringify(value)}`, () =>
      assert.deepEqual(shapeFaults(type, value), faults));
  }

  test('every type that the tables name is defined, and every definition is named', () => {
    const primitives = new Set([
      'any',
      'bool',
      'int',
      'missing',
      'null',
      'number',
      'object',
      'string',
      'time',
    ]);
    const named = new Set<string>();
    const note = (type: string): void => {
      for (const name of type.match(/[A-Za-z]\w*/g) ?? []) {
        if (primitives.has(name) || named.has(name)) continue;
        named.add(name);
        const model = models[name];
        assert.ok(model ?? enumerations[name], `${name} is not defined`);
        if (typeof model === 'string') note(model);
        else Object.values(model ?? {}).forEach(note);
      }
    };
    for (const operation of Object.values(operations)) if ('answer' in operation) note(operation.answer);
    assert.deepEqual([...named].sort(), [...Object.keys(models), ...Object.keys(enumerations)].sort());
  });

  test('a type that nobody defined is a mistake of the test', () => {
    assert.throws(() => shapeFaults('Nothing', {}), /no shape is called Nothing/);
  });
});
