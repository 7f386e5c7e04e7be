import type { ServerStatus } from '../inventory/servers/present.ts';
import type { Trx } from '../platform/database/connect.ts';
import type { ActionStatus } from './status.ts';
import type { ActionRow } from './store.ts';

/** What is known of a server once an action of its own has taken a status. */
const statusAfter: Record<string, Partial<Record<ActionStatus, ServerStatus>>> = {
  start: { completed: 'running' },
  stop: { completed: 'stopped' },
  restart: { 'in-progress': 'restarting', completed: 'running', failed: 'failed' },
  get_status: { completed: 'running', failed: 'failed' },
};

/** In the transaction of the action's change. */
export async function noteServerStatus(trx: Trx, action: ActionRow, to: ActionStatus): Promise<void> {
  if (action.resource_type !== 'server' || !Object.hasOwn(statusAfter, action.type)) return;
  const status = statusAfter[action.type]?.[to];
  // One that never ran has found nothing out.
  if (status === undefined || action.started_at === null) return;
  await trx.updateTable('servers').set({ status }).where('id', '=', action.resource_id).execute();
}
