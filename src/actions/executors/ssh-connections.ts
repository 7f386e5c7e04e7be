import { constants } from 'node:os';
import ssh2, { type Client, type ClientChannel, type ConnectConfig, type ServerHostKeyAlgorithm } from 'ssh2';
import type { Clock } from '../../platform/clock.ts';
import { hostKeyFingerprint, hostKeyText } from '../../platform/ssh-host-key.ts';
import { TargetUnusable } from './executor.ts';
import type { Channel } from './run-supervised.ts';

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

export type SshConnections = {
  /** Starts a command on a server. Throws TargetUnusable with a sentence that says why it cannot. */
  open(server: SshServer, command: string): Promise<Channel>;
  /** Signs in and out again. Throws like `open`. */
  test(server: SshServer): Promise<void>;
  /** Why the last connection to a server ended that was not ended here. */
  whyLost(server: SshServer): string;
  stop(): Promise<void>;
};

/** OpenSSH takes ten sessions over one connection unless it is told otherwise. */
const mostSessions = 8;

/**
 * Keeps connections to servers open for the next step, each for `idleMs` after the last. `pin` stores the host key of
 * a server that has none yet and returns the one that it has then.
 */
export function createSshConnections(context: {
  clock: Clock;
  pin: (serverId: number, hostKey: string) => Promise<string | null>;
  timeouts?: Partial<Timeouts>;
}): SshConnections {
  const { clock } = context;
  const timeouts: Timeouts = { ...defaultTimeouts, ...context.timeouts };
  const connections = new Map<string, Connection[]>();
  const lost = new Map<number, string>();

  const connect = (server: SshServer, key: string): Connection => {
    const connection: Connection = {
      sessions: 0,
      isUsable: true,
      idle: new AbortController(),
      client: new ssh2.Client(),
      ready: Promise.resolve(),
    };
    const list = connections.get(key) ?? [];
    connections.set(key, [...list, connection]);
    const end = (why: string) => {
      if (connection.isUsable || connection.sessions > 0) lost.set(server.id, why);
      connection.isUsable = false;
      connection.idle.abort();
      const others = (connections.get(key) ?? []).filter((one) => one !== connection);
      if (others.length > 0) connections.set(key, others);
      else connections.delete(key);
    };
    connection.ready = signIn(connection.client, server, { pin: context.pin, timeouts, onEnd: end });
    connection.ready.catch(() => {
      connection.isUsable = false;
      connection.client.destroy();
    });
    return connection;
  };

  const release = async (connection: Connection) => {
    connection.sessions--;
    if (connection.sessions > 0) return;
    connection.idle = new AbortController();
    const { signal } = connection.idle;
    if (connection.isUsable) await clock.sleep(timeouts.idleMs, signal);
    if (signal.aborted || connection.sessions > 0) return;
    connection.isUsable = false;
    hangUp(connection.client, clock);
  };

  const open = async (server: SshServer, command: string, isSecondTry = false): Promise<Channel> => {
    const key = JSON.stringify([
      server.id,
      server.host,
      server.port,
      server.user,
      server.privateKey,
      server.hostKey,
    ]);
    const usable = (connections.get(key) ?? []).find((one) => one.isUsable && one.sessions < mostSessions);
    const connection = usable ?? connect(server, key);
    connection.sessions++;
    connection.idle.abort();
    try {
      await connection.ready;
      return await execute(connection.client, command, {
        clock,
        timeoutMs: timeouts.connectMs,
        onClose: () => void release(connection),
        onSilent: () => {
          lost.set(server.id, 'it does not answer');
          connection.isUsable = false;
        },
      });
    } catch (error) {
      void release(connection);
      // One that was idle may have died unnoticed, or take fewer sessions than most do.
      if (usable && !isSecondTry && !(error instanceof TargetUnusable)) {
        connection.isUsable = false;
        return await open(server, command, true);
      }
      if (error instanceof TargetUnusable) throw error;
      throw new TargetUnusable(`${server.hostname} cannot run it: ${(error as Error).message}.`, {
        cause: error,
      });
    }
  };

  return {
    open: (server, command) => open(server, command),
    async test(server) {
      const client = new ssh2.Client();
      try {
        await signIn(client, server, { pin: context.pin, timeouts, onEnd: () => undefined });
      } finally {
        hangUp(client, clock);
      }
    },
    whyLost: ({ id }) => lost.get(id) ?? 'it was closed',
    async stop() {
      for (const connection of [...connections.values()].flat()) {
        connection.isUsable = false;
        connection.idle.abort();
        connection.client.destroy();
      }
    },
  };
}

type Timeouts = { connectMs: number; idleMs: number; keepAliveMs: number };

const defaultTimeouts: Timeouts = { connectMs: 15_000, idleMs: 60_000, keepAliveMs: 5000 };
/** How long the server may take to answer when a command or the connection is given up. */
const closeMs = 5000;
/** A server may send 2 MB that are not asked for; that is what the library allows it. */
const mostUnreadBytes = 8 * 1024 * 1024;
/** A server may say what it likes where it says why it ends a connection. */
const mostReasonCharacters = 300;
/** A connection that has answered so many signs of life with nothing is lost. */
const keepAlives = 3;

type Connection = {
  client: Client;
  ready: Promise<void>;
  sessions: number;
  isUsable: boolean;
  /** Aborted when it is used again, or gone. */
  idle: AbortController;
};

async function signIn(
  client: Client,
  server: SshServer,
  {
    pin,
    timeouts,
    onEnd,
  }: {
    pin: (serverId: number, hostKey: string) => Promise<string | null>;
    timeouts: Timeouts;
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

/** Says goodbye, and does not wait long for an answer. */
function hangUp(client: Client, clock: Clock): void {
  const closed = new AbortController();
  client.once('close', () => closed.abort());
  client.end();
  void clock.sleep(closeMs, closed.signal).then(() => client.destroy());
}

type ChannelContext = {
  clock: Clock;
  /** How long the server may take to start the command. */
  timeoutMs: number;
  onClose: () => void;
  /** It does not do what it is asked for. */
  onSilent: () => void;
};

async function execute(client: Client, command: string, context: ChannelContext): Promise<Channel> {
  const answered = new AbortController();
  const answer = new Promise<Channel>((resolve, reject) => {
    // The callback does not come when the connection ends first.
    const onLost = () => reject(new Error('the connection was closed'));
    client.once('close', onLost);
    void context.clock.sleep(context.timeoutMs, answered.signal).then(() => {
      if (answered.signal.aborted) return;
      context.onSilent();
      reject(new Error('it does not start a shell in time'));
    });
    try {
      client.exec(command, (error, stream) => {
        client.off('close', onLost);
        if (error) return reject(error);
        // Too late: whoever wanted it has gone.
        if (answered.signal.aborted) return stream.close();
        stream.once('close', context.onClose);
        // At once: a moment later its end may have been told already.
        resolve(asChannel(client, stream, context));
      });
    } catch (error) {
      client.off('close', onLost);
      reject(error as Error);
    }
  });
  return await answer.finally(() => answered.abort());
}

function asChannel(client: Client, stream: ClientChannel, { clock, onSilent }: ChannelContext): Channel {
  const closed = new AbortController();
  const ended = new Promise<{ code: number } | null>((resolve) => {
    stream.once('exit', (code: number | null, signal?: string) =>
      resolve({ code: code ?? 128 + signalNumber(signal) }),
    );
    stream.once('close', () => {
      closed.abort();
      resolve(null);
    });
  });
  const push = stream.push.bind(stream);
  stream.push = (chunk, encoding) => {
    if (chunk === null || stream.readableLength <= mostUnreadBytes) return push(chunk, encoding);
    // The library does not mind when a server sends more than it may; without this it would all be kept.
    client.emit('error', new Error('it sends more than it was allowed to'));
    client.destroy();
    return false;
  };
  const close = () => {
    stream.close();
    if (closed.signal.aborted) return;
    void clock.sleep(closeMs, closed.signal).then(() => {
      if (closed.signal.aborted) return;
      // The library tells an end only when the server does; nobody waits for one that does not.
      onSilent();
      stream.emit('close');
    });
  };
  return { stdin: stream, stdout: stream, stderr: stream.stderr, ended, close };
}

function signalNumber(name: string | undefined): number {
  const numbers: Record<string, number | undefined> = constants.signals;
  return numbers[name ?? ''] ?? numbers[`SIG${name}`] ?? 0;
}
