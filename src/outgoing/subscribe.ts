import { randomUUID } from 'node:crypto';
import type { EventName } from '../hooks/definition.ts';
import type { OutgoingHook } from '../hooks/registry.ts';
import type { Trx } from '../platform/database/connect.ts';
import { lookUp } from '../platform/dotted-path.ts';

/** What templates and conditions may use (DESIGN §8); the hook itself and its secrets are added at sending. */
export type EventContext = { event: string; action: Record<string, unknown> } & Record<string, unknown>;

/** A delivery that an event causes, or the reason why it causes none. */
export type PlannedDelivery = { hook: OutgoingHook; event: EventName; skipReason: string | null };

/**
 * Which hooks want an event known by several names (`action.started` is also an `action.status_changed`). A hook
 * that names more than one of them gets one delivery, under the first. A hook that would want it, but is off or
 * whose conditions are not met, is planned with the reason, so that it can be shown.
 */
export async function planDeliveries(
  hooks: OutgoingHook[],
  names: readonly EventName[],
  context: () => Promise<EventContext>,
): Promise<PlannedDelivery[]> {
  const planned: PlannedDelivery[] = [];
  for (const hook of hooks) {
    const event = names.find((name) => hook.definition.events.includes(name));
    if (!event) continue;
    if (!hook.row.active) planned.push({ hook, event, skipReason: 'The hook is not active.' });
    else planned.push({ hook, event, skipReason: await unmetCondition(hook, context) });
  }
  return planned;
}

async function unmetCondition(
  { definition: { conditions } }: OutgoingHook,
  context: () => Promise<EventContext>,
): Promise<string | null> {
  for (const [index, { path, accepted_values }] of conditions.entries()) {
    const value = lookUp(await context(), path);
    if (accepted_values.some((accepted) => String(accepted) === String(value))) continue;
    const found = value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 200);
    return (
      `Condition ${index + 1} of ${conditions.length} is not met: ` +
      `${path} must be one of ${accepted_values.map((one) => JSON.stringify(one)).join(', ')}, but is ${found}.`
    );
  }
  return null;
}

/** Writes the planned deliveries of one event, in the transaction of the change that is the event. */
export async function insertDeliveries(
  trx: Trx,
  planned: PlannedDelivery[],
  event: { id: number; actionId: number; environmentId: number; now: number },
): Promise<void> {
  if (planned.length === 0) return;
  await trx
    .insertInto('deliveries')
    .values(
      planned.map(({ hook, event: name, skipReason }) => ({
        uuid: randomUUID(),
        hook_id: hook.row.id,
        hook_uuid: hook.row.uuid,
        environment_id: event.environmentId,
        action_id: event.actionId,
        event_id: event.id,
        event: name,
        status: skipReason === null ? ('pending' as const) : ('skipped' as const),
        reason: skipReason ?? 'Waiting to be sent.',
        attempts: 0,
        next_attempt_at: event.now,
        claimed_by: null,
        created_at: event.now,
        updated_at: event.now,
      })),
    )
    .execute();
}
