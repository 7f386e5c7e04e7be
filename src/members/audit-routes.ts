import { Type, type Static } from 'typebox';
import { placeOf } from '../accounts/access.ts';
import { listAuditEvents, type AuditEventRow } from '../accounts/audit.ts';
import { isoTime } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { onePage, PageQuery } from '../platform/http/pagination.ts';
import { idParam, idRange, Nullable, Time } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';

const AuditEvent = Type.Object(
  {
    id: Type.Integer(),
    operation: Type.String({ description: 'The operation id of the call.' }),
    object: Type.Object(
      {
        type: Type.String(),
        id: Type.String(),
        name: Nullable(Type.String({ description: 'As it was called then.' })),
      },
      { title: 'AuditObject' },
    ),
    fields: Type.Array(Type.String(), {
      description: 'Which fields the body gave; their values are not kept.',
    }),
    project_id: Nullable(Type.Integer()),
    environment_id: Nullable(Type.Integer()),
    user: Type.Object({ id: Type.Integer(), name: Type.String() }, { title: 'AuditUser' }),
    token: Type.Object(
      {
        type: Type.String({
          description: '`session`, `personal_access_token`, `project_api_token` or `invitation`.',
        }),
        id: Type.String(),
        name: Nullable(Type.String()),
      },
      { title: 'AuditToken' },
    ),
    ip_address: Type.String(),
    user_agent: Nullable(Type.String()),
    request_id: Type.String(),
    created_at: Time,
  },
  { title: 'AuditEvent' },
);

const Query = Type.Object({
  ...PageQuery.properties,
  object_type: Type.Optional(
    Type.String({ maxLength: 40, description: 'Only changes of this kind of object, such as `hook`.' }),
  ),
  object_id: Type.Optional(
    Type.String({ maxLength: 40, description: 'Only changes of the object with this id.' }),
  ),
  operation: Type.Optional(
    Type.String({ maxLength: 60, description: 'Only calls with this operation id, such as `updateHook`.' }),
  ),
  user_id: Type.Optional(Type.Integer({ ...idRange, description: 'Only what this user did.' })),
});

export function auditRoutes(app: HttpApp, { db }: { db: Db }): void {
  app.route({
    method: 'GET',
    url: '/organizations/:organization_id/audit-events',
    config: { access: { permission: 'audit:read', on: 'organization', param: 'organization_id' } },
    schema: {
      operationId: 'listOrganizationAuditEvents',
      summary: 'List who changed what in an organization',
      description: 'Every change has an event, written in the same transaction. They are kept for a year.',
      params: idParam('organization_id'),
      querystring: Query,
      response: { 200: Type.Array(AuditEvent) },
    },
    handler: async (request, reply) => {
      const { object_type, object_id, operation, user_id } = request.query;
      const filter = {
        organizationId: placeOf(request).organizationId,
        ...(object_type === undefined ? {} : { objectType: object_type }),
        ...(object_id === undefined ? {} : { objectId: object_id }),
        ...(operation === undefined ? {} : { operation }),
        ...(user_id === undefined ? {} : { userId: user_id }),
      };
      const rows = await onePage(request, reply, (page) => listAuditEvents(db, filter, page));
      return rows.map(present);
    },
  });
}

function present(row: AuditEventRow): Static<typeof AuditEvent> {
  return {
    id: row.id,
    operation: row.operation,
    object: { type: row.object_type, id: row.object_id, name: row.object_name },
    fields: JSON.parse(row.fields) as string[],
    project_id: row.project_id,
    environment_id: row.environment_id,
    user: { id: row.user_id, name: row.user_name },
    token: { type: row.token_type, id: row.token_id, name: row.token_name },
    ip_address: row.ip_address,
    user_agent: row.user_agent,
    request_id: row.request_id,
    created_at: isoTime(row.created_at),
  };
}
