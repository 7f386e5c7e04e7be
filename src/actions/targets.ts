import { join } from 'node:path';
import { findServer, type ServerRow } from '../inventory/servers/store.ts';
import type { Clock } from '../platform/clock.ts';
import type { Connection } from '../platform/database/connect.ts';
import type { SecretBox } from '../platform/secret-box.ts';
import { TargetUnusable, type Executor } from './executors/executor.ts';
import type { LocalExecutor } from './executors/local.ts';
import type { SshConnections } from './executors/ssh-connections.ts';
import type { SshServer } from './executors/ssh-sign-in.ts';
import { createSshExecutor } from './executors/ssh.ts';
import type { TargetRow } from './store.ts';

export type TargetContext = {
  connection: Connection;
  box: SecretBox;
  clock: Clock;
  local: LocalExecutor;
  ssh: SshConnections;
  dataDirectory: string;
  /** Tells the folders of this installation on a server from those of another. */
  installation: string;
  /** How long the folder of an action is kept on a server. */
  retentionDays: number;
};

/** A place where steps run, and where their folders are there. */
export type Target = {
  hostname: string;
  isLocal: boolean;
  executor: Executor;
  /** The folder of an action; may begin with `~/`. */
  workspace(actionId: number): string;
  /** When another folder is made beside it, those that are older than so many days are removed; null where retention does that. */
  workspaceDays: number | null;
  /** The folder of an application that names none. */
  applicationDirectory(application: { id: number; folder: string }): string;
};

export async function openTarget(context: TargetContext, row: TargetRow): Promise<Target> {
  // Safe: only `claim-action.ts` writes the column.
  const { hostname } = JSON.parse(row.resource_data) as { hostname: string };
  const atHome = {
    workspace: (actionId: number) => `~/.hookline/workspaces/${context.installation.slice(0, 8)}-${actionId}`,
    workspaceDays: context.retentionDays,
    applicationDirectory: ({ folder }: { folder: string }) => `~/${folder}`,
  };
  if (row.resource_id !== 0) {
    const server = await findServer(context.connection.db, row.resource_id);
    const executor = server
      ? createSshExecutor({ ...context, connections: context.ssh, server: sshServer(context.box, server) })
      : unusable(`the server was deleted.`);
    return { hostname, isLocal: false, executor, ...atHome };
  }
  const { local, dataDirectory } = context;
  // Whoever else a step runs as may not enter the data directory.
  if (local.runsAsAnother) return { hostname, isLocal: true, executor: local, ...atHome };
  return {
    hostname,
    isLocal: true,
    executor: local,
    workspaceDays: null,
    workspace: (actionId) => join(dataDirectory, 'workspaces', String(actionId)),
    applicationDirectory: ({ id, folder }) => join(dataDirectory, 'applications', `${id}-${folder}`),
  };
}

/** What an SSH client needs of a server. */
export function sshServer(box: SecretBox, server: ServerRow): SshServer {
  return {
    id: server.id,
    hostname: server.hostname,
    host: server.ip_address ?? server.hostname,
    port: server.ssh_port,
    user: server.ssh_user,
    privateKey: box.open(server.private_key_sealed, 'server key'),
    hostKey: server.host_key,
  };
}

function unusable(message: string): Executor {
  return { run: () => Promise.reject(new TargetUnusable(message)) };
}
