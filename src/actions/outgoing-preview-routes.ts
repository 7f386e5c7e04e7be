import { Type, type Static } from 'typebox';
import { changeBodies, createBodies } from '../hooks/bodies.ts';
import { compileOutgoing } from '../hooks/compile-outgoing.ts';
import { outgoingDefinition } from '../hooks/define-outgoing.ts';
import { eventNames, RequestBody, RequestHeader, type OutgoingDefinition } from '../hooks/definition.ts';
import { knownContext } from '../hooks/known-context.ts';
import { accessTokenOf, type SendingHook } from '../hooks/registry.ts';
import { completeOutgoing } from '../hooks/save.ts';
import { maskHeaderTemplate } from '../hooks/sensitive-headers.ts';
import { newSigningSecret } from '../hooks/signing-secret.ts';
import { findHook, incomingVariables, openOutgoing, type HookRow } from '../hooks/store.ts';
import { allPaths, templateWarnings } from '../hooks/template-warnings.ts';
import { templateFilters } from '../hooks/templates.ts';
import { maskBodyTemplate, maskUrlTemplate, writtenSecrets } from '../hooks/written-secrets.ts';
import { resourceColumns } from '../inventory/resource.ts';
import { findPipeline } from '../pipelines/store.ts';
import { invalid, notFound } from '../platform/errors.ts';
import { FieldFault, Id, idParam, Nullable, OneOf, uuidParam } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import { mask } from '../platform/secret-box.ts';
import { findAction, OutgoingPreview, tryOut, type TryOutContext } from './outgoing-test-route.ts';
import type { ActionRow } from './store.ts';

const about = { action_id: Type.Optional(Id), event: Type.Optional(OneOf(eventNames)) };

const DraftPreview = Type.Object(
  {
    name: Type.String(),
    target_url: Type.String({ description: 'A template; with what the preset says, as are the following.' }),
    settings: Type.Object(
      { request_headers: Type.Array(RequestHeader), request_body: Nullable(RequestBody) },
      { title: 'DraftedHookSettings' },
    ),
    events: Type.Array(OneOf(eventNames)),
    signing: Type.Boolean(),
    preview: Nullable(OutgoingPreview),
    warnings: Type.Array(FieldFault, {
      description: 'Names in its templates and conditions that no event will have.',
    }),
    context: Type.Record(Type.String(), Type.Unknown(), {
      description: 'What the templates see of that action; empty when none has run. Without secrets.',
    }),
    names: Type.Array(Type.String(), {
      description:
        'Every name that a template may use, such as `action.commit.hash`; below some there may be more.',
    }),
    filters: Type.Array(Type.String(), { description: 'What may follow a `|`.' }),
  },
  { title: 'OutgoingHookDraftPreview' },
);

/** What an outgoing hook would send that is only being written. Nothing is stored or sent. */
export function outgoingPreviewRoutes(app: HttpApp, context: TryOutContext): void {
  const { db, box } = context;
  const description =
    'Without an action the last one of its pipeline is taken; when none has run yet, `preview` is null. The access token of a source provider is not read: `********` stands for it. Nothing is stored or sent.';

  app.route({
    method: 'POST',
    url: '/pipelines/:pipeline_id/hooks/outgoing/preview',
    config: { access: { permission: 'hook:create', on: 'pipeline', param: 'pipeline_id' } },
    schema: {
      operationId: 'previewNewOutgoingHook',
      summary: 'Show what an outgoing hook would be and send, before it is created',
      description,
      params: idParam('pipeline_id'),
      body: Type.Object({ hook: createBodies.outgoing, ...about }, { title: 'OutgoingHookDraft' }),
      response: { 200: DraftPreview },
    },
    handler: async (request) => {
      const pipeline = await findPipeline(db, request.params.pipeline_id);
      if (!pipeline) throw notFound('The pipeline');
      const { preset = null, ...given } = request.body.hook;
      const resourceType =
        pipeline.resource_type === 'server' ? ('server' as const) : ('application' as const);
      const owner = {
        environmentId: pipeline.environment_id,
        pipelineId: pipeline.id,
        resourceType,
        resourceId: pipeline.resource_id,
        actionType: pipeline.operation,
      };
      const { input, definition } = await completeOutgoing(context, owner, given, preset);
      const row: HookRow = {
        ...unsaved,
        name: input.name,
        environment_id: pipeline.environment_id,
        pipeline_id: pipeline.id,
        ...resourceColumns(resourceType, pipeline.resource_id),
        action_type: pipeline.operation,
      };
      return await present(row, definition, request.body);
    },
  });

  app.route({
    method: 'POST',
    url: '/hooks/outgoing/:hook_id/preview',
    config: { access: { permission: 'hook:update', on: 'hook', param: 'hook_id' } },
    schema: {
      operationId: 'previewOutgoingHookChange',
      summary: 'Show what an outgoing hook would send, before it is changed',
      description: `What is left out, or masked, is as the hook has it. ${description}`,
      params: uuidParam('hook_id'),
      body: Type.Object({ hook: changeBodies.outgoing, ...about }, { title: 'OutgoingHookChangeDraft' }),
      response: { 200: DraftPreview },
    },
    handler: async (request) => {
      const row = await findHook(db, request.params.hook_id);
      if (row?.direction !== 'out') throw notFound('The outgoing hook');
      const { hook } = request.body;
      const definition = outgoingDefinition(hook, openOutgoing(box, row));
      const active = (hook.active ?? row.active === 1) ? 1 : 0;
      return await present({ ...row, name: hook.name ?? row.name, active }, definition, request.body);
    },
  });

  const present = async (
    row: HookRow,
    definition: OutgoingDefinition,
    wanted: { action_id?: number | undefined; event?: (typeof eventNames)[number] | undefined },
  ): Promise<Static<typeof DraftPreview>> => {
    const hook = await sendingDraft(row, definition);
    const action = await wantedAction(row, wanted.action_id);
    const told = action ? await tryOut(context, hook, action, wanted.event) : null;
    const variables = await incomingVariables(db, box, {
      pipelineId: row.pipeline_id,
      resourceType: row.resource_type,
      resourceId: row.resource_id,
      actionType: row.action_type,
    });
    const known = knownContext(
      row.resource_type,
      variables.map(({ name }) => name),
    );
    return {
      name: row.name,
      target_url: maskUrlTemplate(definition.target_url),
      settings: {
        request_headers: definition.request_headers.map(({ name, value }) => ({
          name,
          value: maskHeaderTemplate(name, value),
        })),
        request_body: maskBodyTemplate(definition.request_body),
      },
      events: definition.events,
      signing: definition.signing ?? false,
      preview: told?.preview ?? null,
      warnings: templateWarnings(hook.compiled, definition.conditions, known),
      context: told ? { ...told.values, hook: { id: row.uuid, name: row.name } } : {},
      names: allPaths(known),
      filters: templateFilters(),
    };
  };

  /**
   * Whoever writes the template chooses what becomes of a value, in ways that no mask recognises: so the token is not
   * there at all, and what signs is made up.
   */
  const sendingDraft = async (row: HookRow, definition: OutgoingDefinition): Promise<SendingHook> => ({
    row,
    definition,
    compiled: compileOutgoing(definition).compiled,
    accessToken: (await accessTokenOf(db, box, row)) === null ? null : mask,
    secrets: writtenSecrets(definition),
    signingSecrets: definition.signing
      ? [{ secret: newSigningSecret(), until: Number.POSITIVE_INFINITY }]
      : [],
  });

  const wantedAction = async (row: HookRow, id: number | undefined): Promise<ActionRow | undefined> => {
    const action = await findAction(db, row, id);
    if (!action && id !== undefined)
      throw invalid([{ field: 'action_id', message: 'names no action of the environment of this hook' }]);
    return action;
  };
}

/** What a row has that was never stored. */
const unsaved = {
  id: 0,
  uuid: '00000000-0000-0000-0000-000000000000',
  direction: 'out' as const,
  version: 1,
  active: 1 as const,
  definition_sealed: '',
  secret_sealed: null,
  previous_secret_sealed: null,
  previous_secret_expires_at: null,
  preset: null,
  disabled_at: null,
  disabled_reason: null,
  created_by: 0,
  created_at: 0,
  updated_at: 0,
};
