import { randomUUIDv7 } from 'node:crypto';
import type { EventName } from '../hooks/definition.ts';
import type { OutgoingHook } from '../hooks/registry.ts';
import { compileByCount } from '../platform/database/compiled-query.ts';
import type { Trx } from '../platform/database/connect.ts';
import { lookUp } from '../platform/dotted-path.ts';
import type { DeliveryRow } from './claim.ts';

/** What templates and conditions may use (DESIGN §8); the hook itself and its secrets are added at sending. */
export type EventContext = { event: string; action: Record<string, unknown> } & Record<string, unknown>;

/** A delivery that an event causes, or the reason why it causes none that is sent. */
export type PlannedDelivery = {
  hook: OutgoingHook;
  event: EventName;
  status: 'pending' | 'skipped' | 'failed';
  reason: string;
};

/**
 * Which hooks want an event known by several names (`action.started` is also an `action.status_changed`). A hook
 * that names more than one of them gets one delivery, under the first. A hook that would want it, but is off or
 * whose conditions are not met, is planned with the reason, so that it can be shown. What a hook misses that Hookline
 * itself has switched off has failed: it can be recovered.
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
    const { active, disabled_reason } = hook.row;
    if (!active && disabled_reason === null) {
      planned.push({ hook, event, status: 'skipped', reason: 'The hook is not active.' });
      continue;
    }
    const unmet = await unmetCondition(hook, context);
    if (unmet !== null) planned.push({ hook, event, status: 'skipped', reason: unmet });
    else if (active) planned.push({ hook, event, status: 'pending', reason: 'Waiting to be sent.' });
    else planned.push({ hook, event, status: 'failed', reason: notSentWhileDisabled });
  }
  return planned;
}

/** Of a delivery of a hook that Hookline has switched off. */
export const notSentWhileDisabled =
  'Not sent: the hook is switched off because its deliveries failed. Switch it on again and recover what it missed.';

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

export type NewDelivery = PlannedDelivery & {
  of: { eventId: number; actionId: number; environmentId: number };
};

const columns = [
  'uuid',
  'hook_id',
  'hook_uuid',
  'environment_id',
  'action_id',
  'event_id',
  'event',
  'status',
  'reason',
  'attempts',
  'next_attempt_at',
  'created_at',
  'updated_at',
] as const satisfies (keyof DeliveryRow)[];

const insertRows = compileByCount<Pick<DeliveryRow, (typeof columns)[number]>, unknown>(
  columns,
  (trx, rows) => trx.insertInto('deliveries').values(rows),
);

/** Writes planned deliveries in the transaction of the changes that are their events, in the order given. */
export async function insertDeliveries(trx: Trx, deliveries: NewDelivery[], now: number): Promise<void> {
  await insertRows(
    trx,
    deliveries.map(({ hook, event, status, reason, of }) => ({
      // Time-ordered, so that its index grows at one end.
      uuid: randomUUIDv7(),
      hook_id: hook.row.id,
      hook_uuid: hook.row.uuid,
      environment_id: of.environmentId,
      action_id: of.actionId,
      event_id: of.eventId,
      event,
      status,
      reason,
      attempts: 0,
      next_attempt_at: now,
      created_at: now,
      updated_at: now,
    })),
  );
}
