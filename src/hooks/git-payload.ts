import type { HookVariable, IncomingCondition, IncomingEvent } from './definition.ts';

/* Where the payloads of git hosts have branch, tag, commit and pull request, and which of them count. */

/** What a preset is to be for. */
export type PresetWish = {
  events: IncomingEvent[];
  /** Names or globs of the branches whose pushes count; empty: all. */
  branches: string[];
};

/** The variables and conditions of a preset. */
export type MadeByPreset = { variables: HookVariable[]; conditions: IncomingCondition[] };

export const isPattern = (branch: string) => /[*?\]]/.test(branch);
const refPattern = { heads: '^refs/heads/', tags: '^refs/tags/' } as const;
const sourceOfRef: Pick<HookVariable, 'transform' | 'default_value'> = {
  transform: { capture: '^refs/(heads|tags)/', map: { heads: 'branch', tags: 'tag' } },
  default_value: 'branch',
};
const nameOfRef: Pick<HookVariable, 'transform'> = {
  transform: { strip_prefix: ['refs/heads/', 'refs/tags/'] },
};
/** What the commit of a deleted branch is in the payloads of all of them. */
const noCommit = '^0+$';

/** Which values of `ref` a push must have. Absent is right too where pull requests, which have none, are wanted. */
function refCondition({ events, branches }: PresetWish): IncomingCondition {
  const named = branches.filter((branch) => !isPattern(branch));
  const patterns = branches.filter(isPattern);
  const wantsPush = events.includes('push');
  const matches = [
    ...(wantsPush && branches.length === 0 ? [refPattern.heads] : []),
    ...(events.includes('tag') ? [refPattern.tags] : []),
  ];
  return {
    name: 'branch or tag',
    path: 'ref',
    accepted_values: wantsPush ? named.map((branch) => `refs/heads/${branch}`) : [],
    ...(matches.length > 0 ? { matches } : {}),
    ...(wantsPush && patterns.length > 0 ? { globs: patterns.map((branch) => `refs/heads/${branch}`) } : {}),
    ...(events.includes('pull_request') ? { exists: false } : {}),
  };
}

/** A condition that only pull requests can fail; others have nothing at its path. */
export function ofRequest({ events }: PresetWish, ...conditions: IncomingCondition[]): IncomingCondition[] {
  return events.includes('pull_request') ? conditions : [];
}

export function eventCondition(
  { events }: PresetWish,
  place: Pick<IncomingCondition, 'type' | 'path'>,
  names: Partial<Record<IncomingEvent, string[]>>,
): IncomingCondition {
  const accepted = new Set(events.flatMap((event) => names[event] ?? []));
  return { name: 'event', ...place, accepted_values: [...accepted] };
}

export const notFromFork = 'not from a fork';

/** GitHub's payloads, which those of Gitea and Forgejo follow. */
export function githubPayload(
  wish: PresetWish,
  at: { event: string; updated: string; repository: string },
): MadeByPreset {
  return {
    variables: [
      { name: 'event', path: `$headers.${at.event}`, type: 'string' },
      { name: 'repository', path: 'repository.full_name', type: 'string' },
      { name: 'source_type', path: 'ref', type: 'string', ...sourceOfRef },
      {
        name: 'source_ref',
        path: 'pull_request.head.ref',
        fallback_paths: ['ref'],
        type: 'string',
        required: true,
        ...nameOfRef,
      },
      {
        // The commit that an annotated tag points at is not what `after` says.
        name: 'commit_hash',
        path: 'pull_request.head.sha',
        fallback_paths: ['head_commit.id', 'after'],
        type: 'string',
        required: true,
      },
      {
        name: 'commit_message',
        path: 'head_commit.message',
        type: 'string',
      },
      { name: 'author', path: 'sender.login', type: 'string' },
      ...ofRequestVariables(wish, {
        id: ['pull_request.number'],
        title: ['pull_request.title'],
        target: ['pull_request.base.ref'],
      }),
    ],
    conditions: [
      eventCondition(
        wish,
        { type: 'request_header', path: at.event },
        { push: ['push'], tag: ['push'], pull_request: ['pull_request'] },
      ),
      refCondition(wish),
      { name: 'not deleted', path: 'after', matches: [noCommit], not: true },
      ...ofRequest(
        wish,
        {
          name: 'opened or changed',
          path: 'action',
          accepted_values: ['opened', 'reopened', at.updated],
          exists: false,
        },
        {
          name: notFromFork,
          path: `pull_request.head.${at.repository}`,
          same_as: `pull_request.base.${at.repository}`,
        },
      ),
    ],
  };
}

/** GitLab's payloads. */
export function gitlabPayload(wish: PresetWish): MadeByPreset {
  return {
    variables: [
      { name: 'event', path: 'object_kind', type: 'string' },
      { name: 'repository', path: 'project.path_with_namespace', type: 'string' },
      { name: 'source_type', path: 'ref', type: 'string', ...sourceOfRef },
      {
        name: 'source_ref',
        path: 'ref',
        fallback_paths: ['object_attributes.source_branch'],
        type: 'string',
        required: true,
        ...nameOfRef,
      },
      {
        name: 'commit_hash',
        path: 'checkout_sha',
        fallback_paths: ['object_attributes.last_commit.id', 'after'],
        type: 'string',
        required: true,
      },
      {
        name: 'commit_message',
        path: 'object_attributes.last_commit.message',
        fallback_paths: ['message', 'commits.-1.message'],
        type: 'string',
      },
      { name: 'author', path: 'user_username', fallback_paths: ['user.username'], type: 'string' },
      ...ofRequestVariables(wish, {
        id: ['object_attributes.iid'],
        title: ['object_attributes.title'],
        target: ['object_attributes.target_branch'],
      }),
    ],
    conditions: [
      eventCondition(
        wish,
        { path: 'object_kind' },
        { push: ['push'], tag: ['tag_push'], pull_request: ['merge_request'] },
      ),
      refCondition(wish),
      { name: 'not deleted', path: 'after', matches: [noCommit], not: true },
      ...ofRequest(
        wish,
        {
          // Of updates only those that bring commits have an `oldrev`.
          name: 'opened or changed',
          path: 'object_attributes.oldrev',
          fallback_paths: ['object_attributes.action'],
          matches: ['^(open|reopen|[0-9a-f]{40,64})$'],
          exists: false,
        },
        {
          name: notFromFork,
          path: 'object_attributes.source_project_id',
          same_as: 'object_attributes.target_project_id',
        },
      ),
    ],
  };
}

/** Each at one place, or at the first of several. */
export function ofRequestVariables(
  { events }: PresetWish,
  at: { id: string[]; title: string[]; target: string[] },
): HookVariable[] {
  if (!events.includes('pull_request')) return [];
  return [
    { name: 'pull_request_id', ...places(at.id), type: 'integer' },
    { name: 'pull_request_title', ...places(at.title), type: 'string' },
    { name: 'target_branch', ...places(at.target), type: 'string' },
  ];
}

/** The first of several places, and the others behind it. */
export function places([first = '', ...others]: string[]): { path: string; fallback_paths?: string[] } {
  return others.length > 0 ? { path: first, fallback_paths: others } : { path: first };
}
