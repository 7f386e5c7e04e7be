import type { Logger } from 'pino';
import type { Bus } from '../platform/bus.ts';
import type { Clock } from '../platform/clock.ts';
import type { Connection } from '../platform/database/connect.ts';
import { startWorkerLoop, type WorkerLoop } from '../platform/worker-loop.ts';
import { advanceRecoveries } from './recover.ts';

const pollMs = 1000;

/** Feeds the deliveries of the recoveries under way to the delivery worker, bit by bit. */
export function startRecoveryWorker(context: {
  connection: Connection;
  clock: Clock;
  bus: Bus;
  log: Logger;
}): WorkerLoop {
  const { connection, clock, bus, log } = context;
  return startWorkerLoop({
    name: 'recoveries',
    topic: 'recoveries',
    pollMs,
    bus,
    clock,
    log,
    turn: async () => {
      const tookAny = await advanceRecoveries(connection, {
        now: clock.now(),
        onFault: (error, recovery) => log.error({ err: error, recovery }, 'a recovery could not go on'),
      });
      if (tookAny) bus.publish('deliveries');
      // What was taken up is sent in well under a second by a receiver that is quick.
      return tookAny ? clock.now() + 100 : null;
    },
  });
}
