import { openHook } from '../hooks/registry.ts';
import type { HookRow } from '../hooks/store.ts';
import type { Trx } from '../platform/database/connect.ts';
import type { SecretBox } from '../platform/secret-box.ts';
import type { DeliveryRow } from './claim.ts';
import { insertDeliveries, planDeliveries, type EventContext } from './subscribe.ts';

/**
 * Writes the event `hook.disabled` for the other outgoing hooks of the environment that ask for it, in the transaction
 * that switched the hook off. It tells of the action whose delivery was the last to fail.
 */
export async function announceDisabled(
  trx: Trx,
  box: SecretBox,
  { hook, reason, delivery, now }: { hook: HookRow; reason: string; delivery: DeliveryRow; now: number },
): Promise<void> {
  const rows = await trx
    .selectFrom('hooks')
    .selectAll()
    .where('environment_id', '=', hook.environment_id)
    .where('direction', '=', 'out')
    .where('active', '=', 1)
    .where('id', '!=', hook.id)
    .orderBy('id')
    .execute();
  const listeners = rows
    .map((row) => openHook(box, row))
    .filter(({ definition }) => definition.events.includes('hook.disabled'));
  if (listeners.length === 0) return;
  const event = await trx
    .selectFrom('action_events')
    .select('context')
    .where('id', '=', delivery.event_id)
    .executeTakeFirst();
  // Safe: only `actions/events.ts` and this function write the column.
  const told = JSON.parse(event?.context ?? '{"action":{}}') as EventContext;
  const context: EventContext = {
    ...told,
    event: 'hook.disabled',
    disabled_hook: { id: hook.uuid, name: hook.name, pipeline_id: hook.pipeline_id, reason },
  };
  const planned = await planDeliveries(listeners, ['hook.disabled'], () => Promise.resolve(context));
  const { id } = await trx
    .insertInto('action_events')
    .values({
      action_id: delivery.action_id,
      status: 'hook.disabled',
      context: JSON.stringify(context),
      created_at: now,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  const of = { eventId: id, actionId: delivery.action_id, environmentId: hook.environment_id };
  await insertDeliveries(
    trx,
    planned.map((one) => ({ ...one, of })),
    now,
  );
}
