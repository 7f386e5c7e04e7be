import type { Clock } from '../../platform/clock.ts';
import type { Executor } from './executor.ts';
import { runSupervised } from './run-supervised.ts';
import type { SshConnections } from './ssh-connections.ts';
import type { SshServer } from './ssh-sign-in.ts';
import type { SupervisorTimes } from './supervisor.ts';

/** Runs steps on a server, as the user that Hookline signs in as, or through sudo as another. */
export function createSshExecutor(context: {
  connections: SshConnections;
  server: SshServer;
  clock: Clock;
  times?: SupervisorTimes;
}): Executor {
  const { connections, server, clock, times } = context;
  return {
    run: (given) => {
      const { keepSiblingsDays = null, runAsUser } = given;
      // To look through all of them takes longer than to start most steps.
      const isDue = keepSiblingsDays !== null && connections.tidiesNow(server, runAsUser);
      const step = { ...given, keepSiblingsDays: isDue ? keepSiblingsDays : null };
      return runSupervised(step, {
        clock,
        times,
        open: (command) => connections.open(server, command),
        lost: () =>
          `the connection to ${server.hostname} was lost (${connections.whyLost(server)}). What ran there ends within 15 seconds of that by itself.`,
      });
    },
  };
}
