import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Type } from 'typebox';
import { collectRoutes } from '../src/openapi/collect-routes.ts';
import { openApiDocument } from '../src/openapi/document.ts';
import { exampleOf } from '../src/openapi/example.ts';
import { hoist } from '../src/openapi/hoist-schemas.ts';
import type { JsonSchema, SchemaComponents } from '../src/openapi/json-schema.ts';
import { Nullable } from '../src/platform/http/schemas.ts';
import { createHttpApp, type HttpApp } from '../src/platform/http/server.ts';
import pino from 'pino';

const Person = Type.Object({ name: Type.String() }, { title: 'Person' });
const Team = Type.Object({ lead: Nullable(Person), people: Type.Array(Person) }, { title: 'Team' });
const person = { $ref: '#/components/schemas/Person' };

/** Registers routes on an app of its own and describes them. */
async function describe(register: (app: HttpApp) => void) {
  const app = createHttpApp({ log: pino({ level: 'silent' }), trustProxy: false });
  const routes = collectRoutes(app);
  register(app);
  await app.ready();
  return openApiDocument(routes, { server: 'https://hooks.example.com/api', version: '1.0.0' });
}

test('a schema with a title is described once and referred to, within others too', () => {
  const components: SchemaComponents = new Map();
  assert.deepEqual(hoist(Type.Array(Team) as JsonSchema, components), {
    type: 'array',
    items: { $ref: '#/components/schemas/Team' },
  });
  assert.deepEqual([...components.keys()], ['Person', 'Team']);
  assert.deepEqual(components.get('Team')?.properties, {
    lead: { anyOf: [person, { type: 'null' }] },
    people: { type: 'array', items: person },
  });
});

test('two different schemas cannot have one title', () => {
  const components: SchemaComponents = new Map();
  hoist(Person as JsonSchema, components);
  hoist(Type.Object({ name: Type.String() }, { title: 'Person' }) as JsonSchema, components);
  const other = Type.Object({ name: Type.Integer() }, { title: 'Person' });
  assert.throws(() => hoist(other as JsonSchema, components), /titled Person/);
});

test('an example is made of the values that fit, however deep', () => {
  const schema = Type.Object({
    email: Type.String(),
    name: Type.String({ pattern: '^[A-Z_]+$', default: 'A_NAME' }),
    created_at: Type.String(),
    tries: Type.Integer({ minimum: 3 }),
    owner: Nullable(Person),
  });
  assert.deepEqual(
    exampleOf(hoist(schema as JsonSchema, new Map()), [], new Map([['Person', Person as JsonSchema]])),
    {
      email: 'ada@example.com',
      name: 'A_NAME',
      created_at: '2026-03-14T09:26:53.000Z',
      tries: 3,
      owner: { name: 'Ada Lovelace' },
    },
  );
});

test('what a route declares of itself is in its description', async () => {
  const document = await describe((app) =>
    app.route({
      method: 'DELETE',
      url: '/servers/:server_id',
      config: {
        access: { permission: 'server:delete', on: 'server', param: 'server_id' },
        startsAction: true,
        errors: { 409: 'An action still runs on it.' },
      },
      schema: { operationId: 'deleteServer', summary: 'Delete a server', response: { 204: Type.Null() } },
      handler: async (_request, reply) => reply.status(204).send(null),
    }),
  );
  const operation = document.paths['/servers/{server_id}']!['delete'] as {
    description: string;
    responses: Record<string, { description?: string; headers?: object; content?: object }>;
  };
  assert.match(operation.description, /`server:delete` where the server lives/);
  assert.deepEqual(Object.keys(operation.responses), [
    '204',
    '401',
    '403',
    '404',
    '409',
    '429',
    '500',
    '503',
  ]);
  assert.equal(operation.responses['409']?.description, 'An action still runs on it.');
  assert.equal(operation.responses['204']?.content, undefined);
  assert.ok('x-devopness-action-id' in (operation.responses['204']?.headers ?? {}));
});

test('operations without an id, or with the id of another, are no document', async () => {
  const route = (url: string, schema: object) => (app: HttpApp) =>
    app.route({ method: 'GET', url, config: { access: 'public' }, schema, handler: async () => ({}) });
  await assert.rejects(describe(route('/users', { summary: 'Users' })), /no operationId/);
  const twice = (app: HttpApp) => {
    route('/users', { operationId: 'one' })(app);
    route('/teams', { operationId: 'one' })(app);
  };
  await assert.rejects(describe(twice), /Two operations are called one/);
});
