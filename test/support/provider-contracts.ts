/*
 * What the providers say that a request to them looks like, as far as presets and installed hooks need it, written down from their public
 * documents. GitHub's is read from its own description instead: `github-contracts.ts`.
 */

/** JSON Schema, 2020-12. An object that lists `properties` may hold no others. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** A limit that the published description leaves out, and where it was seen. Characters, not bytes. */
export type ObservedLimit = { mostCharacters: number; source: string };

export type ProviderContract = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Behind the base of the API, with a `{name}` for each part that varies. */
  path: string;
  /** What each part of the path looks like; any text without a slash where it is left out. */
  parameters: Readonly<Record<string, RegExp>>;
  /** Without the access, which is `authorization`. */
  headers: Readonly<Record<string, RegExp>>;
  /** Null where the address itself is the secret. */
  authorization: RegExp | null;
  /** What the query may hold; none where it is left out. */
  query?: Readonly<Record<string, RegExp>>;
  /** Null for a request without one. */
  body: JsonSchema | null;
  /** By the name of a text directly in the body, or `content.raw`. */
  observed: Readonly<Record<string, ObservedLimit>>;
  /** The statuses of a success, the usual one first. */
  success: readonly number[];
  /** Public documents that the above was taken from. */
  source: readonly string[];
};

const json = { 'content-type': /^application\/json\b/ };
const bearer = /^Bearer \S+$/;

/** `https://{gitlab}/api/v4`. */
const gitlab = {
  method: 'POST',
  headers: json,
  // "Personal, project, or group access tokens" go into `PRIVATE-TOKEN` or are sent as Bearer: doc/api/rest/authentication.md.
  authorization: bearer,
} as const;

/** Its documentation and source, as github.com/gitlabhq/gitlabhq mirrors them. */
const gitlabDocuments = 'gitlabhq/gitlabhq';

export const gitlabContracts = {
  commitStatus: {
    ...gitlab,
    path: '/projects/{id}/statuses/{sha}',
    parameters: { id: /^(\d+|[\w.-]+(%2F[\w.-]+)+)$/, sha: /^[0-9a-f]{40}$/ },
    body: {
      type: 'object',
      required: ['state'],
      properties: {
        state: { enum: ['pending', 'running', 'success', 'failed', 'canceled', 'skipped'] },
        // The document says string. That null is as good as absent is drawn from lib/api/commit_statuses.rb: an empty text
        // is looked up as a name, and answered by 404.
        ref: { type: ['string', 'null'], minLength: 1, maxLength: 255 },
        name: { type: 'string', minLength: 1 },
        context: { type: 'string', minLength: 1 },
        target_url: { type: 'string', format: 'uri', maxLength: 255 },
        description: { type: 'string', maxLength: 255 },
        coverage: { type: 'number' },
        pipeline_id: { type: 'integer' },
      },
    },
    observed: {},
    // The prose says 201, the OpenAPI 200.
    success: [201, 200],
    source: [
      `${gitlabDocuments}:doc/api/commits.md, "Set commit pipeline status"`,
      `${gitlabDocuments}:lib/api/commit_statuses.rb`,
    ],
  },
  mergeRequestNote: {
    ...gitlab,
    path: '/projects/{id}/merge_requests/{merge_request_iid}/notes',
    parameters: { id: /^(\d+|[\w.-]+(%2F[\w.-]+)+)$/, merge_request_iid: /^[1-9]\d*$/ },
    body: {
      type: 'object',
      required: ['body'],
      properties: {
        // A line that begins with a slash is a command ("quick action") and no text.
        body: { type: 'string', minLength: 1, maxLength: 1_000_000, not: { pattern: '(^|\\n)/\\w' } },
        internal: { type: 'boolean' },
        created_at: { type: 'string', format: 'date-time' },
        merge_request_diff_head_sha: { type: 'string' },
      },
    },
    observed: {},
    // 202 when the body holds nothing but commands.
    success: [201],
    source: [
      `${gitlabDocuments}:doc/api/notes.md, "Create a merge request note"`,
      `${gitlabDocuments}:lib/api/notes.rb`,
    ],
  },
} as const satisfies Record<string, ProviderContract>;

const slug = /^[\w.-]+$/;

/**
 * `https://api.bitbucket.org/2.0`. Atlassian publishes its description as api.bitbucket.org/swagger.json; this was taken
 * from the copy of it that is named below.
 */
export const bitbucketCloudContracts = {
  buildStatus: {
    method: 'POST',
    path: '/repositories/{workspace}/{repo_slug}/commit/{commit}/statuses/build',
    parameters: { workspace: slug, repo_slug: slug, commit: /^[0-9a-f]{7,40}$/ },
    headers: json,
    authorization: bearer,
    body: {
      type: 'object',
      // The schema `commitstatus` wants `type` too; the example in the same document does without.
      required: ['key', 'state'],
      properties: {
        key: { type: 'string', minLength: 1 },
        state: { enum: ['FAILED', 'INPROGRESS', 'STOPPED', 'SUCCESSFUL'] },
        url: { type: 'string', format: 'uri' },
        name: { type: 'string' },
        description: { type: 'string' },
        refname: { type: 'string' },
        type: { type: 'string' },
      },
    },
    observed: {
      // `key: Ensure this value has at most 40 characters (it has 48).`
      key: { mostCharacters: 40, source: 'https://github.com/buildbot/buildbot/issues/7049' },
      name: {
        mostCharacters: 255,
        source: 'https://github.com/jenkinsci/bitbucket-branch-source-plugin/pull/928',
      },
      url: {
        mostCharacters: 450,
        source: 'https://github.com/jenkinsci/bitbucket-branch-source-plugin/pull/928',
      },
    },
    success: [201],
    source: [
      'FabianSchurig/bitbucket-cli:schema/commit-statuses-schema.yaml, POST /repositories/{workspace}/{repo_slug}/commit/{commit}/statuses/build',
    ],
  },
  pullRequestComment: {
    method: 'POST',
    path: '/repositories/{workspace}/{repo_slug}/pullrequests/{pull_request_id}/comments',
    parameters: { workspace: slug, repo_slug: slug, pull_request_id: /^[1-9]\d*$/ },
    headers: json,
    authorization: bearer,
    body: {
      type: 'object',
      // The schema wants nothing but `type`; a comment without text is none.
      required: ['content'],
      properties: {
        content: {
          type: 'object',
          required: ['raw'],
          properties: {
            raw: { type: 'string', minLength: 1 },
            markup: { enum: ['markdown', 'creole', 'plaintext'] },
            html: { type: 'string' },
          },
        },
        parent: { type: 'object', required: ['id'], properties: { id: { type: 'integer' } } },
        inline: { type: 'object' },
        pending: { type: 'boolean' },
        type: { type: 'string' },
      },
    },
    observed: {},
    success: [201],
    source: [
      'FabianSchurig/bitbucket-cli:schema/pr-schema.yaml, POST /repositories/{workspace}/{repo_slug}/pullrequests/{pull_request_id}/comments',
    ],
  },
} as const satisfies Record<string, ProviderContract>;

/** A copy of Atlassian's OpenAPI of Bitbucket Data Center 9.4. */
const dataCenterDocument =
  'vriesdemichael/bitbucket-data-center-cli:docs/reference/atlassian/bitbucket-9.4-openapi.json';
const projectKey = /^(~|%7E)?[\w.-]+$/;

/** `https://{bitbucket}/rest/api/latest`. */
export const bitbucketDataCenterContracts = {
  buildStatus: {
    method: 'POST',
    path: '/projects/{projectKey}/repos/{repositorySlug}/commits/{commitId}/builds',
    parameters: { projectKey, repositorySlug: slug, commitId: /^[0-9a-f]{40}$/ },
    headers: json,
    // An HTTP access token.
    authorization: bearer,
    body: {
      type: 'object',
      required: ['key', 'state', 'url'],
      properties: {
        // The schema allows empty ones, the text of the refusal does not: "was blank or longer than 255 characters".
        key: { type: 'string', minLength: 1, maxLength: 255 },
        url: { type: 'string', minLength: 1, maxLength: 450 },
        state: { enum: ['CANCELLED', 'FAILED', 'INPROGRESS', 'SUCCESSFUL', 'UNKNOWN'] },
        name: { type: 'string', maxLength: 255 },
        description: { type: 'string' },
        buildNumber: { type: 'string', maxLength: 255 },
        parent: { type: 'string', maxLength: 1024 },
        ref: { type: 'string', maxLength: 1024, pattern: '^refs/.*' },
        duration: { type: 'integer' },
        lastUpdated: { type: 'integer' },
        testResults: {
          type: 'object',
          properties: {
            failed: { type: 'integer' },
            skipped: { type: 'integer' },
            successful: { type: 'integer' },
          },
        },
      },
    },
    observed: {
      // Of the older resource, /rest/build-status, in the same document.
      description: { mostCharacters: 255, source: dataCenterDocument },
    },
    success: [204],
    source: [`${dataCenterDocument}, POST …/commits/{commitId}/builds`],
  },
  pullRequestComment: {
    method: 'POST',
    path: '/projects/{projectKey}/repos/{repositorySlug}/pull-requests/{pullRequestId}/comments',
    parameters: { projectKey, repositorySlug: slug, pullRequestId: /^[1-9]\d*$/ },
    headers: json,
    authorization: bearer,
    body: {
      type: 'object',
      // `RestComment` wants nothing; a comment without text is refused.
      required: ['text'],
      properties: {
        text: { type: 'string', minLength: 1 },
        parent: { type: 'object', required: ['id'], properties: { id: { type: 'integer' } } },
        severity: { enum: ['NORMAL', 'BLOCKER'] },
        state: { type: 'string' },
        anchor: { type: 'object' },
      },
    },
    observed: {
      // `Please enter a non-empty value less than 32768 characters`
      text: {
        mostCharacters: 32_767,
        source: 'https://github.com/jenkinsci/violation-comments-to-stash-plugin/issues/26',
      },
    },
    success: [201],
    source: [`${dataCenterDocument}, POST …/pull-requests/{pullRequestId}/comments`],
  },
} as const satisfies Record<string, ProviderContract>;

export const chatContracts = {
  /** `https://hooks.slack.com`. There is no published schema: this is the prose. */
  slack: {
    method: 'POST',
    path: '/services/{team}/{webhook}/{secret}',
    parameters: {},
    headers: json,
    authorization: null,
    body: {
      type: 'object',
      // Or `blocks`, or `attachments`; no preset has any.
      required: ['text'],
      properties: {
        // Of the three characters that are to be escaped, `<` and `>` are left for links alone.
        text: {
          type: 'string',
          minLength: 1,
          maxLength: 40_000,
          not: { anyOf: [{ pattern: '<(?!https?://)' }, { pattern: '&(?!(amp|lt|gt);)' }] },
        },
        thread_ts: { type: 'string' },
      },
    },
    observed: {},
    success: [200],
    source: [
      'https://api.slack.com/messaging/webhooks',
      'https://api.slack.com/reference/surfaces/formatting#escaping',
      'https://api.slack.com/changelog/2018-04-truncating-really-long-messages',
    ],
  },
  /** `https://discord.com/api`, with or without a version. */
  discord: {
    method: 'POST',
    path: '/webhooks/{webhook_id}/{webhook_token}',
    parameters: { webhook_id: /^\d+$/ },
    headers: json,
    authorization: null,
    body: {
      type: 'object',
      // The schema wants nothing; the documentation wants one of content, embeds, components, file and poll.
      required: ['content'],
      properties: {
        content: { type: 'string', minLength: 1, maxLength: 2000 },
        username: { type: 'string', minLength: 1, maxLength: 80 },
        avatar_url: { type: 'string', format: 'uri', maxLength: 2048 },
        tts: { type: 'boolean' },
        flags: { type: 'integer' },
        allowed_mentions: {
          type: 'object',
          properties: {
            parse: { type: 'array', items: { enum: ['users', 'roles', 'everyone'] }, uniqueItems: true },
            users: { type: 'array', items: { type: 'string', pattern: '^\\d+$' }, maxItems: 100 },
            roles: { type: 'array', items: { type: 'string', pattern: '^\\d+$' }, maxItems: 100 },
            replied_user: { type: 'boolean' },
          },
        },
      },
    },
    observed: {},
    // 200 when asked to wait.
    success: [204, 200],
    source: [
      'discord/discord-api-spec:specs/openapi.json, IncomingWebhookRequestPartial',
      'discord/discord-api-docs:developers/resources/webhook.mdx, "Execute Webhook"',
    ],
  },
} as const satisfies Record<string, ProviderContract>;
