import type { Permission } from '../accounts/permissions.ts';
import { resourceColumns } from '../inventory/resource.ts';
import { lockServer, type ServerRow } from '../inventory/servers/store.ts';
import type { Trx } from '../platform/database/connect.ts';
import { notFound } from '../platform/errors.ts';
import type { Operation } from './operations.ts';
import { newStep } from './steps.ts';
import { insertPipeline, insertStep, pipelinesFor, type PipelineRow } from './store.ts';

const reach = `answers() {
  timeout 10 bash -c 'exec 3<>"/dev/tcp/$HOOKLINE_SERVER_ADDRESS/$HOOKLINE_SERVER_SSH_PORT"' 2>/dev/null
}
on_server() {
  ssh -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=3 -p "$HOOKLINE_SERVER_SSH_PORT" "$HOOKLINE_SERVER_SSH_USER@$HOOKLINE_SERVER_ADDRESS" "$1"
}`;

export type LifecycleOperation = Extract<Operation, 'start' | 'stop' | 'restart' | 'get_status'>;

/**
 * What is done to a server from outside rather than on it: a machine that is off runs nothing. The pipelines that each
 * server comes with run on the machine of Hookline, with `HOOKLINE_SERVER_HOSTNAME`, `_ADDRESS`, `_SSH_PORT` and `_SSH_USER` telling which
 * server is meant. The steps below suit a machine that the user of Hookline may reach by ssh and sudo; where a
 * hypervisor or a provider switches it, its command belongs in their place.
 */
const lifecycle: Record<
  LifecycleOperation,
  { name: string; permission: Permission; step: string; command: string }
> = {
  start: {
    name: 'Start',
    permission: 'server:start',
    step: 'Switch the server on',
    command: `${reach}
if answers; then
  echo "$HOOKLINE_SERVER_HOSTNAME is running already."
  exit 0
fi
echo "Nothing here knows how $HOOKLINE_SERVER_HOSTNAME is switched on. Put the command of its provider or hypervisor into this step, e.g. virsh start $HOOKLINE_SERVER_HOSTNAME." >&2
exit 1`,
  },
  stop: {
    name: 'Stop',
    permission: 'server:stop',
    step: 'Shut the server down',
    command: `${reach}
if ! answers; then
  echo "$HOOKLINE_SERVER_HOSTNAME does not answer at $HOOKLINE_SERVER_ADDRESS, port $HOOKLINE_SERVER_SSH_PORT: whether it is off or cannot be reached is not known." >&2
  exit 1
fi
on_server true || exit 1
on_server 'sudo -n shutdown -h now' || [ $? -eq 255 ] || exit 1
while [ "$SECONDS" -lt 120 ]; do
  answers || { echo "$HOOKLINE_SERVER_HOSTNAME is stopped."; exit 0; }
  sleep 1
done
echo "$HOOKLINE_SERVER_HOSTNAME still answers after two minutes." >&2
exit 1`,
  },
  restart: {
    name: 'Restart',
    permission: 'server:restart',
    step: 'Restart the server',
    command: `${reach}
boot_id='cat /proc/sys/kernel/random/boot_id'
before=$(on_server "$boot_id") || exit 1
on_server 'sudo -n reboot' || [ $? -eq 255 ] || exit 1
while [ "$SECONDS" -lt 300 ]; do
  # While it is down ssh fails, which must not end this step.
  after=$(on_server "$boot_id" 2>/dev/null) || after=
  if [ -n "$after" ] && [ "$after" != "$before" ]; then
    echo "$HOOKLINE_SERVER_HOSTNAME is back."
    exit 0
  fi
  sleep 1
done
echo "$HOOKLINE_SERVER_HOSTNAME did not come back within five minutes." >&2
exit 1`,
  },
  get_status: {
    name: 'Get status',
    permission: 'server:restart',
    step: 'Look whether the server answers',
    command: `${reach}
if answers; then
  echo "$HOOKLINE_SERVER_HOSTNAME answers at $HOOKLINE_SERVER_ADDRESS, port $HOOKLINE_SERVER_SSH_PORT."
else
  echo "$HOOKLINE_SERVER_HOSTNAME does not answer at $HOOKLINE_SERVER_ADDRESS, port $HOOKLINE_SERVER_SSH_PORT." >&2
  exit 1
fi`,
  },
};

/** Whether a pipeline of that operation concerns the whole machine; see `lifecycle`. */
export function isLifecycle(resourceType: string, operation: string): boolean {
  return resourceType === 'server' && Object.hasOwn(lifecycle, operation);
}

/**
 * What somebody needs who has a pipeline run, by hand or by a hook, besides the permission of the call itself; null for
 * nothing. Whoever may not stop a server is not to stop it by its pipeline.
 */
export function permissionToRun(pipeline: { resourceType: string; operation: string }): Permission | null {
  if (!isLifecycle(pipeline.resourceType, pipeline.operation)) return null;
  // Safe: the line above has looked for it.
  return lifecycle[pipeline.operation as LifecycleOperation].permission;
}

/** Gives a new server its pipelines. */
export async function addLifecyclePipelines(trx: Trx, server: ServerRow): Promise<void> {
  // Safe: the keys of the very table.
  for (const operation of Object.keys(lifecycle) as LifecycleOperation[]) {
    await addPipeline(trx, server, operation, server.created_at);
  }
}

/**
 * The pipeline that a call for an operation runs: of several the oldest; made anew for a server from before there were
 * such pipelines, or whose own was deleted. Throws `not_found` for a server that is gone.
 */
export async function lifecyclePipeline(
  trx: Trx,
  serverId: number,
  operation: LifecycleOperation,
  now: number,
): Promise<PipelineRow> {
  // Two calls at once must not make two.
  const server = await lockServer(trx, serverId);
  if (!server) throw notFound('The server');
  const [oldest] = await pipelinesFor(trx, { type: 'server', id: serverId }, operation);
  return oldest ?? (await addPipeline(trx, server, operation, now));
}

async function addPipeline(
  trx: Trx,
  server: ServerRow,
  operation: LifecycleOperation,
  now: number,
): Promise<PipelineRow> {
  const { name, step, command } = lifecycle[operation];
  const pipeline = await insertPipeline(trx, {
    ...resourceColumns('server', server.id),
    environment_id: server.environment_id,
    name,
    operation,
    max_parallel_actions: 1,
    trigger_when: null,
    timeout_seconds: null,
    is_auto_generated: 1,
    created_by: server.created_by,
    created_at: now,
    updated_at: now,
  });
  await insertStep(trx, newStep(pipeline.id, { name: step, command }, 1, now));
  return pipeline;
}
