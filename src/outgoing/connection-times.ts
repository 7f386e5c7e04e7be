import type { Channel } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import type { AttemptTiming } from '../hooks/request-record.ts';

/** How a connection came about, in ms; taken by the first request that uses it. */
type Opening = { dns: number | null; connect: number | null; tls: number | null; address: string };

type Connect = (done: (...result: [Error, null] | [null, Socket]) => void) => Socket | undefined | void;

type Attempt = { sentAt: number; opening: Opening | null; address: string; socket: Socket | null };

/** What undici tells when it writes the head of a request. */
type SendHeaders = { headers: string; socket: Socket };

/**
 * Finds out where the time of each request goes. Connections outlive requests, so each is measured as it opens; undici's
 * channel tells which request goes out on which, known by its `webhook-id`, which no two under way share.
 */
export function startConnectionTimes(sendHeaders: Channel) {
  const openings = new WeakMap<object, Opening>();
  const addresses = new WeakMap<Socket, string>();
  const faults = new WeakMap<Socket, Error>();
  const underWay = new Map<string, Attempt>();

  const onSend = (message: unknown) => {
    // Safe: the documented form of undici's channel.
    const { headers, socket } = message as SendHeaders;
    const at = headers.indexOf('\r\nwebhook-id: ');
    if (at < 0) return;
    const id = headers.slice(at + 14, headers.indexOf('\r\n', at + 14));
    const attempt = underWay.get(id);
    if (!attempt) return;
    attempt.sentAt = performance.now();
    attempt.socket = socket;
    attempt.opening = openings.get(socket) ?? null;
    attempt.address = addresses.get(socket) ?? '';
    openings.delete(socket);
  };
  sendHeaders.subscribe(onSend);

  return {
    /** Opens a connection with `connect`, measured. */
    watch(connect: Connect, callback: Parameters<Connect>[0]): void {
      const begunAt = performance.now();
      const opening: Opening = { dns: null, connect: null, tls: null, address: '' };
      let lookedUpAt = begunAt;
      let connectedAt = begunAt;
      const opened = connect((error, socket) => {
        openings.set(error ?? socket, opening);
        if (error) return callback(error, null);
        addresses.set(socket, opening.address);
        callback(null, socket);
      });
      opened?.once('error', (error) => faults.set(opened, error));
      // Before undici's own listeners, which send the request at once.
      opened?.prependOnceListener('lookup', (error, address) => {
        lookedUpAt = performance.now();
        opening.dns = lookedUpAt - begunAt;
        if (!error) opening.address = address;
      });
      opened?.prependOnceListener('connect', () => {
        connectedAt = performance.now();
        opening.connect = connectedAt - lookedUpAt;
        opening.address = opened.remoteAddress ?? opening.address;
      });
      opened?.prependOnceListener('secureConnect', () => {
        opening.tls = performance.now() - connectedAt;
      });
    },

    begin(id: string) {
      const begunAt = performance.now();
      const attempt: Attempt = { sentAt: 0, opening: null, address: '', socket: null };
      let answeredAt: number | null = null;
      underWay.set(id, attempt);
      return {
        answered() {
          answeredAt = performance.now();
        },
        /**
         * What first went wrong with the connection that the request went out on. A receiver that refuses a certificate
         * sends its alert after the handshake of TLS 1.3, and undici then tells of the close that follows it.
         */
        fault: (): Error | undefined => (attempt.socket ? faults.get(attempt.socket) : undefined),
        /** Must be called once, with the error when there was one. */
        end(error?: unknown): { timing: AttemptTiming; address: string } {
          underWay.delete(id);
          const failed = typeof error === 'object' && error !== null ? openings.get(error) : undefined;
          const opening = attempt.opening ?? failed ?? null;
          return {
            address: attempt.address || (opening?.address ?? ''),
            timing: {
              dns_ms: rounded(opening?.dns),
              connect_ms: rounded(opening?.connect),
              tls_ms: rounded(opening?.tls),
              first_byte_ms: answeredAt === null ? null : rounded(answeredAt - attempt.sentAt),
              total_ms: rounded(performance.now() - begunAt) ?? 0,
              connection_reused: attempt.sentAt > 0 && opening === null,
            },
          };
        },
      };
    },

    stop: () => void sendHeaders.unsubscribe(onSend),
  };
}

/** To hundredths of a millisecond. */
function rounded(ms: number | null | undefined): number | null {
  return ms === null || ms === undefined ? null : Math.round(ms * 100) / 100;
}
