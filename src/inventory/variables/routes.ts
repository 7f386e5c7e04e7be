import { Type, type Static } from 'typebox';
import { principalOf, type Access } from '../../accounts/access.ts';
import { UserRelation } from '../../accounts/present.ts';
import { isoTime, type Clock } from '../../platform/clock.ts';
import type { Db } from '../../platform/database/connect.ts';
import { orTaken } from '../../platform/database/errors.ts';
import { invalid, notFound } from '../../platform/errors.ts';
import { linkPages, PageQuery, readPage } from '../../platform/http/pagination.ts';
import { idParam, Nullable, OneOf, Time } from '../../platform/http/schemas.ts';
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
const Body = Type.Object({
  key: Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$', maxLength: 200 }),
  value: Type.String({ maxLength: 65_536 }),
  description: Type.Optional(Nullable(Type.String({ maxLength: 500 }))),
  target: Type.Optional(OneOf(['os-env-var'])),
  type: Type.Optional(OneOf(['variable'])),
  hidden: Type.Optional(Type.Boolean()),
});

const taken = 'is the key of another variable of this resource';

const Variable = Type.Object({
  id: Type.Integer(),
  key: Type.String(),
  type: Type.String(),
  description: Nullable(Type.String()),
  value: Nullable(Type.String()),
  target: Type.String(),
  target_human_readable: Type.String(),
  resource_id: Nullable(Type.Integer()),
  resource_type: Type.String(),
  hidden: Type.Boolean(),
  created_by_user: Nullable(UserRelation),
  created_at: Time,
  updated_at: Time,
});

export function variableRoutes(
  app: HttpApp,
  { db, clock, box }: { db: Db; clock: Clock; box: SecretBox },
): void {
  const present = (row: VariableRow): Static<typeof Variable> => ({
    id: row.id,
    key: row.key,
    type: row.type,
    description: row.description,
    value: row.hidden ? mask : box.open(row.value_sealed, 'variable'),
    target: row.target,
    target_human_readable: 'Environment variable',
    resource_id: row.resource_id,
    resource_type: row.resource_type,
    hidden: row.hidden === 1,
    created_by_user: null,
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  });

  // The same two verbs under both addresses of the reference.
  const collections: { url: string; access: (verb: 'read' | 'create') => Access; suffix: string }[] = [
    {
      url: '/variables/:resource_type/:resource_id',
      access: (verb) => ({ permission: `variable:${verb}`, on: 'named-in-address' }),
      suffix: '',
    },
    {
      url: '/applications/:resource_id/variables',
      access: (verb) => ({ permission: `variable:${verb}`, on: 'application', param: 'resource_id' }),
      suffix: 'Application',
    },
  ];
  for (const { url, access, suffix } of collections) {
    const params = Type.Object({
      resource_type: Type.Optional(OneOf(resourceTypes)),
      resource_id: Type.String(),
    });
    const resourceOf = ({
      resource_type,
      resource_id,
    }: Static<typeof params>): { type: ResourceType; id: number } => ({
      type: resource_type ?? 'application',
      id: Number(resource_id),
    });

    app.route({
      method: 'POST',
      url,
      config: { access: access('create') },
      schema: {
        operationId: `add${suffix}Variable`,
        summary: 'Add an environment variable for the steps of a resource',
        params,
        body: Body,
        response: { 201: Variable },
      },
      handler: async (request, reply) => {
        const { body } = request;
        const resource = resourceOf(request.params);
        const now = clock.now();
        const row = await insertVariable(db, {
          ...resourceColumns(resource.type, resource.id),
          key: checkKey(body.key),
          type: 'variable',
          target: 'os-env-var',
          description: body.description ?? null,
          value_sealed: box.seal(body.value, 'variable'),
          hidden: body.hidden ? 1 : 0,
          created_by: principalOf(request).userId,
          created_at: now,
          updated_at: now,
        });
        if (!row) throw invalid([{ field: 'key', message: taken }]);
        return reply.status(201).send(present(row));
      },
    });

    app.route({
      method: 'GET',
      url,
      config: { access: access('read') },
      schema: {
        operationId: suffix ? `list${suffix}Variables` : 'listVariablesByResourceType',
        summary: 'List the variables of a resource',
        params,
        querystring: PageQuery,
        response: { 200: Type.Array(Variable) },
      },
      handler: async (request, reply) => {
        const page = readPage(request.query);
        const { rows, total } = await listVariables(db, resourceOf(request.params), page);
        linkPages(request, reply, page, total);
        return rows.map(present);
      },
    });
  }

  const params = idParam('variable_id');
  const needs = (permission: 'variable:read' | 'variable:update' | 'variable:delete') => ({
    access: { permission, on: 'variable', param: 'variable_id' } satisfies Access,
  });
  const existing = async (id: string): Promise<VariableRow> => {
    const row = await findVariable(db, Number(id));
    if (!row) throw notFound('The variable');
    return row;
  };

  app.route({
    method: 'GET',
    url: '/variables/:variable_id',
    config: needs('variable:read'),
    schema: { operationId: 'getVariable', summary: 'Read a variable', params, response: { 200: Variable } },
    handler: async (request) => present(await existing(request.params.variable_id)),
  });

  app.route({
    method: 'PUT',
    url: '/variables/:variable_id',
    config: needs('variable:update'),
    schema: {
      operationId: 'updateVariable',
      summary: 'Change a variable; the mask as value keeps a hidden value',
      params,
      body: Body,
      response: { 204: Type.Null() },
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
      const change = updateVariable(db, row.id, {
        key: checkKey(body.key),
        description: body.description === undefined ? row.description : body.description,
        hidden: hidden ? 1 : 0,
        ...(keepsValue ? {} : { value_sealed: box.seal(body.value, 'variable') }),
        updated_at: clock.now(),
      });
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
      response: { 204: Type.Null() },
    },
    handler: async (request, reply) => {
      await deleteVariable(db, (await existing(request.params.variable_id)).id);
      return reply.status(204).send(null);
    },
  });
}

/** `HOOKLINE_` names are ours to set in a step. */
function checkKey(key: string): string {
  if (key.startsWith('HOOKLINE_'))
    throw invalid([{ field: 'key', message: 'must not begin with HOOKLINE_' }]);
  return key;
}
