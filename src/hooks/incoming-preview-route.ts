import { Type, type Static } from 'typebox';
import { findApplication } from '../inventory/applications/store.ts';
import { findPipeline } from '../pipelines/store.ts';
import type { Db } from '../platform/database/connect.ts';
import { notFound } from '../platform/errors.ts';
import { FieldFault, idParam } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import { applyIncomingPreset } from './apply-incoming-preset.ts';
import { createBodies } from './bodies.ts';
import { incomingDefinition } from './define-incoming.ts';
import { Hook, presentIncomingDefinition } from './present.ts';
import { unknownFields } from './unknown-fields.ts';

const shown = [
  'name',
  'requires_secret',
  'signature_scheme',
  'signature_encoding',
  'signature_prefix',
  'secret_algorithm',
  'secret_header_name',
  'rate_limit_per_minute',
  'settings',
  'trigger_when',
] as const;

const IncomingDraft = Type.Object(
  {
    ...Type.Pick(Hook, shown).properties,
    warnings: Type.Array(FieldFault, { description: 'Fields that are not known.' }),
  },
  { title: 'IncomingHookDraftPreview' },
);

/** What an incoming hook would be that is only being written. Nothing is stored, and no secret is made. */
export function incomingPreviewRoute(app: HttpApp, { db }: { db: Db }): void {
  app.route({
    method: 'POST',
    url: '/pipelines/:pipeline_id/hooks/incoming/preview',
    config: { access: { permission: 'hook:read', on: 'pipeline', param: 'pipeline_id' } },
    schema: {
      operationId: 'previewNewIncomingHook',
      summary: 'Show what an incoming hook would be, before it is created',
      description:
        'With everything that its preset says and that is left out, such as how the sender signs. Nothing is stored, and no secret is made.',
      params: idParam('pipeline_id'),
      body: Type.Object({ hook: createBodies.incoming }, { title: 'IncomingHookDraft' }),
      response: { 200: IncomingDraft },
    },
    handler: async (request): Promise<Static<typeof IncomingDraft>> => {
      const pipeline = await findPipeline(db, request.params.pipeline_id);
      if (!pipeline) throw notFound('The pipeline');
      const application =
        pipeline.resource_type === 'application'
          ? await findApplication(db, pipeline.resource_id)
          : undefined;
      const { preset = null, ...given } = request.body.hook;
      const input = applyIncomingPreset(preset, given, application?.default_branch ?? null);
      return {
        name: input.name ?? '',
        ...presentIncomingDefinition(incomingDefinition(input, null)),
        warnings: unknownFields(request.body.hook, createBodies.incoming),
      };
    },
  });
}
