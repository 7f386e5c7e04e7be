import { Type, type Static } from 'typebox';
import type { FastifyRequest } from 'fastify';
import { placeOf, principalOf } from '../../accounts/access.ts';
import { audited } from '../../accounts/audit.ts';
import { usersById } from '../../accounts/present.ts';
import type { Bus } from '../../platform/bus.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Db } from '../../platform/database/connect.ts';
import { lockRow } from '../../platform/database/lock-row.ts';
import { AppError, invalid, notFound } from '../../platform/errors.ts';
import { onePage, PageQuery } from '../../platform/http/pagination.ts';
import { idParam, noContent, Nullable, OneOf } from '../../platform/http/schemas.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import { mask, type SecretBox } from '../../platform/secret-box.ts';
import { findOrganization } from '../places/store.ts';
import { Credential, CredentialRelation, presentCredential, presentCredentialRelation } from './present.ts';
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
const Settings = Type.Object(
  {
    ...settingsFields,
    credential: Type.Optional(
      Type.Object(settingsFields, { description: 'The same in the nesting that existing clients send.' }),
    ),
  },
  { title: 'SourceProviderSettings' },
);

const CreateBody = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 60 }),
    provider_code: OneOf(sourceProviderCodes),
    provider_type: Type.Optional(OneOf(['source_provider'])),
    active: Type.Optional(Type.Boolean()),
    settings: Settings,
  },
  { title: 'CredentialCreate' },
);

const UpdateBody = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 60 })),
    active: Type.Optional(Type.Boolean()),
    settings: Type.Optional(Settings),
  },
  { title: 'CredentialUpdate' },
);

const Query = Type.Object({
  ...PageQuery.properties,
  provider_code: Type.Optional(OneOf(sourceProviderCodes)),
  provider_type: Type.Optional(Type.String({ maxLength: 40 })),
});

export function credentialRoutes(app: HttpApp, context: Context): void {
  const { db, clock, box, bus } = context;
  const apiUrlOf = (row: CredentialRow) => openSettings(box, row).api_url;
  const present = async (row: CredentialRow) => {
    const organization = await findOrganization(db, row.organization_id);
    const users = await usersById(db, [row.created_by, organization?.owner_user_id ?? null]);
    return presentCredential(row, apiUrlOf(row), { organization, users });
  };

  // The same two verbs for an environment's own credentials and for those of a whole organization.
  const owners = [
    {
      on: 'environment',
      param: 'environment_id',
      label: 'Environment',
      create: 'Connect a source provider to an environment',
      list: 'List the credentials that an environment can use',
    },
    {
      on: 'organization',
      param: 'organization_id',
      label: 'Organization',
      create: 'Connect a source provider for all environments of an organization',
      list: 'List all credentials of an organization',
    },
  ] as const;
  for (const { on, param, label, create, list } of owners) {
    const url = `/${on}s/:${param}/credentials`;
    const params = idParam(param);

    app.route({
      method: 'POST',
      url,
      config: { access: { permission: 'credential:create', on, param } },
      schema: {
        operationId: `add${label}Credential`,
        summary: create,
        description: 'The access token is stored encrypted and never shown again.',
        params,
        body: CreateBody,
        response: { 201: Credential },
      },
      handler: async (request, reply) =>
        reply.status(201).send(await present(await insert(request, request.body))),
    });

    app.route({
      method: 'GET',
      url,
      config: { access: { permission: 'credential:read', on, param } },
      schema: {
        operationId: `list${label}Credentials`,
        summary: list,
        params,
        querystring: Query,
        response: { 200: Type.Array(CredentialRelation) },
      },
      handler: async (request, reply) => {
        const filter = {
          ...placeOf(request),
          providerCode: request.query.provider_code,
          providerType: request.query.provider_type,
        };
        const rows = await onePage(request, reply, (page) => listCredentials(db, filter, page));
        const users = await usersById(
          db,
          rows.map((row) => row.created_by),
        );
        return rows.map((row) => presentCredentialRelation(row, apiUrlOf(row), users));
      },
    });
  }

  const insert = async (request: FastifyRequest, body: Static<typeof CreateBody>): Promise<CredentialRow> => {
    const given = readSettings(body.settings);
    const { access_token } = given;
    if (!access_token) throw invalid([{ field: 'settings.access_token', message: 'is required' }]);
    const { organizationId, environmentId } = placeOf(request);
    const now = clock.now();
    return await audited(context, request, asObject, (trx) =>
      insertCredential(trx, {
        organization_id: organizationId,
        environment_id: environmentId,
        name: body.name,
        provider_code: body.provider_code,
        provider_type: 'source_provider',
        active: body.active === false ? 0 : 1,
        settings_sealed: sealSettings(box, { access_token, api_url: given.api_url ?? null }),
        created_by: principalOf(request).userId,
        created_at: now,
        updated_at: now,
      }),
    );
  };

  const params = idParam('credential_id');
  const on = { on: 'credential', param: 'credential_id' } as const;
  const existing = async (id: number): Promise<CredentialRow> => {
    const row = await findCredential(db, id);
    if (!row) throw notFound('The credential');
    return row;
  };

  app.route({
    method: 'GET',
    url: '/credentials/:credential_id',
    config: { access: { permission: 'credential:read', ...on } },
    schema: {
      operationId: 'getCredential',
      summary: 'Read a credential, without its access token',
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
      summary: 'Change a credential; what is left out is kept, the access token too',
      params,
      body: UpdateBody,
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await existing(request.params.credential_id);
      const { body } = request;
      const given = readSettings(body.settings ?? {});
      await audited(context, request, asObject(row), async (trx) => {
        await lockRow(trx, 'credentials', row.id);
        const { settings_sealed } = (await findCredential(trx, row.id)) ?? row;
        const old = openSettings(box, { settings_sealed });
        mustNotMove(old, given);
        await updateCredential(trx, row.id, {
          name: body.name,
          active: body.active === undefined ? undefined : body.active ? 1 : 0,
          settings_sealed: body.settings ? sealSettings(box, { ...old, ...given }) : undefined,
          updated_at: clock.now(),
        });
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
      summary: 'Delete a credential that no application uses',
      description: 'While applications use it as their source provider it is answered 409 with their names.',
      params,
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await existing(request.params.credential_id);
      await audited(context, request, asObject(row), async (trx) => {
        const users = await applicationsUsing(trx, row.id);
        if (users.length > 0) {
          throw new AppError(
            'conflict',
            `This credential is the source provider of: ${users.join(', ')}. Give them another one first.`,
          );
        }
        await deleteCredential(trx, row.id);
      });
      bus.publish('definitions');
      return reply.status(204).send(null);
    },
  });
}

function asObject({ id, name }: CredentialRow) {
  return { type: 'credential' as const, id, name };
}

/** Whoever has the token sent to another address must know it: one that is only kept does not move along. */
function mustNotMove(old: CredentialSettings, given: Partial<CredentialSettings>): void {
  if (given.api_url === undefined || given.api_url === old.api_url || given.access_token !== undefined)
    return;
  const message = 'must be given anew, since it is to be sent to another address';
  throw invalid([{ field: 'settings.access_token', message }]);
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
