import { readFileSync } from 'node:fs';
import type { JsonSchema, ObservedLimit, ProviderContract } from './provider-contracts.ts';

/** What GitHub says itself: the OpenAPI of api.github.com, as `@octokit/openapi` carries it. */
export function githubContracts(): { commitStatus: ProviderContract; issueComment: ProviderContract } {
  return {
    commitStatus: contractOf('/repos/{owner}/{repo}/statuses/{sha}', {
      // "description is too long (maximum is 140 characters)"
      description: {
        mostCharacters: 140,
        source: 'https://github.com/sclorg/testing-farm-as-github-action/pull/187',
      },
      context: { mostCharacters: 255, source: 'https://github.com/runatlantis/atlantis/pull/6541' },
    }),
    issueComment: contractOf('/repos/{owner}/{repo}/issues/{issue_number}/comments', {
      // "Body is too long (maximum is 65536 characters)"
      body: { mostCharacters: 65_536, source: 'https://github.com/suzuki-shunsuke/github-comment/pull/125' },
    }),
  };
}

type Parameter = { name: string; in: string; required?: boolean; schema: { type: string } };
type Operation = {
  parameters: (Parameter | { $ref: string })[];
  requestBody: { content: Record<string, { schema: JsonSchema }> };
  responses: Record<string, unknown>;
};
type Description = {
  info: { version: string };
  paths: Record<string, { post?: Operation }>;
  components: { parameters: Record<string, Parameter> };
};

let description: Description | undefined;

function contractOf(path: string, observed: Record<string, ObservedLimit>): ProviderContract {
  // Read as a file: the package's own entry loads every description that there is, a third of a gigabyte.
  const file = new URL(import.meta.resolve('@octokit/openapi/generated/api.github.com.json'));
  description ??= JSON.parse(readFileSync(file, 'utf8')) as Description;
  const { info, paths, components } = description;
  const operation = paths[path]?.post;
  if (!operation) throw new Error(`GitHub describes no POST ${path}`);
  const parameters = operation.parameters
    .map((one) => ('$ref' in one ? components.parameters[one.$ref.split('/').at(-1)!]! : one))
    .filter((one) => one.in === 'path');
  return {
    method: 'POST',
    path,
    parameters: Object.fromEntries(
      parameters.map(({ name, schema }) => [name, schema.type === 'integer' ? /^\d+$/ : /^[\w.-]+$/]),
    ),
    headers: {
      // The documentation of the REST API: "Getting started", "API versions". Without a user agent GitHub answers 403.
      accept: /^application\/vnd\.github\+json$/,
      'content-type': /^application\/json\b/,
      'user-agent': /\S/,
      'x-github-api-version': /^\d{4}-\d\d-\d\d$/,
    },
    authorization: /^Bearer \S+$/,
    body: operation.requestBody.content['application/json']!.schema,
    observed,
    success: Object.keys(operation.responses)
      .map(Number)
      .filter((status) => status < 300),
    source: [`@octokit/openapi ${info.version}, api.github.com.json, POST ${path}`],
  };
}
