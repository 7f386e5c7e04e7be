import { Type } from 'typebox';
import type { HookRegistry } from '../hooks/registry.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import { AppError, notFound } from '../platform/errors.ts';
import { Nullable, Uuid, uuidParam } from '../platform/http/schemas.ts';
import type { HttpApp } from '../platform/http/server.ts';
import type { ReceivedRequest } from './decide.ts';
import { asReceived, wasKept } from './recorded-request.ts';
import { findHookRequest, findLastKept, readPayload, type HookRequestRow } from './store.ts';
import { TryOut, tryOut } from './try-out.ts';

/** Trying a hook out: nothing is run, and nothing kept. */
export function tryOutRoute(
  app: HttpApp,
  context: { db: Db; clock: Clock; registry: HookRegistry; maxBodyBytes: number },
): void {
  const { db, clock, maxBodyBytes } = context;
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
          { title: 'HookTryOutRequest', additionalProperties: false },
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
        return await tryOut(hook, given, { now: clock.now(), recordedAs: null, mostBytes: maxBodyBytes });
      }
      const row = await recorded(hook.row.id, hook_request_id);
      const received = asReceived(row, await readPayload(db, row));
      return await tryOut(hook, received, {
        now: row.created_at,
        recordedAs: row.uuid,
        mostBytes: maxBodyBytes,
      });
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
