import { findServers } from '../inventory/servers/store.ts';
import { isLifecycle } from '../pipelines/lifecycle.ts';
import { findPipeline } from '../pipelines/store.ts';
import type { Trx } from '../platform/database/connect.ts';
import type { ActionRow } from './store.ts';
import type { ActionParameters } from './trigger.ts';

/** What is to be known of an action to say where it runs. */
export type Candidate = Pick<
  ActionRow,
  'id' | 'pipeline_id' | 'resource_type' | 'resource_id' | 'type' | 'parameters'
>;

/** A machine that an action is to run on, and how many it runs at the same time; 0 means no limit. */
export type TargetData = {
  id: number;
  hostname: string;
  ip_address: string | null;
  ssh_port: number;
  max_parallel_actions: number;
};

/** The machine that Hookline itself runs on. */
const local: TargetData = {
  id: 0,
  hostname: 'local',
  ip_address: null,
  ssh_port: 0,
  max_parallel_actions: 0,
};

/** Throws MissingServer rather than run on fewer machines than were asked for. */
export async function resolveTargets(trx: Trx, action: Candidate): Promise<TargetData[]> {
  if (await runsOutside(trx, action)) return [local];
  const { servers } = JSON.parse(action.parameters) as ActionParameters;
  const ids = servers ?? (await ownServers(trx, action));
  if (ids.length === 0) return [local];
  const rows = await findServers(trx, ids);
  const missing = ids.filter((id) => !rows.some((row) => row.id === id));
  if (missing.length > 0) throw new MissingServer(missing);
  return rows.map(({ id, hostname, ip_address, ssh_port, max_parallel_actions }) => ({
    id,
    hostname,
    ip_address,
    ssh_port,
    max_parallel_actions,
  }));
}

/**
 * The pipelines that a server came with act on it from outside, since a machine that is off runs nothing. One that
 * somebody wrote runs on the server: its `reboot` must never be ours.
 */
async function runsOutside(trx: Trx, action: Candidate): Promise<boolean> {
  if (action.pipeline_id === null || !isLifecycle(action.resource_type, action.type)) return false;
  return (await findPipeline(trx, action.pipeline_id))?.is_auto_generated === 1;
}

export class MissingServer extends Error {
  override name = 'MissingServer';
  constructor(ids: number[]) {
    super(`Not run: server ${ids.join(', ')} was deleted before it could start.`);
  }
}

/** A server's own pipeline runs on that server; an application's on those linked to it. */
async function ownServers(trx: Trx, action: Candidate): Promise<number[]> {
  if (action.resource_type === 'server') return [action.resource_id];
  const rows = await trx
    .selectFrom('application_servers')
    .select('server_id')
    .where('application_id', '=', action.resource_id)
    .orderBy('server_id')
    .execute();
  return rows.map(({ server_id }) => server_id);
}
