import { readFileSync } from 'node:fs';
import type { JsonSchema, ObservedLimit, ProviderContract } from './provider-contracts.ts';
import type { HookContracts } from './provider-hook-contracts.ts';

/** What GitHub says itself: the OpenAPI of api.github.com, as `@octokit/openapi` carries it. */
export function githubContracts(): { commitStatus: ProviderContract; issueComment: ProviderContract } {
  return {
    commitStatus: contractOf('post', '/repos/{owner}/{repo}/statuses/{sha}', {
      // "description is too long (maximum is 140 characters)"
      description: {
        mostCharacters: 140,
        source: 'https://github.com/sclorg/testing-farm-as-github-action/pull/187',
      },
      context: { mostCharacters: 255, source: 'https://github.com/runatlantis/atlantis/pull/6541' },
    }),
    issueComment: contractOf('post', '/repos/{owner}/{repo}/issues/{issue_number}/comments', {
      // "Body is too long (maximum is 65536 characters)"
      body: { mostCharacters: 65_536, source: 'https://github.com/suzuki-shunsuke/github-comment/pull/125' },
    }),
  };
}

export function githubHookContracts(): HookContracts {
  const all = '/repos/{owner}/{repo}/hooks';
  return {
    list: contractOf('get', all),
    create: contractOf('post', all),
    update: contractOf('patch', `${all}/{hook_id}`),
    remove: contractOf('delete', `${all}/{hook_id}`),
  };
}

type Method = 'get' | 'post' | 'patch' | 'delete';
type Parameter = { name: string; in: string; required?: boolean; schema: { type: string } };
type Operation = {
  parameters: (Parameter | { $ref: string })[];
  requestBody?: { content: Record<string, { schema: JsonSchema }> };
  responses: Record<string, unknown>;
};
type Description = {
  info: { version: string };
  paths: Record<string, { [method in Method]?: Operation }>;
  components: { parameters: Record<string, Parameter>; schemas: Record<string, JsonSchema> };
};

let description: Description | undefined;

function contractOf(
  method: Method,
  path: string,
  observed: Record<string, ObservedLimit> = {},
): ProviderContract {
  // Read as a file: the package's own entry loads every description that there is, a third of a gigabyte.
  const file = new URL(import.meta.resolve('@octokit/openapi/generated/api.github.com.json'));
  description ??= JSON.parse(readFileSync(file, 'utf8')) as Description;
  const { info, paths, components } = description;
  const operation = paths[path]?.[method];
  if (!operation) throw new Error(`GitHub describes no ${method} ${path}`);
  const parameters = operation.parameters.map((one) =>
    '$ref' in one ? components.parameters[one.$ref.split('/').at(-1)!]! : one,
  );
  const formsOf = (place: string) =>
    Object.fromEntries(
      parameters
        .filter((one) => one.in === place)
        .map(({ name, schema }) => [name, schema.type === 'integer' ? /^\d+$/ : /^[\w.-]+$/]),
    );
  const body = operation.requestBody?.content['application/json']?.schema ?? null;
  return {
    // Safe: the same in capitals.
    method: method.toUpperCase() as ProviderContract['method'],
    path,
    parameters: formsOf('path'),
    query: formsOf('query'),
    headers: {
      // The documentation of the REST API: "Getting started", "API versions". Without a user agent GitHub answers 403.
      accept: /^application\/vnd\.github\+json$/,
      ...(body ? { 'content-type': /^application\/json\b/ } : {}),
      'user-agent': /\S/,
      'x-github-api-version': /^\d{4}-\d\d-\d\d$/,
    },
    authorization: /^Bearer \S+$/,
    body: body && (resolved(body, components.schemas) as JsonSchema),
    observed,
    success: Object.keys(operation.responses)
      .map(Number)
      .filter((status) => status < 300),
    source: [`@octokit/openapi ${info.version}, api.github.com.json, ${method} ${path}`],
  };
}

/** With what `$ref` names in its place. */
function resolved(schema: unknown, named: Record<string, JsonSchema>): unknown {
  if (Array.isArray(schema)) return schema.map((one) => resolved(one, named));
  if (typeof schema !== 'object' || schema === null) return schema;
  if ('$ref' in schema) return resolved(named[String(schema.$ref).split('/').at(-1)!], named);
  return Object.fromEntries(Object.entries(schema).map(([name, one]) => [name, resolved(one, named)]));
}
