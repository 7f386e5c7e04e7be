import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { CallAnswer } from './generated-client.ts';
import {
  answerOf,
  operationsOf,
  pointer,
  type Answer,
  type Header,
  type OpenApiDocument,
} from './openapi-document.ts';

export type SchemaCheck = {
  /** What is wrong with `value` by the schema at a JSON pointer of the document; empty when nothing. */
  faults(schemaPointer: string, value: unknown): string[];
};

const formats = {
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/,
  uri: /^https?:\/\/\S+$/,
};

/** Validates by the schemas of a document, each taken as closed: a property that none of them names is a fault. */
export function createSchemaCheck(document: OpenApiDocument): SchemaCheck {
  const ajv = new Ajv2020({ strict: false, allErrors: true, formats });
  ajv.addSchema(closed(document) as object, 'document');
  return {
    faults: (schemaPointer, value) => {
      const validate = ajv.getSchema(`document${schemaPointer}`);
      if (!validate) throw new Error(`The document has nothing at ${schemaPointer}.`);
      if (validate(value)) return [];
      return (validate.errors ?? []).map(
        ({ instancePath, message, params }) => `${instancePath || 'it'} ${message} ${JSON.stringify(params)}`,
      );
    },
  };
}

/** Asserts that answers are what the document says of their operation: status, headers, content type and body. */
export function createAnswerCheck(
  document: OpenApiDocument,
): (operationId: string, answer: CallAnswer) => void {
  const schemas = createSchemaCheck(document);
  const operations = new Map(operationsOf(document).map((found) => [found.id, found]));
  return (operationId, { status, headers, body }) => {
    const found = operations.get(operationId);
    assert.ok(found, `the document has no operation ${operationId}`);
    const { responses } = found.operation;
    const key = String(status);
    const told = `${operationId} answered ${status} ${JSON.stringify(body)}`;
    assert.ok(Object.hasOwn(responses, key), `${told}, which the document does not know`);
    const { answer: documented, names } = answerOf(document, { ...found, status: key });
    checkHeaders(document, documented, headers, told);
    if (!documented.content) return assert.equal(body, undefined, `${told}, where nothing was to come`);
    const type = headers.get('content-type')?.split(';')[0] ?? '';
    assert.ok(Object.hasOwn(documented.content, type), `${told} as ${type}`);
    const place = pointer(...names, 'content', type, 'schema');
    assert.deepEqual(schemas.faults(place, body), [], `${told}, which does not match`);
  };
}

function checkHeaders(document: OpenApiDocument, answer: Answer, headers: Headers, told: string): void {
  for (const [name, header] of Object.entries(answer.headers)) {
    const { required } = resolveHeader(document, header);
    if (required) assert.ok(headers.has(name), `${told} without the header ${name}`);
  }
}

function resolveHeader(document: OpenApiDocument, header: Header): Header {
  const name = header.$ref?.split('/').at(-1);
  return name === undefined ? header : document.components.headers[name]!;
}

/** A copy in which each object schema refuses what it does not name; parts of an `allOf` are closed as one. */
function closed(node: unknown, isPart = false): unknown {
  if (Array.isArray(node)) return node.map((item) => closed(item, isPart));
  if (typeof node !== 'object' || node === null) return node;
  const copy = Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, closed(value, key === 'allOf')]),
  );
  if (isPart) return copy;
  if ('allOf' in copy) return { unevaluatedProperties: false, ...copy };
  const isClosable =
    'properties' in copy && !('additionalProperties' in copy) && !('patternProperties' in copy);
  return isClosable ? { ...copy, additionalProperties: false } : copy;
}
