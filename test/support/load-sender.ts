import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { githubHeaders, pushPayload } from './github.ts';

/*
 * The other process of `load.ts`: sends signed requests over a number of connections, each with a delivery id of its
 * own, and writes one line of JSON for each answer. A connection whose request got no answer is not used again.
 */

const [url = '', secret = '', connections = '1', pauseMs = '0'] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) });
const body = pushPayload();

await Promise.all(Array.from({ length: Number(connections) }, () => sendUntilItFails()));

async function sendUntilItFails(): Promise<void> {
  for (;;) {
    const deliveryId = randomUUID();
    try {
      const { status, answer } = await send(deliveryId);
      process.stdout.write(`${JSON.stringify({ deliveryId, status, answer })}\n`);
    } catch {
      return;
    }
    await delay(Number(pauseMs));
  }
}

function send(deliveryId: string): Promise<{ status: number; answer: string }> {
  return new Promise((resolve, reject) => {
    const headers = githubHeaders('push', secret, body, deliveryId);
    const outgoing = request(url, { method: 'POST', agent, headers }, (response) => {
      text(response).then((answer) => resolve({ status: response.statusCode ?? 0, answer }), reject);
    });
    outgoing.on('error', reject).end(body);
  });
}
