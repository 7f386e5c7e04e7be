import { setTimeout as delay } from 'node:timers/promises';
import { until } from './api-client.ts';
import type { DatabaseKind } from './database.ts';
import type { State } from './recovery-states.ts';
import type { Fault } from './recovery-table.ts';
import type { Ran, World } from './recovery-world.ts';

/** So that the lease of 15 s lasts 3.75 s, which a busy machine still renews in time. */
const fast = 4;

const minuteMs = 60_000;
/** Shorter than the lease. */
const blinkMs = 2000;
/** Longer than the lease. */
const suspendedMs = 20_000;

const nodeEnded = ({ is }: State): RegExp =>
  is === 'cancelled'
    ? /^Cancelled by [^.]+\. The node that ran it ended, or was cut off, before it was done\./
    : /^The node that ran it ended, or was cut off, before it was done\. It was not run again/;

const onlyOverSsh = ({ on }: State): RegExp | null =>
  on === 'ssh'
    ? /^Step \d on \S+: the connection to \S+ was lost \(.+\)\. What ran there ends within 15 seconds/
    : null;

const nothing = () => null;

/** As the machine's power does: the server first, lest it sees its children die. */
async function killMachine(world: World): Promise<void> {
  await world.node.kill9();
  await killSteps(world, () => true);
}

async function killSteps(world: World, which: (one: Ran) => boolean): Promise<void> {
  const ids = new Set((await world.ran()).filter(which).map(({ actionId }) => actionId));
  for (const id of ids) {
    for (const pid of await world.processesOf(id)) kill(pid);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Ended meanwhile.
  }
}

/** Until the first node has seen that it was cut off. */
async function untilNoticed(world: World): Promise<void> {
  const { output } = world.node;
  await until(async () => /ending what this node runs/.test(output()), 'the node to notice');
}

const both: readonly DatabaseKind[] = ['sqlite', 'postgres'];

const workerFaults: readonly Fault[] = both.flatMap((kind): Fault[] => [
  {
    name: `a worker that was killed and started again (${kind})`,
    kind,
    factor: kind === 'sqlite' ? 1 : fast,
    ends: nodeEnded,
    async make(world) {
      await world.node.kill9();
      await world.start('again');
    },
  },
  {
    name: `a machine that was started again (${kind})`,
    kind,
    factor: kind === 'sqlite' ? 1 : fast,
    ends: nodeEnded,
    async make(world) {
      await killMachine(world);
      await world.start('again');
    },
  },
]);

const takeovers: readonly Fault[] = [
  {
    name: 'a worker that was killed, and another node there',
    kind: 'postgres',
    factor: fast,
    ends: nodeEnded,
    async make(world) {
      await world.node.kill9();
      await world.start('another');
    },
  },
  {
    name: 'a suspended machine, and another node there',
    kind: 'postgres',
    factor: fast,
    ends: nodeEnded,
    // A supervisor on a server counts the real seconds without a sign of life, while the lease is over in a quarter of its time.
    lingersMs: 20_000,
    async make(world) {
      const { pid, output } = world.node;
      process.kill(pid, 'SIGSTOP');
      await world.start('another');
      world.back = async () => {
        process.kill(pid, 'SIGCONT');
        await until(async () => /ending what this node runs/.test(output()), 'it to notice');
      };
    },
    afterwards: (world) => world.back(),
  },
  {
    name: 'a database that one node cannot reach, and another there',
    kind: 'postgres',
    factor: fast,
    ends: nodeEnded,
    async make(world) {
      world.proxy!.refuse();
      await world.start('another');
      world.back = async () => world.proxy!.accept();
    },
    afterwards: (world) => world.back(),
  },
];

const outages: readonly Fault[] = [
  {
    name: 'a database that refuses for a minute',
    kind: 'postgres',
    factor: fast,
    ends: nodeEnded,
    async make(world) {
      world.proxy!.refuse();
      await delay(minuteMs / fast);
      await untilNoticed(world);
      world.proxy!.accept();
    },
  },
  {
    name: 'a database that does not answer for a minute, and then has forgotten every connection',
    kind: 'postgres',
    factor: fast,
    ends: nodeEnded,
    async make(world) {
      world.proxy!.freeze();
      await delay(minuteMs / fast);
      await untilNoticed(world);
      world.proxy!.forget();
    },
  },
];

/** After which everything goes on. */
const blinks: readonly Fault[] = [
  {
    name: 'a database that refuses for two seconds',
    kind: 'postgres',
    factor: 1,
    ends: nothing,
    async make(world) {
      world.proxy!.refuse();
      await delay(blinkMs);
      world.proxy!.accept();
    },
  },
  {
    name: 'a database that does not answer for two seconds',
    kind: 'postgres',
    factor: 1,
    ends: nothing,
    async make(world) {
      world.proxy!.freeze();
      await delay(blinkMs);
      world.proxy!.thaw();
    },
  },
  {
    name: 'a suspended machine (sqlite)',
    kind: 'sqlite',
    factor: fast,
    ends: nothing,
    async make({ node: { pid } }) {
      process.kill(pid, 'SIGSTOP');
      await delay(suspendedMs / fast);
      process.kill(pid, 'SIGCONT');
    },
  },
];

const sshFaults: readonly Fault[] = [
  {
    name: 'connections to servers that are reset',
    kind: 'sqlite',
    factor: fast,
    ends: onlyOverSsh,
    lingersMs: 15_000,
    async make({ ssh }) {
      ssh.drop();
    },
  },
  {
    name: 'servers that crash and are up again',
    kind: 'sqlite',
    factor: fast,
    ends: onlyOverSsh,
    lingersMs: 15_000,
    make: (world) => world.ssh.crash(() => killSteps(world, ({ target }) => target !== 'local')),
  },
];

export const faults = { workerFaults, takeovers, outages, blinks, sshFaults };
