import type { FastifyReply } from 'fastify';
import { Type, type Static } from 'typebox';
import { grantsIn, scopeOf } from '../accounts/access.ts';
import { audited } from '../accounts/audit.ts';
import { permissionsAt } from '../accounts/grants.ts';
import { findScope } from '../accounts/scopes.ts';
import type { Clock } from '../platform/clock.ts';
import { isoTime } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { AppError, invalid, notFound } from '../platform/errors.ts';
import { PageQuery, onePage } from '../platform/http/pagination.ts';
import { alwaysEmpty, Id, noContent, OneOf, Time } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import { linkedApplications, linkedServers, linkServer, unlinkServer } from './applications/store.ts';
import { resourceTypes, type ResourceType } from './resource.ts';

const linkTypes = ['child', 'parent'] as const;

const ResourceLink = Type.Object(
  {
    link_type: Type.Unsafe<'child' | 'parent'>({
      ...OneOf(linkTypes),
      description: 'A server is the child of the applications that run on it.',
    }),
    resource_type: OneOf(resourceTypes),
    resource_type_human_readable: Type.String(),
    resource_id: Type.Integer(),
    can_be_unlinked: Type.Boolean(),
    linked_resource_data: Type.Object(
      { id: Type.Integer(), name: Type.String() },
      { title: 'LinkedResourceData' },
    ),
    children: Type.Array(Type.Unknown(), { description: alwaysEmpty }),
    created_at: Time,
    updated_at: Time,
  },
  { title: 'ResourceLink' },
);

const PairParams = Type.Object({
  resource_type: OneOf(resourceTypes),
  resource_id: Id,
  child_type: OneOf(resourceTypes),
  child_id: Id,
});

/** Which servers an application runs on: the one kind of link there is, seen from both of its ends. */
export function resourceLinkRoutes(app: HttpApp, context: { db: Db; clock: Clock }): void {
  const { db } = context;
  const params = Type.Object({ resource_type: OneOf(resourceTypes), resource_id: Id });

  const send = async (
    request: { url: string; query: Static<typeof PageQuery> },
    reply: FastifyReply,
    { of, only }: { of: { type: ResourceType; id: number }; only: Partial<Static<typeof ResourceLink>> },
  ) =>
    await onePage(request, reply, async ({ limit, offset }) => {
      const all = await linksOf(db, of.type, of.id);
      const links = all.filter(
        ({ link_type, resource_type }) =>
          (only.link_type ?? link_type) === link_type &&
          (only.resource_type ?? resource_type) === resource_type,
      );
      return { rows: links.slice(offset, offset + limit), total: links.length };
    });

  app.route({
    method: 'GET',
    url: '/resource-links/:resource_type/:resource_id',
    config: { access: { permission: 'application:read', on: 'named-in-address' } },
    schema: {
      operationId: 'listResourceLinksByResourceType',
      summary: 'List what an application or a server is linked to',
      params,
      querystring: PageQuery,
      response: { 200: Type.Array(ResourceLink) },
    },
    handler: async (request, reply) => {
      const { resource_type: type, resource_id: id } = request.params;
      return await send(request, reply, { of: { type, id }, only: {} });
    },
  });

  app.route({
    method: 'GET',
    url: '/resource-links/:resource_type/:resource_id/:link_type',
    config: { access: { permission: 'application:read', on: 'named-in-address' } },
    schema: {
      operationId: 'listResourceLinksByResourceTypeAndLinkType',
      summary: 'List the servers of an application, or the applications of a server',
      description: 'A server is a child of the applications that run on it.',
      params: Type.Object({ ...params.properties, link_type: OneOf(linkTypes) }),
      querystring: Type.Object({
        ...PageQuery.properties,
        linked_resource_type: Type.Optional(OneOf(resourceTypes)),
      }),
      response: { 200: Type.Array(ResourceLink) },
    },
    handler: async (request, reply) => {
      const { resource_type: type, resource_id: id, link_type } = request.params;
      const { linked_resource_type } = request.query;
      const only = { link_type, ...(linked_resource_type ? { resource_type: linked_resource_type } : {}) };
      return await send(request, reply, { of: { type, id }, only });
    },
  });

  const pairs = [
    { verb: 'link', method: 'POST', summary: 'Let an application run on a server' },
    { verb: 'unlink', method: 'DELETE', summary: 'Let an application no longer run on a server' },
  ] as const;
  for (const { verb, method, summary } of pairs) {
    app.route({
      method,
      url: `/resource-links/:resource_type/:resource_id/:child_type/:child_id/${verb}`,
      config: { access: { permission: 'application:update', on: 'named-in-address' } },
      schema: {
        operationId:
          verb === 'link' ? 'linkResourceLinkToResourceLink' : 'unlinkResourceLinkFromResourceLink',
        summary,
        description:
          'Either end may be named first. An application without servers runs on the machine of Hookline.',
        params: PairParams,
        response: noContent,
      },
      handler: async (request, reply) => {
        const link = pairOf(request.params);
        const { environmentId } = scopeOf(request);
        // The address names two things; the guard has looked at the first alone.
        const child = await findScope(db, request.params.child_type, String(request.params.child_id));
        const granted = child ? permissionsAt(grantsIn(request), child) : [];
        if (!child || granted.length === 0)
          throw notFound(`The ${request.params.child_type} ${request.params.child_id}`);
        if (!granted.includes('application:update'))
          throw new AppError('forbidden', 'This needs the permission application:update.');
        if (child.environmentId !== environmentId) {
          throw invalid([{ field: 'child_id', message: 'must belong to the same environment' }]);
        }
        const object = {
          type: 'application',
          id: link.applicationId,
          name: `server ${link.serverId}`,
        } as const;
        await audited(context, request, object, async (trx) => {
          if (verb === 'link') await linkServer(trx, link);
          else if (!(await unlinkServer(trx, link))) throw notFound('The link');
        });
        return reply.status(204).send(null);
      },
    });
  }
}

function pairOf(named: Static<typeof PairParams>): { applicationId: number; serverId: number } {
  if (named.resource_type === named.child_type) {
    throw invalid([{ field: 'child_type', message: 'must be the other end: an application and a server' }]);
  }
  const [applicationId, serverId] =
    named.resource_type === 'application'
      ? [named.resource_id, named.child_id]
      : [named.child_id, named.resource_id];
  return { applicationId, serverId };
}

async function linksOf(db: Db, type: ResourceType, id: number): Promise<Static<typeof ResourceLink>[]> {
  const linked =
    type === 'application'
      ? (await linkedServers(db, id)).map((row) => ({ ...row, name: row.hostname }))
      : await linkedApplications(db, id);
  const other: ResourceType = type === 'application' ? 'server' : 'application';
  return linked.map((row) => ({
    link_type: type === 'application' ? 'child' : 'parent',
    resource_type: other,
    resource_type_human_readable: other === 'server' ? 'Server' : 'Application',
    resource_id: row.id,
    can_be_unlinked: true,
    linked_resource_data: { id: row.id, name: row.name },
    children: [],
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  }));
}
