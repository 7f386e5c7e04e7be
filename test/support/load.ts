import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createArrivals } from './arrivals.ts';
import type { AtLeastOne } from './arrivals.ts';
import type { IncomingHook, Receipt } from './fixtures.ts';
import { killWithUs } from './watchdog.ts';

/** What a sender was told: from now on the request must be kept. */
export type Answered = { deliveryId: string; status: number; receipt: Receipt };

export type Load = {
  /** In order of arrival; grows. */
  answered: readonly Answered[];
  waitFor(count: number): Promise<AtLeastOne<Answered>>;
  /** Settles once the server is gone for every connection and each answer it gave has been read. */
  ended: Promise<void>;
};

/** Loads an incoming hook from a process of its own until the server goes away. */
export async function startLoad(options: {
  serverUrl: string;
  hook: IncomingHook;
  connections: number;
  /** Between the answer and the next request of a connection. */
  pauseMs: number;
}): Promise<Load> {
  const { serverUrl, hook, connections, pauseMs } = options;
  const sender = join(import.meta.dirname, 'load-sender.ts');
  const url = `${serverUrl}/api/hooks/${hook.id}/trigger`;
  const child = spawn(process.execPath, [sender, url, hook.secret, String(connections), String(pauseMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child, 'spawn');
  const letGo = killWithUs(child.pid ?? 0);
  const arrivals = createArrivals<Answered>(({ deliveryId, status }) => `${status} to ${deliveryId}`);
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => arrivals.add(read(line)));
  const ended = Promise.all([once(lines, 'close'), once(child, 'exit')]).then(() => {
    letGo();
    arrivals.close();
  });
  return {
    answered: arrivals.all,
    waitFor: (count) => arrivals.waitFor(count, `${count} answers`),
    ended,
  };
}

function read(line: string): Answered {
  // Safe: `load-sender.ts` alone writes these lines, and the server's schema the answers in them.
  const { deliveryId, status, answer } = JSON.parse(line) as {
    deliveryId: string;
    status: number;
    answer: string;
  };
  return { deliveryId, status, receipt: JSON.parse(answer) as Receipt };
}
