import { Type, type Static } from 'typebox';
import { principalOf, scopeOf } from '../../accounts/access.ts';
import type { Bus } from '../../platform/bus.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Db } from '../../platform/database/connect.ts';
import { AppError, invalid, notFound } from '../../platform/errors.ts';
import { linkPages, PageQuery, readPage } from '../../platform/http/pagination.ts';
import { idParam, Nullable, OneOf } from '../../platform/http/schemas.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import { mask, type SecretBox } from '../../platform/secret-box.ts';
import { Credential, presentCredential } from './present.ts';
import {
  openSettings,
  sealSettings,
  sourceProviderCodes,
  type CredentialSettings,
} from './source-provider.ts';
import {
  applicationsUsing,
  deleteCredential,
  findCredential,
  insertCredential,
  listCredentials,
  updateCredential,
  type CredentialRow,
} from './store.ts';

type Context = { db: Db; clock: Clock; box: SecretBox; bus: Bus };

const settingsFields = {
  access_token: Type.Optional(
    Type.String({
      pattern: '^[\\x21-\\x7e]+$',
      maxLength: 4096,
      description: 'Printable ASCII, as it goes into a header.',
    }),
  ),
  api_url: Type.Optional(Nullable(Type.String({ maxLength: 2000 }))),
};
/** Ours is flat; the reference nests the same below `credential`. */
const Settings = Type.Object({ ...settingsFields, credential: Type.Optional(Type.Object(settingsFields)) });

const CreateBody = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 60 }),
  provider_code: OneOf(sourceProviderCodes),
  provider_type: Type.Optional(OneOf(['source_provider'])),
  active: Type.Optional(Type.Boolean()),
  settings: Settings,
});

const UpdateBody = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 60 }),
  active: Type.Optional(Type.Boolean()),
  settings: Type.Optional(Settings),
});

export function credentialRoutes(app: HttpApp, context: Context): void {
  const { db, clock, box, bus } = context;
  const present = (row: CredentialRow) => presentCredential(row, openSettings(box, row).api_url);

  const create = async (
    body: Static<typeof CreateBody>,
    owner: { organizationId: number; environmentId: number | null; userId: number },
  ) => {
    const given = readSettings(body.settings);
    if (!given.access_token) throw invalid([{ field: 'settings.access_token', message: 'is required' }]);
    const now = clock.now();
    return await insertCredential(db, {
      organization_id: owner.organizationId,
      environment_id: owner.environmentId,
      name: body.name,
      provider_code: body.provider_code,
      provider_type: 'source_provider',
      active: body.active === false ? 0 : 1,
      settings_sealed: sealSettings(box, {
        access_token: given.access_token,
        api_url: given.api_url ?? null,
      }),
      created_by: owner.userId,
      created_at: now,
      updated_at: now,
    });
  };

  app.route({
    method: 'POST',
    url: '/environments/:environment_id/credentials',
    config: { access: { permission: 'credential:create', on: 'environment', param: 'environment_id' } },
    schema: {
      operationId: 'addEnvironmentCredential',
      summary: 'Connect a source provider to an environment',
      params: idParam('environment_id'),
      body: CreateBody,
      response: { 201: Credential },
    },
    handler: async (request, reply) => {
      const { organizationId, environmentId } = scopeOf(request);
      const { userId } = principalOf(request);
      return reply
        .status(201)
        .send(present(await create(request.body, { organizationId, environmentId, userId })));
    },
  });

  app.route({
    method: 'POST',
    url: '/organizations/:organization_id/credentials',
    config: { access: { permission: 'credential:create', on: 'organization', param: 'organization_id' } },
    schema: {
      operationId: 'addOrganizationCredential',
      summary: 'Connect a source provider for all environments of an organization',
      params: idParam('organization_id'),
      body: CreateBody,
      response: { 201: Credential },
    },
    handler: async (request, reply) => {
      const organizationId = Number(request.params.organization_id);
      const owner = { organizationId, environmentId: null, userId: principalOf(request).userId };
      return reply.status(201).send(present(await create(request.body, owner)));
    },
  });

  app.route({
    method: 'GET',
    url: '/environments/:environment_id/credentials',
    config: { access: { permission: 'credential:read', on: 'environment', param: 'environment_id' } },
    schema: {
      operationId: 'listEnvironmentCredentials',
      summary: 'List the credentials that an environment can use',
      params: idParam('environment_id'),
      querystring: PageQuery,
      response: { 200: Type.Array(Credential) },
    },
    handler: async (request, reply) => {
      const page = readPage(request.query);
      const { rows, total } = await listCredentials(db, scopeOf(request), page);
      linkPages(request, reply, page, total);
      return rows.map(present);
    },
  });

  app.route({
    method: 'GET',
    url: '/organizations/:organization_id/credentials',
    config: { access: { permission: 'credential:read', on: 'organization', param: 'organization_id' } },
    schema: {
      operationId: 'listOrganizationCredentials',
      summary: 'List all credentials of an organization',
      params: idParam('organization_id'),
      querystring: PageQuery,
      response: { 200: Type.Array(Credential) },
    },
    handler: async (request, reply) => {
      const page = readPage(request.query);
      const filter = { organizationId: Number(request.params.organization_id), environmentId: null };
      const { rows, total } = await listCredentials(db, filter, page);
      linkPages(request, reply, page, total);
      return rows.map(present);
    },
  });

  const params = idParam('credential_id');
  const on = { on: 'credential', param: 'credential_id' } as const;
  const existing = async (id: string): Promise<CredentialRow> => {
    const row = await findCredential(db, Number(id));
    if (!row) throw notFound('The credential');
    return row;
  };

  app.route({
    method: 'GET',
    url: '/credentials/:credential_id',
    config: { access: { permission: 'credential:read', ...on } },
    schema: {
      operationId: 'getCredential',
      summary: 'Read a credential',
      params,
      response: { 200: Credential },
    },
    handler: async (request) => present(await existing(request.params.credential_id)),
  });

  app.route({
    method: 'PUT',
    url: '/credentials/:credential_id',
    config: { access: { permission: 'credential:update', ...on } },
    schema: {
      operationId: 'updateCredential',
      summary: 'Change a credential; an access token that is left out is kept',
      params,
      body: UpdateBody,
      response: { 204: Type.Null() },
    },
    handler: async (request, reply) => {
      const row = await existing(request.params.credential_id);
      const settings = { ...openSettings(box, row), ...readSettings(request.body.settings ?? {}) };
      await updateCredential(db, row.id, {
        name: request.body.name,
        active: (request.body.active ?? row.active === 1) ? 1 : 0,
        settings_sealed: sealSettings(box, settings),
        updated_at: clock.now(),
      });
      bus.publish('definitions');
      return reply.status(204).send(null);
    },
  });

  app.route({
    method: 'DELETE',
    url: '/credentials/:credential_id',
    config: {
      access: { permission: 'credential:delete', ...on },
      errors: { 409: 'An application still uses the credential.' },
    },
    schema: {
      operationId: 'deleteCredential',
      summary: 'Delete a credential',
      params,
      response: { 204: Type.Null() },
    },
    handler: async (request, reply) => {
      const row = await existing(request.params.credential_id);
      const users = await applicationsUsing(db, row.id);
      if (users.length > 0) {
        throw new AppError(
          'conflict',
          `This credential is the source provider of: ${users.join(', ')}. Give them another one first.`,
        );
      }
      await deleteCredential(db, row.id);
      bus.publish('definitions');
      return reply.status(204).send(null);
    },
  });
}

function readSettings(settings: Static<typeof Settings>): Partial<CredentialSettings> {
  const given = settings.credential ?? settings;
  if (given.api_url && !/^https?:\/\//.test(given.api_url)) {
    throw invalid([{ field: 'settings.api_url', message: 'must begin with http:// or https://' }]);
  }
  const read: Partial<CredentialSettings> = {};
  if (given.access_token !== undefined && given.access_token !== mask) read.access_token = given.access_token;
  if (given.api_url !== undefined) read.api_url = given.api_url?.replace(/\/+$/, '') ?? null;
  return read;
}
