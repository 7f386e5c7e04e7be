import type { FastifyReply } from 'fastify';
import { Type, type Static } from 'typebox';
import { scopeOf } from '../../accounts/access.ts';
import { findPipeline, pipelinesFor, type PipelineRow } from '../../pipelines/store.ts';
import type { Bus } from '../../platform/bus.ts';
import { isoTime, type Clock } from '../../platform/clock.ts';
import type { Db } from '../../platform/database/connect.ts';
import { AppError, invalid } from '../../platform/errors.ts';
import { onePage, PageQuery } from '../../platform/http/pagination.ts';
import { Id, idParam, Nullable, OneOf, Time } from '../../platform/http/schemas.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import type { EventWriter } from '../events.ts';
import { Action } from '../present.ts';
import { choosePipeline, startAction } from '../start-action.ts';
import { findAction, type ActionRow } from '../store.ts';
import type { ActionParameters } from '../trigger.ts';
import type { Commit } from './deployment.ts';
import { findRelease, liveRelease, listReleases, releaseBefore, type ReleaseRow } from './store.ts';

const Release = Type.Object(
  {
    name: Type.String(),
    application_id: Type.Integer(),
    action_id: Type.Integer({ description: 'The deployment that made it.' }),
    status: OneOf(
      ['building', 'ready', 'failed', 'removed'],
      'Only a ready one can be rolled back to; a removed one is not on the targets any more.',
    ),
    is_live: Type.Boolean(),
    commit: Nullable(
      Type.Object(
        {
          hash: Type.String(),
          author_name: Type.String(),
          author_email: Type.String(),
          committed_at: Type.String(),
          message: Type.String(),
        },
        { title: 'ReleaseCommit' },
      ),
    ),
    activated_at: Nullable(Time),
    created_at: Time,
  },
  { title: 'Release' },
);

const RollbackCreate = Type.Object(
  {
    release_name: Type.Optional(
      Type.String({ minLength: 1, maxLength: 60, description: 'The one before the live one if left out.' }),
    ),
    pipeline_id: Type.Optional(Id),
    servers: Type.Optional(
      Type.Array(Id, { maxItems: 100, description: 'Instead of those that the application is linked to.' }),
    ),
    trigger_comment: Type.Optional(Type.String({ maxLength: 1000 })),
  },
  { title: 'RollbackCreate' },
);

export function releaseRoutes(
  app: HttpApp,
  context: {
    db: Db;
    writer: EventWriter;
    clock: Clock;
    bus: Bus;
    created: (reply: FastifyReply, row: ActionRow) => Promise<FastifyReply>;
  },
): void {
  const { db } = context;
  const params = idParam('application_id');

  app.route({
    method: 'GET',
    url: '/applications/:application_id/releases',
    config: { access: { permission: 'application:read', on: 'application', param: 'application_id' } },
    schema: {
      operationId: 'listApplicationReleases',
      summary: 'List the releases of an application, and which one is live',
      params,
      querystring: PageQuery,
      response: { 200: Type.Array(Release) },
    },
    handler: async (request, reply) => {
      const id = request.params.application_id;
      const rows = await onePage(request, reply, (page) => listReleases(db, id, page));
      const live = await liveRelease(db, id);
      return rows.map((row) => presentRelease(row, row.id === live?.id));
    },
  });

  app.route({
    method: 'POST',
    url: '/applications/:application_id/rollback',
    config: {
      access: { permission: 'application:deploy', on: 'application', param: 'application_id' },
      startsAction: true,
      errors: { 409: 'There is no release to go back to, or no deploy pipeline.' },
    },
    schema: {
      operationId: 'rollbackApplication',
      summary: 'Make an earlier release live again',
      description:
        'Starts an action of type deploy that fetches and builds nothing: it switches `current` on every target, and then runs the steps that run after the activation.',
      params,
      body: Nullable(RollbackCreate),
      response: { 201: Action },
    },
    handler: async (request, reply) => {
      const body = request.body ?? {};
      const resource = { type: 'application', id: request.params.application_id };
      const pipelines = await pipelinesFor(db, resource, 'deploy');
      const releasing = pipelines.filter((one) => one.default_steps === 1);
      if (pipelines.length > 0 && releasing.length === 0) throw makesNoReleases();
      const pipeline = choosePipeline(releasing, {
        id: body.pipeline_id ?? (await pipelineOfLive(db, resource.id)),
        operation: 'deploy',
        owner: 'application',
      });
      const row = await startAction(context, request, {
        pipeline,
        place: scopeOf(request),
        parameters: await rollbackParameters(db, pipeline, body),
        triggerComment: body.trigger_comment ?? null,
      });
      return await context.created(reply, row);
    },
  });
}

/** Of several pipelines the one that has put the live release there. */
async function pipelineOfLive(db: Db, applicationId: number): Promise<number | undefined> {
  const live = await liveRelease(db, applicationId);
  const action = live && (await findAction(db, live.action_id));
  const pipeline = action?.pipeline_id ? await findPipeline(db, action.pipeline_id) : undefined;
  return pipeline?.default_steps === 1 ? pipeline.id : undefined;
}

/** Throws `conflict` when there is nothing to go back to, `invalid` for a name that there is not. */
export async function rollbackParameters(
  db: Db,
  pipeline: PipelineRow,
  { release_name, servers }: { release_name?: string | undefined; servers?: number[] | undefined },
): Promise<ActionParameters> {
  if (pipeline.default_steps !== 1) throw makesNoReleases();
  const applicationId = pipeline.resource_id;
  const live = await liveRelease(db, applicationId);
  const release =
    release_name === undefined
      ? live && (await releaseBefore(db, applicationId, live.id))
      : await findRelease(db, applicationId, release_name);
  if (!release && release_name !== undefined) {
    throw invalid([{ field: 'release_name', message: 'names no release of the application' }]);
  }
  if (!release) {
    const why = live ? `${live.name} is the oldest release there is` : 'No release has been live yet';
    throw new AppError('conflict', `${why}; there is none to go back to.`);
  }
  if (release.status !== 'ready') throw new AppError('conflict', notReady(release));
  if (release.id === live?.id) throw new AppError('conflict', `${release.name} is live already.`);
  const commit = release.commit === null ? null : (JSON.parse(release.commit) as Commit);
  return {
    source_type: commit ? 'commit' : null,
    source_ref: commit?.hash ?? null,
    commit_hash: commit?.hash ?? null,
    servers: servers && servers.length > 0 ? servers : null,
    rollback_to: release.name,
  };
}

function makesNoReleases(): AppError {
  return new AppError(
    'conflict',
    'A pipeline makes releases only with default_steps, and these are switched off.',
  );
}

function notReady({ name, status }: ReleaseRow): string {
  if (status === 'removed')
    return `${name} was removed from the targets: the application keeps fewer releases.`;
  return status === 'building' ? `${name} is still being built.` : `${name} failed and was never live.`;
}

function presentRelease(row: ReleaseRow, isLive: boolean): Static<typeof Release> {
  return {
    name: row.name,
    application_id: row.application_id,
    action_id: row.action_id,
    status: row.status,
    is_live: isLive,
    // Safe: only `setReleaseCommit` writes the column.
    commit: row.commit === null ? null : (JSON.parse(row.commit) as Commit),
    activated_at: isoTime(row.activated_at),
    created_at: isoTime(row.created_at),
  };
}
