import { getPipeline, listPipelinesByResourceType, pages } from '#sdk';
import { changesBetween, type Change } from './plan.ts';
import { pipelineActual } from './fetch-environment.ts';
import { fill } from './complete-fields.ts';
import type { Scene } from './execute-plan.ts';
import type { Desired } from './read-file.ts';

/**
 * A new server comes with pipelines that switch it on and off. One of the file is that very pipeline when it has the
 * same name, or the same operation: of two for an operation the older one would run. Null where there is none to take.
 */
export async function takeOwnPipeline(scene: Scene, desired: Desired): Promise<Change | null> {
  const { client, ids, plan } = scene;
  const { owner } = desired;
  const isNew = owner !== null && !plan.pairs.has(owner);
  if (owner?.kind !== 'server' || !isNew) return null;
  const path = { resource_type: 'server', resource_id: Number(ids.get(owner)) } as const;
  const rows = await Array.fromAsync(pages(listPipelinesByResourceType, { client, path }));
  const ofFile = new Set(
    [...plan.changes].flatMap(({ desired: one }) =>
      one?.kind === 'pipeline' && one.owner === owner ? [one.name] : [],
    ),
  );
  const operation = desired.fields['operation'];
  const row = rows.find(
    (one) =>
      one.is_auto_generated &&
      one.operation === operation &&
      (one.name === desired.name || !ofFile.has(one.name)),
  );
  if (!row) return null;
  const pipeline = await getPipeline({ client, path: { pipeline_id: row.id } });
  const actual = pipelineActual(pipeline, null);
  const options = { sendsSecrets: false, mustSend: false };
  const found = { kept: [], sent: [], missing: [] };
  const fields = fill('pipeline', desired.fields, {});
  return {
    action: 'update',
    kind: 'pipeline',
    address: desired.address,
    renamedFrom: pipeline.name === desired.name ? null : pipeline.name,
    desired,
    actual,
    fields,
    changes: changesBetween('pipeline', fields, actual.fields, options, found),
    options,
    along: [],
    notes: [],
  };
}
