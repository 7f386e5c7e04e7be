import { Type, type Static, type TObject } from 'typebox';
import { principalOf, type Access } from '../../accounts/access.ts';
import { audited } from '../../accounts/audit.ts';
import { UserRelation, usersById, type UserLookup } from '../../accounts/present.ts';
import { isoTime, type Clock } from '../../platform/clock.ts';
import type { Db } from '../../platform/database/connect.ts';
import { orTaken } from '../../platform/database/errors.ts';
import { invalid, notFound } from '../../platform/errors.ts';
import { onePage, PageQuery } from '../../platform/http/pagination.ts';
import { Id, idParam, noContent, Nullable, OneOf, Time } from '../../platform/http/schemas.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import { mask, type SecretBox } from '../../platform/secret-box.ts';
import { resourceColumns, resourceTypes, type ResourceType } from '../resource.ts';
import {
  deleteVariable,
  findVariable,
  insertVariable,
  listVariables,
  updateVariable,
  type VariableRow,
} from './store.ts';

// Only environment variables have a meaning here; the other kinds of the reference configure software on servers.
const fields = {
  key: Type.String({
    pattern: '^[A-Za-z_][A-Za-z0-9_]*$',
    maxLength: 200,
    description: 'Names that begin with `HOOKLINE_` are not for variables.',
  }),
  value: Type.String({ maxLength: 65_536 }),
  description: Type.Optional(Nullable(Type.String({ maxLength: 500 }))),
  target: Type.Optional(OneOf(['os-env-var'])),
  type: Type.Optional(OneOf(['variable'])),
  hidden: Type.Optional(
    Type.Boolean({ description: 'The value is masked in every answer and in the output of steps.' }),
  ),
};
const VariableCreate = Type.Object(fields, { title: 'VariableCreate' });
const VariableUpdate = Type.Object(fields, { title: 'VariableUpdate' });

const taken = 'is the key of another variable of this resource';

const Variable = Type.Object(
  {
    id: Type.Integer(),
    key: Type.String(),
    type: OneOf(['variable']),
    description: Nullable(Type.String()),
    value: Nullable(Type.String({ description: 'A mask where it is hidden.' })),
    target: OneOf(['os-env-var']),
    target_human_readable: Type.String(),
    resource_id: Nullable(Type.Integer()),
    resource_type: OneOf(resourceTypes),
    hidden: Type.Boolean(),
    created_by_user: Nullable(UserRelation),
    created_at: Time,
    updated_at: Time,
  },
  { title: 'Variable' },
);

export function variableRoutes(app: HttpApp, context: { db: Db; clock: Clock; box: SecretBox }): void {
  const { db, clock, box } = context;
  const present = (row: VariableRow, users: UserLookup): Static<typeof Variable> => ({
    id: row.id,
    key: row.key,
    type: 'variable',
    description: row.description,
    value: row.hidden ? mask : box.open(row.value_sealed, 'variable'),
    target: 'os-env-var',
    target_human_readable: 'Environment variable',
    resource_id: row.resource_id,
    // Safe: only the schema's values are written.
    resource_type: row.resource_type as ResourceType,
    hidden: row.hidden === 1,
    created_by_user: users(row.created_by),
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  });
  const presentOne = async (row: VariableRow) => present(row, await usersById(db, [row.created_by]));

  // The same two verbs under both addresses of the reference.
  const collections: {
    url: string;
    access: (verb: 'read' | 'create') => Access;
    suffix: string;
    owner: string;
    params: TObject;
  }[] = [
    {
      url: '/variables/:resource_type/:resource_id',
      access: (verb) => ({ permission: `variable:${verb}`, on: 'named-in-address' }),
      suffix: '',
      owner: 'a resource',
      params: Type.Object({ resource_type: OneOf(resourceTypes), resource_id: Id }),
    },
    {
      url: '/applications/:application_id/variables',
      access: (verb) => ({ permission: `variable:${verb}`, on: 'application', param: 'application_id' }),
      suffix: 'Application',
      owner: 'an application',
      params: idParam('application_id'),
    },
  ];
  for (const { url, access, suffix, owner, params } of collections) {
    const resourceOf = (given: unknown): { type: ResourceType; id: number } => {
      // Safe: one of the two schemas above has validated it.
      const ids = given as { resource_type: ResourceType; resource_id: number } | { application_id: number };
      return 'application_id' in ids
        ? { type: 'application', id: ids.application_id }
        : { type: ids.resource_type, id: ids.resource_id };
    };

    app.route({
      method: 'POST',
      url,
      config: { access: access('create') },
      schema: {
        operationId: `add${suffix}Variable`,
        summary: `Add an environment variable for the steps of ${owner}`,
        description:
          'Every step that runs for the resource finds it in its environment. The value is stored encrypted; of a hidden variable it is never shown again.',
        params,
        body: VariableCreate,
        response: { 201: Variable },
      },
      handler: async (request, reply) => {
        const { body } = request;
        const resource = resourceOf(request.params);
        const now = clock.now();
        checkKey(body.key);
        const row = await audited(context, request, asObject, async (trx) => {
          const inserted = await insertVariable(trx, {
            ...resourceColumns(resource.type, resource.id),
            key: body.key,
            type: 'variable',
            target: 'os-env-var',
            description: body.description ?? null,
            value_sealed: box.seal(body.value, 'variable'),
            hidden: body.hidden ? 1 : 0,
            created_by: principalOf(request).userId,
            created_at: now,
            updated_at: now,
          });
          if (!inserted) throw invalid([{ field: 'key', message: taken }]);
          return inserted;
        });
        return reply.status(201).send(await presentOne(row));
      },
    });

    app.route({
      method: 'GET',
      url,
      config: { access: access('read') },
      schema: {
        operationId: suffix ? `list${suffix}Variables` : 'listVariablesByResourceType',
        summary: `List the variables of ${owner}`,
        params,
        querystring: PageQuery,
        response: { 200: Type.Array(Variable) },
      },
      handler: async (request, reply) => {
        const resource = resourceOf(request.params);
        const rows = await onePage(request, reply, (page) => listVariables(db, resource, page));
        const users = await usersById(
          db,
          rows.map((row) => row.created_by),
        );
        return rows.map((row) => present(row, users));
      },
    });
  }

  const params = idParam('variable_id');
  const needs = (permission: 'variable:read' | 'variable:update' | 'variable:delete') => ({
    access: { permission, on: 'variable', param: 'variable_id' } satisfies Access,
  });
  const existing = async (id: number): Promise<VariableRow> => {
    const row = await findVariable(db, id);
    if (!row) throw notFound('The variable');
    return row;
  };

  app.route({
    method: 'GET',
    url: '/variables/:variable_id',
    config: needs('variable:read'),
    schema: { operationId: 'getVariable', summary: 'Read a variable', params, response: { 200: Variable } },
    handler: async (request) => presentOne(await existing(request.params.variable_id)),
  });

  app.route({
    method: 'PUT',
    url: '/variables/:variable_id',
    config: needs('variable:update'),
    schema: {
      operationId: 'updateVariable',
      summary: 'Change a variable; the mask as value keeps a hidden value',
      params,
      body: VariableUpdate,
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await existing(request.params.variable_id);
      const { body } = request;
      const keepsValue = row.hidden === 1 && body.value === mask;
      const hidden = body.hidden ?? row.hidden === 1;
      if (keepsValue && !hidden) {
        throw invalid([
          { field: 'value', message: 'must be given anew, since the hidden value would be shown' },
        ]);
      }
      checkKey(body.key);
      const change = audited(context, request, { ...asObject(row), name: body.key }, (trx) =>
        updateVariable(trx, row.id, {
          key: body.key,
          description: body.description,
          hidden: body.hidden === undefined ? undefined : body.hidden ? 1 : 0,
          ...(keepsValue ? {} : { value_sealed: box.seal(body.value, 'variable') }),
          updated_at: clock.now(),
        }),
      );
      await orTaken('key', taken, change);
      return reply.status(204).send(null);
    },
  });

  app.route({
    method: 'DELETE',
    url: '/variables/:variable_id',
    config: needs('variable:delete'),
    schema: {
      operationId: 'deleteVariable',
      summary: 'Delete a variable',
      params,
      response: noContent,
    },
    handler: async (request, reply) => {
      const row = await existing(request.params.variable_id);
      await audited(context, request, asObject(row), (trx) => deleteVariable(trx, row.id));
      return reply.status(204).send(null);
    },
  });
}

/** `HOOKLINE_` names are ours to set in a step. */
function checkKey(key: string): void {
  if (key.startsWith('HOOKLINE_'))
    throw invalid([{ field: 'key', message: 'must not begin with HOOKLINE_' }]);
}

function asObject({ id, key: name }: VariableRow) {
  return { type: 'variable' as const, id, name };
}
