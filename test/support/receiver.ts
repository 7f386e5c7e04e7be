import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { act } from './behaviour.ts';
import type { Behaviour } from './behaviour.ts';
import { createArrivals } from './arrivals.ts';
import type { WaitFor } from './arrivals.ts';

const TLS_FOLDER = join(import.meta.dirname, 'tls');

/** The CA that a client must trust to reach a receiver with `tls: true`; see tls/README.md. */
export const testCaPath: string = join(TLS_FOLDER, 'ca.pem');

/** A certificate or a key of the folder `tls`, by its name without the ending. */
export const testPem = (name: string): string => readFileSync(join(TLS_FOLDER, `${name}.pem`), 'utf8');

/** What a receiver shows, and of which CA it wants a certificate itself, by their names in the folder `tls`. */
export type ReceiverTls = { certificate: string; clientCa?: string; maxVersion?: 'TLSv1.2' };

export type ReceivedRequest = {
  method: string;
  /** With the query. */
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** As it came. */
  bytes: Buffer;
  /** Throws when the body is not JSON. */
  json(): unknown;
  /** When all of it had arrived, in ms since 1970. */
  at: number;
};

/** Chooses what happens to a request; `index` counts the requests of the receiver from 0. */
export type Behave = (request: ReceivedRequest, index: number) => Behaviour;

export type Receiver = {
  /** `http://127.0.0.1:port` or `https://127.0.0.1:port`, without a slash at the end. */
  url: string;
  port: number;
  /** In order of arrival; grows. */
  requests: readonly ReceivedRequest[];
  /** How many connections there have been. */
  connections(): number;
  waitFor: WaitFor<ReceivedRequest>;
  /** For the requests from now on. */
  setBehaviour(behave: Behave): void;
  /** Stops, destroying open connections; a `waitFor` under way is rejected. Safe to call twice. */
  close(): Promise<void>;
};

const answerOk: Behave = () => ({ kind: 'answer', status: 200 });

/** Starts a real HTTP server on 127.0.0.1 that records what it gets and behaves as told, else answers 200. */
export async function startReceiver(
  options: { tls?: boolean | ReceiverTls; behave?: Behave } = {},
): Promise<Receiver> {
  let behave = options.behave ?? answerOk;
  const arrivals = createArrivals<ReceivedRequest>((request) => `${request.method} ${request.path}`);
  const sockets = new Set<Socket>();

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const received = await read(request);
    const index = arrivals.all.length;
    arrivals.add(received);
    await act(behave(received, index), response, () => reset(request.socket, sockets));
  }
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    handle(request, response).catch((error: unknown) => {
      // A client that leaves in the middle of its request is no fault; a throwing `behave` must be seen.
      if (request.complete) console.error('receiver:', error);
      response.destroy();
    });
  };
  const tls = options.tls === true ? { certificate: 'server' } : options.tls;
  const server = tls ? createTlsServer(tlsOptions(tls), listener) : createServer(listener);
  // With TLS these are the raw sockets below, which a reset needs.
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    requests: arrivals.all,
    connections: () => connections,
    waitFor: arrivals.waitFor,
    setBehaviour: (next) => {
      behave = next;
    },
    close: async () => {
      arrivals.close();
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function read(request: IncomingMessage): Promise<ReceivedRequest> {
  const bytes = await buffer(request);
  const body = bytes.toString('utf8');
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    headers: request.headers,
    body,
    bytes,
    json: () => JSON.parse(body),
    at: Date.now(),
  };
}

// A TLS socket cannot send RST; the TCP socket below it, known by the client's port, can.
function reset(socket: Socket, rawSockets: Iterable<Socket>): void {
  for (const raw of rawSockets) {
    if (raw.remotePort === socket.remotePort) raw.resetAndDestroy();
  }
  socket.destroy();
}

function tlsOptions({ certificate, clientCa, maxVersion }: ReceiverTls): ServerOptions {
  const own = { key: testPem(`${certificate}-key`), cert: testPem(certificate), maxVersion };
  return clientCa === undefined
    ? own
    : { ...own, ca: testPem(clientCa), requestCert: true, rejectUnauthorized: true };
}
