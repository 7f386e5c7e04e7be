import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { keyPair } from '../../src/inventory/servers/key-pair.ts';
import type { InnerSshServer, StartInnerSshServer } from './inner-ssh-server.ts';
import { markProcesses } from './marked-processes.ts';
import { sshdPath, startOpenSshServer } from './open-ssh-server.ts';
import { startSsh2Server } from './ssh2-server.ts';
import { startTcpProxy } from './tcp-proxy.ts';
import { onceWeAreGone } from './watchdog.ts';
import { endAtOnce } from './end-at-once.ts';

export type SshServerKind = 'ssh2' | 'openssh';

/** The kinds that this machine has. */
export const sshServerKinds: readonly SshServerKind[] = sshdPath ? ['ssh2', 'openssh'] : ['ssh2'];

export type TestSshServer = {
  kind: SshServerKind;
  host: string;
  /** Of the proxy in front of the server, by which faults are made. */
  port: number;
  /** The one user that may sign in: who runs the tests. */
  user: string;
  /** In OpenSSH's form; accepted from the start. */
  privateKey: string;
  /** The same key as a line of `authorized_keys`. */
  publicKey: string;
  /** A folder of its own, in which commands start and which they take for the home: no test sees the user's own. */
  home: string;
  /** As `ssh-keygen -l` prints it: `SHA256:` and unpadded base64. */
  hostKeyFingerprint(): string;
  /** TCP connections opened so far, and those that are open now. */
  connections(): { opened: number; open: number };
  /** Cuts every open connection with a reset, on both of its sides. New ones are taken. */
  drop(): void;
  /** Forwards nothing in either direction and closes nothing, until `thaw`; new connections hang as well. */
  freeze(): void;
  thaw(): void;
  /** Cuts every connection and goes on at the same port with another host key. */
  replaceHostKey(): Promise<void>;
  /**
   * Kills everything that runs there and cuts every connection, as the machine's power does; it is up again at once.
   * `alsoEnd` ends what cannot be known here, since it has cleared its environment.
   */
  crash(alsoEnd: () => Promise<void>): Promise<void>;
  /** From now on this key may sign in too. */
  acceptKey(publicKeyLine: string): Promise<void>;
  /** From now on no key may sign in; who has signed in stays. */
  refuseKeys(): Promise<void>;
  /** Ends it and everything that it still runs. Safe to call twice. */
  stop(): Promise<void>;
};

const starters: Record<SshServerKind, StartInnerSshServer> = {
  ssh2: startSsh2Server,
  openssh: startOpenSshServer,
};

/**
 * Starts a real SSH server on 127.0.0.1, behind a proxy that makes faults. It runs commands as the user who runs
 * the tests and does not kill them when their connection is lost. All of it, its commands included, dies with this
 * process.
 */
export async function startSshServer(kind: SshServerKind): Promise<TestSshServer> {
  endAtOnce();
  const user = userInfo().username;
  const processes = markProcesses();
  const { home, folder, removeFolders } = await makeFolders();
  const clientKey = keyPair(undefined, 'test');
  let authorizedKeys = [clientKey.publicKey];
  let hostKey = keyPair(undefined, 'host');
  const startInner = () => starters[kind]({ hostKey, user, authorizedKeys, home, folder, processes });
  const cleanUp = () => processes.endAll().finally(removeFolders);

  let inner: InnerSshServer;
  try {
    inner = await startInner();
  } catch (error) {
    await cleanUp();
    throw error;
  }
  const proxy = await startTcpProxy(() => inner.port);
  const authorize = (lines: string[]) => {
    authorizedKeys = lines;
    return inner.authorize(lines);
  };
  const stopAll = async () => {
    await proxy.stop();
    await inner.stop().finally(cleanUp);
  };
  let stopped: Promise<void> | undefined;

  return {
    kind,
    host: '127.0.0.1',
    port: proxy.port,
    user,
    privateKey: clientKey.privateKey,
    publicKey: clientKey.publicKey,
    home,
    hostKeyFingerprint: () => fingerprint(hostKey.publicKey),
    connections: proxy.connections,
    drop: proxy.drop,
    freeze: proxy.freeze,
    thaw: proxy.thaw,
    replaceHostKey: async () => {
      const before = inner;
      hostKey = keyPair(undefined, 'host');
      inner = await startInner();
      proxy.drop();
      await before.stop();
    },
    crash: async (alsoEnd) => {
      const before = inner;
      proxy.drop();
      // Whoever connects before it is up again waits.
      proxy.freeze();
      await processes.killAll();
      await alsoEnd();
      await before.stop();
      inner = await startInner();
      proxy.thaw();
    },
    acceptKey: (line) => authorize([...authorizedKeys, line]),
    refuseKeys: () => authorize([]),
    stop: () => (stopped ??= stopAll()),
  };
}

async function makeFolders(): Promise<{ home: string; folder: string; removeFolders(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'hookline-ssh-'));
  const letStay = onceWeAreGone('rm -rf "$1"', folder);
  const home = join(folder, 'home');
  await mkdir(home);
  // sshd starts a command where the password file says that the home is; bash, started by sshd, reads this first.
  await writeFile(join(home, '.bashrc'), 'cd\n');
  const removeFolders = async () => {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    letStay();
  };
  return { home, folder, removeFolders };
}

function fingerprint(publicKey: string): string {
  const [, blob = ''] = publicKey.split(' ');
  const hash = createHash('sha256').update(Buffer.from(blob, 'base64')).digest('base64');
  return `SHA256:${hash.replace(/=+$/, '')}`;
}
