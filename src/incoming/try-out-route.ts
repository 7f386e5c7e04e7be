import { Type, type Static } from 'typebox';
import { mustAlsoHave } from '../accounts/access.ts';
import { changeBodies } from '../hooks/bodies.ts';
import type { HookRegistry, IncomingHook } from '../hooks/registry.ts';
import { changedIncoming } from '../hooks/save.ts';
import { permissionToRun } from '../pipelines/lifecycle.ts';
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
    // Whatever a sender may send; as a text in JSON it is longer.
    bodyLimit: 2 * maxBodyBytes,
    config: {
      access: { permission: 'hook:read', on: 'hook', param: 'hook_id' },
      errors: { 409: 'No request is recorded whose body was kept, and none was given.' },
    },
    schema: {
      operationId: 'testIncomingHook',
      summary: 'Try an incoming hook out: what a payload yields, without running anything',
      description:
        'Give a body, or the id of a recorded request; with neither, the last recorded one is taken. Signature, variables, conditions and the pipeline that would run are told each on their own. With `hook` it is tried as it would be after that change, which needs the permission `hook:update` and what the change itself needs.',
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
            hook: Type.Optional(Nullable(changeBodies.incoming)),
          },
          { title: 'HookTryOutRequest', additionalProperties: false },
        ),
      ),
      response: { 200: TryOut },
    },
    handler: async (request) => {
      const saved = await context.registry.incoming(request.params.hook_id.toLowerCase());
      if (!saved) throw notFound('The incoming hook');
      const { body, headers = {}, query = '', hook_request_id, hook: change } = request.body ?? {};
      if (change) {
        // A variable can be made of any header: whoever may not change the hook is not to see by it what records hide.
        mustAlsoHave(request, 'hook:update');
        const { resource_type: resourceType, action_type: operation } = saved.row;
        const needed = permissionToRun({ resourceType, operation });
        if (needed) mustAlsoHave(request, needed);
      }
      const hook = change ? changed(saved, change) : saved;
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

/** The hook as it would be; its secret stays what it is. */
function changed(hook: IncomingHook, change: Static<typeof changeBodies.incoming>): IncomingHook {
  const { definition } = changedIncoming(hook.row, change, hook.definition);
  const isActive = change.active ?? hook.row.active === 1;
  return { ...hook, row: { ...hook.row, active: isActive ? 1 : 0 }, definition };
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
