import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export type TcpProxy = {
  port: number;
  /** TCP connections taken so far, and those not yet closed. */
  connections(): { opened: number; open: number };
  /** Resets every open connection on both of its sides. New ones are taken. */
  drop(): void;
  /** Forwards no byte, no end and no reset, in either direction, until `thaw`; new connections hang too. */
  freeze(): void;
  thaw(): void;
  /** Thaws for new connections alone: of those that are open nothing is heard again, as after a change of the route. */
  forget(): void;
  /** Resets every open connection, and each new one at once, until `accept`. */
  refuse(): void;
  accept(): void;
  /**
   * Whether a connection is to be reset instead of the answer to what has just gone out on it; asked with everything
   * that its client has sent, piece by piece.
   */
  loseAnswers(isToLose: (sent: Buffer, connection: number) => boolean): void;
  /** Cuts everything, frozen or not. Safe to call twice. */
  stop(): Promise<void>;
};

/** A proxy on a free port of 127.0.0.1 in front of another port there, asked for anew with each connection. */
export async function startTcpProxy(targetPort: () => number): Promise<TcpProxy> {
  const clients = new Set<Socket>();
  const sockets = new Set<Socket>();
  let opened = 0;
  let isRefusing = false;
  let isToLose: (sent: Buffer, connection: number) => boolean = () => false;
  /** Shared by the connections that were made before they were forgotten. */
  let era: { frozen?: PromiseWithResolvers<void> } = {};
  const watch = (socket: Socket) => {
    sockets.add(socket);
    // An error ends both directions below; here it must only not be fatal.
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
  };

  async function serve(client: Socket): Promise<void> {
    const mine = era;
    const passable = async () => {
      while (mine.frozen) await mine.frozen.promise;
    };
    await passable();
    if (client.destroyed) return;
    const upstream = connect({ port: targetPort(), host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    watch(upstream);
    const connection = opened;
    let losing = false;
    const request = async (sent: Buffer) => {
      await passable();
      losing ||= isToLose(sent, connection);
    };
    const answer = async () => {
      await passable();
      if (losing) throw new Error('the answer is lost');
    };
    await Promise.all([forward(client, upstream, request), forward(upstream, client, answer)]);
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    if (isRefusing) {
      client.on('error', () => {}).resetAndDestroy();
      return;
    }
    opened++;
    clients.add(client);
    client.once('close', () => clients.delete(client));
    watch(client);
    void serve(client);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;

  const drop = () => {
    for (const socket of sockets) cut(socket);
  };
  return {
    port,
    connections: () => ({ opened, open: clients.size }),
    drop,
    freeze: () => {
      era.frozen ??= Promise.withResolvers();
    },
    thaw: () => {
      era.frozen?.resolve();
      era.frozen = undefined;
    },
    forget: () => {
      era = {};
    },
    refuse: () => {
      isRefusing = true;
      drop();
    },
    accept: () => {
      isRefusing = false;
    },
    loseAnswers: (next) => {
      isToLose = next;
    },
    stop: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      drop();
      await closed;
    },
  };
}

/** Not `pipe`: that one would go on below a freeze as soon as its destination has room again. */
async function forward(from: Socket, to: Socket, passable: (chunk: Buffer) => Promise<void>): Promise<void> {
  const nothing = Buffer.alloc(0);
  try {
    for await (const chunk of from.iterator({ destroyOnReturn: false })) {
      await passable(chunk);
      if (!to.write(chunk)) await once(to, 'drain');
    }
    await passable(nothing);
    to.end();
  } catch {
    await passable(nothing).catch(() => undefined);
    for (const socket of [from, to]) cut(socket);
  }
}

/** By a reset, unless its end is under way already: Node 26 then sometimes never finishes with it, nor with the process. */
function cut(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
