import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { JsonSchema, ProviderContract } from './provider-contracts.ts';

export type ProviderRequest = {
  method: string;
  url: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: string;
};

// `nullable` and `example` are words of OpenAPI 3.0, of which Ajv knows the first; formats are checked below.
const ajv = new Ajv2020({
  allErrors: true,
  strictTypes: false,
  keywords: ['example'],
  formats: { uri: isHttpUrl, 'date-time': true },
});
const validators = new WeakMap<JsonSchema, ReturnType<typeof ajv.compile>>();

/**
 * Throws unless a request is what the provider asks for, at the API that begins with `base`, and says all that is wrong
 * with its body. Gives back the parts of the path, percent-encoded as they were sent, and the body.
 */
export function checkRequest(
  contract: ProviderContract,
  base: string,
  request: ProviderRequest,
): { parameters: Record<string, string>; body: Record<string, unknown> } {
  assert.equal(request.method, contract.method);
  const parameters = readPath(contract, base, request.url);
  for (const [name, pattern] of Object.entries(contract.headers)) {
    assert.match(String(request.headers[name] ?? ''), pattern, `the header ${name}`);
  }
  if (contract.authorization === null) assert.equal(request.headers.authorization, undefined);
  else assert.match(String(request.headers.authorization), contract.authorization);

  if (contract.body === null) {
    assert.equal(request.body, '');
    assert.equal(request.headers['content-type'], undefined);
    return { parameters, body: {} };
  }
  const body = JSON.parse(request.body) as Record<string, unknown>;
  let validate = validators.get(contract.body);
  if (!validate) validators.set(contract.body, (validate = ajv.compile(closed(contract.body))));
  const isValid = validate(body);
  assert.ok(isValid, `${ajv.errorsText(validate.errors)} in ${request.body}, by ${contract.source[0]}`);
  for (const [name, { mostCharacters, source }] of Object.entries(contract.observed)) {
    const { length } = [...String(body[name] ?? '')];
    assert.ok(length <= mostCharacters, `${name} has ${length} characters, more than ${source} allows`);
  }
  return { parameters, body };
}

function readPath(
  { path, parameters, query }: ProviderContract,
  base: string,
  wholeUrl: string,
): Record<string, string> {
  const [url = '', search] = wholeUrl.split('?');
  assert.ok(url.startsWith(`${base}/`), `${url} is not below ${base}`);
  for (const [name, value] of new URLSearchParams(search)) {
    const form = query?.[name] ?? assert.fail(`${wholeUrl} has ${name}, which is not asked for`);
    assert.match(value, form, `${name} in ${wholeUrl}`);
  }
  const pattern = path.replaceAll('.', String.raw`\.`).replaceAll(/\{(\w+)\}/g, '(?<$1>[^/?#]+)');
  const found = new RegExp(`^${pattern}$`).exec(url.slice(base.length));
  assert.ok(found?.groups, `${url} is not ${base}${path}`);
  for (const [name, form] of Object.entries(parameters))
    assert.match(found.groups[name]!, form, `${name} in ${url}`);
  return { ...found.groups };
}

/** What a provider does not name it may ignore or refuse: neither is what a preset wants. */
function closed(schema: JsonSchema): JsonSchema {
  const { properties } = schema;
  if (typeof properties !== 'object' || properties === null) return schema;
  const inner = Object.entries(properties).map(([name, one]) => [name, closed(one as JsonSchema)]);
  return { ...schema, properties: Object.fromEntries(inner), additionalProperties: false };
}

function isHttpUrl(text: string): boolean {
  return /^https?:$/.test(URL.parse(text)?.protocol ?? '');
}
