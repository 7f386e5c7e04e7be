import type { ProviderContract } from './provider-contracts.ts';

/*
 * What the providers say that requests about the webhooks of a repository look like, written down from their public
 * documents. GitHub's is read from its own description: `github-contracts.ts`.
 */

export type HookContracts = Record<'list' | 'create' | 'update' | 'remove', ProviderContract>;

const json = { 'content-type': /^application\/json\b/, accept: /^application\/json$/ };
const noBody = { headers: { accept: /^application\/json$/ }, body: null, observed: {} } as const;
const bearer = /^Bearer \S+$/;

const gitlabSource = [
  'gitlabhq/gitlabhq:doc/api/project_webhooks.md at 0c97aa5810d9daea001280eae7e3346eb1dd62b0',
  'gitlabhq/gitlabhq:lib/api/project_hooks.rb at 038366a0932c5f88019cc3db85382f26af3933e7',
  'https://gitlab.com/gitlab-org/gitlab/-/merge_requests/231325, for `signing_token`',
];
const gitlabPath = { id: /^(\d+|[\w.-]+(%2F[\w.-]+)+)$/, hook_id: /^[1-9]\d*$/ };
const flag = { type: 'boolean' };
const gitlabBody = {
  type: 'object',
  // At a change too.
  required: ['url'],
  properties: {
    url: { type: 'string', format: 'uri' },
    name: { type: 'string' },
    description: { type: 'string' },
    confidential_issues_events: flag,
    confidential_note_events: flag,
    deployment_events: flag,
    enable_ssl_verification: flag,
    feature_flag_events: flag,
    issues_events: flag,
    job_events: flag,
    merge_requests_events: flag,
    note_events: flag,
    pipeline_events: flag,
    push_events_branch_filter: { type: 'string' },
    branch_filter_strategy: { enum: ['wildcard', 'regex', 'all_branches'] },
    push_events: flag,
    releases_events: flag,
    tag_push_events: flag,
    token: { type: 'string' },
    // "must be in whsec_<base64> format encoding a 32-byte key"
    signing_token: { type: 'string', pattern: '^whsec_[A-Za-z0-9+/]{43}=$' },
    wiki_page_events: flag,
    resource_access_token_events: flag,
    custom_webhook_template: { type: 'string' },
    custom_headers: { type: 'array' },
  },
};
/** `https://{gitlab}/api/v4`. */
export const gitlabHookContracts: HookContracts = {
  list: {
    ...noBody,
    method: 'GET',
    path: '/projects/{id}/hooks',
    parameters: { id: gitlabPath.id },
    // doc/api/rest/_index.md, "Offset-based pagination".
    query: { page: /^[1-9]\d*$/, per_page: /^([1-9]\d?|100)$/ },
    authorization: bearer,
    success: [200],
    source: gitlabSource,
  },
  create: {
    method: 'POST',
    path: '/projects/{id}/hooks',
    parameters: { id: gitlabPath.id },
    headers: json,
    authorization: bearer,
    body: gitlabBody,
    observed: {},
    success: [201],
    source: gitlabSource,
  },
  update: {
    method: 'PUT',
    path: '/projects/{id}/hooks/{hook_id}',
    parameters: gitlabPath,
    headers: json,
    authorization: bearer,
    body: gitlabBody,
    observed: {},
    success: [200],
    source: gitlabSource,
  },
  remove: {
    ...noBody,
    method: 'DELETE',
    path: '/projects/{id}/hooks/{hook_id}',
    parameters: gitlabPath,
    authorization: bearer,
    success: [204],
    source: gitlabSource,
  },
};

/** A copy of Atlassian's OpenAPI of Bitbucket Cloud. */
const cloudSource = [
  'FabianSchurig/bitbucket-cli:schema/hooks-schema.yaml, /repositories/{workspace}/{repo_slug}/hooks',
];
const cloudHooks = '/repositories/{workspace}/{repo_slug}/hooks';
const slug = /^[\w.-]+$/;
const cloudPath = { workspace: slug, repo_slug: slug };
const cloudHookPath = { ...cloudPath, uid: /^%7B[0-9a-f-]{36}%7D$/ };
const cloudBody = {
  type: 'object',
  // The schema wants only `type`, which the example in the same document does without.
  required: ['url', 'events'],
  properties: {
    url: { type: 'string', format: 'uri' },
    description: { type: 'string' },
    active: flag,
    events: {
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: {
        enum: [
          'issue:comment_created',
          'issue:created',
          'issue:updated',
          'pipeline:span_created',
          'project:updated',
          'pullrequest:approved',
          'pullrequest:changes_request_created',
          'pullrequest:changes_request_removed',
          'pullrequest:comment_created',
          'pullrequest:comment_deleted',
          'pullrequest:comment_reopened',
          'pullrequest:comment_resolved',
          'pullrequest:comment_updated',
          'pullrequest:created',
          'pullrequest:fulfilled',
          'pullrequest:push',
          'pullrequest:rejected',
          'pullrequest:unapproved',
          'pullrequest:updated',
          'repo:commit_comment_created',
          'repo:commit_status_created',
          'repo:commit_status_updated',
          'repo:created',
          'repo:deleted',
          'repo:fork',
          'repo:imported',
          'repo:push',
          'repo:transfer',
          'repo:updated',
        ],
      },
    },
    secret: { type: 'string', minLength: 0, maxLength: 128 },
  },
};
/** `https://api.bitbucket.org/2.0`. */
export const bitbucketCloudHookContracts: HookContracts = {
  list: {
    ...noBody,
    method: 'GET',
    path: cloudHooks,
    parameters: cloudPath,
    // "The default value is 10 with 100 being the maximum"; `page` is of the links that it gives.
    query: { pagelen: /^([1-9]\d?|100)$/, page: /^[1-9]\d*$/ },
    authorization: bearer,
    success: [200],
    source: cloudSource,
  },
  create: {
    method: 'POST',
    path: cloudHooks,
    parameters: cloudPath,
    headers: json,
    authorization: bearer,
    body: cloudBody,
    observed: {},
    success: [201],
    source: cloudSource,
  },
  update: {
    method: 'PUT',
    path: `${cloudHooks}/{uid}`,
    parameters: cloudHookPath,
    headers: json,
    authorization: bearer,
    body: cloudBody,
    observed: {},
    success: [200],
    source: cloudSource,
  },
  remove: {
    ...noBody,
    method: 'DELETE',
    path: `${cloudHooks}/{uid}`,
    parameters: cloudHookPath,
    authorization: bearer,
    success: [204],
    source: cloudSource,
  },
};

const dataCenterSource = [
  'vriesdemichael/bitbucket-data-center-cli:docs/reference/atlassian/bitbucket-9.4-openapi.json, /api/latest/projects/{projectKey}/repos/{repositorySlug}/webhooks',
  'https://confluence.atlassian.com/bitbucketserver0815/event-payload-1319571452.html, for the names of the events',
  // `configuration` is an object there, without a word on what is in it.
  'https://github.com/atlassian-api/atlassian-python-api/pull/806, for `configuration.secret`',
];
const dataCenterHooks = '/projects/{projectKey}/repos/{repositorySlug}/webhooks';
const dataCenterPath = { projectKey: /^(~|%7E)?[\w.-]+$/, repositorySlug: slug };
const dataCenterHookPath = { ...dataCenterPath, webhookId: /^[1-9]\d*$/ };
const dataCenterBody = {
  type: 'object',
  // `RestWebhook` wants nothing; 400 says "The webhook parameters were invalid or not supplied".
  required: ['name', 'url', 'events'],
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 255 },
    url: { type: 'string', format: 'uri' },
    active: flag,
    events: {
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: {
        enum: [
          'repo:refs_changed',
          'repo:modified',
          'repo:forked',
          'repo:comment:added',
          'repo:comment:edited',
          'repo:comment:deleted',
          'mirror:repo_synchronized',
          'pr:opened',
          'pr:from_ref_updated',
          'pr:to_ref_updated',
          'pr:modified',
          'pr:reviewer:updated',
          'pr:reviewer:approved',
          'pr:reviewer:unapproved',
          'pr:reviewer:needs_work',
          'pr:merged',
          'pr:declined',
          'pr:deleted',
          'pr:comment:added',
          'pr:comment:edited',
          'pr:comment:deleted',
        ],
      },
    },
    configuration: { type: 'object', properties: { secret: { type: 'string', minLength: 1 } } },
    scopeType: { type: 'string' },
    sslVerificationRequired: flag,
    credentials: { type: 'object' },
  },
};
/** `https://{bitbucket}/rest/api/latest`. */
export const dataCenterHookContracts: HookContracts = {
  list: {
    ...noBody,
    method: 'GET',
    path: dataCenterHooks,
    parameters: dataCenterPath,
    // "A page of webhooks": of all paged resources of this API.
    query: { start: /^\d+$/, limit: /^\d+$/ },
    authorization: bearer,
    success: [200],
    source: dataCenterSource,
  },
  create: {
    method: 'POST',
    path: dataCenterHooks,
    parameters: dataCenterPath,
    headers: json,
    authorization: bearer,
    body: dataCenterBody,
    observed: {},
    // The document says 200; servers answer 201.
    success: [201, 200],
    source: dataCenterSource,
  },
  update: {
    method: 'PUT',
    path: `${dataCenterHooks}/{webhookId}`,
    parameters: dataCenterHookPath,
    headers: json,
    authorization: bearer,
    body: dataCenterBody,
    observed: {},
    success: [200],
    source: dataCenterSource,
  },
  remove: {
    ...noBody,
    method: 'DELETE',
    path: `${dataCenterHooks}/{webhookId}`,
    parameters: dataCenterHookPath,
    authorization: bearer,
    success: [204],
    source: dataCenterSource,
  },
};
