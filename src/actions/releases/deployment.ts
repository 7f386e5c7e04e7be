import { parseRepository } from '../../inventory/applications/repository.ts';
import type { ApplicationRow } from '../../inventory/applications/store.ts';
import type { ActionParameters } from '../trigger.ts';

/** The commit that a release was made of. */
export type Commit = {
  hash: string;
  author_name: string;
  author_email: string;
  /** ISO 8601. */
  committed_at: string;
  message: string;
};

/** What a deployment is about; the column `action_data` of an action, as JSON. */
export type Deployment = {
  release_name: string;
  type: 'deploy' | 'redeploy' | 'rollback';
  /** As it was when the action began. */
  repository: string;
  /** Where a browser finds the repository, or null where that is not known. */
  repository_url: string | null;
  /** For git, without user name and password. */
  clone_url: string;
  provider_name: string;
  source_type: 'branch' | 'tag' | 'commit';
  source_ref: string;
  /** Null until it was fetched. */
  commit: Commit | null;
};

export function deploymentOf({ action_data }: { action_data: string | null }): Deployment | null {
  // Safe: only `plan-action.ts` and `run-record.ts` write the column.
  return action_data === null ? null : (JSON.parse(action_data) as Deployment);
}

/** Names sort in the order of the deployments, and tell when each began: `20261121-014203-42`. */
export function releaseName(now: number, actionId: number): string {
  const [date, time] = new Date(now).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').split('T');
  return `${date}-${time}-${actionId}`;
}

/** Which source an action means: what it was told, else the application's branch. */
export function sourceOf(
  { source_type, source_ref, commit_hash }: ActionParameters,
  application: Pick<ApplicationRow, 'default_branch'>,
): Pick<Deployment, 'source_type' | 'source_ref'> {
  const ref = source_ref ?? (source_type === 'commit' ? commit_hash : null) ?? application.default_branch;
  const given = /^refs\/(heads|tags)\/(.+)$/.exec(ref);
  if (given) return { source_type: given[1] === 'tags' ? 'tag' : 'branch', source_ref: given[2]! };
  return { source_type: source_type ?? 'branch', source_ref: ref };
}

/** A name for a folder, of letters that need no quoting anywhere. */
export function folderName({ name, id }: Pick<ApplicationRow, 'name' | 'id'>): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return plain === '' ? `application-${id}` : plain;
}

export function repositoryName(repository: string): string {
  const parsed = parseRepository(repository);
  return parsed ? `${parsed.owner}/${parsed.name}` : repository;
}
