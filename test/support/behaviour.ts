import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** How a receiver treats one request, after having read all of it. */
export type Behaviour =
  | {
      kind: 'answer';
      status: number;
      headers?: Record<string, string>;
      body?: string;
      delayMs?: number;
      /** Not before this has happened. */
      after?: Promise<unknown>;
    }
  /** Never answers; the connection stays open. */
  | { kind: 'hang' }
  /** No answer: the client sees ECONNRESET. */
  | { kind: 'reset' }
  /** Promises all of `body`, sends the first half and closes the connection. */
  | { kind: 'half'; status?: number; headers?: Record<string, string>; body?: string }
  /** Streams `bytes` bytes of body, Infinity for no end, as fast as the client reads. */
  | { kind: 'flood'; bytes: number; status?: number }
  /** Sends the headers at once and then one character of `body` every `everyMs`. */
  | { kind: 'drip'; body: string; everyMs: number; status?: number };

/**
 * Acts out `behaviour` on one response. Settles when there is nothing more to do, which for a client that
 * went away is at once; throws only for a fault of the behaviour itself, such as an invalid header.
 */
export async function act(behaviour: Behaviour, response: ServerResponse, reset: () => void): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  try {
    await perform(behaviour, response, reset, gone.signal);
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  }
}

async function perform(
  behaviour: Behaviour,
  response: ServerResponse,
  reset: () => void,
  gone: AbortSignal,
): Promise<void> {
  switch (behaviour.kind) {
    case 'answer':
      await behaviour.after;
      if (behaviour.delayMs) await delay(behaviour.delayMs, undefined, { signal: gone });
      response.writeHead(behaviour.status, behaviour.headers).end(behaviour.body);
      return;
    case 'hang':
      return;
    case 'reset':
      return reset();
    case 'half': {
      const body = Buffer.from(behaviour.body ?? 'half of this never arrives');
      response.writeHead(behaviour.status ?? 200, { ...behaviour.headers, 'content-length': body.length });
      response.write(body.subarray(0, body.length / 2), () => response.destroy());
      return;
    }
    case 'flood':
      response.writeHead(behaviour.status ?? 200, { 'content-type': 'text/plain' });
      return pipeline(Readable.from(zeros(behaviour.bytes)), response);
    case 'drip':
      response.writeHead(behaviour.status ?? 200, { 'content-type': 'text/plain' }).flushHeaders();
      for (const character of behaviour.body) {
        await delay(behaviour.everyMs, undefined, { signal: gone });
        response.write(character);
      }
      response.end();
      return;
    default:
      throw new Error(`unknown behaviour ${JSON.stringify(behaviour satisfies never)}`);
  }
}

const CHUNK = Buffer.alloc(65_536, '0');

function* zeros(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= CHUNK.length)
    yield CHUNK.subarray(0, Math.min(left, CHUNK.length));
}
