import { createHmac, randomUUID } from 'node:crypto';
import { githubPayload } from './github.ts';

/** A webhook of a provider as a pipeline's incoming hook gets it. */
export type ProviderEvent = {
  payload: Record<string, unknown>;
  headers: Readonly<Record<string, string>>;
};

/** Which provider's incoming hook signs how, in words of `POST /pipelines/{id}/hooks/incoming`. */
export type Sender = {
  hook: Record<string, unknown>;
  /** The header that proves where a body is from; `secret` is empty when the hook wants none. */
  signature: (secret: string, body: string) => Record<string, string>;
  push: () => ProviderEvent;
  /** A pull or merge request was opened. */
  request: () => ProviderEvent;
  /** Where each of the two has the commit, and the request its number. */
  paths: { pushedCommit: string; requestedCommit: string; requestNumber: string };
};

const hmac = (header: string) => (secret: string, body: string) => ({
  [header]: `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
});

const sha = (digit: string): string => digit.repeat(40);

/**
 * Payloads of GitHub are real ones. Those of the others are made after what their documents describe, with what tells of
 * repository, branch, commit and request and no more: docs.gitlab.com/user/project/integrations/webhook_events,
 * support.atlassian.com/bitbucket-cloud/docs/event-payloads and "Event payload" of Bitbucket Data Center at
 * confluence.atlassian.com/bitbucketserver.
 */
export const senders = {
  github: {
    hook: { secret_algorithm: 'sha256', secret_header_name: 'X-Hub-Signature-256' },
    signature: hmac('x-hub-signature-256'),
    push: () => ({
      payload: githubPayload(
        'push',
        ({ ref, head_commit }) => ref === 'refs/heads/master' && head_commit !== null,
      ),
      headers: { 'x-github-event': 'push', 'x-github-delivery': randomUUID() },
    }),
    request: () => ({
      payload: githubPayload('pull_request', ({ action }) => action === 'opened'),
      headers: { 'x-github-event': 'pull_request', 'x-github-delivery': randomUUID() },
    }),
    paths: {
      pushedCommit: 'after',
      requestedCommit: 'pull_request.head.sha',
      requestNumber: 'pull_request.number',
    },
  },
  gitlab: {
    // Its classic token is the secret itself, and no signature over the body.
    hook: { requires_secret: false },
    signature: () => ({ 'x-gitlab-token': 'let-me-in' }),
    push: () => ({
      payload: {
        object_kind: 'push',
        event_name: 'push',
        before: sha('9'),
        after: sha('d'),
        ref: 'refs/heads/master',
        checkout_sha: sha('d'),
        user_username: 'jsmith',
        project: { id: 15, path_with_namespace: 'mike/diaspora', default_branch: 'master' },
        commits: [{ id: sha('d'), message: 'fixed readme' }],
        total_commits_count: 1,
      },
      headers: { 'x-gitlab-event': 'Push Hook', 'x-gitlab-event-uuid': randomUUID() },
    }),
    request: () => ({
      payload: {
        object_kind: 'merge_request',
        event_type: 'merge_request',
        project: { id: 1, path_with_namespace: 'gitlabhq/gitlab-test', default_branch: 'master' },
        object_attributes: {
          id: 99,
          iid: 1,
          target_branch: 'master',
          source_branch: 'ms-viewport',
          title: 'MS-Viewport',
          state: 'opened',
          action: 'open',
          last_commit: { id: sha('a'), message: 'fixed readme' },
        },
      },
      headers: { 'x-gitlab-event': 'Merge Request Hook', 'x-gitlab-event-uuid': randomUUID() },
    }),
    paths: {
      pushedCommit: 'checkout_sha',
      requestedCommit: 'object_attributes.last_commit.id',
      requestNumber: 'object_attributes.iid',
    },
  },
  bitbucket: {
    hook: { secret_algorithm: 'sha256', secret_header_name: 'X-Hub-Signature' },
    signature: hmac('x-hub-signature'),
    push: () => ({
      payload: {
        actor: { type: 'user', nickname: 'emmap1' },
        repository: { type: 'repository', full_name: 'workspace_name/repo_name' },
        push: {
          changes: [{ new: { type: 'branch', name: 'main', target: { type: 'commit', hash: sha('7') } } }],
        },
      },
      headers: { 'x-event-key': 'repo:push', 'x-request-uuid': randomUUID() },
    }),
    request: () => ({
      payload: {
        actor: { type: 'user', nickname: 'emmap1' },
        pullrequest: {
          id: 17,
          title: 'Title of pull request',
          state: 'OPEN',
          source: { branch: { name: 'branch2' }, commit: { hash: sha('b') } },
          destination: { branch: { name: 'main' }, commit: { hash: sha('c') } },
        },
        repository: { type: 'repository', full_name: 'workspace_name/repo_name' },
      },
      headers: { 'x-event-key': 'pullrequest:created', 'x-request-uuid': randomUUID() },
    }),
    paths: {
      pushedCommit: 'push.changes.0.new.target.hash',
      requestedCommit: 'pullrequest.source.commit.hash',
      requestNumber: 'pullrequest.id',
    },
  },
  'bitbucket-data-center': {
    hook: { secret_algorithm: 'sha256', secret_header_name: 'X-Hub-Signature' },
    signature: hmac('x-hub-signature'),
    push: () => ({
      payload: {
        eventKey: 'repo:refs_changed',
        repository: { slug: 'repository', project: { key: 'PROJ' } },
        changes: [
          {
            ref: { id: 'refs/heads/master', type: 'BRANCH' },
            fromHash: sha('e'),
            toHash: sha('1'),
            type: 'UPDATE',
          },
        ],
      },
      headers: { 'x-event-key': 'repo:refs_changed', 'x-request-id': randomUUID() },
    }),
    request: () => ({
      payload: {
        eventKey: 'pr:opened',
        pullRequest: {
          id: 11,
          title: 'A new title',
          state: 'OPEN',
          fromRef: { id: 'refs/heads/a-branch', displayId: 'a-branch', latestCommit: sha('2') },
          toRef: { id: 'refs/heads/master', displayId: 'master', latestCommit: sha('3') },
        },
      },
      headers: { 'x-event-key': 'pr:opened', 'x-request-id': randomUUID() },
    }),
    paths: {
      pushedCommit: 'changes.0.toHash',
      requestedCommit: 'pullRequest.fromRef.latestCommit',
      requestNumber: 'pullRequest.id',
    },
  },
} as const satisfies Record<string, Sender>;
