import type { ServerStatus } from '../inventory/servers/present.ts';
import type { Trx } from '../platform/database/connect.ts';
import type { ActionStatus } from './status.ts';
import type { ActionRow } from './store.ts';
import type { ActionParameters } from './trigger.ts';

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
  const { servers } = JSON.parse(action.parameters) as ActionParameters;
  // A pipeline that somebody wrote may have been told to run elsewhere.
  if (servers && !servers.includes(action.resource_id)) return;
  await trx.updateTable('servers').set({ status }).where('id', '=', action.resource_id).execute();
}
