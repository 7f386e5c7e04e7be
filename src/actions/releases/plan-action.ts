import { findApplication } from '../../inventory/applications/store.ts';
import { openSettings, type SourceProviderCode } from '../../inventory/credentials/source-provider.ts';
import { findCredential } from '../../inventory/credentials/store.ts';
import { planSteps, type PlannedStep } from '../../pipelines/default-steps.ts';
import { stepsOf, type PipelineRow } from '../../pipelines/store.ts';
import type { Trx } from '../../platform/database/connect.ts';
import type { SecretBox } from '../../platform/secret-box.ts';
import type { ActionRow } from '../store.ts';
import type { ActionParameters } from '../trigger.ts';
import { releaseName, sourceOf, type Commit, type Deployment } from './deployment.ts';
import { gitSource } from './git-source.ts';
import { findRelease, insertRelease } from './store.ts';

/** What an action is to do, written down as it begins: its steps, and of a deployment the release. */
export async function planAction(
  { trx, box }: { trx: Trx; box: SecretBox },
  action: ActionRow,
  pipeline: PipelineRow,
  now: number,
): Promise<{ steps: PlannedStep[]; deployment: Deployment | null }> {
  const own = await stepsOf(trx, pipeline.id);
  // Safe: only actions write the column.
  const parameters = JSON.parse(action.parameters) as ActionParameters;
  const { rollback_to } = parameters;
  const isRollback = rollback_to !== undefined;
  // A rollback stays one, also when the default steps were switched off while it waited: it must not run a build.
  const hasDefaults = isRollback || pipeline.default_steps === 1;
  const application = hasDefaults ? await findApplication(trx, action.resource_id) : undefined;
  if (!application) return { steps: planSteps(pipeline, null, own), deployment: null };

  const credential =
    application.credential_id === null ? undefined : await findCredential(trx, application.credential_id);
  const source = gitSource(
    application.repository,
    // Safe: only the schema's values are written.
    credential
      ? { provider: credential.provider_code as SourceProviderCode, settings: openSettings(box, credential) }
      : null,
  );
  const old = isRollback ? await findRelease(trx, application.id, rollback_to) : undefined;
  const deployment: Deployment = {
    release_name: rollback_to ?? releaseName(now, action.id),
    type: isRollback ? 'rollback' : (parameters.deployment_type ?? 'deploy'),
    repository: application.repository,
    repository_url: source.webUrl,
    clone_url: source.url,
    provider_name: source.providerName,
    ...sourceOf(parameters, application),
    // Safe: only `setReleaseCommit` writes the column.
    commit: old?.commit ? (JSON.parse(old.commit) as Commit) : null,
  };
  if (!isRollback) {
    await insertRelease(trx, {
      applicationId: application.id,
      actionId: action.id,
      name: deployment.release_name,
      now,
    });
  }
  await trx
    .updateTable('actions')
    .set({ action_data: JSON.stringify(deployment) })
    .where('id', '=', action.id)
    .execute();
  return { steps: planSteps({ default_steps: 1 }, application, own, { isRollback }), deployment };
}
