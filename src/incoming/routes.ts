import { Type } from 'typebox';
import type { HookRegistry } from '../hooks/registry.ts';
import { findHook } from '../hooks/store.ts';
import { HookRequest, HookRequestRelation } from '../hooks/request-record.ts';
import { presentAttempt, presentAttemptRelation } from '../outgoing/present.ts';
import { deliveriesOf, findAttempt, listAttempts } from '../outgoing/store.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { notFound } from '../platform/errors.ts';
import { onePage, PageQuery } from '../platform/http/pagination.ts';
import { OneOf, Uuid, uuidParam } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import { presentIncoming, presentIncomingRelation } from './present.ts';
import { asReceived } from './recorded-request.ts';
import { findHookRequest, listHookRequests, readPayload, requestOutcomes } from './store.ts';

/** The records of what came in; one address reads the records of both directions. */
export function incomingRoutes(
  app: HttpApp,
  context: {
    db: Db;
    clock: Clock;
    registry: HookRegistry;
    publicUrl: () => string;
    maxBodyBytes: number;
  },
): void {
  const { db, clock, publicUrl, maxBodyBytes } = context;
  app.route({
    method: 'GET',
    url: '/hooks/:hook_type/:hook_id/requests',
    config: { access: { permission: 'hook:read', on: 'hook', param: 'hook_id' } },
    schema: {
      operationId: 'listHookRequestsByHookType',
      summary: 'List the requests that a hook received, or that it sent',
      description:
        'Of an incoming hook, refused requests included, each with the reason. Of an outgoing hook, one entry per attempt.',
      params: Type.Object({ hook_type: OneOf(['incoming', 'outgoing']), hook_id: Uuid }),
      querystring: Type.Object({
        ...PageQuery.properties,
        outcome: Type.Optional(OneOf(requestOutcomes, 'Of an incoming hook: only those.')),
      }),
      response: { 200: Type.Array(HookRequestRelation) },
    },
    handler: async (request, reply) => {
      const { hook_type, hook_id } = request.params;
      const hook = await findHook(db, hook_id);
      if (!hook || (hook.direction === 'in') !== (hook_type === 'incoming'))
        throw notFound(`The ${hook_type} hook`);
      if (hook.direction === 'in') {
        const rows = await onePage(request, reply, (page) =>
          listHookRequests(db, hook.id, page, request.query.outcome),
        );
        return rows.map((row) => presentIncomingRelation(row, publicUrl()));
      }
      const rows = await onePage(request, reply, (page) => listAttempts(db, hook.id, page));
      const deliveries = await deliveriesOf(db, rows);
      return rows.flatMap((row) => {
        const found = deliveries.get(row.delivery_id);
        return found ? [presentAttemptRelation(row, found.delivery, found.firstAttempt)] : [];
      });
    },
  });

  app.route({
    method: 'GET',
    url: '/hook-requests/:hook_request_id',
    config: { access: { permission: 'hook:read', on: 'hook_request', param: 'hook_request_id' } },
    schema: {
      operationId: 'getHookRequest',
      summary: 'Read the record of a request: what came in, or what an attempt sent, and the answer',
      params: uuidParam('hook_request_id'),
      response: { 200: HookRequest },
    },
    handler: async (request) => {
      const uuid = request.params.hook_request_id;
      const row = await findHookRequest(db, uuid);
      if (row) {
        const received = asReceived(row, await readPayload(db, row));
        const hook = await context.registry.incoming(row.hook_uuid);
        const signatureHeader = hook?.definition.secret_header_name ?? null;
        return await presentIncoming(row, received, {
          publicUrl: publicUrl(),
          maxBodyBytes,
          signatureHeader,
        });
      }
      const attempt = await findAttempt(db, uuid);
      const found = attempt && (await deliveriesOf(db, [attempt])).get(attempt.delivery_id);
      if (!attempt || !found) throw notFound('The hook request');
      return presentAttempt(attempt, found.delivery, found.firstAttempt, clock.now());
    },
  });
}
