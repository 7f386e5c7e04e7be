import ssh2, { type Client } from 'ssh2';
import type { Clock } from '../../platform/clock.ts';
import { TargetUnusable } from './executor.ts';
import { execute } from './ssh-channel.ts';
import { signIn, type SshServer } from './ssh-sign-in.ts';
import { createSupervisor, type Supervisor } from './supervised.ts';
import { supervisorCode, supervisorCommand, supervisorTimes, type SupervisorTimes } from './supervisor.ts';

export type SshConnections = {
  /**
   * A supervisor on a server that runs one step, as a user through sudo or, where that is empty, as who signs in; then
   * give it back. Throws TargetUnusable with a sentence that says why there is none.
   */
  take(server: SshServer, as: { user: string; times?: SupervisorTimes }): Promise<Supervisor>;
  giveBack(supervisor: Supervisor): void;
  /** Signs in and out again. Throws like `take`. */
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
/** What a user may do, and what it is allowed to sudo, may change meanwhile. */
const longestKeptMs = 600_000;

/**
 * Keeps connections to servers open for the next step, with the supervisors that run there, each for `idleMs` after the
 * last. `pin` stores the host key of a server that has none yet and returns the one that it has then.
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
  const inUse = new Map<Supervisor, { connection: Connection; kept: Kept }>();

  const connect = (server: SshServer, key: string): Connection => {
    const connection: Connection = {
      sessions: 0,
      steps: 0,
      kept: [],
      isUsable: true,
      idle: new AbortController(),
      client: new ssh2.Client(),
      ready: Promise.resolve(),
    };
    const list = connections.get(key) ?? [];
    connections.set(key, [...list, connection]);
    const end = (why: string) => {
      if (connection.isUsable || connection.steps > 0) lost.set(server.id, why);
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
    connection.steps--;
    if (connection.steps > 0) return;
    connection.idle = new AbortController();
    const { signal } = connection.idle;
    if (connection.isUsable) await clock.sleep(timeouts.idleMs, signal);
    if (signal.aborted || connection.steps > 0) return;
    connection.isUsable = false;
    hangUp(connection.client, clock);
  };

  const take = async (
    server: SshServer,
    as: { user: string; times: SupervisorTimes },
    isSecondTry = false,
  ): Promise<Supervisor> => {
    const key = JSON.stringify([
      server.id,
      server.host,
      server.port,
      server.user,
      server.privateKey,
      server.hostKey,
    ]);
    const kind = JSON.stringify(as);
    // Where one has failed, another one may too.
    const usable = isSecondTry ? [] : (connections.get(key) ?? []).filter((one) => one.isUsable);
    const known =
      usable.find(({ kept }) => kept.some((one) => one.kind === kind)) ??
      usable.find(({ sessions }) => sessions < mostSessions);
    const connection = known ?? connect(server, key);
    const found = connection.kept.findLastIndex((one) => one.kind === kind);
    const [kept] = found < 0 ? [] : connection.kept.splice(found, 1);
    connection.steps++;
    connection.idle.abort();
    try {
      if (!kept) return await start(server, connection, { ...as, kind });
      if (await answersInTime(kept.supervisor)) return taken(connection, kept);
      kept.supervisor.close();
      throw new Error('it does not answer');
    } catch (error) {
      void release(connection);
      // One that was idle may have died unnoticed, or take fewer sessions than most do.
      if (known && !(error instanceof TargetUnusable)) {
        connection.isUsable = false;
        return await take(server, as, true);
      }
      if (error instanceof TargetUnusable) throw error;
      throw new TargetUnusable(`${server.hostname} cannot run it: ${(error as Error).message}.`, {
        cause: error,
      });
    }
  };

  const start = async (
    server: SshServer,
    connection: Connection,
    { user, times, kind }: { user: string; times: SupervisorTimes; kind: string },
  ): Promise<Supervisor> => {
    connection.sessions++;
    try {
      await connection.ready;
      const command = supervisorCommand(user, supervisorCode(times));
      const channel = await execute(connection.client, command, {
        clock,
        timeoutMs: timeouts.connectMs,
        onClose: () => connection.sessions--,
        onSilent: () => {
          lost.set(server.id, 'it does not answer');
          connection.isUsable = false;
        },
      });
      const supervisor = createSupervisor(channel, times);
      return taken(connection, { supervisor, kind, since: clock.elapsed() });
    } catch (error) {
      connection.sessions--;
      throw error;
    }
  };

  /** Before it is told of the step: afterwards nobody could say whether that has begun there. */
  const answersInTime = async (supervisor: Supervisor): Promise<boolean> => {
    const answered = new AbortController();
    const late = new AbortController();
    void clock.sleep(timeouts.connectMs, answered.signal).then(() => late.abort());
    return await supervisor.answers(late.signal).finally(() => answered.abort());
  };

  const taken = (connection: Connection, kept: Kept): Supervisor => {
    inUse.set(kept.supervisor, { connection, kept });
    return kept.supervisor;
  };

  const giveBack = (supervisor: Supervisor): void => {
    const use = inUse.get(supervisor);
    if (!use) return;
    inUse.delete(supervisor);
    const { connection, kept } = use;
    const isYoung = clock.elapsed() - kept.since < longestKeptMs;
    if (supervisor.isFree() && connection.isUsable && isYoung) connection.kept.push(kept);
    else supervisor.close();
    void release(connection);
  };

  return {
    take: (server, { user, times = supervisorTimes }) => take(server, { user, times }),
    giveBack,
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
  /** Supervisors that run there, the idle ones too. */
  sessions: number;
  steps: number;
  /** The supervisors that are idle, the last used one last. */
  kept: Kept[];
  isUsable: boolean;
  /** Aborted when it is used again, or gone. */
  idle: AbortController;
};

type Kept = {
  supervisor: Supervisor;
  /** What it can be used for. */
  kind: string;
  /** When it was started, in ms of `clock.elapsed`. */
  since: number;
};

/** Says goodbye, and does not wait long for an answer. */
function hangUp(client: Client, clock: Clock): void {
  const closed = new AbortController();
  client.once('close', () => closed.abort());
  client.end();
  void clock.sleep(closeMs, closed.signal).then(() => client.destroy());
}
