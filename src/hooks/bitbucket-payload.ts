import type { IncomingCondition } from './definition.ts';
import {
  eventCondition,
  isPattern,
  notFromFork,
  ofRequest,
  ofRequestVariables,
  places,
  type MadeByPreset,
  type PresetWish,
} from './git-payload.ts';

/** Of a push to several branches at once Bitbucket sends one request: the change that counts is picked out of it. */
function bitbucketChanges({ events, branches }: PresetWish): { cloud: string[]; dataCenter: string[] } {
  const ofBranches = branches.map((name) => ({
    type: 'branch',
    name: `${isPattern(name) ? '~' : '='}${name}`,
  }));
  const picks = [
    ...(events.includes('push') ? ofBranches : []),
    ...(events.includes('push') && branches.length === 0 ? [{ type: 'branch', name: null }] : []),
    ...(events.includes('tag') ? [{ type: 'tag', name: null }] : []),
  ];
  return {
    // What was deleted has no `new`.
    cloud: picks.map(
      ({ type, name }) => `push.changes.[new.type=${type}${name === null ? '' : `&new.name${name}`}]`,
    ),
    dataCenter: picks.flatMap(({ type, name }) =>
      ['UPDATE', 'ADD'].map((change) => {
        const ofName = name === null ? '' : `&ref.displayId${name}`;
        return `changes.[type=${change}&ref.type=${type.toUpperCase()}${ofName}]`;
      }),
    ),
  };
}

/** That one of the changes is of a branch that counts says the next condition too, but not what was pushed instead. */
function bitbucketBranchCondition({ events, branches }: PresetWish): IncomingCondition[] {
  if (!events.includes('push') || events.includes('tag') || branches.length === 0) return [];
  const patterns = branches.filter(isPattern);
  return [
    {
      name: 'branch',
      path: 'push.changes.*.new.name',
      fallback_paths: ['changes.*.ref.displayId'],
      accepted_values: branches.filter((branch) => !isPattern(branch)),
      ...(patterns.length > 0 ? { globs: patterns } : {}),
      ...(events.includes('pull_request') ? { exists: false } : {}),
    },
  ];
}

/** The payloads of Bitbucket Cloud and of Data Center, which have little in common. */
export function bitbucketPayload(wish: PresetWish): MadeByPreset {
  const changes = bitbucketChanges(wish);
  const inChanges = (cloud: string, dataCenter: string) => [
    ...changes.cloud.map((change) => `${change}.${cloud}`),
    ...changes.dataCenter.map((change) => `${change}.${dataCenter}`),
  ];
  const names = inChanges('new.name', 'ref.displayId');
  const requestIds = ['pullrequest.id', 'pullRequest.id'];
  return {
    variables: [
      { name: 'event', path: '$headers.x-event-key', type: 'string' },
      {
        name: 'repository',
        ...places(['repository.full_name', 'repository.slug', 'pullRequest.toRef.repository.slug']),
        type: 'string',
      },
      {
        name: 'source_type',
        ...places([...inChanges('new.type', 'ref.type'), 'push.changes.0.new.type']),
        type: 'string',
        transform: { lower_case: true },
        default_value: 'branch',
      },
      {
        name: 'source_ref',
        ...places(['pullrequest.source.branch.name', 'pullRequest.fromRef.displayId', ...names]),
        type: 'string',
        required: true,
      },
      {
        name: 'commit_hash',
        ...places([
          'pullrequest.source.commit.hash',
          'pullRequest.fromRef.latestCommit',
          ...inChanges('new.target.hash', 'toHash'),
        ]),
        type: 'string',
        required: true,
      },
      {
        name: 'commit_message',
        ...places([...changes.cloud.map((change) => `${change}.new.target.message`), 'toCommit.message']),
        type: 'string',
      },
      {
        name: 'author',
        ...places(['actor.nickname', 'actor.display_name', 'actor.name']),
        type: 'string',
      },
      ...ofRequestVariables(wish, {
        id: requestIds,
        title: ['pullrequest.title', 'pullRequest.title'],
        target: ['pullrequest.destination.branch.name', 'pullRequest.toRef.displayId'],
      }),
    ],
    conditions: [
      eventCondition(
        wish,
        { type: 'request_header', path: 'x-event-key' },
        {
          push: ['repo:push', 'repo:refs_changed'],
          tag: ['repo:push', 'repo:refs_changed'],
          pull_request: ['pullrequest:created', 'pullrequest:updated', 'pr:opened', 'pr:from_ref_updated'],
        },
      ),
      ...bitbucketBranchCondition(wish),
      ...(names.length === 0
        ? []
        : [
            {
              name: 'branch or tag',
              ...places([...names, ...(wish.events.includes('pull_request') ? requestIds : [])]),
              exists: true,
            },
          ]),
      ...ofRequest(
        wish,
        {
          name: notFromFork,
          path: 'pullrequest.source.repository.uuid',
          same_as: 'pullrequest.destination.repository.uuid',
        },
        {
          name: notFromFork,
          path: 'pullRequest.fromRef.repository.id',
          same_as: 'pullRequest.toRef.repository.id',
        },
      ),
    ],
  };
}
