import type { Selectable } from 'kysely';
import type { HookRow } from '../hooks/store.ts';
import type { Db, Trx } from '../platform/database/connect.ts';
import type { Database } from '../platform/database/schema.ts';
import { AppError } from '../platform/errors.ts';
import type { DeliveryRow } from './claim.ts';

/** `current`: rendered anew, with the hook as it is now; `original`: with the body of the attempt that is repeated. */
export const contents = ['current', 'original'] as const;
export type Content = (typeof contents)[number];

type Attempt = Pick<Selectable<Database['delivery_attempts']>, 'hook_version'>;

/**
 * Has one delivery sent again, with all its retries; one that waits for its next attempt is tried now. `like` is the
 * attempt whose content `original` means. Throws `conflict` with the reason when that cannot be.
 */
export async function redeliver(
  trx: Trx,
  hook: Pick<HookRow, 'active'>,
  delivery: DeliveryRow,
  options: { content: Content; like: Attempt | undefined; now: number },
): Promise<void> {
  const { content, like, now } = options;
  mustBeOn(hook);
  if (!(await hasContext(trx, delivery.event_id))) {
    const why = 'its event was not kept, since nothing was to be sent of it, or was pruned';
    throw new AppError('conflict', `This delivery cannot be sent again: ${why}.`);
  }
  if (content === 'original' && !like?.hook_version) {
    const why = 'What it was first made from is not known: it was never sent, or by an earlier version.';
    throw new AppError('conflict', `${why} Send it with the content of now.`);
  }
  const { numUpdatedRows } = await trx
    .updateTable('deliveries')
    .set((eb) => ({
      status: 'pending',
      unrendered: 0,
      attempts_before: eb.ref('attempts'),
      content_version: content === 'original' ? (like?.hook_version ?? null) : null,
      recovery_id: null,
      next_attempt_at: now,
      updated_at: now,
      reason: 'To be sent again, as asked.',
    }))
    .where('id', '=', delivery.id)
    .where('status', '!=', 'sending')
    .executeTakeFirst();
  if (numUpdatedRows === 0n)
    throw new AppError('conflict', 'This delivery is being sent at this very moment.');
  // Whoever asks for it wants to see it tried: an open breaker lets the next one probe.
  await trx
    .updateTable('hook_health')
    .set({ blocked_until: now })
    .where('hook_id', '=', delivery.hook_id)
    .where('state', '=', 'open')
    .execute();
}

/** Nothing of a hook that is off is sent again. Throws `conflict`. */
export function mustBeOn({ active }: Pick<HookRow, 'active'>): void {
  if (active) return;
  const how = 'Switch it on first: PUT it with {"active": true}.';
  throw new AppError('conflict', `The hook is switched off. ${how}`);
}

async function hasContext(db: Db | Trx, eventId: number): Promise<boolean> {
  const row = await db
    .selectFrom('action_events')
    .select('id')
    .where('id', '=', eventId)
    .where('context', 'is not', null)
    .executeTakeFirst();
  return row !== undefined;
}
