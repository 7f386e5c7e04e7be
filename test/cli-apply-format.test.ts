import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { parse } from 'yaml';
import { operations } from '#sdk/operations';
import { apiDocument } from '../scripts/api-document.ts';
import { fileSchema } from '../src/cli/client/apply/file-schema.ts';
import { faultText } from '../src/cli/client/apply/faults.ts';
import { flatten, kindNames, kinds, type Kind } from '../src/cli/client/apply/kinds.ts';
import { lineDiff } from '../src/cli/client/apply/line-diff.ts';
import { readEnvironmentFile } from '../src/cli/client/apply/read-file.ts';
import { writeEnvironmentFile } from '../src/cli/client/apply/write-file.ts';

type Schema = {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  properties?: Record<string, Schema>;
  items?: Schema;
};

/** The bodies by which things of an environment are made and changed, and what of a file they fill. */
const bodies: { schema: string; kind: Kind | 'step' }[] = [
  { schema: 'CredentialCreate', kind: 'credential' },
  { schema: 'CredentialUpdate', kind: 'credential' },
  { schema: 'ServerCreate', kind: 'server' },
  { schema: 'ServerUpdate', kind: 'server' },
  { schema: 'ApplicationCreate', kind: 'application' },
  { schema: 'ApplicationUpdate', kind: 'application' },
  { schema: 'VariableCreate', kind: 'variable' },
  { schema: 'VariableUpdate', kind: 'variable' },
  { schema: 'PipelineCreate', kind: 'pipeline' },
  { schema: 'PipelineUpdate', kind: 'pipeline' },
  { schema: 'StepCreate', kind: 'step' },
  { schema: 'StepUpdate', kind: 'step' },
  { schema: 'IncomingHookCreate', kind: 'incoming_hook' },
  { schema: 'IncomingHookUpdate', kind: 'incoming_hook' },
  { schema: 'IncomingHookCreateForResource', kind: 'incoming_hook' },
  { schema: 'OutgoingHookCreate', kind: 'outgoing_hook' },
  { schema: 'OutgoingHookUpdate', kind: 'outgoing_hook' },
  { schema: 'OutgoingHookCreateForResource', kind: 'outgoing_hook' },
];

/** Why a field of the API is not in the file. */
const reasons: Record<string, string> = {
  'credential provider_type': 'there is one alone',
  'credential settings.credential': 'the same fields in the nesting of older clients',
  'credential settings.credential.access_token': 'as above',
  'credential settings.credential.api_url': 'as above',
  'server provision_input': 'changes nothing',
  'server provision_input.cloud_service_code': 'changes nothing',
  'application credential_id': 'an id; the file has `credential`',
  'application linked_resources': 'ids; the file has `servers`',
  'application linked_resources.[].resource_type': 'as above',
  'application linked_resources.[].resource_id': 'as above',
  'variable target': 'there is one alone',
  'variable type': 'there is one alone',
  'pipeline trigger_when': 'changes nothing',
  'step trigger_after': 'the order of the list says it',
  'incoming_hook resource_type': 'the place in the file says it',
  'incoming_hook resource_id': 'the place in the file says it',
  'outgoing_hook resource_type': 'the place in the file says it',
  'outgoing_hook resource_id': 'the place in the file says it',
};

/** What makes something that no file describes. */
const otherOperations: Record<string, string> = {
  addApplicationVariable: 'the same as addVariable',
  addEnvironmentCredential: 'credential',
  addEnvironmentServer: 'server',
  addEnvironmentApplication: 'application',
  addVariable: 'variable',
  addPipeline: 'pipeline',
  addPipelineHook: 'hooks',
  addHook: 'hooks in the older form',
  previewNewOutgoingHook: 'makes nothing',
  addOrganizationCredential: 'of the organization, which holds several environments',
  addOrganizationProject: 'above the environment',
  addOrganizationRole: 'above the environment',
  addOrganizationTeam: 'above the environment',
  addProjectEnvironment: 'what a file is applied to; its name, type and description are its own',
  addProjectApiToken: 'above the environment, and all secret',
};

describe('the form of an environment file', () => {
  test('has every field by which the API makes and changes what an environment holds', async () => {
    const document = (await apiDocument()) as unknown as { components: { schemas: Record<string, Schema> } };
    const { schemas } = document.components;
    const own = ownFields();
    const faults: string[] = [];
    for (const { schema, kind } of bodies) {
      assert.ok(schemas[schema], `the API has a body ${schema}`);
      for (const [path, values] of fieldsOf(schemas[schema], schemas)) {
        const known = own.get(`${kind} ${path}`);
        const reason = reasons[`${kind} ${path}`];
        if (!known && reason === undefined)
          faults.push(`${schema}.${path} is neither in the file nor has it a reason`);
        if (known && reason !== undefined)
          faults.push(`${kind} ${path} is in the file and has a reason not to be`);
        for (const value of values)
          if (known && !known.includes(value))
            faults.push(`${schema}.${path} may be ${String(value)}, in a file not`);
      }
    }
    assert.deepEqual(faults, []);
  });

  test('knows every call that makes something in an environment', () => {
    const makers = operations.filter(({ permission }) => permission?.endsWith(':create')).map(({ id }) => id);
    assert.deepEqual(makers.toSorted(), Object.keys(otherOperations).toSorted());
  });

  test('has each of its fields in the table that compares and sends them', () => {
    const compared = new Set(
      kindNames.flatMap((kind) => [
        ...Object.keys(kinds[kind].fields).map((field) => `${kind} ${field}`),
        `${kind} ${kinds[kind].nameField}`,
        `${kind} was`,
        ...kindNames.map((inner) => `${kind} ${kinds[inner].list}`),
      ]),
    );
    const left = [...objectsOf()].flatMap(([kind, properties]) =>
      Object.keys(
        flatten(Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, innerOf(one)]))),
      )
        .map((field) => `${kind} ${field}`)
        .filter((field) => kind !== 'step' && !compared.has(field)),
    );
    assert.deepEqual(left, []);
  });

  test('is a JSON Schema that other programs understand, and the one in docs is this one', () => {
    const ajv = new Ajv2020({ strict: false });
    const text = readFileSync(join(import.meta.dirname, '../docs/hookline.schema.json'), 'utf8');
    assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(fileSchema)));
    const example = parse(exampleFile());
    assert.ok(ajv.validate(fileSchema, example), JSON.stringify(ajv.errors));
    assert.ok(!ajv.validate(fileSchema, { ...example, servrs: [] }));
  });
});

describe('a faulty file', () => {
  const faultsOf = (text: string) => faultText('f.yaml', readEnvironmentFile(text).faults);

  test('is answered with all of its faults at once, each with its place and what may be meant', () => {
    const text = `hookline: 1
applicatons: []
credentials:
  - name: GitHub
    provider_code: githup
    settings: { access_token: ghp_secret }
applications:
  - nmae: web
    repository: 5
  - name: shop
    repository: a/b
    credential: GitLab
    servers: [web-1]
    pipelines:
      - { name: Deploy, operation: deploy, steps: [{ comand: "true", timeout_seconds: 1.5 }] }
      - { name: Deploy, operation: deploy }
    variables:
      - { key: TOKEN, value: sekrit, hidden: true }
`;
    assert.equal(
      faultsOf(text),
      [
        'f.yaml:2:1: applicatons is not known; is applications meant?',
        'f.yaml:5:20: credentials[0].provider_code must be one of github, gitlab, bitbucket; is github meant?',
        'f.yaml:6:31: credentials[0].settings.access_token must be { env: … } or { file: … }',
        'f.yaml:8:5: applications[0].nmae is not known; is name meant?',
        'f.yaml:8:5: applications[0] needs name',
        'f.yaml:9:17: applications[0].repository must be a text: put it in quotes, "5"',
        'f.yaml:10:5: application shop: there is no credential "GitLab" in this file; one of the organization is given as { organization: "GitLab" }',
        'f.yaml:10:5: application shop: there is no server "web-1" in this file',
        'f.yaml:15:52: applications[1].pipelines[0].steps[0] needs command',
        'f.yaml:15:54: applications[1].pipelines[0].steps[0].comand is not known; is command meant?',
        'f.yaml:15:87: applications[1].pipelines[0].steps[0].timeout_seconds must be a whole number',
        'f.yaml:16:9: application shop, pipeline Deploy is there twice, first in line 15',
        'f.yaml:18:9: application shop, variable TOKEN is hidden, so its value must not stand here: give { env: NAME } or { file: path } instead',
      ].join('\n'),
    );
  });

  for (const [name, text, expected] of [
    ['without an end', 'hookline: 1\nservers: [', /f\.yaml:2:11: Flow sequence in block collection/],
    ['with a key twice', 'hookline: 1\nservers: []\nservers: []\n', /^f\.yaml:3:1: Map keys must be unique$/],
    ['with two documents', 'hookline: 1\n---\nhookline: 1\n', /multiple documents/],
    ['with a tag', 'hookline: 1\nservers: !!js/function x\n', /f\.yaml:2:10: Unresolved tag/],
    ['of another version', 'hookline: 2\n', /^f\.yaml:1:11: hookline must be at most 1$/],
    ['that is empty', '', /is empty: it begins with hookline: 1/],
    ['that is a list', '- hookline: 1\n', /^f\.yaml:1:1: must be a map$/],
    ['nested without end', '['.repeat(50_000), /^f\.yaml: is nested too deeply to be read$/],
    [
      'with an alias to itself',
      'hookline: 1\nservers: &a [*a]\n',
      /nested more than|is an alias of nothing|must be/,
    ],
    ['with an alias of nothing', 'hookline: 1\nservers: *nothing\n', /Unresolved alias|alias of nothing/],
    ['that is too large', `# ${'x'.repeat(5_000_000)}`, /^f\.yaml: has more than 4194304 bytes$/],
    ['of a NUL', '\u0000', /must be a map/],
  ] as const)
    test(`${name} is answered with a sentence`, () => {
      assert.match(faultsOf(text), expected);
    });

  test('whose aliases unfold to billions of values is refused in less than a second', () => {
    const ten = (alias: string) => `[${Array.from({ length: 10 }, () => alias).join(', ')}]`;
    const levels = [...'bcdefghij'].map(
      (letter, index) => `${letter}: &${letter} ${ten(`*${'abcdefghi'[index]}`)}`,
    );
    const bomb = `hookline: 1\na: &a ${ten('x')}\n${levels.join('\n')}\napplications: [{name: a, repository: b, pipelines: [{name: p, operation: deploy, outgoing_hooks: [{name: o, target_url: u, settings: {request_body: *j}}]}]}]\n`;
    const before = performance.now();
    assert.match(faultsOf(bomb), /the file holds more than 200000 values/);
    assert.ok(performance.now() - before < 1000);
  });

  test('a key __proto__ changes nothing but is told', () => {
    assert.match(faultsOf('hookline: 1\n__proto__: { polluted: true }\n'), /__proto__ is not known/);
    assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  });

  test('never throws, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        readEnvironmentFile(text);
        readEnvironmentFile(`hookline: 1\napplications:\n  - ${text}`);
      }),
      { numRuns: 100 },
    );
  });
});

test('any text comes back from a written file as it was', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: fc.constantFrom(' ', '\n', '\t', '\r', '#', ':', '-', '|', "'", '"', 'a') }),
  );
  fc.assert(
    fc.property(text, (command) => {
      const value = {
        hookline: 1,
        applications: [{ name: 'web', repository: 'a/b', build_command: command }],
      };
      assert.deepEqual(parse(writeEnvironmentFile(value)), value);
    }),
    { numRuns: 500 },
  );
});

test('a difference of lines leads from the one text to the other', () => {
  const text = fc
    .array(fc.constantFrom('a', 'b', 'c', ''), { minLength: 1, maxLength: 4 })
    .map((lines) => lines.join('\n'));
  fc.assert(
    fc.property(text, text, (from, to) => {
      const lines = lineDiff(from, to).filter((line) => line.text !== '…');
      if (from === to) return;
      const old = lines.filter(({ sign }) => sign !== '+').map((line) => line.text);
      const now = lines.filter(({ sign }) => sign !== '-').map((line) => line.text);
      assert.ok(from.split('\n').join('\n').includes(old.join('\n')) || old.length < from.split('\n').length);
      assert.ok(to.includes(now.join('\n')) || now.length < to.split('\n').length);
    }),
  );
});

function exampleFile(): string {
  const page = readFileSync(join(import.meta.dirname, '../docs/environment-file.md'), 'utf8');
  return /```yaml\n(# yaml-language-server.*?)```/s.exec(page)?.[1] ?? '';
}

/** Each field of a body, by its path; with the values that it may take. */
function fieldsOf(schema: Schema, schemas: Record<string, Schema>, at = ''): Map<string, unknown[]> {
  const found = new Map<string, unknown[]>();
  const walk = (given: Schema, path: string): void => {
    const one = given.$ref ? schemas[given.$ref.split('/').at(-1)!]! : given;
    for (const part of [...(one.anyOf ?? []), ...(one.oneOf ?? []), ...(one.allOf ?? [])]) walk(part, path);
    const values = one.enum ?? (one.const === undefined ? [] : [one.const]);
    if (path !== '')
      found.set(path, [...(found.get(path) ?? []), ...values.filter((value) => value !== null)]);
    for (const [name, part] of Object.entries(one.properties ?? {}))
      walk(part, path === '' ? name : `${path}.${name}`);
    if (one.items) walk(one.items, `${path}.[]`);
  };
  walk(schema, at);
  for (const path of found.keys()) if (path.endsWith('[]')) found.delete(path);
  return found;
}

/** The objects of the file, by what they describe. */
function objectsOf(): Map<string, Record<string, Schema>> {
  const found = new Map<string, Record<string, Schema>>();
  const lists = new Map<string, string>([['steps', 'step']]);
  for (const kind of kindNames) lists.set(kinds[kind].list, kind);
  const walk = (properties: Record<string, Schema>): void => {
    for (const [name, schema] of Object.entries(properties)) {
      const kind = lists.get(name);
      const inner = schema.items?.properties;
      if (kind === undefined || !inner) continue;
      found.set(kind, { ...found.get(kind), ...inner });
      walk(inner);
    }
  };
  // Safe: what TypeBox makes is JSON Schema.
  walk((fileSchema as unknown as Schema).properties!);
  return found;
}

function ownFields(): Map<string, unknown[]> {
  const own = new Map<string, unknown[]>();
  for (const [kind, properties] of objectsOf())
    for (const [path, values] of fieldsOf({ properties }, {})) own.set(`${kind} ${path}`, values);
  return own;
}

function innerOf(schema: Schema): unknown {
  const one =
    schema.anyOf?.find(({ properties }) => properties && !properties['env'] && !properties['file']) ?? schema;
  return one.properties && !one.properties['env'] ? one.properties : true;
}
