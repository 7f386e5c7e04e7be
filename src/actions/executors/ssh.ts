import type { Clock } from '../../platform/clock.ts';
import { unlessAborted } from '../../platform/unless-aborted.ts';
import type { Executor } from './executor.ts';
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
    async run(given) {
      const { keepSiblingsDays = null, runAsUser, signal } = given;
      if (signal.aborted) return { kind: 'cancelled' };
      // To look through all of them takes longer than to start most steps.
      const isDue = keepSiblingsDays !== null && connections.tidiesNow(server, runAsUser);
      const step = { ...given, keepSiblingsDays: isDue ? keepSiblingsDays : null };
      const lost = () =>
        `the connection to ${server.hostname} was lost (${connections.whyLost(server)}). What ran there ends within 15 seconds of that by itself.`;

      const taking = connections.take(server, { user: runAsUser, times });
      const supervisor = await unlessAborted(taking, signal);
      if (!supervisor) {
        // To connect may take as long as a server takes to answer; nobody who cancels waits for that.
        taking.then(connections.giveBack, () => undefined);
        return { kind: 'cancelled' };
      }
      return await supervisor.run(step, { clock, lost }).finally(() => connections.giveBack(supervisor));
    },
  };
}
