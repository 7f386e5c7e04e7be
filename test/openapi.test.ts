import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { createAnswerCheck, createSchemaCheck } from './support/answer-matches.ts';
import { until } from './support/api-client.ts';
import { startFakeProvider, type FakeProvider } from './support/fake-provider.ts';
import { startGitServer, type TestGitServer } from './support/git-server.ts';
import { generateClient, type GeneratedClient } from './support/generated-client.ts';
import {
  answerOf,
  operationsOf,
  pointer,
  readDocument,
  type OpenApiDocument,
} from './support/openapi-document.ts';
import { generalRefusals, refusals } from './support/openapi-refusals.ts';
import { scenario } from './support/openapi-scenario.ts';
import { createWalker, type Walker } from './support/openapi-walk.ts';
import { startReceiver, type Receiver } from './support/receiver.ts';
import { startServer, type TestServer } from './support/server.ts';

type Schema = {
  $ref?: string;
  title?: string;
  items?: Schema;
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
};

const admin = { email: 'admin@example.com', password: 'correct-horse-battery' };

describe('the OpenAPI document', () => {
  let server: TestServer;
  let document: OpenApiDocument;
  let client: GeneratedClient;
  let receiver: Receiver;
  let provider: FakeProvider;
  let git: TestGitServer;
  let walker: Walker;

  before(async () => {
    server = await startServer({ env: { HOOKLINE_MAX_BODY_BYTES: '65536' } });
    document = await readDocument(server);
    client = await generateClient(document);
    receiver = await startReceiver();
    provider = await startFakeProvider('github');
    git = await startGitServer();
    await git.createRepository('shop/shop', { 'index.html': 'The shop' });
    const urls = {
      receiverUrl: receiver.url,
      providerUrl: provider.apiUrl,
      repositoryUrl: git.cloneUrl('shop/shop'),
    };
    walker = createWalker({ client, document, admin, ...urls });
  });
  after(async () => {
    await client?.remove();
    await server?.stop();
    await receiver?.close();
    await provider?.close();
    await git?.stop();
  });

  const operations = () => operationsOf(document);

  test('it is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(structuredClone(document) as Record<string, unknown>);
    assert.deepEqual(result.errors ?? [], []);
    assert.equal(result.valid, true);
    assert.match(document.openapi, /^3\.1\./);
  });

  test('it is found at the public address, and its server is the API', () => {
    assert.equal(new URL(document.servers[0]!.url).pathname, '/api');
  });

  test('every operation has an id of its own', () => {
    const ids = operations().map(({ id }) => id);
    assert.deepEqual(
      ids.filter((id, index) => ids.indexOf(id) !== index),
      [],
    );
    for (const id of ids) assert.match(id, /^[a-z][A-Za-z0-9]*$/);
  });

  test('every operation has a summary, a description, an example, errors and a described tag', () => {
    const described = new Set(document.tags.filter((tag) => tag.description).map((tag) => tag.name));
    for (const { id, operation } of operations()) {
      assert.ok(operation.summary.length > 5, `${id} has no summary`);
      assert.ok(operation.description.length > 5, `${id} has no description`);
      assert.match(operation['x-codeSamples'][0]?.source ?? '', /^curl /, `${id} has no example of its call`);
      const statuses = Object.keys(operation.responses);
      assert.ok(
        statuses.some((status) => status.startsWith('2')),
        `${id} never succeeds`,
      );
      for (const status of ['429', '500', '503'])
        assert.ok(statuses.includes(status), `${id} has no ${status}`);
      for (const tag of operation.tags) assert.ok(described.has(tag), `the tag ${tag} is not described`);
    }
  });

  test('every body and answer has a name, and so has what is in them of any size', () => {
    const nameless: string[] = [];
    const examine = (place: string, schema: Schema, isOutermost: boolean) => {
      const { $ref, title, items, anyOf, properties, additionalProperties } = schema;
      if ($ref !== undefined) return;
      const parts = Object.entries(properties ?? {});
      if (title === undefined && parts.length > (isOutermost ? 0 : 2)) nameless.push(place);
      for (const [name, part] of parts) examine(`${place}.${name}`, part, false);
      for (const part of anyOf ?? []) examine(place, part, isOutermost);
      if (items) examine(`${place}[]`, items, isOutermost);
      if (typeof additionalProperties === 'object') examine(`${place}.*`, additionalProperties, false);
    };
    for (const [name, schema] of Object.entries(document.components.schemas)) examine(name, schema, false);
    for (const { id, operation } of operations()) {
      for (const { schema } of Object.values(operation.requestBody?.content ?? {}))
        examine(`${id} body`, schema, true);
      for (const [status, answer] of Object.entries(operation.responses))
        if ('content' in answer)
          for (const { schema } of Object.values(answer.content ?? {}))
            examine(`${id} ${status}`, schema, true);
    }
    assert.deepEqual(nameless, []);
  });

  test('every example is what its schema asks for', () => {
    const check = createSchemaCheck(document);
    const faults: string[] = [];
    const examine = (place: string[], name: string, example: unknown) => {
      if (example === undefined) faults.push(`${name} has no example`);
      else
        for (const fault of check.faults(pointer(...place, 'schema'), example))
          faults.push(`${name}: ${fault}`);
    };
    for (const { id, method, path, operation } of operations()) {
      const root = ['paths', path, method];
      operation.parameters?.forEach((parameter, index) => {
        if (parameter.in === 'path')
          examine([...root, 'parameters', String(index)], `${id} ${parameter.name}`, parameter.example);
      });
      for (const [type, { example }] of Object.entries(operation.requestBody?.content ?? {}))
        examine([...root, 'requestBody', 'content', type], `${id} body`, example);
      for (const status of Object.keys(operation.responses)) {
        const { answer, names } = answerOf(document, { path, method, status });
        for (const [type, { example }] of Object.entries(answer.content ?? {}))
          examine([...names, 'content', type], `${id} ${status}`, example);
      }
    }
    assert.deepEqual(faults, []);
  });

  test('a client can be generated from it, has a function for every operation, and compiles', async () => {
    assert.deepEqual(
      client.functions.toSorted(),
      operations()
        .map(({ id }) => id)
        .toSorted(),
    );
    assert.equal(await client.typeFaults(), '');
  });

  test('the generated client walks every operation, and every answer is what the document says', async () => {
    for (const step of scenario) await walker.take(step);
    const walked = new Set(scenario.map(({ operationId }) => operationId));
    const left = operations().filter(({ id }) => !walked.has(id));
    assert.deepEqual(
      left.map(({ id }) => id),
      [],
    );
  });

  for (const { why, status, input } of generalRefusals) {
    test(`${why} is answered ${status} by every operation that it concerns, as the document says`, async () => {
      let count = 0;
      for (const found of operations()) {
        const sent = input(found, walker.inputOf(found.id), walker);
        if (!sent) continue;
        await walker.expect(status, found.id, sent);
        count++;
      }
      assert.ok(count > 10, `only ${count} were called`);
    });
  }

  for (const { why, operationId, status, input } of refusals) {
    test(`${why} is answered ${status}, as the document says`, async () => {
      await walker.expect(status, operationId, input(walker));
    });
  }

  test('too many wrong passwords are answered 429, as the document says', async () => {
    const body = { email: 'nobody@example.com', password: 'guessed' };
    const limited = await until(async () => {
      const answer = await client.call('loginUser', { body });
      return answer.status === 429 && answer;
    }, 'a refusal of the guesses');
    createAnswerCheck(document)('loginUser', limited);
  });
});
