import { Type, type Static } from 'typebox';
import { principalOf, scopeOf, type Access } from '../../accounts/access.ts';
import { audited } from '../../accounts/audit.ts';
import { usersById } from '../../accounts/present.ts';
import type { Bus } from '../../platform/bus.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Db } from '../../platform/database/connect.ts';
import { orTaken } from '../../platform/database/errors.ts';
import { invalid, notFound, type FieldError } from '../../platform/errors.ts';
import { onePage, PageQuery } from '../../platform/http/pagination.ts';
import { Id, idParam, noContent, Nullable, OneOf } from '../../platform/http/schemas.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import type { SecretBox } from '../../platform/secret-box.ts';
import { presentCredentialRelation } from '../credentials/present.ts';
import { openSettings } from '../credentials/source-provider.ts';
import { findCredential } from '../credentials/store.ts';
import { usersOfPlaces } from '../places/present.ts';
import { findPlace } from '../places/store.ts';
import { findServers } from '../servers/store.ts';
import {
  Application,
  ApplicationRelation,
  presentApplication,
  presentApplicationRelation,
} from './present.ts';
import { parseRepository } from './repository.ts';
import {
  deleteApplication,
  findApplication,
  insertApplication,
  linkedServers,
  linkServer,
  listApplications,
  nameIsTaken,
  updateApplication,
  type ApplicationRow,
} from './store.ts';

const text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const command = Type.Optional(Nullable(Type.String({ maxLength: 65_536 })));
const optionalFields = {
  credential_id: Type.Optional(Nullable(Id)),
  programming_language: Type.Optional(Type.String({ maxLength: 40 })),
  engine_version: Type.Optional(Type.String({ maxLength: 40 })),
  framework: Type.Optional(Type.String({ maxLength: 40 })),
  root_directory: Type.Optional(
    Nullable(
      Type.String({
        maxLength: 1000,
        description:
          'A folder of the repository in which the steps run, e.g. `/apps/web`; its top if left out.',
      }),
    ),
  ),
  deploy_directory: Type.Optional(
    Nullable(
      Type.String({
        maxLength: 1000,
        description:
          'Where releases and the link `current` lie on a target, e.g. `/srv/web` or `~/web`. If left out: `~/<name>` on a server, a folder of its own in the data directory on the machine of Hookline.',
      }),
    ),
  ),
  deployments_keep: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  install_dependencies_command: command,
  build_command: command,
};
const repository = Type.String({
  minLength: 1,
  maxLength: 500,
  description: 'owner/name at the source provider, or a full git URL.',
});
const CreateBody = Type.Object(
  {
    name: text(60),
    repository,
    default_branch: Type.Optional(text(255)),
    ...optionalFields,
    linked_resources: Type.Optional(
      Type.Array(
        Type.Object({ resource_type: OneOf(['server']), resource_id: Id }, { title: 'LinkedResource' }),
        {
          maxItems: 100,
          description: 'The servers it runs on; with none its pipelines run on the machine of Hookline.',
        },
      ),
    ),
  },
  { title: 'ApplicationCreate' },
);
const UpdateBody = Type.Object(
  {
    name: Type.Optional(text(60)),
    repository: Type.Optional(repository),
    default_branch: Type.Optional(text(255)),
    ...optionalFields,
  },
  { title: 'ApplicationUpdate' },
);
const taken = 'is the name of another application of this environment';

export function applicationRoutes(
  app: HttpApp,
  context: { db: Db; clock: Clock; box: SecretBox; bus: Bus },
): void {
  const { db, clock, box, bus } = context;
  const present = async (row: ApplicationRow, projectId: number) => {
    const place = await findPlace(db, row.environment_id);
    const credential = row.credential_id === null ? undefined : await findCredential(db, row.credential_id);
    const users = await usersById(db, [
      row.created_by,
      credential?.created_by ?? null,
      ...usersOfPlaces(place ? [place] : []),
    ]);
    return presentApplication(row, {
      projectId,
      place,
      credential: credential
        ? presentCredentialRelation(credential, openSettings(box, credential).api_url, users)
        : null,
      servers: await linkedServers(db, row.id),
      users,
    });
  };

  const check = async (
    given: {
      name?: string;
      repository?: string;
      root_directory?: string | null;
      deploy_directory?: string | null;
      credential_id?: number | null;
      linked_resources?: { resource_id: number }[];
    },
    place: { organizationId: number; environmentId: number },
    exceptId: number,
  ): Promise<void> => {
    const faults: FieldError[] = [];
    if (given.repository !== undefined && !parseRepository(given.repository)) {
      faults.push({ field: 'repository', message: 'must be owner/name or a full git URL' });
    }
    if (given.repository !== undefined && URL.parse(given.repository)?.password) {
      const message = 'must not hold a password; put the token into a credential of the source provider';
      faults.push({ field: 'repository', message });
    }
    if (given.root_directory?.split('/').includes('..')) {
      faults.push({ field: 'root_directory', message: 'must not leave the repository with ..' });
    }
    if (given.deploy_directory && !isDirectory(given.deploy_directory)) {
      const message = 'must begin with / or ~/ and hold neither .. nor control characters';
      faults.push({ field: 'deploy_directory', message });
    }
    if (given.name !== undefined && (await nameIsTaken(db, place.environmentId, given.name, exceptId))) {
      faults.push({ field: 'name', message: taken });
    }
    if (given.credential_id) {
      const credential = await findCredential(db, given.credential_id);
      const usable =
        credential?.organization_id === place.organizationId &&
        [null, place.environmentId].includes(credential.environment_id);
      if (!usable) {
        faults.push({ field: 'credential_id', message: 'names no credential that this environment can use' });
      }
    }
    const wanted = (given.linked_resources ?? []).map(({ resource_id }) => resource_id);
    const servers = await findServers(db, wanted);
    wanted.forEach((id, index) => {
      if (servers.some((server) => server.id === id && server.environment_id === place.environmentId)) return;
      const field = `linked_resources.${index}.resource_id`;
      faults.push({ field, message: `names no server of this environment: ${id}` });
    });
    if (faults.length > 0) throw invalid(faults);
  };

  app.route({
    method: 'POST',
    url: '/environments/:environment_id/applications',
    config: { access: { permission: 'application:create', on: 'environment', param: 'environment_id' } },
    schema: {
      operationId: 'addEnvironmentApplication',
      summary: 'Create an application',
      description:
        'A pipeline says what is done with it, and hooks when. `credential_id` names the source provider that its repository is at.',
      params: idParam('environment_id'),
      body: CreateBody,
      response: { 201: Application },
    },
    handler: async (request, reply) => {
      const scope = scopeOf(request);
      const { body } = request;
      await check(body, scope, 0);
      const now = clock.now();
      const row = await audited(context, request, asObject, async (trx) => {
        const inserted = await insertApplication(trx, {
          environment_id: scope.environmentId,
          credential_id: body.credential_id ?? null,
          name: body.name,
          repository: body.repository,
          default_branch: body.default_branch ?? 'main',
          programming_language: body.programming_language ?? '',
          engine_version: body.engine_version ?? '',
          framework: body.framework ?? '',
          root_directory: body.root_directory ?? null,
          deploy_directory: body.deploy_directory ?? null,
          deployments_keep: body.deployments_keep ?? 5,
          install_dependencies_command: body.install_dependencies_command ?? null,
          build_command: body.build_command ?? null,
          created_by: principalOf(request).userId,
          created_at: now,
          updated_at: now,
        });
        if (!inserted) throw invalid([{ field: 'name', message: taken }]);
        for (const { resource_id } of body.linked_resources ?? []) {
          await linkServer(trx, { applicationId: inserted.id, serverId: resource_id });
        }
        return inserted;
      });
      return reply.status(201).send(await present(row, scope.projectId));
    },
  });

  app.route({
    method: 'GET',
    url: '/environments/:environment_id/applications',
    config: { access: { permission: 'application:read', on: 'environment', param: 'environment_id' } },
    schema: {
      operationId: 'listEnvironmentApplications',
      summary: 'List the applications of an environment',
      params: idParam('environment_id'),
      querystring: Type.Object({
        ...PageQuery.properties,
        'filter[name]': Type.Optional(Type.String({ maxLength: 60, description: 'A part of the name.' })),
      }),
      response: { 200: Type.Array(ApplicationRelation) },
    },
    handler: async (request, reply) => {
      const { environmentId, projectId } = scopeOf(request);
      const filter = { environmentId, name: request.query['filter[name]'] };
      const rows = await onePage(request, reply, (page) => listApplications(db, filter, page));
      return rows.map((row) => presentApplicationRelation(row, projectId));
    },
  });

  const params = idParam('application_id');
  const needs = (permission: 'application:read' | 'application:update' | 'application:delete') => ({
    access: { permission, on: 'application', param: 'application_id' } satisfies Access,
  });
  const existing = async (id: number): Promise<ApplicationRow> => {
    const row = await findApplication(db, id);
    if (!row) throw notFound('The application');
    return row;
  };

  app.route({
    method: 'GET',
    url: '/applications/:application_id',
    config: needs('application:read'),
    schema: {
      operationId: 'getApplication',
      summary: 'Read an application',
      params,
      response: { 200: Application },
    },
    handler: async (request) =>
      present(await existing(request.params.application_id), scopeOf(request).projectId),
  });

  app.route({
    method: 'PUT',
    url: '/applications/:application_id',
    config: needs('application:update'),
    schema: {
      operationId: 'updateApplication',
      summary: 'Change an application; fields that are left out are kept',
      params,
      body: UpdateBody,
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await existing(request.params.application_id);
      const { body } = request;
      await check(body, scopeOf(request), row.id);
      const change = audited(context, request, { ...asObject(row), name: body.name ?? row.name }, (trx) =>
        updateApplication(trx, row.id, { ...changedColumns(body), updated_at: clock.now() }),
      );
      await orTaken('name', taken, change);
      bus.publish('definitions');
      return reply.status(204).send(null);
    },
  });

  app.route({
    method: 'DELETE',
    url: '/applications/:application_id',
    config: needs('application:delete'),
    schema: {
      operationId: 'deleteApplication',
      summary: 'Delete an application with its variables, pipelines and hooks',
      description: 'The records of what ran stay until retention removes them.',
      params,
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await existing(request.params.application_id);
      await audited(context, request, asObject(row), (trx) => deleteApplication(trx, row.id));
      bus.publish('definitions');
      return reply.status(204).send(null);
    },
  });
}

/** A folder on a target: absolute, or in the home of whoever deploys there. */
function isDirectory(path: string): boolean {
  // eslint-disable-next-line no-control-regex -- control characters are what it refuses
  return /^~?\/[^\u0000-\u001f]*$/.test(path) && !path.split('/').includes('..');
}

function asObject({ id, name }: ApplicationRow) {
  return { type: 'application' as const, id, name };
}

/** The body may hold more than we know (an existing client's fields), so the columns are picked by name. */
function changedColumns(body: Static<typeof UpdateBody>): Partial<Static<typeof UpdateBody>> {
  const known = Object.keys(UpdateBody.properties);
  return Object.fromEntries(Object.entries(body).filter(([key]) => known.includes(key)));
}
