import type { IncomingHttpHeaders } from 'node:http';

/** A new connection costs about as much as reading this much of a body that nobody wants. */
const mostBytes = 65_536;

/**
 * Whether to read the body of a request that is answered without it, and keep the connection; else the connection is
 * closed with the answer.
 */
export function isWorthReading(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) <= mostBytes;
}
