import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { mustAlsoHave, principalOf } from '../accounts/access.ts';
import { audited, recordChange } from '../accounts/audit.ts';
import { actionIdHeader } from '../actions/present.ts';
import type { HookRegistry } from '../hooks/registry.ts';
import { findHook } from '../hooks/store.ts';
import { HookRequest, HookRequestRelation } from '../hooks/request-record.ts';
import { permissionToRun } from '../pipelines/lifecycle.ts';
import { presentAttempt, presentAttemptRelation } from '../outgoing/present.ts';
import { contents, redeliver, type Content } from '../outgoing/redeliver.ts';
import { deliveriesOf, findAttempt, listAttempts } from '../outgoing/store.ts';
import type { Bus } from '../platform/bus.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { AppError, notFound } from '../platform/errors.ts';
import { onePage, PageQuery } from '../platform/http/pagination.ts';
import { FieldFault, Nullable, OneOf, Uuid, uuidParam } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import type { ReceivedRequest } from './decide.ts';
import { presentIncoming, presentIncomingRelation } from './present.ts';
import type { Receiver } from './receive.ts';
import {
  findHookRequest,
  findLastKept,
  listHookRequests,
  readPayload,
  type HookRequestRow,
} from './store.ts';
import { TryOut, tryOut } from './try-out.ts';

const Replayed = Type.Object(
  {
    message: Type.String(),
    errors: Nullable(Type.Array(FieldFault)),
    action_id: Nullable(Type.Integer()),
    hook_request_id: Nullable(Type.String({ description: 'The new record; null for a delivery.' })),
  },
  { title: 'Replayed' },
);
/** Of a call that was not understood, neither is told. */
const NotReplayed = Type.Object(
  {
    ...Replayed.properties,
    action_id: Type.Optional(Replayed.properties.action_id),
    hook_request_id: Type.Optional(Replayed.properties.hook_request_id),
  },
  { title: 'ReplayRefusal' },
);

/** The records of what came in; one address reads the records of both directions. */
export function incomingRoutes(
  app: HttpApp,
  context: {
    db: Db;
    clock: Clock;
    bus: Bus;
    registry: HookRegistry;
    receiver: Receiver;
    publicUrl: () => string;
    maxBodyBytes: number;
  },
): void {
  const { db, clock, bus, publicUrl, maxBodyBytes } = context;
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
      querystring: PageQuery,
      response: { 200: Type.Array(HookRequestRelation) },
    },
    handler: async (request, reply) => {
      const { hook_type, hook_id } = request.params;
      const hook = await findHook(db, hook_id);
      if (!hook || (hook.direction === 'in') !== (hook_type === 'incoming'))
        throw notFound(`The ${hook_type} hook`);
      if (hook.direction === 'in') {
        const rows = await onePage(request, reply, (page) => listHookRequests(db, hook.id, page));
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

  app.route({
    method: 'POST',
    url: '/hooks/incoming/:hook_id/test',
    config: {
      access: { permission: 'hook:read', on: 'hook', param: 'hook_id' },
      errors: { 409: 'No request is recorded whose body was kept, and none was given.' },
    },
    schema: {
      operationId: 'testIncomingHook',
      summary: 'Try an incoming hook out: what a payload yields, without running anything',
      description:
        'Give a body, or the id of a recorded request; with neither, the last recorded one is taken. Signature, variables, conditions and the pipeline that would run are told each on their own.',
      params: uuidParam('hook_id'),
      body: Nullable(
        Type.Object(
          {
            body: Type.Optional(Type.Unknown({ description: 'JSON, or the raw text of a body.' })),
            headers: Type.Optional(
              Type.Record(Type.String({ maxLength: 200 }), Type.String({ maxLength: 8192 })),
            ),
            query: Type.Optional(
              Type.String({ maxLength: 8192, description: 'What stands behind the `?`: `env=prod`.' }),
            ),
            hook_request_id: Type.Optional(Uuid),
          },
          { title: 'HookTryOutRequest' },
        ),
      ),
      response: { 200: TryOut },
    },
    handler: async (request) => {
      const hook = await context.registry.incoming(request.params.hook_id.toLowerCase());
      if (!hook) throw notFound('The incoming hook');
      const { body, headers = {}, query = '', hook_request_id } = request.body ?? {};
      if (body !== undefined) {
        const given = { ...asRequest(body, headers), query };
        return await tryOut(hook, given, { now: clock.now(), isRecorded: false, mostBytes: maxBodyBytes });
      }
      const row = await recorded(hook.row.id, hook_request_id);
      const received = asReceived(row, await readPayload(db, row));
      return await tryOut(hook, received, { now: row.created_at, isRecorded: true, mostBytes: maxBodyBytes });
    },
  });

  /** A recorded request of a hook, or its last one whose body was kept. */
  const recorded = async (hookId: number, uuid: string | undefined): Promise<HookRequestRow> => {
    const row = uuid === undefined ? await findLastKept(db, hookId) : await findHookRequest(db, uuid);
    if (uuid !== undefined && row?.hook_id !== hookId) throw notFound('The hook request');
    if (!row || !wasKept(row))
      throw new AppError(
        'conflict',
        'No request of this hook is recorded with its body. Give a body to try.',
      );
    return row;
  };

  app.route({
    method: 'POST',
    url: '/hook-requests/:hook_request_id/replay',
    config: {
      access: { permission: 'hook:update', on: 'hook_request', param: 'hook_request_id' },
      startsAction: true,
      answers: {
        200: { when: 'Understood, and nothing to run; the message tells why.' },
        202: { when: 'Accepted: it runs again, or is sent again.' },
        422: {
          when: 'A variable that the hook requires is missing or of the wrong type, or it is invalid otherwise.',
        },
      },
      errors: {
        409: 'Its body, or a token that its hook looks at, was not kept; or the hook is off; or the delivery is being sent just now.',
      },
    },
    schema: {
      operationId: 'replayHookRequest',
      summary: 'Run a recorded request again, or send a delivery again',
      description:
        'An incoming request is run as a new one, with the hook as it is now, and linked to the old one by `retry_of`. An outgoing one is sent again under the same `webhook-id`.',
      params: uuidParam('hook_request_id'),
      body: Nullable(
        Type.Object(
          {
            content: Type.Optional(
              OneOf(
                contents,
                'Of what was sent: `current` renders it anew, `original` repeats the body of this attempt.',
              ),
            ),
          },
          { title: 'HookRequestReplay' },
        ),
      ),
      response: { 200: Replayed, 202: Replayed, 422: NotReplayed },
    },
    handler: async (request, reply) => {
      const uuid = request.params.hook_request_id.toLowerCase();
      const row = await findHookRequest(db, uuid);
      if (!row)
        return await reply.status(202).send(await resend(request, uuid, request.body?.content ?? 'current'));
      if (!wasKept(row)) {
        const why = `Request ${uuid} cannot be run again: its body was not kept, since it was refused before it was verified, or is pruned.`;
        throw new AppError('conflict', why);
      }
      const hook = await findHook(db, row.hook_uuid);
      if (!hook) throw notFound('The hook');
      const needed = permissionToRun({ resourceType: hook.resource_type, operation: hook.action_type });
      if (needed) mustAlsoHave(request, needed);
      const received = asReceived(row, await readPayload(db, row));
      const caller = principalOf(request);
      const { status, body } = await context.receiver.replay(
        row.hook_uuid,
        { ...received, ipAddress: request.ip },
        {
          retryOf: uuid,
          userId: caller.userId,
          alongside: (trx) =>
            recordChange(trx, request, {
              object: { type: 'hook_request', id: uuid, name: null },
              caller,
              now: clock.now(),
            }),
        },
      );
      if (body.action_id !== null) reply.header(actionIdHeader, String(body.action_id));
      return reply.status(status === 202 ? 202 : status === 200 ? 200 : 422).send(body);
    },
  });

  const resend = async (request: FastifyRequest, attemptUuid: string, content: Content) => {
    const attempt = await findAttempt(db, attemptUuid);
    const found = attempt && (await deliveriesOf(db, [attempt])).get(attempt.delivery_id);
    if (!found) throw notFound('The hook request');
    const { delivery } = found;
    const hook = await findHook(db, delivery.hook_uuid);
    if (!hook) throw new AppError('conflict', 'The hook was deleted: nothing of it can be sent again.');
    const object = { type: 'hook_request', id: attemptUuid, name: delivery.event } as const;
    await audited({ db, clock }, request, object, (trx) =>
      redeliver(trx, hook, delivery, { content, like: attempt, now: clock.now() }),
    );
    bus.publish('deliveries');
    return {
      message: `Delivery ${delivery.uuid} will be sent again.`,
      errors: null,
      action_id: delivery.action_id,
      hook_request_id: null,
    };
  };
}

/** Only what was verified is kept with its body; see `store.ts`. */
function wasKept({ payload_id }: HookRequestRow): boolean {
  return payload_id !== null;
}

function asReceived(
  { request_query }: Pick<HookRequestRow, 'request_query'>,
  { headers, body }: { headers: string; body: Buffer },
): ReceivedRequest {
  // Safe: `store.ts` wrote them as an object of texts.
  return { headers: JSON.parse(headers) as Record<string, string>, query: request_query ?? '', body };
}

function asRequest(body: unknown, headers: Record<string, string>): Omit<ReceivedRequest, 'query'> {
  const lowered = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  // What is given is text, whatever the request was that it is taken from.
  delete lowered['content-encoding'];
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { headers: lowered, body: Buffer.from(text) };
}
