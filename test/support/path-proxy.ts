import { createServer, request } from 'node:http';
import { once } from 'node:events';

export type PathProxy = {
  /** Where `target` is found now, without a slash at the end. */ url: string;
  stop(): Promise<void>;
};

/** A reverse proxy that shows the server at `target` below a path, as in `http://host/tools/hookline`. */
export async function startPathProxy(target: string, path: string): Promise<PathProxy> {
  const server = createServer((incoming, outgoing) => {
    if (!incoming.url?.startsWith(`${path}/`)) return outgoing.writeHead(404).end();
    const { method, headers } = incoming;
    const forwarded = request(
      new URL(incoming.url.slice(path.length), target),
      { method, headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    forwarded.on('error', () => outgoing.destroy());
    incoming.pipe(forwarded);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  const port = typeof bound === 'object' && bound ? bound.port : 0;
  return {
    url: `http://127.0.0.1:${port}${path}`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
