import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { principalOf } from '../accounts/access.ts';
import { audited } from '../accounts/audit.ts';
import { Delivery, deliveryStatuses } from '../hooks/request-record.ts';
import { findHook, lockHook, type HookRow } from '../hooks/store.ts';
import type { Bus } from '../platform/bus.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { AppError, invalid, notFound } from '../platform/errors.ts';
import { onePage, PageQuery } from '../platform/http/pagination.ts';
import { idParam, Nullable, OneOf, Uuid, uuidParam } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import {
  DeliveryDetails,
  presentDelivery,
  presentDeliveryDetails,
  presentRecovery,
  Recovery,
} from './present.ts';
import {
  beginRecovery,
  cancelRecovery,
  findRecovery,
  listRecoveries,
  progressOf,
  type RecoveryRow,
} from './recover.ts';
import { contents, redeliver } from './redeliver.ts';
import { attemptsOfDelivery, findDelivery, listDeliveries } from './store.ts';

const content = Type.Optional(
  OneOf(
    contents,
    '`current`, as when left out: rendered anew, with the hook as it is now. `original`: the body as it was first sent, from the templates of then. Address, headers and secrets are those of now either way.',
  ),
);
const DeliveryQuery = Type.Object({
  ...PageQuery.properties,
  status: Type.Optional(OneOf(deliveryStatuses)),
});

/** The records of what was sent, or not, and why; and sending it again. */
export function outgoingRoutes(app: HttpApp, context: { db: Db; clock: Clock; bus: Bus }): void {
  const { db, clock, bus } = context;
  const existing = async (uuid: string): Promise<HookRow> => {
    const hook = await findHook(db, uuid);
    if (hook?.direction !== 'out') throw notFound('The outgoing hook');
    return hook;
  };
  const existingDelivery = async (hook: HookRow, uuid: string) => {
    const delivery = await findDelivery(db, hook.id, uuid);
    if (!delivery) throw notFound('The delivery');
    return delivery;
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
      querystring: DeliveryQuery,
      response: { 200: Type.Array(Delivery) },
    },
    handler: async (request, reply) => {
      const { status } = request.query;
      const filter = { hookId: (await existing(request.params.hook_id)).id, status };
      const rows = await onePage(request, reply, (page) => listDeliveries(db, filter, page));
      return rows.map((row) => presentDelivery(row, clock.now()));
    },
  });

  const deliveryParams = Type.Object({ hook_id: Uuid, delivery_id: Uuid });

  app.route({
    method: 'GET',
    url: '/hooks/outgoing/:hook_id/deliveries/:delivery_id',
    config: { access: { permission: 'hook:read', on: 'hook', param: 'hook_id' } },
    schema: {
      operationId: 'getOutgoingHookDelivery',
      summary: 'Read a delivery with all its attempts',
      params: deliveryParams,
      response: { 200: DeliveryDetails },
    },
    handler: async (request) => {
      const delivery = await existingDelivery(
        await existing(request.params.hook_id),
        request.params.delivery_id,
      );
      return presentDeliveryDetails(delivery, await attemptsOfDelivery(db, delivery.id), clock.now());
    },
  });

  app.route({
    method: 'POST',
    url: '/hooks/outgoing/:hook_id/deliveries/:delivery_id/redeliver',
    config: {
      access: { permission: 'hook:update', on: 'hook', param: 'hook_id' },
      errors: { 409: 'It is being sent just now, its event is gone, or the hook is off.' },
    },
    schema: {
      operationId: 'redeliverOutgoingHookDelivery',
      summary: 'Send one delivery again, or now if it waits for its next attempt',
      description:
        'It goes out under its own `webhook-id` with all its retries, also when later events of its action have arrived since.',
      params: deliveryParams,
      body: Nullable(Type.Object({ content }, { title: 'Redelivery' })),
      response: { 202: Delivery },
    },
    handler: async (request, reply) => {
      const hook = await existing(request.params.hook_id);
      const delivery = await existingDelivery(hook, request.params.delivery_id);
      await audited(context, request, asObject(hook), async (trx) => {
        const [like] = await attemptsOfDelivery(trx, delivery.id);
        const now = clock.now();
        await redeliver(trx, hook, delivery, { content: request.body?.content ?? 'current', like, now });
      });
      bus.publish('deliveries');
      const row = await existingDelivery(hook, delivery.uuid);
      return reply.status(202).send(presentDelivery(row, clock.now()));
    },
  });

  const presentOne = async (row: RecoveryRow, hook: HookRow) =>
    presentRecovery(row, hook.uuid, (await progressOf(db, [row.id])).get(row.id)!);

  app.route({
    method: 'POST',
    url: '/hooks/outgoing/:hook_id/recover',
    config: {
      access: { permission: 'hook:update', on: 'hook', param: 'hook_id' },
      errors: { 409: 'A recovery of the hook is running, or the hook is off.' },
    },
    schema: {
      operationId: 'recoverOutgoingHook',
      summary: 'Send everything again that failed, was rejected or could not be rendered since a time',
      description:
        'Each goes out under its own `webhook-id`, the oldest first, a few hundred at a time, so that new events do not wait behind them. What waits for a retry is tried now. Left out is what was overtaken: a later event of the same action has arrived, and an old status sent now would replace it.',
      params: uuidParam('hook_id'),
      body: Type.Object(
        {
          since: Type.String({
            format: 'date-time',
            maxLength: 40,
            description: 'ISO 8601. When they failed.',
          }),
          content,
          include_overtaken: Type.Optional(
            Type.Boolean({ description: 'Send those too of whose action something later has arrived.' }),
          ),
        },
        { title: 'HookRecovery' },
      ),
      response: { 202: Recovery },
    },
    handler: async (request, reply) => {
      const { body } = request;
      const since = Date.parse(body.since);
      if (Number.isNaN(since)) throw invalid([{ field: 'since', message: 'must be a time in ISO 8601' }]);
      const hook = await existing(request.params.hook_id);
      const recovery = await audited(context, request, asObject(hook), async (trx) => {
        // Two who begin at once wait for each other here.
        const locked = await lockHook(trx, hook.id);
        if (!locked) throw notFound('The outgoing hook');
        return await beginRecovery(trx, locked, {
          since,
          content: body.content ?? 'current',
          includeOvertaken: body.include_overtaken ?? false,
          userId: principalOf(request).userId,
          now: clock.now(),
        });
      });
      bus.publish('recoveries');
      bus.publish('deliveries');
      return reply.status(202).send(await presentOne(recovery, hook));
    },
  });

  app.route({
    method: 'GET',
    url: '/hooks/outgoing/:hook_id/recoveries',
    config: { access: { permission: 'hook:read', on: 'hook', param: 'hook_id' } },
    schema: {
      operationId: 'listOutgoingHookRecoveries',
      summary: 'List the recoveries of an outgoing hook, with how far each has come',
      params: uuidParam('hook_id'),
      querystring: PageQuery,
      response: { 200: Type.Array(Recovery) },
    },
    handler: async (request, reply) => {
      const hook = await existing(request.params.hook_id);
      const rows = await onePage(request, reply, (page) => listRecoveries(db, hook.id, page));
      const progress = await progressOf(
        db,
        rows.map(({ id }) => id),
      );
      return rows.map((row) => presentRecovery(row, hook.uuid, progress.get(row.id)!));
    },
  });

  const recoveryParams = Type.Object({ hook_id: Uuid, recovery_id: Uuid });
  const existingRecovery = async (request: FastifyRequest) => {
    // Safe: both routes have these parameters.
    const params = request.params as { hook_id: string; recovery_id: string };
    const hook = await existing(params.hook_id);
    const recovery = await findRecovery(db, hook.id, params.recovery_id);
    if (!recovery) throw notFound('The recovery');
    return { hook, recovery };
  };

  app.route({
    method: 'GET',
    url: '/hooks/outgoing/:hook_id/recoveries/:recovery_id',
    config: { access: { permission: 'hook:read', on: 'hook', param: 'hook_id' } },
    schema: {
      operationId: 'getOutgoingHookRecovery',
      summary: 'Read how far a recovery has come',
      params: recoveryParams,
      response: { 200: Recovery },
    },
    handler: async (request) => {
      const { hook, recovery } = await existingRecovery(request);
      return await presentOne(recovery, hook);
    },
  });

  app.route({
    method: 'POST',
    url: '/hooks/outgoing/:hook_id/recoveries/:recovery_id/cancel',
    config: {
      access: { permission: 'hook:update', on: 'hook', param: 'hook_id' },
      errors: { 409: 'It has ended.' },
    },
    schema: {
      operationId: 'cancelOutgoingHookRecovery',
      summary: 'Stop a recovery; what it has not sent yet stays failed',
      params: recoveryParams,
      response: { 200: Recovery },
    },
    handler: async (request) => {
      const { hook, recovery } = await existingRecovery(request);
      await audited(context, request, asObject(hook), async (trx) => {
        if (!(await cancelRecovery(trx, recovery, clock.now())))
          throw new AppError('conflict', `This recovery is ${recovery.status}.`);
      });
      const { recovery: row } = await existingRecovery(request);
      return await presentOne(row, hook);
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
      querystring: DeliveryQuery,
      response: { 200: Type.Array(Delivery) },
    },
    handler: async (request, reply) => {
      const filter = { actionId: request.params.action_id, status: request.query.status };
      const rows = await onePage(request, reply, (page) => listDeliveries(db, filter, page));
      return rows.map((row) => presentDelivery(row, clock.now()));
    },
  });
}

function asObject({ uuid, name }: HookRow) {
  return { type: 'hook' as const, id: uuid, name };
}
