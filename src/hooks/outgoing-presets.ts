import { providerApi } from '../inventory/credentials/provider-api.ts';
import type { OutgoingInput } from './define-outgoing.ts';
import type { EventName } from './definition.ts';

/* Ready-made outgoing hooks as rows of data. What each provider wants is told in FIELD.md, "Reporting status". */

/** Where the repository is, and what the pipeline's incoming hooks take out of their payloads. */
export type PresetPlace = {
  provider: 'github' | 'gitlab' | 'bitbucket' | null;
  /** The base of the provider's API, a self-hosted one included, as the user gave it or as it is by default. */
  apiUrl: string;
  /** Of what the hook tells. */
  resourceType: string;
  variables: { name: string; path: string }[];
};

type Row = {
  /** The name that a hook gets if none is given. */
  name: string;
  /** Null for what has nothing to do with the repository; `target_url` must then be given. */
  provider: Exclude<PresetPlace['provider'], null> | null;
  /** Told when the address is missing. */
  address?: string;
  make: (place: PresetPlace) => OutgoingInput;
};

/** One status for each thing that can become of an action, none left hanging. */
const statusEvents: EventName[] = [
  'action.created',
  'action.started',
  'action.completed',
  'action.failed',
  'action.skipped',
];
const endEvents: EventName[] = ['action.completed', 'action.failed'];

const token = '{{ application.source_provider.access_token }}';
const owner = '{{ application.repository_owner }}';
const repository = '{{ application.repository_name }}';
const permalink = '{{ action.url_web_permalink }}';
/** The same commit may be deployed by several pipelines to several environments. */
const label = 'hookline/{{ environment.name | truncate: 100 }}/{{ pipeline.name | truncate: 100 }}';
const reason = (length: number) => `{{ action.status_reason_human_readable | truncate: ${length} }}`;
/** A line break would let a name or a reason begin a command of GitLab (`/merge`). */
const comment =
  '**{{ pipeline.name | default: "Pipeline" | strip_newlines }}** for {{ application.name | strip_newlines }} ' +
  'in {{ environment.name | strip_newlines }}: {% if action.status == "failed" %}Failed. {% endif %}' +
  '{{ action.status_reason_human_readable | strip_newlines | truncate: 1000 }} ' +
  `([action {{ action.id }}](${permalink}))`;
const message = ({ resourceType }: PresetPlace, escape: string, link: string) =>
  `{{ pipeline.name | default: "Pipeline"${escape} }} ` +
  `for {{ ${resourceType === 'server' ? 'server.hostname' : 'application.name'}${escape} }} ` +
  `in {{ environment.name${escape} }}: {% if action.status == "failed" %}Failed. {% endif %}` +
  `{{ action.status_reason_human_readable | truncate: 1000${escape} }} ${link}`;

/** Paths in the payloads of the providers, for variables that were given another name than the usual one. */
const commitPaths = new Set([
  'pull_request.head.sha',
  'head_commit.id',
  'after',
  'checkout_sha',
  'object_attributes.last_commit.id',
  'push.changes.0.new.target.hash',
  'pullrequest.source.commit.hash',
  'changes.0.toHash',
  'pullRequest.fromRef.latestCommit',
]);
const requestPaths = new Set([
  'pull_request.number',
  'issue.number',
  'number',
  'object_attributes.iid',
  'merge_request.iid',
  'pullrequest.id',
  'pullRequest.id',
]);

const variable = (name: string) => `{{ action.triggered_from.hook_parsed_variables.${name} }}`;

function commitHash({ variables }: PresetPlace): string {
  const isUsual = variables.length === 0 || variables.some(({ name }) => name === 'commit_hash');
  const other = isUsual ? undefined : variables.find(({ path }) => commitPaths.has(path));
  return other ? variable(other.name) : '{{ action.commit.hash }}';
}

function requestNumber({ variables }: PresetPlace): string {
  const usual = 'pull_request_id';
  const isUsual = variables.some(({ name }) => name === usual);
  const other = isUsual ? undefined : variables.find(({ path }) => requestPaths.has(path));
  return variable(other?.name ?? usual);
}

const githubApi = ({ apiUrl }: PresetPlace) => providerApi('github', apiUrl).base;
const gitlabApi = ({ apiUrl }: PresetPlace) => providerApi('gitlab', apiUrl).base;
const bitbucketApi = ({ apiUrl }: PresetPlace) => providerApi('bitbucket', apiUrl).base;

function isDataCenter({ apiUrl }: PresetPlace): boolean {
  return providerApi('bitbucket', apiUrl).host === 'bitbucket-data-center';
}

function bitbucketRepository(place: PresetPlace): string {
  if (!isDataCenter(place)) return `${bitbucketApi(place)}/repositories/${owner}/${repository}`;
  // The address for cloning has `scm/` before the project, and before that a path on a host that is shared.
  const project = '{{ application.repository_owner | split: "/" | last }}';
  return `${bitbucketApi(place)}/projects/${project}/repos/${repository}`;
}

const bearer = { name: 'Authorization', value: `Bearer ${token}` };
const githubHeaders = [
  { name: 'Accept', value: 'application/vnd.github+json' },
  bearer,
  { name: 'X-GitHub-Api-Version', value: '2022-11-28' },
];

const rows = {
  'github-commit-status': {
    name: 'GitHub commit status',
    provider: 'github',
    make: (place) => ({
      target_url: `${githubApi(place)}/repos/${owner}/${repository}/statuses/${commitHash(place)}`,
      settings: {
        request_headers: githubHeaders,
        request_body: {
          state: '{{ action.status | commit_state: "github" }}',
          target_url: permalink,
          description: reason(140),
          context: label,
        },
      },
      trigger_when: { events: statusEvents },
    }),
  },
  'github-pr-comment': {
    name: 'GitHub pull request comment',
    provider: 'github',
    make: (place) => ({
      target_url: `${githubApi(place)}/repos/${owner}/${repository}/issues/${requestNumber(place)}/comments`,
      settings: { request_headers: githubHeaders, request_body: { body: comment } },
      trigger_when: { events: endEvents },
    }),
  },
  'gitlab-commit-status': {
    name: 'GitLab commit status',
    provider: 'gitlab',
    make: (place) => ({
      target_url: `${gitlabApi(place)}/projects/${owner}%2F${repository}/statuses/${commitHash(place)}`,
      settings: {
        request_headers: [bearer],
        request_body: {
          state: '{{ action.status | commit_state: "gitlab" }}',
          // Without it GitLab takes the first branch that has the commit; empty it refuses, null is as good as absent.
          ref: '{{ action.commit.ref | default: nil | json }}',
          name: label,
          target_url: permalink,
          description: reason(255),
        },
      },
      trigger_when: { events: statusEvents },
    }),
  },
  'gitlab-mr-comment': {
    name: 'GitLab merge request comment',
    provider: 'gitlab',
    make: (place) => ({
      target_url: `${gitlabApi(place)}/projects/${owner}%2F${repository}/merge_requests/${requestNumber(place)}/notes`,
      settings: { request_headers: [bearer], request_body: { body: comment } },
      trigger_when: { events: endEvents },
    }),
  },
  'bitbucket-build-status': {
    name: 'Bitbucket build status',
    provider: 'bitbucket',
    make: (place) => ({
      target_url: isDataCenter(place)
        ? `${bitbucketRepository(place)}/commits/${commitHash(place)}/builds`
        : `${bitbucketRepository(place)}/commit/${commitHash(place)}/statuses/build`,
      settings: {
        request_headers: [bearer],
        request_body: {
          // At most 40 characters in the cloud. The same key replaces what was told before.
          key: 'hookline-{{ action.pipeline_id }}',
          state: `{{ action.status | commit_state: "${isDataCenter(place) ? 'bitbucket-data-center' : 'bitbucket'}" }}`,
          name: label,
          url: permalink,
          description: reason(255),
        },
      },
      trigger_when: { events: statusEvents },
    }),
  },
  'bitbucket-pr-comment': {
    name: 'Bitbucket pull request comment',
    provider: 'bitbucket',
    make: (place) => ({
      target_url: isDataCenter(place)
        ? `${bitbucketRepository(place)}/pull-requests/${requestNumber(place)}/comments`
        : `${bitbucketRepository(place)}/pullrequests/${requestNumber(place)}/comments`,
      settings: {
        request_headers: [bearer],
        request_body: isDataCenter(place) ? { text: comment } : { content: { raw: comment } },
      },
      trigger_when: { events: endEvents },
    }),
  },
  'slack-message': {
    name: 'Slack message',
    provider: null,
    address: 'the address of the incoming webhook that Slack made for the channel',
    make: (place) => ({
      settings: { request_body: { text: message(place, ' | slack_escape', `<${permalink}|Details>`) } },
      trigger_when: { events: endEvents },
    }),
  },
  'discord-message': {
    name: 'Discord message',
    provider: null,
    address: 'the address of the webhook that Discord made for the channel',
    // Nobody is pinged by what a reason happens to say.
    make: (place) => ({
      settings: {
        request_body: { content: message(place, '', `<${permalink}>`), allowed_mentions: { parse: [] } },
      },
      trigger_when: { events: endEvents },
    }),
  },
  generic: {
    name: 'Webhook',
    provider: null,
    address: 'the address that is to receive the events',
    make: ({ resourceType }) => ({
      signing: true,
      settings: {
        request_body: {
          type: '{{ event }}',
          timestamp: '{{ action.updated_at }}',
          data: {
            action: '{{ action | json }}',
            application:
              resourceType === 'server'
                ? null
                : {
                    id: '{{ application.id | default: nil | json }}',
                    name: '{{ application.name | default: nil | json }}',
                  },
            server: resourceType === 'server' ? '{{ server | default: nil | json }}' : null,
            pipeline: '{{ pipeline | default: nil | json }}',
            environment: '{{ environment | default: nil | json }}',
            project: '{{ project | default: nil | json }}',
          },
        },
      },
      trigger_when: { events: ['action.created', 'action.status_changed'] },
    }),
  },
} as const satisfies Record<string, Row>;

export type OutgoingPreset = keyof typeof rows;

// Safe: the keys of the very table.
export const outgoingPresets = Object.keys(rows) as [OutgoingPreset, ...OutgoingPreset[]];

export function outgoingPreset(name: OutgoingPreset): Row {
  return rows[name];
}
