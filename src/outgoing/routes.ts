import { Type } from 'typebox';
import { audited } from '../accounts/audit.ts';
import { Delivery } from '../hooks/request-record.ts';
import { findHook, type HookRow } from '../hooks/store.ts';
import type { Bus } from '../platform/bus.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { invalid, notFound } from '../platform/errors.ts';
import { onePage, PageQuery } from '../platform/http/pagination.ts';
import { idParam, uuidParam } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import { presentDelivery } from './present.ts';
import { listDeliveries, reopenFailed } from './store.ts';

/** The records of what was sent, or not, and why. */
export function outgoingRoutes(app: HttpApp, context: { db: Db; clock: Clock; bus: Bus }): void {
  const { db, clock, bus } = context;
  const existing = async (uuid: string): Promise<HookRow> => {
    const hook = await findHook(db, uuid);
    if (hook?.direction !== 'out') throw notFound('The outgoing hook');
    return hook;
  };

  app.route({
    method: 'GET',
    url: '/hooks/outgoing/:hook_id/deliveries',
    config: { access: { permission: 'hook:read', on: 'hook', param: 'hook_id' } },
    schema: {
      operationId: 'listOutgoingHookDeliveries',
      summary: 'List the deliveries of an outgoing hook, those that were not sent included, with the reason',
      description:
        'A delivery is one event for this hook: sent, waiting for its next attempt, given up or skipped.',
      params: uuidParam('hook_id'),
      querystring: PageQuery,
      response: { 200: Type.Array(Delivery) },
    },
    handler: async (request, reply) => {
      const filter = { hookId: (await existing(request.params.hook_id)).id };
      const rows = await onePage(request, reply, (page) => listDeliveries(db, filter, page));
      return rows.map(presentDelivery);
    },
  });

  app.route({
    method: 'POST',
    url: '/hooks/outgoing/:hook_id/recover',
    config: { access: { permission: 'hook:update', on: 'hook', param: 'hook_id' } },
    schema: {
      operationId: 'recoverOutgoingHook',
      summary: 'Send everything again that failed or was rejected since a time',
      description: 'Each goes out under its own `webhook-id`, in the order of its events.',
      params: uuidParam('hook_id'),
      body: Type.Object(
        { since: Type.String({ format: 'date-time', maxLength: 40, description: 'ISO 8601.' }) },
        { title: 'HookRecovery' },
      ),
      response: {
        202: Type.Object(
          { recovered: Type.Integer({ description: 'How many deliveries.' }) },
          { title: 'HookRecovered' },
        ),
      },
    },
    handler: async (request, reply) => {
      const since = Date.parse(request.body.since);
      if (Number.isNaN(since)) throw invalid([{ field: 'since', message: 'must be a time in ISO 8601' }]);
      const { id, uuid, name } = await existing(request.params.hook_id);
      const object = { type: 'hook', id: uuid, name } as const;
      const recovered = await audited(context, request, object, (trx) =>
        reopenFailed(trx, { hookId: id, since, now: clock.now() }),
      );
      bus.publish('deliveries');
      return reply.status(202).send({ recovered });
    },
  });

  app.route({
    method: 'GET',
    url: '/actions/:action_id/deliveries',
    config: { access: { permission: 'action:read', on: 'action', param: 'action_id' } },
    schema: {
      operationId: 'listActionDeliveries',
      summary: 'List the deliveries that an action has caused',
      description: 'A delivery is one event for one hook; its attempts are the requests of the hook.',
      params: idParam('action_id'),
      querystring: PageQuery,
      response: { 200: Type.Array(Delivery) },
    },
    handler: async (request, reply) => {
      const filter = { actionId: request.params.action_id };
      const rows = await onePage(request, reply, (page) => listDeliveries(db, filter, page));
      return rows.map(presentDelivery);
    },
  });
}
