import { Type, type Static } from 'typebox';
import { Nullable, OneOf } from '../../platform/http/schemas.ts';
import type { ActionRow } from '../store.ts';
import { deploymentOf, repositoryName } from './deployment.ts';
import { commitUrl } from './git-source.ts';

const text = Type.String();

export const ActionDeploymentData = Type.Object(
  {
    release_name: Type.String({ description: 'The folder below `releases`.' }),
    commit: Type.Object(
      {
        repository: text,
        author_name: text,
        author_email: text,
        committed_at: Type.String({ description: 'ISO 8601.' }),
        hash: text,
        message: text,
        url: Type.String({ description: 'Of the commit at the git host; empty where that is not known.' }),
        clone_url: text,
        download_url: Type.String({ description: 'Always empty; here for existing clients.' }),
      },
      { title: 'ActionDeploymentCommit' },
    ),
    deployment: Type.Object(
      {
        type: OneOf(['deploy', 'redeploy', 'rollback']),
        source_type: OneOf(['branch', 'tag', 'commit']),
        source_ref: text,
        repository: text,
        provider_name: text,
        pipeline_id: Nullable(Type.Integer()),
      },
      { title: 'ActionDeploymentContent' },
    ),
  },
  {
    title: 'ActionDeploymentData',
    description:
      'What a deployment has put onto its targets; null until its source was fetched, and for anything else.',
  },
);

export function presentActionData(
  row: Pick<ActionRow, 'action_data' | 'pipeline_id'>,
): Static<typeof ActionDeploymentData> | null {
  const deployment = deploymentOf(row);
  if (!deployment?.commit) return null;
  const { commit, repository_url } = deployment;
  const repository = repositoryName(deployment.repository);
  return {
    release_name: deployment.release_name,
    commit: {
      repository,
      author_name: commit.author_name,
      author_email: commit.author_email,
      committed_at: commit.committed_at,
      hash: commit.hash,
      message: commit.message,
      url: repository_url === null ? '' : commitUrl(repository_url, commit.hash),
      clone_url: deployment.clone_url,
      download_url: '',
    },
    deployment: {
      type: deployment.type,
      source_type: deployment.source_type,
      source_ref: deployment.source_ref,
      repository,
      provider_name: deployment.provider_name,
      pipeline_id: row.pipeline_id,
    },
  };
}
