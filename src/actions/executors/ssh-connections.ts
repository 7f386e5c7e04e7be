import ssh2, { type Client } from 'ssh2';
import type { Clock } from '../../platform/clock.ts';
import { TargetUnusable } from './executor.ts';
import type { Channel } from './run-supervised.ts';
import { execute } from './ssh-channel.ts';
import { signIn, type SshServer } from './ssh-sign-in.ts';

export type SshConnections = {
  /** Starts a command on a server. Throws TargetUnusable with a sentence that says why it cannot. */
  open(server: SshServer, command: string): Promise<Channel>;
  /** Signs in and out again. Throws like `open`. */
  test(server: SshServer): Promise<void>;
  /** Why the last connection to a server ended that was not ended here. */
  whyLost(server: SshServer): string;
  /** Whether old folders of a user are to be removed there: true for the first who asks, and then once in an hour. */
  tidiesNow(server: SshServer, user: string): boolean;
  stop(): Promise<void>;
};

/** OpenSSH takes ten sessions over one connection unless it is told otherwise. */
const mostSessions = 8;
const tidyMs = 3_600_000;

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
  const tidiedAt = new Map<string, number>();

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
    tidiesNow({ id }, user) {
      const key = `${id} ${user}`;
      const now = clock.elapsed();
      if (now - (tidiedAt.get(key) ?? -Infinity) < tidyMs) return false;
      tidiedAt.set(key, now);
      return true;
    },
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
/** How long the server may take to answer when the connection is given up. */
const closeMs = 5000;

type Connection = {
  client: Client;
  ready: Promise<void>;
  sessions: number;
  isUsable: boolean;
  /** Aborted when it is used again, or gone. */
  idle: AbortController;
};

/** Says goodbye, and does not wait long for an answer. */
function hangUp(client: Client, clock: Clock): void {
  const closed = new AbortController();
  client.once('close', () => closed.abort());
  client.end();
  void clock.sleep(closeMs, closed.signal).then(() => client.destroy());
}
