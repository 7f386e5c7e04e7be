import type { Permission } from '../accounts/permissions.ts';
import { resourceColumns } from '../inventory/resource.ts';
import type { ServerRow } from '../inventory/servers/store.ts';
import type { Trx } from '../platform/database/connect.ts';
import type { Operation } from './operations.ts';
import { newStep } from './steps.ts';
import { insertPipeline, insertStep } from './store.ts';

const reach = `answers() {
  timeout 10 bash -c 'exec 3<>"/dev/tcp/$HOOKLINE_SERVER_ADDRESS/$HOOKLINE_SERVER_SSH_PORT"' 2>/dev/null
}
on_server() {
  ssh -o BatchMode=yes -o ConnectTimeout=10 -p "$HOOKLINE_SERVER_SSH_PORT" "$HOOKLINE_SERVER_SSH_USER@$HOOKLINE_SERVER_ADDRESS" "$1"
}`;

/**
 * What is done to a server from outside rather than on it: a machine that is off runs nothing. Such pipelines run on
 * the machine of Hookline, with `HOOKLINE_SERVER_HOSTNAME`, `_ADDRESS`, `_SSH_PORT` and `_SSH_USER` telling which
 * server is meant. The steps below suit a machine that the user of Hookline may reach by ssh and sudo; where a
 * hypervisor or a provider switches it, its command belongs in their place.
 */
const lifecycle: Partial<
  Record<Operation, { name: string; permission: Permission; step: string; command: string }>
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
  echo "$HOOKLINE_SERVER_HOSTNAME does not answer; it is stopped already."
  exit 0
fi
on_server true || exit 1
on_server 'sudo -n shutdown -h now' || [ $? -eq 255 ] || exit 1
for second in $(seq 120); do
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
for second in $(seq 300); do
  after=$(on_server "$boot_id" 2>/dev/null)
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

/** Runs on the machine of Hookline, whatever the servers of the action. */
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
  return lifecycle[pipeline.operation as Operation]!.permission;
}

/** Gives a server the pipelines for `operations`; all of them when it is new. */
export async function addLifecyclePipelines(
  trx: Trx,
  server: ServerRow,
  operations: readonly string[] = Object.keys(lifecycle),
): Promise<void> {
  for (const [operation, { name, step, command }] of Object.entries(lifecycle)) {
    if (!operations.includes(operation)) continue;
    const pipeline = await insertPipeline(trx, {
      ...resourceColumns('server', server.id),
      environment_id: server.environment_id,
      name,
      operation,
      max_parallel_actions: 1,
      trigger_when: null,
      is_auto_generated: 1,
      created_by: server.created_by,
      created_at: server.updated_at,
      updated_at: server.updated_at,
    });
    await insertStep(trx, newStep(pipeline.id, { name: step, command }, 1, server.updated_at));
  }
}
