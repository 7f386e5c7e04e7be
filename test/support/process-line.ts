import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { createInterface } from 'node:readline';

export type ProcessLine = {
  /** A line for a bash script: from there on its file descriptor 3 leads here. */
  open: string;
  /** The next line that the process says; undefined once it and all that inherited its end have ended. */
  heard(): Promise<string | undefined>;
  say(text: string): Promise<void>;
  stop(): Promise<void>;
};

/** A way to talk with one process besides its standard streams, for tests that take those away from it. */
export async function startProcessLine(): Promise<ProcessLine> {
  const server = createServer();
  const caller = Promise.withResolvers<Socket>();
  server.once('connection', (socket) => caller.resolve(socket.on('error', () => {})));
  const lines = caller.promise.then((input) => createInterface({ input })[Symbol.asyncIterator]());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    open: `exec 3<>/dev/tcp/127.0.0.1/${port}`,
    heard: async () => {
      const line = await (await lines).next();
      return line.done ? undefined : line.value;
    },
    say: async (text) => {
      (await caller.promise).write(`${text}\n`);
    },
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      void caller.promise.then((socket) => socket.destroy());
      await closed;
    },
  };
}
