import { Ajv2020 } from 'ajv/dist/2020.js';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, test } from 'node:test';
import { Type } from 'typebox';
import { apiRoutes } from '../scripts/api-routes.ts';
import { mcpDocument } from '../scripts/mcp-table.ts';
import { allTools } from '../src/mcp/all-tools.ts';
import { notTools, toolRows } from '../src/mcp/tool-rows.ts';
import { toolsOf, type Tool } from '../src/mcp/tools.ts';
import { createPart } from '../src/mcp/read-log.ts';
import { shorten } from '../src/mcp/shorten.ts';
import type { ApiRoute } from '../src/openapi/collect-routes.ts';
import type { JsonSchema } from '../src/openapi/json-schema.ts';

let routes: ApiRoute[];
let tools: Tool[];

before(async () => {
  routes = await apiRoutes();
  tools = allTools(routes);
});

test('every operation of the API is a tool, or stands on the list of those that are none with its reason', () => {
  const ids = routes.map(({ schema }) => schema.operationId ?? '');
  const made = new Set(tools.map(({ operationId }) => operationId));
  // The one that a tool of several operations stands for, too.
  const missing = ids.filter((id) => !made.has(id) && !Object.hasOwn(notTools, id));
  assert.deepEqual(missing, []);
  for (const id of [...Object.keys(notTools), ...Object.keys(toolRows)])
    assert.ok(ids.includes(id), `${id} is no operation`);
  assert.deepEqual(
    Object.keys(toolRows).filter((id) => Object.hasOwn(notTools, id)),
    [],
  );
  assert.ok(Object.values(notTools).every((reason) => reason.length > 10));
});

test('a new route is a tool without another line', async () => {
  const route = {
    method: 'post',
    path: '/things/{thing_id}/shine',
    schema: {
      operationId: 'shineThing',
      summary: 'Make a thing shine',
      params: Type.Object({ thing_id: Type.Integer() }) as JsonSchema,
      body: Type.Object({ how: Type.Optional(Type.String()) }) as JsonSchema,
      response: { 204: Type.Null() as JsonSchema },
    },
    config: { access: { permission: 'server:update', on: 'server', param: 'thing_id' } },
  } as unknown as ApiRoute;
  const [tool] = toolsOf([route]);
  assert.equal(tool?.name, 'shine_thing');
  assert.match(tool.description, /^Make a thing shine\. Needs the permission server:update\.$/);
  assert.deepEqual(tool.needs, ['server:update']);
  assert.deepEqual(Object.keys(tool.inputSchema.properties), ['thing_id', 'how']);
  assert.deepEqual(tool.inputSchema.required, ['thing_id']);
});

test('every schema of a tool is JSON Schema of 2020-12 without references, an object at the top', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  for (const tool of tools) {
    for (const schema of [tool.inputSchema, tool.outputSchema]) {
      assert.doesNotThrow(() => ajv.compile(schema), tool.name);
      assert.equal(schema.type, 'object', tool.name);
      assert.doesNotMatch(JSON.stringify(schema), /"\$ref"|"~|"\$id"/, tool.name);
    }
    assert.equal(tool.inputSchema.additionalProperties, false, tool.name);
    for (const keyword of ['anyOf', 'oneOf', 'allOf'])
      assert.ok(!(keyword in tool.inputSchema) && !(keyword in tool.outputSchema), tool.name);
    const { properties } = tool.inputSchema;
    // What providers of models take as names.
    for (const name of Object.keys(properties)) assert.match(name, /^[a-zA-Z0-9_.-]{1,64}$/, tool.name);
    for (const name of tool.inputSchema.required ?? []) assert.ok(name in properties, `${tool.name} ${name}`);
  }
});

test('the names of tools are those that every client takes, and each tool says what it does', () => {
  for (const { name, description, annotations } of tools) {
    assert.match(name, /^[a-z][a-z_]{2,47}$/);
    assert.ok(description.length >= 20 && description.length <= 1500, `${name}: ${description}`);
    assert.ok(annotations.title.length > 5, name);
    assert.doesNotMatch(description, /undefined|\bTODO\b/, name);
  }
});

test('the hints say what a tool does: reading, ending, reaching out', () => {
  const hintsOf = (name: string) => {
    const tool = tools.find((one) => one.name === name);
    assert.ok(tool, name);
    const { title: _title, ...hints } = tool.annotations;
    return Object.entries(hints)
      .filter(([, value]) => value)
      .map(([hint]) => hint.replace('Hint', ''));
  };
  assert.deepEqual(hintsOf('list_actions'), ['readOnly', 'idempotent']);
  assert.deepEqual(hintsOf('test_incoming_hook'), ['readOnly', 'idempotent']);
  assert.deepEqual(hintsOf('create_application'), []);
  assert.deepEqual(hintsOf('update_application'), ['destructive', 'idempotent']);
  assert.deepEqual(hintsOf('delete_application'), ['destructive', 'idempotent']);
  assert.deepEqual(hintsOf('run_pipeline'), ['destructive', 'openWorld']);
  assert.deepEqual(hintsOf('send_event'), ['destructive', 'openWorld']);
  assert.deepEqual(hintsOf('rotate_hook_secret'), ['destructive']);
  for (const { name, operationId, annotations } of tools) {
    const route = routes.find(({ schema }) => schema.operationId === operationId);
    if (route?.method === 'delete') assert.ok(annotations.destructiveHint, name);
    if (route?.method === 'get') assert.ok(annotations.readOnlyHint, name);
    if (route?.config.startsAction) assert.ok(annotations.openWorldHint, name);
    assert.ok(!(annotations.readOnlyHint && annotations.destructiveHint), name);
  }
});

test('docs/mcp.md names every tool, prompt and left-out operation that there is', async () => {
  assert.equal(await readFile('docs/mcp.md', 'utf8'), await mcpDocument());
});

/** As it is read: in pieces that end anywhere. */
function partOf(text: string, wanted: { from: number | null; count: number }) {
  const part = createPart(wanted);
  for (let at = 0; at < text.length; at += 777) part.add(text.slice(at, at + 777));
  return part.end();
}

test('of a long log the end is read, and from a line on what follows it', () => {
  const text = Array.from({ length: 1000 }, (_, index) => `line ${index + 1}\n`).join('');
  const end = partOf(text, { from: null, count: 3 });
  assert.deepEqual(end, {
    text: 'line 998\nline 999\nline 1000',
    from_line: 998,
    to_line: 1000,
    total_lines: 1000,
  });
  const middle = partOf(text, { from: 500, count: 2 });
  assert.deepEqual(middle, { text: 'line 500\nline 501', from_line: 500, to_line: 501, total_lines: 1000 });
  assert.equal(partOf(text, { from: 5000, count: 2 }).from_line, 0);
  assert.equal(partOf('', { from: null, count: 10 }).total_lines, 0);
  const wide = `${'x'.repeat(100_000)}\n`.repeat(50);
  const shown = partOf(wide, { from: null, count: 50 });
  assert.ok(shown.text.length < 40_000);
  assert.equal(shown.to_line, 50);
  assert.match(shown.text, /… \(100000 characters\)$/);
});

test('a large answer is made smaller in the same form, and says so', () => {
  const small = { items: [{ name: 'a' }], next_page: null };
  assert.deepEqual(shorten(small), { value: small });
  const record = shorten({ id: 1, request_body: { text: 'x'.repeat(500_000), list: [1, 2] } });
  assert.ok(JSON.stringify(record.value).length < 40_100);
  assert.match(record.note ?? '', /cut/);
  assert.deepEqual((record.value['request_body'] as { list: unknown }).list, [1, 2]);
  const items = Array.from({ length: 100 }, (_, id) => ({ id, words: Array(100).fill('word '.repeat(20)) }));
  const list = shorten({ items, next_page: 2 });
  assert.ok(JSON.stringify(list.value).length < 45_000);
  assert.match(list.note ?? '', /Only the first \d+ .*per_page/);
  const emoji = shorten({ text: '😀'.repeat(50_000) }).value['text'] as string;
  assert.ok(emoji.isWellFormed());
});
