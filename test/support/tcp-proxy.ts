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
  /** Cuts everything, frozen or not. Safe to call twice. */
  stop(): Promise<void>;
};

/** A proxy on a free port of 127.0.0.1 in front of another port there, asked for anew with each connection. */
export async function startTcpProxy(targetPort: () => number): Promise<TcpProxy> {
  const clients = new Set<Socket>();
  const sockets = new Set<Socket>();
  let opened = 0;
  let frozen: PromiseWithResolvers<void> | undefined;
  const passable = async () => {
    while (frozen) await frozen.promise;
  };
  const watch = (socket: Socket) => {
    sockets.add(socket);
    // An error ends both directions below; here it must only not be fatal.
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
  };

  async function serve(client: Socket): Promise<void> {
    await passable();
    if (client.destroyed) return;
    const upstream = connect({ port: targetPort(), host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    watch(upstream);
    await Promise.all([forward(client, upstream, passable), forward(upstream, client, passable)]);
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    opened++;
    clients.add(client);
    client.once('close', () => clients.delete(client));
    watch(client);
    void serve(client);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;

  const drop = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port,
    connections: () => ({ opened, open: clients.size }),
    drop,
    freeze: () => {
      frozen ??= Promise.withResolvers();
    },
    thaw: () => {
      frozen?.resolve();
      frozen = undefined;
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
async function forward(from: Socket, to: Socket, passable: () => Promise<void>): Promise<void> {
  try {
    for await (const chunk of from.iterator({ destroyOnReturn: false })) {
      await passable();
      if (!to.write(chunk)) await once(to, 'drain');
    }
    await passable();
    to.end();
  } catch {
    await passable();
    for (const socket of [from, to]) socket.resetAndDestroy();
  }
}
