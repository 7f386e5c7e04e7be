import { until, type ApiClient } from '../../test/support/api-client.ts';
import { sshServerKinds, startSshServer, type TestSshServer } from '../../test/support/ssh-server.ts';

type Connection = { status: string; message: string | null; host_key_fingerprint: string | null };
type Server = { id: number; ssh_public_key: string; connection: Connection };

/** A real SSH server that stands for a machine of one's own; the best that there is here. */
export async function startMachine(): Promise<TestSshServer> {
  return await startSshServer(sshServerKinds.at(-1) ?? 'ssh2');
}

/** Adds the machine to Hookline, installs the key that Hookline has made for it, and has the connection tested. */
export async function addServer(
  api: ApiClient,
  environmentId: number,
  machine: TestSshServer,
): Promise<{ id: number; refusal: string; connection: Connection }> {
  const { id, ssh_public_key } = await api.post<Server>(`/environments/${environmentId}/servers`, {
    hostname: `web-1-${machine.port}`,
    ip_address: machine.host,
    ssh_port: machine.port,
    ssh_user: machine.user,
  });
  // Hookline tries at once, and cannot have got in: nobody has installed its key yet.
  const { connection: before } = await until(async () => {
    const server = await api.get<Server>(`/servers/${id}`);
    return server.connection.status === 'untested' ? undefined : server;
  }, 'the first test of the connection');
  // What `ssh_install_command` of the server does.
  await machine.acceptKey(ssh_public_key);
  const connection = await api.post<Connection>(`/servers/${id}/test-connection`);
  if (connection.status !== 'ok') throw new Error(connection.message ?? 'the connection test failed');
  if (connection.host_key_fingerprint !== machine.hostKeyFingerprint()) {
    throw new Error('Hookline has pinned another host key than that of the machine');
  }
  return { id, refusal: before.message ?? '', connection };
}
