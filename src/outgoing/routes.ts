import { Type } from 'typebox';
import { Delivery, HookRequestRelation } from '../hooks/request-record.ts';
import { findHook } from '../hooks/store.ts';
import type { Db } from '../platform/database/connect.ts';
import { notFound } from '../platform/errors.ts';
import { linkPages, PageQuery, readPage } from '../platform/http/pagination.ts';
import { idParam } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import { presentAttemptRelation, presentDelivery } from './present.ts';
import { deliveriesOf, listAttempts, listDeliveries } from './store.ts';

/** The records of what was sent, or not, and why. */
export function outgoingRoutes(app: HttpApp, { db }: { db: Db }): void {
  const hookId = async (uuid: string): Promise<number> => {
    const hook = await findHook(db, uuid);
    if (hook?.direction !== 'out') throw notFound('The outgoing hook');
    return hook.id;
  };

  app.route({
    method: 'GET',
    url: '/hooks/outgoing/:hook_id/requests',
    config: { access: { permission: 'hook:read', on: 'hook', param: 'hook_id' } },
    schema: {
      operationId: 'listOutgoingHookRequests',
      summary: 'List what an outgoing hook has sent, one entry per attempt',
      params: idParam('hook_id'),
      querystring: PageQuery,
      response: { 200: Type.Array(HookRequestRelation) },
    },
    handler: async (request, reply) => {
      const page = readPage(request.query);
      const { rows, total } = await listAttempts(db, await hookId(request.params.hook_id), page);
      const deliveries = await deliveriesOf(db, rows);
      linkPages(request, reply, page, total);
      return rows.flatMap((row) => {
        const found = deliveries.get(row.delivery_id);
        return found ? [presentAttemptRelation(row, found.delivery, found.firstAttempt)] : [];
      });
    },
  });

  app.route({
    method: 'GET',
    url: '/hooks/outgoing/:hook_id/deliveries',
    config: { access: { permission: 'hook:read', on: 'hook', param: 'hook_id' } },
    schema: {
      operationId: 'listOutgoingHookDeliveries',
      summary: 'List the deliveries of an outgoing hook, those that were not sent included, with the reason',
      params: idParam('hook_id'),
      querystring: PageQuery,
      response: { 200: Type.Array(Delivery) },
    },
    handler: async (request, reply) => {
      const page = readPage(request.query);
      const { rows, total } = await listDeliveries(
        db,
        { hookId: await hookId(request.params.hook_id) },
        page,
      );
      linkPages(request, reply, page, total);
      return rows.map(presentDelivery);
    },
  });

  app.route({
    method: 'GET',
    url: '/actions/:action_id/deliveries',
    config: { access: { permission: 'action:read', on: 'action', param: 'action_id' } },
    schema: {
      operationId: 'listActionDeliveries',
      summary: 'List the deliveries that an action has caused',
      params: idParam('action_id'),
      querystring: PageQuery,
      response: { 200: Type.Array(Delivery) },
    },
    handler: async (request, reply) => {
      const page = readPage(request.query);
      const { rows, total } = await listDeliveries(db, { actionId: Number(request.params.action_id) }, page);
      linkPages(request, reply, page, total);
      return rows.map(presentDelivery);
    },
  });
}
