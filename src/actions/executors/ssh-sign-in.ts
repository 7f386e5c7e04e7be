import type { Client, ConnectConfig, ServerHostKeyAlgorithm } from 'ssh2';
import { hostKeyFingerprint, hostKeyText } from '../../platform/ssh-host-key.ts';
import { TargetUnusable } from './executor.ts';

/** A server as an SSH client needs it. */
export type SshServer = {
  id: number;
  hostname: string;
  host: string;
  port: number;
  user: string;
  privateKey: string;
  /** In the form of `ssh-host-key.ts`; null before the first connection. */
  hostKey: string | null;
};

/** A server may say what it likes where it says why it ends a connection. */
const mostReasonCharacters = 300;
/** A connection that has answered so many signs of life with nothing is lost. */
const keepAlives = 3;

/**
 * Signs in with the server's key, and pins its host key where it has none. Throws TargetUnusable with a sentence that says
 * why it cannot. `onEnd` is told why the connection ended, whenever that is.
 */
export async function signIn(
  client: Client,
  server: SshServer,
  {
    pin,
    timeouts,
    onEnd,
  }: {
    pin: (serverId: number, hostKey: string) => Promise<string | null>;
    timeouts: { connectMs: number; keepAliveMs: number };
    onEnd: (why: string) => void;
  },
): Promise<void> {
  let offered: string | null = null;
  let why = 'it was closed';
  const isPinned = (key: string | null) => server.hostKey === null || key === server.hostKey;
  await new Promise<void>((resolve, reject) => {
    client.on('error', (error) => {
      why = error.message.slice(0, mostReasonCharacters);
      reject(explain(error, server, offered));
    });
    client.on('close', () => {
      onEnd(why);
      reject(new TargetUnusable(`${place(server)} closed the connection before it was ready.`));
    });
    client.once('ready', resolve);
    try {
      client.connect({
        host: server.host,
        port: server.port,
        username: server.user,
        privateKey: server.privateKey,
        readyTimeout: timeouts.connectMs,
        keepaliveInterval: timeouts.keepAliveMs,
        keepaliveCountMax: keepAlives,
        algorithms: preferring(server.hostKey),
        hostVerifier: (key: Buffer) => {
          offered = hostKeyText(key);
          return isPinned(offered);
        },
      });
      // Otherwise each small message waits until the one before it was answered, several times in one command.
      client.setNoDelay(true);
    } catch (error) {
      reject(explain(error as Error, server, offered));
    }
  });
  if (server.hostKey !== null || offered === null) return;
  // Only now, when it is a server that takes our key; whoever was first has said which host key it is.
  const pinned = await pin(server.id, offered);
  if (pinned !== null && pinned !== offered) throw changedKey({ ...server, hostKey: pinned }, offered);
}

/** A server has several host keys; the one that is pinned is asked for first. */
function preferring(hostKey: string | null): ConnectConfig['algorithms'] {
  const type = hostKey?.split(' ')[0];
  if (type === undefined) return undefined;
  const wanted = type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type];
  // Safe: the names of a key that this very library has accepted before.
  return { serverHostKey: { prepend: wanted as ServerHostKeyAlgorithm[], append: [], remove: [] } };
}

/** The library tells at which level a connection has failed, and the system why. */
function explain(
  error: Error & { level?: string; code?: string },
  server: SshServer,
  offered: string | null,
): Error {
  if (offered !== null && server.hostKey !== null && offered !== server.hostKey)
    return changedKey(server, offered);
  const at = place(server);
  switch (error.level) {
    case 'client-authentication':
      return new TargetUnusable(
        `${at} does not accept Hookline's key for the user ${server.user}. Install it there with the line that the server's ssh_install_command shows.`,
        { cause: error },
      );
    case 'client-timeout':
      return new TargetUnusable(`${at} does not answer in time.`, { cause: error });
    case 'client-dns':
      return new TargetUnusable(`${server.host} is no known host name.`, { cause: error });
    default:
      return new TargetUnusable(`${at} cannot be reached: ${systemReason(error)}.`, { cause: error });
  }
}

function systemReason({ code, message }: Error & { code?: string }): string {
  return (code && reasons[code]) || message.slice(0, mostReasonCharacters);
}

const reasons: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was reset',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to its network',
  ENOTFOUND: 'it is no known host name',
  ETIMEDOUT: 'it does not answer in time',
};

function place({ hostname, host, port }: SshServer): string {
  return `${hostname} (${host}, port ${port})`;
}

function changedKey(server: SshServer, offered: string): TargetUnusable {
  return new TargetUnusable(
    `The host key of ${place(server)} has changed: it was ${hostKeyFingerprint(server.hostKey ?? '')} and is ${hostKeyFingerprint(offered)} now, so nothing was run. ` +
      'If the machine was set up anew, forget the old key by a PUT to the server with "ssh_host_key": null; if not, somebody may stand in between.',
  );
}
