import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import ssh2 from 'ssh2';
import type { AuthContext, Connection, ParsedKey } from 'ssh2';
import type { StartInnerSshServer } from './inner-ssh-server.ts';
import type { MarkedProcesses } from './marked-processes.ts';
import { runRemoteCommand } from './ssh2-command.ts';

// Like sshd: only the client asks whether the other side still lives.
const NEVER_MS = 2 ** 31 - 1;

/** The server of the npm package ssh2, as strict as sshd: one user, keys only, commands only. */
export const startSsh2Server: StartInnerSshServer = async (setup) => {
  let keys = setup.authorizedKeys.map(parsePublicKey);
  const env = remoteEnv(setup.user, setup.home, setup.processes);
  const options = { hostKeys: [setup.hostKey.privateKey], keepaliveInterval: NEVER_MS };
  const ssh = new ssh2.Server(options, (connection) => {
    connection.on('error', () => {}); // its `close` follows
    connection.on('authentication', (attempt) => {
      if (maySignIn(attempt, setup.user, keys)) attempt.accept();
      else attempt.reject(['publickey']);
    });
    takeCommands(connection, env, setup.processes);
  });
  // Like sshd again: by itself ssh2 lets small packets wait for the other side's acknowledgement, 40 ms each.
  const server = createServer({ noDelay: true }, (socket) => ssh.injectSocket(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');

  return {
    port: (server.address() as AddressInfo).port,
    authorize: async (lines) => {
      keys = lines.map(parsePublicKey);
    },
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
};

function takeCommands(connection: Connection, env: Record<string, string>, processes: MarkedProcesses): void {
  const letGo = new Set<() => void>();
  connection.once('close', () => {
    for (const closePipes of letGo) closePipes();
  });
  connection.on('session', (acceptSession) => {
    const session = acceptSession();
    session.once('exec', (accept, _reject, { command }) => {
      const { child, closePipes } = runRemoteCommand(command, accept(), env);
      processes.adopt(child);
      letGo.add(closePipes);
      session.once('close', () => {
        letGo.delete(closePipes);
        closePipes();
      });
    });
  });
}

function maySignIn(attempt: AuthContext, user: string, keys: readonly ParsedKey[]): boolean {
  if (attempt.method !== 'publickey' || attempt.username !== user) return false;
  const key = keys.find((candidate) => isSame(candidate.getPublicSSH(), attempt.key.data));
  if (!key || key.type !== attempt.key.algo) return false;
  // Without a signature the client only asks whether it is worth signing with this key.
  if (!attempt.signature) return true;
  return attempt.blob !== undefined && key.verify(attempt.blob, attempt.signature, attempt.hashAlgo) === true;
}

function isSame(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

function parsePublicKey(line: string): ParsedKey {
  const parsed = ssh2.utils.parseKey(line);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (!key || key instanceof Error) throw new Error(`not a public key: ${line}`, { cause: key });
  return key;
}

/** What sshd gives to a command: nothing of our own environment. */
function remoteEnv(user: string, home: string, processes: MarkedProcesses): Record<string, string> {
  return {
    HOME: home,
    USER: user,
    LOGNAME: user,
    SHELL: '/bin/bash',
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ...processes.env,
  };
}
