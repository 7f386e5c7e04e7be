import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { mustAlsoHave, principalOf } from '../accounts/access.ts';
import { audited, recordChange } from '../accounts/audit.ts';
import { actionIdHeader } from '../actions/present.ts';
import { findHook } from '../hooks/store.ts';
import { permissionToRun } from '../pipelines/lifecycle.ts';
import { contents, redeliver, type Content } from '../outgoing/redeliver.ts';
import { deliveriesOf, findAttempt } from '../outgoing/store.ts';
import type { Bus } from '../platform/bus.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { AppError, notFound } from '../platform/errors.ts';
import { FieldFault, Nullable, OneOf, uuidParam } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import type { Receiver } from './receive.ts';
import { asReceived, wasKept } from './recorded-request.ts';
import { findHookRequest, readPayload } from './store.ts';

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

/** Running a recorded request again; one address repeats what was sent as well. */
export function replayRoute(
  app: HttpApp,
  context: { db: Db; clock: Clock; bus: Bus; receiver: Receiver },
): void {
  const { db, clock, bus } = context;
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
